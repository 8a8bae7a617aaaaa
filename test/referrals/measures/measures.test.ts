/** The measures: what each referral says to them, sums and medians that hold by brute force, periods by the practice's clocks, tables for spreadsheets. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { openMappings } from '../../../engine/mappings.js'
import type { EventName, ReferralState, Stage } from '../../../referrals/desk-contracts.js'
import { adding, type Totals } from '../../../referrals/measures/aggregate.js'
import { toCsv } from '../../../referrals/measures/csv.js'
import { daysIn } from '../../../referrals/measures/days.js'
import { definitions, definitionsTable, DIMENSIONS, type Dimension, RATES, type RateName, TIME_DEFINITIONS, TIMES } from '../../../referrals/measures/definitions.js'
import { type Judged, measure, type Row } from '../../../referrals/measures/measure.js'
import { measuresQuery } from '../../../referrals/measures/query.js'
import { type MeasuresParts, measures } from '../../../referrals/measures/report.js'
import { lintMeasureSettings, readMeasureSettings } from '../../../referrals/measures/settings.js'
import { csvRecords } from '../../../referrals/routing/csv.js'
import { openSqliteDeskStore } from '../../../referrals/store/desk-store.js'
import { changeOf, idOf, stateOf } from '../../conformance/desk-kit.js'

const ROOT = join(import.meta.dirname, '../../../..')
const MAPPINGS = openMappings(join(ROOT, 'mappings'))
const SETTINGS = readMeasureSettings(MAPPINGS)
const ZONE = 'America/New_York'
const DAY = 86_400_000
const RECEIVED = '2026-03-02T12:00:00.000Z'
const hours = (count: number): string => new Date(Date.parse(RECEIVED) + count * 3_600_000).toISOString()
const days = daysIn(ZONE)
const rowOf = (state: Partial<ReferralState>, afterDays: number): Row => measure(stateOf('x', 1, { receivedAt: RECEIVED, ...state }), { now: Date.parse(RECEIVED) + afterDays * DAY, days: SETTINGS.days, dayOf: days.dayOf })

t.test('a closed referral says how long each step took, from its receipt', async (t) => {
  const row = rowOf({
    stage: 'closed', provider: '17', specialty: 'cardiology', payer: 'Acme Health', via: 'referrals-hl7', route: { ehr: 'epic-main', location: 'Main Street', practitioner: null, queue: null, tasks: [] }, reportedAt: hours(340),
    times: { 'triaged': hours(0), 'matched': hours(0), 'acknowledged': hours(0.05), 'contacted': hours(20), 'scheduled': hours(30), 'no-show': hours(200), 'rescheduled': hours(210), 'seen': hours(300), 'reported': hours(320), 'outcome-sent': hours(341) },
    overdue: { 'status:1': 2, 'report:1': 1 },
  }, 20)
  t.strictSame(row.times, { 'acknowledge': 180, 'outreach': 20 * 3600, 'schedule': 30 * 3600, 'visit': 300 * 3600, 'report': 340 * 3600, 'visit-to-report': 40 * 3600, 'close': 341 * 3600 })
  t.strictSame(row.of, { provider: '17', specialty: 'cardiology', payer: 'Acme Health', location: 'Main Street', ehr: 'epic-main', via: 'referrals-hl7', month: '2026-03', direction: 'inbound' })
  t.strictSame(row.rates, {
    'acknowledged': 'yes', 'contacted': 'yes', 'scheduled': 'yes', 'seen': 'yes', 'reported': 'yes', 'closed': 'yes', 'declined': 'no', 'cancelled': 'no', 'unreachable': 'no', 'no-show': 'yes', 'incomplete': 'no',
    'matched': 'yes', 'reviewed': 'no', 'pending': 'no', 'lost': 'no', 'overdue': 'no',
  })
  t.equal(row.overdue, 2)
})

t.test('what has not happened is open while there is time, and then it is not done', async (t) => {
  const at = (name: RateName, stage: Stage, times: readonly EventName[], over: Partial<ReferralState> = {}) => (day: number): Judged | undefined =>
    rowOf({ stage, times: Object.fromEntries(times.map((one, step) => [one, hours(step + 1)])), ...over }, day).rates[name]
  const cases: readonly [says: string, judged: (day: number) => Judged | undefined, ...at: readonly (readonly [day: number, Judged | undefined])[]][] = [
    ['acknowledgement', at('acknowledged', 'received', []), [0.9, 'open'], [1.1, 'no']],
    ['the specialist’s acknowledgement of an outbound one', at('acknowledged', 'acknowledged', ['acknowledged-by-them'], { direction: 'outbound' }), [0.1, 'yes']],
    ['outreach that did not reach anybody is outreach', at('contacted', 'unable-to-reach', ['unable-to-reach']), [1, 'yes']],
    ['an appointment that is not made', at('scheduled', 'accepted', ['accepted']), [29, 'open'], [31, 'no']],
    ['an appointment that will not be made, for it was declined', at('scheduled', 'declined', ['declined']), [1, 'no']],
    ['a patient who came without one', at('scheduled', 'seen', ['seen']), [1, 'yes']],
    ['a visit that has not been', at('seen', 'scheduled', ['scheduled']), [89, 'open'], [91, 'no']],
    ['a visit of which only the note tells', at('seen', 'reported', ['reported'], { reportedAt: hours(5) }), [1, 'yes']],
    ['a note after the visit', at('reported', 'seen', ['seen']), [29, 'open'], [31, 'no']],
    ['a note after no visit is nothing to judge', at('reported', 'scheduled', ['scheduled']), [200, undefined]],
    ['a note that was withdrawn', at('reported', 'seen', ['seen', 'reported', 'report-withdrawn']), [10, 'open'], [40, 'no']],
    ['a note that is not delivered', at('closed', 'reported', ['seen', 'reported'], { reportedAt: hours(2) }), [119, 'open'], [121, 'no']],
    ['an outbound loop is closed when the report comes', at('closed', 'reported', ['report-received'], { direction: 'outbound', reportedAt: hours(1) }), [1, 'yes']],
    ['a person closed it without a note', at('closed', 'closed', ['seen', 'closed']), [3, 'no']],
    ['what the referrer took back has no loop to close', at('closed', 'cancelled', ['cancelled']), [3, undefined]],
    ['declined', at('declined', 'declined', ['declined']), [1, 'yes']],
    ['not declined yet', at('declined', 'accepted', ['accepted']), [1, 'open'], [91, 'no']],
    ['reopened, and so not declined any more', at('declined', 'received', ['declined', 'reopened']), [1, 'open']],
    ['no-show, then rebooked and seen', at('no-show', 'seen', ['scheduled', 'no-show', 'rescheduled', 'seen']), [9, 'yes']],
    ['an appointment to come', at('no-show', 'scheduled', ['scheduled']), [9, 'open']],
    ['no appointment, no no-show', at('no-show', 'accepted', ['accepted']), [200, undefined]],
    ['something missing', at('incomplete', 'received', ['triaged', 'needs-information']), [1, 'yes']],
    ['nothing is asked of outbound ones', at('incomplete', 'sent', ['triaged'], { direction: 'outbound' }), [1, undefined]],
    ['first uncertain, then matched by a person', at('matched', 'routed', ['match-uncertain', 'matched']), [1, 'no']],
    ['that is a review', at('reviewed', 'routed', ['match-uncertain', 'matched']), [1, 'yes']],
    ['no chart, then one', at('pending', 'routed', ['patient-pending', 'matched']), [1, 'yes']],
    ['nobody was looked for', at('pending', 'received', []), [1, undefined]],
    ['never scheduled', at('lost', 'contacted', ['contacted']), [29, 'open'], [31, 'yes']],
    ['scheduled late', at('lost', 'scheduled', ['scheduled']), [31, 'open'], [91, 'yes']],
    ['scheduled for later than most wait', at('lost', 'scheduled', ['scheduled'], { appointment: { id: '1', start: hours(100 * 24), with: null, at: null, heardAt: hours(1), last: 'scheduled' } }), [91, 'open'], [101, 'yes']],
    ['did not come and did not rebook', at('lost', 'rebooking', ['scheduled', 'no-show']), [40, 'open'], [91, 'yes']],
    ['declined is lost', at('lost', 'declined', ['declined']), [1, 'yes']],
    ['seen is not', at('lost', 'closed', ['seen', 'closed']), [500, 'no']],
    ['overdue', at('overdue', 'reported', ['overdue']), [1, 'yes']],
  ]
  for (const [says, judged, ...moments] of cases) for (const [day, expected] of moments) t.equal(judged(day), expected, `${says}, after ${day} days`)
})

t.test('what its sender dates before the receipt takes no time', async (t) => {
  t.strictSame(rowOf({ times: { seen: hours(-5) } }, 1).times, { visit: 0 })
})

// ── Many, at random ─────────────────────────────────────────────────────────────────────

const randomFrom = (seed: number) => (below: number): number => {
  seed = (Math.imul(seed ^ (seed >>> 15), 0x2c1b3c6d) + 0x6d2b79f5) | 0
  return ((seed ^ (seed >>> 13)) >>> 0) % below
}
const NAMES: readonly EventName[] = ['triaged', 'matched', 'match-uncertain', 'patient-pending', 'needs-information', 'acknowledged', 'acknowledged-by-them', 'contacted', 'unable-to-reach', 'scheduled', 'rescheduled', 'no-show', 'seen', 'outcome-sent', 'overdue']
const STAGES: readonly Stage[] = ['received', 'accepted', 'scheduled', 'rebooking', 'seen', 'reported', 'closed', 'declined', 'cancelled']
const FIRST = Date.parse('2026-01-20T00:00:00Z')
const NOW = new Date('2026-07-01T12:00:00Z')

const statesFrom = (seed: number, count: number): readonly ReferralState[] => {
  const random = randomFrom(seed)
  const some = <Value>(values: readonly Value[]): Value => values[random(values.length)] as Value
  return Array.from({ length: count }, (_, serial) => {
    const received = FIRST + random(150 * 24 * 3600) * 1000
    const later = (): string => new Date(received + random(90 * 24 * 3600) * 1000).toISOString()
    return stateOf(idOf(serial), 1, {
      receivedAt: new Date(received).toISOString(), direction: some(['inbound', 'inbound', 'inbound', 'outbound']), stage: some(STAGES), provider: some([null, '1', '2', '3', '4']), specialty: some([null, 'cardiology', 'neurology']),
      payer: some([null, 'Acme Health', 'Medicare']), via: some(['mllp', 'fax']), route: some([null, { ehr: 'epic-main', location: 'North', practitioner: null, queue: null, tasks: [] }, { ehr: 'ecw', location: null, practitioner: null, queue: null, tasks: [] }]),
      times: Object.fromEntries(NAMES.filter(() => random(2) === 0).map((name) => [name, later()])), reportedAt: random(2) === 0 ? later() : null, overdue: random(3) === 0 ? { 'first-outreach': 1, 'visit': 2 } : {},
    })
  })
}
const rowsOf = (states: readonly ReferralState[]): readonly Row[] => states.map((state) => measure(state, { now: NOW.getTime(), days: SETTINGS.days, dayOf: days.dayOf }))

/** A percentile as a spreadsheet's manual says it, the slow way. */
const percentile = (values: readonly number[], share: number, unit: number): number | null => {
  const sorted = values.toSorted((one, other) => one - other)
  const at = share * (sorted.length - 1)
  const [low, high] = [sorted[Math.floor(at)], sorted[Math.min(sorted.length - 1, Math.floor(at) + 1)]]
  return low === undefined || high === undefined ? null : Math.round(((1 - (at % 1)) * low + (at % 1) * high) / unit * 100) / 100
}
const bruteForce = (rows: readonly Row[]): Totals => ({
  received: rows.length, overdueDuties: rows.reduce((sum, { overdue }) => sum + overdue, 0),
  rates: Object.fromEntries(RATES.map((name) => {
    const of = (judged: Judged): number => rows.filter((row) => row.rates[name] === judged).length
    const share = (whole: number): number | null => (whole === 0 ? null : Math.round(of('yes') / whole * 1e4) / 1e4)
    return [name, { numerator: of('yes'), denominator: of('yes') + of('no'), open: of('open'), rate: share(of('yes') + of('no')), ofReceived: share(rows.length) }]
  })) as Totals['rates'],
  times: Object.fromEntries(TIMES.map((name) => {
    const { unit } = TIME_DEFINITIONS[name]
    const values = rows.flatMap((row) => row.times[name] ?? [])
    return [name, { unit, count: values.length, median: percentile(values, 0.5, unit === 'minutes' ? 60 : 3600), p90: percentile(values, 0.9, unit === 'minutes' ? 60 : 3600) }]
  })) as Totals['times'],
})
/** One assertion: the same counts and rates, and quantiles that differ by rounding at most. */
const nearly = (t: Test, found: Totals, wanted: Totals, says: string): void => {
  const near = (one: number | null, other: number | null): boolean => one === other || (one !== null && other !== null && Math.abs(one - other) < 0.011)
  const times = TIMES.filter((name) => found.times[name].count !== wanted.times[name].count || !near(found.times[name].median, wanted.times[name].median) || !near(found.times[name].p90, wanted.times[name].p90))
  t.strictSame({ received: found.received, overdueDuties: found.overdueDuties, rates: found.rates, times }, { received: wanted.received, overdueDuties: wanted.overdueDuties, rates: wanted.rates, times: [] }, says)
}
/** What adds up. */
const countsOf = ({ received, overdueDuties, rates, times }: Totals): readonly number[] => [received, overdueDuties, ...RATES.flatMap((name) => [rates[name].numerator, rates[name].denominator, rates[name].open]), ...TIMES.map((name) => times[name].count)]

