/** What a datatype of CDA is here: how an element is read into FHIR. */
import type { CodeTable } from '../contracts.js'
import type { Place } from '../formats/xml/tree.js'
import { attributeOf, inside, textOf } from '../formats/xml/tree.js'
import type { Lookup } from '../v2-to-fhir/datatype.js'
import { type Draft, type Leaf, leaf } from '../v2-to-fhir/draft.js'

export interface Datatype {
  /** The FHIR types that it can become; a row that wants another is refused when its file is read. */
  readonly makes: readonly string[]
  read(place: Place, use: Use): Draft | undefined
}

/** What a datatype is used for, and what it may ask. */
export interface Use {
  readonly target: string // the FHIR type wanted
  readonly table: CodeTable | undefined // the row's own
  readonly lookup: Lookup
  readonly timezone: string | undefined // of times that say none, an IANA name
  /** The narrative element of an `ID`, for `<reference value="#id"/>`. */
  narrative(id: string): Place | undefined
  issue(origin: string, reason: string): void
}

/** The elements of a name in one, but for those that say why they are empty. */
export const named = (place: Place, name: string): readonly Place[] => inside(place).filter(({ element }) => element.local === name && element.prefix !== 'sdtc' && !isNull(element))

export const isNull = (element: Place['element']): boolean => element.attributes.has('nullFlavor')

/** An attribute with its origin; undefined where it is not there or empty. */
export const attribute = ({ element, xpath }: Place, name: string): Leaf | undefined => {
  const value = attributeOf(element, name)?.trim()
  return value ? leaf(value, `${xpath}/@${name}`) : undefined
}

/** The text of an element in one line. */
export const line = ({ element, xpath }: Place): Leaf | undefined => {
  const text = textOf(element).replace(/\s+/g, ' ').trim()
  return text ? leaf(text, xpath) : undefined
}

/** The text of an element, or of the narrative that its reference leads to. */
export const words = (place: Place, { narrative }: Pick<Use, 'narrative'>): Leaf | undefined => {
  const own = line(place)
  if (own) return own
  const reference = place.element.attributes.has('value') ? place : named(place, 'reference')[0]
  const value = reference && attributeOf(reference.element, 'value')
  const target = value?.startsWith('#') ? narrative(value.slice(1)) : undefined
  return target && line(target)
}
