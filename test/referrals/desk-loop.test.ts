/** What the referrer hears, by which way and when; what is overdue; and that the loop closes. */
import t from 'tap'
import { actionsFor } from '../../referrals/api/actions.js'
import { timelineOf } from '../../referrals/api/timeline.js'
import { a28, ADAM, adt, carry, chart, DAY, EVE, events, fate, feed, handedOff, happened, HOUR, mdm, MINUTE, movedClock, notices, OKAFOR, open, ref, siu, stage, state, world } from './desk-kit.js'

const at = (day: number, hour = 15): string => `2026-03-${String(day).padStart(2, '0')}T${String(hour).padStart(2, '0')}:00:00Z`

t.test('a referral’s day: acknowledged, handed over, booked, seen, answered, closed; each told once', async (t) => {
  const w = world(t)
  const id = await handedOff(w)
  t.match(await state(w, id), { times: { 'acknowledged': /2026-03-02/, 'handed-off': /2026-03-02/ } })
  await feed(w, siu({ event: 'S12', at: at(3), order: 'R-117' }))
  t.match((await carry(w)).map(({ notice }) => notice.kind), ['status'])
  await feed(w, adt({ event: 'A04', at: at(9) }))
  t.match((await notices(w, id)).at(-1), { kind: 'status', status: 'waiting' }, 'that the patient was seen goes with the digest')
  await feed(w, mdm({ at: at(9, 20), order: 'R-117' }))
  const told = await carry(w)
  t.ok(told.some(({ notice }) => notice.kind === 'outcome'))
  t.equal(await stage(w, id), 'closed')
  t.same((await happened(w, id)).filter((name) => ['acknowledged', 'handed-off', 'scheduled', 'seen', 'reported', 'outcome-sent', 'closed'].includes(name)), ['acknowledged', 'handed-off', 'scheduled', 'seen', 'reported', 'outcome-sent', 'closed'])
  await w.clock.pass(DAY)
  t.match((await carry(w)).map(({ notice }) => notice.kind), ['digest'], 'what was seen and closed')
  t.same((await state(w, id)).toTell, {})
  await w.clock.pass(60 * DAY)
  t.same(await carry(w), [], 'nothing more')
  t.notMatch((await happened(w, id)).at(-1), 'overdue', 'nothing is owed at the end')
})

t.test('news for the digest of several referrals goes to their referrer in one message, at the digest’s time', async (t) => {
  const w = world(t)
  const one = await handedOff(w)
  const { state: { id: two } } = await open(w, ref({ number: 'R-2^LFM', diagnosis: 'M17.11^Osteoarthritis of knee^I10', reason: 'Knee pain' }))
  await carry(w)
  for (const id of [one, two]) await w.desk.tell({ command: `contact ${id}`, referral: id, news: [{ name: 'contacted', at: w.clock.now().toISOString(), by: { kind: 'person', name: 'Ann' } }] })
  t.same(await carry(w), [])
  await w.clock.pass(7 * HOUR) // 16:15 in Chicago
  const [digest, ...more] = await carry(w)
  t.match(digest?.notice, { kind: 'digest', items: [{ referral: one }, { referral: two }] })
  t.same(more, [])
  for (const id of [one, two]) t.same((await state(w, id)).toTell, {}, 'told')
})