t.test('whatever the groups, they add up to the whole, and rates and medians are those of counting by hand', async (t) => {
  const groupings: readonly (readonly Dimension[])[] = [[], ...DIMENSIONS.map((one) => [one]), ['provider', 'month'], ['specialty', 'payer', 'location']]
  for (const [seed, count] of [[1, 400], [2, 37], [3, 2], [4, 1], [5, 0]] as const) {
    const rows = rowsOf(statesFrom(seed, count))
    for (const by of groupings) {
      const sums = adding(by)
      for (const row of rows) sums.add(row)
      const [whole, groups] = [sums.whole(), sums.groups()]
      const says = `${count} by ${by.join(', ')}`
      nearly(t, whole, bruteForce(rows), says)
      const counted = countsOf(whole)
      t.strictSame(counted.map((_, at) => groups.reduce((sum, group) => sum + (countsOf(group)[at] ?? 0), 0)), counted, `${says}: the sums of the groups`)
      for (const group of groups) nearly(t, group, bruteForce(rows.filter((row) => by.every((name) => row.of[name] === group.of[name]))), `${says}, ${JSON.stringify(group.of)}`)
    }
  }
})

t.test('groups without end are refused, and the sentence says what to do', async (t) => {
  const sums = adding(['provider'])
  const [row] = rowsOf(statesFrom(1, 1)) as [Row]
  t.throws(() => { for (let n = 0; n <= 20_000; n++) sums.add({ ...row, of: { ...row.of, provider: String(n) } }) }, /more than 20000 groups by provider; group by less/)
})

