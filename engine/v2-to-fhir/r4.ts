/** What FHIR R4 elements are, as mapping files need to know it: their types, and whether they repeat. */
import { type Definition, definitions, elementOf as definedElement, isResourceType } from '../formats/fhir/definitions.js'

/** An element's type as the schema names it (`HumanName`, `Patient_Contact`, `dateTime`), and whether it repeats. */
export interface Element {
  readonly type: string
  readonly list: boolean
}

/** The element `name` of a type or a resource; undefined where R4 has none. */
export const elementOf = (type: string, name: string): Element | undefined => {
  const element = name.startsWith('_') ? undefined : definedElement(type, name)
  if (!element) return undefined
  // A code whose values the schema lists in place has no type there; lists of them lie in an `else` behind the null of a gap.
  const property = definitions()[type]?.properties?.[name]
  const one = property?.items ?? property
  const listed = (one?.else as Definition | undefined ?? one)?.enum !== undefined
  return { list: element.list, type: element.type ?? (listed ? 'code' : choiceOf(name)) }
}

/** The names of the elements of a type; none where there is no such type. */
export const elementsOf = (type: string): readonly string[] =>
  Object.keys(definitions()[type]?.properties ?? {}).filter((name) => !name.startsWith('_') && name !== 'resourceType')

/** Whether R4 has a resource of this name. */
export const isResource = (type: string): boolean => isResourceType(type)

/** The names of all resources. */
export const resourceTypes = (): readonly string[] => Object.keys(definitions()).filter(isResource)

/** Whether values of a type are plain JSON values, which carry their extensions in a `_name` beside them. */
export const isPrimitive = (type: string): boolean => /^[a-z]/.test(type)

const CHOICES = ['dateTime', 'instant', 'date', 'time', 'boolean', 'positiveInt', 'unsignedInt', 'integer', 'decimal', 'code', 'uri', 'url', 'canonical', 'string']

/** The schema writes the primitives of value[x] out as patterns; the element's own name says which they are. */
const choiceOf = (name: string): string => CHOICES.find((choice) => name.toLowerCase().endsWith(choice.toLowerCase())) ?? 'string'
