/** CMS50 of FHIR resources: ServiceRequest, Task, Encounter, Procedure and Patient of one EHR, in one Bundle or many. */
import type { Bundle, FhirResource, Patient, Reference } from 'fhir/r4.js'
import { type Entry, identifiersOf, resolver } from '../canonical/references.js'
import { entriesOf } from '../canonical/view.js'
import { type Cms50, type Cms50Facts, cms50Of, type Cms50Period } from './cms50.js'
import { encounterPeriod, isOf, isReferral } from './cms50-order.js'
import type { Cms50Codes } from './settings.js'

/** A reference may reach over Bundles: `ServiceRequest/12` is the one with that id, as in the published logic. Patients are one where they share a URL, an id or a record number. */
export const cms50OfBundles = (bundles: readonly Bundle[], period: Cms50Period, codes: Cms50Codes): Cms50 => cms50Of(factsOf(bundles, codes), period)

const factsOf = (bundles: readonly Bundle[], codes: Cms50Codes): Cms50Facts => {
  const placed = bundles.flatMap((bundle, index) => {
    const entries = entriesOf(bundle).map(({ fullUrl, resource }) => ({ fullUrl: fullUrl.startsWith('#') ? `${index}${fullUrl}` : fullUrl, resource }))
    const resolve = resolver(entries)
    return entries.map((entry) => ({ ...entry, names: (reference: Reference | undefined): readonly string[] => namesOf(resolve(reference, entry.fullUrl), reference) }))
  })
  const same = sameness()
  for (const { resource, fullUrl } of placed) if (resource.resourceType === 'Patient') same.join(patientNames({ resource, fullUrl }))
  const whose = (names: readonly string[]): string | null => (names[0] === undefined ? null : same.of(names[0]))

  const reports = placed.flatMap(({ resource, names }) => (resource.resourceType === 'Task' && resource.status === 'completed' && isOf([resource.code], codes.consultantReport) && resource.executionPeriod?.end !== undefined
    ? [{ patient: whose(names(resource.for)), of: new Set((resource.basedOn ?? []).flatMap(names)), end: resource.executionPeriod.end }] : []))
  return {
    referrals: placed.flatMap(({ resource, fullUrl, names }) => {
      if (resource.resourceType !== 'ServiceRequest') return []
      const patient = whose(names(resource.subject))
      const own = ownNames({ resource, fullUrl })
      const based = reports.filter(({ patient: other, of }) => (other === null || other === patient) && own.some((name) => of.has(name)))
      return patient === null ? [] : [{ patient, id: resource.id ?? fullUrl, counts: isReferral(resource, codes), authoredOn: resource.authoredOn ?? null, reports: based.map(({ end }) => end) }]
    }),
    encounters: placed.flatMap(({ resource, names }) => {
      const patient = resource.resourceType === 'Encounter' || resource.resourceType === 'Procedure' ? whose(names(resource.subject)) : null
      const when = resource.resourceType === 'Encounter' || resource.resourceType === 'Procedure' ? encounterPeriod(resource, codes) : null
      return patient === null || when === null ? [] : [{ patient, ...when }]
    }),
  }
}

/** By which others may mean a resource: its URL, and its type and id. */
const ownNames = ({ resource, fullUrl }: Entry): readonly string[] => [fullUrl, ...(resource.id ? [`${resource.resourceType}/${resource.id}`] : [])]
const namesOf = (entry: Entry | null, reference: Reference | undefined): readonly string[] => {
  if (entry) return ownNames(entry)
  const url = reference?.reference?.replace(/\/_history\/[^/]+$/, '')
  return url && !url.startsWith('#') ? [url, ...(/[A-Z][A-Za-z]+\/[A-Za-z0-9.-]{1,64}$/.exec(url)?.slice(0, 1) ?? [])] : []
}
const patientNames = (entry: { readonly resource: Patient; readonly fullUrl: string }): readonly string[] => [
  ...ownNames(entry), ...identifiersOf(entry.resource as FhirResource).flatMap(({ system, value, type }) => (value && system && type?.coding?.some(({ code }) => code === 'MR') ? [`${system}|${value}`] : [])),
]

/** Names that mean the same. */
const sameness = () => {
  const groups = new Map<string, Set<string>>()
  return {
    join: (names: readonly string[]): void => {
      const all = new Set(names.flatMap((name) => [name, ...(groups.get(name) ?? [])]))
      for (const name of all) groups.set(name, all)
    },
    /** One of them, the same whichever is asked for. */
    of: (name: string): string => [...(groups.get(name) ?? [name])].sort()[0] ?? name,
  }
}
