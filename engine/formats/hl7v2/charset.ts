/**
 * Character sets without loss: a message is carried as a string in which every character is one byte (its low eight bits),
 * so what nobody touches is written back exactly, valid or not, and a value is decoded only when it is read.
 */
import { isUtf8 } from 'node:buffer'
import iconv from 'iconv-lite'

/** How one character set carries, reads and writes text. */
export interface Charset {
  /** As MSH-18 names it. */
  readonly name: string
  /** Bytes as carried text, in which a delimiter is a delimiter and never half of another character. */
  carry(bytes: Buffer): string
  /** Bytes that a value gives in hexadecimal, as carried text. */
  hexadecimal(bytes: Buffer): string
  /** The bytes that carried text stands for. */
  bytes(carried: string): Buffer
  /** Carried text as what it says. Never fails: bytes that are not valid are read as best they can be. */
  decode(carried: string): string
  /** Text as it is to be carried, or null where this character set has no such character. */
  encode(text: string): string | null
}

const ASCII_ONLY = /^[\0-\x7f]*$/
const latin1 = (bytes: Buffer): string => bytes.toString('latin1')
const lowBytes = (carried: string): Buffer => Buffer.from(carried, 'latin1')

const asUtf8 = (carried: string): string => {
  if (ASCII_ONLY.test(carried)) return carried
  const bytes = lowBytes(carried)
  return isUtf8(bytes) ? bytes.toString('utf8') : iconv.decode(bytes, 'windows-1252')
}

/** UTF-8. Bytes that are not valid UTF-8 are read as windows-1252, which is what they nearly always are. */
export const utf8 = (name: string): Charset => ({
  name,
  carry: latin1,
  hexadecimal: latin1,
  bytes: lowBytes,
  decode: asUtf8,
  encode: text => {
    if (ASCII_ONLY.test(text)) return text
    const bytes = Buffer.from(text, 'utf8')
    return bytes.toString('utf8') === text ? latin1(bytes) : null
  },
})

/** ASCII, and whatever is declared but not known: other bytes are carried and read as UTF-8, but none is written. */
export const ascii = (name: string): Charset => ({ ...utf8(name), encode: text => (ASCII_ONLY.test(text) ? text : null) })

/** A character set of iconv-lite's; `carry` shields the bytes of longer characters that look like delimiters. */
export const encoded = (name: string, encoding: string, carry: (bytes: Buffer) => string = latin1): Charset => {
  const decode = (bytes: Buffer) => iconv.decode(bytes, encoding, { stripBOM: false })
  return {
    name,
    carry,
    hexadecimal: carry,
    bytes: lowBytes,
    decode: carried => (ASCII_ONLY.test(carried) ? carried : decode(lowBytes(carried))),
    encode: text => {
      if (ASCII_ONLY.test(text)) return text
      const bytes = iconv.encode(text, encoding)
      return decode(bytes) === text ? carry(bytes) : null
    },
  }
}

/** Adds 256 to each byte marked, so that it is no delimiter while it is carried. */
export const shield = (bytes: Buffer, isShielded: (at: number) => boolean): string => {
  const units = Buffer.alloc(bytes.length * 2)
  for (let at = 0; at < bytes.length; at++) {
    units[at * 2] = bytes[at] ?? 0
    if (isShielded(at)) units[at * 2 + 1] = 1
  }
  return units.toString('utf16le')
}

/** Carries Big5, GB 18030 and Shift JIS, whose second bytes may be `|`, `\`, `^` or `~`. */
export const carryDoubleByte = (isLead: (byte: number) => boolean) => (bytes: Buffer): string => {
  let trailing = false
  return shield(bytes, at => {
    const byte = bytes[at] ?? 0
    if (trailing) {
      trailing = false
      return byte >= 0x30 && byte < 0x80
    }
    trailing = isLead(byte)
    return false
  })
}

/** UTF-16 with its byte order; carried as the characters themselves, since no byte of it stands alone. */
export const utf16 = (name: string, order: 'little' | 'big'): Charset => ({
  name,
  carry: bytes => (order === 'little' ? bytes : Buffer.from(bytes).swap16()).toString('utf16le'),
  hexadecimal: latin1,
  bytes: carried => (order === 'little' ? Buffer.from(carried, 'utf16le') : Buffer.from(carried, 'utf16le').swap16()),
  decode: carried => carried,
  encode: text => text,
})
