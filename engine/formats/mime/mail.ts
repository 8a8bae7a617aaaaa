/** A MIME message as a value: the very bytes, and views into them. Nothing is decoded before it is asked for, and nothing is ever written into them. */
import libmime from 'libmime'
import { MessageFault } from '../../errors.js'
import { type Field, fieldsOf, type Header, lineEnd, readFields, structured, utf8OrLatin1 } from './fields.js'

/** A message, or one part of it. `raw` are its bytes with its header, as a signature over it covers them (RFC 1847). */
export interface Part {
  readonly raw: Buffer
  readonly fields: readonly Field[]
  readonly type: string // "text/plain", "application/pdf", in lower case
  readonly parameters: Readonly<Record<string, string>> // of the content type
  readonly content: Buffer // as it stands in the message: encoded
  readonly parts: readonly Part[]
}

/** The body of a message of format `mime`. */
export interface Mail extends Part {
  readonly mime: true
}

export interface Attachment {
  readonly filename: string | null // never with a folder
  readonly type: string
  readonly id: string | null // Content-ID, without brackets
  readonly part: Part
}

export interface Limits {
  readonly size: number // bytes
  readonly header: number // bytes of one header
  readonly parts: number
  readonly depth: number // parts within parts
}

/** Reads a message. Throws a MessageFault where it is none, or more than the limits allow. */
export const readMail = (bytes: Buffer, limits: Limits): Mail => {
  if (bytes.length > limits.size) throw new MessageFault({ kind: 'unsupported', reason: `the message is ${bytes.length} bytes long, and at most ${limits.size} are taken; the setting is \`size\`` })
  const mail = partReader(limits).part(bytes, 0, 'text/plain')
  if (mail.fields.length === 0) throw noHeader()
  return { ...mail, mime: true }
}

/** The parts of a body whose content type came beside it, as with a form (RFC 7578); none where that names no boundary. Throws as `readMail`. */
export const readParts = (contentType: string, body: Buffer, limits: Omit<Limits, 'size'>): readonly Part[] => {
  const field: Field = { name: 'Content-Type', raw: Buffer.from(`Content-Type: ${contentType.replace(/[\r\n]+/g, ' ')}`) }
  return partReader(limits).whole({ raw: body, fields: [field], content: body }, 0, 'text/plain').parts
}

/** Reads parts of one message, counted together. */
const partReader = (limits: Omit<Limits, 'size'>) => {
  let count = 0
  const part = (raw: Buffer, depth: number, standard: string): Part => {
    count += 1
    if (count > limits.parts) throw new MessageFault({ kind: 'unsupported', reason: `has more than ${limits.parts} parts; the setting is \`parts\`` })
    const { fields, end } = readFields(raw)
    if (end > limits.header) throw new MessageFault({ kind: 'unsupported', reason: `has a header longer than ${limits.header} bytes; the setting is \`header\`` })
    return whole({ raw, fields, content: raw.subarray(end) }, depth, standard)
  }
  const whole = (read: Pick<Part, 'raw' | 'fields' | 'content'>, depth: number, standard: string): Part => {
    const { value, parameters } = structured(fieldsOf(read, 'content-type')[0])
    const type = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+$/.test(value) ? value : standard
    const boundary = type.startsWith('multipart/') ? parameters.boundary : undefined
    if (!boundary) return { ...read, type: type.startsWith('multipart/') ? 'text/plain' : type, parameters, parts: [] }
    if (depth >= limits.depth) throw new MessageFault({ kind: 'unsupported', reason: `has parts nested more than ${limits.depth} deep; the setting is \`depth\`` })
    const standardInside = type === 'multipart/digest' ? 'message/rfc822' : 'text/plain'
    return { ...read, type, parameters, parts: slices(read.content, boundary, limits.parts).map((one) => part(one, depth + 1, standardInside)) }
  }
  return { part, whole }
}

/** The header of a message alone, read from at most `most` bytes. Throws a MessageFault where there is none. */
export const readHeaderOnly = (bytes: Buffer, most: number): Header => {
  const header = readFields(bytes.subarray(0, most))
  if (header.fields.length === 0) throw noHeader()
  return header
}

const noHeader = (): MessageFault => new MessageFault({ kind: 'unreadable', reason: 'this is no MIME message: it does not begin with header fields such as `From:` or `Content-Type:`' })