// ── From the store ──────────────────────────────────────────────────────────────────────

t.test('a period is days of receipt on the practice’s clocks; filters and merged providers hold', async (t) => {
  const states = statesFrom(7, 1200)
  const store = openSqliteDeskStore(':memory:')
  t.teardown(() => store.close())
  await Promise.all(states.map((state, n) => store.commit({ ...changeOf(state.id, 0, { found: { text: `referral ${n}`, payer: state.payer ?? null } }), state: { ...state, sequence: 1 } })))
  const people: Readonly<Record<string, { id: string; name: object | null; practice: string | null }>> = {
    1: { id: '1', name: { given: ['Ada'], family: 'Adler' }, practice: '=HYPERLINK("x")' }, 2: { id: '3', name: null, practice: 'Third, Street Clinic' }, 3: { id: '3', name: null, practice: 'Third, Street Clinic' },
  }
  const parts: MeasuresParts = { store, providers: { get: async (id) => (people[id] ?? null) as never }, settings: SETTINGS, zone: ZONE, now: NOW }
  const merged = states.map((state) => (state.provider === '2' ? { ...state, provider: '3' } : state))
  const wanted = (test: (state: ReferralState) => boolean): Totals => bruteForce(rowsOf(merged.filter(test)))
  const local = ({ receivedAt }: ReferralState): string => new Intl.DateTimeFormat('sv-SE', { timeZone: ZONE, dateStyle: 'short' }).format(new Date(receivedAt))

  const all = await measures(parts, measuresQuery({ by: 'provider' }))
  nearly(t, all.whole, wanted(() => true), 'everything, over several pages')
  t.strictSame(all.groups.map(({ of, name }) => [of.provider, name]).sort(), [[null, null], ['1', 'Ada Adler, =HYPERLINK("x")'], ['3', 'Third, Street Clinic'], ['4', null]])
  for (const [given, test] of [
    [{ from: '2026-03-08', to: '2026-03-08' }, (one) => local(one) === '2026-03-08'],
    [{ from: '2026-03-01', to: '2026-04-30' }, (one) => local(one) >= '2026-03-01' && local(one) <= '2026-04-30'],
    [{ from: '2026-05-01' }, (one) => local(one) >= '2026-05-01'],
    [{ to: '2026-02-01', direction: 'outbound' }, (one) => local(one) <= '2026-02-01' && one.direction === 'outbound'],
    [{ provider: '3', via: 'fax' }, (one) => one.provider === '3' && one.via === 'fax'],
    [{ specialty: 'cardiology', payer: 'Medicare', ehr: 'epic-main', location: 'North', urgency: 'routine' }, (one) => one.specialty === 'cardiology' && one.payer === 'Medicare' && one.route?.ehr === 'epic-main'],
    [{ specialty: 'dermatology' }, () => false],
  ] as readonly [Record<string, string>, (state: ReferralState) => boolean][]) {
    const found = await measures(parts, measuresQuery({ by: 'month', ...given }))
    nearly(t, found.whole, wanted(test), JSON.stringify(given))
    for (const { of, received } of found.groups) t.equal(received, merged.filter((one) => test(one) && local(one).startsWith(of.month ?? '-')).length)
  }
  await t.rejects(measures({ ...parts, zone: 'America/New_Yrok' }, measuresQuery({})), /`America\/New_Yrok` is no time zone; did you mean `America\/New_York`/)

  const text = toCsv(all)
  t.match(text, /\r\n$/)
  const [header = [], ...lines] = csvRecords({ text, file: 'measures.csv' }).map((record) => record.map((one) => one.text))
  t.equal(lines.length, all.groups.length + 1)
  t.ok(lines.every((line) => line.length === header.length), 'every line has every column')
  const column = (name: string): readonly string[] => lines.map((line) => line[header.indexOf(name)] ?? 'no such column')
  t.strictSame(column('group'), [...all.groups.map(() => 'group'), 'whole'])
  t.ok(column('provider name').includes('Third, Street Clinic'))
  t.strictSame(column('received').map(Number), [...all.groups.map(({ received }) => received), all.whole.received])
  t.strictSame(column('lost rate').map(Number), [...all.groups, all.whole].map(({ rates }) => rates.lost.rate))
  t.strictSame(column('acknowledge median minutes').map(Number), [...all.groups, all.whole].map(({ times }) => times.acknowledge.median))
  const [group] = all.groups
  if (!group) return t.fail('no group')
  const dangerous = ['=1+1', '+1', '-1', '@x', '\tx', '＝1']
  const neutral = csvRecords({ text: toCsv({ ...all, groups: dangerous.map((provider) => ({ ...group, of: { provider } })) }), file: 'x.csv' }).slice(1, -1).map((record) => record[1]?.text)
  t.strictSame(neutral, dangerous.map((value) => `'${value}`), 'nothing that a spreadsheet would calculate')
  t.match(toCsv({ ...all, groups: [{ ...group, of: { provider: 'a "b",\nc' } }] }), /,"a ""b"",\nc",/)
  t.equal(toCsv(await measures(parts, measuresQuery({}))).split('\r\n').length, 3, 'no groups: the whole only')
})

