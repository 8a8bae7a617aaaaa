/** JSON as text and as values: read strictly and within limits, written back byte for byte where nothing was changed. */
import { isUtf8 } from 'node:buffer'
import { MessageFault } from '../../errors.js'
import { JsonReader } from './json-reader.js'

export type Json = string | number | boolean | null | readonly Json[] | JsonObject
export interface JsonObject { readonly [name: string]: Json }

export interface JsonLimits {
  readonly size: number // bytes
  readonly depth: number // objects and lists inside one another
}

/** The bytes that a value was read from, and the numbers that JavaScript would write differently (1.50, 1e3, 20 digits). */
const sources = new WeakMap<object, Buffer>()
const numbers = new WeakMap<object, Map<string, string>>()

/**
 * Reads JSON (RFC 8259). Refuses what is not UTF-8, is larger or deeper than the limits, repeats a name in an object,
 * or is named `__proto__`: a MessageFault, `unreadable`, that names the line and column.
 */
export const parseJson = (bytes: Buffer, limits: JsonLimits): Json => {
  if (bytes.length > limits.size) throw unreadable(`is larger than ${limits.size} bytes`)
  if (!isUtf8(bytes)) throw unreadable('is not UTF-8')
  const value = new JsonReader(bytes.toString('utf8'), limits.depth, remember).document()
  if (isContainer(value)) sources.set(value, bytes)
  return value
}

const remember = (container: object, key: string, written: string): void => {
  numbers.set(container, (numbers.get(container) ?? new Map<string, string>()).set(key, written))
}

/** A value that was made, not read: while it is unchanged it is written without spaces, once. */
export const madeJson = <Value extends object>(value: Value): Value => {
  sources.set(value, Buffer.from(JSON.stringify(value)))
  return value
}

/** A value as JSON: the bytes it was read from while it is unchanged, otherwise with `line` and two spaces more for each level, or without spaces. */
export const serialiseJson = (value: Json, line: '\n' | '' = '\n'): Buffer =>
  (isContainer(value) && sources.get(value)) || Buffer.from(jsonText(value, line), 'utf8')

/** The text of one value in JSON; `line` is the line break and indentation to use, or '' for none. */
export const jsonText = (value: Json, line = ''): string => {
  if (!isContainer(value)) return JSON.stringify(value)
  const inner = line && `${line}  `
  const asRead = numbers.get(value)
  const item = (key: string, child: Json) => asRead?.get(key) ?? jsonText(child, inner)
  if (Array.isArray(value)) return value.length === 0 ? '[]' : `[${inner}${value.map((child: Json, at) => item(String(at), child)).join(`,${inner}`)}${line}]`
  const members = Object.entries(value).filter(([, child]) => child !== undefined)
  const colon = line ? ': ' : ':'
  return members.length === 0 ? '{}' : `{${inner}${members.map(([name, child]) => `${JSON.stringify(name)}${colon}${item(name, child)}`).join(`,${inner}`)}${line}}`
}

/** The text of the value at one place, for people and for other formats: strings bare, nothing for null. */
export const textAt = (container: Json, key: string | number): string | null => {
  const value = childOf(container, key)
  if (value === undefined || value === null) return null
  if (typeof value === 'string') return value
  return (isContainer(container) && numbers.get(container)?.get(String(key))) || jsonText(value)
}

/** The value of a name of an object or a place of a list; undefined where there is none. */
export const childOf = (container: Json | undefined, key: string | number): Json | undefined => {
  if (Array.isArray(container)) return typeof key === 'number' ? container[key] : undefined
  return isObject(container) && typeof key === 'string' && Object.hasOwn(container, key) ? container[key] : undefined
}

/** A copy of an object or list with a value, or nothing (undefined), at one place. `number` is how a number is to be written. */
export const withChild = (container: Json, key: string | number, value: Json | undefined, number?: string): Json => {
  const asRead = new Map(isContainer(container) ? numbers.get(container) : [])
  asRead.delete(String(key))
  if (number !== undefined && typeof value === 'number' && String(value) !== number) asRead.set(String(key), number)
  const copy = Array.isArray(container) ? withItem(container, Number(key), value, asRead) : withMember(isObject(container) ? container : {}, String(key), value)
  if (asRead.size > 0) numbers.set(copy as object, asRead)
  return copy
}

const withMember = (object: JsonObject, name: string, value: Json | undefined): JsonObject => {
  if (value !== undefined) return { ...object, [name]: value }
  const { [name]: _, ...rest } = object
  return rest
}

const withItem = (list: readonly Json[], at: number, value: Json | undefined, asRead: Map<string, string>): Json => {
  if (value !== undefined) return Object.assign([...list], { [at]: value })
  const later = [...asRead].filter(([key]) => Number(key) > at)
  for (const [key] of later) asRead.delete(key)
  for (const [key, text] of later) asRead.set(String(Number(key) - 1), text)
  return list.filter((_, index) => index !== at)
}

export const isObject = (value: Json | undefined): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)
export const isContainer = (value: Json | undefined): value is JsonObject | readonly Json[] => typeof value === 'object' && value !== null

const unreadable = (reason: string): MessageFault => new MessageFault({ kind: 'unreadable', reason })
