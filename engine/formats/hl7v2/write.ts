/** Writes values by path: a new body in which that place alone is different. */
import { MessageFault } from '../../errors.js'
import { type Body, fieldsOf, partOf, positionsOf, type Segment, segmentOf, withSegments } from './body.js'
import { convert } from './convert.js'
import { ABSENT } from './delimiters.js'
import { encodeValue } from './escape.js'
import { type Path, pathOf } from './path.js'
import { repetitionsOf } from './read.js'

/**
 * The body with text (escaped as needed) or nothing (null) at a path. What is missing on the way is created: components, repetitions, fields, and a segment of that name at
 * the end of the message, if it is the next one. Nothing is created to hold nothing, and `[*]` changes what there is. Null at a field
 * without `[n]` empties all its repetitions. Writing MSH-18 converts the message to that character set. Throws a MessageFault where a value cannot be written.
 */
export const write = (body: Body, path: string, value: string | null): Body => {
  const place = pathOf(path)
  if (place.segment === 'MSH' && place.field < 3) throw new MessageFault({ kind: 'internal', reason: 'MSH-1 and MSH-2 are the delimiters of the whole message and cannot be written', location: path })
  const carried = value === null ? null : encodeValue(value, body.delimiters, body.charset, path)
  const positions = positionsOf(body).get(place.segment) ?? []
  if (place.index !== '*' && place.index > positions.length) return carried === null ? body : append(body, place, path, carried, positions.length)
  let changed = body
  for (const at of place.index === '*' ? positions : [positions[place.index - 1]]) if (at !== undefined) changed = writeSegment(changed, at, place, path, carried)
  return place.segment === 'MSH' && place.field === 18 ? convert(changed) : changed
}

const writeSegment = (body: Body, at: number, place: Path, path: string, carried: string | null): Body => {
  const segment = body.segments[at]
  if (!segment) return body
  const before = fieldsOf(segment, body)
  const field = before[place.field] ?? ''
  const after = writeField(body, field, place, path, carried)
  if (after === field) return body
  const fields = before.slice()
  while (fields.length < place.field) fields.push('')
  fields[place.field] = after
  const segments = body.segments.slice()
  segments[at] = segmentOf(fields, segment.end, body.delimiters)
  return withSegments(body, segments, body.positions)
}

const writeField = (body: Body, field: string, place: Path, path: string, carried: string | null): string => {
  const { delimiters } = body
  if (carried === null && !place.repetitionNamed && place.component === null) return ''
  const inRepetition = (repetition: string): string => {
    if (place.component === null) return carried ?? ''
    if (place.subcomponent === null) return withPart(repetition, delimiters.component, place.component, carried ?? '', path)
    const component = withPart(partOf(repetition, delimiters.component, place.component), delimiters.subcomponent, place.subcomponent, carried ?? '', path)
    return withPart(repetition, delimiters.component, place.component, component, path)
  }
  if (place.repetition !== '*') return withPart(field, delimiters.repetition, place.repetition, inRepetition(partOf(field, delimiters.repetition, place.repetition)), path)
  return field === '' ? '' : repetitionsOf(field, body).map(inRepetition).join(delimiters.repetition)
}

/** A text with its n-th part replaced; missing parts before it are empty. */
const withPart = (text: string, separator: string, n: number, part: string, path: string): string => {
  if (separator === ABSENT && n > 1 && part !== '') throw new MessageFault({ kind: 'value', reason: 'MSH-2 declares no delimiter for this place', location: path })
  let from = 0
  for (let skip = 1; skip < n; skip++) {
    const next = text.indexOf(separator, from)
    if (next === -1) return part === '' ? text : text + separator.repeat(n - skip) + part
    from = next + 1
  }
  const to = text.indexOf(separator, from)
  return text.slice(0, from) + part + (to === -1 ? '' : text.slice(to))
}

const append = (body: Body, place: Path, path: string, carried: string, present: number): Body => {
  if (place.index !== present + 1) throw new MessageFault({ kind: 'required', reason: `the message has ${present} ${place.segment} segments, so that this one cannot be written before the ones between are`, location: path })
  const fields = [place.segment]
  while (fields.length < place.field) fields.push('')
  fields[place.field] = writeField(body, '', place, path, carried)
  const last = body.segments.at(-1)
  if (fields[place.field] === '' || !last) return body
  const lineBreak = /^(\r\n|\r|\n)/.exec(body.segments[0]?.end ?? '')?.[0] ?? '\r'
  // The new segment takes over how the message ended.
  const segments: Segment[] = [...body.segments.slice(0, -1), { ...last, end: lineBreak }, segmentOf(fields, last.end, body.delimiters)]
  return withSegments(body, segments)
}
