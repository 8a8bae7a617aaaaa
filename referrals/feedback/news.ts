/** What a message of an EHR or a specialist tells: appointments, visits, answers and documents, each with the numbers it names. */
import type { Appointment, Bundle, Composition, DiagnosticReport, DocumentReference, Encounter, Patient, Reference, ServiceRequest, Task } from 'fhir/r4.js'
import type { PatientFacts } from '../contracts.js'
import type { EventFacts, EventName, Key } from '../desk-contracts.js'
import { documentsOf, type ReturnedDocument } from '../canonical/documents.js'
import { REFERENCE_SYSTEM } from '../canonical/own-reference.js'
import { chartId, patientFacts } from '../patients/from-fhir.js'
import { type Placed, type View, viewOf } from '../canonical/view.js'
import { eventOfTask } from '../life-cycle.js'
import { scoped } from '../scope.js'
import { ofDecisions } from './decision.js'
import { appointmentEvent, codeOf, instant, nameOf, texts, visitEvent } from './codes.js'
import { addressOf, linked, mentioned, namesOf, numbers } from './numbers.js'

/** One thing that is told, about one appointment, visit, order or document. */
export interface News {
  readonly event: EventName | null // null: it is kept with the referral and changes nothing
  readonly at: string // ISO instant in UTC
  readonly facts: EventFacts
  readonly patient: PatientFacts | null
  readonly chart: string | null // the number of the patient's chart
  readonly names: readonly Key[] // numbers of referrals that it names
  readonly quotes: readonly Key[] // reference numbers in its words, which may tell of another referral
  readonly brings: readonly Key[] // numbers that it will be known by from now on
  readonly hints: readonly string[] // words for where and with whom: location, service, practitioner
  readonly when: string | null // of the visit
  readonly document: ReturnedDocument | null
  readonly answers: boolean // it answers a referral, whichever that is
  readonly adds?: Bundle // becomes part of the referral: what a payer decided
  readonly says: string // for a person who must find the referral: no name in it
}
export type Plain = Omit<News, 'patient' | 'chart'>

/** Marks whose the numbers in a bundle are where they do not say it, and when it was heard where it does not say when it was said. */
export const heard = (bundle: Bundle, scope: string, at: Date): Bundle => ({ ...bundle, meta: { ...bundle.meta, source: `${HEARD}${encodeURIComponent(scope)}` }, timestamp: bundle.timestamp ?? at.toISOString() })
const HEARD = 'urn:refero:heard:'

/** Of a bundle that `heard` has marked. */
export function newsOf(bundle: Bundle): { readonly news: readonly News[] } {
  const view = viewOf(bundle)
  const scope = bundle.meta?.source?.startsWith(HEARD) ? decodeURIComponent(bundle.meta.source.slice(HEARD.length)) : null
  const at = instant(bundle.timestamp) ?? new Date(0).toISOString()
  const own = (found: readonly Key[]): readonly Key[] => found.flatMap((key) => scoped(key, scope))
  return { news: told(view, bundle, at).map(({ whose, ...news }) => ({ ...news, ...personOf(view, whose), names: own(news.names), brings: own(news.brings) })) }
}

/** Something told, and the references to whom it is about. */
export type Whose<Thing> = Thing & { readonly whose: readonly (Reference | undefined)[] }

function told(view: View, bundle: Bundle, at: string): readonly Whose<Plain>[] {
  const trigger = triggerOf(view)
  const documents = documentsOf(bundle).filter((one) => {
    const placed = placeOf(view, one)
    return !(placed && isOwn(placed)) && (one.withdrawn || one.text !== null || one.attachments.length > 0)
  })
  const appointments = view.of('Appointment')
  const alone = documents.length + appointments.length < 2 // else an order that is not linked may be any one's
  const orders = alone ? view.of('ServiceRequest').flatMap(({ resource }) => namesOf(resource.identifier, resource.requisition)) : []
  const main = [...appointments.map((one) => ofAppointment(view, one, trigger, at, orders)), ...documents.map((one) => ofDocument(view, one, at, orders))]
  if (main.length > 0) return main
  const answers = ofAnswers(view, at)
  if (answers.length > 0) return answers
  const decisions = ofDecisions(view, bundle, at)
  const visits = view.of('Encounter')
  return decisions.length > 0 ? decisions : visits.flatMap((one) => ofVisit(view, one, trigger, at, visits.length > 1 ? [] : orders))
}

