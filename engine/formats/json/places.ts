/** Reads and writes the values at a path of JSON. Nothing is edited: what changes is copied. */
import { MessageFault } from '../../errors.js'
import { childOf, isContainer, isObject, type Json, parseJson, textAt, withChild } from './json-text.js'
import { EVERY, type Step } from './path.js'

type Place = readonly [container: Json, key: string | number]

/** The values at a path as text: strings bare, objects and lists as JSON; none for null and for what is not there. */
export const readPlaces = (body: Json, steps: readonly Step[]): readonly string[] => {
  const places = steps.reduce<readonly Place[]>((found, step) => found.flatMap(([container, key]): readonly Place[] => {
    const value = childOf(container, key)
    if (step === EVERY && Array.isArray(value)) return value.map((_, at): Place => [value, at])
    return value === undefined ? [] : [[value, step]]
  }), [[[body], 0]])
  return places.map(([container, key]) => textAt(container, key)).filter((text) => text !== null)
}

/**
 * The body with a value, or nothing (null), at a path. Objects and lists that are missing on the way are created; `[*]` changes every place
 * there is. Where a number, a boolean, an object or a list is, a text that reads as the same is written as the same; any other text is
 * written as a string. Throws a MessageFault if something else is in the way.
 */
export const writePlaces = (body: Json, [step, ...rest]: readonly Step[], value: string | null, path: string): Json => {
  if (step === undefined) throw inTheWay(path, 'a value')
  const wanted = typeof step === 'string' && step !== EVERY ? 'an object' : 'a list'
  if (wanted === 'an object' ? !isObject(body) : !Array.isArray(body)) throw inTheWay(path, wanted)
  if (step === EVERY) return (body as readonly Json[]).reduceRight<Json>((list, _, at) => writePlaces(list, [at, ...rest], value, path), body)
  const before = childOf(body, step)
  if (before === undefined && (value === null || rest[0] === EVERY)) return body
  if (Array.isArray(body) && Number(step) > body.length) throw new MessageFault({ kind: 'value', reason: `cannot be written: the list has ${body.length} places so far`, location: path })
  if (rest.length === 0) return value === null ? withChild(body, step, undefined) : withChild(body, step, likeBefore(before, value), value)
  const inside = isContainer(before) ? before : before === undefined || before === null ? emptyFor(rest[0]) : before
  return withChild(body, step, writePlaces(inside, rest, value, path))
}

const emptyFor = (next: Step | undefined): Json => (typeof next === 'number' || next === EVERY ? [] : {})

const likeBefore = (before: Json | undefined, text: string): Json => {
  if (before === undefined || before === null || typeof before === 'string') return text
  try {
    const value = parseJson(Buffer.from(text), { size: 50 * 1024 ** 2, depth: 64 })
    return kindOf(value) === kindOf(before) ? value : text
  } catch {
    return text
  }
}

const kindOf = (value: Json): string => (Array.isArray(value) ? 'list' : value === null ? 'null' : typeof value)

const inTheWay = (path: string, wanted: string): MessageFault => new MessageFault({ kind: 'value', reason: `cannot be written: ${wanted} is needed on the way, and something else is there`, location: path })
