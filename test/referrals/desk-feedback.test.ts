/** What comes back from EHRs and specialists: which referral it is told of, what it makes of it, and what waits for a person instead. */
import t from 'tap'
import type { Bundle } from 'fhir/r4.js'
import { newReference } from '../../referrals/reference.js'
import { ADAM, adt, bundleOf, BY, carry, chart, a28, DAY, EVE, events, fate, feed, handedOff, happened, HOUR, mdm, notices, OKAFOR, open, orm, oru, osu, pid, ref, rri, siu, stage, state, strays, TANAKA, v2, header, type World, world } from './desk-kit.js'

const at = (day: number, hour = 15): string => `2026-03-${String(day).padStart(2, '0')}T${String(hour).padStart(2, '0')}:00:00Z`
const KNEE = { number: 'R-9^LFM', diagnosis: 'M17.11^Osteoarthritis of right knee^I10', reason: 'Knee pain, evaluate' }
const last = async (w: World, id: string) => (await events(w, id)).at(-1)

t.test('each message is told of the referral whose number it names, as its event', async (t) => {
  const cases: readonly (readonly [string, (reference: string) => string, string])[] = [
    ['S12 with the order in SCH-26', () => siu({ event: 'S12', at: at(3), order: 'R-117^LFM^1.3.6.1.4.1.99999.1.7^ISO' }), 'scheduled'],
    ['S12 with its bare number', () => siu({ event: 'S12', at: at(3), order: 'R-117' }), 'scheduled'],
    ['S12 with our reference', (reference) => siu({ event: 'S12', at: at(3), order: reference, place: '', who: '', service: '' }), 'scheduled'],
    ['S12 with our reference in its comment', (reference) => siu({ event: 'S12', at: at(3), note: `Ref ${reference}` }), 'scheduled'],
    ['S12 with the filler number of the hand-off', () => siu({ event: 'S12', at: at(3), filler: 'HF-5', place: '', who: '', service: '' }), 'scheduled'],
    ['S14 that is complete', () => siu({ event: 'S14', at: at(9), order: 'R-117', status: 'Complete' }), 'seen'],
    ['A04 at its department', () => adt({ event: 'A04', at: at(9), visit: 'V1' }), 'seen'],
    ['A03 at its department', () => adt({ event: 'A03', at: at(9), visit: 'V1' }), 'seen'],
    ['ORU with OBR-2', () => oru({ at: at(10), order: 'R-117^LFM^1.3.6.1.4.1.99999.1.7^ISO' }), 'reported'],
    ['MDM with TXA-14', () => mdm({ at: at(10), order: 'R-117^LFM^1.3.6.1.4.1.99999.1.7^ISO' }), 'reported'],
    ['RRI that accepts', () => rri({ at: at(3), number: 'R-117^LFM^1.3.6.1.4.1.99999.1.7^ISO' }), 'accepted'],
    ['OSU in process', () => osu({ at: at(3), number: 'R-117', control: 'OK', status: 'IP' }), 'accepted'],
    ['OSU that is unable (360X)', () => osu({ at: at(3), number: 'R-117', control: 'UA', status: 'CA' }), 'declined'],
    ['OSU that is complete', () => osu({ at: at(9), number: 'R-117', status: 'CM' }), 'seen'],
    ['OSU that is cancelled', () => osu({ at: at(9), number: 'R-117', control: 'CR', status: 'CA' }), 'cancelled'],
    ['RRI that rejects', () => rri({ at: at(3), number: 'R-117^LFM^1.3.6.1.4.1.99999.1.7^ISO', answer: 'R', reason: 'NC^No capacity^L' }), 'declined'],
  ]
  for (const [what, message, expected] of cases) {
    const w = world(t)
    await chart(w, a28(EVE))
    const { state: { id, reference } } = await open(w, ref())
    await carry(w, { hand: { identifiers: [{ kind: 'filler', value: '|HF-5' }] } })
    await w.clock.pass(8 * DAY)
    const taken = await feed(w, message(reference))
    t.equal(taken.what, 'told', what)
    t.match((await happened(w, id)).filter((name) => name !== 'overdue').at(-1), expected, what)
    t.same(await strays(w), [], what)
    await w.close()
  }
})

