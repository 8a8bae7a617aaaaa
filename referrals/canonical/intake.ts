/** Resources as they come, a lone one or those of any Bundle, as entries that have a URL each and refer to one another by it. */
import type { Bundle, BundleEntry, FhirResource, Reference } from 'fhir/r4.js'
import { type Entry, type Resolve, resolver } from './references.js'
import { stableUrl } from './stable-id.js'

/** Where an entry stood in what came: "ServiceRequest/77", "Bundle.entry[2].resource", "Bundle.entry[2].resource.contained[0]". */
export interface Taken extends Entry { readonly came: string }
const MOST_ENTRIES = 5000

/** The resources of what came; null where it is none that a referral can be read from, and why. */
export const takeIn = (input: unknown): { readonly entries: readonly Taken[]; readonly problem: string | null } => {
  if (!isResource(input)) return { entries: [], problem: 'What came is not a FHIR resource: it has no resourceType. Send a ServiceRequest, or a Bundle that has one.' }
  if (input.resourceType !== 'Bundle') return { entries: lifted([{ fullUrl: urlOf(input, undefined, 0), resource: input, came: input.resourceType }]), problem: null }
  const list: readonly BundleEntry<FhirResource>[] = (input as Bundle<FhirResource>).entry ?? []
  if (list.length > MOST_ENTRIES) return { entries: [], problem: `Bundle.entry has ${list.length} entries; a referral has at most ${MOST_ENTRIES}. Send fewer.` }
  const kept = list.flatMap(({ fullUrl, resource, request }, index) => (isResource(resource) && request?.method !== 'DELETE' ? [{ fullUrl: urlOf(resource, fullUrl, index), resource, came: `Bundle.entry[${index}].resource` }] : []))
  const seen = new Set<string>()
  return { entries: lifted(kept.filter(({ fullUrl }) => !seen.has(fullUrl) && seen.add(fullUrl))), problem: null }
}

/** Every reference to a resource that is there names it by its full URL; others stay as they are. */
export const joined = (entries: readonly Taken[]): readonly Taken[] => {
  const resolve = resolver(entries)
  return entries.map((entry) => ({ ...entry, resource: referring(entry.resource, resolve, entry.fullUrl) }))
}

/** The same resource, its references (and the URLs of its attachments) put through a function; one that has none is given back itself. */
export const withReferences = <Value>(value: Value, change: (url: string) => string | null): Value => {
  if (Array.isArray(value)) {
    const items = value.map((item) => withReferences(item, change))
    return items.some((item, index) => item !== value[index]) ? (items as Value) : value
  }
  if (typeof value !== 'object' || value === null) return value
  let changed: Record<string, unknown> | null = null
  for (const [key, item] of Object.entries(value)) {
    const isUrl = typeof item === 'string' && (key === 'reference' || (key === 'url' && ('contentType' in value || 'title' in value || /^(?:Binary\/|urn:uuid:|#)/.test(item))))
    const next = isUrl ? (change(item) ?? item) : withReferences(item, change)
    if (next !== item) changed = { ...(changed ?? value), [key]: next }
  }
  return (changed ?? value) as Value
}

const referring = (resource: FhirResource, resolve: Resolve, from: string): FhirResource => {
  const byUrl = withReferences(resource, (url) => resolve({ reference: url }, from)?.fullUrl ?? null)
  return byIdentifier(byUrl, resolve, from)
}

/** A reference that has only an identifier, of a resource that is there, gets that one's URL too. */
const byIdentifier = <Value>(value: Value, resolve: Resolve, from: string): Value => {
  if (Array.isArray(value)) return value.map((item) => byIdentifier(item, resolve, from)) as Value
  if (typeof value !== 'object' || value === null) return value
  const reference = value as Reference
  if (reference.identifier?.value && !reference.reference && Object.keys(value).every((key) => ['identifier', 'type', 'display', 'extension', 'id'].includes(key)) && !('resourceType' in value)) {
    const entry = resolve(reference, from)
    if (entry && entry.fullUrl !== from) return { reference: entry.fullUrl, ...value }
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, byIdentifier(item, resolve, from)])) as Value
}

/** Contained resources as entries of their own. */
const lifted = (entries: readonly Taken[]): readonly Taken[] => entries.flatMap((entry): readonly Taken[] => {
  const { contained, ...rest } = entry.resource as FhirResource & { contained?: FhirResource[] }
  if (!contained?.length) return [entry]
  const urls = new Map<string, string>(contained.map(({ id }, index) => [`#${id ?? index}`, stableUrl('contained', entry.fullUrl, id ?? String(index))]))
  const change = (url: string): string | null => (url === '#' ? entry.fullUrl : (urls.get(url) ?? null))
  return [
    { ...entry, resource: withReferences(rest as FhirResource, change) },
    ...contained.map((resource, index) => {
      const { id, ...own } = resource
      return { fullUrl: urls.get(`#${id ?? index}`) ?? '', resource: withReferences(own as FhirResource, change), came: `${entry.came}.contained[${index}]` }
    }),
  ]
})

const isResource = (value: unknown): value is FhirResource => typeof value === 'object' && value !== null && typeof (value as { resourceType?: unknown }).resourceType === 'string'

/** Its own URL where that is absolute; else one made of what it is called, or of where it stands. */
const urlOf = (resource: FhirResource, fullUrl: string | undefined, index: number): string =>
  fullUrl && /^(?:urn:(?:uuid|oid):|https?:\/\/)/.test(fullUrl) ? fullUrl : stableUrl('resource', resource.resourceType, fullUrl ?? resource.id ?? String(index))
