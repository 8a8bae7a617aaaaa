/** The lives of referrals, over real sockets: a practice's EHR, the built product, our EHR, and the referrer's mailbox. One product for all of them. */
import t from 'tap'
import { call, field, message, segment } from '../demo/hl7.js'
import { person } from '../demo/people.js'
import { referral } from '../demo/referral.js'
import { openScene, referenceIn } from '../demo/scene.js'
import { until } from './product.js'
import type { Receipt } from '../../referrals/hand-off/receipt-contracts.js'

const scene = await openScene(t)
const { ehr, mailbox, product, refer, reached, mailAbout, inQueue } = scene
await scene.load()

const names = async (reference: string): Promise<readonly string[]> => (await scene.timeline(reference)).filter(({ applied }) => applied).map(({ name }) => name)
const stage = async (reference: string): Promise<string> => (await scene.referral(reference)).stage
const inDays = (days: number): Date => new Date(Math.floor(Date.now() / 60_000) * 60_000 + days * 86_400_000)

t.test('a referral is matched, handed over, booked, seen and answered with the signed note, and nobody is told twice', async (t) => {
  const reference = await refer({ number: '2026-1001', patient: person('HC1001') })
  const item = await inQueue('2026-1001')
  t.match(item, { type: 'REF^I12', chart: { mrn: 'HC1001' }, state: 'open' })
  t.match(item.other, new RegExp(`^${reference}\\^`), 'the EHR has our number')
  t.match((await reached(reference, 'matched')).facts, { chart: { source: 'epic-main', id: 'HC1001' } })
  t.match((await reached(reference, 'routed')).facts.route, { ehr: 'epic-main', queue: 'CARD-EP' })
  const receipt = (await reached(reference, 'written-back')).facts.receipt as Receipt
  t.match(receipt, { ehr: 'epic-main', ids: [{ value: item.filler }] })
  t.match(receipt.fields.filter(({ field }) => field === 'our queue'), [{ value: 'CARD-EP', became: 'NTE-3 = Queue: CARD-EP', state: 'accepted-not-confirmed' }], 'and the queue went along')

  const booking = await ehr.book(item, inDays(5))
  await reached(reference, 'scheduled')
  t.match(await mailAbout('the appointment', ({ subject, text }) => subject === `News of your referral ${reference}` && text.includes('has an appointment')), { to: ['ines.bell@meadow.example'] })
  await ehr.arrive(booking)
  await reached(reference, 'seen')

  const draft = await ehr.write([item], 'Atrial fibrillation, plan to follow.', { signed: false, trigger: 'T02' })
  await until(async () => (await names(reference)).includes('noted'))
  t.equal(await stage(reference), 'seen', 'a note that nobody has signed tells no outcome')
  await ehr.write([item], 'Persistent atrial fibrillation.\nPlan: apixaban 5 mg twice daily.', { id: draft.id, trigger: 'T10', replaces: draft.id })
  await reached(reference, 'closed')
  const report = await mailAbout('the report', ({ subject }) => subject === `The report on your referral ${reference}`)
  t.ok(report.attachments.length >= 1, 'the note goes along')

  t.same((await names(reference)).filter((name) => !['read', 'triaged', 'needs-information', 'written-back', 'status-sent'].includes(name)).sort(),
    ['acknowledged', 'closed', 'handed-off', 'matched', 'noted', 'outcome-sent', 'received', 'reported', 'routed', 'scheduled', 'seen'])
  t.equal(mailbox.mails.filter(({ subject }) => subject.includes(reference)).length, 3, 'acknowledgement, appointment, report')
  t.equal(ehr.queue.filter(({ placer }) => placer.startsWith('2026-1001')).length, 1)
})

