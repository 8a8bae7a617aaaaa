/** De-identifies a FHIR resource or Bundle: every element by its name; dates by their shape. */
import { type Pseudonyms, scrubbed, shifted, withNines } from './pseudonyms.js'
import type { Kind } from './rules.js'

type Json = unknown

/** The resource with nothing of its people left. The first pass learns what must not stay, the second replaces. */
export const deidentifyFhir = (resource: Json, rules: ReadonlyMap<string, Kind>, pseudonyms: Pseudonyms): Json => {
  const shift = pseudonyms.shiftFor(patientOf(resource))
  pass(resource, '', '', {}, rules, pseudonyms, shift)
  return pass(resource, '', '', {}, rules, pseudonyms, shift)
}

const patientOf = (resource: Json): string => {
  if (!isObject(resource)) return ''
  if (resource.resourceType === 'Patient') {
    const [first] = Array.isArray(resource.identifier) ? (resource.identifier as Json[]) : []
    return isObject(first) && typeof first.value === 'string' ? first.value : ''
  }
  return Array.isArray(resource.entry) ? resource.entry.map((entry) => patientOf(isObject(entry) ? entry.resource : null)).find((id) => id !== '') ?? '' : ''
}

const pass = (value: Json, parent: string, name: string, beside: Readonly<Record<string, Json>>, rules: ReadonlyMap<string, Kind>, pseudonyms: Pseudonyms, shift: number): Json => {
  if (Array.isArray(value)) return value.map((item) => pass(item, parent, name, beside, rules, pseudonyms, shift))
  if (isObject(value)) return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, pass(inner, name, key, value, rules, pseudonyms, shift)]))
  if (typeof value === 'number') return pseudonyms.leaks(String(value), false) ? withNines(value) : value
  if (typeof value !== 'string') return value
  const plain = name.replace(/^_/, '')
  const rule = rules.get(`${parent}.${plain}`) ?? rules.get(plain)
  if (rule === 'structure') return value
  if (rule === undefined || rule === 'text') {
    if (shifted(value, shift) !== null && !/^\d+$/.test(value)) return pseudonyms.of('date', value, shift)
    return DIV.test(value) ? '<div xmlns="http://www.w3.org/1999/xhtml"/>' : scrubbed(value)
  }
  if (rule === 'words' && !(beside.code && beside.system)) return scrubbed(value)
  if (rule === 'keep' || rule === 'code' || rule === 'words') return pseudonyms.leaks(value, rule === 'words') ? scrubbed(value) : value
  return pseudonyms.of(rule, value, shift)
}

const DIV = /^\s*<div/

const isObject = (value: Json): value is Readonly<Record<string, Json>> => typeof value === 'object' && value !== null && !Array.isArray(value)
