/** A later message about a referral, added to its Bundle: nothing that was known is overwritten, and nothing is there twice. */
import type { Annotation, Bundle, Extension, FhirResource, Provenance, Reference, ServiceRequest } from 'fhir/r4.js'
import { VALUE_SOURCE } from './canonical.js'
import { replaced } from './changes.js'
import { combined } from './combine.js'
import { OF_THE_MESSAGE, counterparts, digestOfContent } from './counterparts.js'
import { withReferences } from './intake.js'
import { stableUrl } from './stable-id.js'
import { type Placed, viewOf } from './view.js'

export interface Added {
  readonly bundle: Bundle // the very same where nothing was added
  readonly added: readonly string[] // "Patient.telecom[2]", "DocumentReference: Echo report"
  readonly contradictions: readonly string[] // sentences; each is also a note of the request
}
/** What is added for itself; anything else only where something that is added, or filled in, points at it. */
const SUPPORTING = new Set(['DocumentReference', 'DiagnosticReport', 'Observation', 'QuestionnaireResponse', 'AllergyIntolerance', 'MedicationStatement', 'MedicationRequest', 'Procedure', 'ImagingStudy', 'Media', 'FamilyMemberHistory', 'Immunization', 'Composition'])
const LISTS: Readonly<Record<string, 'reasonReference' | 'insurance' | 'performer'>> = { Condition: 'reasonReference', Coverage: 'insurance', ClaimResponse: 'insurance' }
/** Decided elsewhere: by the desk, or by which resources are added. */
const APART: Readonly<Record<string, readonly string[]>> = {
  ServiceRequest: ['subject', 'reasonReference', 'insurance', 'supportingInfo', 'extension'],
  Task: ['businessStatus', 'owner', 'lastModified', 'focus', 'for', 'statusReason', 'output', 'code', 'requester', 'encounter', 'identifier', 'priority', 'extension'],
}
/** Whom and what a resource points at stays, where it points at something. */
const LINKS = ['requester', 'performer', 'encounter', 'requisition', 'specimen', 'basedOn', 'replaces', 'practitioner', 'organization', 'payor', 'beneficiary', 'subscriber', 'policyHolder', 'subject', 'patient', 'result', 'author', 'context', 'content']

/**
 * `more` is a canonical Bundle of the same referral: its ServiceRequest, Patient, people and coverages say more of ours, its documents, findings and
 * conditions are added once (by number, else by content). Whether the two are about the same referral is for the caller to know; a patient of
 * another name or birth date is a contradiction here.
 */
