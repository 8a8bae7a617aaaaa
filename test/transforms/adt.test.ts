/** Admissions, registrations, changes and merges: what a message about a patient or a visit becomes. */
import type { Bundle, FhirResource } from 'fhir/r4.js'
import t from 'tap'
import toFhir from '../../transforms/to-fhir/index.js'
import { all, at, fixture, lines, message, one, tools } from '../engine/v2-to-fhir/kit.js'

const step = toFhir.create({ with: 'adt', timezone: 'America/Chicago' }, tools)
const bundleOf = (bytes: Buffer): Bundle => {
  const result = step(message(bytes))
  if (!Array.isArray(result) || !result[0]) throw new Error('the step makes one message')
  return result[0].body as Bundle
}
const told = (bundle: Bundle): readonly string[] => all(bundle, 'OperationOutcome').flatMap(({ issue }) => issue.flatMap(({ expression }) => expression ?? []))
const types = (bundle: Bundle): ReadonlySet<string> => new Set((bundle.entry ?? []).map(({ resource }) => (resource as FhirResource).resourceType))

t.test('an admission is a message of its patient, visit, people, places, insurances and findings', async (t) => {
  const bundle = bundleOf(fixture('hl7v2/adt-a01.hl7'))
  t.match(bundle, { type: 'message', timestamp: '2026-04-11T08:30:00-05:00', identifier: { value: 'MEA0001' } })
  t.match(bundle.entry?.[0]?.resource, { resourceType: 'MessageHeader', eventCoding: { code: 'A01' }, source: { name: 'MEADOW_ADT', software: 'Meadow ADT', version: '7.2' }, sender: { reference: one(bundle, 'MessageHeader').sender?.reference } })
  t.match(at(bundle, one(bundle, 'MessageHeader').sender?.reference), { name: 'MEADOW', address: [{ country: 'USA' }] })
  const [patient] = all(bundle, 'Patient')
  t.match(patient, {
    identifier: [{ system: 'urn:oid:2.16.840.1.113883.19.70', value: 'M5501', type: { coding: [{ code: 'MR' }] } }, { system: 'http://hl7.org/fhir/sid/us-ssn' }, { value: 'A7781' }, { value: 'MN-D55', period: { end: '2028-02-14' } }, { system: 'http://hl7.org/fhir/sid/us-medicare' }],
    name: [{ use: 'official', family: 'HALVORSEN', given: ['SIGRID', 'ANNE'] }, { family: 'BERG' }],
    birthDate: '1961-02-14', gender: 'female', address: [{ city: 'DULUTH', district: 'SAINT LOUIS' }], telecom: [{ use: 'home' }, { system: 'email' }, { use: 'work' }],
    communication: [{ language: { coding: [{ system: 'urn:ietf:bcp:47', code: 'no' }, { code: 'nor' }] } }],
  })
  t.equal(patient?.address?.length, 1, 'the county is of the one address')
  t.same(patient?.extension?.filter(({ url }) => url.endsWith('patient-citizenship')).map(({ extension }) => extension?.[0]?.valueCodeableConcept?.coding?.[0]?.code), ['US', 'NO'])
  t.match(patient?.contact, [{ name: { family: 'HALVORSEN' }, telecom: [{}], relationship: [{}, {}] }, { name: { family: 'BERG' }, telecom: [{ value: '+1 (218) 5550104' }, { use: 'mobile' }] }, { organization: { reference: /^urn:uuid:/ }, period: { start: '2020-01-01' } }])
  t.equal(patient?.contact?.length, 3, 'each NK1 is one contact, however often its fields repeat')
  t.match(at(bundle, patient?.contact?.[2]?.organization?.reference), { resourceType: 'Organization', name: 'NORTH SHORE FREIGHT', contact: [{ name: { family: 'LUND' } }] })
  t.match(patient?.generalPractitioner?.map(({ reference }) => at(bundle, reference).resourceType), ['Organization', 'Practitioner', 'PractitionerRole'])

  const visit = one(bundle, 'Encounter')
  t.match(visit, {
    status: 'in-progress', class: { code: 'IMP' }, identifier: [{ value: 'V9001', type: { coding: [{ code: 'VN' }] } }], serviceType: { coding: [{ code: 'CAR' }] }, period: { start: '2026-04-11T08:15:00-05:00' },
    location: [{ status: 'completed' }, { status: 'active', location: { display: 'Bed B, Room 412, 4W, Floor 4, MAIN, MEADOW' } }, { status: 'active' }],
    priority: { coding: [{ code: 'UR' }] }, meta: { security: [{ code: 'R' }] }, length: { value: 3, code: 'd' }, hospitalization: { specialArrangement: [{ coding: [{ code: 'wheel' }] }] },
    diagnosis: [{ use: { coding: [{ code: 'AD' }] }, rank: 1 }, { use: { coding: [{ code: 'W' }] }, rank: 2 }],
  })
  t.match(visit.participant?.map(({ type }) => type?.[0]?.coding?.[0]?.code), ['ATND', 'REF', 'REF', 'ADM', 'AT'])
  t.equal(at(bundle, visit.participant?.[0]?.individual?.reference), at(bundle, visit.participant?.[3]?.individual?.reference), 'the same person is one Practitioner')
  const bed = at(bundle, visit.location?.[1]?.location?.reference)
  t.match(bed, { resourceType: 'Location', name: 'B', physicalType: { coding: [{ code: 'bd' }] } })
  t.match(at(bundle, bed.resourceType === 'Location' ? bed.partOf?.reference : undefined), { name: '412', physicalType: { coding: [{ code: 'ro' }] } })
  t.match(at(bundle, visit.diagnosis?.[1]?.condition.reference), { code: { text: 'Shortness of breath on exertion' }, verificationStatus: { coding: [{ code: 'provisional' }] } })
  t.match(all(bundle, 'Condition')[1]?.extension?.find(({ url }) => url.endsWith('condition-dueTo'))?.valueReference?.reference, visit.diagnosis?.[0]?.condition.reference)

  t.match(all(bundle, 'AllergyIntolerance'), [
    { category: ['medication'], type: 'allergy', code: { coding: [{ code: '7980' }] }, reaction: [{ severity: 'severe', manifestation: [{ text: 'Hives' }, { text: 'Swelling' }] }], onsetDateTime: '1999' },
    { type: 'intolerance', reaction: [{ severity: 'moderate' }] },
    { identifier: [{ value: 'AL-7' }], onsetString: 'as a child', verificationStatus: { coding: [{ code: 'confirmed' }] }, recorder: { reference: /^urn:uuid:/ } },
  ])
  t.match(all(bundle, 'Procedure'), [{ performedPeriod: { start: '2026-04-11T08:20:00-05:00', end: '2026-04-11T08:35:00-05:00' }, performer: [{ function: { text: 'surgeon' } }] }, { performedDateTime: '2026-04-11', partOf: [{ reference: /^urn:uuid:/ }] }])
  const [group, medicare] = all(bundle, 'Coverage')
  t.match(group, { order: 1, relationship: { coding: [{ code: 'spouse' }] }, subscriberId: 'NSH-77001' })
  t.match(at(bundle, group?.subscriber?.reference), { resourceType: 'RelatedPerson', identifier: [{ value: 'NSH-77001' }, { value: 'E-9' }, { value: '999-55-0202' }] })
  t.match(medicare, { order: 2, identifier: [{}, { system: 'http://hl7.org/fhir/sid/us-medicare', value: '1EG4-TE5-MK73' }] }, 'IN2 belongs to the IN1 before it')
  t.equal(at(bundle, medicare?.subscriber?.reference).resourceType, 'Patient')
  t.match(one(bundle, 'Account'), { identifier: [{ value: 'A7781' }], coverage: [{}, {}], guarantor: [{ party: { reference: /^urn:uuid:/ }, period: { start: '2024-01-01' } }] })
  t.match(all(bundle, 'CareTeam'), [{ participant: [{ role: [{ text: 'case manager' }], member: { display: 'OLSEN' } }] }])
  t.equal(all(bundle, 'CareTeam').length, 1, 'a family doctor alone is no team')
  t.match(one(bundle, 'EpisodeOfCare'), { identifier: [{ value: 'EP-3' }], diagnosis: [{ rank: 1 }, { rank: 2 }] })
  t.match(all(bundle, 'RelatedPerson').find(({ identifier }) => identifier?.[0]?.value === 'M0100'), { name: [{ use: 'maiden', family: 'BERG' }], relationship: [{ text: 'mother' }] })
  t.match(all(bundle, 'Provenance').find(({ reason }) => reason), { recorded: '2026-04-11T08:29:00-05:00', reason: [{ coding: [{ code: 'PATRQT' }] }], occurredDateTime: '2026-04-11T08:15:00-05:00', agent: [{ who: { display: 'KRAUSE, IDA' } }] })
  t.same(told(bundle).filter((place) => !place.startsWith('PR1')), ['PV1-20', 'IN1[2]-16'], 'what the insurance says already, and the patient’s own name')
})