t.test('a visit and its note are found by the number of the visit, and a note by the document it belongs to', async (t) => {
  const w = world(t)
  const id = await handedOff(w)
  await feed(w, siu({ event: 'S12', at: at(3), order: 'R-117', visit: 'CSN-55' }))
  await w.clock.pass(7 * DAY)
  await feed(w, adt({ event: 'A04', at: at(9), visit: 'CSN-55', place: '10110031', who: '', service: '' }))
  t.equal(await stage(w, id), 'seen', 'by the visit that the appointment is')
  await feed(w, mdm({ at: at(9, 18), visit: 'CSN-55', who: '99^UNKNOWN^UMA', place: '10110031', title: 'Note' }))
  t.equal(await stage(w, id), 'reported')
  await carry(w)
  t.equal(await stage(w, id), 'closed')
  await feed(w, mdm({ event: 'T06', at: at(10), id: 'DOC-2', parent: 'DOC-1', who: '', place: '', text: 'Addendum: potassium 4.1.' }))
  t.equal(await stage(w, id), 'reported', 'an addendum is told again')
  t.match((await carry(w)).map(({ notice }) => notice.kind).sort(), ['outcome'])
  t.equal(await stage(w, id), 'closed')
})

t.test('without a number: patient, department or clinician, and the time; no match or two wait for a person', async (t) => {
  const w = world(t)
  const id = await handedOff(w)
  t.match(await feed(w, siu({ event: 'S12', at: at(3), place: 'ORTHO^^^MAIN ST', who: '555^MOSS^IAN', service: 'KNEE^Knee injection' })), { what: 'stray' }, 'another specialty at the same site')
  t.match(await feed(w, siu({ event: 'S12', at: at(3), id: 'APT-7', place: 'ORTHO^^^MAIN ST', who: '555^RAOUL^SAM', service: '' })), { what: 'stray' }, 'Raoul is not Rao')
  t.equal(await stage(w, id), 'handed-off')
  t.match(await strays(w), [{ reason: 'Nothing but the patient connects it with a referral.', candidates: [id] }, { candidates: [id] }])
  t.match(await feed(w, siu({ event: 'S12', at: at(3), patient: ADAM })), { what: 'nothing' }, 'of a patient without a referral')
  t.match(await feed(w, siu({ event: 'S12', at: at(3), id: 'APT-8', place: 'CARD^^^MAIN ST', who: '555^MOSS^IAN' })), { what: 'told' }, 'the department is cardiology')
  await w.clock.pass(8 * DAY)
  t.match(await feed(w, adt({ event: 'A04', at: at(9, 16), visit: 'V-2', place: 'ORTHO^^^MAIN ST', who: '556^BELL^TOM', service: 'ORT' })), { what: 'stray' }, 'on the day of the appointment, and elsewhere')
  t.equal(await stage(w, id), 'scheduled')
  t.match(await feed(w, mdm({ at: at(9, 17), id: 'D-5', place: 'ORTHO^^^MAIN ST', who: '556^BELL^TOM', title: 'Progress note' })), { what: 'stray' }, 'a note of another specialty')
  t.equal(await stage(w, id), 'scheduled')

  const knee = await open(w, ref({ ...KNEE }))
  const second = await open(w, ref({ ...KNEE, number: 'R-10^NC', from: TANAKA }))
  await carry(w)
  t.match(await feed(w, siu({ event: 'S12', at: at(10), id: 'APT-9', place: 'ORTHO^^^MAIN ST', who: '', service: '', start: at(20) })), { what: 'stray' })
  t.match((await strays(w)).at(-1), { reason: '2 referrals of this patient fit.', candidates: [/./, /./] })
  await feed(w, siu({ event: 'S12', at: at(10), id: 'APT-9', order: 'R-9', place: 'ORTHO^^^MAIN ST', start: at(20) }))
  await feed(w, siu({ event: 'S12', at: at(10), id: 'APT-10', order: 'R-10', place: 'ORTHO^^^MAIN ST', start: at(27) }))
  await w.clock.pass(20 * DAY)
  await feed(w, adt({ event: 'A04', at: at(20), visit: 'V-3', place: 'ORTHO^^^MAIN ST', who: '', service: '' }))
  t.same([await stage(w, knee.state.id), await stage(w, second.state.id)], ['seen', 'scheduled'], 'of two that fit, the one whose appointment it is')
})

