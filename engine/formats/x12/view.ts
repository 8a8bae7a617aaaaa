/** A transaction as the mapping engine sees it: segments under their loops, elements, components, decoded when they are asked for. */
import type { FieldView, SegmentView } from '../hl7v2/view.js'
import { decode } from '../carried.js'
import { asBody, elementsOf, nameOf, repetitionsOf } from './body.js'
import { levelOf, loopsOf } from './loops.js'
import { placesOf } from './read.js'
import type { Separators } from './separators.js'

/**
 * The segments of an x12 body in their order. An HL of a 278 goes by the name of its loop (`2000E`), and is below the level that its HL-2 names; `origin` is the path by which the format
 * finds the segment.
 */
export const segments = (message: unknown): readonly SegmentView[] => {
  const body = asBody(message)
  const loops = loopsOf(body)
  const places = placesOf(body)
  const seen = new Map<string, number>()
  return body.segments.map((segment, at) => {
    const elements = elementsOf(segment, body.separators)
    const own = nameOf(segment, body.separators)
    const loop = loops?.of[at]
    const level = loop && levelOf(loop).at === at ? loop : null
    const name = level?.name ?? own
    const index = (seen.get(name) ?? 0) + 1
    seen.set(name, index)
    return {
      name, index, fields: elements.length - 1, origin: places[at] ?? own,
      ...(level?.above ? { above: level.above.at } : {}),
      repetitions: (n: number) => fields(elements[n] ?? '', own === 'ISA', body.separators),
    }
  })
}

const fields = (element: string, isHeader: boolean, separators: Separators): readonly FieldView[] => {
  if (element.trim() === '') return []
  if (isHeader) return [new Element([element.trim()])]
  return repetitionsOf(element, separators).map((one) => new Element(one.split(separators.component)))
}

/** A class, for its views are made by the hundred for every message and must hold nothing but what they are of. X12 has no subcomponents, and nothing that asks to delete. */
class Element implements FieldView {
  readonly isNull = false
  readonly #parts: readonly string[]

  constructor(parts: readonly string[]) {
    this.#parts = parts
  }

  get text(): string {
    return decode(this.#parts.join(':'))
  }

  get components(): number {
    return this.#parts.length
  }

  component(n: number): string {
    return decode(this.#parts[n - 1] ?? '')
  }

  subcomponent(component: number, n: number): string {
    return n === 1 ? this.component(component) : ''
  }

  subcomponents(component: number): number {
    return this.component(component) === '' ? 0 : 1
  }
}
