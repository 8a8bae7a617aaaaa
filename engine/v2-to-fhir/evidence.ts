/** Every value of a mapped Bundle beside where it came from, as the bundle's own Provenance tells it. */
import type { Bundle, FhirResource, OperationOutcome, Provenance } from 'fhir/r4.js'
import type { Origin } from './draft.js'
import { readValueSource } from './provenance.js'

/** One value of one resource. */
export interface Evidence {
  readonly resource: string // "Patient", "Condition[2]": its type, numbered where there are several
  readonly path: string // "name[0].family", as FHIR writes it
  readonly value: string
  readonly origin: string | null // "PID-5.1"; null: the map says it, or it points at another resource
  readonly confidence: number | null // 0 … 1, where it is not certain
}

/** In the order of the bundle; Provenance and OperationOutcome themselves are left out. */
export const evidenceOf = (bundle: Bundle): readonly Evidence[] => {
  const entries = (bundle.entry ?? []).flatMap(({ fullUrl = '', resource }) => (resource ? [{ fullUrl, resource: resource as FhirResource }] : []))
  const sources = sourcesOf(entries.map(({ resource }) => resource))
  const named = entries.filter(({ resource }) => resource.resourceType !== 'Provenance' && resource.resourceType !== 'OperationOutcome')
  const names = new Map(named.map(({ fullUrl, resource: { resourceType } }) => {
    const alike = named.filter(({ resource }) => resource.resourceType === resourceType)
    return [fullUrl, alike.length === 1 ? resourceType : `${resourceType}[${alike.findIndex((each) => each.fullUrl === fullUrl) + 1}]`]
  }))
  return named.flatMap(({ fullUrl, resource }) => leaves(resource, '').map(([path, value]) => {
    const source = sourceOf(sources.get(fullUrl), path)
    return { resource: names.get(fullUrl) ?? resource.resourceType, path, value: names.get(value) ?? value, origin: source?.origin ?? null, confidence: source?.confidence ?? null }
  }))
}

/** What the bundle says could not be mapped or is not carried: a place of the message and a sentence. */
export const untold = (bundle: Bundle): readonly { readonly severity: string; readonly text: string }[] =>
  (bundle.entry ?? []).flatMap(({ resource }) => (resource?.resourceType === 'OperationOutcome' ? (resource as OperationOutcome).issue : [])).map(({ severity, diagnostics = '' }) => ({ severity, text: diagnostics }))

/** The origins of each resource's values, by the resource's URL and the path in it. */
const sourcesOf = (resources: readonly FhirResource[]): ReadonlyMap<string, ReadonlyMap<string, Origin>> => {
  const found = new Map<string, Map<string, Origin>>()
  for (const resource of resources) if (resource.resourceType === 'Provenance') collect(resource, found)
  return found
}

const collect = ({ target }: Provenance, found: Map<string, Map<string, Origin>>): void => {
  for (const { reference = '', extension = [] } of target) {
    const paths = found.get(reference) ?? new Map<string, Origin>()
    found.set(reference, paths)
    for (const source of extension.map(readValueSource)) if (source) paths.set(source.path, source)
  }
}

/** What is told of the path itself, else of what it is a part of. */
const sourceOf = (paths: ReadonlyMap<string, Origin> | undefined, path: string): Origin | undefined => {
  for (let part = path; part !== ''; part = part.slice(0, Math.max(0, part.search(/(\.|\[)[^.[]*$/)))) {
    const source = paths?.get(part)
    if (source) return source
  }
  return undefined
}

const leaves = (value: unknown, path: string): readonly (readonly [path: string, value: string])[] => {
  if (value === null || value === undefined) return []
  if (Array.isArray(value)) return value.flatMap((item, index) => leaves(item, `${path}[${index}]`))
  if (typeof value !== 'object') return [[path, String(value)]]
  return Object.entries(value).flatMap(([name, inner]) => (path === '' && name === 'resourceType' ? [] : leaves(inner, path === '' ? name : `${path}.${name}`)))
}
