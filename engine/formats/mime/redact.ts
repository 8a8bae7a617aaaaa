/** A MIME message with its structure and nothing else: names of fields, types and encodings stay, what they say is masked. */
import { mask } from '../mask.js'
import { type Part, textOf } from './mail.js'
import { type Field, rawValue, structured } from './fields.js'

const STAYS = new Set(['mime-version', 'content-transfer-encoding', 'auto-submitted', 'precedence'])

/** The bytes of a message like this one that may be shown to anyone. Attachments are left empty; boundaries and names of parameters are new. */
export const redacted = (part: Part, place = 'part'): Buffer => {
  const header = part.fields.filter(({ name }) => !/^content-(type|transfer-encoding)$/i.test(name)).map((field) => `${field.name}: ${shown(field)}\r\n`).join('')
  const type = `Content-Type: ${part.type}${part.parts.length > 0 ? `; boundary="${place}"` : part.type.startsWith('text/') ? '; charset=utf-8' : ''}\r\n`
  if (part.parts.length === 0) return Buffer.from(`${header}${type}\r\n${part.type.startsWith('text/') ? lines(textOf(part)) : ''}`)
  const inside = part.parts.flatMap((one, n) => [Buffer.from(`--${place}\r\n`), redacted(one, `${place}-${n + 1}`), Buffer.from('\r\n')])
  return Buffer.concat([Buffer.from(`${header}${type}\r\n`), ...inside, Buffer.from(`--${place}--\r\n`)])
}

const shown = (field: Field): string => {
  if (STAYS.has(field.name.toLowerCase())) return structured(field).value.replace(/[^\w./-]/g, '').slice(0, 40)
  return mask(rawValue(field))
}

const lines = (text: string): string => text.split('\n').slice(0, 200).map((line) => mask(line)).join('\r\n')
