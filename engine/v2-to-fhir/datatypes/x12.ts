/** X12's own: C022, C023 and C003, a code beside the name of its list (HI, UM-4, SV1), and RD8, dates of DTP. */
import type { Datatype, Use } from '../datatype.js'
import { type Draft, leaf, unreadable } from '../draft.js'
import { type Part, leafOf } from '../part.js'
import { dateTime } from './dtm.js'

const ICD_10 = 'http://hl7.org/fhir/sid/icd-10-cm'
const ICD_9 = 'http://hl7.org/fhir/sid/icd-9-cm'

/** X12 sends ICD without its point, and many write it all the same. */
const pointed = (code: string, system: string): string => {
  const stem = system === ICD_10 || (system === ICD_9 && !code.startsWith('E')) ? 3 : system === ICD_9 ? 4 : code.length
  return code.includes('.') || code.length <= stem ? code : `${code.slice(0, stem)}.${code.slice(stem)}`
}

/** HC is both levels of HCPCS: level I is CPT. */
const listOf = (list: string, code: string): string => (list === 'HC' && /^[A-V]\d{4}$/.test(code) ? 'HCPCS' : list)

const concept = (list: Part, code: Part, words: Part | null, use: Use): Draft | undefined => {
  if (code.text === '') return undefined
  const system = use.lookup('x12-code-list').lookup(listOf(list.text, code.text))?.system
  if (!system) use.issue(list, 'is a code list that codes/x12-code-list.yaml does not have')
  const coding: Draft = { system: system ? leaf(system, list.origin) : unreadable(list.text, list.origin), code: leaf(system ? pointed(code.text, system) : code.text, code.origin) }
  return use.target === 'Coding' ? coding : { coding: [coding], text: words ? leafOf(words) : undefined }
}

/** Health care code information: C022-1 the list, C022-2 the code. */
export const C022: Datatype = { makes: ['CodeableConcept', 'Coding'], read: (part, use) => concept(part.part(1), part.part(2), null, use) }
/** Health care service location: C023-1 the code, C023-2 the list. */
export const C023: Datatype = { makes: ['CodeableConcept', 'Coding'], read: (part, use) => concept(part.part(2), part.part(1), null, use) }
/** Composite medical procedure identifier: C003-1 the list, C003-2 the code, C003-7 its words. */
export const C003: Datatype = { makes: ['CodeableConcept', 'Coding'], read: (part, use) => concept(part.part(1), part.part(2), part.part(7), use) }

/** A date (D8), or two with a hyphen between (RD8). */
export const RD8: Datatype = {
  makes: ['Period'],
  read: (part, use) => {
    const [start, end] = part.text.split('-')
    const at = (text: string | undefined): Draft | undefined => (text ? dateTime({ ...part, text }, { ...use, target: 'dateTime' }) : undefined)
    const period = { start: at(start), end: at(end) }
    return period.start || period.end ? period : undefined
  },
}
