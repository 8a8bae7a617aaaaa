/** Writes the acknowledgement that an interchange is owed: TA1 for the envelope, 999 (005010X231A1) for the transaction, naming the segment and element at fault. */
import { randomInt } from 'node:crypto'
import type { Fault, Verdict } from '../../contracts.js'
import { type Body, elementOf, indexesOf, type Segment } from './body.js'
import { isBlank, type Opening, tolerantOpening } from './separators.js'
import { at999, groupCode, interchangeCode, isOfInterchange } from './fault-codes.js'

export interface Acknowledging { now(): Date }

const MOST = 100_000 // segments that are looked at: an acknowledgement is never as long as what it answers

/**
 * The answer owed, or null. Once stored, a TA1 where ISA-14 asks for one or the envelope is at fault; once done with, a 999 for what the group holds, or that TA1 where there is no
 * group. `error` is no answer of X12: the sender that hears nothing sends again. Acknowledgements (TA1 alone, groups FA) are never answered.
 */
export const acknowledge = (bytes: Buffer, moment: 'stored' | 'done', verdict: Verdict, fault: Fault | undefined, { now }: Acknowledging): Buffer | null => {
  const text = bytes.toString('latin1')
  const opening = tolerantOpening(text)
  if (!opening || verdict === 'error') return null
  const body: Body = { separators: opening.separators, before: '', segments: tolerantSegments(text, opening) }
  const group = body.segments[indexesOf(body, 'GS')[0] ?? -1]
  if (elementOf(group, 1, body.separators) === 'FA' || (!group && indexesOf(body, 'TA1').length > 0)) return null
  const ofEnvelope = verdict === 'rejected' && (!group || isOfInterchange(fault))
  if (moment === 'stored') {
    const asked = (opening.elements[14] ?? '').trim() === '1'
    return ofEnvelope || (asked && verdict === 'accepted') ? interchange(opening, now(), (write) => [ta1(opening, ofEnvelope ? interchangeCode(fault) : null, write)]) : null
  }
  if (!group || ofEnvelope) return ofEnvelope ? interchange(opening, now(), (write) => [ta1(opening, interchangeCode(fault), write)]) : null
  return interchange(opening, now(), (write, number) => functional(body, group, verdict, fault, write, now(), number))
}

export type Write = (...elements: readonly string[]) => string

/** What can be cut into segments, however it ends. */
export const tolerantSegments = (text: string, { start, separators: { terminator } }: Pick<Opening, 'start' | 'separators'>): readonly Segment[] => {
  const segments: Segment[] = []
  for (let from = start; from < text.length && segments.length < MOST; ) {
    const to = text.indexOf(terminator, from)
    if (to === -1) break
    segments.push({ text: text.slice(from, to), end: terminator })
    from = to + 1
    while (from < text.length && isBlank(text.charCodeAt(from))) from++
  }
  return segments
}

/** An interchange back to the sender, with its separators, around segments. */
const interchange = ({ separators, elements }: Opening, now: Date, inside: (write: Write, number: string) => readonly string[]): Buffer => {
  const write: Write = (...parts) => {
    const last = parts.findLastIndex((part) => part !== '')
    return parts.slice(0, last + 1).join(separators.element) + separators.terminator
  }
  const number = String(randomInt(1, 1_000_000_000)).padStart(9, '0')
  const [, , , , , from, fromId, to, toId] = elements
  const [date, time] = stamp(now)
  const isa = ['ISA', '00', ' '.repeat(10), '00', ' '.repeat(10), fit(to, 2), fit(toId, 15), fit(from, 2), fit(fromId, 15), date.slice(2), time, separators.repetition ?? (elements[11] || 'U'), fit(elements[12], 5), number, '0', elements[15] || 'P', separators.component]
  const segments = inside(write, number)
  const groups = segments.filter((one) => one.startsWith(`GS${separators.element}`)).length
  return Buffer.from([isa.join(separators.element) + separators.terminator, ...segments, write('IEA', String(groups), number)].join(''), 'latin1')
}

const fit = (text: string | undefined, width: number): string => (text ?? '').slice(0, width).padEnd(width)

/** The date (CCYYMMDD) and the time (HHMM), UTC. */
const stamp = (now: Date): readonly [string, string] => {
  const digits = now.toISOString().replace(/\D/g, '')
  return [digits.slice(0, 8), digits.slice(8, 12)]
}

/** X12.5: the control number, date and time of the interchange, A or R, and why. */
const ta1 = ({ elements }: Opening, code: string | null, write: Write): string => write('TA1', elements[13] ?? '', elements[9] ?? '', elements[10] ?? '', code === null ? 'A' : 'R', code ?? '000')

const functional = (body: Body, group: Segment, verdict: Verdict, fault: Fault | undefined, write: Write, now: Date, number: string): readonly string[] => {
  const { separators, segments } = body
  const of = (n: number): string => elementOf(group, n, separators).slice(0, 15)
  const [date, time] = stamp(now)
  const accepted = verdict === 'accepted'
  const wrongGroup = accepted ? null : groupCode(fault)
  const sets = indexesOf(body, 'ST')
  const at = sets[0]
  const transaction = (): readonly string[] => {
    const set = segments[at ?? -1]
    const guide = elementOf(set, 3, separators)
    const { segment, element, transaction: code } = accepted ? { segment: null, element: null, transaction: null } : at999(body, fault)
    return [
      write('AK2', elementOf(set, 1, separators).slice(0, 3), elementOf(set, 2, separators).slice(0, 9), guide.slice(0, 35)),
      ...(segment ? [write('IK3', segment.name, String(segment.position), segment.loop, segment.code)] : []),
      ...(element ? [write('IK4', element.component === null ? String(element.number) : `${element.number}${separators.component}${element.component}`, '', element.code)] : []),
      accepted ? write('IK5', 'A') : write('IK5', 'R', code ?? '5'),
    ]
  }
  const inside = [
    write('AK1', of(1), of(6), elementOf(group, 8, separators).slice(0, 12)),
    ...(wrongGroup !== null || at === undefined ? [] : transaction()),
    write('AK9', accepted ? 'A' : 'R', String(sets.length), String(sets.length), accepted ? String(sets.length) : '0', wrongGroup ?? ''),
  ]
  return [
    write('GS', 'FA', of(3), of(2), date, time, String(Number(number)), 'X', '005010X231A1'),
    write('ST', '999', '0001', '005010X231A1'), ...inside, write('SE', String(inside.length + 2), '0001'),
    write('GE', '1', String(Number(number))),
  ]
}

