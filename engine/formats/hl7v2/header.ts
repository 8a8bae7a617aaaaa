/** Finds and reads the MSH segment in bytes and nothing else: what keeping and acknowledging a message need. */
import type { Header } from '../../contracts.js'
import { MessageFault } from '../../errors.js'
import { partOf, type Reading } from './body.js'
import type { Charset } from './charset.js'
import { charsetDeclared, utf16Of } from './charset-names.js'
import { type Delimiters, delimitersOf } from './delimiters.js'
import { decodeValue } from './escape.js'

/** A header segment (MSH, FHS, BHS) where it stands. */
export interface Opening {
  readonly start: number // in bytes; in UTF-16, where `charset` is that, in characters
  readonly delimiters: Delimiters
  readonly charset: Charset
  /** Its first fields as carried, `[n]` being field n. */
  readonly fields: readonly string[]
  /** One component of a field, decoded; '' where there is none. */
  value(field: number, component?: number): string
}

const MOST_HEADER_FIELDS = 40
const BLANK = new Set([0x20, 0x09, 0x0d, 0x0a, 0xef, 0xbb, 0xbf])

/** Throws the MessageFault (unreadable) that says what is wrong with bytes that are no message. */
export const openingOf = (bytes: Buffer, reading: Reading): Opening => {
  if (bytes.length === 0) throw unreadable('the message is empty (0 bytes)')
  if (bytes.length > reading.limits.size) throw unreadable(`the message is ${bytes.length} bytes long, and at most ${reading.limits.size} are taken; the setting is \`size\``)
  const plain = plainOf(bytes)
  for (const [byte, what] of FORBIDDEN) {
    const at = plain.indexOf(byte)
    if (at !== -1) throw unreadable(`there is ${what} inside the message, at byte ${at + 1}; a message ends before it, or two have run together`)
  }
  return headerAt(bytes, 'MSH', reading, plain)
}
const FORBIDDEN: readonly (readonly [number, string])[] = [
  [0x0b, 'a start-of-block character (VT, 0x0B)'],
  [0x1c, 'an end-of-block character (FS, 0x1C)'],
  [0x00, 'a NUL character (0x00)'],
]

/** UTF-16 is looked at in UTF-8, everything else as it is. */
const plainOf = (bytes: Buffer): Buffer => {
  const wide = utf16Of(bytes)
  if (!wide) return bytes
  if (bytes.length % 2 !== 0) throw unreadable('the message is UTF-16 and has an odd number of bytes: its end is missing')
  return Buffer.from(wide.carry(bytes), 'utf8')
}

/** The header segment that the bytes begin with, whatever follows it. Throws a MessageFault (unreadable) if there is none. */
export const headerAt = (bytes: Buffer, name: 'MSH' | 'FHS' | 'BHS', reading: Reading, plain: Buffer = plainOf(bytes)): Opening => {
  let start = 0
  while (BLANK.has(plain[start] ?? -1)) start++
  const found = plain.toString('latin1', start, start + 3)
  if (found !== name) throw unreadable(found === 'FHS' || found === 'BHS' ? `the message begins with ${found}: this is a batch, to be separated into its messages first` : `the message does not begin with an ${name} segment`)
  const carriageReturn = plain.indexOf(0x0d, start)
  const lineFeed = plain.subarray(start, carriageReturn === -1 ? plain.length : carriageReturn).indexOf(0x0a)
  const end = lineFeed !== -1 ? start + lineFeed : carriageReturn === -1 ? plain.length : carriageReturn
  if (end - start < 5) throw unreadable(`the message is too short: the ${name} segment ends before its encoding characters`, `${name}-2`)
  const wide = utf16Of(bytes)
  const line = plain.toString(wide ? 'utf8' : 'latin1', start, end)
  const separator = line.charAt(3)
  const divided = divide(line, separator)
  const delimiters = delimitersOf(separator, divided[2] ?? '', name)
  const declared = name === 'MSH' && !reading.overrideCharset ? charsetDeclared(divided[18] ?? '', delimiters.repetition, reading.charset) : reading.charset
  const carried = wide ? line : declared.carry(plain.subarray(start, end))
  const fields = carried === line ? divided : divide(carried, separator)
  const charset = wide ?? declared
  return {
    start: wide ? plain.toString('utf8', 0, start).length : start,
    delimiters,
    charset,
    fields,
    value: (field, component = 1) => decodeValue(partOf(partOf(fields[field] ?? '', delimiters.repetition, 1), delimiters.component, component), delimiters, charset),
  }
}

/** The MSH of bytes that may be wrong in any other way, or null where there is none that can be read. Never throws. */
export const tolerantHeader = (bytes: Buffer, reading: Reading): Opening | null => {
  try {
    return headerAt(bytes, 'MSH', reading)
  } catch {
    return null
  }
}

const divide = (line: string, separator: string): string[] => {
  const fields = line.split(separator, MOST_HEADER_FIELDS)
  fields.splice(1, 0, separator)
  return fields
}

/** MSH-10, and MSH-9 as "ADT^A01"; where MSH-9.2 is empty the event is taken from MSH-9.3, and where there is none the type stands alone. */
export const headerOf = (opening: Opening): Header => {
  const type = typeOf(opening)
  if (type === null) throw new MessageFault({ kind: 'required', reason: 'the message type is missing, so that nobody can tell what this is; the header may have been cut short', location: 'MSH-9' })
  return { controlId: opening.value(10) || null, type }
}

const typeOf = (opening: Opening): string | null => {
  const [structureCode = '', structureEvent = ''] = opening.value(9, 3).split('_')
  const code = opening.value(9, 1) || structureCode
  const event = opening.value(9, 2) || structureEvent
  return code === '' ? null : event === '' ? code : `${code}^${event}`
}

const unreadable = (reason: string, location?: string) => new MessageFault({ kind: 'unreadable', reason, ...(location === undefined ? {} : { location }) })
