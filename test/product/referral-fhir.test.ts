/** Hand-off by FHIR and what comes back by FHIR, over real sockets: a practice's EHR, the built product, an EHR with a FHIR server, and the referrer's mailbox. One product for all of them. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { refusal } from '../connectors/fhir-server.js'
import { person } from '../demo/people.js'
import type { Referral } from '../demo/referral.js'
import { openScene } from '../demo/scene.js'
import { ROOT, until } from './product.js'

const scene = await openScene(t, { env: { REFERO_EHR_FHIR_CREATE: 'conditional' } })
const { fhir, product, refer, reached, mailAbout } = scene
const { server } = fhir

/** To the practice that ecw-north is. */
const skin = (number: string, patient: Referral['patient'], more: Partial<Referral> = {}): Referral =>
  ({ number, patient, diagnosis: ['L40.0', 'Psoriasis vulgaris'], service: '99244^Dermatology consultation^C4', words: 'Plaques on both elbows, spreading', urgency: 'R', without: ['findings'], ...more })
const known = async (mrn: string): Promise<ReturnType<typeof person>> => {
  await fhir.register(person(mrn))
  return person(mrn)
}
const stage = async (reference: string): Promise<string> => (await scene.referral(reference)).stage
const inDays = (days: number): Date => new Date(Math.floor(Date.now() / 60_000) * 60_000 + days * 86_400_000)

t.test('a referral is written as ServiceRequest, Task and summary, booked, seen and answered, each found by the references of the server', async (t) => {
  const reference = await refer(skin('2026-3001', await known('HC1001')))
  const taken = await scene.takenByFhir(reference)
  t.match(taken.request, { status: 'active', subject: { reference: 'Patient/p-HC1001' }, reasonCode: [{ text: /elbows/ }, { coding: [{ code: 'L40.0' }] }] })
  t.match(taken.task, { status: 'received', focus: { reference: `ServiceRequest/${taken.request.id}` }, for: { reference: 'Patient/p-HC1001' } })
  t.equal(server.requests.filter(({ method, path }) => method === 'POST' && path === 'Patient').length, 0, 'the chart is there, and no other is made')
  const { receipt } = (await reached(reference, 'written-back')).facts as { receipt: { ids: unknown; fields: { field: string; state: string }[] } }
  t.match(receipt.ids, [{ kind: 'Patient', value: 'Patient/p-HC1001' }, { kind: 'DocumentReference' }, { kind: 'ServiceRequest', value: `ServiceRequest/${taken.request.id}` }, { kind: 'Task', value: `Task/${taken.task.id}` }])
  for (const field of ['reference number', "referrer's number", 'priority', 'reason', 'diagnosis', 'birth date', "referrer's NPI", 'requested service']) {
    t.equal(receipt.fields.find((one) => one.field === field)?.state, 'written', field)
  }
  t.same(receipt.fields.filter(({ state }) => state === 'different'), [])

  await fhir.tell(taken.summary)
  const appointment = await fhir.book(taken, inDays(6))
  t.match((await reached(reference, 'scheduled')).facts, { appointment: { start: appointment.start, with: 'Nils Aubert' } })
  t.match((await mailAbout('the appointment', ({ subject, text }) => subject === `News of your referral ${reference}` && text.includes('has an appointment'))).text, /Nils Aubert/)
  const visit = await fhir.see(taken, appointment)
  await reached(reference, 'seen')
  await fhir.sign(taken, visit, 'Plaque psoriasis, plan to follow.', 'preliminary')
  await until(async () => (await scene.timeline(reference)).some(({ name }) => name === 'noted'))
  t.equal(await stage(reference), 'seen', 'a note that nobody has signed tells no outcome')
  await fhir.sign(taken, visit, 'Plaque psoriasis. Plan: calcipotriol.')
  await reached(reference, 'closed')
  await mailAbout('the report', ({ subject }) => subject === `The report on your referral ${reference}`)
  t.same((await product.api('/api/referrals/strays')).body.strays, [], 'a server that tells of what we wrote ourselves tells nothing')
})

