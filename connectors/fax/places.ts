/** Reads values out of what a fax service sent: JSON, a form or its query, as one record. */
import { MessageFault } from '../../engine/errors.js'
import { fieldsOf, structured } from '../../engine/formats/mime/fields.js'
import { contentOf, readParts, textOf } from '../../engine/formats/mime/mail.js'
import type { Where } from './facts.js'

/** An event as it arrived. `headers` are those that came once, by lower-case name. */
export interface RawEvent {
  readonly at: string // ISO 8601
  readonly remote: string
  readonly query: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

export interface Source {
  readonly body: unknown // JSON, or the fields of a form by name
  readonly files: Readonly<Record<string, Buffer>> // by the name of their form field
  readonly headers: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, string>>
}

const LIMITS = { header: 16_384, parts: 200, depth: 1 }

/** Reads an event by its content type. Throws a MessageFault where it cannot be read; `json` names form fields that hold JSON. */
export const readSource = ({ query, headers, body }: RawEvent, json: readonly string[] = []): Source => {
  const common = { headers, query: Object.fromEntries(new URLSearchParams(query)) }
  const { value: type } = structured({ name: 'content-type', raw: Buffer.from(`content-type: ${headers['content-type'] ?? ''}`) })
  if (body.length === 0) return { ...common, body: {}, files: {} }
  if (type === 'multipart/form-data') {
    const { fields, files } = readForm(body, headers['content-type'] ?? '')
    return { ...common, body: withJson(fields, json), files }
  }
  if (type === 'application/x-www-form-urlencoded') return { ...common, body: withJson(Object.fromEntries(new URLSearchParams(body.toString('utf8'))), json), files: {} }
  return { ...common, body: parseJson(body.toString('utf8')), files: {} }
}

/** The fields and files of a multipart form (RFC 7578); of a name that comes twice, the first. */
export const readForm = (body: Buffer, contentType: string): { readonly fields: Record<string, string>; readonly files: Record<string, Buffer> } => {
  const parts = readParts(contentType, body, LIMITS)
  if (parts.length === 0) throw unreadable('the form has no parts')
  const fields: Record<string, string> = Object.create(null)
  const files: Record<string, Buffer> = Object.create(null)
  for (const part of parts) {
    const { name, filename } = structured(fieldsOf(part, 'content-disposition')[0]).parameters
    if (name === undefined) continue
    if (filename !== undefined || (part.type !== 'text/plain' && part.type !== 'application/json')) files[name] ??= contentOf(part)
    else fields[name] ??= textOf(part)
  }
  return { fields, files }
}

const withJson = (fields: Record<string, string>, names: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).map(([name, text]) => [name, names.includes(name) ? parseJson(text) : text]))

export const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    throw unreadable('it is no JSON')
  }
}

const unreadable = (why: string): MessageFault => new MessageFault({ kind: 'unreadable', reason: `the event cannot be read: ${why}` })

/** What stands at a JSON pointer (RFC 6901); a name without a slash is a member of the top. */
export const pointed = (value: unknown, pointer: string): unknown => {
  if (pointer === '') return value
  const keys = pointer.startsWith('/') ? pointer.slice(1).split('/').map((key) => key.replace(/~1/g, '/').replace(/~0/g, '~')) : [pointer]
  return keys.reduce<unknown>((at, key) => (typeof at === 'object' && at !== null && Object.hasOwn(at, key) ? (at as Record<string, unknown>)[key] : undefined), value)
}

/** The first value at the places, as text; null where there is none. */
export const textAt = (source: Source, where: Where | undefined): string | null => {
  for (const place of where === undefined ? [] : [where].flat()) {
    const { at, take } = typeof place === 'string' ? { at: place, take: null } : place
    const [, kind, name = ''] = /^(header|query):(.+)$/.exec(at) ?? []
    const found = kind === 'header' ? source.headers[name.toLowerCase()] : kind === 'query' ? source.query[name] : pointed(source.body, at)
    if (typeof found !== 'string' && typeof found !== 'number' && typeof found !== 'boolean') continue
    const text = take === null ? String(found) : new RegExp(take, 'i').exec(String(found).slice(0, 1000))?.[1]
    if (text !== undefined && text.trim() !== '') return text.trim()
  }
  return null
}

/** The file at the places: a part of a form, or base64; an address (https://…) as text; null where nothing is. An empty part is empty bytes. */
export const fileAt = (source: Source, where: Where | undefined): Buffer | URL | null => {
  for (const place of where === undefined ? [] : [where].flat()) {
    const at = typeof place === 'string' ? place : place.at
    const part = source.files[at.replace(/^\//, '')]
    if (part !== undefined) return part
    const found = pointed(source.body, at)
    if (typeof found !== 'string') continue
    if (/^https?:\/\//i.test(found) && URL.canParse(found)) return new URL(found)
    return Buffer.from(found.replace(/^data:[^,]{0,100},/, ''), 'base64')
  }
  return null
}
