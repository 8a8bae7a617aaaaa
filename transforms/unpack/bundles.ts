/** Makes the Bundles of a mail: one for each patient whose referral or answer it carries, with every document, and one for what nobody has read yet. */
import type { Bundle, BundleEntry, DocumentReference, FhirResource, Identifier, Patient, ServiceRequest } from 'fhir/r4.js'
import type { Message } from '../../engine/contracts.js'
import { MessageFault } from '../../engine/errors.js'
import { operationOutcome } from '../../engine/v2-to-fhir/outcome.js'
import { stableId } from '../../engine/v2-to-fhir/stable-id.js'
import type { Context } from '../../engine/formats/mime/context.js'
import { contextPatient } from './context-patient.js'
import type { Piece } from './pieces.js'
import { type Sender, withSender } from './sender.js'
import type { Structured } from './structured.js'

export interface Found {
  readonly structured: readonly Structured[]
  readonly unread: readonly Piece[]
  readonly sender: Sender | null
  readonly references: readonly string[] // reference numbers of ours that the mail itself carries, as written
  readonly context: Context | null // what a mail whose documents nobody has read says of its patient
  readonly answers: readonly string[] // Message-IDs of what the mail answers
  readonly problems: readonly string[]
}
export interface Made { readonly kind: 'referral' | 'answer'; readonly bundle: Bundle }

/** On a document that is a picture or prose: its values are not known yet. */
const UNREAD = { system: 'urn:refero:document', code: 'unread' }
const REFERENCE = 'urn:refero:referral'
/** Of a request: the Message-ID of what its mail answers. */
const ANSWERS = 'urn:refero:answers'
const MAIL = 'urn:ietf:rfc:5322'
const FULFILL = { coding: [{ system: 'http://hl7.org/fhir/CodeSystem/task-code', code: 'fulfill' }] }
type Id = (...names: readonly string[]) => string

/**
 * Documents of one patient are one Bundle, an order before a document, the rest kept with it. What is unread goes with the referral where there is
 * one alone; of several patients nobody knows whose it is, so that it is a referral of its own that a person must look at.
 */
export const bundlesOf = (found: Found, message: Message): readonly Made[] => {
  const id: Id = (...names) => stableId(message.channel, message.header.controlId ?? String(message.id), ...names)
  const cases = casesOf(found.structured)
  const alone = cases.length === 1
  const unread = alone ? found.unread : []
  const made = cases.flatMap((one, index): readonly Made[] => {
    const own: Id = (...names) => id(String(index), ...names)
    const told = alone ? found : { ...found, references: [], answers: [] }
    const [first, ...others] = one.filter(({ kind }) => kind === 'referral')
    if (!first) return answersOf(one, unread, told, own, message).map(({ kind, bundle }) => ({ kind, bundle: spokenBy(bundle, told.sender) }))
    const kept = [...[...others, ...one.filter(({ kind }) => kind !== 'referral')].map(({ piece }) => documentOf(piece, false, id)), ...unread.map((piece) => documentOf(piece, true, id))]
    return [{ kind: 'referral', bundle: withMore(first.bundle, kept, told, own) }]
  })
  const rest = !alone && (found.unread.length > 0 || cases.length === 0) ? [{ kind: 'referral' as const, bundle: unreadReferral(found, message, id) }] : []
  return [...made, ...rest]
}

/**
 * Everything as documents of the referral whose number of ours the mail carries: nothing in it is a referral or an answer. The patient that the documents are
 * about comes along, so that they are never put with somebody else's.
 */
export const additionOf = (found: Found, message: Message): Bundle => {
  const { structured, unread, references } = found
  if (references.length !== 1) throw new MessageFault({ kind: 'required', reason: references.length === 0 ? 'no reference number of ours says what it belongs to' : 'it has several reference numbers of ours' })
  if (new Set(structured.flatMap(({ patient }) => patient ?? [])).size > 1) throw new MessageFault({ kind: 'unsupported', reason: 'its documents are about several patients' })
  const id: Id = (...names) => stableId(message.channel, message.header.controlId ?? String(message.id), ...names)
  const patient = structured.flatMap(({ bundle }) => bundle.entry ?? []).find((entry): entry is BundleEntry<Patient> => entry.resource?.resourceType === 'Patient')
  const request: ServiceRequest = { resourceType: 'ServiceRequest', status: 'active', intent: 'order', subject: patient?.fullUrl ? { reference: patient.fullUrl } : { display: 'not read yet' } }
  const documents = [...structured.map(({ piece }) => documentOf(piece, false, id)), ...unread.map((piece) => documentOf(piece, true, id))]
  const bundle: Bundle = { resourceType: 'Bundle', type: 'collection', timestamp: message.receivedAt.toISOString(), entry: [{ fullUrl: id('request'), resource: request }, ...(patient ? [patient] : [])] }
  return withMore(bundle, documents, { ...found, sender: null }, id)
}

/** Each answer is told by itself, since one may say that a patient was seen and another bring the note; documents name the order that they answer. */
const answersOf = (one: readonly Structured[], unread: readonly Piece[], found: Found, id: Id, message: Message): readonly Made[] => {
  const numbers = one.flatMap((answer) => answer.numbers)
  const interim = one.some(({ kind }) => kind === 'interim-note')
  const told = one.filter(({ kind }) => kind === 'answer')
  const answers = told.map(({ bundle, order }): Made => ({ kind: 'answer', bundle: withMore(order ? bundle : answering(bundle, numbers, interim), [], found, id) }))
  if (unread.length === 0 && answers.length > 0) return answers
  const patient = one.flatMap(({ bundle }) => bundle.entry ?? []).filter((entry): entry is BundleEntry<Patient> => entry.resource?.resourceType === 'Patient').slice(0, 1)
  const recorded = message.receivedAt.toISOString()
  const documents = unread.map((piece) => documentOf(piece, true, id))
  return [...answers, { kind: 'answer', bundle: answering({ resourceType: 'Bundle', type: 'collection', timestamp: recorded, entry: [...documents, ...patient] }, numbers, false) }]
}

