/** A referral that our own EHR sends to a specialist, through the same life to the report that is written back. */
import t from 'tap'
import { address } from '../../referrals/decisions/provider.js'
import type { Practice, World } from './desk-kit.js'
import { ADAM, a28, carry, chart, DAY, EVE, fate, feed, happened, mdm, notices, open, ref, rri, siu, stage, state, strays, world, OKAFOR, osu } from './desk-kit.js'

const SPECIALIST: Practice = { npi: '1234567893', family: 'RAO', given: 'ANITA', practice: 'HEART CENTER CARDIOLOGY', fax: '5550191', direct: 'arao@direct.heart.example' }
const at = (day: number, hour = 15): string => `2026-03-${String(day).padStart(2, '0')}T${String(hour).padStart(2, '0')}:00:00Z`
const NUMBER = 'ORD-1^EHR^1.2.3.9^ISO'

async function sent(w: World, number = NUMBER): Promise<string> {
  await chart(w, a28(EVE))
  const { state: { id } } = await open(w, ref({ number, from: OKAFOR, to: SPECIALIST, authority: '^^^HC^MR', patient: EVE }), { direction: 'outbound', ehr: 'epic-main' })
  const [notice] = await notices(w, id, 'referral')
  if (!notice) throw new Error(`nothing is sent: ${JSON.stringify((await state(w, id)).holds)}`)
  await w.desk.settle(notice.id, fate(w, { confirmed: false }))
  return id
}

t.test('sent, delivered, acknowledged, accepted, scheduled, seen, reported, written back, closed', async (t) => {
  const w = world(t)
  const id = await sent(w)
  t.match(await state(w, id), { stage: 'sent', direction: 'outbound', route: { ehr: 'epic-main' }, patient: { status: 'matched' } })
  t.same((await notices(w, id)).map(({ kind, way }) => `${kind} ${way}`), ['referral direct'], 'our own EHR is sent no acknowledgement')
  const theirs = { ...EVE, mrn: 'SPEC-77' }
  await w.desk.tell({ command: 'mdn', referral: id, news: [{ name: 'delivered', at: w.clock.now().toISOString(), by: { kind: 'channel', name: 'direct' } }] })
  t.equal(await stage(w, id), 'delivered')
  await feed(w, rri({ at: at(3), number: NUMBER, answer: 'P', patient: theirs }), null)
  await feed(w, rri({ at: at(3, 18), number: NUMBER, filler: 'F-9^SPEC', patient: theirs }), null)
  t.equal(await stage(w, id), 'accepted')
  await feed(w, siu({ event: 'S12', at: at(4), order: 'ORD-1', patient: theirs }), null)
  t.equal(await stage(w, id), 'scheduled', 'their own numbers and their own chart number')
  await feed(w, siu({ event: 'S14', at: at(9), patient: theirs, status: 'Complete' }), null)
  t.equal(await stage(w, id), 'seen')
  await feed(w, mdm({ at: at(10), order: NUMBER, status: 'DI', patient: theirs }), null)
  t.equal(await stage(w, id), 'seen', 'a draft is no report')
  await feed(w, mdm({ at: at(10, 18), order: NUMBER, patient: theirs }), null)
  t.equal(await stage(w, id), 'reported')
  const [report] = await carry(w)
  t.match(report?.notice, { kind: 'report', to: 'ehr epic-main' })
  t.equal(await stage(w, id), 'closed')
  t.same(await happened(w, id, 'written-back', 'closed', 'reported', 'outcome-sent'), ['written-back', 'closed'])
  t.same(await strays(w), [])
})

t.test('declined with a reason; a question comes back and waits for us; news of another patient is not told', async (t) => {
  const w = world(t)
  const id = await sent(w)
  await feed(w, rri({ at: at(3), number: NUMBER, answer: 'R', reason: 'NC^No capacity before June^L', patient: ADAM }), null)
  t.equal(await stage(w, id), 'sent')
  t.match(await strays(w), [{ candidates: [id], reason: /its patient is another/ }])
  await feed(w, { resourceType: 'Task', status: 'received', intent: 'order', businessStatus: { coding: [{ code: 'awaiting-information' }] }, statusReason: { text: 'Please send the echo report' }, focus: { identifier: { system: 'urn:oid:1.2.3.9', value: 'ORD-1' } } }, null)
  t.match((await state(w, id)).holds.information, { reason: /Please send the echo report/ })
  await feed(w, rri({ at: at(4), number: NUMBER, answer: 'R', reason: 'NC^No capacity before June^L' }), null)
  t.match(await state(w, id), { stage: 'declined' })
})

t.test('taken back by our EHR, and the specialist is told', async (t) => {
  const w = world(t)
  const id = await sent(w)
  await open(w, ref({ number: NUMBER, event: 'I14', reason: 'Patient declines', to: SPECIALIST, authority: '^^^HC^MR' }), { direction: 'outbound', ehr: 'epic-main' })
  t.equal(await stage(w, id), 'cancelled')
  t.match((await carry(w)).map(({ notice }) => `${notice.kind} ${notice.way}`), ['withdrawal direct'])
})

t.test('bare numbers of our EHR are ours alone; what is silent is chased', async (t) => {
  const w = world(t)
  const id = await sent(w, '1001')
  const other = await open(w, ref({ number: '1001', patient: ADAM }))
  t.equal(other.what, 'opened')
  await feed(w, osu({ at: at(3), number: '1001', patient: { ...EVE, mrn: 'S-1' } }), null)
  t.same([await stage(w, id), (await happened(w, other.state.id, 'accepted')).length], ['accepted', 0])
  for (let day = 0; day < 21; day++) await w.clock.pass(DAY)
  t.ok((await happened(w, id, 'overdue')).length > 0)
})

