/** A canonical referral or a notice as a document is written from it: its resources by type, and whom they refer to. */
import type { Bundle, FhirResource, Reference } from 'fhir/r4.js'

type Of<Name extends FhirResource['resourceType']> = Extract<FhirResource, { resourceType: Name }>

export interface Source {
  of<Name extends FhirResource['resourceType']>(name: Name): readonly Of<Name>[]
  follow(reference: Reference | undefined): FhirResource | null
}

export const sourceOf = (bundle: Bundle): Source => {
  const resources = (bundle.entry ?? []).flatMap(({ fullUrl, resource }) => (resource ? [{ fullUrl, resource: resource as FhirResource }] : []))
  const byUrl = new Map(resources.flatMap(({ fullUrl, resource }) => [...(fullUrl ? [[fullUrl, resource] as const] : []), ...(resource.id ? [[`${resource.resourceType}/${resource.id}`, resource] as const] : [])]))
  return {
    of: <Name extends FhirResource['resourceType']>(name: Name) => resources.map(({ resource }) => resource).filter((one): one is Of<Name> => one.resourceType === name),
    follow: (reference) => byUrl.get(reference?.reference ?? '') ?? null,
  }
}
