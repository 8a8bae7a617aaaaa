/** What a message of an EHR or a specialist tells: appointments, visits, answers and documents, each with the numbers it names. */
import type { Appointment, Bundle, CodeableConcept, Encounter, FhirResource, Identifier, ServiceRequest, Task } from 'fhir/r4.js'
import type { PatientFacts } from '../contracts.js'
import type { EventFacts, EventName, Key, KeyKind } from '../desk-contracts.js'
import { documentsOf, type ReturnedDocument } from '../canonical/documents.js'
import { REFERENCE_SYSTEM } from '../canonical/own-reference.js'
import { patientFacts } from '../patients/from-fhir.js'
import { type Placed, type View, viewOf } from '../canonical/view.js'
import { eventOfTask } from '../life-cycle.js'
import { readReference, referencesIn } from '../reference.js'
import { appointmentEvent, codeOf, visitEvent } from './codes.js'

/** One thing that is told, about one appointment, visit, order or document. */
export interface News {
  readonly event: EventName | null // null: it is kept with the referral and changes nothing
  readonly at: string // ISO instant in UTC
  readonly facts: EventFacts
  readonly names: readonly Key[] // numbers of referrals that it names
  readonly brings: readonly Key[] // numbers that it will be known by from now on
  readonly hints: readonly string[] // words for where and with whom: location, service, practitioner
  readonly when: string | null // of the visit
  readonly document: ReturnedDocument | null
  readonly says: string // for a person who must find the referral: no name in it
}
export interface Told { readonly patient: PatientFacts | null; readonly charts: readonly string[]; readonly news: readonly News[] }

export function newsOf(bundle: Bundle): Told {
  const view = viewOf(bundle)
  const trigger = triggerOf(view)
  const at = instant(bundle.timestamp) ?? new Date(0).toISOString()
  const orders = view.of('ServiceRequest').flatMap(({ resource }) => namesOf(resource.identifier, resource.requisition))
  const documents = documentsOf(bundle).filter(({ attachments, text, withdrawn }) => withdrawn || text !== null || attachments.length > 0)
  const appointments = view.of('Appointment').map((one) => ofAppointment(view, one, trigger, at, orders))
  const visits = view.of('Encounter').flatMap((one) => ofVisit(view, one, trigger, at, orders))
  const answers = documents.length > 0 || appointments.length > 0 ? [] : ofAnswers(view, at)
  const patient = view.patient?.resource ?? view.of('Patient')[0]?.resource
  return {
    patient: patient ? patientFacts(patient) : null, charts: (patient?.identifier ?? []).filter((one) => codeOf(one.type) !== 'SS').flatMap(({ value }) => value ?? []),
    news: [...appointments, ...documents.map((one) => ofDocument(view, one, at, orders)), ...(documents.length > 0 || appointments.length > 0 || answers.length > 0 ? [] : visits), ...answers],
  }
}

/** HL7 v2's event (table 0003), where a v2 message it was. */
const triggerOf = (view: View): string | null => {
  const header = view.of('MessageHeader')[0]?.resource.eventCoding?.code
  const tagged = [...view.of('Appointment'), ...view.of('DocumentReference')].flatMap(({ resource }) => resource.meta?.tag ?? []).find(({ system }) => system === 'http://terminology.hl7.org/CodeSystem/v2-0003')?.code
  return header ?? tagged ?? null
}

