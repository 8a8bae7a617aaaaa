/** A transaction in its interchange as segments over the text as received: a segment is divided when it is touched, the rest is written back as it came. */
import { type Separators, unbroken } from './separators.js'
import type { Loops } from './loops.js'

/** One segment as received, its line breaks included. `end` is its terminator with the line breaks that follow. */
export interface Segment {
  readonly text: string
  readonly end: string
  /** Filled by `elementsOf`: `[n]` is element n, `[0]` the segment's name. */
  divided?: readonly string[]
}

export interface Limits { readonly size: number; readonly segments: number; readonly elements: number }

/** Characters are bytes (latin1), so that nothing is lost whatever the character set is. */
export interface Body {
  readonly separators: Separators
  readonly before: string // what stands before ISA: a byte order mark, line breaks
  readonly segments: readonly Segment[]
  /** Filled by `loopsOf`. */
  loops?: Loops | null
  /** Filled by `positionsOf`. */
  positions?: ReadonlyMap<string, readonly number[]>
}

/** The body itself, where it is one of this format; throws a TypeError if not. */
export const asBody = (body: unknown): Body => {
  if (typeof body === 'object' && body !== null && 'separators' in body && 'segments' in body) return body as Body
  throw new TypeError('this is not the body of an x12 message')
}

/** What stands before the first element separator. */
export const nameOf = (segment: Segment, { element }: Separators): string => {
  if (segment.divided) return segment.divided[0] ?? ''
  const end = segment.text.indexOf(element)
  return unbroken(end === -1 ? segment.text : segment.text.slice(0, end))
}

/** The elements of a segment as carried, without line breaks. */
export const elementsOf = (segment: Segment, { element, terminator }: Separators): readonly string[] => {
  segment.divided ??= (terminator === '\n' || terminator === '\r' ? segment.text : unbroken(segment.text)).split(element)
  return segment.divided
}

/** One element as carried; '' where there is none. */
export const elementOf = (segment: Segment | undefined, n: number, separators: Separators): string => (segment ? (elementsOf(segment, separators)[n] ?? '') : '')

export const segmentOf = (elements: readonly string[], end: string, { element }: Separators): Segment => ({ text: elements.join(element), end, divided: elements })

export const withSegments = ({ separators, before }: Body, segments: readonly Segment[]): Body => ({ separators, before, segments })

/** The n-th part of a text (from 1), or ''. */
export const partOf = (text: string, separator: string, n: number): string => (n === 1 && !text.includes(separator) ? text : (text.split(separator)[n - 1] ?? ''))

export const repetitionsOf = (element: string, { repetition }: Separators): readonly string[] => (repetition && element.includes(repetition) ? element.split(repetition) : [element])

/** All bytes: untouched segments exactly as received. */
export const serialize = (body: Body): Buffer => {
  let text = body.before
  for (const segment of body.segments) text += segment.text + segment.end
  return Buffer.from(text, 'latin1')
}

/** Where the segments of each name stand. */
export const positionsOf = (body: Body): ReadonlyMap<string, readonly number[]> => {
  if (body.positions) return body.positions
  const positions = new Map<string, number[]>()
  body.segments.forEach((segment, at) => {
    const name = nameOf(segment, body.separators)
    const known = positions.get(name)
    if (known) known.push(at)
    else positions.set(name, [at])
  })
  body.positions = positions
  return positions
}

export const indexesOf = (body: Body, name: string): readonly number[] => positionsOf(body).get(name) ?? []
