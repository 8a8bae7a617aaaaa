/** What people decide about a referral: each decision does what it says, once, with who and why, and is refused where it may not be. */
import t from 'tap'
import type { Bundle } from 'fhir/r4.js'
import type { Chart } from '../../../referrals/contracts.js'
import type { Notice } from '../../../referrals/desk-contracts.js'
import { type Answer, startWorld, UNSURE, WHO, type World } from './kit.js'

const at = (id: string, what = ''): string => `/api/referrals/${id}${what && `/${what}`}`
const epic = (id: string) => ({ source: 'epic-main', id })
const last = async (world: World, id: string, name: string) => (await world.desk.store.events(id)).findLast((event) => event.name === name)
/** Says what became of its hand-off, as a channel would. */
const handOver = async ({ desk }: World, id: string, outcome: 'sent' | 'failed' = 'sent'): Promise<Notice> => {
  const notice = (await desk.store.notices(id)).find(({ kind, status }) => kind === 'hand-off' && status === 'open')
  if (!notice) throw new Error('nothing is handed over')
  await settle(desk, notice.id, outcome)
  return notice
}
const settle = (desk: World['desk'], notice: number, outcome: 'sent' | 'failed'): Promise<void> =>
  desk.settle(notice, { mark: `${notice} ${outcome}`, outcome, at: desk.clock.now(), channel: 'hand-off', reason: outcome === 'sent' ? null : 'the queue is gone', doubtful: false, confirmed: true, receipt: null, identifiers: [] })

