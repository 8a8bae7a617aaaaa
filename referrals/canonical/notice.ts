/** What channels that tell somebody something receive: a Bundle whose first entry is a Communication, then the referral that it is about. */
import type { Appointment, Bundle, BundleEntry, Communication, CommunicationPayload, ContactPoint, DocumentReference, FhirResource, Patient, Reference, ServiceRequest, Task } from 'fhir/r4.js'
import type { Provider, ProviderFacts, Way } from '../contracts.js'
import type { Notice, ReferralDocument, ReferralEvent, ReferralState } from '../desk-contracts.js'
import { type RoutePart, type TaskStanding, standingTask, withIdentity, withTask } from './changes.js'
import { OF_THE_MESSAGE } from './counterparts.js'
import { withReferences } from './intake.js'
import { NPI } from './reading.js'
import { stableUrl } from './stable-id.js'
import { type Placed, viewOf } from './view.js'

/** Of Communication.category: the kind of notice. Of Communication.identifier: its number. */
export const NOTICE = 'urn:refero:notice'
/** Of a payload: which part of the letter it is. */
export const NOTICE_PART = 'urn:refero:notice-part'
/** Of a payload of a digest: the request that the line is about. */
export const NOTICE_ABOUT = 'urn:refero:notice-about'

export type NoticePart = 'missing' | 'reading' | 'understood' | 'urgency' | 'specialty' | RoutePart | 'how-to-answer' | 'status' | 'stays' | 'reason' | 'appointment' | 'item' | 'note'
export interface Part { readonly part: NoticePart; readonly text: string }

/** Who is told, and by which way; `facts` is null for an EHR. */
export interface Recipient {
  readonly id: string // the provider's id, or the EHR's name
  readonly facts: ProviderFacts | Provider | null
  readonly way: Way | null
  readonly address: string | null // of that way
  readonly language: string | null // BCP 47, where they prefer one
}
export interface NoticeWords {
  readonly topic: string // the subject line
  readonly sent: string // ISO instant
  readonly task: TaskStanding // as the event is said on the wire
}
export interface NoticeInput {
  readonly bundle: Bundle // canonical
  readonly state: Pick<ReferralState, 'reference' | 'urgency'>
  readonly event: Pick<ReferralEvent, 'sequence' | 'name' | 'at'> | null // that is told
  readonly notice: Pick<Notice, 'id' | 'kind'>
  readonly documents: readonly Pick<ReferralDocument, 'id' | 'title' | 'resources'>[] // that are enclosed, as documentsOf makes them
  readonly recipient: Recipient
  readonly words: NoticeWords
  readonly parts: readonly Part[]
  readonly appointment?: Pick<NonNullable<ReferralState['appointment']>, 'id' | 'start' | 'with' | 'at'> | null // that the notice tells of
  readonly inResponseTo?: string | null // the Message-ID of the mail that the letter answers, with its brackets
}

/** Communication, then ServiceRequest (PLAC, FILL) and Task (as it stands), the appointment, the rest of the canonical Bundle (not how its message was sent and read), the recipient, the enclosed documents. */
export const noticeBundle = ({ bundle, state, event, notice, documents, recipient, words, parts, appointment, inResponseTo }: NoticeInput): Bundle => {
  const standing = withTask(withIdentity(bundle, state), words.task)
  const { request, patient } = viewOf(standing)
  const told = recipientEntries(recipient)
  const enclosed = documents.map((one) => enclosure(one, patient, request))
  const communication = letter(notice, recipient, words, told[0]?.fullUrl, {
    ...(request ? { about: [{ reference: request.url }] } : {}), ...(patient ? { subject: { reference: patient.url } } : {}), priority: state.urgency,
    ...(event ? { reasonCode: [{ text: event.name }] } : {}), ...(inResponseTo ? { inResponseTo: [{ identifier: { system: 'urn:ietf:rfc:5322', value: inResponseTo } }] } : {}),
    payload: [...parts.map(payload), ...enclosed.map(({ url, title }): CommunicationPayload => ({ contentReference: { reference: url, ...(title ? { display: title } : {}) } }))],
  })
  const referral = (standing.entry ?? []).filter(({ resource }) => resource && !OF_THE_MESSAGE.has((resource as FhirResource).resourceType))
  const visit = appointment && patient && request ? [visitOf(appointment, event?.name ?? null, request, patient)] : []
  return noticeOf(notice, state.reference, words, [communication, ...referral, ...visit, ...told, ...enclosed.flatMap(({ entries }) => entries)])
}

