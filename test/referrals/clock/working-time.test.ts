import t from 'tap'
import { nextTime, readTimes } from '../../../referrals/clock/digest-times.js'
import { readHolidays } from '../../../referrals/clock/holidays.js'
import { readSpan } from '../../../referrals/clock/span.js'
import { addWorking, type Calendar, calendar, isOpen, nextOpening } from '../../../referrals/clock/working-time.js'
import { zoneDays } from '../../../referrals/clock/zone-days.js'
import { type Hours, readHours } from '../../../engine/watch/hours.js'

const MINUTE = 60_000
const WEEKDAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']

interface Practice { readonly zone: string; readonly hours: Hours; readonly calendar: Calendar; readonly closed: readonly string[] }

/** `closed`: all dates on which it is closed in the time that is looked at, written out. */
const practice = (zone: string, hours: string, holidays: readonly string[] = [], closed: readonly string[] = holidays): Practice => {
  const read = readHours(hours)
  return { zone, hours: read, calendar: calendar(zoneDays(zone), read, readHolidays(holidays).holidays), closed }
}
const madison = practice('America/Chicago', 'Mon-Fri 08:00-17:00', ['us-federal'])
const at = (text: string): number => Date.parse(text)
const iso = (time: number): string => new Date(time).toISOString()
const after = (from: string, span: string, { calendar }: Practice = madison): string => iso(addWorking(at(from), readSpan(span), calendar))

