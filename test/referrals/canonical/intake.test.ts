/** Referrals as FHIR doors bring them, and what their canonical Bundle says. */
import t from 'tap'
import type { Bundle, FhirResource, Provenance, ServiceRequest, Task } from 'fhir/r4.js'
import { canonical } from '../../../referrals/canonical/canonical.js'
import { factsOf } from '../../../referrals/canonical/facts.js'
import { keysOf } from '../../../referrals/canonical/keys.js'
import { RECEIVED_AT, isSound, of, referral, resource, stored, types } from './kit.js'

const FIXTURES = ['referral-contained', 'referral-transaction', 'referral-searchset', 'referral-task-message', 'referral-bundle']
const V2 = ['ref-i12-cardiology', 'ref-i12-minimal', 'ref-i13', 'ref-i14-cancel', 'ref-i12-accident', 'ref-i12-document', 'ref-i12-latin1', 'omg-o19-360x', 'omg-o19-two-orders', 'orm-o01-echo']

t.test('every form becomes one collection: the request, further orders, the task, the patient, then the rest', async (t) => {
  for (const [name, bundle] of [...FIXTURES.map((name) => [name, of(stored(`${name}.json`))] as const), ...V2.map((name) => [name, referral(name)] as const)]) {
    isSound(t, bundle, name)
    t.equal(bundle.type, 'collection')
    t.match(types(bundle).join(' '), /^(ServiceRequest )+Task (Task )*Patient/, name)
    const [request, task] = [resource(bundle, 'ServiceRequest'), resource(bundle, 'Task')]
    t.equal(request.intent, 'order')
    t.equal(task.focus?.reference, bundle.entry?.[0]?.fullUrl)
    t.ok(task.code?.coding?.some(({ code }) => code === 'fulfill'))
    t.notOk(JSON.stringify(bundle).includes('"contained":'))
    t.same(of(bundle), bundle, `${name}: doing it again changes nothing`)
  }
})

t.test('a lone request with contained resources', async (t) => {
  const facts = factsOf(of(stored('referral-contained.json')))
  t.match(facts, {
    placer: { system: 'https://marshbay.example/referrals', value: 'MB-R-77' }, priority: 'urgent', authoredOn: '2026-03-04', revoked: false, reasons: ['Reflux despite 8 weeks of omeprazole'], notes: ['No alarm symptoms.'],
    patient: { names: [{ family: 'Aas-Lindgren', given: ['Solveig'] }], birthDate: '1974-11-02', phones: ['+1-414-555-0131'], emails: ['solveig@example.org'], language: 'nb', memberIds: ['BM44120'] },
    referrer: { npi: '1679576722', practice: 'Marsh Bay Family Practice', name: { family: 'Haddad' }, specialty: { code: '207Q00000X' }, faxes: ['414-555-0132'], phones: ['414-555-0130'], emails: [], directAddresses: ['lhaddad@direct.marshbay.example'] },
    wanted: { practice: 'Lake Digestive Health', name: null }, coverage: [{ payer: 'Badger Mutual', memberId: 'BM44120', group: 'G-9' }],
  })
  t.same(facts.diagnoses.map(({ code }) => code), ['K21.9', '235595009'], 'the ICD-10-CM code of a condition comes first')
  t.same(facts.services.map(({ text }) => text), ['Gastroenterology consultation', 'Urgent'])
  t.equal(facts.patient.phones.length, 1, 'a telephone number of old is not called')
})

t.test('a transaction with relative references, a Binary, two orders and our number in a title', async (t) => {
  const bundle = of(stored('referral-transaction.json'))
  const facts = factsOf(bundle)
  t.match(facts, {
    placer: { value: 'OB-14' }, priority: 'asap', reference: null, documents: [{ title: 'Answer to R-7K3M-9QX4', type: { code: '11506-3' }, text: 'Sneezing each May; Fernández clinic.', unread: false }],
    referrer: { name: null, npi: null, practice: 'Harbor Pediatrics' }, diagnoses: [{ code: 'J30.1' }],
    services: [{ code: '95004' }, { text: 'Spirometry' }], findings: [{ what: { code: '8480-6' }, value: '102 mm[Hg]' }, { what: { code: '8462-4' }, value: '64 mm[Hg]' }],
  })
  t.same(types(bundle).filter((type) => type === 'ServiceRequest').length, 2)
  t.notMatch(JSON.stringify(bundle), /"(request|search|response)":/, 'what to do with an entry is not kept')
  const placers = keysOf(bundle, facts).filter(({ kind }) => kind === 'placer').map(({ value }) => value)
  t.same(placers, ['urn:oid:1.3.6.1.4.1.99999.6.9|OB-14', 'urn:oid:1.3.6.1.4.1.99999.6.9|OB-15', 'group urn:oid:1.3.6.1.4.1.99999.6.10|GR-3'])
})