const VISIT_STATUS: Readonly<Record<string, Appointment['status']>> = { 'no-show': 'noshow', 'appointment-cancelled': 'cancelled', seen: 'fulfilled' }

/** The appointment as far as it is known: R4 wants an end where there is a start (app-2), and nobody told it. */
const visitOf = ({ id, start, with: who, at }: NonNullable<NoticeInput['appointment']>, event: string | null, request: Placed, patient: Placed): BundleEntry => {
  const actors = [{ type: 'Practitioner', display: who }, { type: 'Location', display: at }].filter(({ display }) => display)
  const resource = {
    resourceType: 'Appointment', ...(event === 'rescheduled' ? { meta: { tag: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0003', code: 'S13' }] } } : {}), ...(id ? { identifier: [{ value: id }] } : {}), status: VISIT_STATUS[event ?? ''] ?? 'booked',
    ...(start ? { start, _end: { extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'unknown' }] } } : {}), basedOn: [{ reference: request.url }],
    participant: [{ actor: { reference: patient.url }, status: 'accepted' }, ...actors.map((actor) => ({ actor, status: 'accepted' }))],
  }
  return { fullUrl: stableUrl('appointment', request.url, id ?? start ?? ''), resource: resource as FhirResource }
}

export interface DigestItem {
  readonly bundle: Bundle
  readonly state: Pick<ReferralState, 'reference'>
  readonly task: TaskStanding
  readonly text: string // a line for people
}

/** A Communication about several referrals, with the ServiceRequest, Task and Patient of each; a payload of part `item` for each, in their order. */
export const digestBundle = ({ items, notice, recipient, words, parts = [] }: { readonly items: readonly DigestItem[]; readonly notice: Pick<Notice, 'id' | 'kind'>; readonly recipient: Recipient; readonly words: Pick<NoticeWords, 'topic' | 'sent'>; readonly parts?: readonly Part[] }): Bundle => {
  const told = recipientEntries(recipient)
  const each = items.map(itemEntries)
  const communication = letter(notice, recipient, words, told[0]?.fullUrl, {
    ...(each.length > 0 ? { about: each.map(({ about }) => ({ reference: about })) } : {}),
    payload: [
      ...items.map(({ text }, index): CommunicationPayload => ({ extension: [{ url: NOTICE_PART, valueCode: 'item' }, { url: NOTICE_ABOUT, valueReference: { reference: each[index]?.about ?? '' } }], contentString: text })),
      ...parts.map(payload),
    ],
  })
  return noticeOf(notice, items[0]?.state.reference ?? 'digest', words, [communication, ...each.flatMap(({ entries }) => entries), ...told])
}

const payload = ({ part, text }: Part): CommunicationPayload => ({ extension: [{ url: NOTICE_PART, valueCode: part }], contentString: text })

const letter = (notice: Pick<Notice, 'id' | 'kind'>, recipient: Recipient, words: Pick<NoticeWords, 'topic' | 'sent'>, to: string | undefined, more: Partial<Communication>): BundleEntry => {
  const { payload: payloads = [], ...about } = more
  const resource: Communication = {
    resourceType: 'Communication', identifier: [{ system: NOTICE, value: String(notice.id) }], status: 'preparation', category: [{ coding: [{ system: NOTICE, code: notice.kind }] }], topic: { text: words.topic },
    ...about, ...(to ? { recipient: [{ reference: to }] } : {}), sent: words.sent, ...(recipient.language ? { language: recipient.language } : {}),
    ...(payloads.length > 0 ? { payload: payloads } : {}),
  }
  return { fullUrl: stableUrl('notice', String(notice.id), notice.kind), resource }
}

/** Its number carries the reference, so that another installation's, or one started anew, never has the same: it becomes MSH-10. */
const noticeOf = (notice: Pick<Notice, 'id'>, reference: string, words: Pick<NoticeWords, 'sent'>, entry: readonly BundleEntry[]): Bundle => ({
  resourceType: 'Bundle', identifier: { system: NOTICE, value: `${reference}-${notice.id}` }, type: 'collection', timestamp: words.sent, entry: entry.map((one) => ({ ...one, resource: one.resource as FhirResource })) as NonNullable<Bundle['entry']>,
})

/** The PractitionerRole with the chosen way's address first, and who and where it is. */
export const recipientEntries = ({ id, facts, way, address }: Omit<Recipient, 'language'>, as = 'recipient'): readonly BundleEntry[] => {
  const url = (part: string): string => stableUrl(as, part, id)
  const name = facts?.name ?? null
  const practice = facts ? facts.practice : id
  const point = facts?.address ? { line: [...facts.address.lines], ...(facts.address.city ? { city: facts.address.city } : {}), ...(facts.address.state ? { state: facts.address.state } : {}), ...(facts.address.postalCode ? { postalCode: facts.address.postalCode } : {}) } : null
  const where = point && (point.line.length > 0 ? point : (({ line: _, ...rest }) => rest)(point))
  const telecom = telecomOf(facts, way, address)
  const person: BundleEntry[] = name || facts?.npi ? [{ fullUrl: url('Practitioner'), resource: {
    resourceType: 'Practitioner', ...(facts?.npi ? { identifier: [{ system: NPI, value: facts.npi }] } : {}),
    ...(name ? { name: [{ ...(name.family ? { family: name.family } : {}), ...(name.given.length > 0 ? { given: [...name.given] } : {}), ...(name.suffix ? { suffix: [name.suffix] } : {}) }] } : {}),
  } as FhirResource }] : []
  const organization: BundleEntry[] = practice || where ? [{ fullUrl: url('Organization'), resource: { resourceType: 'Organization', ...(practice ? { name: practice } : {}), ...(where ? { address: [where] } : {}) } as FhirResource }] : []
  const role = {
    resourceType: 'PractitionerRole', identifier: [{ system: `urn:refero:${as}`, value: id }],
    ...(person.length > 0 ? { practitioner: { reference: url('Practitioner') } } : {}), ...(organization.length > 0 ? { organization: { reference: url('Organization') } } : {}),
    ...(telecom.length > 0 ? { telecom } : {}),
  } as FhirResource
  return [{ fullUrl: url('PractitionerRole'), resource: role }, ...person, ...organization]
}

const SYSTEM: Readonly<Record<Way, ContactPoint['system']>> = { '360x': 'email', direct: 'email', email: 'email', fax: 'fax', phone: 'phone', fhir: 'url', portal: 'url', hl7: 'other', file: 'other' }
const DIRECT = [{ url: 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-direct', valueBoolean: true }]

const telecomOf = (facts: ProviderFacts | null, way: Way | null, address: string | null): readonly ContactPoint[] => {
  const chosen: readonly ContactPoint[] = way && address ? [{ ...(way === 'direct' || way === '360x' ? { extension: DIRECT } : {}), system: SYSTEM[way], value: address, use: 'work' } as ContactPoint] : []
  const others = [
    ...(facts?.directAddresses ?? []).map((value): ContactPoint => ({ extension: DIRECT, system: 'email', value, use: 'work' })), ...(facts?.faxes ?? []).map((value): ContactPoint => ({ system: 'fax', value, use: 'work' })),
    ...(facts?.emails ?? []).map((value): ContactPoint => ({ system: 'email', value, use: 'work' })), ...(facts?.phones ?? []).map((value): ContactPoint => ({ system: 'phone', value, use: 'work' })),
  ].filter(({ value }) => value !== address)
  return [...chosen, ...others].map((point, index) => ({ ...point, rank: index + 1 }))
}

/** Without the forms of a document that are not here, where it is here in another. */
const sendable = (resource: FhirResource): FhirResource => {
  if (resource.resourceType !== 'DocumentReference') return resource
  const content = resource.content.filter(({ attachment }) => attachment.data)
  return content.length > 0 ? { ...resource, content } : resource
}

/** It answers the request by the numbers that its reader gave it, not by those of whoever wrote it. */
const answering = (resource: FhirResource, request: Placed | null): FhirResource =>
  resource.resourceType === 'DocumentReference' && request ? { ...resource, context: { ...resource.context, related: [{ reference: request.url }] } } : resource

const OF_A_PATIENT = new Set(['DocumentReference', 'DiagnosticReport', 'Observation', 'Composition'])
/** The resources of a kept document as entries of their own; the DocumentReference is the first. */
const enclosure = ({ id, title, resources }: NoticeInput['documents'][number], patient: Placed<Patient> | null, request: Placed | null): { readonly url: string; readonly title: string | null; readonly entries: readonly BundleEntry[] } => {
  const list = JSON.parse(resources) as FhirResource[]
  const url = (index: number): string => stableUrl('document', id, String(index))
  const at = Math.max(0, list.findIndex(({ resourceType }) => resourceType === 'DocumentReference'))
  const whose = (resource: FhirResource): FhirResource => (patient && OF_A_PATIENT.has(resource.resourceType) ? ({ ...resource, subject: { reference: patient.url } as Reference } as FhirResource) : resource)
  const names = new Map(list.map(({ resourceType, id: own }, index) => [`${resourceType}/${own}`, url(index)]))
  const told = (resource: FhirResource): FhirResource => answering(sendable(resource), request)
  return { url: url(at), title: title ?? (list[at] as DocumentReference | undefined)?.description ?? null, entries: list.map((resource, index) => ({ fullUrl: url(index), resource: withReferences(whose(index === at ? told(resource) : resource), (one) => names.get(one) ?? null) })) }
}

/** Of one referral in a digest: what names it and where it stands, and no more. */
const itemEntries = ({ bundle, state, task: standing }: DigestItem): { readonly about: string; readonly entries: readonly BundleEntry[] } => {
  const { request, task, patient } = viewOf(withIdentity(bundle, state))
  const url = (type: string): string => stableUrl('digest', state.reference, type)
  const { identifier, status = 'unknown', priority, code, authoredOn, reasonCode } = (request?.resource ?? {}) as Partial<ServiceRequest>
  const named = <Value extends { assigner?: Reference | undefined }>(list: readonly Value[] | undefined) => list?.map(({ assigner, ...rest }) => ({ ...rest, ...(assigner?.display ? { assigner: { display: assigner.display } } : {}) }))
  const numbers = named(identifier)
  const person = patient && (({ resourceType, identifier: own, name, birthDate, gender }) => ({ resourceType, ...(own ? { identifier: named(own) } : {}), ...(name ? { name } : {}), ...(birthDate ? { birthDate } : {}), ...(gender ? { gender } : {}) }))(patient.resource)
  const subject = person ? { reference: url('Patient') } : (request?.resource.subject ?? { display: 'not named' })
  const own = { resourceType: 'ServiceRequest', ...(numbers ? { identifier: numbers } : {}), status, intent: 'order', ...(priority ? { priority } : {}), ...(code ? { code } : {}), subject, ...(authoredOn ? { authoredOn } : {}), ...(reasonCode ? { reasonCode } : {}) }
  const life: Task = { resourceType: 'Task', ...(numbers ? { identifier: numbers } : {}), status: 'requested', intent: 'order', ...(task?.resource.code ? { code: task.resource.code } : {}), focus: { reference: url('ServiceRequest') }, for: subject }
  return {
    about: url('ServiceRequest'),
    entries: [
      { fullUrl: url('ServiceRequest'), resource: own as FhirResource }, { fullUrl: url('Task'), resource: standingTask(life, standing) },
      ...(person ? [{ fullUrl: url('Patient'), resource: person as FhirResource }] : []),
    ],
  }
}
