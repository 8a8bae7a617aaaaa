/** Times of the week: what lies within them, in their zone, and what is none. */
import t from 'tap'
import { checkZone, isOpen, openTime, readHours } from '../../engine/watch/hours.js'

const NEW_YORK = 'America/New_York'
const HOUR = 3_600_000
const hoursOpen = (hours: string, from: string, to: string, zone = NEW_YORK): number => openTime(readHours(hours), zone, new Date(from), new Date(to)) / HOUR

t.test('times of the week: only what lies within them counts, in their zone', async (t) => {
  const office = 'Mon-Fri 07:00-19:00'
  t.equal(hoursOpen(office, '2026-01-05T12:00:00Z', '2026-01-05T20:00:00Z'), 8, 'a Monday, 07:00 to 15:00')
  t.equal(hoursOpen(office, '2026-01-09T23:00:00Z', '2026-01-12T13:00:00Z'), 2, 'an hour of Friday, none of the weekend, an hour of Monday')
  t.equal(hoursOpen(office, '2026-01-10T00:00:00Z', '2026-01-12T12:00:00Z'), 0, 'the weekend up to Monday 07:00')
  t.equal(hoursOpen('Mon-Fri 07:00-12:00, Sat 08:00-10:00', '2026-01-05T00:00:00Z', '2026-01-12T00:00:00Z'), 27, 'several')
  t.equal(hoursOpen('Mon, Wed 08:00-12:00', '2026-01-05T00:00:00Z', '2026-01-12T00:00:00Z'), 8, 'days that share a time')
  t.equal(hoursOpen('08:00 - 09:00', '2026-01-05T05:00:00Z', '2026-01-12T05:00:00Z'), 7, 'every day')
  t.equal(hoursOpen('Sat', '2026-01-05T05:00:00Z', '2026-01-12T05:00:00Z'), 24, 'a whole day')
  t.equal(hoursOpen('Fri-Mon 10:00-11:00', '2026-01-05T05:00:00Z', '2026-01-12T05:00:00Z'), 4, 'over the weekend')
  t.equal(hoursOpen('Sun 22:00-06:00', '2026-01-05T05:00:00Z', '2026-01-12T15:00:00Z'), 14, 'over midnight and the end of the week')
  t.equal(hoursOpen('Mon 07:00-12:00, Mon 11:00-13:00', '2026-01-05T05:00:00Z', '2026-01-06T05:00:00Z'), 6, 'what overlaps counts once')
  t.equal(openTime(readHours(office), NEW_YORK, new Date('1990-01-01T00:00:00Z'), new Date('2026-01-05T20:00:00Z'), 4 * HOUR) >= 4 * HOUR, true)
  t.ok(isOpen(readHours(office), NEW_YORK, new Date('2026-01-05T12:00:00Z')))
  t.notOk(isOpen(readHours(office), NEW_YORK, new Date('2026-01-05T11:59:00Z')))
})

t.test('days on which the clocks change have 23 and 25 hours', async (t) => {
  t.equal(hoursOpen('Sun', '2026-03-07T00:00:00Z', '2026-03-10T00:00:00Z'), 23)
  t.equal(hoursOpen('Sun', '2026-10-31T00:00:00Z', '2026-11-03T00:00:00Z'), 25)
  t.equal(hoursOpen('Sat 22:00-06:00', '2026-03-07T00:00:00Z', '2026-03-10T00:00:00Z'), 7, 'the night is an hour shorter')
  t.equal(hoursOpen('Sat 22:00-06:00', '2026-10-31T00:00:00Z', '2026-11-03T00:00:00Z'), 9, 'and longer')
  t.equal(hoursOpen('Mon 07:00-08:00', '2026-03-09T11:00:00Z', '2026-03-09T11:30:00Z'), 0.5, 'Monday 07:00 is an hour earlier in UTC than the week before')
  t.equal(hoursOpen('00:00-24:00', '2026-03-01T00:00:00Z', '2026-04-01T00:00:00Z'), 31 * 24)
  t.equal(hoursOpen('Sun', '2026-03-28T12:00:00Z', '2026-03-30T12:00:00Z', 'Europe/Berlin'), 23)
  t.equal(hoursOpen('Mon-Fri 09:00-17:30', '2026-06-01T00:00:00Z', '2026-06-02T00:00:00Z', 'Asia/Kolkata'), 8.5)
})

t.test('times of the week that are none are told with an example, a wrong day with the nearest', async (t) => {
  for (const [text, said] of [
    ['Mun-Fri 07:00-19:00', /`Mun` is no day; did you mean `Mon`\?/], ['Monday 07:00-19:00', /did you mean `Mon`\?/], ['Xyzabc 07:00-19:00', /the days are Mon Tue/],
    ['Mon-Fri 7-19', /`7-19` is no span of time; write days and times such as `Mon-Fri 07:00-19:00`/], ['Mon 25:00-26:00', /no span/], ['Mon 07:60-08:00', /no span/],
    ['Mon 07:00-07:00', /lasts no time; for whole days write `00:00-24:00`/], ['Mon Tue', /no span/], ['Mon-Tue-Wed', /no range of days/], ['', /no time of the week/], ['Mon,', /no time of the week/], ['Mon 07:00-08:00 x', /no time of the week/],
  ] as const) t.throws(() => readHours(text), { message: said }, text)
  t.throws(() => checkZone('America/New_Yrok'), /did you mean `America\/New_York`\?/)
  t.throws(() => checkZone('Berlin'), /did you mean `Europe\/Berlin`\?/)
  t.throws(() => checkZone('nowhere at all'), /write one such as/)
})