function ofAppointment(view: View, { resource, ...placed }: Placed<Appointment>, trigger: string | null, at: string, orders: readonly Key[]): News {
  const ids = keys('appointment', resource.identifier)
  const based = (resource.basedOn ?? []).flatMap(({ identifier, reference }) => [...namesOf(identifier && [identifier]), ...requestOf(reference)])
  const actors = (resource.participant ?? []).flatMap(({ actor }) => (actor ? [{ name: actor.display ?? wordsOf(view.follow(actor, { resource, ...placed })?.resource), type: view.follow(actor, { resource, ...placed })?.resource.resourceType ?? actor.type }] : []))
  const filler = resource.identifier?.find(({ type }) => codeOf(type) === 'FILL') ?? resource.identifier?.[0]
  const start = instant(resource.start)
  const appointment = {
    id: filler?.value ?? resource.id ?? null, start,
    with: actors.find(({ type }) => type === 'Practitioner' || type === 'PractitionerRole')?.name ?? null, at: actors.find(({ type }) => type === 'Location')?.name ?? null,
  }
  const event = appointmentEvent(trigger, resource.status)
  const reason = resource.cancelationReason?.text ?? resource.cancelationReason?.coding?.[0]?.display
  return {
    event, at: event === 'seen' ? (start ?? at) : at, facts: { appointment, ...(reason !== undefined && { reason }) }, names: [...based, ...orders, ...mentioned(resource.comment, resource.patientInstruction, resource.description)], brings: ids,
    hints: [...actors.flatMap(({ name }) => name ?? []), ...(resource.serviceType ?? []).flatMap(texts), ...(resource.specialty ?? []).flatMap(texts)], when: start, document: null,
    says: `${trigger ?? 'Appointment'} ${appointment.id ?? 'without a number'}${start ? `, ${start}` : ''} (${resource.status})`,
  }
}

function ofVisit(view: View, placed: Placed<Encounter>, trigger: string | null, at: string, orders: readonly Key[]): readonly News[] {
  const { resource } = placed
  const event = visitEvent(trigger, resource.status)
  if (event === null) return []
  const began = instant(resource.period?.start) ?? at
  const named = [...(resource.basedOn ?? []).flatMap(({ identifier, reference }) => [...namesOf(identifier && [identifier]), ...requestOf(reference)]), ...(resource.appointment ?? []).flatMap(({ identifier }) => keys('appointment', identifier && [identifier]))]
  const visit = keys('visit', (resource.identifier ?? []).filter(({ type }) => ['VN', null].includes(codeOf(type))))
  const hints = [
    ...(resource.location ?? []).flatMap(({ location }) => location.display ?? wordsOf(view.follow(location, placed)?.resource) ?? []), ...(resource.participant ?? []).flatMap(({ individual }) => individual?.display ?? []),
    ...texts(resource.serviceType), ...(resource.type ?? []).flatMap(texts),
  ]
  return [{ event, at: began, facts: {}, names: [...named, ...orders, ...visit], brings: visit, hints, when: began, document: null, says: `${trigger ?? 'Visit'} ${visit[0]?.value.split('|')[1] ?? 'without a number'}, ${began.slice(0, 10)}` }]
}

/** Only a note that is signed tells the outcome; others are told as interim only where whoever sends them says that they may be (never here). */
function ofDocument(view: View, document: ReturnedDocument, at: string, orders: readonly Key[]): News {
  const reference = document.resources.find((one) => one.resourceType === 'DocumentReference')
  const related = reference?.resourceType === 'DocumentReference' ? (reference.context?.related ?? []).flatMap(({ identifier }) => namesOf(identifier && [identifier])) : []
  const based = document.resources.flatMap((one) => (one.resourceType === 'DiagnosticReport' ? (one.basedOn ?? []) : [])).flatMap((to) => [...namesOf(to.identifier && [to.identifier]), ...requestOf(to.reference), ...namesOf(requestAt(view, to.reference)?.identifier)])
  const own: Key = { kind: 'document', value: document.id }
  const earlier = [document.replaces, document.appends].flatMap((id): Key[] => (id === null ? [] : [{ kind: 'document', value: id }]))
  const visits = view.of('Encounter').flatMap(({ resource }) => keys('visit', resource.identifier))
  const authors = view.of('Practitioner').flatMap(({ resource }) => wordsOf(resource) ?? [])
  const event = document.withdrawn ? 'report-withdrawn' : document.signed ? 'reported' : null
  return {
    event, at, facts: { documents: [document.id], ...(document.title !== null && { words: document.title }) }, names: [...earlier, own, ...related, ...based, ...orders, ...mentioned(document.title, document.text), ...visits], brings: [own],
    hints: [...authors, ...view.of('Location').flatMap(({ resource }) => resource.name ?? []), document.title ?? ''], when: instant(document.date ?? undefined) ?? at, document,
    says: `document ${document.id.split('|')[1] ?? ''} “${document.title ?? document.type?.text ?? 'untitled'}” (${document.status})`,
  }
}