t.test('a merge keeps both records: the one that stays replaces the one that went before', async (t) => {
  const bundle = bundleOf(fixture('hl7v2/adt-a40.hl7'))
  const [stays, prior] = all(bundle, 'Patient')
  t.match(stays, { identifier: [{ value: 'M5501' }], link: [{ type: 'replaces' }] })
  t.match(prior, { active: false, identifier: [{ value: 'M0044' }, { value: 'T-9' }], name: [{ family: 'HALVORSON' }], link: [{ type: 'replaced-by' }] })
  t.equal(at(bundle, stays?.link?.[0]?.other.reference), prior)
  t.equal(at(bundle, prior?.link?.[0]?.other.reference), stays)
  t.match(one(bundle, 'Account'), { status: 'unknown', identifier: [{ value: 'A0044' }], subject: [{}] })
  t.equal(at(bundle, one(bundle, 'Account').subject?.[0]?.reference), prior)
})

t.test('several merges in one message keep to their own pairs', async (t) => {
  const bundle = bundleOf(lines('MSH|^~\\&|A|B|C|D|20260302||ADT^A40|1|P|2.5.1', 'PID|1||S1', 'MRG|P1', 'PID|2||S2', 'MRG|P2'))
  const pairs = all(bundle, 'Patient').filter(({ active }) => active !== false).map(({ identifier, link }) => {
    const other = at(bundle, link?.[0]?.other.reference)
    return [identifier?.[0]?.value, other.resourceType === 'Patient' ? other.identifier?.[0]?.value : '', link?.length]
  })
  t.same(pairs, [['S1', 'P1', 1], ['S2', 'P2', 1]])
})

