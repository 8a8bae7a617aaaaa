/** Answers to referrers, and referrals to specialists, by HL7 v2 and by FHIR, over real sockets: every shipped channel that goes by them, and hand-off by ORM^O01. One product for all of them. */
import t from 'tap'
import { fhirServer, type Resource } from '../connectors/fhir-server.js'
import { call, field, listen, message, segment } from '../demo/hl7.js'
import { person } from '../demo/people.js'
import { referral, type Referral } from '../demo/referral.js'
import { openScene } from '../demo/scene.js'
import { until } from './product.js'

/** Somebody's EHR by MLLP: keeps what it is sent, and answers with the next of `codes`, else AA. */
async function listener(name: string): Promise<{ port: number; received: string[]; codes: string[] }> {
  const received: string[] = []
  const codes: string[] = []
  const { port, close } = await listen(async (text) => {
    received.push(text)
    return message(`ACK^${field(text, 'MSH-9').split('^')[1]}^ACK`, [name, name], `${name}-${received.length}`, new Date(), [segment('MSA', { 1: codes.shift() ?? 'AA', 2: field(text, 'MSH-10') })])
  })
  t.teardown(close)
  return { port, received, codes }
}
const [prairie, lakeside] = [await listener('PRAIRIE'), await listener('LAKESIDE')] // a referrer, a specialist
const [valley, ridge] = [await fhirServer(t), await fhirServer(t)] // a referrer, a specialist
const scene = await openScene(t, { env: {
  REFERO_EPIC_MESSAGE: 'orm-o01', REFERO_LOOP_HL7: 'true', REFERO_REFERRER_PORT: String(prairie.port), REFERO_LOOP_FHIR: 'true', REFERO_REFERRER_URL: valley.base, REFERO_REFERRER_FACILITY: 'PRAIRIE', REFERO_SPECIALIST_FACILITY: 'LAKESIDE',
  REFERO_OUTBOUND_SEND_HL7: 'true', REFERO_SPECIALIST_PORT: String(lakeside.port), REFERO_OUTBOUND_SEND_FHIR: 'true', REFERO_SPECIALIST_URL: ridge.base,
} })
const { ehr, product, reached } = scene
await scene.load()

const NPIS = { prairie: '1990000014', valley: '1990000022', lakeside: '1990000030', ridge: '1990000048' } as const
const provider = async (npi: string, family: string, way: 'hl7' | 'fhir', address: string): Promise<void> => {
  const { status, body } = await product.api('/api/providers', { by: 'dana', reason: 'asked how they want to be answered', npi, name: { family, given: ['Alex'] }, ways: [{ way, address }] })
  if (status !== 200) throw new Error(JSON.stringify(body))
}
const prd = (role: 'RP' | 'RT', npi: string, family: string): string => segment('PRD', { 1: `${role}^Provider^HL70286`, 2: `${family}^ALEX^^^DR^MD`, 7: `${npi}^NPI` })
const inDays = (days: number): Date => new Date(Math.floor(Date.now() / 60_000) * 60_000 + days * 86_400_000)
const found = async <Found>(what: string, look: () => Found | undefined): Promise<Found> => {
  await until(() => look() !== undefined, () => `${what}\n${product.output()}`)
  return look() as Found
}
const sentBy = (all: readonly string[], type: string, number: string): Promise<string> => found(`${type} about ${number}`, () => all.findLast((text) => field(text, 'MSH-9').startsWith(type) && text.includes(number)))
const send = async (what: Referral): Promise<void> => {
  const answer = await scene.send(referral(what))
  if (!/MSA\|AA\|/.test(answer)) throw new Error(answer)
}
const told = async (server: typeof valley, number: string, kind: string): Promise<readonly Resource[]> => {
  const bundle = await found(`a ${kind} about ${number}`, () => server.of('Bundle').find((one) => JSON.stringify(one).includes(number) && JSON.stringify(one.entry).includes(`"code":"${kind}"`)))
  return (bundle.entry as { resource: Resource }[]).map(({ resource }) => resource)
}

