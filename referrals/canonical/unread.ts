/** Documents that are pictures or prose: which of them nobody has read yet, and what that leaves unknown of a referral. */
import type { Bundle, DocumentReference, FhirResource, ServiceRequest } from 'fhir/r4.js'
import type { ReferralFacts } from '../contracts.js'
import { replaced } from './changes.js'
import { referenceFacts } from './document-facts.js'
import { digestOf, stableUrl } from './stable-id.js'
import { viewOf } from './view.js'
import { DOCUMENT_MARK, markOf } from './document-mark.js'

/** Nothing is triaged, matched or asked for: who it is about, or all that is wanted, stands in a document that nobody has read. */
export const isToBeRead = ({ documents, patient, diagnoses, services, reasons }: ReferralFacts): boolean =>
  documents.some(({ unread }) => unread) && (!patient.names.some(({ family }) => family !== '') || diagnoses.length + services.length + reasons.length === 0)

/**
 * What the same documents, byte for byte and called the same, make of a referral of which nothing else is known: a mail that is sent twice, or a program that
 * answers each of our letters by the same one, is one referral. Null where who it is about is known.
 */
export const unreadKey = (bundle: Bundle, facts: ReferralFacts, sender: string): string | null => {
  if (!isToBeRead(facts) || facts.patient.names.length > 0) return null
  const documents = viewOf(bundle).of('DocumentReference').flatMap(({ resource }) => (resource as DocumentReference).content.map(({ attachment }) => digestOf(attachment.title ?? '', attachment.data ?? attachment.url ?? '')))
  return digestOf('unread', sender, ...documents.toSorted()).slice(0, 32)
}

export const unreadCount = ({ documents }: Pick<ReferralFacts, 'documents'>): number => documents.filter(({ unread }) => unread).length

/** A person has looked at all of its documents. */
export const asRead = (bundle: Bundle): Bundle => {
  const view = viewOf(bundle)
  return replaced(bundle, view.of('DocumentReference').filter((one) => referenceFacts(view, one).unread), (resource) => marked(resource as DocumentReference))
}

const marked = ({ meta, ...resource }: DocumentReference): DocumentReference =>
  ({ ...resource, meta: { ...meta, tag: [...(meta?.tag ?? []).filter(({ system }) => system !== DOCUMENT_MARK), { system: DOCUMENT_MARK, code: 'read' }] } })

/** Documents that nobody has read, sent without an order, as the referral that they may be; anything else as it is. */
export const asReferral = (input: unknown): unknown => {
  const bundle = input as Bundle<FhirResource>
  const resources = bundle?.resourceType === 'Bundle' ? (bundle.entry ?? []).flatMap(({ resource }) => resource ?? []) : []
  if (!resources.some((one) => one.resourceType === 'DocumentReference' && markOf(one) === 'unread') || resources.some(({ resourceType }) => resourceType === 'ServiceRequest' || resourceType === 'Task')) return input
  const header = resources.find((one) => one.resourceType === 'MessageHeader')
  const documents = resources.flatMap((one) => (one.resourceType === 'DocumentReference' ? [one] : []))
  const requester = header?.sender ?? documents.flatMap(({ author }) => author ?? [])[0]
  const request: ServiceRequest = {
    resourceType: 'ServiceRequest', status: 'active', intent: 'order', subject: { display: 'not read yet' }, ...(bundle.identifier ? { identifier: [bundle.identifier] } : {}), ...(requester ? { requester } : {}),
  }
  return { ...bundle, entry: [{ fullUrl: stableUrl('request', JSON.stringify(bundle.identifier ?? null), ...documents.map(({ id = '' }) => id)), resource: request }, ...(bundle.entry ?? [])] }
}
