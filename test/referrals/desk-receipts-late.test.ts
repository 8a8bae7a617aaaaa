/** Receipts that come at a bad moment: together, before their time, twice, while the desk is closed, or of what is somebody else’s by now. */
import t from 'tap'
import { address } from '../../referrals/decisions/provider.js'
import { retry } from '../../referrals/decisions/retry.js'
import type { Change, DeskStore } from '../../referrals/desk-contracts.js'
import { readReceipt } from '../../referrals/receipts/receipt.js'
import { a28, ADAM, carry, chart, EVE, happened, MINUTE, movedClock, notices, open, RAO, ref, state, type World, world } from './desk-kit.js'
import { acknowledgement, given, says, words } from './receipts-kit.js'

// ── Two things at once, and a desk that is closed in between ────────────────────────────

/** Something else happens just before the store is asked for the first time. */
const before = <Name extends keyof DeskStore>(w: World, name: Name, when: (...given: Parameters<DeskStore[Name]>) => boolean, happens: () => Promise<unknown>): void => {
  const store = w.desk.store as unknown as Record<string, (...given: unknown[]) => Promise<unknown>>
  const real = store[name] as (...given: unknown[]) => Promise<unknown>
  store[name] = async (...given) => {
    if (!when(...(given as Parameters<DeskStore[Name]>))) return real(...given)
    store[name] = real
    await happens()
    return real(...given)
  }
}
const ofReceipt = ({ command }: Pick<Change, 'command'>): boolean => command.startsWith('receipt ')

t.test('a receipt that comes just as its time is up counts, and of two that come together none is lost', async (t) => {
  const w = world(t)
  const { state: { id } } = await open(w, ref())
  const first = await acknowledgement(w, id)
  await given(w, first?.id, ['<g@heart.example>'])
  before(w, 'commit', ofReceipt, () => says(w, '<g@heart.example>', 'processed'))
  await w.clock.pass(61 * MINUTE)
  t.same(await happened(w, id, 'acknowledged', 'notice-failed'), ['acknowledged'])
  t.match(await w.desk.store.proof(first?.id ?? 0), { stage: 'processed', confirmBy: null })
  t.notOk((await state(w, id)).holds.notice)
  const { state: { id: other } } = await open(w, ref({ number: 'R-3^LFM', patient: ADAM, reason: 'Knee pain' }))
  const second = await acknowledgement(w, other)
  await given(w, second?.id, ['<h@heart.example>'])
  before(w, 'commit', ofReceipt, () => says(w, '<h@heart.example>', 'dispatched'))
  t.equal((await says(w, '<h@heart.example>', 'processed')).what, 'nothing', 'the other was quicker, and says more')
  t.match(await w.desk.store.proof(second?.id ?? 0), { stage: 'dispatched', steps: [{ stage: 'accepted' }, { stage: 'dispatched' }] })
  t.same(await happened(w, other, 'acknowledged'), ['acknowledged'])
})

t.test('a receipt that comes while the news of what was sent is kept is not lost, nor one that the desk had no time to take', async (t) => {
  const clock = movedClock()
  const w = world(t, { clock })
  const { state: { id } } = await open(w, ref())
  const first = await acknowledgement(w, id)
  before(w, 'keepEarly', () => true, () => given(w, first?.id, ['<i@heart.example>']))
  t.equal((await says(w, '<i@heart.example>', 'processed')).what, 'told')
  t.same(await happened(w, id, 'acknowledged'), ['acknowledged'])
  t.same(await w.desk.store.early(['<i@heart.example>']), [])

  const { state: { id: other } } = await open(w, ref({ number: 'R-3^LFM', patient: ADAM, reason: 'Knee pain' }))
  const second = await acknowledgement(w, other)
  t.equal((await says(w, '<j@heart.example>', 'processed')).what, 'stray')
  before(w, 'early', () => true, () => Promise.reject(new Error('the desk was closed')))
  await t.rejects(given(w, second?.id, ['<j@heart.example>']), /closed/)
  t.same(await happened(w, other, 'acknowledged'), [])
  await w.close()
  const again = world(t, { folder: w.folder, clock })
  await again.clock.pass(1)
  t.same(await happened(again, other, 'acknowledged'), ['acknowledged'])
})

t.test('the same receipt given twice by its channel is one, also where the desk was closed before it answered', async (t) => {
  const w = world(t)
  const { state: { id } } = await open(w, ref())
  const first = await acknowledgement(w, id)
  await given(w, first?.id, ['<k@heart.example>'])
  const receipt = readReceipt({ receipt: { kind: 'mdn', of: ['<k@heart.example>'], stage: 'failed', retryable: false, pages: null, recipient: null, reason: 'no such mailbox', at: w.clock.now().toISOString() } })
  const once = { command: 'receipts/desk/7', via: 'receipts', at: w.clock.now(), receipt }
  t.same(await Promise.all([w.desk.receipt(once), w.desk.receipt(once)]).then((both) => both.map(({ what }) => what).sort()), ['nothing', 'told'])
  t.equal((await w.desk.receipt(once)).what, 'nothing')
  t.match((await notices(w, id, 'acknowledgement')).map(({ way, status }) => `${way} ${status}`), ['direct failed', 'fax open'])
})

