/** An XML document as a value: its elements with what is written in them, and where each stands. Nothing edits one. */

/** An element. Texts and attribute values are kept as they are written; `textOf` and `attributeOf` decode them. */
export interface Element {
  readonly kind: 'element'
  readonly name: string // as written: "sdtc:raceCode"
  readonly local: string // "raceCode"
  readonly prefix: string // "sdtc" for HL7's extensions however they are written; otherwise as written, or ""
  readonly attributes: ReadonlyMap<string, string>
  readonly children: readonly Node[]
  readonly range: readonly [start: number, end: number] | null // where it stood in the document's text; null where it was made
  readonly changed: boolean // or made: it is written anew, what is unchanged in it as it stood
}

export type Node =
  | Element
  | { readonly kind: 'text' | 'verbatim'; readonly raw: string } // verbatim: a processing instruction
  | { readonly kind: 'cdata'; readonly text: string }
  | { readonly kind: 'comment'; readonly text: string }

/** The body of a message of format `xml`. */
export interface XmlDocument {
  readonly raw: Buffer | null // as it was read; null where it was changed
  readonly text: string // its line breaks are line feeds
  readonly root: Element
}

/** An element and where it stands. `xpath` has no spaces: `/ClinicalDocument/recordTarget/patientRole/id[2]`. */
export interface Place {
  readonly element: Element
  readonly above: Place | null
  readonly xpath: string
}

export const rootPlace = ({ root }: XmlDocument): Place => ({ element: root, above: null, xpath: `/${root.local}` })

export const elementsOf = ({ children }: Element): readonly Element[] => children.filter((node): node is Element => node.kind === 'element')

/** The elements inside one, each with its place: numbered where several have its name. */
export const inside = (place: Place): readonly Place[] => {
  const elements = elementsOf(place.element)
  const counts = new Map<string, number>()
  const named = (element: Element): string => (element.prefix ? `${element.prefix}:${element.local}` : element.local)
  for (const element of elements) counts.set(named(element), (counts.get(named(element)) ?? 0) + 1)
  const seen = new Map<string, number>()
  return elements.map((element) => {
    const name = named(element)
    const index = (seen.get(name) ?? 0) + 1
    seen.set(name, index)
    return { element, above: place, xpath: `${place.xpath}/${name}${(counts.get(name) ?? 0) > 1 ? `[${index}]` : ''}` }
  })
}

/** The value of an attribute, decoded; undefined where there is none. */
export const attributeOf = ({ attributes }: Element, name: string): string | undefined => {
  const raw = attributes.get(name)
  return raw === undefined ? undefined : unescapeXml(raw)
}

/** All text in an element, that of the elements in it included, decoded. */
export const textOf = ({ children }: Element): string => {
  let text = ''
  for (const node of children) text += node.kind === 'element' ? textOf(node) : node.kind === 'text' ? unescapeXml(node.raw) : node.kind === 'cdata' ? node.text : ''
  return text
}

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }

/** What the five entities of XML and character references stand for. Any other `&` was refused when the document was read. */
export const unescapeXml = (raw: string): string => (raw.includes('&') ? raw.replace(/&(?:#x([0-9A-Fa-f]{1,6})|#([0-9]{1,7})|([a-z]{2,4}));/g, (whole, hex, decimal, name) => {
  if (name !== undefined) return ENTITIES[name] ?? whole
  const code = Number.parseInt(hex ?? decimal, hex === undefined ? 10 : 16)
  return isCharacter(code) ? String.fromCodePoint(code) : '\uFFFD'
}) : raw)

/** XML 1.0 §2.2 */
export const isCharacter = (code: number): boolean => code === 9 || code === 10 || code === 13 || (code >= 0x20 && code <= 0xd7ff) || (code >= 0xe000 && code <= 0xfffd) || (code >= 0x10000 && code <= 0x10ffff)

/** Text as it may stand in an element or, in double quotes, in an attribute; characters that XML does not have become `?`. */
export const escapeXml = (text: string): string => text.replace(/[<>&"\r]|[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, (character) => ESCAPES[character] ?? '?')
const ESCAPES: Readonly<Record<string, string>> = { '<': '&lt;', '>': '&gt;', '&': '&amp;', '"': '&quot;', '\r': '&#13;' }