t.test('news that name a referral of somebody else are not told of it: a person looks at them', async (t) => {
  const w = world(t)
  const id = await handedOff(w, { number: 'R-117^LFM^1.3.6.1.4.1.99999.1.7^ISO' })
  const { reference } = await state(w, id)
  const order = 'R-117^LFM^1.3.6.1.4.1.99999.1.7^ISO'
  const twin = { ...EVE, given: 'ADELE', mrn: 'HC4472' }
  const wrong = [
    siu({ event: 'S12', at: at(3), order, patient: ADAM }), siu({ event: 'S12', at: at(3), order, patient: twin }), siu({ event: 'S12', at: at(3), order: reference, patient: ADAM }),
    siu({ event: 'S12', at: at(3), order, pid: 'PID|1||HC9999^^^HC^MR' }), adt({ event: 'A04', at: at(9), patient: { ...ADAM, mrn: EVE.mrn } }),
    mdm({ at: at(10), order, patient: ADAM }), mdm({ at: at(10), id: 'DOC-8', patient: ADAM, text: `Copied from the chart: referral ${reference}.` }), oru({ at: at(10), order, patient: ADAM }),
    rri({ at: at(10), number: order, patient: ADAM }), osu({ at: at(10), number: order, patient: ADAM }),
  ]
  for (const [index, message] of wrong.entries()) t.match(await feed(w, message), { told: [] }, `message ${index}`)
  t.same((await events(w, id)).map(({ name }) => name).filter((name) => name !== 'overdue').slice(-2), ['acknowledged', 'handed-off'], 'nothing of it is with the referral')
  t.same(await w.desk.store.documents(id), [])
  const found = await strays(w)
  t.ok(found.length >= 8, 'and it is not silent')
  t.match(found.find(({ what }) => what.startsWith('document')), { reason: /but its patient is another/, candidates: [id] })
  t.match(await feed(w, siu({ event: 'S12', at: at(3), order, patient: { ...EVE, family: 'NEWNAME', mrn: 'HC8' } })), { what: 'told' }, 'who has married is the same')
})

t.test('the same digits are another number in another system', async (t) => {
  const w = world(t)
  const id = await handedOff(w)
  await feed(w, siu({ event: 'S12', at: at(3), order: 'R-117', id: '18467', visit: 'V-1' }))
  t.match(await feed(w, siu({ event: 'S15', at: at(4), id: '18467', patient: ADAM }), 'ecw-north'), { what: 'nothing' })
  t.match(await feed(w, siu({ event: 'S15', at: at(4), id: '18467', pid: '' as never, place: 'DERM' }), 'ecw-north'), { what: 'nothing' })
  t.match(await feed(w, adt({ event: 'A04', at: at(9), visit: 'V-1', patient: { ...ADAM, mrn: EVE.mrn } }), 'ecw-north'), { what: 'nothing' }, 'an MRN of another EHR')
  t.equal(await stage(w, id), 'scheduled')
  const other = await open(w, orm({ number: '117', patient: ADAM, from: TANAKA }))
  const mine = await open(w, orm({ number: '117', patient: EVE, from: OKAFOR, diagnosis: KNEE.diagnosis }))
  await carry(w)
  await feed(w, osu({ at: at(5), number: '117', patient: ADAM }))
  t.not(other.state.id, mine.state.id)
  t.same([await happened(w, other.state.id, 'accepted'), await happened(w, mine.state.id, 'accepted')], [['accepted'], []])
})

t.test('a message with no patient and a bare number is nobody’s; an answer that names nothing known is not silent', async (t) => {
  const w = world(t)
  const id = await handedOff(w, { number: '117' })
  t.match(await feed(w, osu({ at: at(3), number: '117', patient: null })), { what: 'stray', told: [] })
  t.match((await strays(w))[0], { candidates: [id] }, 'a person sees which one it may be')
  t.match(await feed(w, rri({ at: at(3), number: 'NOT-KNOWN', patient: ADAM, answer: 'R' }), null), { what: 'stray' })
  t.equal(await stage(w, id), 'handed-off')
})

t.test('a reference number in words is no proof: in somebody’s note it may tell of another referral', async (t) => {
  const w = world(t)
  const heart = await handedOff(w)
  const { state: knee } = await open(w, ref(KNEE))
  await carry(w)
  const { reference } = await state(w, heart)
  t.match(await feed(w, mdm({ at: at(9), id: 'D-1', who: '555^MOSS^IAN', place: 'GASTRO^^^WEST', title: 'Progress note', text: `Also referred to cardiology (${reference}).` })), { what: 'stray' })
  t.same([await stage(w, heart), await stage(w, knee.id)], ['handed-off', 'handed-off'])
  await feed(w, mdm({ at: at(9), id: 'D-2', order: 'R-9', title: 'Knee consultation', text: `Note that ${reference} is still open.` }))
  t.same([await stage(w, heart), await stage(w, knee.id)], ['handed-off', 'reported'], 'the number of its order counts more')
  t.match(await feed(w, mdm({ at: at(9), id: 'D-3', title: 'Cardiology', text: `${reference} and ${knee.reference}` })), { what: 'stray' }, 'two in its words')
  await feed(w, mdm({ at: at(9), id: 'D-4', title: 'Cardiology consultation', text: `Re ${reference}` }))
  t.equal(await stage(w, heart), 'reported')
})