t.test('a way that fails is followed by the next, and the last by a person', async (t) => {
  const w = world(t)
  await chart(w, a28(EVE))
  const { state: { id } } = await open(w, ref())
  await carry(w, { broken: ['direct', 'fax', 'email', 'phone', 'ehr'] })
  const acknowledgements = await notices(w, id, 'acknowledgement')
  t.same(acknowledgements.map(({ way, status }) => `${way} ${status}`), ['direct failed', 'fax failed'])
  const now = await state(w, id)
  t.match(now.holds, { 'notice': { reason: /was not delivered: no route to host/ }, 'hand-off': {} })
  t.ok(now.toTell['acknowledgement:1'], 'it is still owed')
  t.equal((await w.desk.store.search({ hold: 'notice', limit: 5 })).length, 1, 'on the worklist')
  await w.desk.tell({ command: 'booked', referral: id, news: [{ name: 'accepted', at: w.clock.now().toISOString(), by: { kind: 'person', name: 'Ann' } }] })
  await carry(w)
  t.ok((await state(w, id)).holds.notice, 'that another letter arrived settles nothing of it')
  const [, fax] = await notices(w, id, 'acknowledgement')
  await w.desk.settle(fax?.id ?? 0, fate(w, { mark: 'sent by hand' }))
  t.notOk((await state(w, id)).holds.notice)
  await w.desk.settle(fax?.id ?? 0, fate(w, { mark: 'sent by hand' }))
  t.equal((await happened(w, id, 'acknowledged')).length, 1)
})

t.test('who can be reached by no way is on the worklist at once', async (t) => {
  const w = world(t)
  const { state: now } = await open(w, ref({ from: { ...OKAFOR, fax: '', direct: '' } }).replace(/\^WPN\^FX\^\^\^608\^/, ''))
  t.ok(now.holds['way-back'])
})

t.test('what may have arrived is not sent by another way: a person is asked', async (t) => {
  const w = world(t)
  const { state: { id } } = await open(w, ref())
  const [notice] = await notices(w, id, 'acknowledgement')
  await w.desk.settle(notice?.id ?? 0, fate(w, { outcome: 'uncertain', reason: 'the connection was lost' }))
  t.same((await notices(w, id, 'acknowledgement')).map(({ status }) => status), ['failed'])
  t.match((await state(w, id)).holds.notice, { reason: /may or may not have arrived/ })
})

t.test('a notice that no channel carries takes the next way', async (t) => {
  const w = world(t, { carried: { channel: 'fax alone', kinds: ['acknowledgement', 'status', 'information', 'outcome', 'digest'], ways: ['fax'] } })
  const { state: { id } } = await open(w, ref())
  await w.clock.pass(3 * MINUTE)
  t.same((await notices(w, id, 'acknowledgement')).map(({ way, status }) => `${way} ${status}`), ['direct failed', 'fax open'])
})

t.test('a channel that serves one address is given nothing that goes to another, and that takes the next way', async (t) => {
  const kinds = ['acknowledgement'] as const
  const w = world(t, { carried: { channel: 'somebody else', kinds, ways: ['direct'], addresses: ['someone@direct.elsewhere.example'] } })
  const { state: { id } } = await open(w, ref())
  const told = async (address: string) => (await w.desk.toTell({ channel: 'one', kinds, ways: ['direct'], addresses: [address] }, 0, 50)).map(({ bundle }) => bundle !== null)
  t.same(await told('someone@direct.elsewhere.example'), [false])
  t.same(await told(String(OKAFOR.direct).toUpperCase()), [true])
  await w.clock.pass(3 * MINUTE)
  t.match((await notices(w, id, 'acknowledgement')).map(({ way, status }) => `${way} ${status}`), ['direct failed'])
})

t.test('each duty is said to be overdue once for each of its levels, also after the desk was opened anew', async (t) => {
  const first = world(t)
  const { clock, folder } = first
  const id = await handedOff(first)
  const overdue = async (of: typeof first) => (await events(of, id)).filter(({ name }) => name === 'overdue').map(({ facts }) => `${facts.duty?.kind} ${facts.duty?.level}`)
  await clock.pass(HOUR)
  t.same(await overdue(first), [])
  for (let day = 0; day < 2; day++) await clock.pass(DAY)
  t.ok((await overdue(first)).includes('first-outreach 1'), String(await overdue(first)))
  const before = await overdue(first)
  await first.close()
  const second = world(t, { folder, clock })
  await clock.pass(MINUTE)
  await clock.pass(MINUTE)
  t.same(await overdue(second), before, 'nothing is said twice')
  for (let day = 0; day < 60; day++) await clock.pass(DAY)
  const all = await overdue(second)
  t.same(all.filter((one, index) => all.indexOf(one) !== index && !one.startsWith('news')), [])
  t.ok(all.includes('first-outreach 2'))
  t.ok(all.includes('seen-in-time 1'))
})

