/** Days and months as the practice's clocks count them, and as people write them: YYYY-MM-DD. */
import { checkZone } from '../../engine/watch/hours.js'
import { DAY, zoneDays } from '../clock/zone-days.js'

export interface Days {
  readonly zone: string
  /** The day of an instant. */
  dayOf(at: number): string
  /** The instant at which a day begins; of one that the zone left out, where the next one does. */
  startOf(day: string): number
  /** ISO 8601 with the zone's offset: the same day for whoever reads it as it is written and whoever asks for the instant. */
  written(at: number): string
}

/** Throws a sentence for what is no time zone. */
export const daysIn = (zone: string): Days => {
  checkZone(zone)
  const { dateOf, stretches } = zoneDays(zone)
  const startOf = (day: string): number => stretches(midnight(day))[0]?.from ?? startOf(dayAfter(day))
  return {
    zone, startOf,
    dayOf: (at) => dayWritten(dateOf(at)),
    written: (at) => {
      const ahead = stretches(dateOf(at)).find(({ from, to }) => at >= from && at < to)?.ahead ?? 0
      const minutes = Math.abs(ahead) / 60_000
      const two = (number: number): string => String(number).padStart(2, '0')
      return `${new Date(at + ahead).toISOString().slice(0, 23)}${ahead < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`
    },
  }
}

export const dayAfter = (day: string): string => dayWritten(midnight(day) + DAY)

const midnight = (day: string): number => Date.parse(`${day}T00:00:00Z`)
const dayWritten = (date: number): string => new Date(date).toISOString().slice(0, 10)
