/** A message with every value masked but the codes: what a person may look at who need not know whom it is about. */
import { isCode, mask } from '../mask.js'
import { type Body, fieldsOf, isHeader, nameOf, type Segment, segmentOf, withSegments } from './body.js'

/** The fields that hold codes, sequence numbers and sorts of things (HL7 v2.5.1, types ID, IS, SI, CE, CWE); of a header that is one, all up to MSH-21. */
const CODED: Readonly<Record<string, readonly number[]>> = {
  AIG: [1, 2, 4], AIL: [1, 2, 4], AIP: [1, 2, 4], AIS: [1, 2, 3, 10], AL1: [1, 2, 3, 4], CTD: [1], DG1: [1, 2, 3, 6, 15], ERR: [2, 3, 4, 5],
  EVN: [1, 4], GT1: [1, 9, 10, 11], IN1: [1, 15, 17], MSA: [1, 2], NK1: [1, 3, 7, 14, 15], NTE: [1, 2, 4], OBR: [1, 4, 5, 11, 15, 24, 25, 31],
  OBX: [1, 2, 3, 6, 8, 10, 11, 17], ORC: [1, 5, 6, 16], PD1: [1, 2, 5, 11, 12], PID: [1, 8, 15, 16, 30, 31, 32], PR1: [1, 2, 3, 6], PRD: [1],
  PV1: [1, 2, 4, 10, 14, 15, 16, 18, 20, 36, 41], PV2: [2, 25], RF1: [1, 2, 3, 4, 5, 10], RGS: [1, 2], SCH: [6, 7, 8, 25], TQ1: [1, 9], TXA: [1, 2, 3, 17, 18, 19],
}
/** Which components of a code are codes: identifier and system, and the alternative ones. The texts beside them may say anything. */
const CODES = [1, 3, 4, 6]
const HEADER_FIELDS = 21
const LONGEST = 200 // characters of a field of the header

/** Where another segment's fields follow the delimiters, nothing looks like a type, a processing id and a version in their places. */
const isMessageHeader = (fields: readonly string[]): boolean =>
  /^[A-Z][A-Z0-9]{2}(?:.[A-Z][A-Z0-9]{2})?(?:.[A-Z0-9_]{3,7})?$/.test(fields[9] ?? '') && /^[DPT]/.test(fields[11] ?? '') && /^2(?:\.\d+)*(?:$|\W)/.test(fields[12] ?? '')

/** The body with masked values. Segments, delimiters and the places of values stay. */
export const redact = (body: Body): Body => withSegments(body, body.segments.map(segment => redactSegment(segment, body)), body.positions)

const redactSegment = (segment: Segment, body: Body): Segment => {
  const { delimiters } = body
  const name = nameOf(segment, delimiters)
  if (!/^[A-Z][A-Z0-9]{2}$/.test(name)) return { text: mask(segment.text), end: segment.end } // a stray line
  const carried = fieldsOf(segment, body)
  const coded = isHeader(name) ? [] : (CODED[name] ?? [])
  const whole = name === 'MSH' && isMessageHeader(carried)
  const fields = carried.map((field, n) => {
    if (n === 0 || field === '' || field === '""' || (isHeader(name) && n <= 2)) return field
    if (whole && n <= HEADER_FIELDS && field.length <= LONGEST) return field
    return redactField(field, body, coded.includes(n) ? component => CODES.includes(component) : () => false)
  })
  return segmentOf(fields, segment.end, delimiters)
}

const redactField = (field: string, { delimiters: { component, repetition, subcomponent } }: Body, isCoded: (component: number) => boolean): string =>
  field.split(repetition).map(one =>
    one.split(component).map((value, n) => (isCoded(n + 1) && isCode(value) ? value : mask(value, subcomponent))).join(component)).join(repetition)
