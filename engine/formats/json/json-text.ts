/** JSON as text and as values: read strictly and within limits, written back byte for byte where nothing was changed. */
import { isUtf8 } from 'node:buffer'
import { MessageFault } from '../../errors.js'

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
  const text = bytes.toString('utf8')
  const value = new Reader(text, text.startsWith('\uFEFF') ? 1 : 0, limits.depth).document()
  if (isContainer(value)) sources.set(value, bytes)
  return value
}

/** A value as JSON: the bytes it was read from while it is unchanged, otherwise with two spaces of indentation. */
export const serialiseJson = (value: Json): Buffer =>
  (isContainer(value) && sources.get(value)) || Buffer.from(jsonText(value, '\n'), 'utf8')

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

const SPACE = /[ \t\n\r]*/y
const PLAIN = /[^"\\\u0000-\u001f]*/y
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
const WORD = /true|false|null/y

class Reader {
  readonly #text: string
  #at: number
  #room: number

  constructor(text: string, start: number, depth: number) {
    this.#text = text
    this.#at = start
    this.#room = depth
  }

  document(): Json {
    this.#space()
    const value = this.#value()
    this.#space()
    if (this.#at < this.#text.length) throw this.#fault('has something after its end')
    return value
  }

  #value(): Json {
    switch (this.#text[this.#at]) {
      case '{': return this.#nested(() => this.#object())
      case '[': return this.#nested(() => this.#list())
      case '"': return this.#string()
      default: {
        const number = this.#match(NUMBER)
        if (number) return Number(number)
        const word = this.#match(WORD)
        if (!word) throw this.#fault(this.#at < this.#text.length ? 'is not JSON' : 'ends too early')
        return word === 'null' ? null : word === 'true'
      }
    }
  }

  #nested<Value>(read: () => Value): Value {
    if (this.#room-- === 0) throw this.#fault('is nested too deeply')
    this.#at += 1
    const value = read()
    this.#room += 1
    return value
  }

  #object(): JsonObject {
    const object: Record<string, Json> = {}
    this.#space()
    if (this.#take('}')) return object
    for (;;) {
      this.#space()
      const start = this.#at
      if (this.#text[start] !== '"') throw this.#fault('needs a name in quotes')
      const name = this.#string()
      if (Object.hasOwn(object, name)) throw this.#fault('repeats a name of the same object', start)
      if (name === '__proto__') throw this.#fault('uses the name __proto__, which is not allowed', start)
      this.#space()
      if (!this.#take(':')) throw this.#fault('needs a colon')
      this.#space()
      const from = this.#at
      const value = this.#value()
      object[name] = value
      if (typeof value === 'number') this.#remember(object, name, from, value)
      this.#space()
      if (this.#take('}')) return object
      if (!this.#take(',')) throw this.#fault('needs a comma or }')
    }
  }

  #list(): readonly Json[] {
    const list: Json[] = []
    this.#space()
    if (this.#take(']')) return list
    for (;;) {
      this.#space()
      const from = this.#at
      const value = this.#value()
      if (typeof value === 'number') this.#remember(list, String(list.length), from, value)
      list.push(value)
      this.#space()
      if (this.#take(']')) return list
      if (!this.#take(',')) throw this.#fault('needs a comma or ]')
    }
  }

  #remember(container: object, key: string, from: number, value: number): void {
    const text = this.#text.slice(from, this.#at)
    if (String(value) === text) return
    const known = numbers.get(container) ?? new Map<string, string>()
    numbers.set(container, known.set(key, text))
  }

  #string(): string {
    const start = this.#at
    PLAIN.lastIndex = start + 1
    const plain = PLAIN.test(this.#text) ? PLAIN.lastIndex : start + 1
    if (this.#text[plain] === '"') {
      this.#at = plain + 1
      return this.#text.slice(start + 1, plain)
    }
    const quoted = this.#match(STRING)
    if (!quoted) throw this.#fault('has a string that does not end or holds what a JSON string may not')
    return JSON.parse(quoted) as string
  }

  #space(): void {
    SPACE.lastIndex = this.#at
    if (SPACE.test(this.#text)) this.#at = SPACE.lastIndex
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false
    this.#at += 1
    return true
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0]
    if (!found) return null
    this.#at += found.length
    return found
  }

  #fault(problem: string, at = this.#at): MessageFault {
    const before = this.#text.slice(0, at).split('\n')
    return unreadable(`the JSON ${problem}, at line ${before.length}, column ${(before.at(-1) ?? '').length + 1}`)
  }
}
