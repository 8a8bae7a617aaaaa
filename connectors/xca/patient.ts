/** Who a referral is about, as a gateway is asked: the number of the referral, the patient's ids there, and demographics. */
import type { Bundle, FhirResource, Patient, ServiceRequest } from 'fhir/r4.js'

export interface PatientId { readonly value: string; readonly authority: string } // an OID
export interface Subject {
  readonly reference: string // our number of the referral
  readonly ids: readonly PatientId[] // those whose system has an OID in the settings
  readonly family: string | null
  readonly given: readonly string[]
  readonly birthDate: string | null // YYYYMMDD
  readonly gender: 'M' | 'F' | 'UN' | null
  readonly address: { readonly line: readonly string[]; readonly city: string | null; readonly state: string | null; readonly postalCode: string | null } | null
  readonly phone: string | null
}

const REFERENCE = 'urn:refero:referral'
const GENDERS: Readonly<Record<string, Subject['gender']>> = { male: 'M', female: 'F', other: 'UN' }

/** Of the Bundle of an event or a notice; a sentence where it says no referral of ours, or no patient. `oids` has the OID of each identifier system that is known there. */
export const subjectOf = (payload: Buffer, oids: Readonly<Record<string, string>>): Subject | string => {
  const resources = resourcesIn(payload)
  const request = resources?.find(({ resource }) => resource.resourceType === 'ServiceRequest')?.resource as ServiceRequest | undefined
  if (!resources || !request) return 'what came is no FHIR Bundle with a ServiceRequest'
  const reference = request.identifier?.find(({ system }) => system === REFERENCE)?.value
  if (!reference) return 'the ServiceRequest has no reference number of ours'
  const patients = resources.filter(({ resource }) => resource.resourceType === 'Patient')
  const patient = (patients.find(({ url }) => url !== undefined && url === request.subject.reference) ?? (patients.length === 1 ? patients[0] : undefined))?.resource as Patient | undefined
  if (!patient) return 'the ServiceRequest names no Patient of the Bundle'
  const [name] = [...(patient.name ?? [])].sort((a, b) => rank(a.use) - rank(b.use))
  const [address] = patient.address ?? []
  return {
    reference,
    ids: (patient.identifier ?? []).flatMap(({ system, value }) => {
      const authority = system === undefined ? undefined : oids[system]
      return authority && value ? [{ value, authority }] : []
    }),
    family: name?.family?.trim() || null, given: name?.given ?? [],
    birthDate: /^\d{4}-\d\d-\d\d$/.test(patient.birthDate ?? '') ? (patient.birthDate ?? '').replaceAll('-', '') : null, gender: GENDERS[patient.gender ?? ''] ?? null,
    address: address ? { line: address.line ?? [], city: address.city ?? null, state: address.state ?? null, postalCode: address.postalCode ?? null } : null,
    phone: patient.telecom?.find(({ system }) => system === 'phone')?.value ?? null,
  }
}

const rank = (use: string | undefined): number => ['official', 'usual', undefined].indexOf(use) + 1 || 4

const resourcesIn = (payload: Buffer): readonly { readonly url: string | undefined; readonly resource: FhirResource }[] | null => {
  try {
    const bundle = JSON.parse(payload.toString()) as Bundle<FhirResource>
    return (bundle.entry ?? []).flatMap(({ fullUrl, resource }) => (resource ? [{ url: fullUrl, resource }] : []))
  } catch {
    return null
  }
}
