/** Bytes to segments: one pass over the line breaks, nothing inside a segment is looked at but its name. */
import { MessageFault } from '../../errors.js'
import type { Body, Reading, Segment } from './body.js'
import { openingOf } from './header.js'

/**
 * The message in `bytes`. Lines may end in CR, LF or both, mixed; blank lines are kept with the segment before them. Throws a MessageFault
 * (unreadable) for what is no message: no MSH, delimiters that cannot be, several messages, a line that is no segment, more than the limits allow.
 */
export const parse = (bytes: Buffer, reading: Reading): Body => {
  const opening = openingOf(bytes, reading)
  const { delimiters, charset, start } = opening
  const text = charset.carry(bytes)
  return { delimiters, charset, reading, before: text.slice(0, start), segments: segmentsOf(text, start, delimiters.field, reading) }
}

const segmentsOf = (text: string, start: number, separator: string, reading: Reading): Segment[] => {
  const segments: Segment[] = []
  let from = start
  let carriageReturn = text.indexOf('\r', from)
  let lineFeed = text.indexOf('\n', from)
  while (from < text.length) {
    if (carriageReturn !== -1 && carriageReturn < from) carriageReturn = text.indexOf('\r', from)
    if (lineFeed !== -1 && lineFeed < from) lineFeed = text.indexOf('\n', from)
    const line = carriageReturn === -1 || (lineFeed !== -1 && lineFeed < carriageReturn) ? lineFeed : carriageReturn
    const to = line === -1 ? text.length : line
    const next = afterBlank(text, to)
    add(segments, text.slice(from, to), next === to + 1 ? text.charAt(to) : text.slice(to, next), separator, reading)
    from = next
  }
  return segments
}

/** Where the next line that is not blank begins. */
const afterBlank = (text: string, from: number): number => {
  let next = from
  let at = from
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 13 || code === 10) next = at + 1
    else if (code !== 32 && code !== 9) break
  }
  return at === text.length ? at : next
}

const add = (segments: Segment[], text: string, end: string, separator: string, reading: Reading): void => {
  if (!isSegment(text, separator)) {
    if (reading.strayLines === 'refuse') throw unreadable(`line ${segments.length + 1} is no segment: it is to begin with three capital letters or digits and the separator ${separator}; if the sender breaks lines inside a field, set \`strayLines: keep\``)
  } else if (segments.length > 0 && text.startsWith('MSH')) throw unreadable(`segment ${segments.length + 1} is a second MSH: these are several messages, to be separated first`)
  if (segments.length >= reading.limits.segments) throw unreadable(`the message has more than ${reading.limits.segments} segments; if that is right, raise the format's setting \`segments\``)
  segments.push({ text, end })
}

const isCapital = (code: number): boolean => code >= 65 && code <= 90
const isSegment = (text: string, separator: string): boolean => {
  if (text.length > 3 ? text.charAt(3) !== separator : text.length < 3) return false
  for (let at = 0; at < 3; at++) {
    const code = text.charCodeAt(at)
    if (!isCapital(code) && (at === 0 || code < 48 || code > 57)) return false
  }
  return true
}

const unreadable = (reason: string) => new MessageFault({ kind: 'unreadable', reason })
