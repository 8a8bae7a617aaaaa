/** Validates resources against FHIR R4; each definition is compiled when the first resource needs it. */
import { Ajv, type ErrorObject, type SchemaValidateFunction, type ValidateFunction } from 'ajv'
import type { DataValidateFunction } from 'ajv/dist/types/index.js'
import type { Fault } from '../../contracts.js'
import { type Json, isContainer, isObject } from '../json/json-text.js'
import { choicesOf, definitions, isResourceType } from './definitions.js'
import { REQUIRED } from './required.js'

/** What is wrong first with a resource, and where, as FHIRPath writes it ("Bundle.entry[2].resource.status"); null if it is valid. */
export const invalid = (resource: Json): Fault | null => {
  const error = resourceError(resource, '')
  const name = isObject(resource) && isResourceType(resource.resourceType) ? resource.resourceType : 'resource'
  return error && faultOf(error, name)
}

/** What is wrong with one value of an element, in a sentence without the value; null if nothing is. */
export const invalidValue = (value: Json, pointer: string): string | null => {
  const validate = compiled(pointer)
  return validate(value) ? null : faultOf(first(validate), '').reason
}

const compiledSchemas = new Map<string, ValidateFunction>()
let ajv: Ajv | undefined

const compiled = (pointer: string): ValidateFunction => {
  const known = compiledSchemas.get(pointer)
  if (known) return known
  ajv ??= new Ajv({ strict: false, validateSchema: false, logger: false })
    .addKeyword({ keyword: 'resource', validate: nested, errors: true })
    .addKeyword({ keyword: 'rules', compile: rulesOf, errors: true })
    .addSchema({ definitions: definitions() }, 'r4')
  const validate = ajv.compile({ $ref: `r4${pointer}` })
  compiledSchemas.set(pointer, validate)
  return validate
}

const first = (validate: { errors?: ErrorObject[] | Partial<ErrorObject>[] | null }): Partial<ErrorObject> => validate.errors?.[0] ?? {}

const resourceError = (resource: Json, at: string): Partial<ErrorObject> | null => {
  if (!isObject(resource)) return { keyword: 'type', params: { type: 'object' }, instancePath: at }
  if (!isResourceType(resource.resourceType)) return { keyword: 'resourceType', instancePath: `${at}/resourceType` }
  const validate = compiled(`#/definitions/${resource.resourceType}`)
  if (validate(resource)) return null
  const error = first(validate)
  return { ...error, instancePath: `${at}${error.instancePath}` }
}

/** The keyword `resource`: a resource of any type, by its own definition instead of by all 146. */
const nested: SchemaValidateFunction = (_schema: unknown, data: Json, _parent, context) => {
  const error = resourceError(data, context?.instancePath ?? '')
  nested.errors = error ? [error] : []
  return !error
}

/** The keyword `rules`: what the schema of a definition leaves out. Nothing empty, what is required, and one of each choice. */
const rulesOf = (name: string): DataValidateFunction => {
  const choices = choicesOf(name)
  const required = (REQUIRED[name] ?? '').split(' ').filter(Boolean).map((element) => {
    const names = element.endsWith('[x]') ? (choices.get(element.slice(0, -3)) ?? []) : [element]
    return { element, names: names.flatMap((one) => [one, `_${one}`]) }
  })
  const stems = new Map([...choices].flatMap(([stem, names]) => names.map((each) => [each, stem] as const)))
  const rules: DataValidateFunction = (data: Json, context) => {
    const at = context?.instancePath ?? ''
    const error = isObject(data) ? ruleError(data, at, required, stems) : null
    rules.errors = error ? [error] : []
    return !error
  }
  return rules
}

/** `stems` are those of the choices, by the names that they may be used as. */
const ruleError = (data: Readonly<Record<string, Json>>, at: string, required: readonly { element: string; names: readonly string[] }[], stems: ReadonlyMap<string, string>): Partial<ErrorObject> | null => {
  let some = false
  for (const name in data) {
    const value = data[name]
    if (value === '' || (isContainer(value) && isEmpty(value))) return { keyword: 'empty', instancePath: `${at}/${name}` }
    some = true
  }
  if (!some) return { keyword: 'empty', instancePath: at }
  for (const { element, names } of required) {
    if (!names.some((name) => Object.hasOwn(data, name))) return { keyword: 'required', params: { missingProperty: element }, instancePath: at }
  }
  if (stems.size === 0) return null
  const chosen: string[] = []
  for (const name in data) {
    const stem = stems.get(name)
    if (stem === undefined) continue
    if (chosen.includes(stem)) return { keyword: 'choice', instancePath: `${at}/${stem}[x]` }
    chosen.push(stem)
  }
  return null
}

const isEmpty = (value: object): boolean => {
  for (const _ in value) return false
  return true
}

const faultOf = (error: Partial<ErrorObject>, root: string): Fault => {
  const place = `${root}${(error.instancePath ?? '').split('/').slice(1).map((key) => (/^\d+$/.test(key) ? `[${key}]` : `.${key}`)).join('')}`
  const params: Readonly<Record<string, unknown>> = error.params ?? {}
  const at = (name: unknown): string => (typeof name === 'string' && /^_?[A-Za-z][A-Za-z0-9]{0,63}(\[x\])?$/.test(name) ? `${place}.${name}` : place)
  switch (error.keyword) {
    case 'required': return { kind: 'required', reason: 'is required', location: at(params.missingProperty) }
    case 'additionalProperties': return { kind: 'value', reason: 'is not an element of FHIR R4 here', location: at(params.additionalProperty) }
    case 'resourceType': return { kind: 'value', reason: 'must name a resource of FHIR R4', location: place }
    case 'empty': return { kind: 'value', reason: 'is empty; leave out what has no value', location: place }
    case 'choice': return { kind: 'value', reason: 'has more than one value, and may have one', location: place }
    case 'enum': return { kind: 'value', reason: `must be ${oneOf(params.allowedValues as readonly string[])}`, location: place }
    case 'pattern': return { kind: 'value', reason: `is not a valid ${/definitions\/(\w+)\/pattern$/.exec(error.schemaPath ?? '')?.[1] ?? 'value of its type'}`, location: place }
    case 'type': return { kind: 'value', reason: `must be ${TYPES[String(params.type)] ?? params.type}`, location: place }
    default: return { kind: 'value', reason: 'is not valid in FHIR R4', location: place }
  }
}

const oneOf = (allowed: readonly string[]): string => (allowed.length === 1 ? `${allowed[0]}` : `one of ${allowed.slice(0, 20).join(', ')}${allowed.length > 20 ? ', …' : ''}`)

const TYPES: Readonly<Record<string, string>> = { string: 'text', number: 'a number', integer: 'a whole number', boolean: 'true or false', array: 'a list', object: 'an object' }
