/** DTM, DT, TM and TS, dates and times (2.A.22): precision and offset stay as the sender wrote them. */
import type { Datatype, Use, Written } from '../datatype.js'
import { type Draft, leaf, unreadable } from '../draft.js'
import type { Part } from '../part.js'

const FORM = /^(\d{4})(?:(\d{2})(?:(\d{2})(?:(\d{2})(?:(\d{2})(?:(\d{2})(\.\d{1,4})?)?)?)?)?)?([+-](?:0\d|1[0-3])[0-5]\d|[+-]1400)?$/

/**
 * The FHIR date, dateTime or instant of a part. FHIR wants an offset with a time: one that says none gets the offset of `timezone`,
 * and without a time zone only the date is taken. Seconds that are not said are zeroes, as R4 asks (datatypes, dateTime).
 */
export const dateTime = (part: Part, use: Use): Draft | undefined => {
  if (part.text === '') return undefined
  const [match, year = '', month, day, hour, minute = '00', second = '00', fraction = '', zone] = FORM.exec(part.text) ?? []
  const date = [year, month, day].filter(Boolean).join('-')
  if (!match || !exists(year, month, day, hour, minute, second)) {
    use.issue(part, 'is not a date or time of the form YYYYMMDDHHMMSS+ZZZZ')
    return use.target === 'instant' ? undefined : unreadable(part.text, part.origin)
  }
  if (use.target === 'date' || hour === undefined) {
    if (use.target !== 'instant') return leaf(date, part.origin)
    use.issue(part, 'has no time of day')
    return undefined
  }
  const clock = `${hour}:${minute}:${second}${fraction}`
  const offset = zone ? `${zone.slice(0, 3)}:${zone.slice(3)}` : use.timezone && offsetAt(`${date}T${clock.slice(0, 8)}`, use.timezone)
  if (offset) return leaf(`${date}T${clock}${offset.replace('-00:00', '+00:00')}`, part.origin)
  use.issue(part, 'has a time without an offset, and the step has no timezone: only its date is taken')
  return use.target === 'instant' ? undefined : leaf(date, part.origin)
}

const exists = (year: string, month = '01', day = '01', hour = '00', minute = '00', second = '00'): boolean => {
  const at = new Date(`${year}-${month}-${day}T00:00:00Z`)
  return year !== '0000' && at.getUTCMonth() + 1 === Number(month) && at.getUTCDate() === Number(day) && Number(hour) < 24 && Number(minute) < 60 && Number(second) < 60
}

const zones = new Map<string, Intl.DateTimeFormat>()

/** The offset that a time zone has at a local time, "-05:00". In the hour that comes twice a year it is the first one's. */
export const offsetAt = (local: string, timezone: string): string => {
  const asked = Date.parse(`${local}Z`)
  const first = offsetOf(asked - 86_400_000, timezone) // what holds before a change also holds for the first of a doubled hour
  const minutes = [first, offsetOf(asked + 86_400_000, timezone)].find((each) => offsetOf(asked - each * 60_000, timezone) === each) ?? first
  const size = Math.abs(minutes)
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`
}

/** Minutes east of Greenwich at an instant. */
const offsetOf = (instant: number, timezone: string): number => {
  const format = zones.get(timezone) ?? new Intl.DateTimeFormat('en-US', { timeZone: timezone, timeZoneName: 'longOffset' })
  zones.set(timezone, format)
  const name = format.formatToParts(new Date(instant)).find(({ type }) => type === 'timeZoneName')?.value ?? ''
  const [, sign, hours = '0', minutes = '0'] = /GMT([+-])(\d{2}):(\d{2})/.exec(name) ?? []
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes))
}

const two = (number: number): string => String(number).padStart(2, '0')

/** The way back: "2026-03-02T09:15:00-05:00" to "20260302091500-0500". */
export const dateTimeText = (value: string | undefined): string => {
  if (!value) return ''
  const [, date = '', time = '', offset = ''] = /^([\d-]+)(?:T([\d:.]+)(Z|[+-]\d\d:\d\d)?)?$/.exec(value) ?? []
  return date.replaceAll('-', '') + time.replaceAll(':', '') + (offset === 'Z' ? '+0000' : offset.replace(':', ''))
}

const write = (value: unknown): Written | undefined => dateTimeText(String(value)) || undefined

export const DTM: Datatype = { makes: ['date', 'dateTime', 'instant'], read: dateTime, write }

/** A time of day (2.A.75), with colons as many write it; its offset, which FHIR's time has no room for, is left out. */
export const TM: Datatype = {
  makes: ['time'],
  read: (part, use) => {
    if (part.text === '') return undefined
    const [match, hour = '', minute = '00', second = '00', fraction = ''] = /^(\d{2})(?::?(\d{2})(?::?(\d{2})(\.\d{1,4})?)?)?([+-]\d{4})?$/.exec(part.text) ?? []
    if (match && Number(hour) < 24 && Number(minute) < 60 && Number(second) < 60) return leaf(`${hour}:${minute}:${second}${fraction}`, part.origin)
    use.issue(part, 'is not a time of the form HHMMSS')
    return unreadable(part.text, part.origin)
  },
  write: (value) => String(value).replaceAll(':', ''),
}
