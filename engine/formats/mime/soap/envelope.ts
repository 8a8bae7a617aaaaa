/** SOAP 1.2 envelopes with WS-Addressing 1.0: read, checked and written. */
import { MessageFault } from '../../../errors.js'
import { parseXml } from '../../xml/parse.js'
import { type Place, type XmlDocument, escapeXml, inside, rootPlace } from '../../xml/tree.js'
import { FAULT_ACTION, faultBody, faultHeaders, faultStatus, SoapFault, versionMismatch } from './fault.js'
import { mtomSoap, plainSoap, readSoapPackage, type SoapMessage } from './mtom.js'
import { ADDRESSING, ANONYMOUS, ENVELOPE, ENVELOPE_11 } from './names.js'
import { attributeIn, childAt, childrenNamed, isNamed, namespaceOf, textAt } from './namespaces.js'

export interface Envelope {
  readonly document: XmlDocument
  readonly blocks: readonly Place[] // of the header
  readonly body: Place | null // the one element in the body
  readonly parts: ReadonlyMap<string, Buffer> // by Content-ID
  readonly mtom: boolean
  readonly action: string | null // wsa:Action
  readonly typeAction: string | null // of the content type
  readonly messageId: string | null
  readonly relatesTo: string | null
}

const LIMITS = { depth: 100, elements: 500_000 }
const OURS = new Set([`${ENVELOPE}/role/next`, `${ENVELOPE}/role/ultimateReceiver`])

/** Reads what came with a content type. Throws a SoapFault where it is no SOAP 1.2. */
export const readEnvelope = (contentType: string, bytes: Buffer): Envelope => {
  const { envelope, parts, mtom, version, action: typeAction } = readSoapPackage(contentType, bytes)
  const document = parsed(envelope)
  const root = rootPlace(document)
  if (root.element.local !== 'Envelope') throw new SoapFault('Sender', 'the root element is no SOAP Envelope')
  const namespace = namespaceOf(root)
  if (namespace === ENVELOPE_11 || (version === '1.1' && namespace === ENVELOPE)) throw new SoapFault('VersionMismatch', 'SOAP 1.1 is not spoken here; send SOAP 1.2 as application/soap+xml')
  if (namespace !== ENVELOPE) throw new SoapFault('VersionMismatch', 'the Envelope is in a namespace that is not SOAP 1.2’s')
  const blocks = inside(childAt(root, ENVELOPE, 'Header') ?? { element: { ...root.element, children: [] }, above: null, xpath: '' })
  const bodies = childrenNamed(root, ENVELOPE, 'Body')
  if (bodies.length !== 1) throw new SoapFault('Sender', 'the Envelope does not have one Body')
  const header = (name: string): string | null => textAt(blocks.find((block) => isNamed(block, ADDRESSING, name)))
  const content = bodies[0] ? inside(bodies[0]) : []
  if (content.length > 1) throw new SoapFault('Sender', 'the Body holds more than one element')
  return { document, blocks, body: content[0] ?? null, parts, mtom, typeAction, action: header('Action'), messageId: short(header('MessageID')), relatesTo: short(header('RelatesTo')) }
}

const parsed = (bytes: Buffer): XmlDocument => {
  try {
    return parseXml(bytes, { ...LIMITS, size: bytes.length })
  } catch (error) {
    if (error instanceof MessageFault) throw new SoapFault('Sender', `the envelope cannot be read: ${error.message}`)
    throw error
  }
}

const short = (id: string | null): string | null => (id !== null && id.length <= 1000 ? id : null)