/** What lies between the lines `--boundary`, without the line break before each (RFC 2046 §5.1.1). Without a last line, up to the end. */
const slices = (content: Buffer, boundary: string, most: number): readonly Buffer[] => {
  const mark = Buffer.from(`--${boundary}`, 'utf8')
  const found: Buffer[] = []
  let start = -1
  for (let at = content.indexOf(mark); at >= 0; at = content.indexOf(mark, at + 1)) {
    if (at > 0 && content[at - 1] !== 0x0a) continue
    const end = lineEnd(content, at)
    const rest = content.toString('latin1', at + mark.length, Math.min(end, at + mark.length + 80))
    const last = rest.startsWith('--')
    if (!/^[ \t]*\r?\n?$/.test(last ? rest.slice(2) : rest)) continue
    if (start >= 0) found.push(content.subarray(start, withoutBreak(content, start, at)))
    if (last) return found
    if (found.length > most) return found // which readMail refuses
    start = end
  }
  if (start >= 0) found.push(content.subarray(start))
  return found
}

const withoutBreak = (bytes: Buffer, from: number, to: number): number =>
  to - 2 >= from && bytes[to - 2] === 0x0d ? to - 2 : Math.max(from, to - 1)

/** The bytes of a part, decoded as its Content-Transfer-Encoding says; an encoding not known is none. Decoded once, however many ask while the message is at hand. */
export const contentOf = (part: Part): Buffer => {
  const { value } = structured(fieldsOf(part, 'content-transfer-encoding')[0])
  if (value !== 'base64' && value !== 'quoted-printable') return part.content
  const known = decodedParts.get(part) ?? (value === 'base64' ? Buffer.from(part.content.toString('latin1'), 'base64') : unquoted(part.content))
  decodedParts.set(part, known)
  return known
}
const decodedParts = new WeakMap<Part, Buffer>()

/** Quoted-printable (RFC 2045 §6.7); what is no `=XX` stays as it is. */
const unquoted = (bytes: Buffer): Buffer => {
  const out = Buffer.allocUnsafe(bytes.length)
  let to = 0
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number
    if (byte === 0x3d) {
      const soft = bytes[at + 1] === 0x0a ? 1 : bytes[at + 1] === 0x0d && bytes[at + 2] === 0x0a ? 2 : 0
      const code = bytes.toString('latin1', at + 1, at + 3)
      if (soft > 0) at += soft
      else if (/^[0-9A-Fa-f]{2}$/.test(code)) {
        out[to++] = Number.parseInt(code, 16)
        at += 2
      } else out[to++] = byte
    } else out[to++] = byte
  }
  return out.subarray(0, to)
}

/** The text of a part in its character set; bytes that are not valid there, or a set that nobody knows, are read as UTF-8 or windows-1252. */
export const textOf = (part: Part): string => {
  const bytes = contentOf(part)
  const text = decoded(bytes, part.parameters.charset).replace(/\r\n?/g, '\n')
  return part.parameters.format?.toLowerCase() === 'flowed' ? libmime.decodeFlowed(text, part.parameters.delsp?.toLowerCase() === 'yes') : text
}

/** What a decoder would read as windows-1252; a byte beyond ASCII breaks the promise, and is more often UTF-8. */
const ASCII = /^(?:us-ascii|ascii|ansi_x3\.4-1968)$/i

const decoded = (bytes: Buffer, charset: string | undefined): string => {
  try {
    if (charset && !ASCII.test(charset)) return new TextDecoder(charset, { fatal: true }).decode(bytes)
  } catch {
    // A wrong name, or a wrong promise: what the bytes themselves say is next best.
  }
  return utf8OrLatin1(bytes)
}

/** The texts to read of a type, `text/plain` or `text/html`: those that are not attached. */
export const bodiesOf = (mail: Part, type: 'text/plain' | 'text/html'): readonly string[] =>
  leaves(mail).filter((part) => part.type === type && !isAttached(part)).map(textOf)

/** What is attached, in order: everything that is neither text to read nor made of parts. A message within the message is one attachment. */
export const attachmentsOf = (mail: Part): readonly Attachment[] =>
  leaves(mail).filter(isAttached).map((part) => ({ filename: filenameOf(part), type: part.type, id: idOf(part), part }))

const leaves = (part: Part): readonly Part[] => (part.parts.length === 0 ? (part.type.startsWith('multipart/') ? [] : [part]) : part.parts.flatMap(leaves))

const isAttached = (part: Part): boolean =>
  (part.type !== 'text/plain' && part.type !== 'text/html') || structured(fieldsOf(part, 'content-disposition')[0]).value === 'attachment' || filenameOf(part) !== null

const filenameOf = (part: Part): string | null => {
  const name = structured(fieldsOf(part, 'content-disposition')[0]).parameters.filename ?? part.parameters.name ?? ''
  return name.replace(/[\0-\x1f\x7f]/g, '').split(/[\\/]/).at(-1)?.trim().slice(0, 255) || null
}

const idOf = (part: Part): string | null => {
  const [field] = fieldsOf(part, 'content-id')
  return (field && structured(field).value && /<([^<>]{1,998})>/.exec(field.raw.toString('latin1'))?.[1]) || null
}
