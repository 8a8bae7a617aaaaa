/** Whom an order goes to, as a person has said: the performer of the request, in place of whom the order named. */
import type { Bundle, BundleEntry, Provenance, Reference, ServiceRequest } from 'fhir/r4.js'
import type { Provider } from '../contracts.js'
import { VALUE_SOURCE } from './canonical.js'
import { replaced } from './changes.js'
import { recipientEntries } from './notice.js'
import { stableUrl } from './stable-id.js'
import { type Placed, type View, viewOf } from './view.js'

/** `said`: who has said so and when, for its Provenance; null where the bundle is for one letter alone. */
export function withPerformer(bundle: Bundle, provider: Provider, said: { readonly by: string; readonly at: string } | null): Bundle {
  const view = viewOf(bundle)
  const { request } = view
  if (!request) return bundle
  const added = recipientEntries({ id: provider.id, facts: provider, way: null, address: null }, 'performer') as readonly (BundleEntry & { readonly fullUrl: string })[]
  const performer: readonly Reference[] = added[0] ? [{ reference: added[0].fullUrl }] : []
  const changed = replaced(bundle, [request], (resource) => ({ ...(resource as ServiceRequest), performer: [...performer] }))
  const gone = new Set([...named(view, request), ...added.map(({ fullUrl }) => fullUrl)])
  const provenance: Provenance | null = said && {
    resourceType: 'Provenance', target: [{ extension: [{ url: VALUE_SOURCE, valueString: 'performer person' }], reference: request.url }], recorded: said.at, agent: [{ who: { display: said.by } }],
  }
  return {
    ...changed,
    entry: [...(changed.entry ?? []).filter(({ fullUrl }) => fullUrl === undefined || !gone.has(fullUrl)), ...added, ...(provenance ? [{ fullUrl: stableUrl('person', request.url, 'performer', provenance.recorded), resource: provenance }] : [])],
  }
}

/** Those whom only the request named as performers, with the people and practices in their roles. */
function named(view: View, request: Placed<ServiceRequest>): readonly string[] {
  const roles = (request.resource.performer ?? []).flatMap((reference) => view.follow(reference, request) ?? [])
  const all = roles.flatMap((role) => [role, ...(role.resource.resourceType === 'PractitionerRole' ? [view.follow(role.resource.practitioner, role), view.follow(role.resource.organization, role)] : [])]).filter((one) => one !== null)
  const own = new Set(all.map(({ url }) => url))
  const others = view.all.filter(({ url, resource }) => !own.has(url) && resource.resourceType !== 'Provenance').map(({ resource, url }) => JSON.stringify(url === request.url ? { ...resource, performer: undefined } : resource))
  return all.filter(({ url, resource }) => !others.some((text) => text.includes(`"${url}"`) || (resource.id !== undefined && text.includes(`"${resource.resourceType}/${resource.id}"`)))).map(({ url }) => url)
}
