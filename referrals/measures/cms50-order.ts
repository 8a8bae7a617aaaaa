/** Which codes CMS50 counts, and what it asks of a referral's order and its patient's encounters, as FHIR says them. */
import type { Bundle, CodeableConcept, Encounter, Procedure, ServiceRequest } from 'fhir/r4.js'
import { viewOf } from '../canonical/view.js'
import type { OrderFacts } from '../desk-contracts.js'
import type { Cms50Codes, CountedCode } from './settings.js'

/** Whether one of the concepts has a code of those that count. */
export const isOf = (concepts: readonly (CodeableConcept | undefined)[], codes: 'any' | readonly CountedCode[]): boolean =>
  codes === 'any' || concepts.some((concept) => concept?.coding?.some(({ system, code }) => codes.some((one) => one.system === system && one.code === code)))

export const isReferral = ({ status, intent, code }: ServiceRequest, codes: Cms50Codes): boolean => (status === 'active' || status === 'completed') && intent === 'order' && isOf([code], codes.referral)

/** When an encounter or an intervention that counts was; null where it does not count, or does not say. */
export const encounterPeriod = (resource: Encounter | Procedure, codes: Cms50Codes): { readonly start: string; readonly end: string } | null => {
  const { start, end } = resource.resourceType === 'Encounter'
    ? (resource.status === 'finished' && isOf(resource.type ?? [], codes.encounter) ? (resource.period ?? {}) : {})
    : (resource.status === 'completed' && isOf([resource.code], codes.intervention) ? (resource.performedPeriod ?? { start: resource.performedDateTime, end: resource.performedDateTime }) : {})
  return start === undefined || end === undefined ? null : { start, end }
}

/** Of one referral; more are not looked at. */
const MOST_ENCOUNTERS = 20

/** What the desk keeps of an outbound referral's canonical Bundle, so that the measure can be taken without reading the Bundle again. An order that does not say when it was authored was when it was sent. */
export const orderFacts = (bundle: Bundle, codes: Cms50Codes, sentAt: string | null): OrderFacts => {
  const view = viewOf(bundle)
  const request = view.request?.resource
  return {
    authoredOn: request?.authoredOn ?? sentAt, counts: request !== undefined && isReferral(request, codes),
    encounters: [...view.about('Encounter'), ...view.about('Procedure')].flatMap(({ resource }) => encounterPeriod(resource, codes) ?? []).slice(0, MOST_ENCOUNTERS),
  }
}
