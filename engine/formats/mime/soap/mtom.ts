/** SOAP over HTTP as bytes: an envelope alone, or a multipart/related package whose parts it includes (MTOM, XOP 1.0, RFC 2387). */
import { createHash } from 'node:crypto'
import { fieldsOf, rawValue, readFields, structured } from '../fields.js'
import { contentOf, type Part, readParts } from '../mail.js'
import { MessageFault } from '../../../errors.js'
import { SoapFault } from './fault.js'

export interface SoapPackage {
  readonly envelope: Buffer
  readonly parts: ReadonlyMap<string, Buffer> // by Content-ID without brackets; empty where the envelope came alone
  readonly mtom: boolean
  readonly version: '1.1' | '1.2' // by the content type
  readonly action: string | null // of the content type (RFC 3902)
}

const LIMITS = { header: 64 * 1024, parts: 1000, depth: 3 }

/** Takes a body apart as its content type says. Throws a SoapFault for what is no SOAP. */
export const readSoapPackage = (contentType: string, body: Buffer): SoapPackage => {
  const { value, parameters } = typed(contentType)
  if (value === 'text/xml') return { envelope: body, parts: new Map(), mtom: false, version: '1.1', action: null }
  if (value === 'application/soap+xml') return { envelope: body, parts: new Map(), mtom: false, version: '1.2', action: parameters.action ?? null }
  if (value !== 'multipart/related') throw new SoapFault('Sender', 'the content type is none of application/soap+xml and multipart/related')
  if (!parameters.boundary) throw new SoapFault('Sender', 'the content type multipart/related has no boundary')
  const parts = read(contentType, body)
  const start = parameters.start === undefined ? undefined : bare(parameters.start)
  const root = start === undefined ? parts[0] : parts.find((part) => idOf(part) === start)
  if (!root) throw new SoapFault('Sender', parts.length === 0 ? 'the package has no parts between its boundaries' : 'no part of the package has the Content-ID that `start` names')
  const inner = typed(root.parameters.type ?? parameters['start-info'] ?? '')
  if (root.type !== 'application/xop+xml' && root.type !== 'application/soap+xml' && root.type !== 'text/xml') throw new SoapFault('Sender', 'the first part of the package is no application/xop+xml')
  const old = root.type === 'text/xml' || inner.value === 'text/xml'
  return {
    envelope: contentOf(root), parts: named(parts.filter((part) => part !== root)), mtom: true, version: old ? '1.1' : '1.2',
    action: parameters.action ?? inner.parameters.action ?? root.parameters.action ?? typed(parameters['start-info'] ?? '').parameters.action ?? null,
  }
}

const typed = (text: string) => structured({ name: 'Content-Type', raw: Buffer.from(`Content-Type: ${text.replace(/[\r\n]+/g, ' ')}`) })

const read = (contentType: string, body: Buffer): readonly Part[] => {
  try {
    return readParts(contentType, body, LIMITS)
  } catch (error) {
    if (error instanceof MessageFault) throw new SoapFault('Sender', `the package ${error.message}`)
    throw error
  }
}

const named = (parts: readonly Part[]): ReadonlyMap<string, Buffer> => {
  const found = new Map<string, Buffer>()
  for (const part of parts) {
    const id = idOf(part)
    if (id === null) continue
    if (found.has(id)) throw new SoapFault('Sender', 'two parts of the package have the same Content-ID')
    found.set(id, contentOf(part))
  }
  return found
}

/** Some senders leave out the brackets. */
const idOf = (part: Part): string | null => {
  const [field] = fieldsOf(readFields(part.raw), 'content-id')
  return field ? bare(rawValue(field)) : null
}

const bare = (id: string): string => id.trim().replace(/^<([\s\S]*)>$/, '$1')

/** The Content-ID that a `cid:` URL names (RFC 2392), or null where it is none. */
export const contentIdOf = (href: string): string | null => {
  if (!/^cid:/i.test(href)) return null
  try {
    return decodeURIComponent(href.slice(4))
  } catch {
    return href.slice(4)
  }
}

export interface SoapMessage { readonly contentType: string; readonly body: Buffer }

export const plainSoap = (envelope: string, action: string): SoapMessage => ({ contentType: `application/soap+xml; charset=utf-8; action="${action}"`, body: Buffer.from(envelope) })

/** An envelope and what it includes by `cid:`; the same bytes for the same. */
export const mtomSoap = (envelope: string, action: string, parts: readonly { readonly id: string; readonly contentType: string; readonly content: Buffer }[]): SoapMessage => {
  const digest = createHash('sha256').update(envelope)
  for (const { content } of parts) digest.update(content)
  const boundary = `refero-${digest.digest('hex').slice(0, 32)}`
  const head = (id: string, type: string): Buffer => Buffer.from(`\r\n--${boundary}\r\nContent-Type: ${type}\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <${id}>\r\n\r\n`)
  return {
    contentType: `multipart/related; type="application/xop+xml"; start="<root@refero.invalid>"; start-info="application/soap+xml"; boundary="${boundary}"; action="${action}"`,
    body: Buffer.concat([head('root@refero.invalid', 'application/xop+xml; charset=UTF-8; type="application/soap+xml"'), Buffer.from(envelope), ...parts.flatMap(({ id, contentType, content }) => [head(id, contentType.replace(/[\r\n]+/g, ' ')), content]), Buffer.from(`\r\n--${boundary}--\r\n`)]),
  }
}