t.test('ten thousand receipts of what nobody sent are counted, and hold up nobody', async (t) => {
  const w = world(t)
  const { state: { id } } = await open(w, ref())
  const first = await acknowledgement(w, id)
  for (let thousand = 0; thousand < 10; thousand++) await Promise.all(Array.from({ length: 1000 }, (_, number) => says(w, `<${thousand}-${number}@elsewhere.example>`, 'processed')))
  t.same(w.desk.passedOver().channels, { receipts: 10_000 })
  await given(w, first?.id, ['<l@heart.example>'])
  t.equal((await says(w, '<l@heart.example>', 'processed')).what, 'told')
})

// ── What is of nobody any more ──────────────────────────────────────────────────────────

t.test('what a person has sent once more is not sent a third time when the first is said to have failed; that it arrived after all counts', async (t) => {
  const w = world(t)
  const { state: { id } } = await open(w, ref())
  const first = await acknowledgement(w, id)
  await given(w, first?.id, ['<m@heart.example>'])
  await w.clock.pass(61 * MINUTE)
  await w.desk.decide((parts) => retry(parts, { command: 'retry', referral: id, by: 'dana', reason: 'they have nothing' }, first?.id ?? 0, 'fax'))
  t.equal((await says(w, '<m@heart.example>', 'failed', { reason: 'no such mailbox' })).what, 'told')
  t.match((await notices(w, id, 'acknowledgement')).map(({ way, status }) => `${way} ${status}`), ['direct superseded', 'fax open'])
  t.notOk((await state(w, id)).holds.notice)
  t.match((await words(w, id)).join('\n'), /could not deliver it \(MDN failed\): no such mailbox/)
  await says(w, '<m@heart.example>', 'dispatched')
  t.same(await happened(w, id, 'acknowledged'), ['acknowledged'])
  t.match((await notices(w, id, 'acknowledgement')).map(({ status }) => status), ['superseded', 'superseded'], 'the fax that no channel has yet is not sent')
})

t.test('what becomes of an order at the first specialist says nothing of the second, and does not send it to the first again', async (t) => {
  for (const stage of ['failed', 'processed', 'uncertain']) {
    const w = world(t)
    await chart(w, a28(EVE))
    const { state: { id } } = await open(w, ref({ to: RAO, authority: '^^^HC^MR', patient: EVE }), { direction: 'outbound', ehr: 'epic-main' })
    const [order] = await notices(w, id, 'referral')
    await given(w, order?.id, ['<n@heart.example>'])
    const { provider: { id: second } } = await w.desk.providers.recognise({ npi: null, identifiers: [], name: { family: 'AMSEL', given: ['JORUN'], suffix: null, use: null }, practice: null, specialty: null, address: null, phones: [], faxes: ['+16085550177'], emails: [], directAddresses: [] }, { at: w.clock.now(), via: 'test' })
    await w.desk.decide((parts) => address(parts, { command: 'address', referral: id, by: 'dana', reason: 'nearer' }, { provider: second, words: null }))
    await says(w, '<n@heart.example>', stage)
    t.match((await notices(w, id, 'referral')).map(({ to, status }) => `${to} ${status}`), [`${order?.to} sent`, `provider ${second} open`], stage)
    t.equal((await state(w, id)).stage, 'routed', 'the second has not got it')
    t.notOk((await state(w, id)).holds['hand-off'])
    await carry(w)
    t.match(await state(w, id), { stage: 'delivered', provider: second })
    t.same((await happened(w, id, 'delivered')).length, 1)
  }
})

t.test('an order that is in doubt waits for a person, and is delivered once it is confirmed after all', async (t) => {
  const w = world(t)
  await chart(w, a28(EVE))
  const { state: { id } } = await open(w, ref({ to: RAO, authority: '^^^HC^MR', patient: EVE }), { direction: 'outbound', ehr: 'epic-main' })
  const [order] = await notices(w, id, 'referral')
  await given(w, order?.id, ['<o@heart.example>'])
  await w.clock.pass(61 * MINUTE)
  t.match(await state(w, id), { stage: 'sent', holds: { 'hand-off': { reason: /The referral to .* may or may not have arrived: no confirmation came in time/ } } })
  t.equal((await notices(w, id, 'referral')).length, 1)
  await says(w, '<o@heart.example>', 'dispatched')
  t.match(await state(w, id), { stage: 'delivered', holds: {} })
  await says(w, '<o@heart.example>', 'delivered')
  t.same((await happened(w, id, 'delivered')).length, 1, 'once')
})
