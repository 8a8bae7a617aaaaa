/** A Bundle as its readers look at it: resources with their FHIR paths, references followed, and the referral's own request, task and patient. */
import type { Bundle, FhirResource, Patient, Reference, ServiceRequest, Task } from 'fhir/r4.js'
import { type Entry, resolver } from './references.js'

/** A resource, its full URL, and its place as FHIRPath: `Patient`, or `Bundle.entry[4].resource` where there are several of its type. */
export interface Placed<Resource extends FhirResource = FhirResource> { readonly resource: Resource; readonly url: string; readonly at: string }
export type TypeName = FhirResource['resourceType']
export type OfType<Name extends TypeName> = Extract<FhirResource, { resourceType: Name }>

export interface View {
  readonly all: readonly Placed[]
  readonly request: Placed<ServiceRequest> | null // the referral
  readonly further: readonly Placed<ServiceRequest>[] // ordered with it
  readonly task: Placed<Task> | null
  readonly patient: Placed<Patient> | null
  of<Name extends TypeName>(name: Name): readonly Placed<OfType<Name>>[]
  follow(reference: Reference | undefined, from: Placed): Placed | null
  /** The resources of a type that are about the referral's patient, or about nobody. */
  about<Name extends TypeName>(name: Name): readonly Placed<OfType<Name>>[]
}

export const viewOf = (bundle: Bundle): View => {
  const entries = entriesOf(bundle)
  const counts = new Map<string, number>()
  for (const { resource } of entries) counts.set(resource.resourceType, (counts.get(resource.resourceType) ?? 0) + 1)
  const all = entries.map(({ resource, fullUrl, index }): Placed => ({ resource, url: fullUrl, at: counts.get(resource.resourceType) === 1 ? resource.resourceType : `Bundle.entry[${index}].resource` }))
  const byUrl = new Map(all.map((placed) => [placed.url, placed]))
  const resolve = resolver(entries)
  const of = <Name extends TypeName>(name: Name) => all.filter((placed): placed is Placed<OfType<Name>> => placed.resource.resourceType === name)
  const follow = (reference: Reference | undefined, from: Placed): Placed | null => byUrl.get(resolve(reference, from.url)?.fullUrl ?? '') ?? null

  const requests = of('ServiceRequest')
  const request = requests[0] ?? null
  const task = of('Task').find((one) => request !== null && follow(one.resource.focus, one) === request && !isAbort(one.resource)) ?? null
  const subject = request && (follow(request.resource.subject, request) ?? (task && follow(task.resource.for, task)))
  const patient = subject?.resource.resourceType === 'Patient' ? (subject as Placed<Patient>) : request ? null : (of('Patient')[0] ?? null)
  const about = <Name extends TypeName>(name: Name) => of(name).filter((placed) => {
    const { subject: whose, patient: whoseToo } = placed.resource as { subject?: Reference; patient?: Reference }
    const person = follow(whose ?? whoseToo, placed)
    return person === null || person.resource.resourceType !== 'Patient' || person === patient
  })
  return { all, request, further: requests.slice(1).filter((one) => follow(one.resource.subject, one) === patient), task, patient, of, follow, about }
}

/** The resources of a Bundle with their places in it; an entry without a URL is named by its place. */
export const entriesOf = (bundle: Bundle): readonly (Entry & { readonly index: number })[] =>
  (bundle.entry ?? []).flatMap(({ fullUrl, resource }, index) => (resource ? [{ fullUrl: fullUrl ?? `#${index}`, resource: resource as FhirResource, index }] : []))

/** A Task that asks to give up another: a referrer's request to cancel (task-code `abort`; HL7 Clinical Order Workflows). */
export const isAbort = (task: Task): boolean => task.code?.coding?.some(({ code }) => code === 'abort') ?? false