t.test('a note that names two orders answers both; a result of several reports tells each of its own', async (t) => {
  const w = world(t)
  const heart = await handedOff(w, { number: 'R-1^LFM^1.2.3^ISO' })
  const { state: knee } = await open(w, ref({ ...KNEE, number: 'R-2^LFM^1.2.3^ISO' }))
  await carry(w)
  await feed(w, v2(header('ORU^R01^ORU_R01', at(9)), pid(EVE), 'OBR|1|R-1^LFM^1.2.3^ISO|F-1|11488-4^Consult^LN|||20260309||||||||||||||||||F', 'OBX|1|TX|1^Text||Heart||||||F', 'OBR|2|R-2^LFM^1.2.3^ISO|F-2|11488-4^Consult^LN|||20260309||||||||||||||||||P', 'OBX|1|TX|1^Text||Knee||||||P'))
  t.same([await stage(w, heart), await stage(w, knee.id)], ['reported', 'handed-off'])
  const w2 = world(t)
  const one = await handedOff(w2, { number: 'R-1^LFM^1.2.3^ISO' })
  const { state: two } = await open(w2, ref({ ...KNEE, number: 'R-2^LFM^1.2.3^ISO' }))
  await carry(w2)
  await feed(w2, mdm({ at: at(9), order: 'R-1^LFM^1.2.3^ISO~R-2^LFM^1.2.3^ISO' }))
  t.same([await stage(w2, one), await stage(w2, two.id)], ['reported', 'reported'])
  await feed(w2, mdm({ event: 'T06', at: at(10), id: 'DOC-2', parent: 'DOC-1', text: 'Addendum for both' }))
  t.same((await Promise.all([one, two.id].map((id) => happened(w2, id, 'reported')))).map((names) => names.length), [2, 2])
})

t.test('appointments: replayed, out of order, moved, cancelled, not kept and made again', async (t) => {
  const w = world(t)
  const id = await handedOff(w)
  const [s12, s13, s15] = [siu({ event: 'S12', at: at(3), order: 'R-117' }), siu({ event: 'S13', at: at(4), order: 'R-117', start: at(12) }), siu({ event: 'S15', at: at(5), order: 'R-117', start: at(12) })]
  await feed(w, s12)
  await feed(w, s12)
  t.equal((await notices(w, id, 'status')).length, 1, 'the same again is told once')
  await feed(w, siu({ event: 'S14', at: at(3, 18), order: 'R-117', status: 'Booked' }))
  t.equal((await notices(w, id, 'status')).length, 1, 'a change of nothing that counts is not told')
  await feed(w, siu({ event: 'S14', at: at(3, 19), order: 'R-117', status: 'Booked', start: at(11) }))
  t.match(await last(w, id), { name: 'rescheduled', applied: true }, 'another time by S14 is another time')
  await feed(w, s13)
  await feed(w, s12)
  t.match(await last(w, id), { name: 'scheduled', applied: false }, 'what is older changes nothing')
  t.match((await state(w, id)).appointment, { start: '2026-03-12T15:00:00.000Z', last: 'rescheduled' })
  await feed(w, s15)
  await feed(w, s13)
  t.match(await state(w, id), { stage: 'rebooking', appointment: { last: 'appointment-cancelled' } })
  await feed(w, siu({ event: 'S12', at: at(6), order: 'R-117', id: 'APT-2', start: at(13) }))
  t.equal(await stage(w, id), 'scheduled')
  await feed(w, siu({ event: 'S17', at: at(6, 16), order: 'R-117', id: 'APT-1' }))
  t.equal(await stage(w, id), 'scheduled', 'the old one is deleted, and the new one stands')
  await feed(w, siu({ event: 'S26', at: at(13, 18), id: 'APT-2', start: at(13) }))
  t.equal(await stage(w, id), 'rebooking')
  await feed(w, siu({ event: 'S12', at: at(14), id: 'APT-3', order: 'R-117', start: at(20) }))
  await w.clock.pass(19 * DAY)
  await feed(w, adt({ event: 'A04', at: at(20), visit: 'V-9' }))
  await feed(w, adt({ event: 'A08', at: at(20, 16), visit: 'V-9' }))
  await feed(w, adt({ event: 'A03', at: at(20, 17), visit: 'V-9' }))
  t.equal(await stage(w, id), 'seen')
  t.equal((await happened(w, id, 'seen')).length, 1, 'a visit is seen once')
  t.same(await happened(w, id, 'no-show', 'appointment-cancelled'), ['appointment-cancelled', 'no-show'])
})

