/** What mail and fax systems say of what was sent: confirmed, failed, tried again, taken another way, or in doubt. */
import t from 'tap'
import type { NoticeFate } from '../../referrals/settling.js'
import { readReceipt } from '../../referrals/receipts/receipt.js'
import { timelineOf } from '../../referrals/api/timeline.js'
import { a28, carry, chart, DAY, EVE, events, fate, happened, HOUR, MINUTE, notices, open, OKAFOR, RAO, ref, state, TANAKA, type World, world } from './desk-kit.js'

let commands = 0
const says = (w: World, of: string, stage: string, more: object = {}) => w.desk.receipt({
  command: `receipt ${++commands}`, via: 'receipts', at: w.clock.now(),
  receipt: readReceipt({ receipt: { kind: of.startsWith('<') ? 'mdn' : 'fax', of: [of], stage, retryable: false, pages: null, recipient: null, reason: null, at: w.clock.now().toISOString(), ...more } }),
})
const given = (w: World, notice: number | undefined, sentAs: readonly string[], more: Partial<NoticeFate> = {}) => w.desk.settle(notice ?? 0, fate(w, { confirmed: false, sentAs, ...more }))
const words = async (w: World, id: string) => timelineOf(await events(w, id), 'America/Chicago').map((one) => one.says)
const acknowledgement = async (w: World, id: string) => (await notices(w, id, 'acknowledgement')).at(-1)

t.test('a Direct message is told of once the other side confirms it; stages never go back, and what repeats changes nothing', async (t) => {
  const w = world(t)
  const { state: { id } } = await open(w, ref())
  const first = await acknowledgement(w, id)
  t.match(first, { way: 'direct', status: 'open' })
  await given(w, first?.id, ['<a@heart.example>'])
  t.same(await happened(w, id, 'acknowledged'), [], 'taken by the mail system alone')
  t.ok((await state(w, id)).toTell[`acknowledgement:${first?.event}`], 'the deadline counts what was confirmed')
  t.same(await w.desk.toTell({ channel: 'x', kinds: ['acknowledgement'] }, 0, 10), [], 'and it is not sent again')
  t.equal((await says(w, '<a@heart.example>', 'processed')).what, 'told')
  t.same(await happened(w, id, 'acknowledged'), ['acknowledged'])
  t.equal((await says(w, '<a@heart.example>', 'processed')).what, 'nothing')
  t.equal((await says(w, '<a@heart.example>', 'sending')).what, 'nothing')
  t.equal((await says(w, '<a@heart.example>', 'dispatched')).what, 'told')
  t.equal((await says(w, '<a@heart.example>', 'failed')).what, 'nothing')
  t.match(await w.desk.store.proof(first?.id ?? 0), { stage: 'dispatched', confirmBy: null, steps: [{ stage: 'accepted' }, { stage: 'processed' }, { stage: 'dispatched' }] })
  t.match((await words(w, id)).join('\n'), /Their mail system confirmed receipt \(MDN processed\)/)
  t.match((await words(w, id)).join('\n'), /by Direct.*\n/)
  t.match(JSON.stringify(await events(w, id)), /By direct; they can be reached by direct, fax/, 'and why it went so')
  await w.clock.pass(2 * HOUR)
  t.notOk((await state(w, id)).holds.notice)
})

t.test('what is not confirmed in time is uncertain: a person is asked, it is never sent again on its own, and a late receipt settles it', async (t) => {
  const w = world(t)
  const { state: { id } } = await open(w, ref())
  const first = await acknowledgement(w, id)
  await given(w, first?.id, ['<b@heart.example>'])
  await w.clock.pass(61 * MINUTE)
  t.match(await state(w, id), { holds: { notice: { reason: /may or may not have arrived: no confirmation came in time/ } } })
  await w.clock.pass(DAY)
  t.equal((await notices(w, id, 'acknowledgement')).length, 1)
  t.match(await w.desk.store.proof(first?.id ?? 0), { stage: 'uncertain' })
  await says(w, '<b@heart.example>', 'processed')
  t.same(await happened(w, id, 'acknowledged'), ['acknowledged'])
  t.notOk((await state(w, id)).holds.notice)
  t.match(await acknowledgement(w, id), { status: 'sent' })
})

t.test('what the other side refuses goes the next way, and that provider is not tried so first again until a person says so', async (t) => {
  const w = world(t)
  const { state: { id, provider } } = await open(w, ref())
  const first = await acknowledgement(w, id)
  await given(w, first?.id, ['<c@heart.example>'])
  await says(w, '<c@heart.example>', 'failed', { reason: 'no such mailbox' })
  const second = await acknowledgement(w, id)
  t.match([await w.desk.store.notice(first?.id ?? 0), second], [{ status: 'failed' }, { status: 'open', way: 'fax', tried: ['direct'] }])
  t.match((await words(w, id)).join('\n'), /could not deliver it \(MDN failed\): no such mailbox; it goes by fax now/)
  await given(w, second?.id, ['documo:9'], { stage: 'queued' })
  t.match(await w.desk.store.proof(second?.id ?? 0), { stage: 'queued' })
  await says(w, 'documo:9', 'delivered', { pages: 3 })
  t.match((await words(w, id)).join('\n'), /Fax delivered, 3 pages/)
  t.same(await happened(w, id, 'acknowledged'), ['acknowledged'])
  const known = await w.desk.providers.get(provider ?? '')
  t.match(known?.ways.map(({ way, failed }) => [way, failed?.reason ?? null]), [['fax', null], ['direct', /no such mailbox/]])
  await w.desk.providers.failing(provider ?? '', 'direct', OKAFOR.direct ?? '', null, { name: 'ada', why: 'they have mended it' })
  t.equal((await w.desk.providers.get(provider ?? ''))?.ways[0]?.way, 'direct')
})

