/** What the desk writes into a Bundle, and what later messages add to it. */
import t from 'tap'
import type { Bundle, FhirResource } from 'fhir/r4.js'
import { addedWords } from '../../../referrals/canonical/added-words.js'
import { addTo } from '../../../referrals/canonical/addition.js'
import { withIdentity, withPatient, withTask } from '../../../referrals/canonical/changes.js'
import { factsOf } from '../../../referrals/canonical/facts.js'
import { isSound, mapped, of, referral, resource, stored, types, v2 } from './kit.js'

const base = referral('ref-i12-cardiology')
/** A Bundle that a change must not touch. */
const frozen = (value: unknown): void => {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) Object.values(Object.freeze(value)).forEach(frozen)
}
frozen(base)

t.test('our number is the FILL identifier of request and task, beside the referrer’s own, once', async (t) => {
  const known = withIdentity(base, { reference: 'R-7K3M-9QX4', facility: 'Heart Center' })
  isSound(t, known)
  for (const type of ['ServiceRequest', 'Task'] as const) {
    t.match(resource(known, type).identifier, [{ value: 'R2026-00117' }, { type: { coding: [{ code: 'FILL' }] }, system: 'urn:refero:referral', value: 'R-7K3M-9QX4', assigner: { display: 'Heart Center' } }])
  }
  t.same(withIdentity(known, { reference: 'R-7K3M-9QX4', facility: 'Heart Center' }), known)
})

t.test('the chart’s number comes first, for the EHR that looks for it, and the referrer’s stay; a chart of the same system matched anew takes its place', async (t) => {
  const chart = { source: 'epic-main', id: 'E-100', identifiers: [{ system: 'urn:oid:1.3.6.1.4.1.99999.8.1', value: 'E-100', type: 'MR' }] }
  const matched = withPatient(base, chart)
  isSound(t, matched)
  const numbers = (bundle: Bundle): readonly (string | undefined)[] => (resource(bundle, 'Patient').identifier ?? []).map(({ value }) => value)
  t.same(numbers(matched), ['E-100', '774411', '999-71-4321', 'ACCT5521', 'EMP-7', '1EG4TE5MK73'])
  t.equal(resource(matched, 'Patient').identifier?.[0]?.system, 'urn:oid:1.3.6.1.4.1.99999.8.1')
  t.same(withPatient(matched, chart), matched)
  t.same(numbers(withPatient(matched, { source: 'epic-main', id: 'E-7' })).slice(0, 2), ['E-7', '774411'])
  t.same(numbers(withPatient(matched, { source: 'athena', id: '9' })).slice(0, 3), ['9', 'E-100', '774411'])
})

t.test('the task stands as it is told, and what no longer holds goes', async (t) => {
  const declined = withTask(base, { status: 'rejected', businessStatus: [{ system: 'urn:x', code: '4.0', text: 'Declined' }], statusReason: 'Out of network', lastModified: '2026-03-02T15:00:00.000Z' })
  isSound(t, declined)
  t.match(resource(declined, 'Task'), { status: 'rejected', businessStatus: { coding: [{ code: '4.0' }], text: 'Declined' }, statusReason: { text: 'Out of network' } })
  const accepted = resource(withTask(declined, { status: 'accepted', businessStatus: [], statusReason: null, lastModified: '2026-03-03T15:00:00.000Z' }), 'Task')
  t.equal(accepted.businessStatus, undefined)
  t.equal(accepted.statusReason, undefined)
})

t.test('the same message once more adds nothing', async (t) => {
  const oneNumber = (text: string): string => text.replaceAll('ORD8002', 'ORD8001') // senders number all orders of a message alike
  for (const [name, change] of [...['ref-i12-cardiology', 'ref-i12-document', 'orm-o01-echo', 'ref-i12-accident', 'omg-o19-two-orders'].map((one) => [one, (text: string) => text] as const), ['omg-o19-two-orders', oneNumber] as const]) {
    const bundle = referral(name, change)
    const again = addTo(bundle, referral(name, (text) => change(text).replace(/(MSH(?:\|[^|]*){8}\|)[^|]*/, '$1OTHER-ID')))
    t.same([again.added, again.contradictions], [[], []], name)
    t.equal(again.bundle, bundle, 'the very same')
  }
})

t.test('a modification fills in and contradicts, and overwrites nothing', async (t) => {
  const { bundle, added, contradictions } = addTo(base, referral('ref-i13'))
  isSound(t, bundle)
  const request = resource(bundle, 'ServiceRequest')
  t.equal(request.priority, 'urgent')
  t.ok(contradictions.includes('ServiceRequest.priority is urgent, and what came later says stat.'), contradictions.join('\n'))
  t.ok(request.note?.some(({ text }) => text === 'ServiceRequest.priority is urgent, and what came later says stat.'))
  t.ok(request.note?.some(({ text }) => text === 'Changed to urgent after a second syncope.'))
  t.ok(request.reasonCode?.some(({ text }) => text === 'Now with syncope'))
  t.same(factsOf(bundle).diagnoses.map(({ code }) => code).toSorted(), ['I10', 'I48.91', 'R55'])
  t.ok(added.includes('Condition: Syncope, twice'), added.join('\n'))
  t.equal(bundle.meta?.versionId, '2')
  t.same(types(bundle).filter((type) => type === 'Patient').length, 1)
  const twice = addTo(bundle, referral('ref-i13'))
  t.same(twice.added, [])
  t.equal(twice.bundle, bundle)
})

