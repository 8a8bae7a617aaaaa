/**
 * Time as a practice works: whether it is open, when it opens next, and when so many of its hours or days have gone by.
 * Times are milliseconds since 1970; the clocks of the practice's zone decide, days of 23 and 25 hours included.
 */
import type { Hours } from '../../engine/watch/hours.js'
import type { Holidays } from './holidays.js'
import type { Span } from './span.js'
import { DAY, instantOf, type Stretch, type ZoneDays } from './zone-days.js'

const MINUTE = 60_000

export interface Calendar {
  readonly days: ZoneDays
  /** The stretches of a date during which it is open, in order; none on a holiday. */
  open(date: number): readonly Stretch[]
}

/** More days are not remembered at a time: twelve years. */
const MOST_DAYS = 4400

export const calendar = (days: ZoneDays, hours: Hours, holidays: Holidays): Calendar => {
  const known = new Map<number, readonly Stretch[]>()
  const openOn = (date: number): readonly Stretch[] => {
    const spans = holidays(date) ? [] : (hours[(new Date(date).getUTCDay() + 6) % 7] ?? [])
    return days.stretches(date).flatMap(({ from, to, ahead }) => spans
      .map((span) => ({ from: Math.max(from, date + span.from * MINUTE - ahead), to: Math.min(to, date + span.to * MINUTE - ahead), ahead }))
      .filter((one) => one.from < one.to))
  }
  return {
    days,
    open: (date) => {
      const before = known.get(date)
      if (before) return before
      if (known.size >= MOST_DAYS) known.clear()
      const made = openOn(date)
      known.set(date, made)
      return made
    },
  }
}

export const isOpen = (time: number, { days, open }: Calendar): boolean => open(days.dateOf(time)).some(({ from, to }) => time >= from && time < to)

/** `time` itself where it is open then. */
export const nextOpening = (time: number, { days, open }: Calendar): number => {
  for (let date = days.dateOf(time); ; date += DAY) {
    const next = open(date).find(({ to }) => to > time)
    if (next) return Math.max(next.from, time)
  }
}

/**
 * When a span that begins at `time` is over.
 * Working hours and minutes are those it is open: 4 working hours from Friday 15:00, closed at 17:00, are over on Monday two hours after opening.
 * A working day is over at the same time of the next day that it is open, so that 2 working days from Tuesday 10:00 are over on Thursday 10:00;
 * what begins while it is closed begins with the next opening. Where the clocks of that day do not show the time while it is open: at the opening
 * that follows that day, or else at closing time.
 */
export const addWorking = (time: number, span: Span, practice: Calendar): number => {
  if (span.kind === 'elapsed') return time + span.milliseconds
  return span.kind === 'open' ? addOpen(time, span.milliseconds, practice) : addDays(nextOpening(time, practice), span.days, practice)
}

const addOpen = (time: number, milliseconds: number, { days, open }: Calendar): number => {
  let left = milliseconds
  for (let date = days.dateOf(time); ; date += DAY) {
    for (const { from, to } of open(date)) {
      const begins = Math.max(from, time)
      if (to - begins >= left) return begins + left
      left -= Math.max(0, to - begins)
    }
  }
}

const addDays = (begins: number, count: number, { days, open }: Calendar): number => {
  const first = days.dateOf(begins)
  const shown = begins - first + (open(first).find(({ from, to }) => begins >= from && begins < to)?.ahead ?? 0)
  let date = first
  for (let left = count; left > 0; ) {
    date += DAY
    if (open(date).length > 0) left--
  }
  const that = open(date)
  return instantOf(that, date, shown) ?? (that.at(-1) as Stretch).to
}