t.test('of two charts that look alike a person chooses, and the referral goes on with who chose and why', async (t) => {
  const world = await startWorld(t)
  const { ask } = world
  for (const id of ['E1', 'E2', 'E3']) await world.chart({ ...UNSURE, id })
  const same: Partial<Chart> = { ...UNSURE, names: [{ family: 'Thistlewood', given: ['Beatrix'], suffix: null, use: null }], birthDate: '1977-12-01', identifiers: [] }
  for (const id of ['T1', 'T2']) await world.chart({ ...same, id })
  const id = await world.refer()
  const before = (await ask('GET', at(id))).body
  t.match(before, { stage: 'routed', patient: { status: 'uncertain' }, holds: [{ hold: 'patient' }], who: { match: { grade: 'possible' } } })
  t.same(before.who.match.candidates.map(({ chart }: { chart: { id: string } }) => chart.id).sort(), ['E1', 'E2', 'E3'])
  t.ok(before.who.match.candidates[0].compared.every((one: { says: string }) => one.says), 'side by side, with why')
  t.match(before.next[0], /^A person is waited for: /)

  t.match(await ask('POST', at(id, 'patient'), { ...WHO, choose: epic('E9') }), { status: 422, body: { code: 'UNFIT', message: /There is no chart E9 of epic-main/ } })
  t.match(await ask('POST', at(id, 'patient'), { ...WHO, notThese: [epic('E9')] }), { status: 422, body: { message: /None of the candidates is chart E9 of epic-main; they are chart E/ } })
  t.match(await ask('POST', at(id, 'patient'), WHO), { status: 400, body: { message: /Say one of `choose`, `createPending` and `notThese`/ } })
  t.match(await ask('POST', at(id, 'patient'), { ...WHO, choose: epic('E1'), createPending: true }), { status: 400 })
  t.equal((await world.desk.store.state(id))?.sequence, before.sequence, 'what was refused left nothing')

  const ruled = await ask('POST', at(id, 'patient'), { ...WHO, notThese: [epic('E3')] })
  t.match(ruled, { status: 200, body: { patient: { status: 'uncertain' }, who: { ruledOut: [epic('E3')] }, events: [{ name: 'noted', applied: true }, { name: 'match-uncertain', applied: true }] } })
  t.equal(ruled.body.who.match.candidates.length, 2)

  const chosen = await ask('POST', at(id, 'patient'), { ...WHO, choose: epic('E3') })
  t.match(chosen, { status: 200, body: { patient: { chart: epic('E3') }, who: { chart: { id: 'E3' }, ruledOut: [] } } }, 'a person may change what a person said')
  t.match(await last(world, id, 'matched'), { by: { kind: 'person', name: 'ada' }, reason: WHO.reason, facts: { chart: epic('E3') } })
  t.match(await ask('POST', at(id, 'patient'), { ...WHO, choose: epic('E3') }), { status: 409, body: { code: 'NOT_NOW', message: /matched with chart E3 of epic-main already/ } })

  const twice = await world.refer({ family: 'Thistlewood', given: 'Beatrix', birthDate: '1977-12-01' })
  const [kept, gone] = [epic('T1'), epic('T2')]
  const merged = await ask('POST', at(twice, 'patient/merge'), { ...WHO, survivor: kept, merged: gone })
  t.match(merged, { status: 200, body: { patient: { status: 'matched', chart: kept }, holds: [] } }, 'one chart is left, and it is certain')
  t.match(await last(world, twice, 'noted'), { by: { kind: 'person', name: 'ada' }, reason: WHO.reason, facts: { words: 'Merged: chart T2 of epic-main into chart T1 of epic-main.' } })
  t.ok(merged.body.notices.some((notice: Notice) => notice.kind === 'hand-off' && notice.status === 'open'), 'and it is handed on')
  t.match(await ask('POST', at(twice, 'patient/merge'), { ...WHO, survivor: kept, merged: { source: 'ecw-north', id: 'N1' } }), { status: 422, body: { message: /two systems/ } })
  t.match(await ask('POST', at(id, 'patient/merge'), { ...WHO, survivor: epic('E1'), merged: kept }), { status: 200, body: { patient: { chart: epic('E3') } } })
  t.match(await last(world, twice, 'matched'), { by: { kind: 'person', name: 'ada' }, reason: WHO.reason, facts: { chart: epic('E1') } }, 'every referral of a merged chart follows')
  t.match(await ask('POST', '/api/patients/unmerge', { ...WHO, survivor: kept, merged: gone }), { status: 409, body: { message: /merged into chart E1 of epic-main, not into chart T1/ } })
  t.match(await ask('POST', '/api/patients/unmerge', { ...WHO, survivor: epic('E1'), merged: kept }), { status: 200, body: { told: 1 } })
  t.match(await last(world, twice, 'matched'), { by: { name: 'ada' }, reason: WHO.reason, facts: { chart: kept, words: /^Two again: chart T1 of epic-main and chart E1.*was of chart T1/ } }, 'and comes back')
  t.match(await ask('POST', '/api/patients/unmerge', { ...WHO, survivor: epic('E1'), merged: epic('E99') }), { status: 422 })
})