const person = (name: string, id: string): { command: string; referral: string; by: string; reason: string } => ({ command: `person/${name}`, referral: id, by: 'dana', reason: 'as the doctor said' })
const another = async (w: World): Promise<string> => (await w.desk.providers.recognise({ npi: null, identifiers: [], name: { family: 'VOSS', given: ['IMKE'], suffix: null, use: null }, practice: 'HARBOR', specialty: null, address: null, phones: [], faxes: ['6085550177'], emails: [], directAddresses: [] }, { at: w.clock.now(), via: 'test' })).provider.id

t.test('given to another while a channel had it in its hands: who got it too late is told that it is taken back, and the other has it', async (t) => {
  const w = world(t)
  await chart(w, a28(EVE))
  const { state: { id } } = await open(w, ref({ number: NUMBER, from: OKAFOR, to: SPECIALIST, authority: '^^^HC^MR', patient: EVE }), { direction: 'outbound', ehr: 'epic-main' })
  const [first] = await notices(w, id, 'referral')
  const other = await another(w)
  await w.desk.decide((parts) => address(parts, person('address', id), { provider: other, words: null }))
  const [old, fresh] = await notices(w, id, 'referral')
  t.match([old, fresh], [{ status: 'superseded' }, { status: 'open', to: `provider ${other}`, way: 'fax' }])
  await w.desk.settle(first?.id ?? 0, fate(w, { confirmed: false }))
  t.match(await notices(w, id, 'withdrawal'), [{ status: 'open', way: 'direct', to: first?.to }])
  t.match(await state(w, id), { stage: 'routed', provider: other, toTell: { 'hand-on': /./ } }, 'the other has not got it yet')
  await w.desk.settle(fresh?.id ?? 0, fate(w, { confirmed: false }))
  t.match(await state(w, id), { stage: 'sent', provider: other, holds: {} })
})

t.test('an order that names nobody is sent once our EHR names the specialist; one that names another than it lies with stays there, and says so', async (t) => {
  const w = world(t)
  await chart(w, a28(EVE))
  const nobody = { number: NUMBER, from: OKAFOR, authority: '^^^HC^MR', patient: EVE }
  const { state: { id } } = await open(w, ref(nobody), { direction: 'outbound', ehr: 'epic-main' })
  t.match(await state(w, id), { provider: null, stage: 'routed', holds: { routing: { reason: /names no specialist/ } }, missing: [] })
  t.same(await notices(w, id), [])
  await open(w, ref({ ...nobody, event: 'I13' }), { direction: 'outbound', ehr: 'epic-main' })
  t.match(await state(w, id), { provider: null, route: { ehr: 'epic-main' }, missing: [], holds: { routing: /./ } }, 'said again it is where it was')
  await open(w, ref({ ...nobody, to: SPECIALIST, event: 'I13' }), { direction: 'outbound', ehr: 'epic-main' })
  t.match((await notices(w, id)).map(({ kind, way }) => `${kind} ${way}`), ['referral direct'])
  const before = await state(w, id)
  await open(w, ref({ ...nobody, to: { npi: '1922074434', family: 'ELSE', given: 'SOMEBODY', practice: 'OTHER', fax: '5550199' }, event: 'I13' }), { direction: 'outbound', ehr: 'epic-main' })
  t.equal((await state(w, id)).provider, before.provider)
  t.match((await happened(w, id, 'information-added')).length, 3)
})

t.test('a specialist who takes back an addendum leaves the note: our EHR gets what holds; who takes back the note owes another', async (t) => {
  const w = world(t)
  const id = await sent(w)
  const patient = { ...EVE, mrn: 'SPEC-77' }
  const written = (event: string, day: number, number: string, text = `Text of ${number}`) =>
    feed(w, mdm({ event, at: at(day), id: number, parent: event === 'T06' ? 'DOC-1' : '', order: NUMBER, patient, text: event === 'T11' ? '' : text, status: event === 'T11' ? 'CA' : 'AU' }), null)
  const reports = async (): Promise<readonly string[]> => (await carry(w)).map(({ notice, bundle }) => `${notice.kind} ${notice.to} ${[...JSON.stringify(bundle).matchAll(/"data":"([^"]+)"/g)].map(([, data]) => Buffer.from(data ?? '', 'base64').toString()).filter((one) => one.startsWith('Text')).join(', ')}`)
  await written('T02', 10, 'DOC-1')
  t.same(await reports(), ['report ehr epic-main Text of DOC-1'])
  await written('T06', 11, 'DOC-2')
  t.match(await reports(), [/DOC-2/], 'the addendum goes to our EHR too')
  t.equal(await stage(w, id), 'closed')
  await written('T11', 12, 'DOC-2')
  t.same((await w.desk.store.documents(id)).map((one) => [one.id, one.status]), [['|DOC-1', 'current'], ['|DOC-2', 'withdrawn']])
  t.same(await reports(), ['report ehr epic-main Text of DOC-1'], 'what holds, without the addendum')
  t.same([await happened(w, id, 'report-withdrawn'), await stage(w, id)], [[], 'closed'])

  await written('T06', 13, 'DOC-3')
  await written('T11', 13, 'DOC-3')
  t.same([await reports(), await stage(w, id)], [[], 'closed'], 'what our EHR never got need not be taken back')

  await written('T11', 14, 'DOC-1')
  t.same([await happened(w, id, 'report-withdrawn'), await stage(w, id)], [['report-withdrawn'], 'seen'], 'a note is owed again')
})