t.test('a fax that was busy is tried again in the allowed hours, as often as they say, and then a person is asked', async (t) => {
  const w = world(t)
  const { state: { id } } = await open(w, ref({ from: TANAKA }))
  for (let attempt = 1; attempt <= 4; attempt++) {
    const one = await acknowledgement(w, id)
    t.match(one, { way: 'fax', status: 'open' })
    t.equal((await notices(w, id, 'acknowledgement')).length, attempt, 'a number of its own for each attempt')
    if (attempt > 1) t.same(await w.desk.toTell({ channel: 'x', kinds: ['acknowledgement'] }, 0, 10), [], 'not before its time')
    await w.clock.pass(11 * MINUTE)
    await given(w, one?.id, [`documo:${attempt}`])
    await says(w, `documo:${attempt}`, 'failed', { retryable: true, reason: 'busy' })
  }
  t.match((await words(w, id)).join('\n'), /Fax failed: busy; it is tried again at Mon 9:36 AM/)
  t.match(await state(w, id), { holds: { notice: { reason: /Fax failed: busy/ } } })
  t.equal((await notices(w, id, 'acknowledgement')).length, 4)
  t.same(await happened(w, id, 'acknowledged'), [])
  await says(w, 'documo:4', 'delivered', { pages: 1 })
  t.same(await happened(w, id, 'acknowledged'), ['acknowledged'], 'a provider that said failed and meant delivered')
  t.notOk((await state(w, id)).holds.notice)
  t.equal(w.desk.rules().way('fax')?.retry?.next(Date.parse('2026-03-03T03:55:00Z')), Date.parse('2026-03-03T13:00:00Z'), 'at night it waits for 7:00 in Chicago')
})

t.test('a receipt that is quicker than the news of what was sent is not lost, also over a restart; one of nothing is counted', async (t) => {
  const clock = (await import('./desk-kit.js')).movedClock()
  const w = world(t, { clock })
  const { state: { id } } = await open(w, ref())
  const first = await acknowledgement(w, id)
  t.equal((await says(w, '<d@heart.example>', 'processed')).what, 'stray')
  t.same(w.desk.passedOver().channels, { receipts: 1 })
  await w.close()
  const again = world(t, { folder: w.folder, clock })
  await given(again, first?.id, ['<d@heart.example>'])
  t.same(await happened(again, id, 'acknowledged'), ['acknowledged'])
  t.equal((await says(again, '<d@heart.example>', 'processed')).what, 'nothing')
})

t.test('an e-mail that bounces after it was told of is owed again', async (t) => {
  const w = world(t)
  const { state: { id, provider } } = await open(w, ref({ from: { npi: '1730155920', family: 'TANAKA', given: 'KENJI', practice: 'NORTH CLINIC', fax: '' } }))
  await w.desk.providers.learn(provider ?? '', 'email', 'office@north.example', 'test')
  await w.clock.pass(5000)
  const first = (await notices(w, id, 'acknowledgement')).findLast(({ way }) => way === 'email')
  t.ok(first)
  await given(w, first?.id, ['<e@heart.example>'])
  t.same(await happened(w, id, 'acknowledged'), ['acknowledged'])
  await says(w, '<e@heart.example>', 'failed', { kind: 'dsn', reason: 'mailbox full' })
  const now = await state(w, id)
  t.ok(now.toTell[`acknowledgement:${first?.event}`])
  t.match(now.holds.notice?.reason ?? now.holds['way-back']?.reason, /mailbox full/)
})

t.test('an order to a specialist is sent when their mail takes it, and delivered when they confirm it', async (t) => {
  const w = world(t)
  await chart(w, a28(EVE))
  const { state: { id } } = await open(w, ref({ to: RAO, authority: '^^^HC^MR', patient: EVE }), { direction: 'outbound', ehr: 'epic-main' })
  const [order] = await notices(w, id, 'referral')
  await given(w, order?.id, ['<f@heart.example>'])
  t.equal((await state(w, id)).stage, 'sent')
  await says(w, '<f@heart.example>', 'processed')
  t.equal((await state(w, id)).stage, 'delivered')
})

t.test('who sends 360X is answered by it, and by plain Direct of the same address where that fails; receipts say what is wrong with them', async (t) => {
  const w = world(t)
  const bundle = { resourceType: 'Bundle', type: 'collection', entry: [
    { fullUrl: 'urn:uuid:1', resource: { resourceType: 'ServiceRequest', status: 'active', intent: 'order', requester: { reference: 'urn:uuid:2' }, reasonCode: [{ text: 'Palpitations' }] } },
    { fullUrl: 'urn:uuid:2', resource: { resourceType: 'Organization', name: 'Lakeside', telecom: [{ system: 'email', value: 'refer@direct.lakesidefm.example', extension: [{ url: 'urn:refero:way', valueCode: '360x' }] }] } },
  ] }
  const { state: { id, provider } } = await open(w, bundle)
  t.same((await w.desk.providers.get(provider ?? ''))?.ways.map(({ way }) => way), ['360x', 'direct'])
  t.match(await acknowledgement(w, id), { way: '360x' })
  await carry(w, { broken: ['360x'] })
  t.match(await acknowledgement(w, id), { way: 'direct', status: 'sent' })
  t.throws(() => readReceipt({ receipt: { kind: 'mdn', stage: 'lost' } }), /receipts as the step `read-receipt` writes them/)
})
