/** A message as segments over the text as received: a field is divided only when it is touched, the rest is written back as it came. */
import { MessageFault } from '../../errors.js'
import type { Charset } from './charset.js'
import type { Delimiters } from './delimiters.js'

/** One segment as received. `end` is its line break, with any blank lines that follow; empty after a last segment without one. */
export interface Segment {
  readonly text: string
  readonly end: string
  /** Filled by `fieldsOf`: the segment's fields as carried, `[n]` being field n and `[0]` the name. */
  divided?: readonly string[]
}

/** How much a message may hold, and what its characters are where it does not say. */
export interface Reading {
  readonly charset: Charset
  readonly overrideCharset: boolean
  readonly strayLines: 'refuse' | 'keep'
  readonly limits: { readonly size: number; readonly segments: number; readonly fields: number; readonly repetitions: number }
}

export interface Body {
  readonly delimiters: Delimiters
  readonly charset: Charset
  readonly reading: Reading
  /** What stands before MSH: a byte order mark, blank lines. */
  readonly before: string
  readonly segments: readonly Segment[]
  /** Filled by `positionsOf`. */
  positions?: ReadonlyMap<string, readonly number[]>
}

/** The body itself, where it is one of this format; throws a TypeError if not. */
export const asBody = (body: unknown): Body => {
  if (typeof body === 'object' && body !== null && 'delimiters' in body && 'segments' in body) return body as Body
  throw new TypeError('this is not the body of an hl7v2 message')
}

/** Whether a segment holds the delimiters and is therefore numbered from the separator itself: MSH, FHS, BHS. */
export const isHeader = (name: string): boolean => name === 'MSH' || name === 'FHS' || name === 'BHS'

/** The name of a segment: what stands before the first field separator. */
export const nameOf = (segment: Segment, delimiters: Delimiters): string => {
  if (segment.text.charAt(3) === delimiters.field) return segment.text.slice(0, 3)
  const end = segment.text.indexOf(delimiters.field)
  return end === -1 ? segment.text : segment.text.slice(0, end)
}

/** The fields of a segment as carried, numbered as the standard does: MSH-1 is the separator, MSH-2 the encoding characters. */
export const fieldsOf = (segment: Segment, body: Body): readonly string[] => {
  if (segment.divided) return segment.divided
  const most = body.reading.limits.fields
  const fields = segment.text.split(body.delimiters.field, most + 2)
  if (fields.length > most + 1) throw new MessageFault({ kind: 'unreadable', reason: `the segment has more than ${most} fields; if that is right, raise the format's setting \`fields\``, location: fields[0] ?? '' })
  if (isHeader(fields[0] ?? '')) fields.splice(1, 0, body.delimiters.field)
  segment.divided = fields
  return fields
}

/** A segment of fields numbered as `fieldsOf` numbers them. */
export const segmentOf = (fields: readonly string[], end: string, delimiters: Delimiters): Segment => {
  const [name = '', , ...rest] = fields
  return { text: isHeader(name) ? [name, ...rest].join(delimiters.field) : fields.join(delimiters.field), end, divided: fields }
}

/** Where the segments of each name stand in the message. */
export const positionsOf = (body: Body): ReadonlyMap<string, readonly number[]> => {
  if (body.positions) return body.positions
  const positions = new Map<string, number[]>()
  body.segments.forEach((segment, at) => {
    const name = nameOf(segment, body.delimiters)
    const known = positions.get(name)
    if (known) known.push(at)
    else positions.set(name, [at])
  })
  body.positions = positions
  return positions
}

/** The body with other segments; `positions` may be given where segments of each name stand where they stood. */
export const withSegments = ({ delimiters, charset, reading, before }: Body, segments: readonly Segment[], positions?: Body['positions']): Body =>
  positions ? { delimiters, charset, reading, before, segments, positions } : { delimiters, charset, reading, before, segments }

/** The n-th part of a text (from 1), or '' where there is none. */
export const partOf = (text: string, separator: string, n: number): string => {
  let from = 0
  for (let skip = 1; skip < n; skip++) {
    from = text.indexOf(separator, from) + 1
    if (from === 0) return ''
  }
  const to = text.indexOf(separator, from)
  return from === 0 && to === -1 ? text : text.slice(from, to === -1 ? text.length : to)
}

/** All bytes of the message: untouched segments exactly as received. */
export const serialize = (body: Body): Buffer => {
  let text = body.before
  for (const segment of body.segments) text += segment.text + segment.end
  return body.charset.bytes(text)
}
