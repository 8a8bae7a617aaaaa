/** Bytes to the body of one transaction, checked as far as the channel wants it. */
import { MessageFault } from '../../errors.js'
import { type Body, indexesOf, type Limits } from './body.js'
import { checkEnvelope } from './envelope.js'
import { checkTransaction } from './rules.js'
import { segmentsOf } from './segments.js'
import { openingOf } from './separators.js'

/** `check`: the envelope's numbers and counts and what every 278 must have, the envelope alone, or nothing. */
export interface Reading { readonly limits: Limits; readonly check: 'all' | 'envelope' | 'none' }

/** The text of bytes, one character a byte. Throws a MessageFault where there are too many. */
export const carried = (bytes: Buffer, { size }: Limits): string => {
  if (bytes.length === 0) throw new MessageFault({ kind: 'unreadable', reason: 'the interchange is empty (0 bytes)' })
  if (bytes.length > size) throw new MessageFault({ kind: 'unreadable', reason: `the interchange is ${bytes.length} bytes long, and at most ${size} are taken; the setting is \`size\`` })
  return bytes.toString('latin1')
}

/** Throws a MessageFault for what is no interchange, holds several transactions, or does not stand the checks. */
export const parse = (bytes: Buffer, { limits, check }: Reading): Body => {
  const text = carried(bytes, limits)
  const { start, separators } = openingOf(text)
  const body: Body = { separators, before: text.slice(0, start), segments: segmentsOf(text, start, separators, limits.segments) }
  if (check !== 'none') checkEnvelope(body.segments, separators)
  for (const name of ['ISA', 'GS', 'ST']) {
    if (indexesOf(body, name).length > 1) throw new MessageFault({ kind: 'unreadable', reason: `there is more than one ${name}: these are several transactions, to be separated first` })
  }
  for (const segment of body.segments) {
    if (segment.text.length > limits.elements && segment.text.split(separators.element, limits.elements + 2).length > limits.elements + 1) {
      throw new MessageFault({ kind: 'unreadable', reason: `a segment has more than ${limits.elements} elements; if that is right, raise the format's setting \`elements\`` })
    }
  }
  if (check === 'all') checkTransaction(body)
  return body
}
