/** The providers of a FHIR Bundle: PractitionerRole with its Practitioner and Organization, and those without a role. */
import type { Bundle, Endpoint, Reference } from 'fhir/r4.js'
import { providerFacts } from '../canonical/provider-facts.js'
import { pathsInto } from '../canonical/reading.js'
import { type Placed, viewOf } from '../canonical/view.js'
import type { ProviderFacts } from '../contracts.js'

/** One for each role; a person or a practice that no role is of, too. Direct addresses are those of telecoms and of `direct-project` endpoints. */
export const providersIn = (bundle: Bundle): readonly ProviderFacts[] => {
  const entry = (bundle.entry ?? []).map((one, index) => ({ ...one, fullUrl: one.fullUrl ?? (one.resource?.id ? `${one.resource.resourceType}/${one.resource.id}` : `urn:entry:${index}`) }))
  const view = viewOf({ ...bundle, entry })
  const roles = view.of('PractitionerRole')
  const inRoles = new Set(roles.map((role) => view.follow(role.resource.practitioner, role)?.url))
  const practices = new Set(roles.map((role) => view.follow(role.resource.organization, role)?.url))
  const all: readonly Placed[] = [
    ...roles.filter(({ resource }) => resource.active !== false),
    ...view.of('Practitioner').filter(({ url, resource }) => !inRoles.has(url) && resource.active !== false), ...view.of('Organization').filter(({ url, resource }) => !practices.has(url) && resource.active !== false),
  ]
  return all.flatMap((placed) => {
    const facts = providerFacts(view, { reference: placed.url }, placed, placed.at, 'provider', pathsInto({}))
    if (!facts) return []
    const endpoints = placed.resource.resourceType === 'Organization' ? (placed.resource.endpoint ?? []) : []
    const direct = endpoints.flatMap((reference: Reference) => directAddress(view.follow(reference, placed)?.resource as Endpoint | undefined))
    return [{ ...facts, directAddresses: [...new Set([...facts.directAddresses, ...direct])] }]
  })
}

const directAddress = (endpoint: Endpoint | undefined): readonly string[] =>
  (endpoint?.resourceType === 'Endpoint' && endpoint.connectionType.code === 'direct-project' ? [endpoint.address.replace(/^mailto:/i, '').trim()] : [])
