/** Who sent a mail, and how they can be answered: a contact of the requester that the referral names, or the requester where it names none. */
import type { Bundle, BundleEntry, ContactPoint, FhirResource, ServiceRequest } from 'fhir/r4.js'
import { type Address, addressesOf, fieldsOf, textValue } from '../../engine/formats/mime/fields.js'
import type { Part } from '../../engine/formats/mime/mail.js'

export type SenderKind = 'email' | 'direct' | 'fax'
export interface Sender { readonly name: string | null; readonly point: ContactPoint }

const DIRECT = 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-direct'
const WAY = 'urn:refero:way' // what the address can be answered by, beyond its kind
const NO_HOST = /\.invalid$/i

/**
 * The sender of a mail. A fax's is its number (`+16085550191@fax.invalid`). Of a forwarded mail whose sender is one of our own domains, who wrote what was
 * forwarded. Null where nobody can be answered.
 */
export const senderOf = (mail: Part, forwardedFrom: readonly Address[], kind: SenderKind, ours: readonly string[]): Sender | null => {
  const [from] = [...fieldsOf(mail, 'reply-to'), ...fieldsOf(mail, 'from')].flatMap(addressesOf)
  const isOurs = (one: Address | undefined): boolean => ours.some((domain) => one?.address.toLowerCase().endsWith(`@${domain.toLowerCase()}`))
  const sender = isOurs(from) ? forwardedFrom.find((one) => !isOurs(one)) : from
  if (!sender || !/^[^\s@]+@[^\s@]+$/.test(sender.address)) return null
  const [local = '', host = ''] = sender.address.split('@')
  const name = sender.name.trim() || null
  if (kind === 'fax' || /^fax\.invalid$/i.test(host)) return /\d{3}/.test(local) ? { name, point: { system: 'fax', value: local } } : null
  if (NO_HOST.test(host)) return null
  return { name, point: { system: 'email', value: sender.address, ...(kind === 'direct' && { extension: [{ url: DIRECT, valueBoolean: true }] }) } }
}

/** A sender who sends 360X, and so can be answered by it. */
export const asCloser = ({ name, point }: Sender): Sender => ({ name, point: { ...point, extension: [...(point.extension ?? []), { url: WAY, valueCode: '360x' }] } })

/** The kind of door that a mail says it came by, where the step is not told. */
export const kindOf = (mail: Part): SenderKind => (fieldsOf(mail, 'x-refero-kind').map(textValue)[0] === 'fax' ? 'fax' : 'email')

type Entry = BundleEntry<FhirResource>
/** The bundle whose requester has the sender's contact; where the request names no requester, the sender is it. `id` makes URLs. */
export const withSender = (bundle: Bundle, { name, point }: Sender, id: (name: string) => string): Bundle => {
  const entries = [...(bundle.entry ?? [])] as Entry[]
  const at = entries.findIndex(({ resource }) => resource?.resourceType === 'ServiceRequest')
  const request = entries[at]?.resource as ServiceRequest | undefined
  if (!request) return bundle
  const named = request.requester?.reference
  const index = named === undefined ? -1 : entries.findIndex(({ fullUrl, resource }) => fullUrl === named || (resource && `${resource.resourceType}/${resource.id}` === named))
  const there = entries[index]
  if (there?.resource && 'telecom' in there.resource && Array.isArray(there.resource.telecom) && there.resource.telecom.some((one: ContactPoint) => one.system === point.system && one.value === point.value)) return bundle
  if (there?.resource && ['PractitionerRole', 'Practitioner', 'Organization'].includes(there.resource.resourceType)) {
    const known = (there.resource as { telecom?: ContactPoint[] }).telecom ?? []
    entries[index] = { ...there, resource: { ...there.resource, telecom: [...known, point] } as FhirResource }
  } else if (named === undefined && !request.requester?.identifier && !request.requester?.display) {
    entries[at] = { ...entries[at], resource: { ...request, requester: { reference: id('sender') } } }
    entries.push({ fullUrl: id('sender'), resource: { resourceType: 'Organization', name: name ?? nameless(point), telecom: [point] } })
  }
  return { ...bundle, entry: entries }
}

/** Of a sender without a name: what it is reached by. */
const nameless = ({ system, value = '' }: ContactPoint): string => (system === 'fax' ? `Fax ${value}` : value)
