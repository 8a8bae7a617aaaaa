/** XML of any vocabulary; a CDA document's header is known, so that a channel of C-CDA documents needs no settings. */
import { Type } from 'typebox'
import { defineFormat } from '../../define.js'
import { MessageFault } from '../../errors.js'
import { Size, size, withDefault } from '../../units.js'
import { parseXml } from './parse.js'
import { xmlPath } from './path.js'
import { redactXml } from './redact.js'
import { placesIn, usablePath, valuesIn } from './select.js'
import { type Element, type XmlDocument, attributeOf, elementsOf } from './tree.js'
import { replaced, serializeXml, writeValue } from './write.js'

export const DEFAULTS = { size: '20MB', depth: 100, elements: 500_000 }
const LONGEST_ID = 256

export default defineFormat({
  name: 'xml',
  summary: 'XML: C-CDA documents, and any other. No document types or entities. Paths are a subset of XPath.',
  settings: Type.Object({
    size: Type.Optional(withDefault(Size, DEFAULTS.size, 'A document may not be larger.')),
    depth: Type.Optional(Type.Integer({ default: DEFAULTS.depth, minimum: 2, maximum: 500, description: 'Elements inside one another.' })),
    elements: Type.Optional(Type.Integer({ default: DEFAULTS.elements, minimum: 1, maximum: 10_000_000, description: 'A document may not have more elements.' })),
    controlId: Type.Optional(Type.String({ description: 'The path of what names a document uniquely; without it, the `id` of a ClinicalDocument.' })),
    type: Type.Optional(Type.String({ description: 'The path of its type; without it, the LOINC code of a ClinicalDocument, and the name of the root element of others.' })),
  }, { additionalProperties: false }),
  examples: [{}, { size: '5MB', elements: 100_000, controlId: 'order/@number', type: 'order/@kind' }],
  create(settings) {
    const limits = { size: size(settings.size ?? DEFAULTS.size), depth: settings.depth ?? DEFAULTS.depth, elements: settings.elements ?? DEFAULTS.elements }
    const [controlId, type] = [settings.controlId, settings.type].map((path) => (path === undefined ? null : ownPath(path)))
    const read = (bytes: Buffer): XmlDocument => parseXml(bytes, limits)
    const first = (document: XmlDocument, path: ReturnType<typeof ownPath>): string | null => valuesIn(document, path)[0]?.value.trim().slice(0, LONGEST_ID) || null
    return {
      name: 'xml',
      readHeader(bytes) {
        const document = read(bytes)
        const own = headerOf(document.root)
        return { controlId: controlId ? first(document, controlId) : own.controlId, type: type ? first(document, type) : own.type }
      },
      parse: read,
      serialize: (body) => serializeXml(body as XmlDocument),
      acknowledge: () => null,
      separate: () => null,
      assemble: (_bytes, acknowledgements) => Buffer.concat(acknowledgements),
      checkPath: (path) => problem(path),
      read: (body, path) => valuesIn(body as XmlDocument, usablePath(path)).map(({ value }) => value),
      write: (body, path, value) => writeValue(body as XmlDocument, usablePath(path), value),
      split: (body, by) => split(body as XmlDocument, by),
      orderKeys: (body, path) => valuesIn(body as XmlDocument, usablePath(path)).map(({ value }) => value),
      redact: (body) => redactXml(body as XmlDocument),
    }
  },
})

const problem = (text: string): string | null => {
  const path = xmlPath(text)
  return typeof path === 'string' ? path : null
}

const ownPath = (text: string) => {
  const path = xmlPath(text)
  if (typeof path === 'string') throw new Error(path)
  return path
}

/** CDA R2 §4.2.1: the document's id is unique; its code is LOINC's. */
const headerOf = (root: Element): { readonly controlId: string | null; readonly type: string | null } => {
  if (root.local !== 'ClinicalDocument') return { controlId: null, type: root.local.slice(0, 80) }
  const named = (name: string): Element | undefined => elementsOf(root).find(({ local, prefix }) => local === name && prefix !== 'sdtc')
  const [id, code] = [named('id'), named('code')]
  const number = id && [attributeOf(id, 'root'), attributeOf(id, 'extension')].filter(Boolean).join('^')
  const type = code && attributeOf(code, 'code')
  return { controlId: number && number.length <= LONGEST_ID ? number : null, type: type && /^[\w.-]{1,40}$/.test(type) ? type : 'ClinicalDocument' }
}

/** The whole document once for each element that a path names, with that one alone of them. */
const split = (document: XmlDocument, by: string): readonly XmlDocument[] => {
  const path = usablePath(by)
  if (path.attribute !== null) throw new MessageFault({ kind: 'internal', reason: 'XML is split by elements, and this path names an attribute' })
  const all = placesIn(document, path).map(({ element }) => element)
  if (all.length <= 1) return all.map(() => document)
  return all.map((kept) => replaced(document, new Map(all.filter((one) => one !== kept).map((one) => [one, null]))))
}
