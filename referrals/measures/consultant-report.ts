/**
 * The Task by which an EHR counts a specialist's report as received (CMS50): completed, coded as a consultant report, based on the referral. Written when the
 * report arrives, for the write-back. The code is a setting: the content of the value set (2.16.840.1.113883.3.464.1003.121.12.1006) needs a licence.
 */
import type { Bundle, FhirResource, Reference, ServiceRequest, Task } from 'fhir/r4.js'
import { stableUrl } from '../canonical/stable-id.js'
import { type Placed, viewOf } from '../canonical/view.js'
import type { ReferralState } from '../desk-contracts.js'
import type { Days } from './days.js'
import type { CountedCode } from './settings.js'

/** Of Task.identifier: the referral whose report it is. */
export const CONSULTANT_REPORT = 'urn:refero:consultant-report'

export interface ReportReceived {
  readonly state: Pick<ReferralState, 'reference' | 'receivedAt'>
  readonly receivedAt: string // ISO instant: when the report came
  readonly document: Reference | null // the DocumentReference
  readonly days: Days // of the practice's zone: the day on which it ends must read the same to everybody
  readonly code: CountedCode // settings.cms50.consultantReport[0]
}

/** From when the desk took the referral over until its report came. It has no `focus`: it is not the Task of the referral's life. */
export const consultantReportTask = ({ state, request, receivedAt, document, days, code }: ReportReceived & { readonly request: Pick<Placed<ServiceRequest>, 'resource' | 'url'> }): Task => {
  const ended = days.written(Date.parse(receivedAt))
  const { subject, priority, requester, performer } = request.resource
  return {
    resourceType: 'Task', identifier: [{ system: CONSULTANT_REPORT, value: state.reference }], basedOn: [{ reference: request.url }], status: 'completed', intent: 'order', ...(priority ? { priority } : {}),
    code: { coding: [{ ...code }] }, ...(subject ? { for: subject } : {}), executionPeriod: { start: days.written(Math.min(Date.parse(state.receivedAt), Date.parse(receivedAt))), end: ended }, authoredOn: ended, lastModified: ended,
    ...(requester ? { requester } : {}), ...(performer?.[0] ? { owner: performer[0] } : {}),
    ...(document ? { output: [{ type: { coding: [{ ...code }] }, valueReference: document }] } : {}),
  }
}

/** The canonical Bundle with that Task. The first report counts: a Task that holds already stays as it is. */
export const withConsultantReport = (bundle: Bundle, received: ReportReceived): Bundle => {
  const { request } = viewOf(bundle)
  if (!request) return bundle
  const url = urlOf(request)
  const known = bundle.entry?.find(({ fullUrl }) => fullUrl === url)
  if ((known?.resource as Task | undefined)?.status === 'completed') return bundle
  const entry = { fullUrl: url, resource: consultantReportTask({ ...received, request }) as FhirResource }
  return { ...bundle, entry: [...(bundle.entry ?? []).filter((one) => one !== known), entry] }
}

/** The report was withdrawn: its Task no longer counts, and says so. */
export const withoutConsultantReport = (bundle: Bundle, withdrawnAt: string, { written }: Days): Bundle => {
  const { request } = viewOf(bundle)
  const url = request && urlOf(request)
  return { ...bundle, entry: (bundle.entry ?? []).map((entry) => (entry.fullUrl === url ? { ...entry, resource: { ...(entry.resource as Task), status: 'entered-in-error', lastModified: written(Date.parse(withdrawnAt)) } as FhirResource } : entry)) }
}

const urlOf = ({ url }: Pick<Placed, 'url'>): string => stableUrl('consultant-report', url)