export const addTo = (bundle: Bundle, more: Bundle): Added => {
  const theirs = viewOf(more)
  const known = withPlace(bundle, theirs.patient)
  const ours = viewOf(known)
  const pairs = counterparts(ours, theirs)
  const taken = new Set(ours.all.map(({ url }) => url))
  const fresh = theirs.all.filter(({ url, resource }) => !pairs.has(url) && !OF_THE_MESSAGE.has(resource.resourceType) && resource !== theirs.request?.resource && resource !== theirs.patient?.resource)
  const urls = new Map([...pairs].map(([url, { url: mine }]) => [url, mine]))
  for (const { url, resource } of fresh) urls.set(url, taken.has(url) ? stableUrl('added', url, digestOfContent(resource)) : url)
  const rewritten = <Value>(value: Value): Value => withReferences(value, (url) => urls.get(url) ?? null)

  const added: string[] = []
  const contradictions: string[] = []
  const origins = new Map<string, Extension[]>()
  const sources = valueSources(more)
  const resources = new Map(ours.all.map(({ url, resource }) => [url, resource]))
  for (const [url, mine] of pairs) {
    const other = theirs.all.find((one) => one.url === url)
    if (!other || OF_THE_MESSAGE.has(mine.resource.resourceType)) continue
    const result = combined(mine.resource, rewritten(other.resource), [...(APART[mine.resource.resourceType] ?? []), ...LINKS.filter((key) => key in mine.resource)])
    resources.set(mine.url, result.resource)
    const at = mine.resource.resourceType
    added.push(...result.filled.map(({ path }) => `${at}.${path}`))
    contradictions.push(...[...result.contradictions, ...(mine === ours.patient ? otherName(mine, other) : [])].map((one) => `${at}.${one.path} is ${one.ours}, and what came later says ${one.theirs}.`))
    const from = result.filled.flatMap(({ path, from: origin }) => (sources.get(url) ?? []).flatMap((source) => moved(source, origin, path)))
    if (from.length > 0) origins.set(mine.url, from)
  }
  const appended = worthAdding(fresh.map((one) => ({ ...one, resource: rewritten(one.resource), came: one.url, url: urls.get(one.url) ?? one.url })), [...resources.values()])
  const different = differentRequester(theirs.request, pairs, ours.request)
  if (different) contradictions.push(different)
  for (const { url, came, resource } of appended) {
    added.push(named(resource))
    const from = sources.get(came)
    if (from) origins.set(url, [...from])
  }
  if (ours.request) {
    const request = resources.get(ours.request.url) as ServiceRequest
    resources.set(ours.request.url, linked(noted(request, contradictions), appended.map(({ resource, url }) => ({ type: resource.resourceType, url }))))
  }
  const changed = added.length > 0 || (ours.request !== null && resources.get(ours.request.url) !== ours.request.resource)
  if (!changed) return { bundle, added, contradictions }
  const entry = [
    ...(known.entry ?? []).map((one, index) => (one.resource ? { ...one, resource: resources.get(one.fullUrl ?? `#${index}`) ?? one.resource } : one)),
    ...appended.map(({ url, resource }) => ({ fullUrl: url, resource })),
    ...provenance(theirs.of('Provenance'), origins, rewritten, taken),
  ]
  return { bundle: { ...bundle, meta: { ...bundle.meta, versionId: String(Number(bundle.meta?.versionId ?? '1') + 1) }, entry: entry as NonNullable<Bundle['entry']> }, added, contradictions }
}

/** Of whom nothing was known is the first patient that is named. */
const withPlace = (bundle: Bundle, patient: Placed | null): Bundle => {
  const { request, task, patient: known, all } = viewOf(bundle)
  if (!patient || known || !request || all.some(({ url }) => url === patient.url)) return bundle
  const whose = { reference: patient.url }
  const placed = replaced(bundle, [request, task], (resource) => (resource.resourceType === 'Task' ? { ...resource, for: whose } : { ...(resource as ServiceRequest), subject: whose }))
  return { ...placed, entry: [...(placed.entry ?? []), { fullUrl: patient.url, resource: { resourceType: 'Patient' } }] }
}

interface Fresh extends Placed { readonly came: string }
/** Conditions, coverages and what supports the request, and whatever these, or what was filled in, point at. */
const worthAdding = (fresh: readonly Fresh[], known: readonly FhirResource[]): readonly Fresh[] => {
  const byUrl = new Map(fresh.map((one) => [one.url, one]))
  const wanted = new Set<Fresh>()
  const want = (url: string): null => {
    const found = byUrl.get(url)
    if (found && !wanted.has(found)) {
      wanted.add(found)
      withReferences(found.resource, want)
    }
    return null
  }
  for (const { url, resource: { resourceType } } of fresh) if (LISTS[resourceType] || SUPPORTING.has(resourceType) || resourceType === 'ServiceRequest') want(url)
  for (const resource of known) withReferences(resource, want)
  return fresh.filter((one) => wanted.has(one))
}

const otherName = (mine: Placed, other: Placed): readonly { path: string; ours: string; theirs: string }[] => {
  const name = ({ resource }: Placed) => (resource as { name?: { family?: string; given?: string[] }[] }).name ?? []
  const [theirs] = name(other)
  const key = (one: { family?: string; given?: string[] }): string => `${one.family ?? ''} ${one.given?.[0] ?? ''}`.trim()
  if (!theirs || name(mine).length === 0 || name(mine).some((one) => key(one).toLowerCase() === key(theirs).toLowerCase())) return []
  return [{ path: 'name', ours: name(mine).map(key).join(', '), theirs: key(theirs) }]
}

