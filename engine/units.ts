/** Durations and sizes as people write them: `250ms 2s 5m 4h 90d`, `64kB 20MB 1GB`. */
import { type TString, Type } from 'typebox'

const DURATION = '^(?:0|[1-9][0-9]{0,8})(?:ms|s)$|^(?:0|[1-9][0-9]{0,5})[mhd]$|^[1-9][0-9]{0,2}y$'
const SIZE = '^(?:0|[1-9][0-9]{0,8})(?:B|kB|MB)$|^(?:0|[1-9][0-9]{0,4})GB$'

const MILLISECONDS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, y: 365 * 86_400_000 }
const BYTES: Readonly<Record<string, number>> = { B: 1, kB: 1024, MB: 1024 ** 2, GB: 1024 ** 3 }

export const DURATION_IS = 'a duration: a whole number and one of ms, s, m, h, d, y, such as `250ms`, `30s`, `5m`, `4h` or `90d`'
export const SIZE_IS = 'a size: a whole number and one of B, kB, MB, GB, such as `64kB` or `20MB`'

/** The schema of a setting that is a time span. `Type.Optional(Duration)`, or `withDefault(Duration, '30s')`. */
export const Duration = Type.String({ pattern: DURATION, description: 'A duration: `250ms`, `2s`, `5m`, `4h`, `90d` or `2y`.' })

/** The schema of a setting that is an amount of bytes; a kB is 1024 bytes, as computers count. */
export const Size = Type.String({ pattern: SIZE, description: 'A size: `64kB`, `20MB` or `1GB`; a kB is 1024 bytes.' })

/** `Duration` or `Size` (or any text schema) with what holds where nothing is written, and what the documentation says of it. */
export const withDefault = (schema: TString, value: string, description?: string): TString =>
  Type.String({ ...schema, default: value, ...(description && { description }) })

/** Milliseconds of a duration; a day has 24 hours and a year 365 days. Throws a sentence for anything else. */
export const duration = (text: string): number => quantity(text, DURATION, MILLISECONDS, DURATION_IS)

/** Bytes of a size. Throws a sentence for anything else. */
export const size = (text: string): number => quantity(text, SIZE, BYTES, SIZE_IS)

const quantity = (text: string, pattern: string, units: Readonly<Record<string, number>>, expected: string): number => {
  if (!new RegExp(pattern).test(text)) throw new Error(`\`${text.slice(0, 40)}\` is not ${expected}.`)
  const digits = Number.parseInt(text, 10)
  return digits * (units[text.replace(/^[0-9]+/, '')] ?? 1)
}

/** Throws a sentence where a text names no time zone. */
export const checkZone = (timezone: string): void => {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: timezone })
  } catch {
    throw new Error(`timezone: "${timezone}" is not a time zone; write an IANA name, like America/New_York or UTC`)
  }
}
