/** The measures as tables for spreadsheets: one line for each group or patient, the whole last (RFC 4180). */
import { RATES, TIMES } from './definitions.js'
import type { Totals } from './aggregate.js'
import type { Cms50 } from './cms50.js'
import type { Measures } from './report.js'

type Value = string | number | null

/** With a line of column names; lines end in CR LF. `whole` stands in the first column of the last line. */
export const toCsv = ({ by, groups, whole, period, zone }: Measures): string => {
  const named = by.includes('provider')
  const header = ['group', ...by, ...(named ? ['provider name'] : []), 'from', 'to', 'zone', 'received', 'overdue duties', ...RATES.flatMap((name) => [`${name} numerator`, `${name} denominator`, `${name} open`, `${name} rate`, `${name} of received`]),
    ...TIMES.flatMap((name) => { const { unit } = whole.times[name]; return [`${name} count`, `${name} median ${unit}`, `${name} p90 ${unit}`] })]
  const line = (first: string, of: readonly Value[], totals: Totals): readonly Value[] => [
    first, ...of, period.from, period.to, zone, totals.received, totals.overdueDuties,
    ...RATES.flatMap((name) => { const { numerator, denominator, open, rate, ofReceived } = totals.rates[name]; return [numerator, denominator, open, rate, ofReceived] }),
    ...TIMES.flatMap((name) => { const { count, median, p90 } = totals.times[name]; return [count, median, p90] }),
  ]
  return table([
    header,
    ...(by.length === 0 ? [] : groups.map((group) => line('group', [...by.map((name) => group.of[name] ?? null), ...(named ? [group.name] : [])], group))),
    line('whole', [...by, ...(named ? ['name'] : [])].map(() => null), whole),
  ])
}

/** A line for each patient of the population, with their first referral and whether its loop is closed. */
export const cms50Csv = ({ measure, period: { from, to, referredUntil, zone }, population, numerator, rate, withoutEncounter, patients }: Cms50): string => {
  const line = (first: string, of: readonly Value[], totals: readonly Value[]): readonly Value[] => [first, measure, from, to, referredUntil, zone, ...of, ...totals]
  return table([
    ['group', 'measure', 'from', 'to', 'referred until', 'zone', 'referral', 'population', 'numerator', 'rate', 'without encounter'],
    ...patients.map(({ referral, met }) => line('patient', [referral], [1, met ? 1 : 0, null, null])),
    line('whole', [null], [population, numerator, rate, withoutEncounter]),
  ])
}

const table = (lines: readonly (readonly Value[])[]): string => lines.map((values) => `${values.map(cell).join(',')}\r\n`).join('')

/** What a spreadsheet would take for a formula (OWASP, CSV injection) begins with an apostrophe. */
const cell = (value: Value): string => {
  if (typeof value !== 'string') return value === null ? '' : String(value)
  const safe = /^[=+\-@\t\r\n＝＋－＠]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
