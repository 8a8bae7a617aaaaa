/** An XML document with its structure, its codes and nothing else: what may say who it is about is masked. */
import { isCode, mask } from '../mask.js'
import { type Element, type Node, type XmlDocument, escapeXml, unescapeXml } from './tree.js'

/** Attributes of CDA's own code types, names of templates and types, and namespaces. */
const CODED = new Set(['code', 'codeSystem', 'codeSystemName', 'codeSystemVersion', 'root', 'typeCode', 'classCode', 'moodCode', 'contextConductionInd', 'nullFlavor', 'use', 'unit', 'mediaType', 'representation', 'operator', 'determinerCode', 'contextControlCode', 'negationInd', 'inversionInd', 'type', 'assigningAuthorityName'])
/** Whose `root` alone is an identifier of somebody or something. */
const isUuid = (text: string): boolean => /^[0-9A-Fa-f]{8}-/.test(text)

export const redactXml = (document: XmlDocument): XmlDocument => {
  const root = redacted(document.root)
  return { raw: null, text: '', root }
}

const redacted = (element: Element): Element => ({
  ...element, range: null, changed: true,
  attributes: new Map([...element.attributes].map(([name, raw]) => [name, escapeXml(stays(name, unescapeXml(raw), element) ? unescapeXml(raw) : mask(unescapeXml(raw)))])),
  children: element.children.flatMap(shown),
})

const stays = (name: string, value: string, { local }: Element): boolean => {
  if (/^xmlns(?::|$)/.test(name) || name === 'xsi:type' || name === 'xsi:schemaLocation') return true
  if (local === 'templateId' || local === 'typeId') return true
  return CODED.has(name) && !isUuid(value) && (isCode(value) || /^[\d.]{1,80}$/.test(value))
}

const shown = (node: Node): readonly Node[] => {
  if (node.kind === 'element') return [redacted(node)]
  if (node.kind === 'text') return [{ kind: 'text', raw: escapeXml(mask(unescapeXml(node.raw))) }]
  return node.kind === 'cdata' ? [{ kind: 'text', raw: escapeXml(mask(node.text)) }] : []
}