t.test('days begin when the practice’s clocks say so, also when the clocks are changed', async (t) => {
  const begins = (zone: string, day: string): string => new Date(daysIn(zone).startOf(day)).toISOString()
  t.equal(begins('America/New_York', '2026-03-08'), '2026-03-08T05:00:00.000Z')
  t.equal(begins('America/New_York', '2026-03-09'), '2026-03-09T04:00:00.000Z')
  t.equal(begins('Pacific/Kiritimati', '2026-03-09'), '2026-03-08T10:00:00.000Z')
  t.equal(begins('Pacific/Pago_Pago', '2026-03-09'), '2026-03-09T11:00:00.000Z')
  t.equal(begins('Africa/Cairo', '2026-04-24'), '2026-04-23T22:00:00.000Z', 'a day without midnight begins at one')
  t.equal(begins('Pacific/Apia', '2011-12-30'), begins('Pacific/Apia', '2011-12-31'), 'a day that a zone left out')
  t.equal(daysIn('America/New_York').dayOf(Date.parse('2026-03-09T03:59:59.999Z')), '2026-03-08')
  t.equal(daysIn('Asia/Kolkata').written(Date.parse('2026-03-09T03:59:59.999Z')), '2026-03-09T09:29:59.999+05:30')
  t.equal(daysIn('UTC').written(0), '1970-01-01T00:00:00.000+00:00')
})

