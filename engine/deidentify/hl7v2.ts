/** De-identifies an HL7 v2 message: every value by what its field holds, the shape of the message as it is. */
import { asBody, type Body, fieldsOf, isHeader, nameOf, segmentOf, withSegments } from '../formats/hl7v2/body.js'
import { decodeValue, encodeValue } from '../formats/hl7v2/escape.js'
import { type Pseudonyms, scrubbed } from './pseudonyms.js'
import type { Holding, Hl7v2Rules, Kind } from './rules.js'

/** The body with nothing of its people left. The first pass learns what must not stay, the second replaces. */
export const deidentifyHl7v2 = (message: unknown, rules: Hl7v2Rules, pseudonyms: Pseudonyms): Body => {
  const body = asBody(message)
  const shift = pseudonyms.shiftFor(patientOf(body))
  pass(body, rules, pseudonyms, shift)
  return pass(body, rules, pseudonyms, shift)
}

/** The first patient id (PID-3.1), by whom the dates are shifted. */
const patientOf = (body: Body): string => {
  const { component, repetition } = body.delimiters
  const pid = body.segments.find((segment) => nameOf(segment, body.delimiters) === 'PID')
  return pid ? (fieldsOf(pid, body)[3] ?? '').split(repetition)[0]?.split(component)[0] ?? '' : ''
}

const pass = (body: Body, rules: Hl7v2Rules, pseudonyms: Pseudonyms, shift: number): Body => {
  const { delimiters, charset } = body
  const separators = [delimiters.component, delimiters.subcomponent]
  /** Letters become x, digits 9; of the escapes only those of layout stay. */
  const scrub = (raw: string): string => {
    const pieces = raw.split(delimiters.escape)
    return pieces.map((piece, at) => {
      const escaped = at % 2 === 1 && at < pieces.length - 1
      if (!escaped) return scrubbed(piece)
      return LAYOUT.test(piece) ? `${delimiters.escape}${piece}${delimiters.escape}` : ' '
    }).join('')
  }
  const leaf = (kind: Kind, raw: string): string => {
    if (raw === '' || raw === '""' || kind === 'structure') return raw
    const text = decodeValue(raw, delimiters, charset)
    if (kind === 'keep' || kind === 'code' || kind === 'words') return pseudonyms.leaks(text, kind === 'words') ? scrub(raw) : raw
    if (kind === 'text' || kind === 'value') return scrub(raw)
    return encodeValue(pseudonyms.of(kind, text, shift).replace(/[^\x20-\x7e]/g, 'x'), delimiters, charset) // every charset can write ASCII
  }
  const part = (holding: Holding, raw: string, level: number): string => {
    const separator = separators[level]
    if (separator === undefined) return leaf(typeof holding === 'string' ? holding : firstKind(holding), raw)
    const parts = raw.split(separator)
    return parts.map((each, at) => part(holdingOf(holding, at, parts), each, level + 1)).join(separator)
  }
  const field = (holding: Holding, raw: string): string => raw.split(delimiters.repetition).map((each) => part(holding, each, 0)).join(delimiters.repetition)

  return withSegments(body, body.segments.map((segment) => {
    const name = nameOf(segment, delimiters)
    const fields = fieldsOf(segment, body)
    if (!SEGMENT_NAME.test(name)) return segmentOf([scrub(segment.text)], segment.end, delimiters) // a line that a break inside a field made
    const holding = (n: number): Holding => {
      const rule = rules.field(isHeader(name) && name !== 'MSH' ? 'MSH' : name, n)
      return rule === 'value' ? rules.datatype(fields[2] ?? '') : rule
    }
    return segmentOf(fields.map((raw, n) => (n === 0 || (isHeader(name) && n < 3) ? raw : field(holding(n), raw))), segment.end, delimiters)
  }))
}

/** What the part at a place holds; words stay only beside a code of a named system. */
const holdingOf = (holding: Holding, at: number, parts: readonly string[]): Holding => {
  if (typeof holding === 'string') return holding
  const own = holding[at] ?? 'text'
  return own === 'words' && (!parts[at - 1] || !parts[at + 1]) ? 'text' : own
}

const SEGMENT_NAME = /^[A-Z][A-Z0-9]{2}$/

/** .br .sp .in .ti .fi .nf .ce .sk, highlighting (chapter 2, section 2.7). */
const LAYOUT = /^(\.[a-z]{2}[+-]?\d*|[HN])$/i

const firstKind = (holding: Holding): Kind => (typeof holding === 'string' ? holding : firstKind(holding[0] ?? 'text'))
