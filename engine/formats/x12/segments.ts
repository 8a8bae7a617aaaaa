/** Text to segments: one pass over the terminators, nothing inside a segment is looked at but its name. */
import { MessageFault } from '../../errors.js'
import type { Segment } from './body.js'
import { isBlank, type Separators, unbroken } from './separators.js'

/**
 * The segments from `start` to the end of the text. Throws a MessageFault (unreadable) for a segment that is cut off,
 * one without a name, and more than `most`.
 */
export const segmentsOf = (text: string, start: number, { element, terminator }: Separators, most: number): readonly Segment[] => {
  const segments: Segment[] = []
  let from = start
  while (from < text.length) {
    const to = text.indexOf(terminator, from)
    if (to === -1) throw unreadable(`the interchange ends inside segment ${segments.length + 1}: its terminator is missing`)
    let next = to + 1
    while (next < text.length && isBlank(text.charCodeAt(next))) next++
    const segment = { text: text.slice(from, to), end: text.slice(to, next) }
    if (!hasName(segment.text, element)) throw unreadable(`segment ${segments.length + 1} has no name of two or three capital letters or digits before its first separator`)
    if (segments.length >= most) throw unreadable(`the interchange has more than ${most} segments; if that is right, raise the format's setting \`segments\``)
    segments.push(segment)
    from = next
  }
  return segments
}

const hasName = (text: string, element: string): boolean => {
  const end = text.indexOf(element)
  const name = end === -1 ? text : text.slice(0, end)
  return isName(name) || isName(unbroken(name))
}

const isCapital = (code: number): boolean => code >= 65 && code <= 90
const isName = (name: string): boolean => {
  if (name.length < 2 || name.length > 3 || !isCapital(name.charCodeAt(0))) return false
  for (let at = 1; at < name.length; at++) {
    const code = name.charCodeAt(at)
    if (!isCapital(code) && (code < 48 || code > 57)) return false
  }
  return true
}

const unreadable = (reason: string) => new MessageFault({ kind: 'unreadable', reason })