t.test('after days in which nothing ran only the highest reminder that is due is said, once, and it says which were passed over', async (t) => {
  const first = world(t)
  const { clock, folder } = first
  const id = await handedOff(first)
  await first.close()
  const start = clock.now().getTime()
  const later = movedClock(new Date(start + 40 * DAY).toISOString())
  const second = world(t, { folder, clock: later })
  for (let look = 0; look < 5; look++) await later.pass(MINUTE)
  const said = (await events(second, id)).filter(({ name }) => name === 'overdue').map(({ facts }) => facts.duty)
  t.match(said, [{ kind: 'first-outreach', level: 4, skipped: [1, 2, 3] }, { kind: 'news', level: 3, skipped: [1, 2] }, { kind: 'seen-in-time', level: 2, skipped: [1] }], 'each duty once')
  t.equal(said.length, 3)
  t.match(timelineOf(await events(second, id), 'America/Chicago').find(({ facts }) => facts.duty?.kind === 'first-outreach')?.says, /reminder 4 \(1, 2, 3 not said: nothing ran\)/)
  for (let day = 0; day < 40; day++) await later.pass(DAY)
  const after = (await events(second, id)).filter(({ name }) => name === 'overdue').slice(3).map(({ facts }) => `${facts.duty?.kind} ${facts.duty?.level}`)
  t.same(after, ['seen-in-time 3'], 'what comes later is said when it comes, and nothing again')
})

t.test('after the referrer has heard, the next silence is another duty', async (t) => {
  const w = world(t)
  const id = await handedOff(w)
  for (let day = 0; day < 4; day++) await w.clock.pass(DAY)
  const said = async () => (await events(w, id)).filter(({ name, facts }) => name === 'overdue' && facts.duty?.kind === 'news').length
  t.equal(await said(), 1)
  await w.desk.tell({ command: 'accept', referral: id, news: [{ name: 'accepted', at: w.clock.now().toISOString(), by: { kind: 'person', name: 'Ann' } }] })
  await carry(w)
  for (let day = 0; day < 4; day++) await w.clock.pass(DAY)
  t.equal(await said(), 2)
})