t.test('a referrer whose EHR takes HL7 v2 gets RRI, SIU, OSU and MDM; what it does not take waits for a person where nothing else is known of them', async (t) => {
  await provider(NPIS.prairie, 'Novak', 'hl7', 'PRAIRIE')
  await send({ number: '2026-4001', patient: person('HC1001'), from: prd('RP', NPIS.prairie, 'NOVAK') })
  const acknowledged = await sentBy(prairie.received, 'RRI^I12', '2026-4001')
  const reference = field(acknowledged, 'RF1-11').split('^')[0] ?? ''
  t.match(reference, /^R-/)
  const item = await scene.inQueue('2026-4001')
  t.match(item, { type: 'ORM^O01', chart: { mrn: 'HC1001' }, state: 'open' }, 'handed over as an order')
  const { receipt } = (await reached(reference, 'written-back')).facts as { receipt: { where: string; fields: { field: string; state: string; became: string | null }[] } }
  t.match(receipt.where, /^ORM\^O01 .*accepted \(AA\)/)
  t.match(receipt.fields.find((one) => one.field === 'reference number'), { state: 'accepted-not-confirmed', became: /^O(RC|BR)-3.1 = R-/ })
  await ehr.status(item, 'OK', 'IP')
  await reached(reference, 'accepted')
  t.match(field(await found('the acceptance', () => prairie.received.filter((text) => text.includes('2026-4001') && field(text, 'RF1-1').startsWith('A')).at(-1)), 'MSH-15'), 'AL')

  prairie.codes.push('AE')
  const booking = await ehr.book(item, inDays(4))
  await reached(reference, 'scheduled')
  await sentBy(prairie.received, 'SIU^S12', '2026-4001')
  await until(async () => /by hl7 was not delivered.*answered AE/.test((await scene.referral(reference)).holds.find(({ hold }: { hold: string }) => hold === 'notice')?.reason ?? ''), product.output)
  await ehr.arrive(booking)
  await reached(reference, 'seen')
  await ehr.write([item], 'Persistent atrial fibrillation.')
  const note = await sentBy(prairie.received, 'MDM^T02', '2026-4001')
  t.match(note, /Persistent atrial fibrillation|UGVyc2lzdGVudCBhdHJpYWwgZmlicmlsbGF0aW9u/)
  t.equal(field(note, 'TXA-17'), 'LA')
  await reached(reference, 'closed')
})

t.test('what is missing is named in the RRI; an order that the EHR declines by OSU is told with the reason, and one that is taken back is cancelled there', async (t) => {
  await send({ number: '2026-4002', patient: person('HC1003'), from: prd('RP', NPIS.prairie, 'NOVAK'), without: ['phone'] })
  t.match(await sentBy(prairie.received, 'RRI^I12', '2026-4002'), /\rNTE\|\d\|\|[^|]*phone number[^|]*\|missing\r/, 'what is missing is named')
  await scene.send(referral({ number: '2026-4002', patient: person('HC1003'), from: prd('RP', NPIS.prairie, 'NOVAK'), type: 'I13' }))
  const item = await scene.inQueue('2026-4002')
  await ehr.status(item, 'UA', 'CA', 'No capacity before June')
  const declined = await found('the refusal', () => prairie.received.find((text) => text.includes('2026-4002') && field(text, 'RF1-1').startsWith('R')))
  t.match(field(declined, 'RF1-10'), /No capacity before June/)
  await send({ number: '2026-4003', patient: person('HC1006'), from: prd('RP', NPIS.prairie, 'NOVAK') })
  await scene.inQueue('2026-4003')
  await until(() => prairie.received.some((text) => text.includes('2026-4003')))
  await send({ number: '2026-4003', patient: person('HC1006'), from: prd('RP', NPIS.prairie, 'NOVAK'), type: 'I14' })
  await until(() => ehr.queue.some(({ placer, state, type }) => placer.startsWith('2026-4003') && state === 'cancelled' && type === 'ORM^O01'), product.output)
})

t.test('a referrer with a FHIR server gets each notice as a Bundle, with the Task as it stands and the note', async (t) => {
  await provider(NPIS.valley, 'Okonkwo', 'fhir', valley.base)
  await send({ number: '2026-4004', patient: person('HC1007'), from: prd('RP', NPIS.valley, 'OKONKWO') })
  t.match((await told(valley, '2026-4004', 'acknowledgement')).find(({ resourceType }) => resourceType === 'Task'), { status: 'received' })
  const item = await scene.inQueue('2026-4004')
  await ehr.book(item, inDays(3))
  const status = await told(valley, '2026-4004', 'status')
  t.match(status.find(({ resourceType }) => resourceType === 'Task'), { status: 'in-progress', businessStatus: { coding: [{ code: '5.1.1' }] } })
  t.ok(status.some(({ resourceType }) => resourceType === 'Appointment'))
  await ehr.write([item], 'Rate control, see again in four weeks.')
  const outcome = await told(valley, '2026-4004', 'outcome')
  t.match(outcome.find(({ resourceType }) => resourceType === 'Task'), { status: 'completed' })
  t.match(JSON.stringify(outcome.filter(({ resourceType }) => resourceType === 'DocumentReference')), new RegExp(Buffer.from('Rate control, see').toString('base64').slice(0, 20)))
})

