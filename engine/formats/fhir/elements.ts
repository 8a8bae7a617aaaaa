/** Reads and writes elements of resources by plain paths. Nothing is edited: what changes is copied. */
import { MessageFault } from '../../errors.js'
import { childOf, isObject, type Json, type JsonObject, parseJson, textAt, withChild } from '../json/json-text.js'
import { choicesOf, type Element, elementOf } from './definitions.js'
import type { Step } from './element-path.js'
import { invalidValue } from './validate.js'

type Place = readonly [container: Json, key: string | number]

/** The values at a path from one resource, as text; a list's values one by one. */
export const readElements = (resource: JsonObject, steps: readonly Step[]): readonly string[] => {
  let places: readonly Place[] = [[[resource], 0]]
  for (const { name, index } of steps) {
    const found = places.flatMap(([container, key]): readonly Place[] => {
      const object = childOf(container, key)
      const value = childOf(object, name)
      if (object === undefined || value === undefined) return []
      return Array.isArray(value) ? value.map((_, at): Place => [value, at]) : [[object, name]]
    })
    places = index === null ? found : found.slice(index, index + 1)
  }
  return places.map(([container, key]) => textAt(container, key)).filter((text) => text !== null)
}

/**
 * A resource with a value, or nothing (null), at a path. Without an index, a step is every element of a list, and the last one the whole
 * list. What is missing on the way is created; what is left empty is removed. A value of a complex type is written as JSON.
 * Throws a MessageFault if R4 has no such element or it cannot have that value.
 */
export const writeElement = (resource: JsonObject, steps: readonly Step[], value: string | null): JsonObject => {
  const { resourceType } = resource
  const written = inObject(resource, typeof resourceType === 'string' ? resourceType : '', steps, { text: value, path: String(resourceType) })
  return isObject(written) ? written : { resourceType: resourceType ?? null }
}

interface Writing {
  readonly text: string | null
  readonly path: string // so far, for people
}

const inObject = (object: JsonObject, definition: string, [step, ...rest]: readonly Step[], writing: Writing): JsonObject | undefined => {
  if (!step) return object
  const element = elementOf(definition, step.name)
  const path = `${writing.path}.${step.name}${step.index === null ? '' : `[${step.index}]`}`
  if (!element) throw fault('internal', path, `${definition.replaceAll('_', '.')} has no such element`)
  const here = { text: writing.text, path }
  const before = childOf(object, step.name)
  const after = element.list ? inList(listOf(before), element, step.index, rest, here) : inOne(before, element, step.index, rest, here)
  if (after === before) return object
  const written = withChild(object, step.name, after, element.list || rest.length > 0 ? undefined : (writing.text ?? undefined)) as JsonObject
  const alone = withoutOthers(rest.length === 0 ? withExtensions(written, step, writing.text) : written, definition, step.name)
  return Object.keys(alone).length === 0 ? undefined : alone
}

const inOne = (before: Json | undefined, element: Element, index: number | null, rest: readonly Step[], writing: Writing): Json | undefined => {
  if (index !== null && index > 0) throw fault('internal', writing.path, 'is not a list')
  if (rest.length === 0) return writing.text === null ? undefined : converted(element, writing.text, writing.path)
  if (before === undefined && writing.text === null) return undefined
  return inObject(objectOf(before, element, writing.path), typeOf(before, element), rest, writing)
}

const inList = (before: readonly Json[], element: Element, index: number | null, rest: readonly Step[], writing: Writing): Json | undefined => {
  const whole = index === null && rest.length === 0
  if (whole) return writing.text === null ? undefined : withChild([], 0, converted(element, writing.text, writing.path), writing.text)
  const places = index === null ? [...before.keys()] : [index]
  if (places.length === 0) places.push(0)
  let list: readonly Json[] = before
  for (const at of places.reverse()) {
    if (at >= before.length && writing.text === null) continue
    if (at > before.length) throw fault('value', writing.path, `cannot be written: there are ${before.length} so far`)
    list = withChild(list, at, inOne(before[at], { ...element, list: false }, null, rest, writing), rest.length === 0 ? (writing.text ?? undefined) : undefined) as readonly Json[]
  }
  return list.length === 0 ? undefined : list.every((item, at) => item === before[at]) && list.length === before.length ? before : list
}

/** A new value, or none, takes the extensions of the one before with it. */
const withExtensions = (object: JsonObject, { name, index }: Step, text: string | null): JsonObject => {
  const extensions = childOf(object, `_${name}`)
  if (extensions === undefined) return object
  if (index === null || !Array.isArray(extensions)) return withChild(object, `_${name}`, undefined) as JsonObject
  const left = extensions.flatMap((one: Json, at): Json[] => (at !== index ? [one] : text === null ? [] : [null]))
  return withChild(object, `_${name}`, left.some((one) => one !== null) ? left : undefined) as JsonObject
}

const objectOf = (before: Json | undefined, element: Element, path: string): JsonObject => {
  if (element.kind === 'resource' && !isObject(before)) throw fault('required', path, 'there is no resource to write to')
  if (element.kind !== 'object' && element.kind !== 'resource') throw fault('internal', path, 'has no elements of its own')
  return isObject(before) ? before : {}
}

const typeOf = (before: Json | undefined, element: Element): string =>
  element.kind === 'resource' && isObject(before) && typeof before.resourceType === 'string' ? before.resourceType : (element.type ?? '')

/** A value of a choice takes the place of the others: valueString of valueQuantity. */
const withoutOthers = (object: JsonObject, definition: string, name: string): JsonObject => {
  if (!Object.hasOwn(object, name)) return object
  const others = [...choicesOf(definition).values()].find((names) => names.includes(name))?.filter((other) => other !== name) ?? []
  return others.flatMap((other) => [other, `_${other}`]).reduce((left, other) => (Object.hasOwn(left, other) ? withChild(left, other, undefined) as JsonObject : left), object)
}

const listOf = (before: Json | undefined): readonly Json[] => (Array.isArray(before) ? before : before === undefined ? [] : [before])

const converted = (element: Element, text: string, path: string): Json => {
  const value = asJson(element, text)
  const problem = value === undefined ? `must be a ${element.type ?? 'value'}, written as JSON` : invalidValue(value, element.pointer)
  if (value === undefined || problem !== null) throw fault('value', path, problem ?? '')
  return value
}

const asJson = ({ kind }: Element, text: string): Json | undefined => {
  if (kind === 'text') return text
  try {
    return parseJson(Buffer.from(text), { size: 50 * 1024 ** 2, depth: 64 })
  } catch {
    return undefined
  }
}

const fault = (kind: 'internal' | 'value' | 'required', location: string, reason: string): MessageFault => new MessageFault({ kind, reason, location })
