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
  return repetitionsOf(field, body).map(text => fieldView(text, body))
}

const fieldView = (carried: string, body: Body): FieldView => {
  const { delimiters, charset } = body
  let divided: readonly string[] | undefined
  const componentAt = (n: number): string => {
    divided ??= carried.split(delimiters.component)
    return divided[n - 1] ?? ''
  }
  const subcomponent = (component: number, n: number) => decodeValue(partOf(componentAt(component), delimiters.subcomponent, n), delimiters, charset)
  const count = (text: string, delimiter: string): number => {
    let found = text === '' ? 0 : 1
    for (let at = text.indexOf(delimiter); at !== -1; at = text.indexOf(delimiter, at + 1)) found++
    return found
  }
  const isPrimitive = !carried.includes(delimiters.component) && !carried.includes(delimiters.subcomponent)
  return {
    isNull: carried === '""',
    get text() {
      return isPrimitive ? decodeValue(carried, delimiters, charset) : charset.decode(carried)
    },
    get components() {
      return count(carried, delimiters.component)
    },
    component: n => subcomponent(n, 1),
    subcomponent,
    subcomponents: component => count(componentAt(component), delimiters.subcomponent),
  }
}
