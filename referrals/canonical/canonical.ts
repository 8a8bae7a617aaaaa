/** The canonical referral: one Bundle around one ServiceRequest and its Task, whatever form it came in. */
import type { Bundle, FhirResource, Provenance, ServiceRequest, Task } from 'fhir/r4.js'
import { requestsInOrder } from './choose-request.js'
import { type Taken, joined, takeIn } from './intake.js'
import { type Resolve, resolver } from './references.js'
import { stableUrl } from './stable-id.js'
import { isAbort } from './view.js'

/** Of a Provenance: where a value came from, "name[0].family PID-5.1.1"; `$this` stands for the whole resource. */
export const VALUE_SOURCE = 'urn:refero:value-source'
const FULFILL = { system: 'http://hl7.org/fhir/CodeSystem/task-code', code: 'fulfill' }
const ORDERED = new Set(['order', 'original-order', 'reflex-order', 'filler-order', 'instance-order'])
const TASK_STATUS: Readonly<Record<string, Task['status']>> = { revoked: 'cancelled', completed: 'completed', 'entered-in-error': 'entered-in-error', draft: 'draft' }

export interface Canonical {
  readonly bundle: Bundle<FhirResource> | null // null: it cannot be taken as one referral
  readonly problems: readonly string[] // sentences with FHIR paths, for the sender and for people
}

/**
 * Makes the canonical Bundle (`collection`) of a lone ServiceRequest with what it contains, or of a Bundle of any type: the ServiceRequest that is
 * the referral first (further orders after it), its Task, the Patient, then everything else. Contained resources become entries, references name
 * full URLs, and what came with no Provenance of its values (`urn:refero:value-source`) gets one that names the resource they came from.
 * Nothing is made up: what the referral lacks stays lacking. Doing it again changes nothing.
 * `receivedAt` (an ISO instant) is when it came: Provenance.recorded.
 */
export const canonical = (input: unknown, receivedAt?: string): Canonical => {
  const { entries: taken, problem } = takeIn(input)
  if (problem) return { bundle: null, problems: [problem] }
  const entries = joined(taken)
  const resolve = resolver(entries)
  const [first, ...further] = requestsInOrder(entries, resolve) as readonly (Taken & { resource: ServiceRequest })[]
  if (!first) return { bundle: null, problems: [withoutRequest(entries)] }
  const subject = subjectOf(first, entries, resolve)
  const task = entries.find((entry): entry is Taken & { resource: Task } => entry.resource.resourceType === 'Task' && !isAbort(entry.resource) && resolve(entry.resource.focus, entry.fullUrl) === first)
  const strangers = [...further, ...(task ? [task] : [])].filter((entry) => {
    const theirs = resolve('for' in entry.resource ? entry.resource.for : (entry.resource as ServiceRequest).subject, entry.fullUrl)
    return subject.entry && theirs && theirs !== subject.entry
  })
  if (strangers.length > 0) return { bundle: null, problems: [`${first.came}.subject and ${strangers.map(({ came, resource }) => `${came}.${resource.resourceType === 'Task' ? 'for' : 'subject'}`).join(', ')} are different patients; a referral is about one. Send one Bundle for each patient.`] }

  const request = { ...first, resource: asOrder(first.resource, subject.entry) }
  const own = task ? { ...task, resource: asTask(task.resource) } : newTask(request)
  const patient = subject.entry as Taken | null
  const ahead = new Set<Taken>([first, ...further, ...(task ? [task] : []), ...(patient ? [patient] : [])])
  const all = [request, ...further, own, ...(patient ? [patient] : []), ...entries.filter((entry) => !ahead.has(entry))]
  const source = entries.some(({ resource }) => resource.resourceType === 'Provenance' && resource.target.some(isTraced)) ? [] : [provenance(all.filter(({ came }) => came), input as FhirResource, receivedAt)]
  return { bundle: bundleOf([...all, ...source], input as FhirResource), problems: [...subject.problems, ...problemsOf(first, entries, patient, resolve)] }
}

/** Who is referred: the request's subject, or the one Patient that its identifier or nothing else can mean. */
const subjectOf = (request: Taken & { readonly resource: ServiceRequest }, entries: readonly Taken[], resolve: Resolve): { readonly entry: Taken | null; readonly problems: readonly string[] } => {
  const { subject } = request.resource
  const entry = resolve(subject, request.fullUrl) as Taken | null
  const people = entries.filter(({ resource }): boolean => resource.resourceType === 'Patient')
  if (entry?.resource.resourceType === 'Patient') return { entry, problems: [] }
  if (entry) return { entry: null, problems: [`${request.came}.subject is a ${entry.resource.resourceType}; a referral is about a Patient.`] }
  const named = subject?.reference
  if (people.length === 1 && !named) return { entry: people[0] ?? null, problems: [`${request.came}.subject names no Patient; the only one there, ${people[0]?.came}, is taken.`] }
  if (named) return { entry: null, problems: [`${request.came}.subject is "${named.slice(0, 100)}", which is not here; send the Patient with the referral.`] }
  return { entry: null, problems: [people.length === 0 ? `There is no Patient; ${request.came}.subject must name the one who is referred.` : `${request.came}.subject names no Patient, and there are ${people.length}.`] }
}