t.test('what a person has ruled out is never matched again by itself; none of them is a pending record', async (t) => {
  const world = await startWorld(t)
  await world.chart({ ...UNSURE, id: 'E1' })
  await world.chart({ ...UNSURE, id: 'E2' })
  const id = await world.refer()
  const pending = await world.ask('POST', at(id, 'patient'), { ...WHO, createPending: true })
  t.match(pending, { status: 200, body: { patient: { status: 'pending', chart: null }, holds: [] } })
  t.same(pending.body.who.ruledOut.map((chart: { id: string }) => chart.id).sort(), ['E1', 'E2'])
  t.match(await last(world, id, 'patient-pending'), { by: { kind: 'person', name: 'ada' }, reason: WHO.reason })
  t.ok(pending.body.notices.some(({ kind }: Notice) => kind === 'hand-off'))
  t.match(await world.ask('POST', at(id, 'patient'), { ...WHO, createPending: true }), { status: 409 })

  await world.desk.charts({ command: 'adt/1', ehr: 'epic-main', by: { kind: 'channel', name: 'adt' }, via: 'adt', at: world.desk.clock.now(), bundle: { resourceType: 'Patient', identifier: [{ type: { coding: [{ code: 'MR' }] }, value: 'E2' }], name: [{ family: 'Quillfeather', given: ['Odalys'] }], birthDate: '1961-04-09', gender: 'female', telecom: [{ system: 'phone', value: '608-555-0142' }] } })
  t.equal((await world.desk.store.state(id))?.patient.status, 'pending', 'a feed does not overrule a person')
  const more = await world.desk.open({ command: 'more/1', bundle: JSON.parse((await world.desk.store.bundle(id)) ?? ''), direction: 'inbound', by: { kind: 'channel', name: 'x' }, via: 'x', at: world.desk.clock.now() })
  t.match(more, { what: 'added', state: { id, patient: { status: 'pending' } } }, 'nor does more about it')

  const wrong = await world.refer({ icd: 'K21.9', words: 'Reflux, please see for gastroenterology', family: 'Thistle', phone: '608-555-0143' })
  t.match((await world.ask('GET', at(wrong))).body, { route: { ehr: 'ecw-north' }, holds: [{ hold: 'patient', reason: /takes referrals of patients only of whom it has a chart/ }] })
  await world.chart({ source: 'ecw-north', id: 'N1', names: [{ family: 'Thistle', given: ['Odalys'], suffix: null, use: null }], phones: ['608-555-0143'] })
  t.match(await world.ask('POST', at(wrong, 'patient'), { ...WHO, choose: epic('E1') }), { status: 422, body: { message: /goes to ecw-north, and the chart is one of epic-main/ } })
  t.match(await world.ask('POST', at(wrong, 'patient'), { ...WHO, choose: { source: 'ecw-north', id: 'N1' } }), { status: 200, body: { patient: { status: 'matched' }, holds: [] } })
  t.match(await world.ask('POST', at(wrong, 'patient'), { ...WHO, notThese: [{ source: 'ecw-north', id: 'N1' }] }), { status: 200, body: { patient: { status: 'pending', chart: null }, holds: [{ hold: 'patient' }] } }, 'a match that was wrong is taken back')
})

