/** Amounts of time, and the times that they lead to: minutes, `later` than another field, the `earliest` and the `latest` of several. */
import type { Datatype, Use, Written } from '../datatype.js'
import { type Draft, type Leaf, leaf } from '../draft.js'
import type { Part } from '../part.js'
import { dateTime } from './dtm.js'

/** Longer than this is no appointment but a slip of the keyboard. */
const LONGEST = 366 * 86_400

interface Amount { readonly seconds: number; readonly confidence?: number }

/** An amount in seconds: with its unit in a field of its own, or before it as in TQ.3 (`M30`). Says what it cannot read. */
const amountOf = (part: Part, units: Part | undefined, use: Use): Amount | undefined => {
  const [, letter, count] = /^([SMHDW])(\d{1,6})$/.exec(part.text) ?? []
  const number = count ?? /^[+-]?\d{1,8}(?:\.\d{1,4})?$/.exec(part.text)?.[0]
  if (number === undefined) return told(part, 'is not an amount of time', use)
  const unit = letter ?? (units?.text || units?.part(2).text || '')
  const known = unit === '' ? unsaid(Number(number), part, use) : { seconds: Number(use.lookup('duration-unit').lookup(unit.toUpperCase())?.seconds ?? Number.NaN) }
  const seconds = known.seconds * Number(number)
  if (Number.isNaN(seconds)) return told(units ?? part, 'is a unit of time that the table duration-unit does not have', use)
  return Math.abs(seconds) > LONGEST ? told(part, 'is longer than a year', use) : { ...known, seconds }
}

/** Chapter 10 says seconds where no unit is said, senders mean minutes: a quarter of an hour and more in whole minutes of seconds is taken at the standard's word. */
const unsaid = (number: number, part: Part, use: Use): Amount => {
  if (number === 0) return { seconds: 1 }
  const seconds = number >= 900 && number % 60 === 0 ? 1 : 60
  use.issue(part, `has no unit: it is taken as ${seconds === 1 ? 'seconds' : 'minutes'}`)
  return { seconds, confidence: 0.8 }
}

const told = (part: Part, reason: string, use: Use): undefined => {
  use.issue(part, reason)
}

const sure = ({ confidence }: Amount): { readonly confidence?: number } => (confidence === undefined ? {} : { confidence })

/** A time and an amount after (or before) it, at the offset of the first. */
const reckoned = (part: Part, use: Use, direction: 1 | -1 = 1): Leaf | undefined => {
  const { after, plus, units } = use.span ?? {}
  const base = after && (dateTime(after, { ...use, target: 'dateTime' }) as Leaf | undefined)
  const [, offset] = /T.*?(Z|[+-]\d\d:\d\d)$/.exec(String(base?.value ?? '')) ?? []
  if (!after || !base || !offset) return after && told(part, 'has no time of day with an offset to be added to', use)
  const amounts = [...(plus?.amount ? [amountOf(plus.amount, plus.units, use)] : []), amountOf(part, units, use)]
  if (amounts.includes(undefined)) return undefined
  const known = amounts.filter((each) => each !== undefined)
  const seconds = known.reduce((sum, each) => sum + each.seconds, 0)
  return { ...leaf(atOffset(Date.parse(String(base.value)) + direction * seconds * 1000, offset), part.origin), ...sure(known.find(({ confidence }) => confidence !== undefined) ?? { seconds }) }
}

const atOffset = (instant: number, offset: string): string => {
  const [, sign = '', hours = '0', minutes = '0'] = /([+-])(\d\d):(\d\d)/.exec(offset) ?? []
  const east = (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes))
  return `${new Date(instant + east * 60_000).toISOString().replace(/Z$/, '').replace(/\.000$/, '')}${offset}`
}

/** A duration or an offset after the time that the row's `after` names; of a Period its end, and back its length in minutes. */
export const later: Datatype = {
  makes: ['instant', 'dateTime', 'Period'],
  read: (part, use) => {
    const time = reckoned(part, use)
    return use.target === 'Period' ? time && { end: time } : time
  },
  write: (value): Written | undefined => {
    const { start = '', end = '' } = value as { readonly start?: string; readonly end?: string }
    const minutes = (Date.parse(end) - Date.parse(start)) / 60_000
    return minutes >= 0 && /T/.test(start) && /T/.test(end) ? String(Number(minutes.toFixed(4))) : undefined
  },
}

/** A duration before the time that the row's `after` names. */
export const earlier: Datatype = { makes: ['instant', 'dateTime'], read: (part, use) => reckoned(part, use, -1) }

/** A duration in whole minutes. */
export const minutes: Datatype = {
  makes: ['positiveInt', 'unsignedInt'],
  read: (part, use) => {
    const amount = amountOf(part, use.span?.units, use)
    if (!amount) return undefined
    const value = amount.seconds / 60
    return Number.isInteger(value) && value >= 1 ? { ...leaf(value, part.origin), ...sure(amount) } : told(part, 'is not a number of whole minutes', use)
  },
  write: (value) => String(value),
}

/** Of the times that all segments have, the one that `first` prefers. */
const among = (read: (part: Part, use: Use) => Draft | undefined, first: (one: number, other: number) => boolean): Datatype => {
  const readAll = (parts: readonly Part[], use: Use): Draft | undefined => {
    const times = parts.flatMap((part) => (read(part, { ...use, span: use.spanOf?.(part) ?? use.span }) as Leaf | undefined) ?? [])
    return times.reduce<Leaf | undefined>((best, time) => (best && !first(Date.parse(String(time.value)), Date.parse(String(best.value))) ? best : time), undefined)
  }
  return { makes: ['instant', 'dateTime'], read: (part, use) => readAll([part], use), readAll }
}

/** The first of the times that several segments say. */
export const earliest: Datatype = among(dateTime, (one, other) => one < other)
/** The last of the times that the amounts of several segments lead to. */
export const latest: Datatype = among((part, use) => reckoned(part, use), (one, other) => one > other)
