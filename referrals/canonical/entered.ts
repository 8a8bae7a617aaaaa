/** What a person has read in documents, as a canonical Bundle: each value's Provenance says who read it, and on which page. */
import type { Bundle, BundleEntry, Condition, ContactPoint, Coverage, Extension, FhirResource, Organization, Patient, Practitioner, PractitionerRole, ServiceRequest } from 'fhir/r4.js'
import type { Urgency } from '../contracts.js'
import { VALUE_SOURCE } from './canonical.js'
import { IDENTIFIER_TYPES, NPI } from './reading.js'
import { stableUrl } from './stable-id.js'

export interface Entered {
  readonly patient?: {
    readonly family?: string; readonly given?: string; readonly birthDate?: string; readonly sex?: 'male' | 'female' | 'other' | 'unknown'; readonly phone?: string; readonly email?: string; readonly number?: string
    readonly address?: string; readonly city?: string; readonly state?: string; readonly postalCode?: string; readonly language?: string
  }
  readonly referrer?: { readonly family?: string; readonly given?: string; readonly npi?: string; readonly practice?: string; readonly phone?: string; readonly fax?: string; readonly direct?: string; readonly email?: string }
  readonly number?: string // of the order, as the referrer calls it
  readonly reason?: string
  readonly diagnoses?: readonly { readonly code?: string; readonly text?: string }[] // ICD-10-CM
  readonly service?: string
  readonly urgency?: Urgency
  readonly coverage?: { readonly payer?: string; readonly plan?: string; readonly memberId?: string; readonly group?: string; readonly authorization?: string }
}
export interface Reader { readonly by: string; readonly at: string; readonly page: number | null; readonly pages: Readonly<Record<string, number>> }

const ICD10 = 'http://hl7.org/fhir/sid/icd-10-cm'
const DIRECT = 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-direct'

/** `about` makes its URLs: the referral. `pages` says the page of a value (`patient`, `patient.birthDate`, `reason`); `page` that of all others. */
export function enteredBundle(values: Entered, about: string, { by, at, page, pages }: Reader): Bundle {
  const url = (name: string): string => stableUrl('entered', about, at, name)
  const sources = new Map<string, Extension[]>()
  const entries: BundleEntry<FhirResource>[] = []
  /** `paths`: the place in the resource of each value that was entered. */
  const add = (name: string, resource: FhirResource, paths: Readonly<Record<string, string>>): { reference: string } => {
    entries.push({ fullUrl: url(name), resource })
    sources.set(url(name), Object.entries(paths).map(([value, path]) => ({ url: VALUE_SOURCE, valueString: `${path} ${placeOf(value)}` })))
    return { reference: url(name) }
  }
  const placeOf = (value: string): string => {
    const number = pages[value] ?? pages[value.split('.')[0] ?? ''] ?? page
    return number === null ? 'person' : `person:page-${number}`
  }
  const { patient, referrer, coverage, diagnoses = [], reason, service, urgency, number } = values
  const whose = patient && add('patient', patientOf(patient), given('patient', patient, PATIENT_PATHS))
  const requester = referrer && addReferrer(referrer, add)
  const conditions = diagnoses.map(({ code, text }, index) => add(`diagnosis ${index}`, {
    resourceType: 'Condition', code: { ...(code ? { coding: [{ system: ICD10, code: code.toUpperCase(), ...(text ? { display: text } : {}) }] } : {}), ...(text ? { text } : {}) }, subject: whose ?? { display: 'not named' },
  } satisfies Condition, { diagnoses: 'code' }))
  const insured = coverage && add('coverage', coverageOf(coverage, whose), given('coverage', coverage, COVERAGE_PATHS))
  const authorized = coverage?.authorization !== undefined && insured ? [add('authorization', {
    resourceType: 'ClaimResponse', status: 'active', type: { text: 'authorization' }, use: 'preauthorization', patient: whose ?? { display: 'not named' }, created: at, insurer: { display: coverage.payer ?? 'not named' }, outcome: 'complete', preAuthRef: coverage.authorization,
    insurance: [{ sequence: 1, focal: true, coverage: insured }],
  }, { 'coverage.authorization': 'preAuthRef' })] : []
  const request: ServiceRequest = {
    resourceType: 'ServiceRequest', status: 'active', intent: 'order', subject: whose ?? { display: 'not read yet' },
    ...(number ? { identifier: [{ type: { coding: [{ system: IDENTIFIER_TYPES, code: 'PLAC' }] }, value: number }] } : {}), ...(urgency ? { priority: urgency } : {}), ...(service ? { code: { text: service } } : {}),
    ...(reason ? { reasonCode: [{ text: reason }] } : {}), ...(requester ? { requester } : {}), ...(conditions.length > 0 ? { reasonReference: conditions } : {}), ...(insured ? { insurance: [insured, ...authorized] } : {}),
  }
  add('request', request, given('', { number, urgency, service, reason, referrer }, { number: 'identifier[0].value', urgency: 'priority', service: 'code.text', reason: 'reasonCode[0].text', referrer: 'requester' }))
  const provenance: FhirResource = {
    resourceType: 'Provenance', target: [...sources].filter(([, extension]) => extension.length > 0).map(([reference, extension]) => ({ extension, reference })), recorded: at, agent: [{ who: { display: by } }],
    entity: [{ role: 'source', what: { display: 'the documents, read by a person' } }],
  }
  const ordered = [...entries.slice(-1), ...entries.slice(0, -1), { fullUrl: url('provenance'), resource: provenance }]
  return { resourceType: 'Bundle', type: 'collection', timestamp: at, entry: ordered }
}

