/** Elements by their namespaces (Namespaces in XML 1.0), whatever prefix they were written with. */
import { type Element, type Place, attributeOf, inside, textOf, unescapeXml } from '../../xml/tree.js'

/** The namespace that a prefix ("" for none) stands for at a place; "" where it stands for none. */
export const namespaceAt = (place: Place | null, prefix: string): string => {
  const name = prefix === '' ? 'xmlns' : `xmlns:${prefix}`
  for (let at = place; at; at = at.above) {
    const declared = at.element.attributes.get(name)
    if (declared !== undefined) return unescapeXml(declared)
  }
  return prefix === 'xml' ? 'http://www.w3.org/XML/1998/namespace' : ''
}

/** The prefix as written; an element’s own `prefix` is HL7’s where it is an extension of CDA. */
export const prefixOf = ({ name }: Element): string => (name.includes(':') ? name.slice(0, name.indexOf(':')) : '')

export const namespaceOf = (place: Place): string => namespaceAt(place, prefixOf(place.element))

export const isNamed = (place: Place, namespace: string, local: string): boolean => place.element.local === local && namespaceOf(place) === namespace

/** The elements of a name directly inside one. */
export const childrenNamed = (place: Place | null | undefined, namespace: string, local: string): readonly Place[] =>
  (place ? inside(place).filter((one) => isNamed(one, namespace, local)) : [])

/** The first element that a way of names of one namespace leads to, or null. */
export const childAt = (place: Place | null | undefined, namespace: string, ...names: readonly string[]): Place | null =>
  names.reduce<Place | null>((at, name) => childrenNamed(at, namespace, name)[0] ?? null, place ?? null)

/** All elements of a name at any depth inside one. */
export const descendantsNamed = (place: Place, namespace: string, local: string): readonly Place[] =>
  inside(place).flatMap((one) => [...(isNamed(one, namespace, local) ? [one] : []), ...descendantsNamed(one, namespace, local)])

/** The text of an element without what stands around it, or null where there is none. */
export const textAt = (place: Place | null | undefined): string | null => (place && textOf(place.element).trim()) || null

/** The value of an attribute in a namespace, whatever its prefix. */
export const attributeIn = (place: Place, namespace: string, local: string): string | undefined => {
  for (const name of place.element.attributes.keys()) {
    const [prefix, own] = name.split(':')
    if (own === local && prefix !== undefined && prefix !== 'xmlns' && namespaceAt(place, prefix) === namespace) return attributeOf(place.element, name)
  }
  return undefined
}

/** The namespace declarations that hold at a place, by their attributes' names, as they are written. */
export const declarationsAt = (place: Place): ReadonlyMap<string, string> => {
  const above = place.above ? declarationsAt(place.above) : new Map<string, string>()
  return new Map([...above, ...[...place.element.attributes].filter(([name]) => name === 'xmlns' || name.startsWith('xmlns:'))])
}