t.test('an answer fills what was missing, with where it came from', async (t) => {
  const asked = referral('orm-o01-echo', (text) => text.replace('|(608)555-0155', '').replace(/IN1[^\r]*\r/, '').replace('|M||', '|||'))
  t.same(factsOf(asked).patient.phones, [])
  const answer = of(mapped(v2('orm-o01-echo').replace('MSH|', 'MSH|').replace('NC-5561', 'NC-9'), 'referral'))
  const { bundle, added, contradictions } = addTo(asked, answer)
  isSound(t, bundle)
  t.same(contradictions, [])
  const facts = factsOf(bundle)
  t.match(facts, { patient: { phones: ['(608)555-0155'], sex: 'male', memberIds: ['1EG4TE5MK73'] }, coverage: [{ payer: 'Medicare Part B' }] })
  t.ok(['Patient.telecom', 'Patient.gender', 'Coverage'].every((one) => added.some((what) => what.startsWith(one))), added.join('\n'))
  t.match(JSON.stringify(bundle), /"telecom\[0\]\.value PID-13/, 'the value’s source came with it')
  t.equal(resource(bundle, 'ServiceRequest').insurance?.length, 1)
})

const document = (value: string, identifier?: string): FhirResource => ({ resourceType: 'DocumentReference', id: `d${value.length}`, status: 'current', ...(identifier ? { masterIdentifier: { system: 'urn:x', value: identifier } } : {}), description: 'Echo report', content: [{ attachment: { contentType: 'text/plain', data: Buffer.from(value).toString('base64') } }] })
const answer = (...resources: readonly FhirResource[]): Bundle => of({ resourceType: 'Bundle', type: 'collection', entry: [{ resource: { resourceType: 'ServiceRequest', id: 's', status: 'active', intent: 'order', subject: { reference: 'Patient/1' } } }, { resource: { resourceType: 'Patient', id: '1', name: [{ family: 'Everywoman', given: ['Eve'] }], birthDate: '1961-06-15' } }, ...resources.map((one) => ({ resource: one }))] })

t.test('what was added is told in words, by kind and name', async (t) => {
  t.equal(addedWords([]), null)
  t.equal(addedWords(['DocumentReference', 'DocumentReference']), 'Added: 2 documents.')
  t.equal(addedWords(['DocumentReference: Echo report', 'DocumentReference: ECG: resting', 'AllergyIntolerance: Penicillin']), 'Added: 2 documents (Echo report, ECG: resting); an allergy (Penicillin).')
  t.equal(addedWords(['Patient.telecom[2]', 'Patient.telecom[3]', 'Patient.maritalStatus', 'RelatedPerson: Ada', 'ServiceRequest.note']), 'Added: a related person (Ada); of the patient telecom and marital status; of the order note.')
  t.equal(addedWords(Array.from({ length: 7 }, (_, n) => `Condition: C${n}`)), 'Added: 7 diagnoses (C0, C1, C2, C3, C4, 2 more).')
})

t.test('a document is added once: by its number, else by its content', async (t) => {
  const first = addTo(base, answer(document('EF 55 %')))
  isSound(t, first.bundle)
  t.same(first.added, ['DocumentReference: Echo report'])
  t.same(addTo(first.bundle, answer(document('EF 55 %'))).added, [], 'the same content')
  t.same(addTo(first.bundle, answer(document('EF 45 %'))).added, ['DocumentReference: Echo report'], 'another content')
  const numbered = addTo(base, answer(document('EF 55 %', '7')))
  t.same(addTo(numbered.bundle, answer(document('EF 55 %, signed', '7'))).added, [], 'the same number')
  t.ok(resource(first.bundle, 'ServiceRequest').supportingInfo?.some(({ reference }) => reference === first.bundle.entry?.find((one) => one.resource?.resourceType === 'DocumentReference')?.fullUrl))
})

t.test('two answers whose parts go by the same URLs do not take each other’s place', async (t) => {
  const one = addTo(base, answer(document('first')))
  const two = addTo(one.bundle, answer(document('other')))
  isSound(t, two.bundle)
  t.equal(factsOf(two.bundle).documents.filter(({ text }) => text === 'first' || text === 'other').length, 2)
})

t.test('another birth date, name or referrer is a contradiction', async (t) => {
  const stranger = of(JSON.parse(JSON.stringify(answer()).replace('1961-06-15', '1961-06-16').replace('Everywoman', 'Otherwoman')))
  const { bundle, contradictions } = addTo(base, stranger)
  t.same(contradictions, ['Patient.birthDate is 1961-06-15, and what came later says 1961-06-16.', 'Patient.name is EVERYWOMAN EVE, EVERY EVE, and what came later says Otherwoman Eve.'])
  t.equal(resource(bundle, 'Patient').birthDate, '1961-06-15')
  const other = addTo(base, referral('ref-i12-cardiology', (text) => text.replaceAll('1548291735', '1730155928').replaceAll('OKAFOR', 'TANAKA')))
  t.ok(other.contradictions.includes('ServiceRequest.requester is somebody else in what came later.'))
  isSound(t, other.bundle)
  t.equal(factsOf(other.bundle).referrer?.npi, '1548291735')
})

t.test('what came as FHIR is added to what came as HL7 v2, and a choice keeps one value', async (t) => {
  const more = of({ ...stored('referral-contained.json'), occurrenceDateTime: '2026-04-01' })
  const { bundle, contradictions } = addTo(base, more)
  isSound(t, bundle)
  t.ok(contradictions.some((one) => one.startsWith('ServiceRequest.occurrencePeriod is 2026-03-02 – 2026-06-01')), contradictions.join('\n'))
})
