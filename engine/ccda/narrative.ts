/** The narrative of a section as plain text: lines where it has paragraphs, items, rows and breaks (CDA R2 §4.3.5). */
import type { Element, Place } from '../formats/xml/tree.js'
import { unescapeXml } from '../formats/xml/tree.js'
import { type Leaf, leaf } from '../v2-to-fhir/draft.js'

const LINES = new Set(['paragraph', 'item', 'tr', 'table', 'list', 'caption', 'title', 'thead', 'tbody', 'tfoot'])
const LONGEST = 100_000 // characters

/** The text, or undefined where it says nothing. */
export const narrativeText = ({ element, xpath }: Place): Leaf | undefined => {
  const text = lines(element).replace(/[^\S\n]+/g, ' ').replace(/ ?\n ?/g, '\n').replace(/\n{2,}/g, '\n').replace(/^[\s;]+|[\s;]+$/g, '').slice(0, LONGEST)
  return text ? leaf(text, xpath) : undefined
}

const lines = ({ children }: Element): string => {
  let text = ''
  for (const node of children) {
    if (node.kind === 'text') text += unescapeXml(node.raw).replace(/\s+/g, ' ')
    else if (node.kind === 'cdata') text += node.text
    else if (node.kind === 'element') text += block(node)
  }
  return text
}

const block = (element: Element): string => {
  if (element.local === 'br') return '\n'
  if (element.local === 'th' || element.local === 'td') return `${lines(element).trim()}; `
  const inner = lines(element)
  if (element.local === 'tr') return `\n${inner.replace(/(?:; )+$/, '').replace(/(?:; ){2,}/g, '; ')}\n`
  return LINES.has(element.local) ? `\n${inner}\n` : inner
}
