/** What a message can be found by: its bytes as text, and what a person types as a query that the index understands. */
import { isUtf8 } from 'node:buffer'
import { ReferoError } from '../../errors.js'

/** How many bytes of a message are read for words. */
export const TEXT_BYTES = 256 * 1024
/** How many words one search may have. */
const MOST_WORDS = 20
/** Long runs without a space or a delimiter, over lines as mails have them, are documents in base64 and the like: no words. */
const RUN = /(?<![A-Za-z0-9+/=_-])[A-Za-z0-9+/=_-]{60,}(?:\r?\n[A-Za-z0-9+/=_-]{60,})*/g
const NO_WORD = 120 // characters, from which on a run is none
const MAY_HOLD_DOCUMENTS = 4096 // characters
/** Private-use characters are letters to the index: with one in front, a channel's number or a type is a word that no text contains. */
const MARKS = { channel: '\u{E000}', type: '\u{E001}' } as const
const MARKED = /[\u{E000}\u{E001}]/gu

/** What MSH-18 (HL7 table 0211) says for the sets that are not UTF-8, as the platform's decoder calls them. */
const CHARSETS: readonly (readonly [name: RegExp, label: (match: RegExpExecArray) => string])[] = [
  [/^8859\/?(\d+)$/, ([, part]) => `iso-8859-${part}`],
  [/^(?:ISO)?8859[/-]?(\d+)$/, ([, part]) => `iso-8859-${part}`],
  [/^(?:WINDOWS|CP)(125\d)$/, ([, page]) => `windows-${page}`],
  [/^(?:SHIFTJIS|SJIS|CP932|MS932|WINDOWS31J)$/, () => 'shift_jis'],
  [/^ISOIR(?:13|14|87|159)$/, () => 'iso-2022-jp'],
  [/^(?:GB18030.*|GBK|GB2312)$/, () => 'gb18030'],
  [/^BIG5$/, () => 'big5'],
  [/^(?:KSX1001|EUCKR|CP949)$/, () => 'euc-kr'],
]

/** The bytes as text, by what they declare or look like. Never fails: what is not valid is read as best it can be. */
export const textOf = (bytes: Buffer): string => {
  const encoding = encodingOf(bytes)
  const text = encoding === 'utf-8' ? bytes.toString('utf8') : decode(bytes, encoding)
  return (text.length > MAY_HOLD_DOCUMENTS ? text.replace(RUN, (run) => (run.length < NO_WORD ? run : ' ')) : text).replace(MARKED, ' ')
}

const encodingOf = (bytes: Buffer): string => {
  const [first, second] = bytes
  if ((first === 0xff && second === 0xfe) || (first === 0x4d && second === 0)) return 'utf-16le'
  if ((first === 0xfe && second === 0xff) || (first === 0 && second === 0x4d)) return 'utf-16be'
  const declared = declaredBy(bytes)
  if (declared !== null) return declared
  return isUtf8(bytes) || isUtf8(bytes.subarray(0, bytes.length - 3)) ? 'utf-8' : 'windows-1252'
}

const declaredBy = (bytes: Buffer): string | null => {
  if (bytes.toString('latin1', 0, 3) !== 'MSH') return null
  const [header = ''] = bytes.toString('latin1', 0, 2000).split('\r', 1)
  const names = (header.split(header.charAt(3))[17] ?? '').split('~').map((name) => name.toUpperCase().replace(/[\s_]|(?<=^ISO|^WINDOWS|^CP|^SHIFT|^EUC|^ISO-?IR)-/g, ''))
  const name = names.find((each) => /^ISOIR/.test(each)) ?? names[0] ?? ''
  for (const [pattern, label] of CHARSETS) {
    const match = pattern.exec(name)
    if (match) return label(match)
  }
  return null
}

const decode = (bytes: Buffer, encoding: string): string => {
  try {
    return new TextDecoder(encoding).decode(bytes)
  } catch {
    return bytes.toString('latin1') // a part of ISO 8859 that there is not
  }
}

/** What a message's row in the index says beside its text. */
export const marksOf = (channel: number, type: string | null): string => `${markOf('channel', String(channel))} ${type === null ? '' : markOf('type', type)}`

const markOf = (kind: keyof typeof MARKS, value: string): string => `${MARKS[kind]}${value.slice(0, 40).replace(/[^A-Za-z0-9]/g, 'z')}`

/** Words as the index takes them. */
export interface Words {
  readonly expression: string // FTS5: every word a string of its own, so that nothing in it is an operator
  readonly beginnings: boolean // whether one of them stands for all words that begin so
}

/** What a person typed: all of its words, in any order; a word followed by * stands for all that begin so. Throws USAGE where there is no word. */
export const wordsOf = (typed: string, channel: number | null, type: string | null): Words => {
  const words = typed.replace(MARKED, ' ').match(/[\p{L}\p{N}\p{M}]+\*?/gu) ?? []
  if (words.length === 0) throw new ReferoError('USAGE', 'The text to look for has no word in it: write letters or digits, as in EVERYWOMAN or EVERY*.')
  if (words.length > MOST_WORDS) throw new ReferoError('USAGE', `The text to look for has ${words.length} words; ${MOST_WORDS} at most can be looked for.`)
  const marks = [...(channel === null ? [] : [markOf('channel', String(channel))]), ...(type === null ? [] : [markOf('type', type)])]
  const quoted = [...words, ...marks].map((word) => (word.endsWith('*') ? `"${word.slice(0, -1)}"*` : `"${word}"`))
  return { expression: quoted.join(' AND '), beginnings: words.some((word) => word.endsWith('*')) }
}