t.test('accepted, reached, booked, missed, seen; declined, closed, cancelled and opened again', async (t) => {
  const world = await startWorld(t)
  const { ask } = world
  await world.chart()
  const id = await world.refer()
  t.match(await ask('POST', at(id, 'appointment'), { ...WHO, what: 'no-show' }), { status: 409, body: { code: 'NOT_NOW', message: /A referral that is routed cannot be no show/ } })
  t.notOk((await world.desk.store.events(id)).some(({ applied }) => !applied), 'what a person may not do is not kept')
  await handOver(world, id)
  const reference = (await world.desk.store.state(id))?.reference ?? ''
  t.match(await ask('POST', at(reference.toLowerCase().replaceAll('-', ' ').replaceAll(' ', '%20'), 'accept'), WHO), { status: 200, body: { stage: 'accepted', events: [{ name: 'accepted', applied: true }] } }, 'named by its number, however it is spelt')
  t.match(await last(world, id, 'accepted'), { by: { kind: 'person', name: 'ada' }, reason: WHO.reason })
  t.match(await ask('POST', at(id, 'appointment'), { ...WHO, what: 'scheduled' }), { status: 422, body: { message: /needs `start`/ } })
  t.match(await ask('POST', at(id, 'appointment'), { ...WHO, what: 'scheduled', start: 'tomorrow-ish' }), { status: 400, body: { message: /is not an instant/ } })
  t.match(await ask('POST', at(id, 'appointment'), { ...WHO, what: 'scheduled', start: '2026-03-10T15:00:00Z', with: 'Dr Rao', at: 'Main St' }), { status: 200, body: { stage: 'scheduled', appointment: { start: '2026-03-10T15:00:00.000Z', with: 'Dr Rao' } } })
  t.match(await ask('POST', at(id, 'appointment'), { ...WHO, what: 'no-show' }), { status: 200, body: { stage: 'rebooking', appointment: { last: 'no-show' } } })
  t.match(await ask('POST', at(id, 'appointment'), { ...WHO, what: 'rescheduled', start: '2026-03-12T15:00:00Z' }), { status: 200, body: { stage: 'scheduled', appointment: { start: '2026-03-12T15:00:00.000Z' } } })
  t.match(await ask('POST', at(id, 'appointment'), { ...WHO, what: 'cancelled', words: 'The patient is away.' }), { status: 200, body: { stage: 'rebooking' } })
  t.match(await last(world, id, 'appointment-cancelled'), { reason: WHO.reason, facts: { reason: 'The patient is away.' } })
  t.match(await ask('POST', at(id, 'appointment'), { ...WHO, what: 'seen', start: '2026-03-12T15:00:00Z' }), { status: 422, body: { message: /in the future/ } })
  t.match(await ask('POST', at(id, 'appointment'), { ...WHO, what: 'seen' }), { status: 200, body: { stage: 'seen' } })
  t.match(await ask('POST', at(id, 'close'), WHO), { status: 400, body: { message: /words/ } })
  t.match(await ask('POST', at(id, 'close'), { ...WHO, words: 'The note went by paper.' }), { status: 200, body: { stage: 'closed' } })
  t.match(await ask('POST', at(id, 'accept'), WHO), { status: 409, body: { message: /A referral that is closed cannot be accepted/ } })
  t.match(await ask('POST', at(id, 'reopen'), WHO), { status: 200, body: { stage: 'accepted' } }, 'the practice has it still')
  t.match(await ask('POST', at(id, 'reopen'), WHO), { status: 409 })
  const cancelled = await ask('POST', at(id, 'cancel'), WHO)
  t.match(cancelled, { status: 200, body: { stage: 'cancelled' } })
  t.ok(cancelled.body.notices.some(({ kind, to }: Notice) => kind === 'withdrawal' && to === 'ehr epic-main'), 'what was handed on is called back')

  const other = await world.refer({ icd: 'K21.9', words: 'Reflux, please see for gastroenterology' })
  const declined = await ask('POST', at(other, 'decline'), { ...WHO, words: 'We do not see children.' })
  t.match(declined, { status: 200, body: { stage: 'declined' } })
  t.match(await last(world, other, 'declined'), { reason: WHO.reason, facts: { reason: 'We do not see children.' } })
  const told = await world.desk.toTell({ channel: 'x', kinds: ['status'] }, 0, 100)
  const mine = told.filter(({ notice }) => notice.referral === other).map(({ bundle }) => bundle ?? '')
  t.equal(mine.length, 1, 'the referrer is told')
  t.match(mine[0], /We do not see children/)
  t.notMatch(mine.join(''), WHO.reason, 'the reason for the history is told to nobody')
  const again = await ask('POST', at(other, 'reopen'), WHO)
  t.match(again, { status: 200, body: { stage: 'routed', route: { ehr: 'ecw-north' }, holds: [{ hold: 'patient' }] } }, 'it is routed as before, and waits for its patient')
  const back = await world.refer()
  await ask('POST', at(back, 'decline'), { ...WHO, words: 'Full.' })
  t.match(await ask('POST', at(back, 'reopen'), WHO), { status: 200, body: { stage: 'received' } }, 'what was on its way is not sent twice')
  await handOver(world, back)
  t.equal((await world.desk.store.state(back))?.stage, 'handed-off')
})

