/** A part of a message as datatypes read it: a field's repetition, a component or a subcomponent, and its path. */
import type { FieldView } from '../formats/hl7v2/view.js'
import { type Leaf, leaf } from './draft.js'

export interface Part {
  readonly origin: string // "PID-3[2].4"
  readonly text: string // decoded; the first of its parts where it has several
  readonly whole: string // decoded; all its parts with a space between
  readonly deleted: boolean // HL7's `""`: the sender says that there is no value any more
  readonly divided: boolean // it has more than one part
  part(number: number): Part
}

/** The value of a part as it stands; undefined where it is empty or deleted. */
export const leafOf = (part: Part): Leaf | undefined => (part.text === '' ? undefined : leaf(part.text, part.origin))

/** One repetition of a field. What was decoded once is kept: many rows and conditions ask. */
export const fieldPart = (view: FieldView, origin: string): Part => {
  const components: Part[] = []
  const part = (number: number): Part => {
    components[number] ??= componentPart(view, origin, number)
    return components[number]
  }
  let whole: string | undefined
  return {
    origin, part,
    deleted: view.isNull,
    divided: view.components > 1,
    get text() {
      return part(1).text
    },
    get whole() {
      whole ??= joined(view.components, (number) => components[number]?.whole ?? words(view, number))
      return whole
    },
  }
}

/** All that a component says. */
const words = (view: FieldView, component: number): string => {
  const count = view.subcomponents(component)
  return count < 2 ? tidy(view.component(component)) : joined(Math.min(count, SUBCOMPONENTS), (number) => tidy(view.subcomponent(component, number)))
}

/** The last subcomponent that says anything. */
const lastOf = (view: FieldView, component: number): number => {
  let last = Math.min(view.subcomponents(component), SUBCOMPONENTS)
  while (last > 1 && view.subcomponent(component, last) === '') last -= 1
  return last
}

/** No datatype has more subcomponents than this (CNN has 11). */
const SUBCOMPONENTS = 12

const componentPart = (view: FieldView, field: string, component: number): Part => {
  const origin = `${field}.${component}`
  // Nearly all components are of one piece: they are made by the hundred, and have to be small.
  if (view.subcomponents(component) < 2) return piece(origin, view.component(component))
  let text: string | undefined
  let whole: string | undefined
  const atoms: Part[] = []
  return {
    origin,
    get text() {
      text ??= tidy(view.component(component))
      return text
    },
    get deleted() {
      return view.component(component) === '""'
    },
    get whole() {
      whole ??= words(view, component)
      return whole
    },
    get divided() {
      return lastOf(view, component) > 1
    },
    part: (number) => (atoms[number] ??= atom(`${origin}.${number}`, view.subcomponent(component, number), origin)),
  }
}

/** A component of one subcomponent. */
const piece = (origin: string, decoded: string): Part => {
  const text = tidy(decoded)
  return { origin, text, whole: text, deleted: decoded === '""', divided: false, part: (number) => atom(`${origin}.${number}`, number === 1 ? decoded : '', origin) }
}

/** A part that is not divided is its own first part: `A` is also `A&`. */
const atom = (origin: string, decoded: string, whole?: string): Part => {
  const text = tidy(decoded)
  const self: Part = { origin, text, whole: text, deleted: decoded === '""', divided: false, part: (number) => (number === 1 ? self : atom(`${whole ?? origin}.${number}`, '')) }
  return self
}

/** A field that a segment leaves empty. */
export const emptyPart = (origin: string): Part => atom(origin, '')

const tidy = (decoded: string): string => (decoded === '""' ? '' : decoded.trim())

const joined = (count: number, at: (number: number) => string): string => {
  let words = ''
  for (let number = 1; number <= count; number += 1) {
    const word = at(number)
    if (word !== '') words = words === '' ? word : `${words} ${word}`
  }
  return words
}

/** A part with another numbering: its first is the `first` of the whole. For types that lie inside others. */
export const shifted = (part: Part, first: number): Part => ({ ...part, text: part.part(first).text, part: (number) => part.part(number + first - 1) })
