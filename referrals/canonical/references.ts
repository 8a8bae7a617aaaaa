/** Which entry of a Bundle a reference means: by its full URL, relative to who refers, by type and id, or by identifier (FHIR R4, Bundle §2.36.4.1). */
import type { FhirResource, Identifier, Reference } from 'fhir/r4.js'

export interface Entry { readonly fullUrl: string; readonly resource: FhirResource }
/** The entry that a reference of the resource at `from` means; null where the Bundle has none, or two that it could be. */
export type Resolve = (reference: Reference | undefined, from: string) => Entry | null

export const resolver = (entries: readonly Entry[]): Resolve => {
  const byUrl = new Map<string, Entry>()
  const byName = new Map<string, Entry | null>() // "Patient/12"; null: two resources are called so
  for (const entry of entries) {
    byUrl.set(unversioned(entry.fullUrl), entry)
    const names = new Set([entry.resource.id && `${entry.resource.resourceType}/${entry.resource.id}`, nameIn(entry.fullUrl)])
    for (const name of names) if (name) byName.set(name, byName.has(name) ? null : entry)
  }
  const identified = (wanted: Identifier, type: string | undefined): Entry | null => {
    if (!wanted.system && !type) return null // a bare number may be anything's
    const fitting = entries.filter(({ resource }) => (!type || resource.resourceType === type) && identifiersOf(resource).some((one) => one.value === wanted.value && one.system === wanted.system))
    return fitting.length === 1 ? (fitting[0] ?? null) : null
  }
  return (reference, from) => {
    if (!reference) return null
    const url = unversioned(reference.reference ?? '')
    if (url) {
      const base = nameIn(from) && from.slice(0, -(nameIn(from)?.length ?? 0))
      const exact = byUrl.get(url) ?? (base && !url.includes(':') ? byUrl.get(base + url) : undefined)
      if (exact) return exact
      const name = url.startsWith('urn:uuid:') ? null : nameIn(url)
      const named = name ? byName.get(name) : entries.find(({ resource }) => resource.id && url === `urn:uuid:${resource.id}`)
      // A reference to another server is not to a resource of this one that has the same number.
      if (named && !(url.includes(':') && /^https?:/.test(named.fullUrl))) return named
    }
    return reference.identifier?.value ? identified(reference.identifier, reference.type) : null
  }
}

export const identifiersOf = (resource: FhirResource): readonly Identifier[] => {
  const { identifier } = resource as { identifier?: Identifier | Identifier[] }
  return identifier === undefined ? [] : Array.isArray(identifier) ? identifier : [identifier]
}

const unversioned = (url: string): string => url.replace(/\/_history\/[^/]+$/, '')
/** "Patient/12" at the end of a URL. */
const nameIn = (url: string): string | null => /(?:^|\/)([A-Z][A-Za-z]+\/[A-Za-z0-9.-]{1,64})$/.exec(url)?.[1] ?? null