const problemsOf = (request: Taken & { readonly resource: ServiceRequest }, entries: readonly Taken[], patient: Taken | null, resolve: Resolve): readonly string[] => [
  ...(ORDERED.has(request.resource.intent) ? [] : [`${request.came}.intent is ${request.resource.intent ?? 'missing'}; it is taken as an order.`]),
  ...entries.flatMap(({ came, fullUrl, resource }) => {
    const { subject, patient: whose } = resource as { subject?: Task['for']; patient?: Task['for'] }
    const person = resolve(subject ?? whose, fullUrl)
    return patient && person?.resource.resourceType === 'Patient' && person !== patient && resource !== request.resource ? [`${came} is about another patient than the referral and is not read.`] : []
  }),
]

const withoutRequest = (entries: readonly Taken[]): string => {
  const task = entries.find((entry): entry is Taken & { resource: Task } => entry.resource.resourceType === 'Task')
  const focus = task?.resource.focus?.reference
  return task && focus ? `${task.came}.focus is "${focus.slice(0, 100)}", which is not here; send the ServiceRequest with the Task.` : `There is no ServiceRequest${entries.length > 0 ? ` among ${[...new Set(entries.map(({ resource }) => resource.resourceType))].slice(0, 8).join(', ')}` : ''}; a referral is one.`
}

const asOrder = (request: ServiceRequest, patient: Taken | null): ServiceRequest => ({ ...request, intent: 'order', ...(patient ? { subject: { ...request.subject, reference: patient.fullUrl } } : {}) })

const asTask = (task: Task): Task => {
  const codes = task.code?.coding ?? []
  return codes.some(({ code }) => code === FULFILL.code) ? task : { ...task, code: { ...task.code, coding: [...codes, FULFILL] } }
}

/** The task of a request that came without one: everything in it the request says. */
const newTask = ({ fullUrl, resource }: Taken & { readonly resource: ServiceRequest }): Taken => ({
  fullUrl: stableUrl('task', fullUrl), came: '',
  resource: {
    resourceType: 'Task', ...(resource.identifier ? { identifier: resource.identifier } : {}), status: TASK_STATUS[resource.status] ?? 'requested', intent: 'order', ...(resource.priority ? { priority: resource.priority } : {}),
    code: { coding: [FULFILL] }, focus: { reference: fullUrl }, ...(resource.subject ? { for: resource.subject } : {}), ...(resource.encounter ? { encounter: resource.encounter } : {}),
    ...(resource.authoredOn ? { authoredOn: resource.authoredOn } : {}), ...(resource.requester ? { requester: resource.requester } : {}), ...(resource.performer?.[0] ? { owner: resource.performer[0] } : {}),
  },
})

const bundleOf = (entries: readonly Taken[], input: FhirResource): Bundle<FhirResource> => {
  const { id, identifier, timestamp } = input.resourceType === 'Bundle' ? input : ({} as Partial<Bundle>)
  const revision = input.resourceType === 'Bundle' && input.type === 'collection' ? input.meta?.versionId : undefined
  return {
    resourceType: 'Bundle', ...(id ? { id } : {}), meta: { versionId: revision ?? '1' }, type: 'collection', ...(timestamp ? { timestamp } : {}), ...(identifier ? { identifier } : {}),
    entry: entries.map(({ fullUrl, resource }) => ({ fullUrl, resource })),
  }
}

const isTraced = ({ extension }: { extension?: { url: string }[] | undefined }): boolean => extension?.some(({ url }) => url === VALUE_SOURCE) ?? false

/** Says of every resource where it stood in what came. */
const provenance = (entries: readonly Taken[], input: FhirResource, receivedAt: string | undefined): Taken => {
  const bundle = input.resourceType === 'Bundle' ? (input as Bundle) : null
  const name = `${input.resourceType}${input.id ? `/${input.id}` : ''}`
  const recorded = receivedAt ?? input.meta?.lastUpdated ?? bundle?.timestamp
  const header = entries.find(({ resource }) => resource.resourceType === 'MessageHeader')
  const sender = header?.resource.resourceType === 'MessageHeader' ? (header.resource.sender ?? (header.resource.source.name ? { display: header.resource.source.name } : undefined)) : undefined
  const resource = {
    resourceType: 'Provenance',
    target: entries.map(({ fullUrl, came }) => ({ extension: [{ url: VALUE_SOURCE, valueString: `$this ${came}` }], reference: fullUrl })),
    ...(recorded ? { recorded } : { _recorded: { extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'unknown' }] } }),
    agent: [{ who: sender ?? { display: 'a FHIR client' } }],
    entity: [{ role: 'source', what: { ...(bundle?.identifier ? { identifier: bundle.identifier } : {}), display: name } }],
  }
  return { fullUrl: stableUrl('provenance', ...entries.map(({ fullUrl }) => fullUrl)), came: '', resource: resource as Provenance }
}