const PATIENT_PATHS = { family: 'name[0].family', given: 'name[0].given[0]', birthDate: 'birthDate', sex: 'gender', phone: 'telecom[0].value', email: 'telecom[1].value', number: 'identifier[0].value', address: 'address[0].line[0]', city: 'address[0].city', state: 'address[0].state', postalCode: 'address[0].postalCode', language: 'communication[0].language' }
const COVERAGE_PATHS = { payer: 'payor[0].display', plan: 'class[0].value', memberId: 'subscriberId', group: 'class[1].value' }

/** Of what was entered, where each value stands. */
const given = (name: string, values: object, paths: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(values).flatMap(([key, value]) => (value !== undefined && paths[key] ? [[name === '' ? key : `${name}.${key}`, paths[key]] as const] : [])))

const patientOf = ({ family, given: first, birthDate, sex, phone, email, number, address, city, state, postalCode, language }: NonNullable<Entered['patient']>): Patient => ({
  resourceType: 'Patient',
  ...(number ? { identifier: [{ type: { coding: [{ system: IDENTIFIER_TYPES, code: 'MR' }] }, value: number }] } : {}),
  ...(family || first ? { name: [{ ...(family ? { family } : {}), ...(first ? { given: first.split(/\s+/).filter(Boolean) } : {}) }] } : {}),
  ...(birthDate ? { birthDate } : {}), ...(sex ? { gender: sex } : {}),
  ...(phone || email ? { telecom: [...(phone ? [{ system: 'phone' as const, value: phone }] : []), ...(email ? [{ system: 'email' as const, value: email }] : [])] } : {}),
  ...(address || city || state || postalCode ? { address: [{ ...(address ? { line: [address] } : {}), ...(city ? { city } : {}), ...(state ? { state } : {}), ...(postalCode ? { postalCode } : {}) }] } : {}),
  ...(language ? { communication: [{ language: { text: language }, preferred: true }] } : {}),
})

type Add = (name: string, resource: FhirResource, paths: Readonly<Record<string, string>>) => { reference: string }

function addReferrer({ family, given: first, npi, practice, phone, fax, direct, email }: NonNullable<Entered['referrer']>, add: Add): { reference: string } {
  const points: readonly (ContactPoint | null)[] = [
    phone ? { system: 'phone', value: phone } : null, fax ? { system: 'fax', value: fax } : null, email ? { system: 'email', value: email } : null, direct ? { system: 'email', value: direct, extension: [{ url: DIRECT, valueBoolean: true }] } : null,
  ]
  const telecom = points.filter((one) => one !== null)
  const numbers = npi ? { identifier: [{ system: NPI, value: npi }] } : {}
  const person = family || first || (npi && !practice) ? add('referrer', {
    resourceType: 'Practitioner', ...numbers, ...(family || first ? { name: [{ ...(family ? { family } : {}), ...(first ? { given: first.split(/\s+/).filter(Boolean) } : {}) }] } : {}),
  } satisfies Practitioner, { 'referrer.family': 'name[0].family', 'referrer.given': 'name[0].given[0]', ...(npi ? { 'referrer.npi': 'identifier[0].value' } : {}) }) : null
  const organization = practice ? add('practice', { resourceType: 'Organization', name: practice, ...(person ? {} : numbers) } satisfies Organization, { 'referrer.practice': 'name' }) : null
  return add('role', { resourceType: 'PractitionerRole', ...(person ? { practitioner: person } : {}), ...(organization ? { organization } : {}), ...(telecom.length > 0 ? { telecom } : {}) } satisfies PractitionerRole, telecom.length > 0 ? { referrer: 'telecom' } : {})
}

const coverageOf = ({ payer, plan, memberId, group }: NonNullable<Entered['coverage']>, whose: { reference: string } | undefined): Coverage => ({
  resourceType: 'Coverage', status: 'active', beneficiary: whose ?? { display: 'not named' }, payor: [{ display: payer ?? 'not named' }], ...(memberId ? { subscriberId: memberId } : {}),
  ...(plan || group ? { class: [...(plan ? [{ type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/coverage-class', code: 'plan' }] }, value: plan, name: plan }] : []), ...(group ? [{ type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/coverage-class', code: 'group' }] }, value: group }] : [])] } : {}),
})
