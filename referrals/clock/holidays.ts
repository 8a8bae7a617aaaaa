/** The days on which a practice is closed: the federal holidays of the United States by their rules, days of each year, and single dates. */
import { didYouMean } from '../../engine/nearest.js'
import { DAY } from './zone-days.js'

const [MONDAY, THURSDAY, SATURDAY, SUNDAY] = [1, 4, 6, 0]

/** Whether a date (its midnight in UTC, in milliseconds) is a holiday. */
export type Holidays = (date: number) => boolean

/** 5 U.S.C. §6103(a), with the name by which one of them alone is meant. */
const FEDERAL: Readonly<Record<string, (year: number) => number>> = {
  'new-year': (year) => date(year, 1, 1),
  'martin-luther-king': (year) => nth(year, 1, MONDAY, 3),
  'washington': (year) => nth(year, 2, MONDAY, 3),
  'memorial-day': (year) => nth(year, 6, MONDAY, 1) - 7 * DAY, // the last Monday of May
  'juneteenth': (year) => date(year, 6, 19),
  'independence-day': (year) => date(year, 7, 4),
  'labor-day': (year) => nth(year, 9, MONDAY, 1),
  'columbus-day': (year) => nth(year, 10, MONDAY, 2),
  'veterans-day': (year) => date(year, 11, 11),
  'thanksgiving': (year) => nth(year, 11, THURSDAY, 4),
  'christmas': (year) => date(year, 12, 25),
}
export const HOLIDAYS_ARE = 'write `us-federal` for all federal holidays, one of them by name, a date such as `2026-12-24`, or a day of every year such as `12-24`'

/** Reads the list; each entry that is none is told with its number. */
export const readHolidays = (entries: readonly string[]): { readonly holidays: Holidays; readonly wrong: readonly { readonly entry: number; readonly says: string }[] } => {
  const rules: ((year: number) => readonly number[])[] = []
  const dates = new Set<number>()
  const wrong: { entry: number; says: string }[] = []
  for (const [entry, text] of entries.entries()) {
    const rule = FEDERAL[text]
    if (text === 'us-federal') rules.push(...Object.values(FEDERAL).map(kept))
    else if (rule) rules.push(kept(rule))
    else if (/^\d{4}-\d{2}-\d{2}$/.test(text) && exists(text)) dates.add(Date.parse(text))
    else if (/^\d{2}-\d{2}$/.test(text) && exists(`2023-${text}`)) rules.push((year) => [date(year, Number(text.slice(0, 2)), Number(text.slice(3)))])
    else wrong.push({ entry, says: /^[\d-]/.test(text) ? `\`${text}\` is no day; ${HOLIDAYS_ARE}.` : `\`${text}\` is no holiday${didYouMean(text, ['us-federal', ...Object.keys(FEDERAL)])}` })
  }
  const years = new Map<number, ReadonlySet<number>>()
  const of = (year: number): ReadonlySet<number> => {
    const known = years.get(year)
    if (known) return known
    const made = new Set([year - 1, year, year + 1].flatMap((one) => rules.flatMap((rule) => rule(one)))) // New Year's Day may be kept in the year before
    years.set(year, made)
    return made
  }
  return { holidays: (at) => dates.has(at) || of(new Date(at).getUTCFullYear()).has(at), wrong }
}

/** A holiday on a Saturday is kept on the Friday before too, one on a Sunday on the Monday after (5 U.S.C. §6103(b); Executive Order 11582). */
const kept = (rule: (year: number) => number) => (year: number): readonly number[] => {
  const holiday = rule(year)
  const day = new Date(holiday).getUTCDay()
  return day === SATURDAY ? [holiday, holiday - DAY] : day === SUNDAY ? [holiday, holiday + DAY] : [holiday]
}

const date = (year: number, month: number, day: number): number => new Date(0).setUTCFullYear(year, month - 1, day)
const nth = (year: number, month: number, weekday: number, n: number): number => {
  const first = date(year, month, 1)
  return first + (((weekday - new Date(first).getUTCDay() + 7) % 7) + 7 * (n - 1)) * DAY
}
const exists = (text: string): boolean => !Number.isNaN(Date.parse(text)) && new Date(text).toISOString().startsWith(text)
