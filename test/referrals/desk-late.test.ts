/** What comes too late: after a referral was given up, after its patient was seen, after nobody carried it, or after a restart. */
import t from 'tap'
import { appointment } from '../../referrals/decisions/appointment.js'
import { end, leave, reopen } from '../../referrals/decisions/progress.js'
import { retry } from '../../referrals/decisions/retry.js'
import { give } from '../../referrals/decisions/strays.js'
import { NOTICE_KINDS } from '../../referrals/names.js'
import { carry, DAY, events, fate, feed, handedOff, happened, HOUR, mdm, MINUTE, notices, open, osu, ref, rri, siu, stage, state, strays, TANAKA, world, type World } from './desk-kit.js'

const at = (day: number, hour = 15): string => `2026-03-${String(day).padStart(2, '0')}T${String(hour).padStart(2, '0')}:00:00Z`
let commands = 0
const by = (referral: string) => ({ command: `late ${++commands}`, referral, by: 'Ann', reason: 'as the clinic said' })
const decline = (w: World, id: string) => w.desk.decide((parts) => end(parts, by(id), 'declined', 'Not ours.'))
const told = async (w: World, id: string): Promise<readonly string[]> => (await notices(w, id, 'status')).map(({ status }) => status)

t.test('what comes after a decline is answered that it stays declined, and waits for a person, who opens it again or leaves it', async (t) => {
  const w = world(t)
  const id = await handedOff(w)
  await decline(w, id)
  await carry(w)
  const again = await open(w, ref({ event: 'I13', more: ['OBX|1|TX|34139-4^ECG^LN||AF at 110||||||F'] }))
  t.equal(again.what, 'added')
  t.match((await state(w, id)).holds, { late: { reason: /after the referral was declined/ } })
  const [answer, ...more] = await carry(w)
  t.same(more, [])
  const said = JSON.stringify(answer?.bundle)
  t.match(said, /"valueCode":"stays"\}\],"contentString":"declined"/, 'the referrer is not left in silence')
  t.match(said, /"status":"rejected"/, 'and the Task stays rejected')
  t.match((await events(w, id)).findLast(({ name }) => name === 'information-added')?.facts.words, /Added/)
  await w.desk.decide((parts) => leave(parts, by(id), 'late'))
  t.same((await state(w, id)).holds, {})
  await t.rejects(w.desk.decide((parts) => leave(parts, by(id), 'late')), { message: /Nothing came late/ })
  await open(w, ref({ event: 'I13' }))
  t.ok((await state(w, id)).holds.late, 'a second message that says nothing new too')
  await carry(w)
  await w.desk.decide((parts) => reopen(parts, by(id)))
  t.match(await state(w, id), { stage: 'accepted', holds: { late: undefined } })
  const [news] = await carry(w)
  t.match(JSON.stringify(news?.bundle), /"reasonCode":\[\{"text":"reopened"\}\]/, 'whoever was told that it stays declined is told that it does not')
  t.match(JSON.stringify(news?.bundle), /"status":"accepted"/)
})

t.test('an EHR that goes on with a referral that was declined is not lost: a person opens it and gives it what came', async (t) => {
  const w = world(t)
  const id = await handedOff(w)
  await decline(w, id)
  await feed(w, siu({ event: 'S12', at: at(4), order: 'R-117' }))
  await feed(w, mdm({ at: at(9), order: 'R-117' }))
  const waiting = await strays(w)
  t.match(waiting, [{ reason: /was declined, and the EHR goes on with it/, candidates: [id] }, { candidates: [id] }])
  const given = () => w.desk.decide(async (parts) => give(parts, waiting[1]?.id ?? 0, [await state(w, id)], by(id)))
  await t.rejects(given(), { message: /cannot take it/ })
  await w.desk.decide((parts) => reopen(parts, by(id)))
  await given()
  t.equal(await stage(w, id), 'reported', 'the note goes to the referrer')
})

