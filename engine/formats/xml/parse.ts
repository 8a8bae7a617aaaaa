/** Reads XML: well-formed, of known size and depth, and with no document type, so that nothing can be fetched or expanded. */
import { XMLParser, XMLValidator } from 'fast-xml-parser'
import { MessageFault } from '../../errors.js'
import { decodeXml } from './decode.js'
import { type Element, type Node, type XmlDocument, isCharacter } from './tree.js'

export interface Limits {
  readonly size: number // bytes
  readonly depth: number // elements inside one another
  readonly elements: number
}

/** HL7's extensions of CDA; the prefix counts as theirs also where a document forgot to declare it. */
const SDTC = 'urn:hl7-org:sdtc'
const META = XMLParser.getMetaDataSymbol() as unknown as string

/** Reads a document. Throws a MessageFault at `line:column` where it is no XML, or more than the limits allow. */
export const parseXml = (bytes: Buffer, limits: Limits): XmlDocument => {
  if (bytes.length > limits.size) throw new MessageFault({ kind: 'unsupported', reason: `the document is ${bytes.length} bytes long, and at most ${limits.size} are taken; the setting is \`size\`` })
  const text = decodeXml(bytes)
  scan(text, limits.elements)
  const result = XMLValidator.validate(text)
  if (result !== true) throw new MessageFault({ kind: 'unreadable', reason: PROBLEMS[result.err.code] ?? PROBLEMS.InvalidXml as string, location: `${result.err.line ?? 1}:${result.err.col ?? 1}` })
  return { raw: bytes, text, root: build(parsed(text, limits.depth), text) }
}

/** The library's own words may repeat what stands where a name should. */
const PROBLEMS: Readonly<Record<string, string>> = {
  InvalidXml: 'this is no XML document, or something is not closed', InvalidTag: 'a tag is not well formed, or an element is not closed by its own end tag',
  InvalidAttr: 'an attribute is not well formed: each is written once, with its value in quotes', InvalidChar: 'there is a character that may not stand here',
}

const fail = (text: string, at: number, reason: string, kind: 'unreadable' | 'unsupported' = 'unreadable'): never => {
  const before = text.slice(0, at)
  throw new MessageFault({ kind, reason, location: `${before.split('\n').length}:${at - before.lastIndexOf('\n')}` })
}

/** What the library lets pass: document types, other entities, characters that XML does not have, more elements than are taken. One walk over the text. */
const scan = (text: string, most: number): void => {
  let elements = 0
  for (let at = text.indexOf('<'); at >= 0; at = text.indexOf('<', at)) {
    if (text.startsWith('<!--', at)) at = closed(text, at, '-->', 'a comment')
    else if (text.startsWith('<![CDATA[', at)) at = closed(text, at, ']]>', 'a CDATA section')
    else if (text.startsWith('<?', at)) at = closed(text, at, '?>', 'a processing instruction')
    else if (text[at + 1] === '!') fail(text, at, 'a document type (<!DOCTYPE) and its entities are not taken', 'unsupported')
    else {
      if (text[at + 1] !== '/') elements += 1
      if (elements > most) fail(text, at, `there are more than ${most} elements; the setting is \`elements\``, 'unsupported')
      at += 1
    }
  }
  const [wrong] = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u.exec(text) ?? []
  if (wrong !== undefined) fail(text, text.indexOf(wrong), 'there is a character that XML does not have')
}

const closed = (text: string, from: number, end: string, what: string): number => {
  const at = text.indexOf(end, from)
  return at < 0 ? fail(text, from, `${what} is not closed`) : at + end.length
}

type Raw = Record<string, unknown> & { ':@'?: Record<string, string> }

const parsed = (text: string, depth: number): readonly Raw[] => {
  try {
    return new XMLParser({
      preserveOrder: true, ignoreAttributes: false, attributeNamePrefix: '', parseTagValue: false, parseAttributeValue: false, trimValues: false, processEntities: false,
      commentPropName: '#comment', cdataPropName: '#cdata', captureMetaData: true, maxNestedTags: depth,
    }).parse(text) as readonly Raw[]
  } catch (error) {
    const deep = error instanceof Error && error.message.includes('nested')
    throw new MessageFault({ kind: deep ? 'unsupported' : 'unreadable', reason: deep ? `elements are more than ${depth} deep inside one another; the setting is \`depth\`` : 'something is not closed, or a name is one that cannot be taken', location: '1:1' })
  }
}

const build = (raw: readonly Raw[], text: string): Element => {
  const sdtc = new Set(['sdtc'])
  const nodes = raw.flatMap((one) => nodeOf(one, text, sdtc))
  const [root, second] = nodes.filter((node): node is Element => node.kind === 'element')
  if (!root) return fail(text, 0, 'there is no element in it')
  return second ? fail(text, second.range?.[0] ?? 0, 'there is a second element after the first; a document is one') : root
}

const nodeOf = (raw: Raw, text: string, sdtc: Set<string>): readonly Node[] => {
  const name = Object.keys(raw).find((key) => key !== ':@') ?? ''
  const inner = raw[name]
  if (name === '#text') return inner === '' ? [] : [{ kind: 'text', raw: references(String(inner), text) }]
  if (name === '#comment' || name === '#cdata') return [{ kind: name === '#cdata' ? 'cdata' as const : 'comment' as const, text: (inner as readonly Raw[]).map((one) => String(one['#text'] ?? '')).join('') }]
  const meta = raw[META] as { startIndex: number; endIndex: number } | undefined
  if (name.startsWith('?')) return meta ? [{ kind: 'verbatim', raw: text.slice(meta.startIndex, meta.endIndex) }] : []
  const attributes = new Map(Object.entries(raw[':@'] ?? {}).map(([key, value]) => [key, references(value, text)]))
  for (const [key, value] of attributes) if (value === SDTC && key.startsWith('xmlns:')) sdtc.add(key.slice(6))
  const colon = name.indexOf(':')
  const prefix = colon < 0 ? '' : name.slice(0, colon)
  const children = (inner as readonly Raw[]).flatMap((one) => nodeOf(one, text, sdtc))
  return [{ kind: 'element', name, local: name.slice(colon + 1), prefix: sdtc.has(prefix) || attributes.get('xmlns') === SDTC ? 'sdtc' : prefix, attributes, children, range: meta ? [meta.startIndex, meta.endIndex] : null, changed: false }]
}

const REFERENCE = /&(?!(?:lt|gt|amp|quot|apos|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6});)/
/** Only the five entities of XML, and references to characters that it has. */
const references = (raw: string, text: string): string => {
  if (!raw.includes('&')) return raw
  const wrong = REFERENCE.exec(raw) ?? [...raw.matchAll(/&#(x?)([0-9A-Fa-f]+);/g)].find(([, hex, digits = '']) => !isCharacter(Number.parseInt(digits, hex ? 16 : 10)))
  return wrong ? fail(text, Math.max(0, text.indexOf(raw)) + wrong.index, 'there is an entity other than &lt; &gt; &amp; &quot; &apos; and references to characters') : raw
}
