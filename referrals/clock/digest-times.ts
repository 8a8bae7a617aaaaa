/** When digests go out: `Mon-Fri 16:00`, and the next time after now by the clocks of a zone. */
import { type Hours, readHours } from '../../engine/watch/hours.js'
import { DAY, instantOf, type ZoneDays } from './zone-days.js'

const TIMES_ARE = 'write days and times such as `Mon-Fri 16:00` or `Mon,Wed 08:00, Fri 12:00`'

/** Each time of the week is the beginning of a minute of it. Throws a sentence. */
export const readTimes = (text: string): Hours => {
  if (!/\d/.test(text) || /\d\s*-\s*\d/.test(text)) throw new Error(`\`${text.slice(0, 40)}\` is no time of the week; ${TIMES_ARE}.`)
  const times = readHours(text.replaceAll(/([0-9]{1,2}):([0-9]{2})/g, (time, hour: string, minute: string) => `${time}-${ended(Number(hour) * 60 + Number(minute) + 1)}`))
  if (times.flat().some(({ from, to }) => to - from > 60)) throw new Error(`\`${text.slice(0, 40)}\` names a day without a time; ${TIMES_ARE}.`)
  return times
}
const ended = (minutes: number): string => `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`

/** Strictly after `after`, in milliseconds. A time that the clocks leave out is when they go on; one that they show twice is the first. */
export const nextTime = (times: Hours, days: ZoneDays, after: number): number => {
  for (let date = days.dateOf(after) - DAY; ; date += DAY) {
    for (const { from } of times[(new Date(date).getUTCDay() + 6) % 7] ?? []) {
      const time = instantOf(days.stretches(date), date, from * 60_000)
      if (time !== null && time > after) return time
    }
  }
}