t.test('the number in a subject is found where it passes its check, and not where two are named', async (t) => {
  const titled = (description: string): Bundle => JSON.parse(JSON.stringify(stored('referral-transaction.json')).replace('Answer to R-7K3M-9QX4', description)) as Bundle
  const own = 'R-2345-6785'
  const { newReference } = await import('../../../referrals/reference.js')
  const [one, other] = [newReference(() => 3), newReference((below) => below - 1)]
  t.equal(factsOf(of(titled(`Re: [${one}] records`))).reference, one)
  t.equal(factsOf(of(titled(`${one} and ${other}`))).reference, null)
  t.equal(factsOf(of(titled(own))).reference, null)
})

t.test('a search set: the request that another only mentions is not the referral', async (t) => {
  const bundle = of(stored('referral-searchset.json'))
  const facts = factsOf(bundle)
  t.equal(bundle.entry?.[0]?.fullUrl, 'https://ehr.example/fhir/ServiceRequest/900')
  t.match(facts, { patient: { birthOrder: 2, birthDate: '1990-01-31' }, referrer: { npi: '1730155928', name: { family: 'Abara' } }, coverage: [{ payer: 'North Shore Health', plan: 'PPO', memberId: 'NS-5' }], reasons: ['Weight loss, tremor'] })
  t.same(facts.patient.names.map(({ family }) => family), ['Moreau', 'Quist'], 'a name of old is the last')
  const keys = keysOf(bundle, facts)
  t.ok(keys.some(({ kind, value }) => kind === 'request' && value === 'https://ehr.example/fhir/ServiceRequest/900'))
  t.notOk(keys.some(({ kind }) => kind === 'visit'), 'the visit where it was made may lead to other referrals')
})

t.test('a message about a task: the request in its focus is the referral', async (t) => {
  const bundle = of(stored('referral-task-message.json'))
  const facts = factsOf(bundle)
  t.equal(bundle.entry?.[0]?.fullUrl, 'https://prairie.example/fhir/ServiceRequest/s1')
  t.match(facts, {
    placer: { system: 'https://prairie.example/referrals', value: 'PH-31' }, authoredOn: '2026-03-05T07:59:00Z', notes: ['Interpreter needed: no', 'Best time to call: after 5 pm'],
    referrer: { practice: 'Prairie Health', name: { family: 'Olsen', given: ['Karin'] }, specialty: { code: '207R00000X' }, directAddresses: ['referrals@prairie-direct.example'] }, wanted: { practice: 'YMCA of the Lakes' },
    patient: { names: [{ family: 'Whitcomb', given: ['Ruth', 'Ann'], suffix: 'Jr' }], birthDate: '1966-02', sex: null },
  })
  t.match(resource(bundle, 'Task').businessStatus?.coding?.[0]?.code, '2.0')
  t.ok(keysOf(bundle, facts).some(({ kind, value }) => kind === 'task' && value === 'https://prairie.example/fhir/Task/t1'))
})

t.test('what came as FHIR says of every resource where it stood; what came as HL7 v2 keeps its own', async (t) => {
  const made = resource(of(stored('referral-contained.json')), 'Provenance')
  t.same(made.target.map(({ extension }) => extension?.[0]?.valueString).slice(0, 2), ['$this ServiceRequest', '$this ServiceRequest.contained[0]'])
  t.equal(made.recorded, RECEIVED_AT)
  const provenances = (bundle: Bundle): readonly FhirResource[] => (bundle.entry ?? []).map((one) => one.resource as FhirResource).filter(({ resourceType }) => resourceType === 'Provenance')
  const kept = provenances(referral('ref-i12-cardiology')) as readonly Provenance[]
  t.equal(kept.length, 2)
  t.ok(kept.some(({ target }) => target.some(({ extension }) => extension?.some(({ valueString }) => valueString === 'priority RF1-2.1'))), JSON.stringify(kept[1]?.target[0]).slice(0, 600))
  const { bundle } = canonical({ resourceType: 'ServiceRequest', status: 'active', intent: 'order', subject: { display: 'x' } })
  isSound(t, bundle as Bundle, 'what came at no known time')
})

const lone = (more: Partial<ServiceRequest>): ServiceRequest => ({ resourceType: 'ServiceRequest', status: 'active', intent: 'order', subject: { reference: 'Patient/1' }, ...more })
const patient = (id: string): FhirResource => ({ resourceType: 'Patient', id, name: [{ family: `Family${id}` }] })
const bundled = (...resources: readonly FhirResource[]): Bundle => ({ resourceType: 'Bundle', type: 'collection', entry: resources.map((one) => ({ fullUrl: `https://a.example/fhir/${one.resourceType}/${one.id}`, resource: one })) })