t.test('what is missing is asked for by name, nothing is handed over without it, and the answer goes on by the same number or by ours', async (t) => {
  const [patient, other] = [person('HC1003'), person('HC1006')]
  const reference = await refer({ number: '2026-1002', patient, without: ['phone'] })
  t.match(mailbox.find(/2026-1002/)?.text, /phone number/)
  t.match((await scene.referral(reference)).holds, {}, 'it waits')
  t.notOk(ehr.queue.some(({ placer }) => placer.startsWith('2026-1002')), 'and is not in the work queue')
  await scene.send(referral({ number: '2026-1002', patient, type: 'I13' }))
  t.match((await reached(reference, 'information-added')).facts.answered, ['patient-phone'])
  await reached(reference, 'handed-off')
  t.match((await inQueue('2026-1002')).patient, /5550172/)

  const second = await refer({ number: '2026-1003', patient: other, without: ['phone'] })
  await scene.send(referral({ number: '2026-1003-A', patient: other, more: [segment('NTE', { 1: '2', 2: 'P', 3: `This answers your letter about ${second}.` })] }))
  await reached(second, 'handed-off')
  t.equal((await scene.referral(second)).reference, second, 'the number in the words found it')
})

t.test('a referral that the practice declines is told to the referrer with the reason', async (t) => {
  const reference = await refer({ number: '2026-1004', patient: person('HC1008') })
  await ehr.answer(await inQueue('2026-1004'), 'R', 'No capacity before June')
  t.match((await reached(reference, 'declined')).facts, { reason: /No capacity/ })
  t.match((await mailAbout('the refusal', ({ subject, text }) => subject === `News of your referral ${reference}` && text.includes('cannot take'))).text, /No capacity before June/)
  t.equal(await stage(reference), 'declined')
})

t.test('a referral that the referrer takes back is taken back in the EHR', async (t) => {
  const patient = person('HC1011')
  const reference = await refer({ number: '2026-1005', patient })
  await inQueue('2026-1005')
  await reached(reference, 'handed-off')
  await scene.send(referral({ number: '2026-1005', patient, type: 'I14' }))
  await reached(reference, 'cancelled')
  await until(() => ehr.queue.some(({ placer, state }) => placer.startsWith('2026-1005') && state === 'cancelled'), product.output)
  t.equal(await stage(reference), 'cancelled')
})

t.test('a patient who did not come is booked again, and each is told', async (t) => {
  const reference = await refer({ number: '2026-1006', patient: person('HC1012') })
  const item = await inQueue('2026-1006')
  const first = await ehr.book(item, inDays(2))
  await reached(reference, 'scheduled')
  await ehr.tell(first, 'S26', { reason: 'Patient did not come' })
  await reached(reference, 'no-show')
  t.equal(await stage(reference), 'rebooking')
  await mailAbout('the missed appointment', ({ subject, text }) => subject.includes(reference) && text.includes('did not come'))
  const second = await ehr.book(item, inDays(9))
  await until(async () => (await stage(reference)) === 'scheduled')
  await ehr.arrive(second)
  await ehr.write([item], 'Seen at last.')
  await reached(reference, 'closed')
  t.equal((await names(reference)).filter((name) => name === 'scheduled').length, 2)
})

t.test('one note answers two referrals of a patient, and closes both', async (t) => {
  const patient = person('HC1014')
  const first = await refer({ number: '2026-1007', patient })
  const second = await refer({ number: '2026-1008', patient, diagnosis: ['R55', 'Syncope and collapse'], words: 'Two episodes of syncope while standing' })
  t.not(first, second, 'two reasons are two referrals')
  const items = [await inQueue('2026-1007'), await inQueue('2026-1008')]
  await ehr.write(items, 'Atrial fibrillation and orthostatic syncope.')
  for (const reference of [first, second]) {
    await reached(reference, 'closed')
    await mailAbout(`the report on ${reference}`, ({ subject }) => subject === `The report on your referral ${reference}`)
  }
})

t.test('a patient whom nobody knows is handed over as one to be registered, and matched once the chart is there', async (t) => {
  const patient = { ...person('HC1020'), mrn: 'HC2001', family: 'WINDERMERE', given: 'CALLISTA', birthDate: '19900307', phone: '5550191', street: '3 HERON CT' }
  const reference = await refer({ number: '2026-1009', patient })
  await reached(reference, 'patient-pending')
  t.equal((await inQueue('2026-1009')).chart, null)
  await ehr.register(patient)
  t.match((await reached(reference, 'matched')).facts.chart, { id: 'HC2001' })
})

