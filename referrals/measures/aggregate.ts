/** Adds referrals up, one at a time: counts, rates and times of each group and of the whole. A referral is not kept; each of its times is, in four bytes. */
import { ReferoError } from '../../engine/errors.js'
import { type Dimension, RATES, type RateName, TIME_DEFINITIONS, TIMES, type TimeName, type Unit } from './definitions.js'
import type { Judged, Row } from './measure.js'
import { quantile, type Seconds, seconds } from './quantiles.js'

export interface Rate {
  readonly numerator: number
  readonly denominator: number // those that can be judged
  readonly open: number // too young
  readonly rate: number | null // to four places; null of none
  readonly ofReceived: number | null // numerator of all received
}
export interface Time { readonly unit: Unit; readonly count: number; readonly median: number | null; readonly p90: number | null }
export interface Totals {
  readonly received: number
  readonly overdueDuties: number // said to be overdue, and not done
  readonly rates: Readonly<Record<RateName, Rate>>
  readonly times: Readonly<Record<TimeName, Time>>
}
export interface Group extends Totals { readonly of: Readonly<Partial<Record<Dimension, string | null>>> }
export interface Adding {
  /** Throws a ReferoError (USAGE) where there are more groups than can be kept. */
  add(row: Row): void
  whole(): Totals
  /** The largest first. */
  groups(): readonly Group[]
}

/** A group without times takes some 2 kB. */
const MOST_GROUPS = 20_000
const JUDGED: readonly Judged[] = ['yes', 'no', 'open']

interface Sum { readonly of: Group['of']; received: number; overdue: number; readonly judged: Uint32Array; readonly times: readonly Seconds[] }

export const adding = (by: readonly Dimension[]): Adding => {
  const sums = new Map<string, Sum>()
  const sumOf = (row: Row): Sum => {
    const key = JSON.stringify(by.map((name) => row.of[name]))
    const known = sums.get(key)
    if (known) return known
    if (sums.size === MOST_GROUPS) throw new ReferoError('USAGE', `There are more than ${MOST_GROUPS} groups by ${by.join(' and ')}; group by less, or choose a shorter period.`)
    const sum = { of: Object.fromEntries(by.map((name) => [name, row.of[name]])), received: 0, overdue: 0, judged: new Uint32Array(RATES.length * JUDGED.length), times: TIMES.map(seconds) }
    sums.set(key, sum)
    return sum
  }
  return {
    add: (row) => {
      const sum = sumOf(row)
      sum.received++
      sum.overdue += row.overdue
      RATES.forEach((name, index) => {
        const judged = row.rates[name]
        const at = index * JUDGED.length + (judged ? JUDGED.indexOf(judged) : 0)
        if (judged) sum.judged[at] = (sum.judged[at] ?? 0) + 1
      })
      TIMES.forEach((name, index) => {
        const time = row.times[name]
        if (time !== undefined) sum.times[index]?.add(time)
      })
    },
    whole: () => totalsOf([...sums.values()]),
    groups: () => [...sums].sort(([key, one], [otherKey, other]) => other.received - one.received || (key < otherKey ? -1 : 1)).map(([, sum]) => ({ of: sum.of, ...totalsOf([sum]) })),
  }
}

function totalsOf(sums: readonly Sum[]): Totals {
  const total = (of: (sum: Sum) => number): number => sums.reduce((count, sum) => count + of(sum), 0)
  const received = total((sum) => sum.received)
  const rate = (index: number): Rate => {
    const [yes = 0, no = 0, open = 0] = JUDGED.map((_, which) => total(({ judged }) => judged[index * JUDGED.length + which] ?? 0))
    return { numerator: yes, denominator: yes + no, open, rate: share(yes, yes + no), ofReceived: share(yes, received) }
  }
  const time = (name: TimeName, index: number): Time => {
    const { unit } = TIME_DEFINITIONS[name]
    const sorted = joined(sums.flatMap(({ times }) => times[index]?.values() ?? [])).sort()
    const told = (value: number | null): number | null => (value === null ? null : Math.round((value / (unit === 'minutes' ? 60 : 3600)) * 100) / 100)
    return { unit, count: sorted.length, median: told(quantile(sorted, 0.5)), p90: told(quantile(sorted, 0.9)) }
  }
  return {
    received, overdueDuties: total(({ overdue }) => overdue),
    rates: Object.fromEntries(RATES.map((name, index) => [name, rate(index)])) as Record<RateName, Rate>,
    times: Object.fromEntries(TIMES.map((name, index) => [name, time(name, index)])) as Record<TimeName, Time>,
  }
}

const share = (part: number, whole: number): number | null => (whole === 0 ? null : Math.round((part / whole) * 10_000) / 10_000)

const joined = (lists: readonly Uint32Array[]): Uint32Array => {
  const all = new Uint32Array(lists.reduce((length, list) => length + list.length, 0))
  let at = 0
  for (const list of lists) {
    all.set(list, at)
    at += list.length
  }
  return all
}