// ── What is asked, told and set ─────────────────────────────────────────────────────────

t.test('what is asked wrongly is answered with what is meant', async (t) => {
  for (const [given, sentence] of [
    [{ by: 'speciality' }, /`by` cannot be `speciality`; did you mean `specialty`\?/], [{ by: 'provider,month,ehr,via' }, /at most 3/], [{ form: '2026-01-01' }, /`form` is nothing to ask the measures for; did you mean `from`\?/],
    [{ from: '2026-02-30' }, /`from` is `2026-02-30`; it is a day/], [{ to: 'yesterday' }, /`to` is `yesterday`/], [{ from: '2026-02-02', to: '2026-02-01' }, /before `from`/], [{ direction: 'in' }, /`direction` cannot be `in`/],
    [{ payer: 'x'.repeat(201) }, /longer than 200/], [{ constructor: 'x' }, /`constructor` is nothing to ask/],
  ] as const) t.throws(() => measuresQuery(given), { code: 'USAGE', message: sentence }, JSON.stringify(given))
  t.strictSame(measuresQuery({ by: ' month, month,provider', urgency: undefined }), { by: ['month', 'provider'], from: null, to: null, filters: {} })
})

t.test('every measure is defined in words, and the README prints the table that holds', async (t) => {
  const { rates, times, dimensions, notes } = definitions()
  t.strictSame([rates.map(({ name }) => name), times.map(({ name }) => name), dimensions.map(({ name }) => name)], [RATES, TIMES, DIMENSIONS])
  for (const { title, counts, of, open } of [...rates, ...times]) for (const words of [title, counts, of, open]) t.ok(words.length > 3)
  t.ok(notes.length > 0)
  t.ok(readFileSync(join(ROOT, 'referrals/measures/README.md'), 'utf8').includes(definitionsTable()), 'print definitionsTable() into referrals/measures/README.md')
})

