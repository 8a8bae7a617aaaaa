/** The facts of a referral that says little else than what a test is about. */
import type { ReferralFacts } from '../../../referrals/contracts.js'
import type { Sample } from './referrals.js'

export const TODAY = '2026-11-23'

/** A whole, well-filled referral for a knee, to take from or add to. */
export const WHOLE: ReferralFacts = {
  placer: { system: 'urn:practice', value: 'R-1', type: 'PLAC' },
  reference: null,
  authoredOn: TODAY,
  priority: 'routine',
  revoked: false,
  services: [],
  diagnoses: [{ system: 'http://hl7.org/fhir/sid/icd-10-cm', code: 'M17.11', text: null }],
  reasons: ['Right knee osteoarthritis'],
  notes: [],
  findings: [],
  documents: [{ title: 'X-ray of the knee', type: { system: 'http://loinc.org', code: '24725-4', text: null }, contentType: 'text/plain', text: 'Joint space narrowing.', unread: false }],
  patient: { identifiers: [], names: [{ family: 'Everywoman', given: ['Eve'], suffix: null, use: null }], birthDate: '1960-05-04', sex: 'female', addresses: [{ lines: ['1 Main St'], city: 'Springfield', state: 'IL', postalCode: '62701' }], phones: ['(217) 555-0142'], emails: [], memberIds: [], birthOrder: null, deceased: false, language: null },
  referrer: { npi: '1234567893', identifiers: [], name: { family: 'Carlson', given: ['Ann'], suffix: null, use: null }, practice: 'Main Street Clinic', specialty: null, address: null, phones: [], faxes: ['(217) 555-0143'], emails: [], directAddresses: [] },
  wanted: null,
  coverage: [{ payer: 'Blue Shield', payerId: null, plan: 'PPO', memberId: 'XYZ123456', group: null, authorization: null }],
  paths: { priority: 'ServiceRequest.priority', 'diagnoses[0]': 'ServiceRequest.reasonReference[0]', 'reasons[0]': 'ServiceRequest.reasonCode[0].text', 'notes[0]': 'ServiceRequest.note[0].text', 'services[0]': 'ServiceRequest.code', 'documents[0]': 'DocumentReference[0]', 'findings[0]': 'Observation[0]', wanted: 'ServiceRequest.performer[0]' },
}

/** A sample as facts; where it states no priority, routine is stated. */
export const factsOf = ({ reason, diagnosis, service, age, sex, stated }: Sample): ReferralFacts => ({
  ...WHOLE,
  priority: stated ?? 'routine',
  services: service === undefined ? [] : [{ system: null, code: service, text: null }],
  diagnoses: diagnosis === undefined ? [] : [{ system: 'http://hl7.org/fhir/sid/icd-10-cm', code: diagnosis, text: null }],
  reasons: [reason],
  documents: [],
  patient: { ...WHOLE.patient, sex: sex ?? 'female', birthDate: age === undefined ? null : new Date(Date.parse(TODAY) - (age + 0.01) * 365.25 * 86_400_000).toISOString().slice(0, 10) },
})
