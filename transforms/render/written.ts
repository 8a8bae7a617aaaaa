/** Dates, times, telephone numbers and the desk's own words as people write them. */

export interface Writing {
  readonly locale: string // of Intl: "en-US"
  readonly timezone: string | null // IANA; null: the time as it stands, by the clock of whoever wrote it
  readonly said: Readonly<Record<string, string>> // codes and words of the desk, as the language says them
}
export type Manner = 'text' | 'date' | 'dateTime' | 'phone' | 'said'

/** A FHIR value as text. What is not in its form is written as it stands. */
export const written = (value: string, as: Manner, writing: Writing): string =>
  ({ text: () => value, date: () => date(value, writing), dateTime: () => dateTime(value, writing), phone: () => phone(value), said: () => said(value, writing) })[as]()

const PARTS = { year: 'numeric', month: 'long', day: 'numeric' } as const

const date = (value: string, writing: Writing): string => {
  const [, year = '', month, day] = /^(\d{4})(?:-(\d\d)(?:-(\d\d))?)?/.exec(value) ?? []
  if (year === '' || !isMoment(value)) return value
  if (day !== undefined && value.includes('T')) return moment(value, writing, PARTS)
  const at = new Date(Date.UTC(Number(year), Number(month ?? 1) - 1, Number(day ?? 1)))
  const parts = day !== undefined ? PARTS : month !== undefined ? { year: PARTS.year, month: PARTS.month } : { year: PARTS.year }
  return format(at, { ...parts, timeZone: 'UTC' }, writing)
}

const dateTime = (value: string, writing: Writing): string => {
  if (!value.includes('T') || !isMoment(value)) return date(value, writing)
  const zone = writing.timezone === null && value.endsWith('Z') ? ' UTC' : ''
  const named = writing.timezone === null ? {} : ({ timeZoneName: 'short' } as const) // whoever reads it may be in another
  return `${moment(value, writing, { weekday: 'long', ...PARTS })}, ${moment(value, writing, { hour: 'numeric', minute: '2-digit', ...named })}${zone}`
}

const isMoment = (value: string): boolean => !Number.isNaN(Date.parse(value))

/** In the zone of the letter, or else by the offset that the value itself has. */
const moment = (value: string, writing: Writing, parts: Intl.DateTimeFormatOptions): string => {
  if (writing.timezone !== null) return format(new Date(value), { ...parts, timeZone: writing.timezone }, writing)
  return format(new Date(value.replace(/(?:Z|[+-]\d\d:\d\d)$/, 'Z')), { ...parts, timeZone: 'UTC' }, writing)
}

/** With plain spaces: releases of ICU differ in which they take. */
const format = (at: Date, parts: Intl.DateTimeFormatOptions, { locale }: Writing): string => formatter(locale, parts).format(at).replace(/[\u00a0\u2009\u202f]/g, ' ')

/** To make one takes many times as long as to use it; there are as many as languages, zones and kinds of dates in letters. */
const formatters = new Map<string, Intl.DateTimeFormat>()
const formatter = (locale: string, parts: Intl.DateTimeFormatOptions): Intl.DateTimeFormat => {
  const key = JSON.stringify([locale, parts])
  const made = formatters.get(key) ?? new Intl.DateTimeFormat(locale, parts)
  formatters.set(key, made)
  return made
}

/** A code or word of the desk in the letter's language; of a line, each of its parts, with its dates and times. What the language has no word for stays. */
const said = (value: string, writing: Writing): string => wordOf(value, writing) ?? value.split(/(: |, | \(|\)|; )/).map((part) => wordOf(part, writing) ?? instants(part, writing)).join('')
const wordOf = (value: string, { said: words }: Writing): string | undefined => (Object.hasOwn(words, value) ? words[value] : undefined)
const instants = (text: string, writing: Writing): string =>
  text.replace(/\b\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d))?(?![\w-])/g, (one) => dateTime(one, writing))

/** Numbers of North America as (555) 555-0123; others as they stand. */
const phone = (value: string): string => {
  const [, area, exchange, line, more = ''] = /^(?:tel:)?(?:\+?1[-. ]?)?\(?(\d{3})\)?[-. ]?(\d{3})[-. ]?(\d{4})((?:\s*(?:x|ext\.?)\s*\d+)?)$/i.exec(value.trim()) ?? []
  return area === undefined ? value : `(${area}) ${exchange}-${line}${more}`
}
