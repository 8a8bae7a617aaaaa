/** What a browser sends of a form: its fields and files (RFC 7578, application/x-www-form-urlencoded). */
import { MessageFault } from '../../engine/errors.js'
import { fieldsOf, structured } from '../../engine/formats/mime/fields.js'
import { contentOf, readParts } from '../../engine/formats/mime/mail.js'

export interface Upload { readonly filename: string; readonly type: string; readonly content: Buffer }
export interface FormData { readonly fields: ReadonlyMap<string, string>; readonly files: readonly Upload[] }

const MOST_PARTS = 200
const LONGEST_HEADER = 8192
const LONGEST_FIELD = 50_000 // bytes
const LONGEST_NAME = 200 // of a file
const UTF8 = new TextDecoder('utf-8', { fatal: true })

/** Throws a MessageFault for what is no form, has too many parts, or is not UTF-8. Of a field that came several times the first holds. */
export const readForm = (type: string, body: Buffer): FormData => {
  if (/^application\/x-www-form-urlencoded(?:\s*;|$)/i.test(type)) return { fields: urlEncoded(body), files: [] }
  if (!/^multipart\/form-data\s*;/i.test(type)) throw new MessageFault({ kind: 'unsupported', reason: 'a form is sent as multipart/form-data or application/x-www-form-urlencoded' })
  const fields = new Map<string, string>()
  const files: Upload[] = []
  for (const part of readParts(type, body, { header: LONGEST_HEADER, parts: MOST_PARTS, depth: 1 })) {
    const { value, parameters } = structured(fieldsOf(part, 'content-disposition')[0])
    const { name, filename } = parameters
    if (value !== 'form-data' || name === undefined) throw new MessageFault({ kind: 'unreadable', reason: 'a part of the form does not say which field it is' })
    const content = contentOf(part)
    if (filename !== undefined) {
      if (filename !== '' || content.length > 0) files.push({ filename: baseName(filename), type: part.type, content })
    } else if (!fields.has(name)) fields.set(name, textOf(content, part.parameters.charset))
  }
  return { fields, files }
}

const urlEncoded = (body: Buffer): Map<string, string> => {
  const fields = new Map<string, string>()
  const pairs = body.toString('latin1').split('&', MOST_PARTS + 1)
  if (pairs.length > MOST_PARTS) throw new MessageFault({ kind: 'unsupported', reason: `the form has more than ${MOST_PARTS} fields` })
  for (const pair of pairs) {
    const at = pair.indexOf('=')
    const name = textOf(percent(at < 0 ? pair : pair.slice(0, at)))
    if (name !== '' && !fields.has(name)) fields.set(name, textOf(percent(at < 0 ? '' : pair.slice(at + 1))))
  }
  return fields
}

const percent = (text: string): Buffer => Buffer.from(text.replace(/\+/g, ' ').replace(/%([0-9A-Fa-f]{2})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16))), 'latin1')

/** A character set that a browser named is used; what is not valid in it is refused, since nobody may guess at names. */
const textOf = (bytes: Buffer, charset?: string): string => {
  if (bytes.length > LONGEST_FIELD) throw new MessageFault({ kind: 'unsupported', reason: `a field of the form has more than ${LONGEST_FIELD} bytes` })
  try {
    return (charset ? new TextDecoder(charset, { fatal: true }) : UTF8).decode(bytes).replace(/\r\n?/g, '\n').replace(/[\0-\x08\x0b-\x1f\x7f]/g, ' ')
  } catch {
    throw new MessageFault({ kind: 'unreadable', reason: 'the form is not written in UTF-8' })
  }
}

/** As browsers write it, quotes as %22; without folders, and without what could start another line or hide the ending. */
const baseName = (name: string): string => (name.replace(/%22/g, '"').split(/[\\/]/).at(-1) ?? '').replace(/[\0-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '').trim().slice(-LONGEST_NAME) || 'document'
