/** FHIR dates and dateTimes compared as CQL does: as far as both are known, and `null` where that does not decide (CQL 1.5, Comparing Dates and Times). */
import type { Days } from './days.js'

/** Year, month, day, and the instant in milliseconds, as far as they are known. */
export type Known = readonly number[]

const WRITTEN = /^(\d{4})(?:-(\d{2})(?:-(\d{2})(?:T\d{2}:\d{2}:\d{2}(?:\.\d+)?(Z|[+-]\d{2}:\d{2}))?)?)?$/

/** What a FHIR date or dateTime says; an instant has the day that the practice’s clocks show. Null for anything else. */
export const known = (written: string | null | undefined, { dayOf }: Pick<Days, 'dayOf'>): Known | null => {
  const [, year, month, day, zone] = WRITTEN.exec(written ?? '') ?? []
  if (year === undefined) return null
  if (zone === undefined) return [year, month, day].flatMap((part) => (part === undefined ? [] : [Number(part)]))
  const at = Date.parse(written ?? '')
  return Number.isNaN(at) ? null : [...dayOf(at).split('-').map(Number), at]
}

/** Below 0, 0 or above 0, as one is earlier, the same or later; null where one is known less well and what is known is the same. */
export const compared = (one: Known, other: Known): number | null => {
  for (let part = 0; part < Math.max(one.length, other.length); part++) {
    const [first, second] = [one[part], other[part]]
    if (first === undefined || second === undefined) return null
    if (first !== second) return first - second
  }
  return 0
}

export const isAfter = (one: Known, other: Known): boolean => (compared(one, other) ?? 0) > 0

/** Whether something lies on one of the days from `first` to `last`, both included; false where that is not known. */
export const isDuring = (time: Known, first: Known, last: Known): boolean => {
  const day = time.slice(0, 3)
  return (compared(day, first) ?? -1) >= 0 && (compared(day, last) ?? 1) <= 0
}
