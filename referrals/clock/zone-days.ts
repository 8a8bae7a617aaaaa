/** The days of a time zone: which instants belong to a date, days of 23 and 25 hours included, and what its clocks show then. */
import { offset } from '../../engine/watch/hours.js'

export const DAY = 86_400_000
const MINUTE = 60_000

/** A stretch of one date during which the clocks are `ahead` milliseconds ahead of UTC; `to` is no longer part of it. */
export interface Stretch { readonly from: number; readonly to: number; readonly ahead: number }

/** A date is its midnight in UTC, in milliseconds; so is the date that the clocks of the zone show. */
export interface ZoneDays {
  dateOf(time: number): number
  /** In order; two where the clocks change, none for a date that the zone has left out. */
  stretches(date: number): readonly Stretch[]
}

/** More days are not remembered at a time: twelve years. */
const MOST_DAYS = 4400

export const zoneDays = (zone: string): ZoneDays => {
  const known = new Map<number, readonly Stretch[]>()
  let ahead = offset(zone, 0)
  const stretches = (date: number): readonly Stretch[] => {
    const before = known.get(date)
    if (before) return before
    if (known.size >= MOST_DAYS) known.clear()
    const made = stretchesOf(zone, date)
    known.set(date, made)
    return made
  }
  const holds = (date: number, time: number): boolean => stretches(date).some(({ from, to }) => time >= from && time < to)
  return {
    stretches,
    dateOf: (time) => {
      const guess = midnight(time + ahead)
      if (holds(guess, time)) return guess
      ahead = offset(zone, time)
      return midnight(time + ahead)
    },
  }
}

/** The first instant of a date at which the clocks show so many milliseconds since midnight, or more; null: they never do. */
export const instantOf = (within: readonly Stretch[], date: number, shown: number): number | null => {
  for (const { from, to, ahead } of within) {
    const time = Math.max(from, date + shown - ahead)
    if (time < to) return time
  }
  return null
}

const midnight = (time: number): number => Math.floor(time / DAY) * DAY

/** Zones are at most 14 hours from UTC, and change their clocks at most once in two days. */
const stretchesOf = (zone: string, date: number): readonly Stretch[] => {
  const [from, to] = [date - 15 * 60 * MINUTE, date + DAY + 15 * 60 * MINUTE]
  const [first, last] = [offset(zone, from), offset(zone, to)]
  const change = first === last ? to : changeBetween(zone, from, to, first)
  return [{ from, to: change, ahead: first }, { from: change, to, ahead: last }]
    .map((one) => ({ from: Math.max(one.from, date - one.ahead), to: Math.min(one.to, date + DAY - one.ahead), ahead: one.ahead }))
    .filter((one) => one.from < one.to)
}

const changeBetween = (zone: string, from: number, to: number, ahead: number): number => {
  let [low, high] = [from, to]
  while (high - low > MINUTE) {
    const middle = low + Math.floor((high - low) / 2 / MINUTE) * MINUTE
    if (offset(zone, middle) === ahead) low = middle
    else high = middle
  }
  return high
}