t.test('a newborn registered without a visit: years, nulls, local codes and words alone', async (t) => {
  const bundle = bundleOf(fixture('hl7v2/adt-a28-newborn.hl7'))
  t.match(one(bundle, 'Patient'), { identifier: [{ value: 'N7001' }, { value: 'N7002' }], birthDate: '2026', gender: 'unknown', multipleBirthInteger: 2, extension: [{}, { extension: [{ url: 'detailed', valueCoding: { code: '2131-1' } }, { url: 'text', valueString: 'Other, Sami' }] }] })
  t.notOk(one(bundle, 'Patient').deceasedBoolean, 'a null says nothing')
  t.notOk(types(bundle).has('Encounter'), 'no visit is made up')
  t.match(one(bundle, 'AllergyIntolerance').code, { text: 'Cow milk' })
  t.match(one(bundle, 'Condition').code, { text: 'Born at 36 weeks' })
  t.match(one(bundle, 'RelatedPerson'), { identifier: [{ value: 'M5501' }], name: [{ family: 'BERG' }] })
  t.match(one(bundle, 'Coverage').payor, [{ display: 'not named' }])
  t.ok(told(bundle).includes('PID-30'), 'that a value is to be deleted is told')
})

t.test('whether a visit goes on follows from what happened', async (t) => {
  const status = (event: string, visit: string): string | undefined => all(bundleOf(lines(`MSH|^~\\&|A|B|C|D|20260302||ADT^${event}|1|P|2.5.1`, 'PID|1||5', visit)), 'Encounter')[0]?.status
  const discharged = `PV1|1|I${'|'.repeat(43)}20260302`
  t.same([status('A01', 'PV1|1|I'), status('A03', 'PV1|1|I'), status('A05', 'PV1|1|P'), status('A08', 'PV1|1|O'), status('A08', 'PV1|1|P'), status('A11', 'PV1|1|I'), status('A08', discharged), status('A13', discharged)],
    ['in-progress', 'finished', 'planned', 'in-progress', 'planned', 'cancelled', 'finished', 'in-progress'])
})

t.test('the dead, moved and renumbered, and messages with next to nothing in them', async (t) => {
  const patient = (event: string, ...segments: readonly string[]): Bundle => bundleOf(lines(`MSH|^~\\&|A|B|C|D|20260302||ADT^${event}|1|P|2.5.1`, ...segments))
  t.match(one(patient('A31', `PID|1||5${'|'.repeat(26)}20260301|Y`), 'Patient'), { deceasedDateTime: '2026-03-01' })
  t.match(one(patient('A31', `PID|1||5${'|'.repeat(27)}Y`), 'Patient'), { deceasedBoolean: true })
  t.match(one(patient('A47', 'PID|1||NEW', 'MRG|OLD'), 'Patient').identifier, [{ value: 'NEW' }, { value: 'OLD', use: 'old' }])
  t.match(all(patient('A45', 'PID|1||RIGHT', 'MRG|WRONG||||V1'), 'Patient').map(({ identifier, link }) => [identifier?.[0]?.value, link]), [['RIGHT', undefined], ['WRONG', undefined]])
  t.same([...types(patient('A08', 'PID|1'))].filter((type) => type === 'Patient'), ['Patient'])
  t.throws(() => patient('A08', 'PV1|1|I'), /^PID: the mapping needs it/)
  t.match(one(patient('A60', 'PID|1||5', 'IAM|1|DA|1^Aspirin^L|U||D'), 'AllergyIntolerance'), { verificationStatus: { coding: [{ code: 'entered-in-error' }] } })
})
