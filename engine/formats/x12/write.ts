/** Writes values by path: a new body in which that place alone is different. */
import { MessageFault } from '../../errors.js'
import { encode } from '../carried.js'
import { type Body, elementsOf, repetitionsOf, type Segment, segmentOf, withSegments } from './body.js'
import { type Path, pathOf } from './path.js'
import { positionsAt } from './read.js'
import type { Separators } from './separators.js'

/** What a trailer repeats: writing a control number writes it there too. */
const REPEATED: Readonly<Record<string, string>> = { 'ISA-13': 'IEA-2', 'GS-6': 'GE-2', 'ST-2': 'SE-2' }
const WIDTHS = [0, 2, 10, 2, 10, 2, 15, 2, 15, 6, 4, 1, 5, 9, 1, 1, 1] // of ISA's elements, which are filled with spaces

/**
 * The body with text or nothing (null) at a path. X12 has no escapes: a value that holds a separator or a line break is refused with a MessageFault, and so is one that ISA has no
 * room for. Elements, repetitions and components that are missing are created; segments are not, since nothing says where they belong.
 */
export const write = (body: Body, path: string, value: string | null): Body => {
  const place = pathOf(path)
  const name = `${place.segment}-${place.element}`
  if (name === 'ISA-11' || name === 'ISA-16') throw new MessageFault({ kind: 'internal', reason: 'ISA-11 and ISA-16 are the separators of the whole interchange and cannot be written', location: path })
  const carried = value === null ? '' : safe(value, place, body.separators, path)
  const positions = positionsAt(body, place)
  if (positions.length === 0) {
    if (carried === '') return body
    throw new MessageFault({ kind: 'required', reason: 'there is no such segment, and nothing says where a new one would belong', location: path })
  }
  const segments = body.segments.slice()
  for (const at of positions) segments[at] = written(segments[at] as Segment, place, carried, body.separators, path)
  const changed = withSegments(body, segments)
  const trailer = REPEATED[name]
  return trailer && carried !== '' ? write(changed, trailer, value) : changed
}

const safe = (value: string, { component }: Path, separators: Separators, path: string): string => {
  const carried = encode(value)
  const { element, component: within, repetition, terminator } = separators
  const forbidden = [element, terminator, '\r', '\n', ...(component === null ? [] : [within]), ...(repetition === null ? [] : [repetition])]
  if (forbidden.some((one) => carried.includes(one))) throw new MessageFault({ kind: 'value', reason: 'the value holds a separator of the interchange or a line break, and X12 cannot escape them', location: path })
  return carried
}

const written = (segment: Segment, { segment: name, element, repetition, repetitionNamed, component }: Path, carried: string, separators: Separators, path: string): Segment => {
  const elements = elementsOf(segment, separators).slice()
  while (elements.length <= element) elements.push('')
  if (name === 'ISA') elements[element] = filled(carried, element, path)
  else {
    const inOne = (one: string): string => (component === null ? carried : withPart(one, separators.component, component, carried))
    const all = repetitionsOf(elements[element] ?? '', separators)
    const mark = separators.repetition ?? ''
    if (carried === '' && component === null && !repetitionNamed) elements[element] = ''
    else if (repetition === '*') elements[element] = all.map(inOne).join(mark)
    else if (repetition === 1 && all.length === 1) elements[element] = inOne(all[0] ?? '')
    else if (mark === '') throw new MessageFault({ kind: 'value', reason: 'the interchange declares no repetition separator', location: path })
    else elements[element] = withPart(elements[element] ?? '', mark, repetition, inOne(all[repetition - 1] ?? ''))
    while (elements.length > 1 && elements.at(-1) === '') elements.pop()
  }
  return segmentOf(elements, segment.end, separators)
}

/** A text with its n-th part replaced; missing parts before it are empty, and empty ones at the end are left out. */
const withPart = (text: string, separator: string, n: number, part: string): string => {
  const parts = text.split(separator)
  while (parts.length < n) parts.push('')
  parts[n - 1] = part
  while (parts.length > 1 && parts.at(-1) === '') parts.pop()
  return parts.join(separator)
}

const filled = (carried: string, element: number, path: string): string => {
  const width = WIDTHS[element] ?? 0
  if (carried.length > width) throw new MessageFault({ kind: 'value', reason: `the value has ${carried.length} characters, and there is room for ${width}`, location: path })
  return element === 13 ? carried.padStart(width, carried === '' ? ' ' : '0') : carried.padEnd(width)
}
