/** The patient whom a mail's Direct Context names, with where each value stands there. */
import type { BundleEntry, FhirResource, Patient } from 'fhir/r4.js'
import type { Context, PatientKey } from '../../engine/formats/mime/context.js'
import { traced } from '../../engine/v2-to-fhir/provenance.js'

const GENDERS: Readonly<Record<string, Patient['gender']>> = { m: 'male', f: 'female', male: 'male', female: 'female', o: 'other', u: 'unknown' }
interface About { readonly channel: string; readonly recorded: string; readonly id: (...names: readonly string[]) => string }

/** The Patient and its Provenance; none where the context says nothing of one. */
export const contextPatient = ({ patient, patientIds, id: number }: Context, { channel, recorded, id }: About): readonly BundleEntry<FhirResource>[] => {
  const origins: { readonly path: string; readonly origin: string }[] = []
  const said = (key: PatientKey, path: string): string | undefined => {
    if (patient[key] !== undefined) origins.push({ path, origin: `metadata.txt:patient.${key}` })
    return patient[key]
  }
  const family = said('surname', 'name[0].family')
  const first = said('givenName', 'name[0].given[0]')
  const given = [first, said('middleName', `name[0].given[${first === undefined ? 0 : 1}]`)].filter((name) => name !== undefined)
  const birthDate = said('dateOfBirth', 'birthDate')
  const gender = GENDERS[patient.gender?.toLowerCase() ?? '']
  if (gender) said('gender', 'gender')
  const [street, city, state, postalCode] = [said('streetAddress', 'address[0].line[0]'), said('localityName', 'address[0].city'), said('stateOrProvinceName', 'address[0].state'), said('postalCode', 'address[0].postalCode')]
  const phone = said('telephoneNumber', 'telecom[0].value')
  const identifier = patientIds.map(({ authority, value }, index) => {
    origins.push({ path: `identifier[${index}].value`, origin: 'metadata.txt:patient-id' })
    return { system: `urn:oid:${authority}`, value }
  })
  if (origins.length === 0) return []
  const resource: Patient = {
    resourceType: 'Patient',
    ...(identifier.length > 0 && { identifier }),
    ...((family || given.length > 0) && { name: [{ ...(family && { family }), ...(given.length > 0 && { given }) }] }),
    ...(phone && { telecom: [{ system: 'phone', value: phone }] }),
    ...(gender && { gender }), ...(birthDate && { birthDate }),
    ...((street || city || state || postalCode) && { address: [{ ...(street && { line: [street] }), ...(city && { city }), ...(state && { state }), ...(postalCode && { postalCode }) }] }),
  }
  const fullUrl = id('patient')
  const from = traced([{ fullUrl, builder: { origins } }], { controlId: number, type: 'Direct Context', recorded, id, sent: undefined, sender: channel })
  return [{ fullUrl, resource }, ...(from as readonly BundleEntry<FhirResource>[])]
}
