/** The header of a message or of a part: its fields as they stand in the bytes, decoded when they are asked for, and changed one at a time. */
import libmime from 'libmime'
import addressparser from 'nodemailer/lib/addressparser'

/** One field; `raw` is all of it, name, folds and line break included. */
export interface Field {
  readonly name: string // as written
  readonly raw: Buffer
}

export interface Header {
  readonly fields: readonly Field[]
  readonly end: number // bytes that it takes, with the empty line behind it
}

export interface Address { readonly name: string; readonly address: string }

const LF = 0x0a
const CR = 0x0d
const FIELD = /^([A-Za-z0-9!#$%&'*+.^_`|~-]{1,200})[ \t]*:/
const ADDRESSES = new Set(['from', 'to', 'cc', 'bcc', 'sender', 'reply-to', 'return-path', 'delivered-to', 'resent-from', 'resent-to', 'disposition-notification-to'])
const LONGEST_DECODED = 100_000 // characters of one field

/** Reads RFC 5322 fields from the beginning of `bytes` to the first empty line. Lines that are no field (an mbox `From `, rubbish) are passed over. */
export const readFields = (bytes: Buffer): Header => {
  const fields: Field[] = []
  let at = 0
  while (at < bytes.length) {
    let end = lineEnd(bytes, at)
    if (isEmptyLine(bytes, at, end)) return { fields, end }
    while (end < bytes.length && (bytes[end] === 0x20 || bytes[end] === 0x09)) end = lineEnd(bytes, end) // folded
    const [, name] = FIELD.exec(bytes.toString('latin1', at, Math.min(end, at + 210))) ?? []
    if (name !== undefined) fields.push({ name, raw: bytes.subarray(at, end) })
    at = end
  }
  return { fields, end: bytes.length }
}

/** Where the next line begins. */
export const lineEnd = (bytes: Buffer, from: number): number => {
  const found = bytes.indexOf(LF, from)
  return found < 0 ? bytes.length : found + 1
}

const isEmptyLine = (bytes: Buffer, from: number, to: number): boolean =>
  bytes[from] === LF || (bytes[from] === CR && (to === from + 1 || bytes[from + 1] === LF))

/** The fields of one name, in order; names do not tell capitals apart. */
export const fieldsOf = ({ fields }: Pick<Header, 'fields'>, name: string): readonly Field[] => {
  const wanted = name.toLowerCase()
  return fields.filter((field) => field.name.toLowerCase() === wanted)
}

/** The value of a field as written, unfolded. */
export const rawValue = ({ raw }: Field): string => {
  const text = utf8OrLatin1(raw.subarray(0, LONGEST_DECODED))
  return text.slice(text.indexOf(':') + 1).replace(/\r?\n(?=[ \t])/g, '').replace(/[\r\n]+$/, '').trim()
}

/** The value of a field as text: encoded words (RFC 2047) decoded. */
export const textValue = (field: Field): string => decodedWords(rawValue(field))

/** The addresses of a field, groups opened; encoded words in names decoded. Never a word that merely looks like an address within a name. */
export const addressesOf = (field: Field): readonly Address[] =>
  addressparser(rawValue(field).slice(0, LONGEST_DECODED), { flatten: true }).slice(0, 1000).map(({ name, address }) => ({ name: decodedWords(name), address }))

/** Whether a field of this name holds addresses. */
export const holdsAddresses = (name: string): boolean => ADDRESSES.has(name.toLowerCase())

/** `multipart/mixed` and its parameters by lower-case name (RFC 2045, RFC 2231). Nothing readable is `{ value: '', parameters: {} }`. */
export const structured = (field: Field | undefined): { readonly value: string; readonly parameters: Readonly<Record<string, string>> } => {
  if (!field) return { value: '', parameters: {} }
  try {
    const { value, params } = libmime.parseHeaderValue(rawValue(field))
    const parameters = Object.entries(params ?? {}).map(([name, one]) => [name.toLowerCase(), decodedWords(String(one))])
    return { value: String(value).trim().toLowerCase(), parameters: Object.fromEntries(parameters) }
  } catch {
    return { value: '', parameters: {} }
  }
}

const decodedWords = (text: string): string => {
  if (!text.includes('=?')) return text
  try {
    return libmime.decodeWords(text)
  } catch {
    return text
  }
}

/** Text of bytes in UTF-8, or else in windows-1252, which is what is meant mostly where nothing is said. */
export const utf8OrLatin1 = (bytes: Buffer): string => {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return new TextDecoder('windows-1252').decode(bytes)
  }
}

/**
 * `bytes` with a field of this name and value in the place of the first of that name (at the end where there is none) and no other of it; null leaves
 * none. Line breaks and control characters of the value become spaces, so that no value can begin another field.
 */
export const withField = (bytes: Buffer, name: string, value: string | null): Buffer => {
  const { fields, end } = readFields(bytes)
  const wanted = name.toLowerCase()
  const line = value === null ? null : Buffer.from(encodedField(name, value), 'utf8')
  const [first] = fieldsOf({ fields }, name)
  const kept = fields.flatMap((field) => (field === first ? (line ? [line] : []) : field.name.toLowerCase() === wanted ? [] : [whole(field.raw)]))
  const body = bytes.subarray(end)
  return Buffer.concat([...kept, ...(!first && line ? [line] : []), Buffer.from('\r\n'), body])
}

/** A field with its line break, whatever it was cut off with. */
const whole = (raw: Buffer): Buffer => (raw.at(-1) === LF ? raw : Buffer.concat([raw, Buffer.from('\r\n')]))

const encodedField = (name: string, value: string): string => {
  const text = value.replace(/[\0-\x1f\x7f\u2028\u2029]+/g, ' ').trim()
  const encoded = holdsAddresses(name) ? encodedAddresses(text) : libmime.isPlainText(text) ? text : libmime.encodeWords(text, 'Q', 52)
  return `${libmime.foldLines(`${name}: ${encoded}`, 76)}\r\n`
}

const encodedAddresses = (text: string): string =>
  libmime.isPlainText(text) ? text : addressparser(text, { flatten: true }).map(({ name, address }) => (name ? `${libmime.encodeWords(name, 'Q', 52)} <${address}>` : address)).join(', ')
