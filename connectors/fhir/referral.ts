/** Reads a canonical referral: the Bundle around one ServiceRequest, its references followed. */
import { MessageFault } from '../../engine/errors.js'
import type { Resource } from './exchange.js'

export interface Coding { readonly system?: string; readonly code?: string; readonly display?: string }
export interface Concept { readonly coding?: readonly Coding[]; readonly text?: string }
export interface Identifier { readonly type?: Concept; readonly system?: string; readonly value?: string; readonly assigner?: { readonly display?: string } }
export interface Name { readonly family?: string; readonly given?: readonly string[]; readonly prefix?: readonly string[]; readonly suffix?: readonly string[]; readonly use?: string; readonly text?: string }
export interface Contact { readonly system?: string; readonly value?: string; readonly use?: string }

export interface Referral {
  readonly request: Resource
  readonly patient: Resource
  /** What no other referral has: our reference number, or the referrer's number with whose it is. */
  readonly number: string
  readonly resources: readonly Resource[]
  /** The resource that a reference (or its text) leads to, within the bundle. */
  follow(reference: unknown): Resource | null
}

/** Throws a MessageFault where the bundle is no referral that could be handed to an EHR. */
export const readReferral = (bundle: unknown): Referral => {
  const entries = list<{ readonly fullUrl?: string; readonly resource?: Resource }>((bundle as Resource | null)?.entry).flatMap(({ fullUrl, resource }) => (resource ? [{ fullUrl, resource }] : []))
  const byReference = new Map<string, Resource>()
  for (const { fullUrl, resource } of entries) {
    if (typeof resource.id === 'string') byReference.set(`${resource.resourceType}/${resource.id}`, resource)
    if (fullUrl) byReference.set(fullUrl, resource)
  }
  const follow = (reference: unknown): Resource | null => byReference.get(referenceText(reference)) ?? null
  const requests = entries.filter(({ resource }) => resource.resourceType === 'ServiceRequest').map(({ resource }) => resource)
  const [request] = requests
  if (!request) throw missing('there is no ServiceRequest in the bundle', 'Bundle.entry')
  const patient = follow(request.subject)
  if (patient?.resourceType !== 'Patient') throw missing('the ServiceRequest leads to no Patient of the bundle', 'ServiceRequest.subject')
  return { request, patient, number: numberOf(request), resources: entries.map(({ resource }) => resource), follow }
}

const numberOf = (request: Resource): string => {
  const identifiers = list<Identifier>(request.identifier)
  const filler = identifiers.find((each) => hasType(each, 'FILL') && each.value)
  if (filler?.value) return filler.value
  const placer = identifiers.find((each) => hasType(each, 'PLAC') && whose(each) && each.value)
  if (placer) return `${whose(placer)}/${placer.value}`
  throw missing('the referral has no number of ours (type FILL), and the referrer’s (type PLAC) does not say whose it is: what is written could not be found again', 'ServiceRequest.identifier')
}

const whose = ({ system, assigner }: Identifier): string => system ?? assigner?.display ?? ''

const missing = (reason: string, location: string): MessageFault => new MessageFault({ kind: 'required', reason, location })

export const list = <Item>(value: unknown): readonly Item[] => (Array.isArray(value) ? value as Item[] : [])
export const hasType = ({ type }: Identifier, code: string): boolean => list<Coding>(type?.coding).some((coding) => coding.code === code)
export const referenceText = (reference: unknown): string => (typeof reference === 'string' ? reference : String((reference as { reference?: unknown } | null | undefined)?.reference ?? ''))

// ── In words ────────────────────────────────────────────────────────────────────────────

export const conceptWords = (concept: unknown): string => {
  const { coding, text } = (concept ?? {}) as Concept
  const codes = list<Coding>(coding).flatMap(({ code, display }) => (code && display && display !== text ? [`${display} (${code})`] : code ? [text ? `(${code})` : code] : display ? [display] : []))
  return [...(text ? [text] : []), ...codes.slice(0, 1)].join(' ')
}

/** "EVERYWOMAN, EVE E" */
export const nameWords = (resource: Resource | null): string => {
  const names = Array.isArray(resource?.name) ? list<Name>(resource.name) : []
  if (typeof resource?.name === 'string') return resource.name
  const name = names.find(({ use }) => use === 'official') ?? names[0]
  return name?.text ?? [name?.family, list<string>(name?.given).join(' ')].filter(Boolean).join(', ')
}

export const contactOf = (resource: Resource | null, system: string): string => list<Contact>(resource?.telecom).find((each) => each.system === system)?.value ?? ''