t.test('a Task that the EHR rejects declines the referral, and the referrer hears why', async (t) => {
  const reference = await refer(skin('2026-3002', await known('HC1003')))
  const taken = await scene.takenByFhir(reference)
  await reached(reference, 'handed-off')
  await fhir.answer(taken, 'rejected', 'No phototherapy at this location')
  t.match((await reached(reference, 'declined')).facts, { reason: 'No phototherapy at this location' })
  t.equal(await stage(reference), 'declined')
  t.match((await mailAbout('the refusal', ({ subject, text }) => subject === `News of your referral ${reference}` && text.includes('cannot take'))).text, /No phototherapy at this location/)
})

t.test('a server that is away for a while gets everything once it is back, once and in order', async (t) => {
  const [first, second] = [await known('HC1006'), await known('HC1007')]
  server.fault = () => ({ status: 503 })
  const references = [await refer(skin('2026-3003', first)), await refer(skin('2026-3004', second))]
  await until(() => server.requests.filter(({ path }) => path === 'Patient').length > 1, product.output)
  t.same(await Promise.all(references.map(stage)), ['routed', 'routed'])
  let dying = 1
  server.fault = ({ method }) => (method === 'POST' && dying-- > 0 ? 'dies after' : null)
  for (const reference of references) await reached(reference, 'handed-off')
  for (const reference of references) t.equal(server.resources.filter((one) => JSON.stringify(one.identifier ?? []).includes(`${reference}/`)).length, 3, 'a request, a task and a summary')
  const [one, other] = await Promise.all(references.map(scene.takenByFhir))
  t.ok(server.resources.indexOf(one?.task as never) < server.resources.indexOf(other?.summary as never), 'the first came first')
})

t.test('what a server refuses once for all waits for a person, who sees why and sends it again', async (t) => {
  const patient = await known('HC1010')
  server.fault = ({ method, path }) => (method === 'POST' && path === 'Task' ? refusal('Task.requester must be a known practitioner') : null)
  const reference = await refer(skin('2026-3005', patient))
  const failed = await reached(reference, 'notice-failed')
  t.match(failed.facts.reason, /Task was answered 422 Unprocessable Entity: Task.requester must be a known/)
  const { body: work } = await product.api('/api/referrals/worklist')
  t.match(JSON.stringify(work), new RegExp(reference), 'it is on the worklist')
  server.fault = () => null
  const { body: found } = await product.api(`/api/messages?channel=hand-off-fhir&status=error`)
  t.equal(found.messages.length, 1)
  const again = await product.api(`/api/messages/${found.messages[0].id}/replay`, { by: 'dana', from: 'deliveries' })
  t.equal(again.status, 200, JSON.stringify(again.body))
  await reached(reference, 'handed-off')
  t.same((await scene.referral(reference)).holds, [])
  t.equal(server.of('ServiceRequest').filter((one) => JSON.stringify(one.identifier).includes(reference)).length, 1, 'what had been written before is found')
})

t.test('a patient without a chart there is written only where desk.yaml permits it', async (t) => {
  const patient = { ...person('HC1020'), mrn: 'HC2002', family: 'WINDERMERE', given: 'CALLISTA', birthDate: '19900307', phone: '5550191', street: '3 HERON CT' }
  const waiting = await refer(skin('2026-3006', patient))
  t.match((await reached(waiting, 'patient-pending')).facts, { waits: /takes referrals of patients only of whom it has a chart/ })
  t.match((await scene.referral(waiting)).holds, [{ hold: 'patient' }])
  mkdirSync(join(product.folder, 'mappings/desk'), { recursive: true })
  writeFileSync(join(product.folder, 'mappings/desk/desk.yaml'), readFileSync(join(ROOT, 'mappings/desk/desk.yaml'), 'utf8').replace('{ profile: eclinicalworks-cloud, patient: existing }', '{ profile: eclinicalworks-cloud, patient: create }'))
  const other = { ...patient, family: 'SALTMARSH', given: 'OTIS', sex: 'M' as const }
  let reference = ''
  for (let number = 3007; !reference || (await scene.referral(reference)).holds.length > 0; number++) reference = await refer(skin(`2026-${number}`, { ...other, birthDate: `${number - 1050}0911` })) // until the change has been taken up
  const taken = await scene.takenByFhir(reference)
  t.match(server.of('Patient').find(({ id }) => taken.patient === `Patient/${id}`), { name: [{ family: 'SALTMARSH' }] })
  await reached(reference, 'handed-off')
  t.notOk(server.of('Patient').some(({ name }) => JSON.stringify(name).includes('WINDERMERE')))
})
