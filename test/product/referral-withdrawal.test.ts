/** Referrals that a referrer sends and takes back by FHIR, over real sockets: revoked, entered in error, a Task that is cancelled, a Task that asks to give up. One product for all of them. */
import t from 'tap'
import { person } from '../demo/people.js'
import { openScene } from '../demo/scene.js'
import { until } from './product.js'

const scene = await openScene(t)
const { ehr, product, reached, mailAbout, inQueue } = scene
await scene.load()

const SYSTEM = 'urn:oid:1.3.6.1.4.1.99999.3.7'
const identifier = (value: string) => [{ type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0203', code: 'PLAC' }] }, system: SYSTEM, value }]
const bundle = (...resources: readonly object[]) => ({ resourceType: 'Bundle', type: 'collection', entry: resources.map((resource, index) => ({ fullUrl: `urn:uuid:00000000-0000-4000-8000-00000000000${index}`, resource })) })
const at = (index: number) => ({ reference: `urn:uuid:00000000-0000-4000-8000-00000000000${index}` })

/** All that is asked for; `more` is what it says beside, and what it is about when it is taken back. */
function request(number: string, mrn: string, status = 'active', ...more: readonly object[]): object {
  const { family, given, birthDate, sex, street, city, zip, phone } = person(mrn)
  return bundle(
    { resourceType: 'ServiceRequest', status, intent: 'order', priority: 'urgent', identifier: identifier(number), subject: at(1), requester: at(2), insurance: [at(4)], supportingInfo: [at(5)], code: { text: 'Cardiology consultation' }, reasonCode: [{ coding: [{ system: 'http://hl7.org/fhir/sid/icd-10-cm', code: 'I48.91' }], text: `Palpitations, order ${number}` }] },
    { resourceType: 'Patient', name: [{ family, given: [given] }], birthDate: birthDate.replace(/^(....)(..)(..)$/, '$1-$2-$3'), gender: sex === 'F' ? 'female' : 'male', address: [{ line: [street], city, state: 'WI', postalCode: zip }], telecom: [{ system: 'phone', value: `608${phone}` }] },
    { resourceType: 'PractitionerRole', practitioner: at(3), organization: { display: 'Meadow Family Medicine' } },
    { resourceType: 'Practitioner', identifier: [{ system: 'http://hl7.org/fhir/sid/us-npi', value: '1245319599' }], name: [{ family: 'Bell', given: ['Ines'] }], telecom: [{ system: 'email', value: 'ines.bell@meadow.example' }] },
    { resourceType: 'Coverage', status: 'active', beneficiary: at(1), subscriberId: 'PM4471902', payor: [{ display: 'Prairie Mutual' }] },
    { resourceType: 'Observation', status: 'final', code: { text: 'EKG impression' }, subject: at(1), valueString: 'Atrial fibrillation' },
    ...more)
}
const post = async (body: object): Promise<{ readonly status: number; readonly text: string }> => {
  const response = await fetch(`http://127.0.0.1:${product.http}/intake/fhir`, { method: 'POST', headers: { 'content-type': 'application/fhir+json' }, body: JSON.stringify(body) })
  return { status: response.status, text: await response.text() }
}
async function refer(number: string, mrn: string): Promise<string> {
  const answer = await post(request(number, mrn))
  if (answer.status >= 300) throw new Error(`${number} was answered ${answer.status}: ${answer.text}`)
  const mail = await mailAbout(`acknowledgement of ${number}`, ({ subject, text }) => subject.startsWith('We have your referral') && text.includes(number))
  return /R-[0-9A-Z]{4}-[0-9A-Z]{4}/.exec(mail.subject)?.[0] ?? ''
}
const stage = async (reference: string): Promise<string> => (await scene.referral(reference)).stage
const holds = async (reference: string): Promise<readonly string[]> => ((await scene.referral(reference)).holds as unknown as { hold: string }[]).map(({ hold }) => hold)
const inDays = (days: number): Date => new Date(Math.floor(Date.now() / 60_000) * 60_000 + days * 86_400_000)
const withdrawn = (number: string) => until(() => ehr.queue.some(({ placer, state }) => placer.startsWith(number) && state === 'cancelled'), product.output)
const worklist = async (group: string): Promise<readonly { reference: string; do: readonly { call: string }[] }[]> =>
  (await product.api('/api/referrals/worklist')).body.groups.find((one: { group: string }) => one.group === group)?.referrals ?? []

t.test('a request that is revoked or was entered in error, a Task that is cancelled, and one that asks to give up: each takes the referral back in the EHR, once', async (t) => {
  const ways: readonly ((number: string, mrn: string) => object)[] = [
    (number, mrn) => request(number, mrn, 'revoked'),
    (number, mrn) => request(number, mrn, 'entered-in-error'),
    (number, mrn) => request(number, mrn, 'active', { resourceType: 'Task', status: 'cancelled', intent: 'order', focus: at(0), for: at(1) }),
    (number, mrn) => request(number, mrn, 'active', { resourceType: 'Task', status: 'requested', intent: 'order', code: { coding: [{ system: 'http://hl7.org/fhir/CodeSystem/task-code', code: 'abort' }] }, focus: at(0), for: at(1) }),
  ]
  for (const [index, way] of ways.entries()) {
    const [number, mrn] = [`F-200${index}`, ['HC1001', 'HC1003', 'HC1006', 'HC1008'][index] ?? '']
    const reference = await refer(number, mrn)
    await inQueue(number)
    await reached(reference, 'handed-off')
    t.equal((await post(way(number, mrn))).status, 200, number)
    await reached(reference, 'cancelled')
    await withdrawn(number)
    await mailAbout('the cancellation', ({ subject, text }) => subject === `News of your referral ${reference}` && text.includes('was cancelled'))
    t.equal((await post(way(number, mrn))).status, 200, `${number} again`)
    t.equal((await scene.timeline(reference)).filter(({ name, applied }) => name === 'cancelled' && applied).length, 1)
    t.equal(await stage(reference), 'cancelled')
  }
})

t.test('one that is booked already leaves an appointment to cancel, until the EHR has cancelled it', async (t) => {
  const reference = await refer('F-2010', 'HC1011')
  const booking = await ehr.book(await inQueue('F-2010'), inDays(4))
  await reached(reference, 'scheduled')
  await post(request('F-2010', 'HC1011', 'revoked'))
  await reached(reference, 'cancelled')
  await withdrawn('F-2010')
  t.match((await worklist('appointment')).find((one) => one.reference === reference)?.do, [{ call: /appointment$/ }, { call: /leave$/ }])
  await ehr.tell(booking, 'S15', { reason: 'Referral withdrawn' })
  await until(async () => (await holds(reference)).length === 0, product.output)
  t.equal(await stage(reference), 'cancelled')
})

t.test('one whose patient was seen is kept: the referrer is told why, a person looks, and the note still goes', async (t) => {
  const reference = await refer('F-2020', 'HC1012')
  const item = await inQueue('F-2020')
  const booking = await ehr.book(item, inDays(1))
  await reached(reference, 'scheduled')
  await ehr.arrive(booking)
  await reached(reference, 'seen')
  await post(request('F-2020', 'HC1012', 'revoked'))
  await reached(reference, 'cancel-refused')
  t.equal(await stage(reference), 'seen')
  await mailAbout('why not', ({ subject, text }) => subject === `News of your referral ${reference}` && /after the patient had been\s+seen/.test(text))
  t.notOk(ehr.queue.some(({ placer, state }) => placer.startsWith('F-2020') && state === 'cancelled'), 'nothing is taken from the EHR')
  t.ok((await worklist('late')).some((one) => one.reference === reference))
  t.equal((await product.api(`/api/referrals/${reference}/leave`, { by: 'dana', reason: 'the practice knows', what: 'late' })).status, 200)
  t.same(await holds(reference), [])
  await ehr.write([item], 'Atrial fibrillation.')
  await reached(reference, 'closed')
})

t.test('what comes after a decline is answered in a letter, and a number that nobody has is refused with a sentence', async (t) => {
  const reference = await refer('F-2030', 'HC1014')
  await ehr.answer(await inQueue('F-2030'), 'R', 'No capacity before June')
  await reached(reference, 'declined')
  await post(request('F-2030', 'HC1014', 'active', { resourceType: 'DocumentReference', status: 'current', description: 'Echo report', subject: at(1), content: [{ attachment: { contentType: 'text/plain', data: Buffer.from('EF 60 %').toString('base64') } }] }))
  t.match((await mailAbout('that it stays declined', ({ subject, text }) => subject === `News of your referral ${reference}` && text.includes('stays'))).text.replace(/\s+/g, ' '), /we have what you sent\. It came after we had declined the referral, and the referral stays declined\. If the patient is to be seen, please send a new referral with a number of its own, or call us at/)
  t.equal(await stage(reference), 'declined')
  t.ok((await worklist('late')).some((one) => one.reference === reference))
  const answer = await post(request('F-9999', 'HC1018', 'revoked'))
  t.match(answer, { status: 422, text: /takes back a referral that is not here/ })
})