t.test('what cannot be taken as a referral is told with its path', async (t) => {
  const cases: readonly (readonly [unknown, RegExp, boolean])[] = [
    ['text', /not a FHIR resource/, false], [null, /not a FHIR resource/, false], [{ a: 1 }, /no resourceType/, false],
    [patient('1'), /There is no ServiceRequest among Patient/, false], [{ resourceType: 'Bundle', type: 'collection' }, /There is no ServiceRequest;/, false],
    [bundled({ resourceType: 'Task', id: 't', status: 'requested', intent: 'order', focus: { reference: 'ServiceRequest/9' } } as Task, patient('1')), /Bundle\.entry\[0\]\.resource\.focus is "ServiceRequest\/9", which is not here/, false],
    [lone({}), /ServiceRequest\.subject is "Patient\/1", which is not here/, true], [lone({ subject: { display: 'Jane' } }), /There is no Patient/, true],
    [bundled(lone({ id: 'a' }), lone({ id: 'b', subject: { reference: 'Patient/2' } }), patient('1'), patient('2')), /entry\[0\]\.resource\.subject and Bundle\.entry\[1\]\.resource\.subject are different patients/, false],
    [bundled(lone({ id: 'a' }), patient('1'), patient('2'), { resourceType: 'Observation', id: 'o', status: 'final', code: { text: 'K' }, subject: { reference: 'Patient/2' }, valueString: '7' }), /entry\[3\]\.resource is about another patient/, true],
    [bundled(lone({ id: 'a', subject: { display: 'x' } }), patient('1')), /the only one there, Bundle\.entry\[1\]\.resource, is taken/, true],
    [bundled(lone({ id: 'a', intent: 'proposal' }), patient('1')), /intent is proposal; it is taken as an order/, true],
    [bundled(lone({ id: 'a', subject: { reference: 'https://b.example/fhir/Patient/1' } }), patient('1')), /which is not here/, true],
  ]
  for (const [input, says, taken] of cases) {
    const { bundle, problems } = canonical(input, RECEIVED_AT)
    t.match(problems.join(' '), says)
    t.equal(bundle !== null, taken, `${says}`)
    if (bundle) {
      isSound(t, bundle)
      t.same(factsOf(bundle).findings, [], 'nothing of another patient is read')
    }
  }
})

t.test('a referral is taken back by its status, its task, an I14, a CA, or a task that asks to give it up', async (t) => {
  const abort = (focus: string): FhirResource => ({ resourceType: 'Task', id: 'x', status: 'requested', intent: 'order', code: { coding: [{ system: 'http://hl7.org/fhir/CodeSystem/task-code', code: 'abort' }] }, focus: { reference: focus } })
  const task: FhirResource = { resourceType: 'Task', id: 't', status: 'in-progress', intent: 'order', focus: { reference: 'ServiceRequest/a' } }
  for (const [bundle, revoked] of [
    [referral('ref-i14-cancel'), true], [referral('ref-i12-cardiology'), false], [referral('orm-o01-echo', (text) => text.replace('ORC|NW', 'ORC|CA')), true],
    [of(bundled(lone({ id: 'a', status: 'revoked' }), patient('1'))), true], [of(bundled(lone({ id: 'a' }), { ...task, status: 'cancelled' } as Task, patient('1'))), true],
    [of(bundled(abort('Task/t'), lone({ id: 'a' }), task, patient('1'))), true], [of(bundled(abort('ServiceRequest/a'), lone({ id: 'a' }), patient('1'))), true], [of(bundled(lone({ id: 'a' }), task, patient('1'))), false],
  ] as const) t.equal(factsOf(bundle).revoked, revoked)
  const asked = of(bundled(lone({ id: 'a', code: { text: 'first' } }), lone({ id: 'b', code: { text: 'asked for' } }), { ...task, focus: { reference: 'ServiceRequest/b' } } as Task, patient('1')))
  t.match(factsOf(asked).services, [{ text: 'asked for' }, { text: 'first' }], 'of two requests the one that a task is about is the referral')
  const both = referral('omg-o19-two-orders', (text) => text.replace('ORC|NW', 'ORC|XX').replace('ORC|CA', 'ORC|NW').replace('ORC|XX', 'ORC|CA'))
  t.match(factsOf(both), { revoked: false, placer: { value: 'ORD8002' } }, 'of two orders the one that still stands is the referral')
})
