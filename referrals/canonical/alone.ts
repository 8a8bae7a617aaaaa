/** Resources taken out of their Bundle: they refer to one another by type and id, and what is left behind is only named. */
import type { FhirResource } from 'fhir/r4.js'
import { withReferences } from './intake.js'
import { digestOf } from './stable-id.js'
import type { Placed } from './view.js'

/** References to what does not come along keep their display and identifier; to resources of servers, all of it. */
export const aloneWith = (parts: readonly Placed[]): readonly FhirResource[] => {
  const named = parts.map(({ url, resource }) => ({ url, resource: url ? { ...resource, id: resource.id ?? digestOf(url).slice(0, 32) } : resource }))
  const names = new Map(named.filter(({ url }) => url).map(({ url, resource }) => [url, `${resource.resourceType}/${resource.id}`]))
  const kept = new Set(names.values())
  return named.map(({ resource }) => without(withReferences(resource, (url) => names.get(url) ?? null), kept) as FhirResource)
}

const without = (value: unknown, kept: ReadonlySet<string>): unknown => {
  if (Array.isArray(value)) {
    const items = value.map((item) => without(item, kept)).filter((item) => item !== undefined)
    return items.length > 0 ? items : undefined
  }
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).flatMap(([key, item]) => {
    if (key === 'reference' && typeof item === 'string' && !kept.has(item) && !/^https?:/.test(item)) return []
    const next = without(item, kept)
    return next === undefined ? [] : [[key, next] as const]
  })
  return entries.length > 0 ? Object.fromEntries(entries) : undefined
}
