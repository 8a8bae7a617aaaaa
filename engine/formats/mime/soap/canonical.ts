/** Exclusive XML Canonicalization 1.0 without comments (W3C, 2002): the bytes of an element that a signature is made of. */
import { MessageFault } from '../../../errors.js'
import { type Element, type Place, inside, unescapeXml } from '../../xml/tree.js'
import { namespaceAt, prefixOf } from './namespaces.js'

/** `without` is left out with all that is in it (the enveloped signature); `inclusive` are the prefixes of an InclusiveNamespaces list, "" the default. */
export const canonical = (place: Place, { without = null, inclusive = [] }: { readonly without?: Element | null; readonly inclusive?: readonly string[] } = {}): Buffer =>
  Buffer.from(element(place, new Map(), without, inclusive))

const element = (place: Place, rendered: ReadonlyMap<string, string>, without: Element | null, inclusive: readonly string[]): string => {
  const { element: own } = place
  const attributes = [...own.attributes].filter(([name]) => name !== 'xmlns' && !name.startsWith('xmlns:'))
  const used = new Set([prefixOf(own), ...attributes.flatMap(([name]) => (name.includes(':') ? [name.slice(0, name.indexOf(':'))] : []))].filter((prefix) => prefix !== 'xml'))
  for (const prefix of inclusive) if (namespaceAt(place, prefix) !== '') used.add(prefix)
  const declared = [...used].sort(byCode).flatMap((prefix) => {
    const namespace = namespaceAt(place, prefix)
    if ((rendered.get(prefix) ?? '') === namespace) return []
    return [[prefix, namespace] as const]
  })
  const now = new Map([...rendered, ...declared])
  const sorted = attributes.map(([name, raw]) => ({ name, raw, key: name.includes(':') ? `${namespaceAt(place, name.slice(0, name.indexOf(':')))}\0${name.slice(name.indexOf(':') + 1)}` : `\0${name}` })).sort((a, b) => byCode(a.key, b.key))
  const places = new Map(inside(place).map((one) => [one.element, one]))
  let text = `<${own.name}${declared.map(([prefix, namespace]) => ` xmlns${prefix && `:${prefix}`}="${attributeText(namespace)}"`).join('')}${sorted.map(({ name, raw }) => ` ${name}="${attributeText(unescapeXml(raw.replace(/[\t\n]/g, ' ')))}"`).join('')}>`
  for (const node of own.children) {
    if (node === without || node.kind === 'comment') continue
    if (node.kind === 'verbatim') throw new MessageFault({ kind: 'unsupported', reason: 'what is signed holds a processing instruction' })
    if (node.kind === 'element') text += element(places.get(node) as Place, now, without, inclusive)
    else text += characters(node.kind === 'cdata' ? node.text : unescapeXml(node.raw))
  }
  return `${text}</${own.name}>`
}

/** By code points, as the standard has it. */
const byCode = (one: string, other: string): number => Buffer.compare(Buffer.from(one), Buffer.from(other))

const characters = (text: string): string => text.replace(/[&<>\r]/g, (one) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '\r': '&#xD;' })[one] as string)
const attributeText = (text: string): string => text.replace(/[&<"\t\n\r]/g, (one) => ({ '&': '&amp;', '<': '&lt;', '"': '&quot;', '\t': '&#x9;', '\n': '&#xA;', '\r': '&#xD;' })[one] as string)
