/** The loops of a 278 (005010X216, X217): which HL level and which name loop each segment stands in, and which level is below which. */
import { type Body, elementOf, nameOf } from './body.js'

export interface Loop {
  readonly name: string // 2000E, 2010EA
  readonly number: number // from 1, among the loops of that name
  readonly at: number // the place of the segment that begins it
  readonly above: Loop | null
}

export interface Loops {
  readonly all: readonly Loop[] // in the order of the transaction
  readonly of: readonly (Loop | null)[] // the innermost loop of each segment
}

const LEVELS: Readonly<Record<string, string>> = { 20: '2000A', 21: '2000B', 22: '2000C', 23: '2000D', EV: '2000E', SS: '2000F' }
/** What may follow NM1 in its loop. */
const OF_NAME = new Set(['REF', 'N2', 'N3', 'N4', 'PER', 'AAA', 'PRV', 'DMG', 'INS', 'MIL'])
/** Who moves the patient: the name loop of its own in a patient event. */
const TRANSPORT = new Set(['PW', '45', 'ND', 'R3'])

export const LOOP = /^20(?:00[A-F]|10(?:[A-D]|E[AB]|F))$/

/** The loops of a 278; null of any other transaction. A level whose HL-2 names no level before it belongs to none. */
export const loopsOf = (body: Body): Loops | null => {
  body.loops ??= find(body)
  return body.loops
}

const find = (body: Body): Loops | null => {
  const { segments, separators } = body
  const all: Loop[] = []
  const counts = new Map<string, number>()
  const levels = new Map<string, Loop>()
  let [level, name, is278]: [Loop | null, Loop | null, boolean] = [null, null, false]
  const begin = (loop: string, at: number, above: Loop | null): Loop => {
    const number = (counts.get(loop) ?? 0) + 1
    counts.set(loop, number)
    const made = { name: loop, number, at, above }
    all.push(made)
    return made
  }
  const of = segments.map((segment, at): Loop | null => {
    const id = nameOf(segment, separators)
    if (id === 'ST') is278 = elementOf(segment, 1, separators) === '278'
    if (id === 'SE' || !is278) {
      level = null
      name = null
    } else if (id === 'HL') {
      level = begin(LEVELS[elementOf(segment, 3, separators)] ?? '2000', at, levels.get(elementOf(segment, 2, separators)) ?? null)
      levels.set(elementOf(segment, 1, separators), level)
      name = null
    } else if (id === 'NM1' && level) name = begin(nameLoop(level.name, elementOf(segment, 1, separators)), at, level)
    else if (!OF_NAME.has(id)) name = null
    return name ?? level
  })
  return is278 || all.length > 0 ? { all, of } : null
}

const nameLoop = (level: string, qualifier: string): string => `2010${level.slice(4)}${level === '2000E' ? (TRANSPORT.has(qualifier) ? 'B' : 'A') : ''}`

/** The HL level that a loop is, or stands in. */
export const levelOf = (loop: Loop): Loop => (loop.name.startsWith('2010') && loop.above ? loop.above : loop)

/** Whether a loop is another one, or below it. */
export const isWithin = (loop: Loop | null, other: Loop): boolean => loop !== null && (loop === other || isWithin(loop.above, other))