t.test('after three failed attempts the patient cannot be reached, by itself; a success begins anew', async (t) => {
  const world = await startWorld(t)
  await world.chart()
  const id = await world.refer()
  const call = (outcome: string, more: object = {}): Promise<Answer> => world.ask('POST', at(id, 'contact'), { ...WHO, how: 'call', outcome, ...more })
  t.match(await call('no-answer', { note: 'rang out' }), { status: 200, body: { stage: 'routed', attempts: 1, events: [{ name: 'noted' }] } })
  t.match(await last(world, id, 'noted'), { by: { name: 'ada' }, facts: { attempt: { number: 1, how: 'call' }, reason: 'no answer', evidence: [{ says: 'rang out' }] } })
  world.later(60_000)
  t.match(await call('reached'), { status: 200, body: { stage: 'contacted', attempts: 2 } })
  for (const outcome of ['no-answer', 'left-message']) t.match(await call(outcome), { status: 200, body: { stage: 'contacted' } })
  t.match(await call('wrong-number'), { status: 200, body: { stage: 'unable-to-reach', attempts: 5, events: [{ name: 'noted' }, { name: 'unable-to-reach' }] } })
  t.match(await last(world, id, 'unable-to-reach'), { by: { kind: 'desk' }, facts: { reason: '3 attempts: call, no answer; call, left message; call, wrong number.' } })
  t.match(await call('no-answer'), { status: 200, body: { stage: 'unable-to-reach', events: [{ name: 'noted' }] } }, 'counting begins anew')
  t.match(await call('no-answer', { at: '2027-01-01T00:00:00Z' }), { status: 422, body: { message: /in the future/ } })
  t.match(await call('vanished'), { status: 400, body: { message: /`outcome` cannot be `vanished`; there are .*`no-answer`/ } })
  await world.ask('POST', at(id, 'close'), { ...WHO, words: 'Gave up.' })
  t.match(await call('no-answer'), { status: 409, body: { message: /For a referral that is closed nobody is called/ } })
})

t.test('where nothing routes it a person does, and what is missing is learned by telephone', async (t) => {
  const world = await startWorld(t)
  const { ask } = world
  await world.chart()
  const id = await world.refer({ icd: 'Z99.9', words: 'Please see this patient', letter: 'As discussed.' })
  t.match((await ask('GET', at(id))).body, { stage: 'received', holds: [{ hold: 'routing' }] })
  t.match(await ask('POST', at(id, 'route'), { ...WHO, ehr: 'nowhere' }), { status: 422, body: { message: /No EHR is called `nowhere`/ } })
  const routed = await ask('POST', at(id, 'route'), { ...WHO, ehr: 'epic-main', queue: 'general' })
  t.match(routed, { status: 200, body: { stage: 'routed', route: { ehr: 'epic-main', queue: 'general', location: null }, holds: [], routed: { by: 'ada', why: WHO.reason } } })
  t.ok(routed.body.notices.some(({ to }: Notice) => to === 'ehr epic-main'))
  t.match(await ask('POST', at(id, 'route'), { ...WHO, ehr: 'ecw-north' }), { status: 409, body: { message: /on its way to epic-main already/ } })
  await handOver(world, id, 'failed')
  t.match((await ask('GET', at(id))).body, { holds: [{ hold: 'hand-off', reason: /the queue is gone/ }] })
  const moved = await ask('POST', at(id, 'route'), { ...WHO, ehr: 'ecw-north', location: 'North' })
  t.match(moved, { status: 200, body: { route: { ehr: 'ecw-north', location: 'North', queue: null }, patient: { status: 'pending', chart: null }, holds: [{ hold: 'patient' }] } }, 'in another EHR its patient is another question')
  t.notOk(moved.body.notices.some(({ kind, status }: Notice) => kind === 'hand-off' && status !== 'superseded'), 'and nothing is handed on before it is answered')

  const lacking = await world.refer({ phone: null })
  t.match((await ask('GET', at(lacking))).body, { holds: [{ hold: 'information' }] })
  const missing = (await world.desk.store.state(lacking))?.missing ?? []
  t.ok(missing.some(({ item, blocks }) => item === 'patient-phone' && blocks))
  t.match(await ask('POST', at(lacking, 'information'), { ...WHO, answered: ['shoe-size'], words: '43' }), { status: 422, body: { message: /`shoe-size` is not missing; missing are .*`patient-phone`/ } })
  t.match(await ask('POST', at(lacking, 'information'), { ...WHO, words: 'x' }), { status: 400 })
  const known = await ask('POST', at(lacking, 'information'), { ...WHO, answered: ['patient-phone'], without: missing.filter(({ item }) => item !== 'patient-phone').map(({ item }) => item), words: 'The daughter has 608-555-0177.' })
  t.match(known, { status: 200, body: { missing: [], stage: 'routed' } })
  t.notOk(known.body.holds.some(({ hold }: { hold: string }) => hold === 'information'))
  const bundle = JSON.parse((await world.desk.store.bundle(lacking)) ?? '') as Bundle
  t.match(bundle.entry?.[0]?.resource, { note: [{ text: 'The daughter has 608-555-0177.', authorString: 'ada' }] }, 'it goes along to the EHR')
  const noted = (await ask('GET', at(lacking, 'evidence'))).body.values.find(({ fact }: { fact: string }) => fact === 'notes[0]')
  t.match(noted, { value: /daughter/, origins: [{ from: 'person', by: 'ada' }] }, 'and says whose words they are')
  t.match(await ask('POST', at(lacking, 'information'), { ...WHO, answered: ['patient-phone'], words: 'x' }), { status: 409, body: { message: /Nothing is missing/ } })
})