t.test('a referrer without a way back is on the worklist while letters are written for staff; once a way is known they are told by it', async (t) => {
  const w = world(t)
  const FILE = { answer: { way: 'file', address: 'letters' } } as const
  const from = (prd: string | null) => ref().split('\r').filter((segment) => !segment.startsWith('PRD|')).flatMap((segment) => (segment.startsWith('RF1|') && prd !== null ? [segment, prd] : [segment])).join('\r')
  await chart(w, a28(EVE))
  const { state: { id, provider } } = await open(w, from('PRD|RP|LONELY^DOC'), FILE)
  const reason = /No way back to Doc Lonely is known.*no telephone.*The acknowledgement.*written to a file \(letters\)/
  t.match(await state(w, id), { stage: 'routed', holds: { 'way-back': { reason } } })
  await carry(w)
  t.match(await state(w, id), { stage: 'handed-off', holds: { 'way-back': { reason } } }, 'the letter is written and the EHR has it; nobody has been told all the same')
  await feed(w, siu({ event: 'S12', at: '2026-03-03T15:00:00Z', order: 'R-117' }))
  await carry(w)
  t.same((await notices(w, id)).map(({ kind, way, status }) => `${kind} ${way} ${status}`), ['acknowledgement file sent', 'hand-off null sent', 'status file sent'])
  t.match(await w.desk.store.search({ hold: 'way-back', limit: 9 }), [{ id }])
  t.equal((await happened(w, id, 'noted')).length, 1, 'said once')
  t.match(actionsFor('way-back', await state(w, id), await notices(w, id)), [{ says: /`learn`.*\(acknowledgement, status\)/, call: `PATCH /api/providers/${provider}` }])

  await w.clock.pass(60_000)
  await w.desk.providers.learn(provider ?? '', 'fax', '608-555-0143', 'Pat: called them')
  await w.clock.pass(6_000)
  t.match((await state(w, id)).holds, { 'way-back': undefined })
  t.same((await carry(w)).map(({ notice: { kind, way } }) => `${kind} ${way}`), ['acknowledgement fax', 'status fax'], 'what went into a file only goes by it now')
  await w.clock.pass(60_000)
  t.same(await carry(w), [], 'once')
  await feed(w, mdm({ at: '2026-03-10T15:00:00Z', order: 'R-117' }))
  t.same((await carry(w)).map(({ notice: { kind, way } }) => `${kind} ${way}`), ['outcome fax'])
  t.equal(await stage(w, id), 'closed')

  const phoned = await open(w, from('PRD|RP|SOLITAIRE^ANN|||^WPN^PH^^^608^5550144').replaceAll('R-117', 'R-118').replaceAll('EVERYWOMAN', 'OTHER'), FILE)
  t.match((await state(w, phoned.state.id)).holds['way-back'], { reason: /only the telephone \(608\) 5550144/ })
  const posted = await open(w, from('PRD|RP|POSTAL^PETE|1 LAKE ST^^MADISON^WI^53703').replaceAll('R-117', 'R-119').replaceAll('EVERYWOMAN', 'THIRD'), FILE)
  t.match((await state(w, posted.state.id)).holds, { 'way-back': undefined }, 'who has a postal address gets the letter by post')
  const facility = await open(w, from(null).replaceAll('R-117', 'R-120').replaceAll('EVERYWOMAN', 'FOURTH'), FILE)
  t.match((await state(w, facility.state.id)).holds['way-back'], { reason: /No way back to LAKESIDE.*No referrer is named; the practice or facility that sent it stands for them/ })
  const nobody = await open(w, from('PRD|RP|NOWAY^NED').replaceAll('R-117', 'R-121').replaceAll('EVERYWOMAN', 'FIFTH'))
  t.match((await state(w, nobody.state.id)).holds['way-back'], { reason: /no address is known/ })
  await w.desk.providers.learn(nobody.state.provider ?? '', 'email', 'ned@lakeside.example', 'Pat: called them')
  await w.clock.pass(6_000)
  t.match((await state(w, nobody.state.id)).holds, { 'way-back': undefined })
  t.match((await notices(w, nobody.state.id, 'acknowledgement')).map(({ way, status }) => `${way} ${status}`), ['null superseded', 'email open'], 'what had no way to go goes by itself')
})

t.test('an address that the directory knows is not asked for, whatever the message lacks; of a stranger it is', async (t) => {
  const w = world(t)
  const of = (number: string, more: Parameters<typeof ref>[0] = {}): string => ref({ number, from: { npi: '1990000014', family: 'NOVAK', given: 'ALEX', practice: 'Prairie', fax: 'none' }, ...more }).replace('^WPN^FX^^^608^none', '')
  const asked = ({ state }: Awaited<ReturnType<typeof open>>): readonly string[] => state.missing.map(({ item }) => item).filter((item) => item === 'referrer-return')
  const first = await open(w, of('R-1^LFM'))
  t.same(asked(first), ['referrer-return'])
  await w.desk.providers.learn(first.state.provider ?? '', 'hl7', 'PRAIRIE', 'Pat: called them')
  const second = await open(w, of('R-2^LFM', { patient: ADAM }))
  t.equal(second.state.provider, first.state.provider)
  t.same(asked(second), [])
  t.same(asked(await open(w, of('R-1^LFM', { event: 'I13', more: ['NTE|1||Please hurry.'] }))), [], 'nor any more of the one that came first')
})
