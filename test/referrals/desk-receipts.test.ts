/** What mail and fax systems say of what was sent: confirmed, failed, tried again, taken another way, or in doubt. */
import t from 'tap'
import { retry } from '../../referrals/decisions/retry.js'
import { readReceipt } from '../../referrals/receipts/receipt.js'
import { a28, ADAM, carry, chart, DAY, EVE, events, handedOff, happened, HOUR, MINUTE, movedClock, notices, open, OKAFOR, RAO, ref, state, TANAKA, world } from './desk-kit.js'
import { acknowledgement, given, says, words } from './receipts-kit.js'

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

t.test('what is written for staff to send is told as that, and no system is waited for', async (t) => {
  const w = world(t)
  const { state: { id } } = await open(w, ref())
  const first = await acknowledgement(w, id)
  t.match(first, { way: 'direct' })
  await given(w, first?.id, [], { staff: true, channel: 'loop-file' })
  t.same(await happened(w, id, 'acknowledged'), ['acknowledged'])
  t.match((await words(w, id)).join('\n'), /A letter was written for staff to send, the acknowledgement: through loop-file; by Direct/)
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
  const clock = movedClock()
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

// ── Digests, and other rules ────────────────────────────────────────────────────────────

t.test('a digest is told once it is confirmed, of each of its referrals; what fails is owed again by the next way, and what stays silent is a person’s', async (t) => {
  for (const [stage, told] of [['processed', 'all'], ['failed', 'by fax'], [null, 'asked'], ['early', 'all']] as const) {
    const w = world(t)
    const one = await handedOff(w)
    const { state: { id: two } } = await open(w, ref({ number: 'R-2^LFM', diagnosis: 'M17.11^Osteoarthritis of knee^I10', reason: 'Knee pain' }))
    await carry(w)
    for (const id of [one, two]) await w.desk.tell({ command: `contact ${id}`, referral: id, news: [{ name: 'contacted', at: w.clock.now().toISOString(), by: { kind: 'person', name: 'Ann' } }] })
    await w.clock.pass(7 * HOUR)
    const [digest] = (await w.desk.toTell({ channel: 'x', kinds: ['digest'] }, 0, 10)).map(({ notice }) => notice)
    t.match(digest, { kind: 'digest', way: 'direct' })
    if (stage === 'early') t.equal((await says(w, '<p@heart.example>', 'processed')).what, 'stray')
    await given(w, digest?.id, ['<p@heart.example>'])
    if (stage !== 'early') for (const id of [one, two]) t.match(Object.keys((await state(w, id)).toTell), [/^status:/], 'not yet')
    if (stage === null) await w.clock.pass(61 * MINUTE)
    else if (stage !== 'early') t.equal((await says(w, '<p@heart.example>', stage, stage === 'failed' ? { reason: 'no such mailbox' } : {})).what, 'told')
    for (const id of [one, two]) {
      const now = await state(w, id)
      if (told === 'all') t.match([now.toTell, (await happened(w, id, 'status-sent')).length], [{}, 1])
      else if (told === 'by fax') t.match((await notices(w, id, 'status')).at(-1), { way: 'fax', status: 'open', items: [] })
      else t.match(now.holds, { notice: { reason: /The status to .* may or may not have arrived/ } })
    }
    t.match(await w.desk.store.notice(digest?.id ?? 0), { status: told === 'all' ? 'sent' : 'failed' })
    t.match(await w.desk.store.proof(digest?.id ?? 0), { stage: stage === null ? 'uncertain' : stage === 'early' ? 'processed' : stage, confirmBy: null })
    if (told !== 'asked') continue
    await w.desk.decide((parts) => retry(parts, { command: 'retry', referral: one, by: 'dana', reason: 'they have nothing' }, digest?.id ?? 0, 'fax'))
    await says(w, '<p@heart.example>', 'processed')
    t.same((await state(w, two)).toTell, {}, 'it had arrived')
    t.match((await notices(w, one, 'status')).at(-1), { way: 'fax', status: 'superseded' })
  }
})

t.test('where a way is confirmed by a later stage, an earlier one does not end the waiting', async (t) => {
  const w = world(t, { rules: { way: (way) => (way === 'direct' ? { confirms: { by: 'dispatched', within: HOUR }, retry: null } : null) } })
  const { state: { id } } = await open(w, ref())
  const first = await acknowledgement(w, id)
  await given(w, first?.id, ['<q@heart.example>'])
  await says(w, '<q@heart.example>', 'processed')
  t.same(await happened(w, id, 'acknowledged'), [])
  await w.clock.pass(61 * MINUTE)
  t.match(await state(w, id), { holds: { notice: { reason: /may or may not have arrived/ } } })
  t.same(await w.desk.store.proofsDue(w.clock.now().toISOString(), 10), [], 'said once')
  await says(w, '<q@heart.example>', 'dispatched')
  t.same(await happened(w, id, 'acknowledged'), ['acknowledged'])
})

t.test('an address that fails is tried last until it is confirmed again; what a system refuses is that message alone', async (t) => {
  const w = world(t)
  const { state: { id, provider = null } } = await open(w, ref())
  const ways = async () => (await w.desk.providers.get(provider ?? ''))?.ways.map(({ way, failed }) => (failed ? `${way} failed` : way))
  await w.desk.providers.learn(provider ?? '', 'hl7', 'LAKESIDE', 'test')
  await carry(w, { broken: ['direct'] })
  t.same(await ways(), ['hl7', 'fax', 'direct failed'])
  await w.desk.tell({ command: 'accept', referral: id, news: [{ name: 'accepted', at: w.clock.now().toISOString(), by: { kind: 'person', name: 'Ann' } }] })
  await carry(w, { broken: ['hl7'] })
  t.same(await ways(), ['hl7', 'fax', 'direct failed'], 'the next message may be taken')
  const { state: { id: other } } = await open(w, ref({ number: 'R-3^LFM', patient: ADAM, reason: 'Knee pain' }))
  await carry(w, { broken: ['hl7', 'fax'] })
  t.match(await acknowledgement(w, other), { way: 'direct', status: 'sent' }, 'the last that is left')
  t.same(await ways(), ['direct', 'hl7', 'fax failed'], 'and it is taken there again')
})