const differentRequester = (theirs: Placed<ServiceRequest> | null, pairs: ReadonlyMap<string, Placed>, ours: Placed<ServiceRequest> | null): string | null => {
  const reference = theirs?.resource.requester?.reference
  return reference && ours?.resource.requester?.reference && !pairs.has(reference) ? 'ServiceRequest.requester is somebody else in what came later.' : null
}

const named = (resource: FhirResource): string => {
  const { description, title, name, code, type } = resource as { description?: unknown; title?: unknown; name?: unknown; code?: { text?: string; coding?: { display?: string; code?: string }[] }; type?: { text?: string; coding?: { display?: string }[] } }
  const words = [description, title, name, code?.text, code?.coding?.[0]?.display, code?.coding?.[0]?.code, type?.text, type?.coding?.[0]?.display].find((one) => typeof one === 'string')
  return `${resource.resourceType}${words ? `: ${words}` : ''}`
}

/** A note for each contradiction, once. */
const noted = (request: ServiceRequest, contradictions: readonly string[]): ServiceRequest => {
  const fresh = contradictions.filter((text) => !request.note?.some((one) => one.text === text)).map((text): Annotation => ({ text }))
  return fresh.length > 0 ? { ...request, note: [...(request.note ?? []), ...fresh] } : request
}

const linked = (request: ServiceRequest, appended: readonly { readonly type: string; readonly url: string }[]): ServiceRequest => {
  const result = { ...request }
  for (const { type, url } of appended) {
    const key = LISTS[type] ?? (SUPPORTING.has(type) ? 'supportingInfo' : null)
    if (key) result[key] = [...((result[key] as Reference[] | undefined) ?? []), { reference: url }]
  }
  return appended.some(({ type }) => LISTS[type] ?? SUPPORTING.has(type)) ? result : request
}

/** Where the values of each resource came from, by its URL. */
const valueSources = (bundle: Bundle): ReadonlyMap<string, readonly Extension[]> => new Map(viewOf(bundle).of('Provenance').flatMap(({ resource }) => resource.target.flatMap(({ reference, extension }) => {
  const sources = (extension ?? []).filter(({ url }) => url === VALUE_SOURCE)
  return reference && sources.length > 0 ? [[reference, sources] as const] : []
})))

/** A value's source under the path that it was moved to; none where it is the source of something else. */
const moved = (source: Extension, from: string, to: string): readonly Extension[] => {
  const [path = '', ...rest] = (source.valueString ?? '').split(' ')
  if (path === '$this') return [{ ...source, valueString: [to, `${rest[0]}.${from}`, ...rest.slice(1)].join(' ') }]
  return path === from || path.startsWith(`${from}.`) || path.startsWith(`${from}[`) ? [{ ...source, valueString: [`${to}${path.slice(from.length)}`, ...rest].join(' ') }] : []
}

/** The later message's own Provenance of values, of what was added from it. */
const provenance = (theirs: readonly Placed<Provenance>[], origins: ReadonlyMap<string, Extension[]>, rewritten: <Value>(value: Value) => Value, taken: ReadonlySet<string>): NonNullable<Bundle['entry']> => {
  const traced = theirs.find(({ resource }) => resource.target.some(({ extension }) => extension?.some(({ url }) => url === VALUE_SOURCE)))
  if (!traced || origins.size === 0) return []
  const resource: Provenance = { ...rewritten(traced.resource), target: [...origins].map(([reference, extension]) => ({ extension, reference })) }
  return [{ fullUrl: taken.has(traced.url) ? stableUrl('added', traced.url, ...origins.keys()) : traced.url, resource }]
}
