/** Writes values into XML documents, and documents as bytes. What was not changed is written as it stood. */
import { MessageFault } from '../../errors.js'
import type { Path, Step } from './path.js'
import { placesFrom, placesIn } from './select.js'
import { type Element, type Node, type Place, type XmlDocument, escapeXml } from './tree.js'

/** The document as bytes: as it was read, or else in UTF-8, as its declaration then says. */
export const serializeXml = ({ raw, text, root }: XmlDocument): Buffer => {
  if (raw) return raw
  const start = text.indexOf('<', 0)
  const declared = /^<\?xml[^>]*\?>/.exec(text.slice(start))?.[0] ?? ''
  const before = declared.replace(/encoding\s*=\s*(?:"[^"]*"|'[^']*')/, 'encoding="UTF-8"')
  return Buffer.from(`${before}${written(root, text, declared ? start + declared.length : 0)}`, 'utf8')
}

/** The root, with what stands before and after it where it is one that was read. */
const written = (root: Element, text: string, from: number): string => {
  const [start, end] = root.range ?? [from, text.length]
  return `${text.slice(from, start)}${writeElement(root, text)}${text.slice(end)}`
}

/** An element as it is written; `text` is that of the document that its unchanged parts were read from. */
export const writeElement = (element: Element, text: string): string => {
  if (element.range && !element.changed) return text.slice(...element.range)
  const attributes = [...element.attributes].map(([name, raw]) => ` ${name}=${raw.includes('"') ? `'${raw}'` : `"${raw}"`}`).join('')
  if (element.children.length === 0) return `<${element.name}${attributes}/>`
  return `<${element.name}${attributes}>${element.children.map((node) => writeNode(node, text)).join('')}</${element.name}>`
}

const writeNode = (node: Node, text: string): string => {
  if (node.kind === 'element') return writeElement(node, text)
  if (node.kind === 'cdata') return `<![CDATA[${node.text}]]>`
  if (node.kind === 'comment') return `<!--${node.text}-->`
  return node.raw
}

const changed = (element: Element, change: Partial<Pick<Element, 'attributes' | 'children'>>): Element => ({ ...element, ...change, changed: true })

/** The document with each of some elements replaced (or taken out: null), all of them standing in it now. */
export const replaced = (document: XmlDocument, changes: ReadonlyMap<Element, Element | null>): XmlDocument => {
  if (changes.size === 0) return document
  const rebuilt = (element: Element): Element | null => {
    const to = changes.has(element) ? changes.get(element) ?? null : element
    if (!to) return null
    let different = to !== element
    const children = to.children.flatMap((node): readonly Node[] => {
      const after = node.kind === 'element' ? rebuilt(node) : node
      if (after !== node) different = true
      return after ? [after] : []
    })
    return different ? changed(to, { children }) : element
  }
  const root = rebuilt(document.root)
  if (!root) throw new MessageFault({ kind: 'internal', reason: 'the root element cannot be taken out' })
  return { ...document, raw: null, root }
}

/** The document with a value, or nothing (null), at every place that a path names; one is made where there is none. */
export const writeValue = (document: XmlDocument, path: Path, value: string | null): XmlDocument => {
  const there = placesIn(document, path)
  const wrong = path.attribute === null ? there.find(({ element }) => value !== null && element.children.some(({ kind }) => kind === 'element')) : undefined
  if (wrong) throw new MessageFault({ kind: 'internal', reason: 'holds elements and not only text; name what is to be written inside it', location: wrong.xpath })
  if (there.length > 0) return replaced(document, new Map(there.map(({ element }) => [element, holding(element, path.attribute, value)])))
  return value === null ? document : made(document, path, value)
}

const holding = (element: Element, attribute: string | null, value: string | null): Element | null => {
  if (attribute === null) return value === null ? null : changed(element, { children: [{ kind: 'text', raw: escapeXml(value) }] })
  const attributes = new Map(element.attributes)
  if (value === null) attributes.delete(attribute)
  else attributes.set(attribute, escapeXml(value).replaceAll('\n', '&#10;').replaceAll('\t', '&#9;'))
  return changed(element, { attributes })
}

/** Makes what is missing of a path, in the last place that its first steps name. */
const made = (document: XmlDocument, path: Path, value: string): XmlDocument => {
  for (let known = path.steps.length - 1; known > 0; known -= 1) {
    const at: Place | undefined = placesIn(document, { steps: path.steps.slice(0, known), attribute: null }).at(-1)
    if (!at) continue
    const missing = path.steps.slice(known)
    const [first] = missing
    const position = first?.predicates.find((one) => one.kind === 'position')
    if (first && position?.kind === 'position' && placesFrom(at, { steps: [{ ...first, predicates: [] }], attribute: null }).length !== position.at - 1) throw cannot('it can only be added as the next of its name')
    const inner = missing.reduceRight<Element | null>((child, step, index) => {
      const fresh = elementOf(step, at.element, child ? [child] : [])
      return index === missing.length - 1 ? holding(fresh, path.attribute, value) : fresh
    }, null)
    return replaced(document, new Map([[at.element, changed(at.element, { children: [...at.element.children, ...(inner ? [inner] : [])] })]]))
  }
  throw cannot('its first step must name the root element')
}

const cannot = (reason: string): MessageFault => new MessageFault({ kind: 'internal', reason: `this path cannot be written: ${reason}` })

/** A new element of a step, with the attributes that its tests ask for. */
const elementOf = ({ axis, prefix, local, predicates }: Step, beside: Element, children: readonly Node[]): Element => {
  if (axis !== 'child' || local === '*') throw cannot('`//` and `*` name no place where something could be made')
  const attributes = predicates.flatMap((predicate) => {
    if (predicate.kind === 'position') return []
    const [test] = predicate.of
    if (predicate.of.length !== 1 || test?.is !== 'equal' || test.path.attribute === null || test.path.steps.length > 0) throw cannot("what is missing can be made only by tests such as `[@root='1.2.3']`")
    return [[test.path.attribute, escapeXml(test.value)] as const]
  })
  const own = prefix || (beside.prefix === 'sdtc' ? '' : beside.prefix)
  return { kind: 'element', name: own ? `${own}:${local}` : local, local, prefix: own, attributes: new Map(attributes), children, range: null, changed: true }
}
