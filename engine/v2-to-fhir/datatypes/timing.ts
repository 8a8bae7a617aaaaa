/** RPT, how often something is repeated (2.A.66), as a Timing, and the minutes of a CQ. */
import type { Datatype, Lookup, Use, Written } from '../datatype.js'
import { type Draft, leaf } from '../draft.js'
import type { Part } from '../part.js'

/** Table 0335's codes of a number of days, hours or weeks between: Q4H, Q2D, Q30M. */
const EVERY = /^Q(\d{1,3})([SMHDWLJ])/

const UNITS: Readonly<Record<string, string>> = { S: 's', M: 'min', H: 'h', D: 'd', W: 'wk', L: 'mo', SEC: 's', MIN: 'min', HR: 'h', HOUR: 'h', DAY: 'd', WEEK: 'wk', MO: 'mo', MON: 'mo', YR: 'a', A: 'a', WK: 'wk' }

/** UCUM's unit of time for a sender's. */
export const timeUnit = (text: string): string | undefined => {
  const plain = text.trim().toUpperCase().replace(/^(SEC|MIN|HOUR|DAY|WEEK|MONTH|YEAR)S?(?:UTES?|ONDS?)?$/, '$1')
  return ({ MONTH: 'mo', YEAR: 'a' } as Readonly<Record<string, string>>)[plain] ?? UNITS[plain]
}

const code = (part: Part, lookup: Lookup): Draft => {
  const row = lookup('repeat-pattern').lookup(part.text.toUpperCase())
  const from = part.origin
  return row?.code
    ? { coding: [{ system: leaf(row.system || 'http://terminology.hl7.org/CodeSystem/v3-GTSAbbreviation', from), code: leaf(row.code, from), display: row.display ? leaf(row.display, from) : undefined }] }
    : { coding: [{ system: leaf('http://terminology.hl7.org/CodeSystem/v2-0335', from), code: leaf(part.text, from) }] }
}

const read = (part: Part, use: Use): Draft | undefined => {
  const pattern = part.part(1)
  const [, count, letter] = EVERY.exec(pattern.text.toUpperCase()) ?? []
  const own = timeUnit(part.part(6).text)
  const row = use.lookup('repeat-pattern').lookup(pattern.text.toUpperCase())
  const number = (text: string | undefined, from: Part): Draft | undefined => (text && /^\d{1,5}(\.\d+)?$/.test(text) ? leaf(Number(text), from.origin) : undefined)
  const period = number(part.part(5).text, part.part(5)) ?? number(count ?? row?.period, pattern)
  const unit = part.part(5).text ? own && leaf(own, part.part(6).origin) : (count ? timeUnit(letter ?? '') : row?.unit) && leaf(count ? timeUnit(letter ?? '') ?? 'd' : String(row?.unit), pattern.origin)
  const whenCode = use.lookup('timing-event').lookup(part.part(8).text)?.code
  const when = whenCode ? [leaf(whenCode, part.part(8).origin)] : undefined
  const repeat = period && unit ? { frequency: number(part.part(5).text ? '1' : (row?.frequency ?? '1'), pattern), period, periodUnit: unit, when } : when && { when }
  if (pattern.text === '' && !repeat) return undefined
  return { repeat, code: pattern.text === '' ? undefined : code(pattern, use.lookup) }
}

interface Timing { readonly code?: { readonly coding?: readonly { readonly code?: string }[]; readonly text?: string }; readonly repeat?: { readonly frequency?: number; readonly period?: number; readonly periodUnit?: string } }

const write = (value: unknown, { lookup }: Use): Written | undefined => {
  const { code: said, repeat } = value as Timing
  const first = said?.coding?.[0]?.code ?? said?.text
  const pattern = first && (lookup('repeat-pattern').reverse(first) ?? first)
  if (pattern) return [pattern]
  return repeat?.period !== undefined && repeat.frequency === 1 ? ['', '', '', '', String(repeat.period), repeat.periodUnit] : undefined
}

export const RPT: Datatype = { makes: ['Timing'], read, write }

/** A duration as TQ.3 has it: its unit and how many, S50 or D10 (2.A.81.3). */
const SHORT = /^([SMHDWL])(\d{1,9})$/

/** A CQ of time, or a duration of a TQ, as FHIR's unit of it: `code` of a duration. */
export const durationUnit: Datatype = {
  makes: ['code'],
  read: (part, use) => {
    const [, letter] = SHORT.exec(part.text) ?? []
    const short = letter && timeUnit(letter)
    if (short) return leaf(short, part.origin)
    const unit = timeUnit(part.part(2).text)
    if (unit) return leaf(unit, part.part(2).origin)
    if (part.part(2).text !== '') use.issue(part.part(2), 'is not a unit of time')
    return undefined
  },
  write: (value): Written => ['', [String(value)]],
}

/** The number of a CQ, or of a duration of a TQ. */
export const durationValue: Datatype = {
  makes: ['decimal', 'unsignedInt', 'positiveInt'],
  read: (part) => {
    const [, , short] = SHORT.exec(part.text) ?? []
    if (short) return leaf(Number(short), part.origin)
    return /^\d{1,9}(\.\d{1,6})?$/.test(part.text) ? leaf(Number(part.text), part.part(1).origin) : undefined
  },
  write: (value): Written => [String(value)],
}

