/** Times of the week as people write them, `Mon-Fri 07:00-19:00`, and how much of them lies between two instants in a time zone. */
import { nearest } from '../nearest.js'

const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']
const DAY = 1440 // minutes
export const HOURS_ARE = 'write days and times such as `Mon-Fri 07:00-19:00`, `Mon,Wed 08:00-12:00, Sat 22:00-06:00` or `00:00-24:00`'

interface Span { readonly from: number; readonly to: number } // minutes of one day

/** For each day from Monday, its spans in order; none overlap. */
export type Hours = readonly (readonly Span[])[]

export const ALWAYS: Hours = DAYS.map(() => [{ from: 0, to: DAY }])

/** Reads times of the week. A span that ends before it begins goes on over midnight; a day without a time is a whole day. Throws a sentence. */
export const readHours = (text: string): Hours => {
  const found = DAYS.map((): Span[] => [])
  let days: number[] = []
  const items = text.replaceAll(/\s*[-–]\s*/g, '-').split(',').map((item) => item.trim())
  for (const [index, item] of items.entries()) {
    const [first = '', second, ...more] = item.split(/\s+/)
    if (first === '' || more.length > 0) throw new Error(`\`${shown(item || text)}\` is no time of the week; ${HOURS_ARE}.`)
    const timed = /^[0-9]/.test(first) ? first : second
    const named = first !== timed
    if (named) days.push(...readDays(first))
    const shares = timed === undefined && index < items.length - 1 && !/^[0-9]/.test(items[index + 1] ?? '') // `Mon,Wed 08:00-12:00`
    if (shares) continue
    const span = timed === undefined ? { from: 0, to: DAY } : readSpan(timed)
    for (const day of days.length > 0 ? days : DAYS.keys()) add(found, day, span)
    days = []
  }
  return found.map(merged)
}

const readDays = (text: string): number[] => {
  const [first = '', last, ...more] = text.split('-')
  if (more.length > 0) throw new Error(`\`${shown(text)}\` is no range of days; ${HOURS_ARE}.`)
  const from = readDay(first)
  const count = last === undefined ? 1 : ((readDay(last) - from + 7) % 7) + 1 // Fri-Mon goes over the weekend
  return Array.from({ length: count }, (_, n) => (from + n) % 7)
}

const readDay = (text: string): number => {
  const day = DAYS.findIndex((name) => name.toLowerCase() === text.toLowerCase())
  if (day >= 0) return day
  const near = nearest(text, DAYS) ?? DAYS.find((name) => text.toLowerCase().startsWith(name.toLowerCase()))
  throw new Error(`\`${shown(text)}\` is no day${near ? `; did you mean \`${near}\`?` : `; the days are ${DAYS.join(' ')}: ${HOURS_ARE}.`}`)
}

const readSpan = (text: string): Span => {
  const [, fromHour, fromMinute, toHour, toMinute] = /^([0-9]{1,2}):([0-9]{2})-([0-9]{1,2}):([0-9]{2})$/.exec(text) ?? []
  const from = Number(fromHour) * 60 + Number(fromMinute)
  const to = Number(toHour) * 60 + Number(toMinute)
  const usable = from < DAY && to <= DAY && Number(fromMinute) < 60 && Number(toMinute) < 60
  if (!usable) throw new Error(`\`${shown(text)}\` is no span of time; ${HOURS_ARE}.`)
  if (from === to) throw new Error(`\`${shown(text)}\` lasts no time; for whole days write \`00:00-24:00\`.`)
  return { from, to }
}

const add = (found: Span[][], day: number, { from, to }: Span): void => {
  found[day]?.push({ from, to: to > from ? to : DAY })
  if (to < from && to > 0) found[(day + 1) % 7]?.push({ from: 0, to })
}

const merged = (spans: readonly Span[]): Span[] => {
  const result: Span[] = []
  for (const span of [...spans].sort((a, b) => a.from - b.from)) {
    const last = result.at(-1)
    if (last && span.from <= last.to) result[result.length - 1] = { from: last.from, to: Math.max(last.to, span.to) }
    else result.push(span)
  }
  return result
}

const shown = (text: string): string => text.slice(0, 40)

/**
 * Milliseconds of `hours` between two instants, as the clocks of `zone` show them, days of 23 and 25 hours included.
 * Goes back from `to` and stops once `enough` is reached, so that a silence of years costs no more than one of days.
 */
export const openTime = (hours: Hours, zone: string, from: Date, to: Date, enough = Number.POSITIVE_INFINITY): number => {
  const [start, end] = [from.getTime(), to.getTime()]
  let open = 0
  for (let date = dateIn(zone, end); open < enough; date -= 86_400_000) {
    for (const span of hours[(new Date(date).getUTCDay() + 6) % 7] ?? []) {
      open += Math.max(0, Math.min(end, instant(zone, date, span.to)) - Math.max(start, instant(zone, date, span.from)))
    }
    if (instant(zone, date, 0) <= start) break
  }
  return open
}

/** Whether an instant lies within the hours. */
export const isOpen = (hours: Hours, zone: string, at: Date): boolean => openTime(hours, zone, at, new Date(at.getTime() + 1)) > 0

/** The date that the clocks of a zone show, as its midnight in UTC. */
const dateIn = (zone: string, at: number): number => Math.floor((at + offset(zone, at)) / 86_400_000) * 86_400_000

/** When the clocks of a zone show so many minutes of a date. */
const instant = (zone: string, date: number, minutes: number): number => {
  const wall = date + minutes * 60_000
  const guess = wall - offset(zone, wall)
  return wall - offset(zone, guess)
}

/** Milliseconds that a zone's clocks are ahead of UTC. */
export const offset = (zone: string, at: number): number => {
  const seconds = Math.floor(at / 1000) * 1000
  const parts = Object.fromEntries(clockOf(zone).formatToParts(seconds).map(({ type, value }) => [type, Number(value)]))
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts
  return Date.UTC(year, month - 1, day, hour, minute, second) - seconds
}

const clocks = new Map<string, Intl.DateTimeFormat>()

const clockOf = (zone: string): Intl.DateTimeFormat => {
  const known = clocks.get(zone)
  if (known) return known
  const made = new Intl.DateTimeFormat('en-US', { timeZone: zone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' })
  clocks.set(zone, made)
  return made
}

/** Throws a sentence, with the nearest name, where there is no such time zone. */
export const checkZone = (zone: string): void => {
  try {
    clockOf(zone)
  } catch {
    const zones = Intl.supportedValuesOf('timeZone')
    const near = nearest(zone, zones) ?? nearest(zone, zones.map((name) => name.slice(name.lastIndexOf('/') + 1)))
    const full = zones.find((name) => name === near || name.endsWith(`/${near}`))
    throw new Error(`\`${shown(zone)}\` is no time zone${full ? `; did you mean \`${full}\`?` : '; write one such as `America/New_York`, `Europe/Berlin` or `UTC`.'}`)
  }
}

/** `local` is the zone of this machine. */
export const zoneNamed = (zone: string): string => (zone === 'local' ? Intl.DateTimeFormat().resolvedOptions().timeZone : zone)