/** Minute by minute, by what the clocks of the zone show: the definition itself, and nothing clever. */
function walker({ zone, hours, closed }: Practice) {
  const format = new Intl.DateTimeFormat('en-GB', { timeZone: zone, hourCycle: 'h23', weekday: 'short', year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit' })
  const seen = new Map<number, { date: string; shown: number; open: boolean }>()
  const look = (time: number) => {
    const minute = Math.floor(time / MINUTE) * MINUTE
    const before = seen.get(minute)
    if (before) return before
    const part = Object.fromEntries(format.formatToParts(minute).map(({ type, value }) => [type, value]))
    const date = `${part.year}-${part.month}-${part.day}`
    const shown = Number(part.hour) * 60 + Number(part.minute)
    const open = !closed.includes(date) && (hours[WEEKDAYS.indexOf(part.weekday ?? '')] ?? []).some(({ from, to }) => shown >= from && shown < to)
    const made = { date, shown, open }
    seen.set(minute, made)
    return made
  }
  const opening = (from: number): number => {
    let time = from
    while (!look(time).open) time = Math.floor(time / MINUTE) * MINUTE + MINUTE
    return time
  }
  const addMinutes = (from: number, minutes: number): number => {
    let left = minutes
    let time = opening(from)
    for (;;) {
      if (look(time).open) left--
      time += MINUTE
      if (left === 0) return time
    }
  }
  const addDays = (from: number, days: number): number => {
    const begins = opening(from)
    const { shown } = look(begins)
    let left = days
    let date = look(begins).date
    let time = begins
    while (left > 0) {
      time += MINUTE
      const now = look(time)
      if (now.open && now.date !== date) {
        date = now.date
        left--
      }
    }
    let last = time // of that date: the first open minute that shows the time or more, or else the end of the last open minute
    for (; look(time).date === date; time += MINUTE) {
      if (!look(time).open) continue
      if (look(time).shown >= shown) return time
      last = time + MINUTE
    }
    return last
  }
  return { look, opening, addMinutes, addDays }
}

/** The same numbers in the same order each time. */
const random = (seed: number) => () => {
  seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
  return seed / 2_147_483_648
}

t.test('two working days are over at the same time of the second day that it is open', async (t) => {
  t.equal(after('2026-03-03T16:00:00Z', '2 working days'), '2026-03-05T16:00:00.000Z', 'Tuesday 10:00 to Thursday 10:00')
  t.equal(after('2026-03-06T16:00:00Z', '1 working day'), '2026-03-09T15:00:00.000Z', 'over a weekend, and over the change to summer time')
  t.equal(after('2026-02-28T18:00:00Z', '2 working days'), '2026-03-04T14:00:00.000Z', 'from Saturday it counts from Monday’s opening')
  t.equal(after('2026-02-27T23:00:00Z', '1 working day'), '2026-03-03T14:00:00.000Z', 'closing time is closed: from Friday 17:00 too')
  t.equal(after('2026-07-02T15:00:00Z', '1 working day'), '2026-07-06T15:00:00.000Z', 'over July 4th, a Saturday that is kept on Friday')
  t.equal(after('2026-03-05T20:30:00Z', '1 working day', practice('America/Chicago', 'Mon-Thu 08:00-17:00, Fri 08:00-12:00')), '2026-03-06T18:00:00.000Z', 'a shorter day: at its closing time')
  t.equal(after('2026-03-03T18:30:00Z', '1 working day', practice('America/Chicago', 'Tue 08:00-17:00, Wed 08:00-12:00,13:00-17:00')), '2026-03-04T19:00:00.000Z', 'a time at which that day is closed for lunch: after it')
})

t.test('working hours are those it is open', async (t) => {
  t.equal(after('2026-03-06T21:00:00Z', '4 working hours'), '2026-03-09T15:00:00.000Z', 'Friday 15:00 to Monday 10:00')
  t.equal(after('2026-03-06T21:00:00Z', '2 working hours'), '2026-03-06T23:00:00.000Z', 'exactly to closing time')
  t.equal(after('2026-03-07T01:00:00Z', '1 working minute'), '2026-03-09T13:01:00.000Z')
  t.equal(after('2026-03-06T21:00:00Z', '72h'), '2026-03-09T21:00:00.000Z', 'hours as they pass')
})

t.test('it is open when the clocks and the calendar say so', async (t) => {
  const open = (text: string): boolean => isOpen(at(text), madison.calendar)
  t.same(['2026-03-06T13:59:59Z', '2026-03-06T14:00:00Z', '2026-03-06T22:59:59Z', '2026-03-06T23:00:00Z', '2026-11-26T16:00:00Z'].map(open), [false, true, true, false, false])
  t.equal(iso(nextOpening(at('2026-12-24T23:30:00Z'), madison.calendar)), '2026-12-28T14:00:00.000Z', 'Christmas on a Friday')
  t.equal(iso(nextOpening(at('2026-12-23T16:30:15Z'), madison.calendar)), '2026-12-23T16:30:15.000Z', 'now, where it is open')
})

t.test('the federal holidays are those that are published, with the days they are kept on', async (t) => {
  const { holidays } = readHolidays(['us-federal'])
  const published: Readonly<Record<number, string>> = { // opm.gov; a Saturday’s or Sunday’s own date besides
    2021: '01-01 01-18 02-15 05-31 06-18 06-19 07-04 07-05 09-06 10-11 11-11 11-25 12-24 12-25 12-31',
    2022: '01-01 01-17 02-21 05-30 06-19 06-20 07-04 09-05 10-10 11-11 11-24 12-25 12-26',
    2026: '01-01 01-19 02-16 05-25 06-19 07-03 07-04 09-07 10-12 11-11 11-26 12-25',
    2027: '01-01 01-18 02-15 05-31 06-18 06-19 07-04 07-05 09-06 10-11 11-11 11-25 12-24 12-25 12-31',
  }
  for (const [year, days] of Object.entries(published)) {
    const found = Array.from({ length: 365 }, (_, day) => Date.UTC(Number(year), 0, 1 + day)).filter(holidays).map((time) => iso(time).slice(5, 10))
    t.equal(found.join(' '), days, year)
  }
})

t.test('some holidays, days of each year, dates; and what is none of them is told', async (t) => {
  const { holidays, wrong } = readHolidays(['thanksgiving', '12-24', '2026-11-27', 'thanksgivin', '2026-02-30', '13-01'])
  t.same(['2026-11-26', '2026-11-27', '2027-11-26', '2030-12-24', '2028-12-25', '2026-12-25'].map((text) => holidays(at(text))), [true, true, false, true, false, false], 'a day of each year is not kept on another')
  t.same(wrong.map(({ entry }) => entry), [3, 4, 5])
  t.match(wrong[0]?.says, 'did you mean `thanksgiving`?')
})

const NIGHTS = 'Mon-Fri 08:00-12:00,13:15-17:45, Sat 22:00-06:00'
const CASES: readonly (readonly [string, Practice, readonly (readonly [string, string])[]])[] = [
  ['Chicago', practice('America/Chicago', NIGHTS, ['us-federal'], ['2026-05-25', '2026-06-19', '2026-07-03', '2026-07-04', '2026-11-11', '2026-11-26', '2026-10-12', '2026-12-25', '2027-01-01']), [['2026-03-04', '2026-03-12'], ['2026-10-28', '2026-11-05'], ['2026-06-29', '2026-07-08'], ['2026-12-22', '2026-12-31']]],
  ['Lord Howe, whose clocks change by half an hour', practice('Australia/Lord_Howe', 'Mon-Sun 00:00-24:00', ['2026-04-06']), [['2026-04-02', '2026-04-08'], ['2026-10-01', '2026-10-06']]],
  ['Berlin at night', practice('Europe/Berlin', 'Sun 01:30-02:45, Tue-Thu 23:00-03:00', ['03-31', '2026-10-28'], ['2026-03-31', '2026-10-28']), [['2026-03-25', '2026-04-03'], ['2026-10-20', '2026-10-30']]],
  ['Havana, whose day of summer time begins at one', practice('America/Havana', 'Mon-Sun 00:00-00:30, Mon-Sun 23:00-24:00'), [['2026-03-05', '2026-03-11'], ['2026-10-29', '2026-11-03']]],
]
for (const [name, where, ranges] of CASES) {
  t.test(`it is as a walk from minute to minute finds it: ${name}`, async (t) => {
    const next = random(7)
    const walk = walker(where)
    let wrong = 0
    const check = (what: string, from: number, found: number, wanted: number): void => {
      if (found !== wanted && wrong++ < 5) t.equal(iso(found), iso(wanted), `${what} from ${iso(from)}`)
    }
    for (const [first, last] of ranges) {
      for (let round = 0; round < 120; round++) {
        const from = at(first) + Math.floor((next() * (at(last) - at(first))) / MINUTE) * MINUTE
        const minutes = 1 + Math.floor(next() * 900)
        const days = 1 + Math.floor(next() * 4)
        if (isOpen(from, where.calendar) !== walk.look(from).open) t.fail(`open at ${iso(from)}`)
        check('opening', from, nextOpening(from, where.calendar), walk.opening(from))
        check(`${minutes} minutes`, from, addWorking(from, { kind: 'open', milliseconds: minutes * MINUTE }, where.calendar), walk.addMinutes(from, minutes))
        check(`${days} days`, from, addWorking(from, { kind: 'days', days }, where.calendar), walk.addDays(from, days))
      }
    }
    t.equal(wrong, 0, 'none differed')
  })
}

t.test('a digest goes out at the next of its times, whatever the clocks do', async (t) => {
  const days = zoneDays('America/Chicago')
  const next = (times: string, now: string): string => iso(nextTime(readTimes(times), days, at(now)))
  t.equal(next('Mon-Fri 16:00', '2026-03-06T21:59:59.999Z'), '2026-03-06T22:00:00.000Z')
  t.equal(next('Mon-Fri 16:00', '2026-03-06T22:00:00.000Z'), '2026-03-09T21:00:00.000Z', 'strictly after now; over the change to summer time')
  t.equal(next('Mon,Wed 08:00, Fri 12:00', '2026-03-04T15:00:00Z'), '2026-03-06T18:00:00.000Z')
  t.equal(next('Sun 02:30', '2026-03-07T00:00:00Z'), '2026-03-08T08:00:00.000Z', 'a time that is left out is when the clocks go on')
  t.equal(next('01:30', '2026-11-01T06:30:00Z'), '2026-11-02T07:30:00.000Z', 'a time that is shown twice is the first')
  t.equal(next('23:59', '2026-03-07T00:00:00Z'), '2026-03-07T05:59:00.000Z')
  for (const wrong of ['Mon-Fri', 'Mon 08:00, Tue', 'Mom 16:00', '25:00', 'Mon 08:00-09:00']) t.throws(() => readTimes(wrong), wrong)
})