t.test('what could not be told is told once more, by a way of one’s choice', async (t) => {
  const world = await startWorld(t)
  const { ask, desk } = world
  await world.chart()
  const id = await world.refer({ email: null })
  const unsent = (await ask('GET', at(id))).body
  t.match(unsent, { holds: [{ hold: 'way-back' }] })
  const [acknowledgement] = unsent.notices.filter(({ kind }: Notice) => kind === 'acknowledgement')
  t.match(acknowledgement, { status: 'failed', way: null, because: /no address is known/ })
  const retry = (notice: number, more: object = {}): Promise<Answer> => ask('POST', at(id, `notices/${notice}/retry`), { ...WHO, ...more })
  t.match(await retry(acknowledgement.id), { status: 422, body: { message: /No way to reach provider/ } })
  const provider = unsent.provider
  t.match(await ask('PATCH', `/api/providers/${provider}`, { ...WHO, learn: [{ way: 'fax', address: '608-555-0188' }, { way: 'email', address: 'desk@lakeside.example' }] }), { status: 200, body: { ways: [{ way: 'fax' }, { way: 'email' }] } })
  t.match(await retry(acknowledgement.id, { way: 'direct' }), { status: 422, body: { message: /by direct is known; known are fax, email/ } })
  const again = await retry(acknowledgement.id, { way: 'email' })
  t.match(again, { status: 200, body: { holds: [], events: [{ name: 'noted', applied: true }] } })
  const [old, fresh] = again.body.notices.filter(({ kind }: Notice) => kind === 'acknowledgement')
  t.match([old, fresh], [{ status: 'superseded' }, { status: 'open', way: 'email', event: 1 }])
  t.match(await last(world, id, 'noted'), { by: { name: 'ada' }, reason: WHO.reason })
  t.match(await retry(acknowledgement.id), { status: 409, body: { message: /Another has taken its place/ } })
  await settle(desk, fresh.id, 'sent')
  t.match(await desk.store.state(id), { toTell: { 'acknowledgement:1': undefined }, times: { acknowledged: /^2026/ } }, 'and counts as told')
  t.match(await retry(99_999), { status: 422, body: { message: /none of this referral/ } })

  const failed = await handOver(world, id, 'failed')
  t.match(await retry(failed.id, { way: 'fax' }), { status: 422, body: { message: /leave `way` out/ } })
  t.match(await retry(failed.id), { status: 200, body: { holds: [] } })
  await handOver(world, id)
  t.equal((await desk.store.state(id))?.stage, 'handed-off')
})