/** Who says it, where it came by mail: whoever reads it must know whether they may. */
const spokenBy = (bundle: Bundle, sender: Sender | null): Bundle =>
  sender?.point.system === 'email' ? { ...bundle, meta: { ...bundle.meta, source: `mailto:${sender.point.value}` } } : bundle

/** Documents that name the order which they answer. */
const answering = (bundle: Bundle, numbers: readonly Identifier[], interim: boolean): Bundle => ({
  ...bundle, entry: ((bundle.entry ?? []) as BundleEntry<FhirResource>[]).map((entry) => {
    const { resource } = entry
    if (resource?.resourceType !== 'DocumentReference') return entry
    const related = [...(resource.context?.related ?? []), ...numbers.map((identifier) => ({ identifier }))]
    return { ...entry, resource: { ...resource, ...(interim && { docStatus: 'preliminary' as const }), ...(related.length > 0 && { context: { ...resource.context, related } }) } }
  }),
})

/** Orders first, then documents, by patient; what does not say who it is about belongs to the only one there is. */
const casesOf = (all: readonly Structured[]): readonly (readonly Structured[])[] => {
  const ranked = [...all].sort((a, b) => rank(a) - rank(b))
  const people = [...new Set(ranked.map(({ patient }) => patient).filter((one) => one !== null))]
  const cases = people.map((person) => ranked.filter(({ patient }) => patient === person || (patient === null && people.length === 1)))
  return people.length === 1 ? cases : [...cases, ...ranked.filter(({ patient }) => patient === null).map((one) => [one])]
}
const rank = ({ order, kind }: Structured): number => (order ? 0 : 2) + (kind === 'referral' ? 0 : 1)

const withMore = (bundle: Bundle, kept: readonly BundleEntry<DocumentReference>[], { sender, references, answers, problems }: Found, id: (name: string) => string): Bundle => {
  const entries = (bundle.entry ?? []).map((entry): BundleEntry<FhirResource> => (entry.resource?.resourceType === 'ServiceRequest' ? { ...entry, resource: carrying(entry.resource as ServiceRequest, kept, references, answers) } : (entry as BundleEntry<FhirResource>)))
  const outcome = operationOutcome(problems.map((reason) => ({ severity: 'warning', origin: reason.split(' ', 1)[0] ?? '', reason: reason.slice(reason.indexOf(' ') + 1).replace(/\.$/, '') })))
  const whole: Bundle = { ...bundle, entry: [...entries, ...kept, ...(outcome ? [{ fullUrl: id('problems'), resource: outcome }] : [])] }
  return sender ? withSender(whole, sender, id) : whole
}

/** The request names what came with it, and the number of ours or the mail that it answers. */
const carrying = (request: ServiceRequest, kept: readonly BundleEntry<DocumentReference>[], references: readonly string[], answers: readonly string[]): ServiceRequest => ({
  ...request,
  ...(answers.length > 0 && { extension: [...(request.extension ?? []), ...answers.map((value) => ({ url: ANSWERS, valueIdentifier: { system: MAIL, value } }))] }),
  ...(references.length === 1 && { identifier: [...(request.identifier ?? []), { system: REFERENCE, value: references[0] ?? '' }] }),
  ...(kept.length > 0 && { supportingInfo: [...(request.supportingInfo ?? []), ...kept.map(({ fullUrl }) => ({ reference: fullUrl ?? '' }))] }),
})

/** A referral of which nothing is known but who sent it, what came, and whom its context names. */
const unreadReferral = (found: Found, message: Message, id: Id): Bundle => {
  const documents = found.unread.map((piece) => documentOf(piece, true, id))
  const patient = found.context && found.structured.length === 0 ? contextPatient(found.context, { channel: message.channel, recorded: message.receivedAt.toISOString(), id }) : []
  const request: ServiceRequest = {
    resourceType: 'ServiceRequest', status: 'active', intent: 'order', subject: patient[0]?.fullUrl ? { reference: patient[0].fullUrl } : { display: 'not read yet' },
    category: [{ coding: [{ system: 'http://snomed.info/sct', code: '3457005', display: 'Patient referral' }] }],
    ...(message.header.controlId && { requisition: { value: message.header.controlId } }),
  }
  const task: FhirResource = { resourceType: 'Task', status: 'requested', intent: 'order', code: FULFILL, focus: { reference: id('request') } }
  const recorded = message.receivedAt.toISOString()
  const bundle: Bundle = {
    resourceType: 'Bundle', type: 'collection', timestamp: recorded, ...(message.header.controlId && { identifier: { value: message.header.controlId } }),
    entry: [{ fullUrl: id('request'), resource: request }, { fullUrl: id('task'), resource: task }, ...patient],
  }
  return withMore(bundle, documents, found, id)
}

const documentOf = ({ at, content, type, title }: Piece, unread: boolean, id: Id): BundleEntry<DocumentReference> => ({
  fullUrl: id('document', at),
  resource: {
    resourceType: 'DocumentReference', status: 'current', ...(unread && { meta: { tag: [UNREAD] } }),
    content: [{ attachment: { contentType: type, data: content.toString('base64'), ...(title && { title }) } }],
  },
})
