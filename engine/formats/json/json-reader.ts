/** A strict reader of JSON (RFC 8259): no name twice in an object, no `__proto__`, no deeper than allowed. */
import { MessageFault } from '../../errors.js'
import type { Json, JsonObject } from './json-text.js'

const SPACE = /[ \t\n\r]*/y
const PLAIN = /[^"\\\u0000-\u001f]*/y
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
const WORD = /true|false|null/y

/** Hears of each number that JavaScript would write differently than it was written. */
export type OddNumber = (container: object, key: string, written: string) => void

/** Reads one text; every refusal is a MessageFault, `unreadable`, that names the line and column and no content. */
export class JsonReader {
  readonly #text: string
  readonly #oddNumber: OddNumber
  #at: number
  #room: number

  constructor(text: string, depth: number, oddNumber: OddNumber) {
    this.#text = text
    this.#at = text.startsWith('\uFEFF') ? 1 : 0
    this.#room = depth
    this.#oddNumber = oddNumber
  }

  /** The value of the whole text. */
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
    const written = this.#text.slice(from, this.#at)
    if (String(value) !== written) this.#oddNumber(container, key, written)
  }

  #string(): string {
    const start = this.#at
    for (let at = start + 1; ;) {
      PLAIN.lastIndex = at
      if (PLAIN.test(this.#text)) at = PLAIN.lastIndex
      if (this.#text[at] === '"') return this.#between(start, at)
      ESCAPE.lastIndex = at
      if (!ESCAPE.test(this.#text)) throw this.#fault('has a string that does not end, or that holds what a JSON string may not', at)
      at = ESCAPE.lastIndex
    }
  }

  #between(start: number, end: number): string {
    this.#at = end + 1
    const plain = this.#text.slice(start + 1, end)
    return plain.includes('\\') ? JSON.parse(`"${plain}"`) as string : plain
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
    return new MessageFault({ kind: 'unreadable', reason: `the JSON ${problem}, at line ${before.length}, column ${(before.at(-1) ?? '').length + 1}` })
  }
}