/** Throws a SoapFault where a request asks for what is not done here. `understood` are the namespaces of header blocks that are read. */
export const checkRequest = ({ blocks, body, action, typeAction, messageId }: Envelope, wanted: string, understood: readonly string[]): void => {
  const strange = blocks.filter((block) => isMandatory(block) && !understood.includes(namespaceOf(block)))
  if (strange.length > 0) throw new SoapFault('MustUnderstand', 'a header block that must be understood is not', null, strange.map((block) => ({ namespace: namespaceOf(block), local: block.element.local })))
  for (const name of ['Action', 'MessageID', 'To', 'ReplyTo', 'FaultTo']) if (blocks.filter((block) => isNamed(block, ADDRESSING, name)).length > 1) throw new SoapFault('Sender', `the header has more than one wsa:${name}`, 'wsa:InvalidAddressingHeader')
  if (action === null) throw new SoapFault('Sender', 'the header has no wsa:Action', 'wsa:MessageAddressingHeaderRequired')
  if (action !== wanted) throw new SoapFault('Sender', `the wsa:Action is not ${wanted}, which is all that is done here`, 'wsa:ActionNotSupported')
  if (typeAction !== null && typeAction !== action) throw new SoapFault('Sender', 'the action of the content type is not the wsa:Action', 'wsa:InvalidAddressingHeader')
  if (messageId === null) throw new SoapFault('Sender', 'the header has no wsa:MessageID', 'wsa:MessageAddressingHeaderRequired')
  for (const name of ['ReplyTo', 'FaultTo']) {
    const address = childAt(blocks.find((block) => isNamed(block, ADDRESSING, name)), ADDRESSING, 'Address')
    if (address && textAt(address) !== ANONYMOUS) throw new SoapFault('Sender', `wsa:${name} is not the anonymous address: answers go back on the same connection only`, 'wsa:InvalidAddressingHeader')
  }
  if (!body) throw new SoapFault('Sender', 'the Body is empty')
}

const isMandatory = (block: Place): boolean => {
  const role = attributeIn(block, ENVELOPE, 'role')
  return /^(?:true|1)$/.test(attributeIn(block, ENVELOPE, 'mustUnderstand')?.trim() ?? '') && (role === undefined || role === '' || OURS.has(role))
}

export interface NewEnvelope {
  readonly action: string
  readonly messageId: string
  readonly to?: string
  readonly relatesTo?: string | null
  readonly headers?: string // more blocks, as XML
  readonly body: string // XML
}

/** An envelope as text. Its prefixes `env` and `wsa` may be used in what is put in. */
export const writeEnvelope = ({ action, messageId, to = ANONYMOUS, relatesTo, headers = '', body }: NewEnvelope): string => [
  `<?xml version="1.0" encoding="UTF-8"?>\n<env:Envelope xmlns:env="${ENVELOPE}" xmlns:wsa="${ADDRESSING}"><env:Header><wsa:Action env:mustUnderstand="true">${escapeXml(action)}</wsa:Action><wsa:MessageID>${escapeXml(messageId)}</wsa:MessageID>`,
  relatesTo ? `<wsa:RelatesTo>${escapeXml(relatesTo)}</wsa:RelatesTo>` : `<wsa:ReplyTo><wsa:Address>${ANONYMOUS}</wsa:Address></wsa:ReplyTo>`,
  `<wsa:To env:mustUnderstand="true">${escapeXml(to)}</wsa:To>${headers}</env:Header><env:Body>${body}</env:Body></env:Envelope>`,
].join('')

/** How an answer is framed: as the request was. */
export interface Framing { readonly mtom: boolean; readonly messageId: string | null }

export const answerSoap = (envelope: NewEnvelope, { mtom, messageId }: Framing): SoapMessage => {
  const text = writeEnvelope({ ...envelope, relatesTo: messageId ?? 'http://www.w3.org/2005/08/addressing/unspecified' })
  return mtom ? mtomSoap(text, envelope.action, []) : plainSoap(text, envelope.action)
}

/** A fault as an answer, in SOAP 1.1 where that was asked. */
export const answerFault = (fault: SoapFault, framing: Framing, messageId: string): SoapMessage & { readonly status: number } => {
  const status = faultStatus(fault)
  if (fault.code === 'VersionMismatch') return { status, contentType: 'text/xml; charset=utf-8', body: Buffer.from(versionMismatch(fault.message)) }
  return { status, ...answerSoap({ action: FAULT_ACTION, messageId, headers: faultHeaders(fault), body: faultBody(fault) }, framing) }
}