/** The patient that is meant; where nothing says it, the only one there is. */
function personOf(view: View, whose: readonly (Reference | undefined)[]): Pick<News, 'patient' | 'chart'> {
  const all = view.of('Patient')
  const meant = whose.flatMap((reference) => all.find(({ url, resource }) => reference?.reference !== undefined && (url === reference.reference || `Patient/${resource.id}` === reference.reference)) ?? [])[0]
  const patient: Patient | undefined = (meant ?? (all.length === 1 || view.patient === null ? all[0] : all.length > 1 && whose.some((one) => one?.reference) ? undefined : view.patient))?.resource
  return { patient: patient ? patientFacts(patient) : null, chart: patient ? chartId(patient) : null }
}

/** HL7 v2's event (table 0003), where a v2 message it was. */
const triggerOf = (view: View): string | null => {
  const header = view.of('MessageHeader')[0]?.resource.eventCoding?.code
  const tagged = [...view.of('Appointment'), ...view.of('DocumentReference')].flatMap(({ resource }) => resource.meta?.tag ?? []).find(({ system }) => system === 'http://terminology.hl7.org/CodeSystem/v2-0003')?.code
  return header ?? tagged ?? null
}

/** When it was said: of a FHIR resource when it last changed. */
const saidAt = ({ meta }: Appointment | Encounter | Task, at: string): string => instant(meta?.lastUpdated) ?? at

/** Who makes an appointment (SCH-12, SCH-16, SCH-20), and is not whom the patient sees. */
const ARRANGES = new Set(['placer contact', 'filler contact', 'enterer'])

function ofAppointment(view: View, placed: Placed<Appointment>, trigger: string | null, heardAt: string, orders: readonly Key[]): Whose<Plain> {
  const { resource } = placed
  const based = linked(view, resource.basedOn, placed)
  const participants = (resource.participant ?? []).flatMap(({ actor, type }) => (actor ? [{ actor, is: view.follow(actor, placed)?.resource, arranges: type?.some((one) => ARRANGES.has(codeOf(one) ?? '')) ?? false }] : []))
  const actors = participants.filter(({ arranges }) => !arranges).map(({ actor, is }) => ({ name: actor.display ?? nameOf(is), type: is?.resourceType ?? actor.type })).filter(({ type }) => type !== 'Patient')
  const filler = resource.identifier?.find(({ type }) => codeOf(type) === 'FILL') ?? resource.identifier?.[0]
  const start = instant(resource.start)
  const appointment = {
    id: filler?.value ?? resource.id ?? null, start,
    with: actors.find(({ type }) => type === 'Practitioner' || type === 'PractitionerRole')?.name ?? null, at: actors.find(({ type }) => type === 'Location')?.name ?? null,
  }
  const event = appointmentEvent(trigger, resource.status)
  const reason = resource.cancelationReason?.text ?? resource.cancelationReason?.coding?.[0]?.display
  const at = saidAt(resource, heardAt)
  const own = [...numbers('appointment', resource.identifier), ...addressOf('appointment', placed.url)]
  const visits = trigger === null ? [] : view.of('Encounter').flatMap(visitNumbers) // of its own visit: PV1-19
  return {
    event, at: event === 'seen' ? (start ?? at) : at, facts: { appointment, ...(event !== null && { visit: { id: `appointment ${appointment.id ?? ''}`, was: event === 'seen' ? 'there' : 'cancelled', at } }), ...(reason !== undefined && { reason }) }, whose: participants.map(({ actor }) => actor),
    names: [...(based.length > 0 ? based : orders), ...own, ...visits], quotes: mentioned(resource.comment, resource.patientInstruction, resource.description), brings: [...own, ...visits],
    hints: [...actors.flatMap(({ name }) => name ?? []), ...(resource.serviceType ?? []).flatMap(texts), ...(resource.specialty ?? []).flatMap(texts)], when: start, document: null, answers: false,
    says: `${trigger ?? 'Appointment'} ${appointment.id ?? 'without a number'}${start ? `, ${start}` : ''} (${resource.status})`,
  }
}