const order = (number: string, mrn: string, npi: string, family: string): string =>
  referral({ number, patient: person(mrn), wanted: prd('RT', npi, family), diagnosis: ['N18.31', 'Chronic kidney disease, stage 3a'], words: 'Falling eGFR', service: '99244^Nephrology consultation^C4' })

t.test('our own referral goes to a specialist by HL7 v2, and what comes back is written to our EHR', async (t) => {
  await provider(NPIS.lakeside, 'Lindqvist', 'hl7', 'LAKESIDE')
  const ours = order('HC-7101', 'HC1010', NPIS.lakeside, 'LINDQVIST')
  t.match(await ehr.order(ours, scene.outboundPort), /MSA\|AA\|/)
  const arrived = await sentBy(lakeside.received, 'REF^I12', 'HC-7101')
  const reference = field(arrived, 'RF1-11').split('^')[0] ?? ''
  await reached(reference, 'delivered')
  const pid = segment('PID', { 1: '1', 3: 'LS-55^^^LAKESIDE^MR', 5: 'BRACKENRIDGE^NELL', 7: '19930719', 8: 'F' })
  const tell = (type: string, segments: readonly string[], more = {}): Promise<string> => call(scene.answersPort, message(type, ['LAKESIDE', 'LAKESIDE'], `LS-${type}`, new Date(), segments, more))
  await tell('RRI^I12^RRI_I12', [segment('MSA', { 1: 'AA', 2: field(arrived, 'MSH-10') }), segment('RF1', { 1: 'A^Accepted^HL70283', 6: field(arrived, 'RF1-6'), 11: 'LS-900^LAKESIDE' }), prd('RT', NPIS.lakeside, 'LINDQVIST'), pid], { 15: 'AL', 16: 'NE' })
  await reached(reference, 'accepted')
  await tell('MDM^T02^MDM_T02', [
    segment('EVN', { 1: 'T02' }), pid, segment('PV1', { 1: '1', 2: 'O' }), segment('TXA', { 1: '1', 2: 'CN^Consultation^HL70270', 3: 'TX', 12: 'LS-D1^LAKESIDE', 14: field(arrived, 'RF1-6'), 17: 'LA', 19: 'AV' }),
    segment('OBX', { 1: '1', 2: 'TX', 3: '11488-4^Consultation note^LN', 5: 'Diabetic nephropathy.', 11: 'F' }),
  ])
  await reached(reference, 'closed')
  t.ok(scene.documents.some((text) => text.includes('Diabetic nephropathy') && field(text, 'ORC-2').startsWith('HC-7101')), 'the report is in our EHR')
})

t.test('our own referral goes to a specialist by FHIR, and is answered by the Task and a report', async (t) => {
  await provider(NPIS.ridge, 'Abara', 'fhir', ridge.base)
  t.match(await ehr.order(order('HC-7102', 'HC1011', NPIS.ridge, 'ABARA'), scene.outboundPort), /MSA\|AA\|/)
  const task = await found('the Task', () => ridge.of('Task')[0])
  t.equal(ridge.of('ServiceRequest').length, 1)
  t.match(ridge.of('Patient'), [{ name: [{ family: 'NAKAGAWA' }] }], 'registered, for nobody there had the number')
  const reference = JSON.stringify(task.identifier).match(/R-[0-9A-Z]{4}-[0-9A-Z]{4}/)?.[0] ?? ''
  await reached(reference, 'sent')
  const put = async (resource: Resource): Promise<void> => {
    const entry = [{ fullUrl: `${ridge.base}/${resource.resourceType}/${resource.id}`, resource }]
    const { status } = await fetch(`http://127.0.0.1:${product.http}/answers/fhir/notify`, { method: 'POST', headers: { 'content-type': 'application/fhir+json' }, body: JSON.stringify({ resourceType: 'Bundle', type: 'history', entry }) })
    t.equal(status, 200)
  }
  const { identifier: _, businessStatus: __, focus: ___, ...bare } = task
  await put({ ...bare, resourceType: 'Task', status: 'accepted', lastModified: new Date().toISOString() })
  await reached(reference, 'accepted')
  await put({
    resourceType: 'DocumentReference', id: 'd1', masterIdentifier: { system: 'urn:ridge', value: 'D1' }, status: 'current', docStatus: 'final', type: { text: 'Consultation note' }, subject: task.for as object,
    content: [{ attachment: { contentType: 'text/plain', data: Buffer.from('IgA nephropathy.').toString('base64') } }], context: { related: [{ reference: `ServiceRequest/${ridge.of('ServiceRequest')[0]?.id}` }] },
  })
  await reached(reference, 'closed')
  t.ok(scene.documents.some((text) => /IgA nephropathy|SWdBIG5lcGhyb3BhdGh5/.test(text) && field(text, 'ORC-2').startsWith('HC-7102')), 'the report is in our EHR')
})
