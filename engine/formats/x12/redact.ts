/** A transaction with every value masked but the codes: what a person may look at who need not know whom it is about. */
import { isCode, mask } from '../mask.js'
import { type Body, elementsOf, segmentOf, withSegments } from './body.js'

/** The elements that hold codes, counts and sorts of things (005010X217). Codes keep their components. */
const CODED: Readonly<Record<string, readonly number[]>> = {
  AAA: [1, 2, 3, 4], BHT: [1, 2, 4, 5, 6], CL1: [1, 2, 3], CRC: [1, 2, 3, 4, 5, 6, 7], DMG: [1, 3], DTP: [1, 2], HCR: [1, 3, 4], HI: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], HL: [1, 2, 3, 4], HSD: [1, 2, 3, 4, 5, 6, 7, 8],
  INS: [1, 2, 3], NM1: [1, 2, 8], PER: [1, 3, 5, 7], PRV: [1, 2, 3], PWK: [1, 2], REF: [1], SE: [1, 2], ST: [1, 2, 3], SV1: [1, 3, 4], SV2: [1, 2, 4, 5], SV3: [1], TRN: [1], UM: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
  AK1: [1, 2, 3], AK2: [1, 2, 3], AK9: [1, 2, 3, 4, 5], IK3: [1, 2, 3, 4], IK4: [1, 2, 3], IK5: [1, 2], TA1: [1, 2, 3, 4, 5],
}
/** Of the envelope everything stays but what authorises the sender (ISA-2, ISA-4). */
const ENVELOPE: Readonly<Record<string, readonly number[]>> = { ISA: [2, 4], IEA: [], GS: [], GE: [] }
const LONGEST = 80 // characters of an element of the envelope

/** The body with masked values. Segments, separators and the places of values stay. */
export const redact = (body: Body): Body => {
  const { component, repetition, terminator } = body.separators
  const masked = (value: string): string => mask(value, `${component}${repetition ?? ''}`).split(terminator).join('x').split(body.separators.element).join('x')
  const kept = (value: string): boolean => value.split(component).every((part) => part === '' || isCode(part))
  return withSegments(body, body.segments.map((segment) => {
    const elements = elementsOf(segment, body.separators)
    const name = elements[0] ?? ''
    const hidden = ENVELOPE[name]
    return segmentOf(elements.map((element, n) => {
      if (n === 0 || element === '') return element
      if (hidden && !hidden.includes(n) && element.length <= LONGEST) return element
      return CODED[name]?.includes(n) && kept(element) ? element : masked(element)
    }), segment.end, body.separators)
  }))
}