t.test('a practice declines what it has booked: by its answer, its order status, its Task or a person; the appointment waits to be cancelled', async (t) => {
  const w = world(t)
  const declined = [
    (_id: string, number: string) => feed(w, rri({ at: at(5), number, answer: 'R', reason: 'NC^No capacity^L' })),
    (_id: string, number: string) => feed(w, osu({ at: at(5), number, control: 'UA', status: 'CA' })),
    (_id: string, number: string) => feed(w, { resourceType: 'Task', status: 'rejected', intent: 'order', statusReason: { text: 'No capacity' }, focus: { identifier: { system: 'urn:oid:1.3.6.1.4.1.99999.1.7', value: number.split('^')[0] } } }),
    (id: string) => decline(w, id),
  ]
  for (const [index, how] of declined.entries()) {
    const number = `B-${index}^LFM^1.3.6.1.4.1.99999.1.7^ISO`
    const { state: { id } } = await open(w, ref({ number, diagnosis: ['I48.91^Atrial fibrillation^I10', 'I10^Hypertension^I10', 'I50.9^Heart failure^I10', 'R55^Syncope^I10'][index] ?? '', reason: `Reason ${index}` }))
    if (index === 0) await handedOff(w, { number, reason: 'Reason 0' })
    await carry(w)
    await feed(w, siu({ event: 'S12', at: at(4), id: `APT-${index}`, order: `B-${index}` }))
    t.equal(await stage(w, id), 'scheduled', `${index}`)
    await how(id, number)
    t.match(await state(w, id), { stage: 'declined', holds: { appointment: { reason: /still booked/ } } }, `${index}: ${JSON.stringify((await events(w, id)).at(-1))}`)
    await carry(w)
    const before = (await told(w, id)).length
    if (index < 2) await feed(w, siu({ event: 'S15', at: at(6), id: `APT-${index}`, order: `B-${index}` }))
    else if (index === 2) await w.desk.decide((parts) => appointment(parts, by(id), { what: 'cancelled' }))
    else await w.desk.decide((parts) => leave(parts, by(id), 'appointment'))
    t.match(await state(w, id), { stage: 'declined', holds: { appointment: undefined } }, `${index}: settled`)
    t.equal((await told(w, id)).length, before, 'the referrer knows already that nobody is seen')
  }
})

t.test('what was declined with an appointment that nobody cancelled is scheduled when it is opened again; news of another appointment cancels nothing', async (t) => {
  const w = world(t)
  const id = await handedOff(w)
  await feed(w, siu({ event: 'S12', at: at(4), order: 'R-117' }))
  await decline(w, id)
  await feed(w, siu({ event: 'S15', at: at(5), id: 'APT-9', order: 'R-117' }))
  t.match((await state(w, id)).holds, { appointment: {} })
  t.match((await events(w, id)).findLast(({ name }) => name === 'appointment-cancelled'), { applied: false, because: /another appointment/ })
  for (let day = 0; day < 4; day++) await w.clock.pass(DAY)
  t.ok((await events(w, id)).some(({ facts }) => facts.duty?.kind === 'appointment-left'), 'a person is reminded')
  await w.desk.decide((parts) => reopen(parts, by(id)))
  t.match(await state(w, id), { stage: 'scheduled', holds: { appointment: undefined } })
})

t.test('a withdrawal once the patient was seen takes nothing back: it is answered, and a person looks at it', async (t) => {
  const w = world(t)
  const id = await handedOff(w)
  await feed(w, siu({ event: 'S12', at: at(4), order: 'R-117' }))
  await feed(w, siu({ event: 'S14', at: at(9), status: 'Complete' }))
  t.equal(await stage(w, id), 'seen')
  await carry(w)
  const back = await open(w, ref({ event: 'I14' }))
  t.equal(back.what, 'kept')
  t.match(await state(w, id), { stage: 'seen', holds: { late: { reason: /taken back through intake after the patient had been seen/ } } })
  const answer = (await carry(w)).find(({ notice }) => notice.kind === 'status')
  t.match(JSON.stringify(answer?.bundle), /"reasonCode":\[\{"text":"cancel-refused"\}\]/)
  await feed(w, mdm({ at: at(10), order: 'R-117' }))
  await carry(w)
  t.match(await state(w, id), { stage: 'closed', holds: { late: {} } }, 'the note is sent, and the person is still to look')
  await w.desk.decide((parts) => leave(parts, by(id), 'late'))
  t.same((await state(w, id)).holds, {})
})

