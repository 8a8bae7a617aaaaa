/** What the desk itself writes into a canonical Bundle: its number, the matched chart, and where the task stands. Each gives a new Bundle. */
import type { Annotation, Bundle, CodeableConcept, FhirResource, Identifier, Patient, ServiceRequest, Task } from 'fhir/r4.js'
import type { Chart, Coded, Route } from '../contracts.js'
import { REFERENCE_SYSTEM } from './own-reference.js'
import { IDENTIFIER_TYPES } from './reading.js'
import { type Placed, viewOf } from './view.js'

/** Of an identifier of a Patient: the system whose matched chart it names. */
export const CHART_OF = 'urn:refero:chart-of'

/** Our number as the identifier of type FILL of the request and of its task. */
export const withIdentity = (bundle: Bundle, { reference, facility }: { readonly reference: string; readonly facility?: string }): Bundle => {
  const { request, task } = viewOf(bundle)
  const own: Identifier = { type: { coding: [{ system: IDENTIFIER_TYPES, code: 'FILL' }] }, system: REFERENCE_SYSTEM, value: reference, ...(facility ? { assigner: { display: facility } } : {}) }
  const identified = <Kind extends ServiceRequest | Task>(resource: Kind): Kind => ({ ...resource, identifier: [...(resource.identifier ?? []).filter(({ system }) => system !== REFERENCE_SYSTEM), own] })
  return replaced(bundle, [request, task], (resource) => identified(resource as ServiceRequest | Task))
}

/**
 * The number of the chart that the patient was matched with, for the EHR that keeps it: first, for that is the number it looks for; the referrer's own
 * follow. A chart of the same system that was matched before is replaced. The number keeps the system, or the assigner, that its chart knows for it.
 */
export const withPatient = (bundle: Bundle, chart: Numbered): Bundle => numbered(bundle, chart, (own, others) => [own, ...others])

/** The same for whoever referred the patient, by 360X: their number stays first, and ours is told beside it (Closed Loop Referral V2 guide, PID-3). */
export const withPatientToo = (bundle: Bundle, chart: Numbered): Bundle => numbered(bundle, chart, (own, others) => [...others, own])

type Numbered = Pick<Chart, 'source' | 'id'> & Partial<Pick<Chart, 'identifiers'>>

const numbered = (bundle: Bundle, chart: Numbered, inOrder: (own: Identifier, others: readonly Identifier[]) => Identifier[]): Bundle => {
  const known = chart.identifiers?.find(({ value, system }) => value === chart.id && system)?.system ?? null
  const number: Identifier = {
    extension: [{ url: CHART_OF, valueString: chart.source }], type: { coding: [{ system: IDENTIFIER_TYPES, code: 'MR' }] },
    ...(known?.includes(':') ? { system: known } : {}), value: chart.id, assigner: { display: known && !known.includes(':') ? known : chart.source },
  }
  const ofSource = ({ extension }: Identifier): boolean => extension?.some(({ url, valueString }) => url === CHART_OF && valueString === chart.source) ?? false
  return replaced(bundle, [viewOf(bundle).patient], (resource) => ({ ...resource, identifier: inOrder(number, ((resource as Patient).identifier ?? []).filter((one) => !ofSource(one))) }) as Patient)
}

/** Of a note of the request: which part of the desk's route it says. */
export const ROUTE_PART = 'urn:refero:route'
export type RoutePart = 'queue' | 'location' | 'practitioner' | 'task'
/** What a route says, in the order in which it is said; each with what it is called where it stands among other words. */
const ROUTE_LABELS: Readonly<Record<RoutePart, string>> = { queue: 'Queue', location: 'Location', practitioner: 'Practitioner', task: 'Task' }
export const routeParts = ({ queue, location, practitioner, tasks }: Pick<Route, 'queue' | 'location' | 'practitioner' | 'tasks'>): readonly { readonly part: RoutePart; readonly text: string }[] =>
  [{ part: 'queue', text: queue }, { part: 'location', text: location }, { part: 'practitioner', text: practitioner }, ...tasks.map((text) => ({ part: 'task', text }))]
    .flatMap(({ part, text }) => (text ? [{ part: part as RoutePart, text }] : []))

/** Where the desk has routed it, as notes of the request: the one place that every EHR's message carries to whoever works on it. A note each, `Queue: CARD-EP`, so that each can be found where it landed. */
export const withRoute = (bundle: Bundle, route: Pick<Route, 'queue' | 'location' | 'practitioner' | 'tasks'>): Bundle => {
  const notes = routeParts(route).map(({ part, text }): Annotation => ({ extension: [{ url: ROUTE_PART, valueCode: part }], text: `${ROUTE_LABELS[part]}: ${text}` }))
  return notes.length === 0 ? bundle : replaced(bundle, [viewOf(bundle).request], (resource) => ({ ...resource, note: [...((resource as ServiceRequest).note ?? []), ...notes] }) as ServiceRequest)
}

export const withRequestStatus = (bundle: Bundle, status: ServiceRequest['status']): Bundle =>
  replaced(bundle, [viewOf(bundle).request], (resource) => ({ ...resource, status }) as ServiceRequest)

/** Where the task stands, on the wire (Task.status, businessStatus, statusReason) and since when. What is null is taken away. */
export interface TaskStanding {
  readonly status: Task['status']
  readonly businessStatus: readonly Coded[] // the same in several code systems, best first
  readonly statusReason: string | null
  readonly lastModified: string // ISO instant
}
export const withTask = (bundle: Bundle, standing: TaskStanding): Bundle =>
  replaced(bundle, [viewOf(bundle).task], (resource) => standingTask(resource as Task, standing))

export const standingTask = (task: Task, { status, businessStatus, statusReason, lastModified }: TaskStanding): Task => {
  const { businessStatus: _, statusReason: __, ...rest } = task
  return { ...rest, status, ...(businessStatus.length > 0 ? { businessStatus: concept(businessStatus) } : {}), ...(statusReason ? { statusReason: { text: statusReason } } : {}), lastModified }
}

const concept = (codes: readonly Coded[]): CodeableConcept => {
  const text = codes.find((one) => one.text)?.text
  return { coding: codes.flatMap(({ system, code, text: display }) => (code ? [{ ...(system ? { system } : {}), code, ...(display ? { display } : {}) }] : [])), ...(text ? { text } : {}) }
}

/** The Bundle with some of its resources changed. */
export const replaced = (bundle: Bundle, places: readonly (Placed | null)[], change: (resource: FhirResource) => FhirResource): Bundle => {
  const wanted = new Set(places.flatMap((one) => (one ? [one.resource] : [])))
  return { ...bundle, entry: (bundle.entry ?? []).map((entry) => (entry.resource && wanted.has(entry.resource as FhirResource) ? { ...entry, resource: change(entry.resource as FhirResource) } : entry)) }
}

