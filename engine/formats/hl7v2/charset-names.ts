/** Which character set an MSH-18 names: HL7 table 0211, and the spellings that senders use instead. */
import { ascii, type Charset, carryDoubleByte, encoded, utf8, utf16 } from './charset.js'
import { iso2022jp } from './iso-2022-jp.js'

const above80 = carryDoubleByte(byte => byte > 0x80 && byte < 0xff)
const shiftJis = carryDoubleByte(byte => (byte > 0x80 && byte < 0xa0) || (byte >= 0xe0 && byte < 0xfd))

/** One row a family: what the name looks like in capitals without spaces, hyphens and underscores, and what it is. */
const KNOWN: readonly (readonly [name: RegExp, make: (name: string, match: RegExpExecArray) => Charset])[] = [
  [/^ASCII$/, ascii],
  [/^(UNICODE)?(UTF8)?$/, utf8],
  [/^(?:ISO)?8859\/?([1-9]|1[0134-6])$/, (name, match) => encoded(name, `iso-8859-${match[1]}`)],
  [/^LATIN1$/, name => encoded(name, 'iso-8859-1')],
  [/^(?:WINDOWS|CP)(125[0-8])$/, (name, match) => encoded(name, `windows-${match[1]}`)],
  [/^BIG5$/, name => encoded(name, 'big5', above80)],
  [/^(GB18030(2000|2005)?|GBK|GB2312)$/, name => encoded(name, 'gb18030', above80)],
  [/^(KSX1001|EUCKR|CP949)$/, name => encoded(name, 'cp949')],
  [/^(SHIFTJIS|SJIS|CP932|MS932|WINDOWS31J)$/, name => encoded(name, 'shift_jis', shiftJis)],
  [/^(ISOIR(13|14|87|159)|ISO2022JP)$/, iso2022jp],
]

const plain = (name: string): string => name.toUpperCase().replace(/[\s_-]/g, '')
const found = new Map<string, Charset | null>()

/** The character set of one name, or null if there is none of that name. */
export const charsetByName = (name: string): Charset | null => {
  const known = found.get(name)
  if (known !== undefined) return known
  let charset: Charset | null = null
  for (const [pattern, make] of KNOWN) {
    const match = name.trim() === '' ? null : pattern.exec(plain(name))
    if (match) charset = make(name, match)
  }
  if (name.length < 40 && found.size < 200) found.set(name, charset)
  return charset
}

/**
 * The character set that an MSH-18 as written declares, `assumed` where it is empty. Of several repetitions the first is the
 * message's own (2.5.1 §2.15.9.18); Japanese sets are switched to by escape sequences, so one of them anywhere counts. A name that is not
 * known is carried as ASCII is.
 */
export const charsetDeclared = (msh18: string, repetitionSeparator: string, assumed: Charset): Charset => {
  if (msh18 === '' || msh18 === '""') return assumed
  const names = msh18.split(repetitionSeparator, 10)
  const japanese = names.find(name => /^ISO ?IR ?(13|14|87|159)$/.test(name))
  const first = japanese ?? names[0] ?? ''
  if (first.trim() === '') return assumed
  return charsetByName(first) ?? ascii(first)
}

/** UTF-16 by its byte order mark, or by how `MSH` looks in it; null where the bytes are not UTF-16. */
export const utf16Of = (bytes: Buffer): Charset | null => {
  const [first, second] = bytes
  if ((first === 0xff && second === 0xfe) || (first === 0x4d && second === 0)) return little
  if ((first === 0xfe && second === 0xff) || (first === 0 && second === 0x4d)) return big
  return null
}
const little = utf16('UNICODE UTF-16', 'little')
const big = utf16('UNICODE UTF-16', 'big')