const visitNumbers = ({ resource, url }: Placed<Encounter>): readonly Key[] => [...numbers('visit', (resource.identifier ?? []).filter(({ type }) => ['VN', null].includes(codeOf(type)))), ...addressOf('visit', url)]

function ofVisit(view: View, placed: Placed<Encounter>, trigger: string | null, heardAt: string, orders: readonly Key[]): readonly Whose<Plain>[] {
  const { resource } = placed
  const event = visitEvent(trigger, resource.status)
  if (event === null) return []
  const began = instant(resource.period?.start) ?? saidAt(resource, heardAt)
  const based = linked(view, resource.basedOn, placed)
  const appointments = (resource.appointment ?? []).flatMap(({ identifier, reference }) => [...numbers('appointment', identifier && [identifier]), ...addressOf('appointment', reference, placed.url)])
  const visit = visitNumbers(placed)
  const hints = [
    ...(resource.location ?? []).flatMap(({ location }) => location.display ?? nameOf(view.follow(location, placed)?.resource) ?? []),
    ...(resource.participant ?? []).flatMap(({ individual }) => individual?.display ?? nameOf(view.follow(individual, placed)?.resource) ?? []),
    ...texts(resource.serviceType), ...(resource.type ?? []).flatMap(texts),
  ]
  return [{
    event, at: event === 'seen' ? began : saidAt(resource, heardAt), facts: { visit: { id: visit[0]?.value ?? '', was: event === 'seen' ? 'there' : 'cancelled', at: saidAt(resource, heardAt) } }, whose: [resource.subject], names: [...(based.length > 0 ? based : orders), ...appointments, ...visit], quotes: [], brings: visit, hints, when: began, document: null, answers: false,
    says: `${trigger ?? 'Visit'} ${visit[0]?.value.split('|')[1] ?? 'without a number'}, ${began.slice(0, 10)}`,
  }]
}

/** Only a note that is signed tells the outcome; others are told as interim only where whoever sends them says that they may be (never here). */
function ofDocument(view: View, document: ReturnedDocument, at: string, orders: readonly Key[]): Whose<Plain> {
  const placed = placeOf(view, document)
  const resources = [...(placed ? [placed.resource] : []), ...document.resources] // the second are without what they refer to on their server
  const references = resources.flatMap((one) => (one.resourceType === 'DocumentReference' ? [one] : []))
  const reports = resources.flatMap((one) => (one.resourceType === 'DiagnosticReport' ? [one] : []))
  const related = [
    ...references.flatMap(({ context }) => (context?.related ?? []).flatMap(({ identifier, reference }) => [...namesOf(identifier && [identifier]), ...addressOf('request', reference, placed?.url)])),
    ...reports.flatMap(({ identifier, basedOn = [] }) => [...namesOf(identifier), ...basedOn.flatMap((to) => [...namesOf(to.identifier && [to.identifier]), ...addressOf('request', to.reference, placed?.url)])]),
  ]
  const id: Key = { kind: 'document', value: document.id }
  const earlier = [document.replaces, document.appends].flatMap((other): Key[] => (other === null ? [] : [{ kind: 'document', value: other }]))
  const encounters = view.of('Encounter')
  const visits = [...(encounters.length === 1 ? encounters.flatMap(visitNumbers) : []), ...references.flatMap(({ context }) => (context?.encounter ?? []).flatMap(({ identifier, reference }) => [...numbers('visit', identifier && [identifier]), ...addressOf('visit', reference, placed?.url)]))]
  const authors = view.of('Practitioner').flatMap(({ resource }) => nameOf(resource) ?? [])
  const event = document.withdrawn ? 'report-withdrawn' : document.signed ? 'reported' : null
  return {
    event, at, facts: { documents: [document.id], ...(document.title !== null && { words: document.title }) }, whose: [placed?.resource.subject], names: [...earlier, id, ...(related.length > 0 ? related : orders), ...visits], quotes: mentioned(document.title, document.text), brings: [id],
    hints: [...authors, ...view.of('Location').flatMap(({ resource }) => resource.name ?? []), document.title ?? ''].filter(Boolean), when: instant(document.date ?? undefined) ?? at, document, answers: false,
    says: `document ${document.id.split('|')[1] ?? ''} “${document.title ?? document.type?.text ?? 'untitled'}” (${document.status})`,
  }
}