t.test('who sent a referral is said by a person, and hears what could not be told before', async (t) => {
  const world = await startWorld(t)
  const { ask } = world
  await world.chart()
  const id = await world.refer({ email: null })
  const { body: { id: provider } } = await ask('POST', '/api/providers', { ...WHO, practice: 'Meadow Clinic', ways: [{ way: 'fax', address: '608-555-0171' }] })
  t.match(await ask('POST', at(id, 'provider'), { ...WHO, provider, words: 'x' }), { status: 422, body: { message: /leave `words` out/ } })
  const named = await ask('POST', at(id, 'provider'), { ...WHO, provider })
  t.match(named, { status: 200, body: { stage: 'routed', provider, holds: [], do: [], counterpart: { practice: 'Meadow Clinic' } } })
  t.match(named.body.notices.filter(({ kind }: Notice) => kind === 'acknowledgement'), [{ status: 'superseded' }, { status: 'open', way: 'fax', to: `provider ${provider}` }])
  t.match(await last(world, id, 'addressed'), { by: { name: 'ada' }, reason: WHO.reason })
  t.match(await ask('POST', at(id, 'provider'), { ...WHO, provider }), { status: 409, body: { message: /is its referrer already/ } })
})

t.test('a referral that repeats another is closed, and the other has all that it brought', async (t) => {
  const world = await startWorld(t)
  const { ask, desk } = world
  await world.chart()
  const one = await world.refer()
  const two = await world.refer({ icd: 'R00.2', words: 'Palpitations', placer: 'LATER-7', letter: 'A second letter about the same.' })
  t.not(one, two)
  const [first, second] = [await desk.store.state(one), await desk.store.state(two)]
  const body = { ...WHO, reference: first?.reference, command: 'duplicate-of-1' }
  t.match(await ask('POST', at(two, 'duplicate-of'), { ...WHO, reference: 'R-2222-2222' }), { status: 422, body: { message: /No referral has the number/ } })
  t.match(await ask('POST', at(two, 'duplicate-of'), { ...WHO, reference: second?.reference }), { status: 422, body: { message: /no duplicate of itself/ } })
  const closed = await ask('POST', at(two, 'duplicate-of'), body)
  t.match(closed, { status: 200, body: { stage: 'closed', sameAs: one } })
  t.match(await last(world, two, 'closed'), { by: { name: 'ada' }, reason: WHO.reason, facts: { reason: `It repeats referral ${first?.reference}, which goes on.` } })
  t.match(await last(world, one, 'information-added'), { by: { name: 'ada' }, reason: WHO.reason, facts: { words: new RegExp(`Referral ${second?.reference} is the same. Added: `) } })
  t.equal((await ask('GET', at(one, 'documents'))).body.documents.length, 2)
  t.match((await ask('GET', `/api/referrals?text=${second?.reference}`)).body.referrals.map(({ id }: { id: string }) => id).sort(), [one, two].sort(), 'it is found by either number')
  const sequence = (await desk.store.state(one))?.sequence
  t.match(await ask('POST', at(two, 'duplicate-of'), body), { status: 200, body: { repeated: true, stage: 'closed' } })
  t.equal((await desk.store.state(one))?.sequence, sequence, 'once')
  const more = await world.desk.open({ command: 'again', bundle: JSON.parse((await desk.store.bundle(two)) ?? ''), direction: 'inbound', by: { kind: 'channel', name: 'x' }, via: 'x', at: desk.clock.now() })
  t.match(more, { what: 'added', state: { id: one } }, 'what names the closed one is about the other')
  t.match(await ask('POST', at(one, 'duplicate-of'), { ...WHO, reference: second?.reference }), { status: 422, body: { message: /itself closed as a duplicate/ } })
})