/** RRI, OSU and FHIR Tasks: one answer for each Task, or for each request that has none. */
function ofAnswers(view: View, at: string): readonly News[] {
  const tasks = view.of('Task').map((placed) => answer(placed.resource, view.follow(placed.resource.focus, placed)?.resource as ServiceRequest | undefined, at))
  return tasks.length > 0 ? tasks : view.of('ServiceRequest').filter(({ resource }) => resource.status === 'revoked').map(({ resource }) => answer({ resourceType: 'Task', status: 'rejected', intent: 'order' }, resource, at))
}

function answer(task: Task, request: ServiceRequest | undefined, at: string): News {
  const business = task.businessStatus?.coding?.find(({ system }) => !/v2-0(038|283)/.test(system ?? ''))?.code
  const reason = task.statusReason?.text ?? task.statusReason?.coding?.[0]?.display ?? request?.extension?.find(({ url }) => url.endsWith('request-statusReason'))?.valueCodeableConcept?.text
  const event = eventOfTask(task.status, business)
  const names = [...namesOf(task.identifier), ...namesOf(request?.identifier, request?.requisition), ...requestOf(task.focus?.reference)]
  const placed = names.filter(({ kind }) => kind === 'placer' || kind === 'reference' || kind === 'request')
  return {
    event, at: instant(task.lastModified) ?? at, facts: { ...(reason ? { reason } : event === 'declined' ? { reason: 'No reason was given.' } : {}) }, names: placed.length > 0 ? names : [...names, ...keys('filler', task.identifier)],
    brings: keys('filler', (task.identifier ?? []).filter(({ type, system }) => codeOf(type) === 'FILL' && system !== REFERENCE_SYSTEM)), hints: [], when: null, document: null, says: `answer ${task.status}${business ? ` (${business})` : ''}`,
  }
}

/** Numbers of an order, as keys: ours wherever it stands, the referrer's, and the filler's. */
function namesOf(identifiers: readonly Identifier[] | undefined, group?: Identifier): readonly Key[] {
  return [...(identifiers ?? []), ...(group ? [group] : [])].flatMap((one): Key[] => {
    const value = one.value?.trim()
    if (!value) return []
    const own = readReference(value)
    const kind: KeyKind = codeOf(one.type) === 'FILL' ? 'filler' : 'placer'
    return [...(own ? [{ kind: 'reference' as const, value: own }] : []), { kind, value: `${one.system ?? ''}|${value}` }, { kind: 'number', value }]
  })
}

const keys = (kind: KeyKind, identifiers: readonly Identifier[] | undefined): readonly Key[] => (identifiers ?? []).flatMap(({ system, value }) => (value?.trim() ? [{ kind, value: `${system ?? ''}|${value.trim()}` }] : []))
const requestOf = (reference: string | undefined): readonly Key[] => (reference && /^https?:/.test(reference) ? [{ kind: 'request', value: reference.replace(/\/_history\/.*$/, '') }] : [])
const requestAt = (view: View, url: string | undefined): ServiceRequest | undefined => view.of('ServiceRequest').find((one) => one.url === url)?.resource
const mentioned = (...words: readonly (string | null | undefined)[]): readonly Key[] => words.flatMap((text) => (text ? referencesIn(text) : [])).map((value) => ({ kind: 'reference', value }))
const texts = (concept: CodeableConcept | undefined): readonly string[] => (concept ? [concept.text, ...(concept.coding ?? []).flatMap(({ display, code }) => [display, code])].filter((word) => word !== undefined) : [])
const wordsOf = (resource: FhirResource | undefined): string | null => {
  if (!resource || !('name' in resource)) return null
  const { name } = resource as { name?: string | { family?: string; given?: string[]; text?: string }[] }
  if (typeof name === 'string') return name
  const [first] = name ?? []
  return first ? (first.text ?? [...(first.given ?? []), first.family].filter(Boolean).join(' ')) : null
}
const instant = (text: string | undefined): string | null => {
  const time = text === undefined ? Number.NaN : Date.parse(text)
  return Number.isNaN(time) ? null : new Date(time).toISOString()
}