t.test('a bundle of several patients tells each of their own', async (t) => {
  const w = world(t)
  const eve = await handedOff(w)
  await chart(w, a28(ADAM))
  const { state: { id: adam } } = await open(w, ref({ number: 'R-2^LFM', patient: ADAM }))
  await carry(w)
  const person = ({ mrn, family, given, birth }: typeof EVE): object => ({ resourceType: 'Patient', id: mrn, identifier: [{ type: { coding: [{ code: 'MR' }] }, value: mrn }], name: [{ family, given: [given] }], birthDate: `${birth.slice(0, 4)}-${birth.slice(4, 6)}-${birth.slice(6)}` })
  const note = (whose: string, number: string, id: string): object => ({ resourceType: 'DocumentReference', status: 'current', docStatus: 'final', masterIdentifier: { value: id }, subject: { reference: `Patient/${whose}` }, content: [{ attachment: { contentType: 'text/plain', data: 'eHg=' } }], context: { related: [{ identifier: { type: { coding: [{ code: 'PLAC' }] }, value: number } }] } })
  const batch = { resourceType: 'Bundle', type: 'collection', entry: [person(EVE), person(ADAM), note(EVE.mrn, 'R-2', 'N-1'), note(ADAM.mrn, 'R-2', 'N-2')].map((resource) => ({ resource })) } as unknown as Bundle
  await feed(w, batch)
  t.same([await stage(w, eve), await stage(w, adam)], ['handed-off', 'reported'])
  t.same((await w.desk.store.documents(adam)).map((one) => one.id), ['|N-2'])
})

t.test('who has no chart here yet is found by name and birth date, never against a chart', async (t) => {
  const w = world(t)
  const { state: { id } } = await open(w, ref())
  await carry(w)
  t.match(await state(w, id), { stage: 'handed-off', patient: { status: 'pending' } })
  t.match(await feed(w, siu({ event: 'S12', at: at(3), patient: { ...EVE, given: 'ADELE' } })), { what: 'nothing' }, 'a twin')
  t.match(await feed(w, siu({ event: 'S12', at: at(3) })), { what: 'told' }, 'the EHR made a chart of its own')
  await w.clock.pass(HOUR)
  await w.desk.settle(0, fate(w))
})

t.test('of what fits no referral an EHR keeps what may be about one, a specialist all; the rest is counted by channel', async (t) => {
  const w = world(t)
  await handedOff(w)
  const unknown = { at: at(9), patient: ADAM, order: 'NOT-KNOWN' }
  t.match(await feed(w, mdm(unknown)), { what: 'nothing', passed: 1 }, 'a note of an EHR about somebody without a referral')
  t.match(await feed(w, siu({ ...unknown, event: 'S12' })), { what: 'nothing' })
  t.match(await feed(w, oru(unknown)), { what: 'nothing' })
  t.match(w.desk.passedOver(), { count: 3, channels: { 'epic-main': 3 } })
  t.same(await strays(w), [])
  t.match(await feed(w, mdm({ ...unknown, id: 'D-2', order: newReference() })), { what: 'stray' }, 'a number as ours are')
  t.match(await feed(w, mdm({ ...unknown, id: 'D-3', text: `Thank you for ${newReference()}.` })), { what: 'stray' }, 'in its words too')
  t.match(await feed(w, mdm({ ...unknown, id: 'D-4', order: '', patient: EVE, place: 'GASTRO^^^WEST', who: '555^MOSS^IAN', title: 'Colonoscopy' })), { what: 'stray' }, 'the patient has an open referral')
  const all = (message: string) => w.desk.feedback({ command: `all ${message}`, bundle: bundleOf(message), by: BY, via: 'small-ehr', at: w.clock.now(), ehr: 'ecw-north', strays: 'all' })
  t.match(await all(mdm({ ...unknown, id: 'D-5' })), { what: 'stray', passed: 0 })
  t.match(await all(mdm({ ...unknown, id: 'D-6', status: 'DI' })), { what: 'nothing' }, 'not signed yet')
  for (const message of [mdm({ ...unknown, id: 'D-7' }), siu({ ...unknown, event: 'S12' }), oru(unknown)]) t.match(await feed(w, message, null), { what: 'stray' }, 'who is no EHR tells of referrals alone')
  t.match(w.desk.passedOver(), { count: 4, channels: { 'epic-main': 3, 'small-ehr': 1 } })
})