const placeOf = (view: View, { id }: ReturnedDocument): Placed<DocumentReference | DiagnosticReport | Composition> | undefined =>
  [...view.of('DocumentReference'), ...view.of('DiagnosticReport'), ...view.of('Composition')].find(({ resource }) => namedBy(resource, id))

/** What a hand-off of ours wrote there, told back by a subscription: it has a number of ours with its part in the referral, "R-7K3M-9QX4/summary". */
const isOwn = ({ resource }: Placed<DocumentReference | DiagnosticReport | Composition>): boolean =>
  [resource.identifier ?? []].flat().some(({ system, value }) => system === REFERENCE_SYSTEM && value?.includes('/'))

const namedBy = (resource: object, id: string): boolean =>
  Object.entries(resource).flatMap(([name, value]: [string, unknown]) => (name.endsWith('dentifier') ? [value].flat() : [])).some((one) => (one as { readonly value?: string } | null)?.value === id.slice(id.lastIndexOf('|') + 1))

/** RRI, OSU and FHIR Tasks: one answer for each Task, or for each request that has none. */
function ofAnswers(view: View, at: string): readonly Whose<Plain>[] {
  const tasks = view.of('Task').map((placed) => answer(placed, view.follow(placed.resource.focus, placed)?.resource as ServiceRequest | undefined, at))
  return tasks.length > 0 ? tasks : view.of('ServiceRequest').filter(({ resource }) => resource.status === 'revoked').map(({ resource, ...place }) => answer({ ...place, url: '', resource: { resourceType: 'Task', status: 'rejected', intent: 'order' } }, resource, at))
}

/** ORC-1 UA, unable to accept the order: whoever declines by it calls the order cancelled (IHE 360X: UA with ORC-5 CA). */
const isUnable = ({ extension = [] }: Task): boolean =>
  extension.flatMap((one) => [one, ...(one.extension ?? [])]).some(({ valueCodeableConcept }) => valueCodeableConcept?.coding?.some(({ system, code }) => code === 'UA' && system?.endsWith('/v2-0119')))

function answer({ resource: task, url }: Placed<Task>, request: ServiceRequest | undefined, heardAt: string): Whose<Plain> {
  const business = task.businessStatus?.coding?.find(({ system }) => !/v2-0(038|283)/.test(system ?? ''))?.code
  const reason = task.statusReason?.text ?? task.statusReason?.coding?.[0]?.display ?? request?.extension?.find((one) => one.url.endsWith('request-statusReason'))?.valueCodeableConcept?.text
  const event = isUnable(task) ? 'declined' : eventOfTask(task.status, business)
  const names = [...namesOf(task.identifier), ...namesOf(request?.identifier, request?.requisition), ...(task.focus?.identifier ? namesOf([task.focus.identifier]) : []), ...[task.focus, ...(task.basedOn ?? [])].flatMap((to) => addressOf('request', to?.reference, url)), ...addressOf('task', url)]
  const asked = { item: 'asked-for', says: reason ?? 'what the other side asks for; it does not say what', blocks: true }
  return {
    event, at: instant(task.lastModified) ?? saidAt(task, heardAt), facts: { ...(reason ? { reason } : event === 'declined' ? { reason: 'No reason was given.' } : {}), ...(event === 'needs-information' && { missing: [asked] }) }, whose: [task.for, request?.subject],
    names, quotes: mentioned(task.description, ...(task.note ?? []).map(({ text }) => text)), brings: [...addressOf('task', url), ...numbers('filler', (task.identifier ?? []).filter(({ type, system }) => codeOf(type) === 'FILL' && system !== REFERENCE_SYSTEM))],
    hints: [], when: null, document: null, answers: true, says: `answer ${task.status}${business ? ` (${business})` : ''}`,
  }
}
