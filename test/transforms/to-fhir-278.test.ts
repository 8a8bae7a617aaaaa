/** The step to-fhir on X12 278: the canonical referral of requests, responses and notifications, with its evidence. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Bundle } from 'fhir/r4.js'
import t from 'tap'
import { MessageFault } from '../../engine/errors.js'
import type { Message } from '../../engine/contracts.js'
import x12Definition from '../../engine/formats/x12/index.js'
import { canonical } from '../../referrals/canonical/canonical.js'
import { factsOf } from '../../referrals/canonical/facts.js'
import toFhir from '../../transforms/to-fhir/index.js'
import { all, at, message as hl7v2Message, fixture as anyFixture, one, RECEIVED, told, tools } from '../engine/v2-to-fhir/kit.js'

const x12 = x12Definition.create({}, tools)
const step = toFhir.create({ with: 'referral-278' }, tools)
const fixture = (name: string): Buffer => readFileSync(join(import.meta.dirname, '../../../fixtures/x12', `${name}.x12`))
const messages = (bytes: Buffer, by: string | null = '2000F'): readonly Message[] => (x12.separate(bytes) ?? [bytes]).flatMap((one) => {
  const body = x12.parse(one)
  return (by === null ? [body] : x12.split(body, by)).map((part): Message => ({ id: 7, channel: 'payer', receivedAt: RECEIVED, header: x12.readHeader(one), format: 'x12', body: part }))
})
const bundles = (bytes: Buffer): readonly Bundle[] => messages(bytes).map((one) => {
  const result = step(one)
  if (!Array.isArray(result) || !result[0]) throw new Error('the step makes one message')
  return (result[0] as Message).body as Bundle
})
const [request] = bundles(fixture('278-request')) as [Bundle]

t.test('a request has its service, reasons, visits, patient, referrer, payer and documents', async (t) => {
  t.match(one(request, 'ServiceRequest'), {
    status: 'active', intent: 'order', priority: 'urgent', authoredOn: '2026-03-02', occurrencePeriod: { start: '2026-03-02', end: '2026-06-01' }, quantityQuantity: { value: 4, unit: 'visits' },
    identifier: [{ type: { coding: [{ code: 'PLAC' }] }, value: 'R2026-00117' }], requisition: { value: 'GL20260302001' }, category: [{ coding: [{ code: '3457005' }] }, { coding: [{ code: 'SC' }] }],
    reasonCode: [{ coding: [{ system: 'http://hl7.org/fhir/sid/icd-10-cm', code: 'I48.91' }] }, { coding: [{ code: 'I10' }] }], note: [{ text: /^Palpitations for 3 weeks/ }],
  })
  t.match(one(request, 'Patient'), { birthDate: '1961-06-15', gender: 'female', name: [{ family: 'EVERYWOMAN', given: ['EVE', 'E'] }], address: [{ line: ['2222 HOME ST', 'APT 4'], city: 'MADISON', state: 'WI', postalCode: '53711' }], telecom: [{ system: 'phone', value: '6085550111' }] })
  const requester = at(request, one(request, 'ServiceRequest').requester?.reference)
  t.match(requester, { resourceType: 'PractitionerRole', specialty: [{ coding: [{ system: 'http://nucc.org/provider-taxonomy', code: '207Q00000X' }] }], telecom: [{ system: 'phone' }, { system: 'fax', value: '6085550143' }, { system: 'email' }] })
  t.match(requester.resourceType === 'PractitionerRole' && at(request, requester.practitioner?.reference), { name: [{ family: 'OKAFOR' }], identifier: [{ system: 'http://hl7.org/fhir/sid/us-npi', value: '1548291735' }] })
  const performer = at(request, one(request, 'ServiceRequest').performer?.[0]?.reference)
  t.match(performer.resourceType === 'PractitionerRole' && at(request, performer.practitioner?.reference), { name: [{ family: 'RAO' }] })
  t.match(one(request, 'Coverage'), { subscriberId: 'GLH551920034', class: [{ value: 'GRP8812' }] })
  t.match(at(request, one(request, 'Coverage').payor[0]?.reference), { name: 'GREAT LAKES HEALTH PLAN', identifier: [{ value: 'GLHP01' }] })
  t.match(one(request, 'ClaimResponse'), { preAuthRef: 'A7730041' }, 'what was authorized before')
  t.match(one(request, 'DocumentReference'), { identifier: [{ value: 'DOC4411' }] })
  t.equal(at(request, one(request, 'Task').focus?.reference), one(request, 'ServiceRequest'))
})

t.test('every value knows its element, by a path that the format reads it by', async (t) => {
  const body = x12.parse(fixture('278-request'))
  const sources = told(request)
  for (const [path, origin] of [['birthDate', '2010C/DMG-2'], ['reasonCode[0].coding[0].code', '2000E/HI-1.2'], ['subscriberId', '2010C/NM1*IL-9'], ['preAuthRef', '2000E/REF*BB-2'], ['telecom[1].value', '2010B/PER-6']]) {
    t.ok(sources.some((each) => each.path === path && each.origin === origin), `${path} from ${origin}`)
  }
  for (const { origin } of sources) if (origin.includes('-')) t.ok(x12.read(body, origin).length > 0, origin)
  t.match(one(request, 'Provenance'), { agent: [{ who: { display: 'LAKEHEALTH' } }], occurredDateTime: '2026-03-02', entity: [{ what: { identifier: { value: '000000101-101-0001' }, display: '278^request' } }] })
  const outcome = all(request, 'OperationOutcome').flatMap(({ issue }) => issue)
  t.same(outcome.filter(({ severity }) => severity === 'warning'), [])
  t.ok(outcome.some(({ expression }) => expression?.[0] === '2000E/HSD-3'), 'what has no home is told')
})

t.test('a response brings the decision, its number, dates and visits; a number of the requester stays theirs', async (t) => {
  const [response] = bundles(fixture('278-response')) as [Bundle]
  t.match(one(response, 'ClaimResponse'), { outcome: 'complete', disposition: 'modified', preAuthRef: 'GLA990127', preAuthPeriod: { start: '2026-03-05', end: '2026-06-05' }, created: '2026-03-02', item: [{ adjudication: [{ category: { text: 'decision' }, reason: { coding: [{ code: 'A6' }] } }, { category: { text: 'visits authorized' }, value: 3 }] }] })
  t.match(factsOf(canonical(response).bundle as Bundle).coverage, [{ authorization: 'GLA990127', decided: { decision: 'modified', visits: 3, from: '2026-03-05', until: '2026-06-05' } }])
  t.match(one(response, 'ServiceRequest').identifier, [{ type: { coding: [{ code: 'PLAC' }] }, value: 'R2026-00117' }, { type: { coding: [{ code: 'FILL' }] }, value: 'GL-88-4417' }])
  const decided = (code: string) => one(bundles(Buffer.from(fixture('278-response').toString().replace('HCR*A6', `HCR*${code}`)))[0] as Bundle, 'ClaimResponse')
  t.match([decided('A1').disposition, decided('A3').disposition, decided('A4').outcome, decided('C').status], ['certified in full', 'not certified', 'queued', 'cancelled'])
})

t.test('what a payer could not decide is an error with its reasons, of the request that it names', async (t) => {
  const [rejected] = bundles(fixture('278-response-rejected')) as [Bundle]
  t.match(all(rejected, 'ClaimResponse').map(({ outcome, created, error }) => [outcome, created, error?.[0]?.code.text ?? error?.[0]?.code.coding?.[0]?.display]), [['error', '2026-03-02', 'Invalid or missing diagnosis codes'], ['error', '2026-03-02', 'Requires medical review']])
  t.match(one(rejected, 'ServiceRequest').identifier, [{ value: 'R2026-00117' }, { value: 'GL-88-4417' }])
})

t.test('several events and services are several referrals, each about its own patient', async (t) => {
  const several = bundles(fixture('278-batch'))
  t.same(several.map((bundle) => [one(bundle, 'Patient').name?.[0]?.family, one(bundle, 'ServiceRequest').identifier?.[0]?.value]), [['EVERYWOMAN', 'R-A'], ['EVERYWOMAN', 'R-B'], ['QUILLFEATHER', 'R-C'], ['EVERYWOMAN', 'R2026-00117'], ['QUILLFEATHER', undefined]])
  const services = bundles(fixture('278-dependent-services'))
  t.same(services.map((bundle) => [one(bundle, 'ServiceRequest').code?.coding?.[0]?.code, one(bundle, 'ServiceRequest').identifier?.map(({ value }) => value)]), [['99243', ['R2026-00118A']], ['95044', ['R2026-00118B']]])
  for (const bundle of services) {
    t.match(one(bundle, 'Patient'), { name: [{ given: ['LIV'] }], birthDate: '2015-07-04' })
    t.match(one(bundle, 'RelatedPerson'), { name: [{ given: ['ARNE'] }] }, 'the subscriber is another person')
    t.match(one(bundle, 'Coverage'), { subscriberId: 'GLH551920050', relationship: { coding: [{ code: 'child' }] } })
  }
  t.throws(() => messages(fixture('278-batch'), null).map(step), new MessageFault({ kind: 'unsupported', reason: 'there is more than one 2000C; the message is to be split first, so that each part is about one patient' }))
  t.equal(new Set([...several, ...services].map((bundle) => bundle.entry?.[0]?.fullUrl)).size, 7, 'none has the ids of another')
})

t.test('a cancellation takes the referral back, and each is a canonical referral as it stands', async (t) => {
  const [cancelled] = bundles(Buffer.from(fixture('278-request').toString().replace('UM*SC*I', 'UM*SC*3'))) as [Bundle]
  t.match([one(cancelled, 'ServiceRequest').status, one(cancelled, 'Task').status], ['revoked', 'cancelled'])
  for (const name of ['278-request', '278-response', '278-notification', '278-dependent-services', '278-batch']) for (const bundle of bundles(fixture(name))) t.same(canonical(bundle).problems, [], name)
})

t.test('a map takes messages of its own format alone', async (t) => {
  t.throws(() => step(hl7v2Message(anyFixture('hl7v2/ref-i12-cardiology.hl7'))), /takes X12 messages, and this one is hl7v2/)
  t.throws(() => toFhir.create({ with: 'referral' }, tools)(messages(fixture('278-request'))[0] as Message), /takes HL7 v2 messages, and this one is x12/)
})
