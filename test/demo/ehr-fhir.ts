/**
 * An EHR's FHIR side, as Refero meets it: a server that keeps what is written to it, and subscriptions that tell of charts, appointments, visits, tasks and notes,
 * one resource at a time, with references as the server itself writes them: relative.
 */
import type { Test } from 'tap'
import { fhirServer, type Resource, type TestServer } from '../connectors/fhir-server.js'
import { type Person, PEOPLE } from './people.js'

/** What a hand-off made there. */
export interface Taken { readonly request: Resource; readonly task: Resource; readonly summary: Resource; readonly patient: string }

export interface FhirEhr {
  readonly server: TestServer
  readonly chartSystem: string
  /** What carries a reference number of ours; undefined while not all of it is there. */
  taken(reference: string): Taken | undefined
  /** Each is kept by the server, then told; resolves with what was told. */
  register(person: Person): Promise<Resource>
  book(taken: Taken, start: Date): Promise<Resource> // Appointment
  see(taken: Taken, appointment: Resource): Promise<Resource> // Encounter
  sign(taken: Taken, encounter: Resource, text: string, docStatus?: 'preliminary' | 'final'): Promise<Resource> // DocumentReference
  answer(taken: Taken, status: string, reason?: string): Promise<Resource> // Task
  /** Tells of a resource as it is, with PUT; rejects where it is not taken. */
  tell(resource: Resource): Promise<Resource>
}

const CHARTS = 'urn:oid:1.3.6.1.4.1.99999.6.1'
const OURS = 'urn:refero:referral'

/** `feed` is the address to which its subscriptions tell: the engine's door. */
export async function openFhirEhr(t: Pick<Test, 'teardown'>, feed: () => string, charts: readonly Person[] = PEOPLE): Promise<FhirEhr> {
  const server = await fhirServer(t)
  server.now = () => new Date()
  for (const person of charts) server.resources.push({ ...patientOf(person), id: `p-${person.mrn}` })
  let numbers = 0
  const keep = async (resource: Omit<Resource, 'id'> & { resourceType: string }): Promise<Resource> => {
    const made: Resource = { ...resource, id: `${resource.resourceType.slice(0, 1).toLowerCase()}-${++numbers}` }
    server.resources.push(made)
    return ehr.tell(made)
  }
  const ours = (type: string, value: string): Resource | undefined => server.of(type).find(({ identifier }) => Array.isArray(identifier) && (identifier as { system?: string; value?: string }[]).some((one) => one.system === OURS && one.value === value))

  const ehr: FhirEhr = {
    server, chartSystem: CHARTS,
    taken: (reference) => {
      const [request, task, summary] = [ours('ServiceRequest', `${reference}/service-request`), ours('Task', `${reference}/task`), ours('DocumentReference', `${reference}/summary`)]
      return request && task && summary && { request, task, summary, patient: (request.subject as { reference: string }).reference }
    },
    register: async (person) => ehr.tell(server.of('Patient').find(({ id }) => id === `p-${person.mrn}`) ?? { ...patientOf(person), id: `p-${person.mrn}` }),
    book: ({ request, patient }, start) => keep({
      resourceType: 'Appointment', status: 'booked', start: start.toISOString(), end: new Date(start.getTime() + 1_800_000).toISOString(), basedOn: [{ reference: `ServiceRequest/${request.id}` }],
      participant: [{ actor: { reference: patient }, status: 'accepted' }, { actor: { type: 'Practitioner', display: 'Nils Aubert' }, status: 'accepted' }, { actor: { type: 'Location', display: 'North' }, status: 'accepted' }],
    }),
    see: ({ patient }, appointment) => keep({
      resourceType: 'Encounter', status: 'finished', class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB' }, subject: { reference: patient }, appointment: [{ reference: `Appointment/${appointment.id}` }], period: { start: new Date().toISOString() },
    }),
    sign: ({ patient }, encounter, text, docStatus = 'final') => keep({
      resourceType: 'DocumentReference', masterIdentifier: { system: 'urn:oid:1.3.6.1.4.1.99999.6.2', value: `N-${encounter.id}` }, status: 'current', docStatus, type: { coding: [{ system: 'http://loinc.org', code: '11488-4' }], text: 'Consultation note' },
      subject: { reference: patient }, date: new Date().toISOString(), content: [{ attachment: { contentType: 'text/plain', title: 'Consultation note', data: Buffer.from(text).toString('base64') } }], context: { encounter: [{ reference: `Encounter/${encounter.id}` }] },
    }),
    answer: async ({ task }, status, reason) => {
      const { businessStatus: _, statusReason: __, ...rest } = task
      const changed: Resource = { ...rest, resourceType: 'Task', status, ...(reason !== undefined && { statusReason: { text: reason } }), lastModified: new Date().toISOString() }
      server.resources[server.resources.findIndex((one) => one.resourceType === 'Task' && one.id === task.id)] = changed
      return ehr.tell(changed)
    },
    tell: async (resource) => {
      const answer = await fetch(`${feed()}/${resource.resourceType}/${resource.id}`, { method: 'PUT', headers: { 'content-type': 'application/fhir+json' }, body: JSON.stringify(resource) })
      if (!answer.ok) throw new Error(`${resource.resourceType} was answered ${answer.status}: ${await answer.text()}`)
      return resource
    },
  }
  return ehr
}

const patientOf = ({ mrn, family, given, sex, birthDate, street, city, zip, phone }: Person): Resource => ({
  resourceType: 'Patient', active: true, identifier: [{ type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0203', code: 'MR' }] }, system: CHARTS, value: mrn }],
  name: [{ use: 'official', family, given: [given] }], birthDate: birthDate.replace(/(....)(..)(..)/, '$1-$2-$3'), gender: sex === 'M' ? 'male' : 'female',
  telecom: [{ system: 'phone', value: `608${phone}`, use: 'home' }], address: [{ line: [street], city, state: 'WI', postalCode: zip }],
})