t.test('a visit that was registered by mistake is taken back, and so is a merge of two charts', async (t) => {
  const [one, other] = [person('HC1014'), { ...person('HC1014'), mrn: 'HC2014', street: '81 QUARRY RD', phone: '5550158' }]
  const reference = await refer({ number: '2026-1011', patient: one })
  const booking = await ehr.book(await inQueue('2026-1011'), inDays(1))
  await reached(reference, 'scheduled')
  await ehr.arrive(booking)
  await reached(reference, 'seen')
  await ehr.unarrive(booking)
  await reached(reference, 'visit-cancelled')
  t.equal(await stage(reference), 'scheduled', 'the appointment holds')

  await ehr.register(other)
  await ehr.merge(other, one)
  const chart = async (): Promise<string> => (await product.api(`/api/referrals/${reference}`)).body.patient.chart.id
  await until(async () => (await chart()) === 'HC2014')
  await ehr.part(other, one)
  await until(async () => (await chart()) === 'HC1014')
  t.match((await scene.timeline(reference)).filter(({ name }) => name === 'matched').map(({ facts }) => facts.words), [/./, /Merged/, /Two again/])
})

t.test('our own referral is sent to the specialist, answered, reported, and the report is written back', async (t) => {
  const specialist = segment('PRD', { 1: 'RT^Referred to Provider^HL70286', 2: 'LINDQVIST^SOLVEIG^^^DR^MD', 4: '^^^RIVERSIDE NEPHROLOGY^^^^^RIVERSIDE NEPHROLOGY', 5: '^WPN^PH^^^608^5550160~^NET^Internet^referrals@riverside.example', 7: '1730155920^NPI' })
  const sent = referral({ number: 'HC-7001', patient: person('HC1018'), wanted: specialist, diagnosis: ['N18.31', 'Chronic kidney disease, stage 3a'], words: 'Falling eGFR', service: '99244^Nephrology consultation^C4' })
  t.match(await ehr.order(sent, scene.outboundPort), /MSA\|AA\|/)
  const mail = await mailAbout('our referral', ({ to }) => to.includes('referrals@riverside.example'))
  const reference = referenceIn(mail)
  t.ok(reference, mail.subject)
  await reached(reference, 'sent')
  const tell = (type: string, controlId: string, segments: readonly string[], more = {}): Promise<string> => call(scene.answersPort, message(type, ['RIVERCHART', 'RIVERSIDE'], controlId, new Date(), segments, more))
  const pid = segment('PID', { 1: '1', 3: 'RN-55^^^RIVERSIDE^MR', 5: 'DESROSIERS^ETIENNE', 7: '19990214', 8: 'M' })
  await tell('RRI^I12^RRI_I12', 'RN-1', [segment('MSA', { 1: 'AA', 2: 'x' }), segment('RF1', { 1: 'A^Accepted^HL70283', 6: field(sent, 'RF1-6'), 11: `${reference}^REFERO` }), segment('PRD', { 1: 'RT', 2: 'LINDQVIST^SOLVEIG' }), pid], { 15: 'AL', 16: 'NE' })
  await reached(reference, 'accepted')
  await tell('MDM^T02^MDM_T02', 'RN-2', [
    segment('EVN', { 1: 'T02' }), pid, segment('PV1', { 1: '1', 2: 'O' }), segment('TXA', { 1: '1', 2: 'CN^Consultation^HL70270', 3: 'TX', 12: 'RN-D1^RIVERCHART', 14: field(sent, 'RF1-6'), 17: 'LA', 19: 'AV' }),
    segment('OBX', { 1: '1', 2: 'TX', 3: '11488-4^Consultation note^LN', 5: 'Diabetic nephropathy.', 11: 'F' }),
  ])
  await reached(reference, 'report-received')
  await reached(reference, 'closed')
  const written = scene.documents.find((text) => text.includes('Diabetic nephropathy'))
  t.ok(written, 'the report is in our EHR')
  t.equal(field(written ?? '', 'ORC-2').split('^')[0], 'HC-7001', 'under the number of our own order')
})
