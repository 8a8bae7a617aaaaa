/** Which ServiceRequest of a Bundle is the referral: the one that a message or a task is about, not one that another only mentions. */
import type { Reference, ServiceRequest } from 'fhir/r4.js'
import type { Entry, Resolve } from './references.js'
import { isAbort } from './view.js'

const OPEN = new Set(['draft', 'active', 'on-hold', 'unknown'])

/** The requests, the referral first; the others keep their order. */
export const requestsInOrder = (entries: readonly Entry[], resolve: Resolve): readonly (Entry & { readonly resource: ServiceRequest })[] => {
  const requests = entries.filter((entry): entry is Entry & { resource: ServiceRequest } => entry.resource.resourceType === 'ServiceRequest')
  const asked = askedFor(entries, resolve)
  const mentioned = mentionedBy(entries, resolve)
  const standing = (entry: Entry & { resource: ServiceRequest }): number =>
    (asked.has(entry) ? 0 : 8) + (mentioned.has(entry) ? 4 : 0) + (OPEN.has(entry.resource.status) ? 0 : entry.resource.status === 'revoked' ? 1 : 2)
  const [first] = [...requests].sort((a, b) => standing(a) - standing(b)) // a stable sort: of two alike the first
  return first ? [first, ...requests.filter((one) => one !== first)] : []
}

/** What a MessageHeader or a Task has in focus, through a Task where it is one (BSeR). */
const askedFor = (entries: readonly Entry[], resolve: Resolve): ReadonlySet<Entry> => {
  const found = new Set<Entry>()
  const look = (reference: Reference | undefined, from: string, depth: number): void => {
    const entry = resolve(reference, from)
    if (entry?.resource.resourceType === 'ServiceRequest') found.add(entry)
    if (entry?.resource.resourceType === 'Task' && depth < 3) look(entry.resource.focus, entry.fullUrl, depth + 1)
  }
  for (const { fullUrl, resource } of entries) {
    if (resource.resourceType === 'MessageHeader') for (const focus of resource.focus ?? []) look(focus, fullUrl, 0)
    if (resource.resourceType === 'Task') look(resource.focus, fullUrl, isAbort(resource) ? 1 : 0)
  }
  return found
}

/** Orders that something else is based on, replaces or brings along. */
const mentionedBy = (entries: readonly Entry[], resolve: Resolve): ReadonlySet<Entry> => new Set(entries.flatMap(({ fullUrl, resource }) => {
  const { basedOn, replaces, supportingInfo } = resource as { basedOn?: Reference | Reference[]; replaces?: Reference[]; supportingInfo?: Reference[] }
  return resource.resourceType === 'Task' ? [] : [basedOn, replaces, supportingInfo].flat().flatMap((reference) => resolve(reference, fullUrl) ?? [])
}))
