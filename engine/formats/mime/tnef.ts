/** What a `winmail.dat` holds (MS-OXTNEF): its attachments with their names and types, and the text of the mail as attachments too. */
import { MessageFault } from '../../errors.js'
import { decompressedRtf } from './rtf.js'
import { type Properties, readProperties, TnefReader } from './tnef-properties.js'

export interface TnefAttachment { readonly filename: string; readonly type: string; readonly content: Buffer }

const SIGNATURE = 0x223e9f78
const MESSAGE = 1
const MOST_ATTRIBUTES = 10_000
const MOST_ATTACHMENTS = 1000
const DEEPEST = 5 // mails within mails
/** MS-OXTNEF §2.1.3.3 */
const ATTRIBUTE = { body: 0x0002800c, properties: 0x00069003, codepage: 0x00069007, begin: 0x00069002, title: 0x00018010, data: 0x0006800f, attachment: 0x00069005 }
/** MS-OXPROPS */
const PROPERTY = { body: 0x1000, rtf: 0x1009, html: 0x1013, data: 0x3701, filename: 0x3704, longFilename: 0x3707, type: 0x370e, displayName: 0x3001 }
const MESSAGE_INTERFACE = Buffer.from('0703020000000000c000000000000046', 'hex') // IID_IMessage
const CODEPAGES: Readonly<Record<number, string>> = { 437: 'windows-1252', 850: 'windows-1252', 932: 'shift_jis', 936: 'gbk', 949: 'euc-kr', 950: 'big5', 28591: 'windows-1252', 65001: 'utf-8' }

/**
 * The attachments in order; the text of the mail follows them as `body.txt` (UTF-8), `body.html` or `body.rtf`, where it holds one. Names never have a folder.
 * Throws a MessageFault where it is no TNEF, is cut off, or holds more than 1000 attachments. Nothing it says makes it hold more than its own size, but for RTF: at most 20 MB.
 */
export const openTnef = (bytes: Buffer): readonly TnefAttachment[] => open(bytes, 0)

interface Begun { title: string | null; data: Buffer | null; properties: Properties }

const open = (bytes: Buffer, depth: number): readonly TnefAttachment[] => {
  const reader = new TnefReader(bytes)
  if (bytes.length < 6 || reader.u32() !== SIGNATURE) throw new MessageFault({ kind: 'unreadable', reason: 'this is no TNEF (winmail.dat): it does not begin with its signature' })
  reader.take(2) // the key, of no use
  let charset = 'windows-1252'
  let text: Buffer | null = null
  let message: Properties = new Map()
  const begun: Begun[] = []
  for (let count = 0; reader.left > 0; count++) {
    if (count >= MOST_ATTRIBUTES) throw new MessageFault({ kind: 'unsupported', reason: `a TNEF has more than ${MOST_ATTRIBUTES} attributes` })
    const level = reader.take(1)[0]
    const tag = reader.u32()
    const value = reader.take(reader.u32())
    reader.take(2) // the checksum: some writers' are wrong
    const current = begun.at(-1)
    if (tag === ATTRIBUTE.codepage && value.length >= 4) charset = charsetOf(value.readUInt32LE(0))
    else if (tag === ATTRIBUTE.body) text = value
    else if (tag === ATTRIBUTE.properties && level === MESSAGE) message = readProperties(value, charset)
    else if (tag === ATTRIBUTE.begin) {
      if (begun.length >= MOST_ATTACHMENTS) throw new MessageFault({ kind: 'unsupported', reason: `a TNEF has more than ${MOST_ATTACHMENTS} attachments` })
      begun.push({ title: null, data: null, properties: new Map() })
    } else if (current && tag === ATTRIBUTE.title) current.title = decoded(value, charset)
    else if (current && tag === ATTRIBUTE.data) current.data = value
    else if (current && tag === ATTRIBUTE.attachment) current.properties = readProperties(value, charset)
  }
  const attachments = begun.flatMap((one, n) => opened(one, n, depth))
  if (attachments.length > MOST_ATTACHMENTS) throw new MessageFault({ kind: 'unsupported', reason: `a TNEF has more than ${MOST_ATTACHMENTS} attachments` })
  return [...attachments, ...bodies(message, text, charset)]
}

/** An attachment; of a mail that is attached, what is in it. */
const opened = ({ title, data, properties }: Begun, n: number, depth: number): readonly TnefAttachment[] => {
  const named = [PROPERTY.longFilename, PROPERTY.filename, PROPERTY.displayName].map((id) => properties.get(id)).find((value) => typeof value === 'string' && value !== '')
  const type = properties.get(PROPERTY.type)
  const inside = properties.get(PROPERTY.data)
  const object = Buffer.isBuffer(inside) ? inside : null
  if (object?.subarray(0, 16).equals(MESSAGE_INTERFACE)) {
    if (depth >= DEEPEST) throw new MessageFault({ kind: 'unsupported', reason: `a TNEF holds mails within mails, more than ${DEEPEST} deep` })
    return open(object.subarray(16), depth + 1)
  }
  const content = data ?? object
  if (content === null) return []
  return [{ filename: filename(typeof named === 'string' ? named : title, `attachment-${n + 1}`), type: typeof type === 'string' && /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+$/.test(type) ? type.toLowerCase() : 'application/octet-stream', content }]
}

const bodies = (message: Properties, text: Buffer | null, charset: string): readonly TnefAttachment[] => {
  const plain = message.get(PROPERTY.body)
  const words = typeof plain === 'string' ? plain : text === null ? '' : decoded(text, charset)
  const html = message.get(PROPERTY.html)
  const rtf = message.get(PROPERTY.rtf)
  const found: TnefAttachment[] = []
  if (words !== '') found.push({ filename: 'body.txt', type: 'text/plain', content: Buffer.from(words, 'utf8') })
  if (html !== undefined && html.length > 0) found.push({ filename: 'body.html', type: 'text/html', content: Buffer.from(html as string, 'utf8') })
  if (Buffer.isBuffer(rtf) && rtf.length > 0) found.push({ filename: 'body.rtf', type: 'application/rtf', content: decompressedRtf(rtf) })
  return found
}

const filename = (text: string | null, otherwise: string): string => (text ?? '').replace(/[\0-\x1f\x7f]/g, '').split(/[\\/]/).at(-1)?.trim().slice(0, 255) || otherwise

const charsetOf = (codepage: number): string => CODEPAGES[codepage] ?? (codepage >= 1250 && codepage <= 1258 ? `windows-${codepage}` : 'windows-1252')

const decoded = (bytes: Buffer, charset: string): string => new TextDecoder(charset).decode(bytes).replace(/\0+$/, '')
