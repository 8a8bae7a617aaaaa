/** A message as the mapping engine sees it: segments, repetitions, components, decoded when they are asked for. */
import { asBody, type Body, fieldsOf, nameOf, partOf } from './body.js'
import { decodeValue } from './escape.js'
import { repetitionsOf } from './read.js'

export { buildMessage, type ComponentContent, type FieldContent, type RepetitionContent, type SegmentContent } from './build.js'

/** One segment; fields are numbered as the standard does (MSH-1 is the separator, MSH-2 the encoding characters). */
export interface SegmentView {
  readonly name: string
  /** From 1, among the segments of that name. */
  readonly index: number
  /** How it is told of, where not by its name and number: a path of the format. */
  readonly origin?: string
  /** The place among the segments of the one that it says it is below; absent where its group decides. */
  readonly above?: number
  /** How many fields it has, empty ones in between included. */
  readonly fields: number
  /** The repetitions of a field; none where the field is empty. */
  repetitions(field: number): readonly FieldView[]
}

/** One repetition of a field. Numbers are from 1. */
export interface FieldView {
  /** It is `""`: the sender says that there is no value. */
  readonly isNull: boolean
  /** The whole of it: decoded where it has no components, else as written. */
  readonly text: string
  readonly components: number
  /** Decoded; '' where there is none; the first subcomponent where there are several. */
  component(n: number): string
  subcomponent(component: number, n: number): string
  /** How many subcomponents a component has. */
  subcomponents(component: number): number
}

/** The segments of an hl7v2 body, in the order of the message. */
export const segments = (message: unknown): readonly SegmentView[] => {
  const body = asBody(message)
  const seen = new Map<string, number>()
  return body.segments.map(segment => {
    const name = nameOf(segment, body.delimiters)
    const index = (seen.get(name) ?? 0) + 1
    seen.set(name, index)
    return {
      name, index,
      get fields() {
        return fieldsOf(segment, body).length - 1
      },
      repetitions: field => repetitions(fieldsOf(segment, body)[field] ?? '', name === 'MSH' && field < 3, body),
    }
  })
}

const repetitions = (field: string, isDelimiters: boolean, body: Body): readonly FieldView[] => {
  if (field === '') return []
  if (isDelimiters) return [{ isNull: false, text: field, components: 1, component: n => (n === 1 ? field : ''), subcomponent: (component, n) => (component === 1 && n === 1 ? field : ''), subcomponents: component => (component === 1 ? 1 : 0) }]
  return repetitionsOf(field, body).map(text => new Repetition(text, body))
}

/** A class, for its views are made by the hundred for every message and must hold nothing but what they are of. */
class Repetition implements FieldView {
  readonly #carried: string
  readonly #body: Body
  #components: readonly string[] | undefined

  constructor(carried: string, body: Body) {
    this.#carried = carried
    this.#body = body
  }

  get isNull(): boolean {
    return this.#carried === '""'
  }

  get text(): string {
    const { delimiters, charset } = this.#body
    const isPrimitive = !this.#carried.includes(delimiters.component) && !this.#carried.includes(delimiters.subcomponent)
    return isPrimitive ? decodeValue(this.#carried, delimiters, charset) : charset.decode(this.#carried)
  }

  get components(): number {
    return this.#carried === '' ? 0 : this.#divided().length
  }

  component(n: number): string {
    return this.subcomponent(n, 1)
  }

  subcomponent(component: number, n: number): string {
    const { delimiters, charset } = this.#body
    return decodeValue(partOf(this.#at(component), delimiters.subcomponent, n), delimiters, charset)
  }

  subcomponents(component: number): number {
    const text = this.#at(component)
    const { subcomponent } = this.#body.delimiters
    let count = text === '' ? 0 : 1
    for (let at = text.indexOf(subcomponent); at !== -1; at = text.indexOf(subcomponent, at + 1)) count++
    return count
  }

  #at(component: number): string {
    return this.#divided()[component - 1] ?? ''
  }

  #divided(): readonly string[] {
    this.#components ??= this.#carried.split(this.#body.delimiters.component)
    return this.#components
  }
}