t.test('sent again it is done once; of two who decide at once one is told what the other did', async (t) => {
  const world = await startWorld(t)
  const { ask } = world
  await world.chart()
  for (const key of [{ headers: { 'idempotency-key': 'once-and-for-all' }, body: WHO }, { headers: {}, body: { ...WHO, command: 'once-and-for-all' } }]) {
    const id = await world.refer()
    t.match(await ask('POST', at(id, 'accept'), key.body, key.headers), { status: 200, body: { stage: 'accepted', repeated: false } })
    const { sequence } = (await world.desk.store.state(id)) ?? {}
    t.match(await ask('POST', at(id, 'accept'), key.body, key.headers), { status: 200, body: { stage: 'accepted', repeated: true, events: [] } })
    t.equal((await world.desk.store.state(id))?.sequence, sequence)
    t.match(await ask('POST', at(id, 'close'), { ...key.body, words: 'Enough.' }, key.headers), { status: 200, body: { stage: 'closed', repeated: false } }, 'the key is of this decision alone')
  }
  const id = await world.refer()
  t.match(await ask('POST', at(id, 'accept'), { ...WHO, command: 'one-command' }, { 'idempotency-key': 'another-one' }), { status: 400, body: { message: /differ/ } })

  const seen = (await ask('GET', at(id))).body.sequence
  const both = await Promise.all([
    ask('POST', at(id, 'decline'), { by: 'ada', reason: 'too young', words: 'We see adults only.', seen }), ask('POST', at(id, 'accept'), { by: 'bob', reason: 'fits', seen }),
  ])
  t.same(both.map(({ status }) => status).sort(), [200, 409])
  const [won, lost] = both[0].status === 200 ? both : [both[1], both[0]]
  t.match(lost.body, { code: 'NOT_NOW', message: /Meanwhile (ada|bob) has decided: (declined|accepted) \((too young|fits)\)/, since: [{ sequence: seen + 1, name: won.body.stage, by: /ada|bob/ }] })
  t.equal((await world.desk.store.events(id)).filter(({ name }) => name === 'declined' || name === 'accepted').length, 1)
  t.match(await ask('POST', at(id, 'accept'), { ...WHO, seen: 10_000 }), { status: 400, body: { message: /cannot have been seen/ } })
})

t.test('everybody says who and why; what is odd, huge or unknown is refused with a sentence, and nobody’s name is logged', async (t) => {
  const world = await startWorld(t)
  const { ask } = world
  await world.chart()
  const id = await world.refer()
  for (const [body, says] of [
    [{}, /by/], [{ by: 'ada' }, /reason/], [{ by: ' ', reason: 'x' }, /^`by` must not be empty\.$/], [{ by: 'ada', reason: '\n ' }, /^`reason` must not be empty\.$/], [{ by: 'ada', reson: 'x' }, /`reson` is not a field of the body of the request; did you mean `reason`\?/], [{ by: 'ada' }, /^The body of the request needs `reason`: text: why, for the history/], [{ by: 'ada', reason: 'x'.repeat(501) }, /reason/], [{ ...WHO, also: 1 }, /`also`/], [{ ...WHO, command: 'short' }, /command/],
    [{ ...WHO, seen: 0 }, /seen/], [[], /body/], ['{"by":', /JSON/],
  ] as const) t.match(await ask('POST', at(id, 'accept'), body), { status: 400, body: { code: 'USAGE', message: says } }, JSON.stringify(body).slice(0, 60))
  t.match(await ask('POST', at(id, 'contact'), { ...WHO, how: 'call', outcome: 'reached', note: 'x'.repeat(400_000) }), { status: 413, body: { code: 'TOO_LARGE' } })
  t.match(await ask('POST', at(id, 'fly'), WHO), { status: 404 })
  t.match(await ask('GET', at(id, 'accept')), { status: 405 })
  for (const what of ['accept', 'reopen', 'cancel']) t.match(await ask('POST', at('R-2222-2222', what), WHO), { status: 404, body: { code: 'NOT_FOUND', message: /No referral has the number R-2222-2222/ } })
  t.match(await ask('POST', at('%00%27--', 'accept'), WHO), { status: 404 })
  t.equal((await world.desk.store.events(id)).some(({ by }) => by.kind === 'person'), false)
  t.notMatch(world.logged.join('\n'), /Quillfeather|555-0142|Lindqvist|palpitation/i)
})