t.test('the shipped settings are sound, and a mistake in them is said with its place', async (t) => {
  t.strictSame(lintMeasureSettings(MAPPINGS.mapping('measures/default')), [])
  const shipped = readFileSync(join(ROOT, 'mappings/measures/default.yaml'), 'utf8')
  const folder = t.testdir({})
  mkdirSync(join(folder, 'measures'))
  for (const [from, to, sentence] of [
    ['scheduled: 30', 'schedulled: 30', /default\.yaml:\d+:\d+: .*`schedulled`.*did you mean `scheduled`/], ['seen: 90', 'seen: 9', /:8:\d+: `seen` is 9 days and `scheduled` is 30/], ['closed: 120', 'closed: 0', /:10:\d+: .*closed/],
    ['{ system: http://loinc.org, code', '{ system: loinc, code', /:\d+:\d+: .*system/],
  ] as const) {
    if (!shipped.includes(from)) throw new Error(`default.yaml has no ${from}`)
    writeFileSync(join(folder, 'measures/default.yaml'), shipped.replace(from, to))
    const own = openMappings(folder, join(ROOT, 'mappings'))
    t.match(lintMeasureSettings(own.mapping('measures/default')).join('\n'), sentence)
    t.throws(() => readMeasureSettings(own), /default\.yaml:\d+:\d+: /)
  }
})