t.test('a notice that is held in doubt and released after a restart is settled once, and goes no other way', async (t) => {
  const first = world(t)
  const { clock, folder } = first
  const { state: { id } } = await open(first, ref())
  const [notice] = await notices(first, id, 'acknowledgement')
  const number = notice?.id ?? 0
  const held = fate(first, { outcome: 'uncertain', reason: 'the connection was lost' })
  await first.desk.settle(number, held)
  t.match((await state(first, id)).holds.notice, { reason: /may or may not have arrived/ })
  await first.close()

  const second = world(t, { folder, clock })
  await second.desk.settle(number, held)
  await second.desk.resume({ channel: 'all', kinds: NOTICE_KINDS })
  await clock.pass(MINUTE)
  t.same(await second.desk.toTell({ channel: 'all', kinds: ['acknowledgement'] }, 0, 10), [], 'it is the channel that has it, and nobody else')
  const released = fate(second, { doubtful: true })
  for (let time = 0; time < 3; time++) await second.desk.settle(number, released)
  await second.desk.settle(number, fate(second))
  t.same(await happened(second, id, 'acknowledged', 'notice-failed'), ['notice-failed', 'acknowledged'])
  t.match((await events(second, id)).find(({ name }) => name === 'acknowledged')?.facts.notice, { doubtful: true })
  t.match([(await notices(second, id, 'acknowledgement')).map(({ status }) => status), (await state(second, id)).holds], [['sent'], {}])
})

t.test('a digest that nobody carried goes once a channel carries it, with what is still owed of it, once, restarts or not', async (t) => {
  const all = { channel: 'all', kinds: NOTICE_KINDS }
  const first = world(t, { carried: { channel: 'hand-off', kinds: ['hand-off', 'acknowledgement'] } })
  const { clock, folder } = first
  const ids = [await handedOff(first, { from: TANAKA })] // who has one way alone
  for (const [number, diagnosis] of [['R-2', 'M17.11^Knee^I10'], ['R-3', 'L40.0^Psoriasis^I10']] as const) ids.push((await open(first, ref({ number: `${number}^LFM`, from: TANAKA, diagnosis, reason: number }))).state.id)
  await carry(first)
  for (const id of ids) await first.desk.tell({ command: `contact ${id}`, referral: id, news: [{ name: 'contacted', at: clock.now().toISOString(), by: { kind: 'person', name: 'Ann' } }] })
  await clock.pass(7 * HOUR)
  for (let look = 0; look < 4; look++) await clock.pass(MINUTE)
  const [one = '', two = '', three = ''] = ids
  t.match((await events(first, one)).filter(({ facts }) => facts.notice?.kind === 'digest' || facts.notice?.kind === 'status').at(-1), { name: 'notice-failed', facts: { notice: { kind: 'status', way: 'fax' } } })
  const failed = (await events(first, three)).findLast(({ name }) => name === 'notice-failed')?.facts.notice?.id ?? 0
  await first.desk.decide((parts) => retry(parts, by(three), failed, null)) // a person has it sent alone
  await first.close()

  const second = world(t, { folder, clock, carried: all })
  for (let time = 0; time < 3; time++) await second.desk.resume(all)
  await clock.pass(MINUTE)
  const items: string[] = []
  for (const { notice } of await carry(second)) items.push(...(notice.referral === null ? notice.items.map(({ referral }) => referral) : [notice.referral]))
  t.same(items.sort(), [one, two, three].sort(), 'each once')
  for (const id of ids) t.match(await state(second, id), { toTell: {}, holds: {} }, 'nothing is owed any more')
  await second.desk.resume(all)
  await clock.pass(DAY)
  t.same(await carry(second, { kinds: ['digest'] }), [])
})
