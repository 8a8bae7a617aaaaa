/** The desk's intake, patients and hand-off: what becomes one referral and what does not, whose it is, and when it goes on. */
import t from 'tap'
import type { ServiceRequest } from 'fhir/r4.js'
import { ruleOut } from '../../referrals/decisions/patient.js'
import { ADAM, a28, a37, a40, bundleOf, carry, chart, DAY, EVE, events, happened, handedOff, notices, OKAFOR, open, orm, type Person, ref, stage, state, TANAKA, v2, world, feed, strays, HOUR, siu, MINUTE } from './desk-kit.js'

const all = async (of: Parameters<typeof open>[0]) => of.desk.store.search({ limit: 100 })

t.test('a command is done once, however often and however many at once ask for it', async (t) => {
  const w = world(t)
  await chart(w, a28(EVE))
  const asked = { command: 'intake/desk/1' }
  const answers = await Promise.all([open(w, ref(), asked), open(w, ref(), asked), open(w, ref(), asked)])
  t.same(answers.map(({ what }) => what).sort(), ['opened', 'repeated', 'repeated'])
  t.equal(new Set(answers.map((one) => one.state.id)).size, 1)
  t.equal((await open(w, ref(), asked)).what, 'repeated')
  t.same((await notices(w, answers[0].state.id)).map(({ kind }) => kind).sort(), ['acknowledgement', 'hand-off'])
  const told = siu({ event: 'S12', at: '2026-03-03T15:00:00Z', order: 'R-117' })
  await feed(w, told, 'epic-main', 'siu/desk/9')
  await feed(w, told, 'epic-main', 'siu/desk/9')
  t.same(await happened(w, answers[0].state.id, 'scheduled'), ['scheduled'])
  t.match((await state(w, answers[0].state.id)).appointment, { with: /RAO/ }, 'whom the patient sees, not who made the appointment')
})

t.test('a second message with the same placer number adds, however the sender writes it', async (t) => {
  const cases: readonly (readonly [string, string, string])[] = [
    ['an OID', ref({ number: 'R-1^LFM^1.2.3.4^ISO' }), ref({ number: 'R-1^OTHER NAME^1.2.3.4^ISO', event: 'I13', more: ['NTE|1|P|On apixaban now.'] })],
    ['a namespace', ref({ number: 'R-2^LFM' }), ref({ number: 'R-2^LFM', event: 'I13', more: ['NTE|1|P|On apixaban now.'] })],
    ['nothing', ref({ number: 'R-3' }), ref({ number: 'R-3', event: 'I13', more: ['NTE|1|P|On apixaban now.'] })],
    ['an order as NextGen writes it', orm({ number: 'ORD-4^NG' }), orm({ number: 'ORD-4^NG', event: 'XO', more: ['NTE|1||On apixaban now.'] })],
  ]
  for (const [what, first, second] of cases) {
    const w = world(t)
    const one = await open(w, first)
    const two = await open(w, second)
    t.equal(two.what, 'added', what)
    t.equal(two.state.id, one.state.id, what)
    const bundle = await w.desk.store.bundle(one.state.id)
    t.match(bundle, /apixaban/, `${what}: what it adds is kept`)
    t.match((await events(w, one.state.id)).at(-1), { applied: true }, what)
  }
})

t.test('a message without its number adds within the window, for the same specialty and patient alone', async (t) => {
  const w = world(t)
  const first = await open(w, ref({ number: 'R-1' }))
  t.equal((await open(w, ref({ number: 'R-77', more: ['NTE|1|P|Sent again by fax.'] }))).what, 'added', 'the same patient, referrer and reason')
  const twin = { ...EVE, given: 'ADELE', mrn: 'HC4472' }
  t.equal((await open(w, ref({ number: '', patient: twin }))).what, 'opened', 'a twin, of the same name and birth date, is another')
  t.equal((await open(w, ref({ number: '', from: TANAKA }))).what, 'opened', 'of another referrer')
  t.equal((await open(w, ref({ number: '', diagnosis: 'L40.0^Psoriasis vulgaris^I10', reason: 'Psoriasis' }))).what, 'opened', 'for another reason')
  await w.clock.pass(31 * DAY)
  t.equal((await open(w, ref({ number: '', at: w.clock.now().toISOString() }))).what, 'opened', 'after the window')
  const other = await open(w, v2(...ref({ number: 'R-1', event: 'I13' }).split('\r').filter(Boolean)))
  t.equal(other.state.id, first.state.id, 'a number names it for ever')
})

t.test('one diagnosis may go to two specialists: another specialty is another referral', async (t) => {
  const w = world(t)
  const tired = { diagnosis: 'R53.83^Other fatigue^I10', number: '' }
  const one = await open(w, orm(tired, '93306^Echocardiogram^C4'))
  const two = await open(w, orm(tired, '45378^Colonoscopy^C4'))
  t.not(one.state.specialty, two.state.specialty)
  t.equal(two.what, 'opened')
})

t.test('two practices that number alike have two referrals', async (t) => {
  const w = world(t)
  for (const number of ['1001', '1001^EHR']) {
    const one = await open(w, orm({ number }))
    const two = await open(w, orm({ number, patient: ADAM, from: TANAKA }))
    t.same([one.what, two.what], [number === '1001' ? 'opened' : 'added', number === '1001' ? 'opened' : 'added'], number)
    t.not(one.state.id, two.state.id)
  }
})

t.test('a number that is another patient’s adds nothing to their referral: it was mistyped, or given twice', async (t) => {
  const w = world(t)
  const number = 'R-117^LFM^1.3.6.1.4.1.99999.1.7^ISO'
  const eve = await open(w, ref({ number }))
  const adam = await open(w, ref({ number, patient: ADAM, diagnosis: 'L40.0^Psoriasis^I10' }))
  t.equal(adam.what, 'opened')
  t.not(adam.state.id, eve.state.id)
  t.match((await events(w, adam.state.id)).find(({ name }) => name === 'read')?.facts.words, new RegExp(`${eve.state.reference}, which is about another patient`))
  t.notMatch(await w.desk.store.bundle(eve.state.id), /ABERNATHY/)
  const bundle = bundleOf(ref({ number: '', patient: ADAM, diagnosis: 'M17.11^Osteoarthritis of the knee^I10', reason: `Answer to ${eve.state.reference}` }))
  const wrong = await open(w, bundle)
  t.equal(wrong.what, 'opened', 'a mistyped reference number does not put one patient’s papers with another’s')
  await t.rejects(open(w, ref({ number, event: 'I14', patient: { ...ADAM, given: 'BORIS', birth: '19300101' } })), { name: 'DeskRefusal' }, 'nor does it cancel')
  t.equal(await stage(w, eve.state.id), (await state(w, eve.state.id)).stage)
  t.not(await stage(w, eve.state.id), 'cancelled')
  const married = await open(w, ref({ number, event: 'I13', patient: { ...EVE, family: 'NEWNAME' } }))
  t.equal(married.what, 'added', 'who has married is the same')
  t.equal((await open(w, ref({ number, event: 'I13', patient: { ...EVE, birth: '19610616' } }))).what, 'added', 'a birth date may be put right')
})

t.test('orders of one group that go to several specialties are several referrals; of one specialty, one', async (t) => {
  const w = world(t)
  const first = await open(w, orm({ number: 'O-1^EHR' }, '93306^Echocardiogram^C4', 'G-1^EHR'))
  const same = await open(w, orm({ number: 'O-2^EHR' }, '93000^Electrocardiogram^C4', 'G-1^EHR'))
  const other = await open(w, orm({ number: 'O-3^EHR', diagnosis: 'L40.0^Psoriasis vulgaris^I10' }, '11104^Punch biopsy of skin^C4', 'G-1^EHR'))
  t.same([first.what, same.what, other.what], ['opened', 'added', 'opened'])
  t.equal(other.state.specialty, 'dermatology')
  const stranger = await open(w, orm({ number: 'O-9^EHR', patient: ADAM, from: TANAKA }, '93306^Echocardiogram^C4', 'G-1^EHR'))
  t.equal(stranger.what, 'opened', 'a group number of another practice')
})

t.test('an answer by reference number attaches, and what waited for it goes on', async (t) => {
  const w = world(t)
  await chart(w, a28(EVE))
  const incomplete = await open(w, ref({ number: '', diagnosis: '', reason: '' }))
  const { id, reference } = incomplete.state
  t.ok(incomplete.state.holds.information)
  t.match((await carry(w)).map(({ notice }) => notice.kind), ['acknowledgement'], 'one letter tells of both')
  const answer = await open(w, ref({ number: '', reason: `Re ${reference}: new atrial fibrillation`, from: { ...OKAFOR, npi: '' } }))
  t.equal(answer.what, 'added')
  t.equal(answer.state.id, id)
  t.notOk(answer.state.holds.information)
  t.same((await carry(w)).map(({ notice }) => notice.kind).sort(), ['hand-off', 'status'])
  t.equal(await stage(w, id), 'handed-off')
})

t.test('what the referrer takes back is cancelled, and the EHR is told where it has it', async (t) => {
  const w = world(t)
  await chart(w, a28(EVE))
  const early = await open(w, ref({ number: 'R-1', patient: ADAM }))
  t.equal((await open(w, ref({ number: 'R-1', patient: ADAM, event: 'I14', reason: 'Patient moved away' }))).what, 'cancelled')
  t.equal(await stage(w, early.state.id), 'cancelled')
  const other = { ...ADAM, mrn: 'HC9', family: 'NOVAK', given: 'ODA', birth: '19700102' }
  const unsaid = await open(w, ref({ number: 'R-3', patient: other }))
  await open(w, ref({ number: 'R-3', patient: other, event: 'I14' }))
  t.match((await events(w, unsaid.state.id)).find(({ name }) => name === 'cancelled'), { facts: { reason: 'The referrer takes it back.' } }, 'why it was sent is not why it is taken back')
  t.same((await notices(w, early.state.id, 'withdrawal')), [], 'no EHR has it')
  const id = await handedOff(w, { number: 'R-2' })
  await open(w, ref({ number: 'R-2', event: 'I14', reason: 'Admitted elsewhere' }))
  t.match((await events(w, id)).at(-1), { name: 'cancelled', applied: true, facts: { reason: 'Admitted elsewhere' } })
  const told = await carry(w)
  t.same(told.filter(({ notice }) => notice.referral === id).map(({ notice }) => `${notice.kind} ${notice.to.split(' ')[0]}`).sort(), ['status provider', 'withdrawal ehr'])
  const order = (told.find(({ notice }) => notice.kind === 'withdrawal')?.bundle.entry ?? []).map(({ resource }) => resource).find((one) => one?.resourceType === 'ServiceRequest') as ServiceRequest | undefined
  t.equal(order?.status, 'revoked')
  t.same((await state(w, id)).toTell, {})
  await t.rejects(open(w, ref({ number: 'R-404', event: 'I14' })), { name: 'DeskRefusal', message: /takes back a referral that is not here/ })
  t.equal((await all(w)).length, 3)
})

t.test('what was cancelled on its way is withdrawn when it arrives; a withdrawal that failed and is sent again leaves nobody waiting', async (t) => {
  const w = world(t)
  await chart(w, a28(EVE))
  const { state: { id } } = await open(w, ref())
  await open(w, ref({ event: 'I14', reason: 'Not needed' }))
  await carry(w, { kinds: ['hand-off'] })
  t.equal(await stage(w, id), 'cancelled')
  await carry(w, { kinds: ['withdrawal'], broken: ['ehr'] })
  t.ok((await state(w, id)).holds['hand-off'], 'a person must see to it')
  const [withdrawal] = await notices(w, id, 'withdrawal')
  t.equal(withdrawal?.status, 'failed')
  await w.desk.settle(withdrawal?.id ?? 0, { mark: 'again', outcome: 'sent', at: w.clock.now(), channel: 'loop', reason: null, doubtful: false, confirmed: true, receipt: null, identifiers: [] })
  t.notOk((await state(w, id)).holds['hand-off'])
})

t.test('certain is written to, possible waits for a person with the candidates, none goes as the EHR allows', async (t) => {
  const w = world(t)
  await chart(w, a28(EVE))
  const certain = await open(w, ref())
  t.match(certain.state, { patient: { status: 'matched', chart: { source: 'epic-main', id: 'HC4471' } }, stage: 'routed' })
  const blurred: Person = { ...EVE, birth: '19610516', street: '9 OTHER RD', phone: '5550177' }
  const possible = await open(w, ref({ number: 'R-2', patient: blurred, from: TANAKA }))
  t.match(possible.state, { patient: { status: 'uncertain', chart: null }, holds: { patient: {} } })
  const why = (await events(w, possible.state.id)).find(({ name }) => name === 'match-uncertain')
  t.match(why?.facts, { reason: /./, candidates: [{ chart: { id: 'HC4471' }, says: [/./] }] })
  t.same((await notices(w, possible.state.id, 'hand-off')), [], 'nothing is written anywhere')
  const none = await open(w, ref({ number: 'R-3', patient: ADAM }))
  t.match(none.state, { patient: { status: 'pending', chart: null }, holds: {} }, 'epic-main takes a pending patient')
  t.equal((await notices(w, none.state.id, 'hand-off')).length, 1)
  const needsChart = await open(w, ref({ number: 'R-4', patient: ADAM, diagnosis: 'L40.0^Psoriasis vulgaris^I10', reason: 'Psoriasis' }))
  t.match(needsChart.state, { route: { ehr: 'ecw-north' }, patient: { status: 'pending' }, holds: { patient: { reason: /create the chart there/ } } })
  t.same(await notices(w, needsChart.state.id, 'hand-off'), [])
})

t.test('a chart of another EHR is no chart: the same digits are another patient there', async (t) => {
  const w = world(t)
  await chart(w, a28(EVE), 'ecw-north')
  const { state: now } = await open(w, ref())
  t.match(now, { route: { ehr: 'epic-main' }, patient: { status: 'pending' } })
})

t.test('a chart that comes later is taken, and what waited goes on', async (t) => {
  const w = world(t)
  const derm = { patient: ADAM, diagnosis: 'L40.0^Psoriasis vulgaris^I10', reason: 'Psoriasis' }
  const { state: { id } } = await open(w, ref({ number: 'R-4', ...derm }))
  t.ok((await state(w, id)).holds.patient)
  await chart(w, a28(ADAM), 'epic-main')
  t.ok((await state(w, id)).holds.patient, 'in another EHR it is of no use')
  t.match(await chart(w, a28({ ...ADAM, mrn: 'N77' }), 'ecw-north'), { looked: 1 })
  t.match(await state(w, id), { patient: { status: 'matched', chart: { source: 'ecw-north', id: 'N77' } }, holds: {} })
  t.equal((await notices(w, id, 'hand-off')).length, 1)
  await chart(w, a28({ ...ADAM, mrn: 'N77' }, undefined, 'A31'), 'ecw-north')
  t.equal((await notices(w, id, 'hand-off')).length, 1, 'once')

  await chart(w, a28(EVE))
  const blurred: Person = { ...EVE, birth: '19610516', street: '9 OTHER RD', phone: '5550177' }
  const uncertain = await open(w, ref({ number: 'R-5', patient: blurred }))
  t.equal(uncertain.state.patient.status, 'uncertain')
  await chart(w, a28({ ...blurred, mrn: 'HC9000' }))
  t.match((await state(w, uncertain.state.id)).patient, { status: 'matched', chart: { id: 'HC9000' } }, 'the right chart came')
})

t.test('a patient who is known by a former name is found by it', async (t) => {
  const w = world(t)
  const { state: { id } } = await open(w, ref({ number: 'R-1', patient: { ...ADAM, sex: 'F', given: 'ADA' } }))
  const married = a28({ ...ADAM, sex: 'F', given: 'ADA' }).replace('ABERNATHY^ADA', 'NEWMAN^ADA^^^^^L~ABERNATHY^ADA^^^^^M')
  await chart(w, married)
  t.equal((await state(w, id)).patient.status, 'matched')
})

t.test('charts that are merged take their referrals along', async (t) => {
  const w = world(t)
  const id = await handedOff(w)
  await chart(w, a28({ ...EVE, mrn: 'HC1' }))
  t.match(await chart(w, a40({ ...EVE, mrn: 'HC1' }, 'HC4471')), { merged: 1 })
  t.match((await state(w, id)).patient, { status: 'matched', chart: { source: 'epic-main', id: 'HC1' } })
  await feed(w, siu({ event: 'S12', at: '2026-03-03T15:00:00Z', patient: { ...EVE, mrn: 'HC1' } }))
  t.equal(await stage(w, id), 'scheduled', 'the appointment is the survivor’s')
  await feed(w, siu({ event: 'S15', at: '2026-03-03T16:00:00Z', id: 'APT-1', patient: EVE }))
  t.equal(await stage(w, id), 'rebooking', 'the old number still leads there')
})

t.test('a merge that is taken back gives referrals back: those that went along, those that stayed, and those that nobody can tell', async (t) => {
  const w = world(t)
  const [one, two] = [EVE, { ...EVE, mrn: 'HC1', street: '9 LAKE RD', phone: '5550188' }]
  const went = await handedOff(w) // of HC4471, before there was another
  await chart(w, a28(two))
  const { state: { id: stayed } } = await open(w, ref({ number: 'R-S', patient: two, diagnosis: 'I50.9^Heart failure^I10' }))
  const of = async (id: string) => (await state(w, id)).patient.chart?.id ?? (await state(w, id)).patient.status
  await chart(w, a40(two, one.mrn))
  t.match(await events(w, stayed), [...Array<object>((await events(w, stayed)).length - 1).fill({}), { name: 'noted', applied: true, facts: { words: /Merged: chart HC4471 of epic-main into chart HC1/ } }], 'a referral of the survivor says so too')
  const { state: { id: meanwhile } } = await open(w, ref({ number: 'R-M', diagnosis: 'I25.10^Coronary disease^I10', patient: { ...EVE, street: '', phone: '5550199' } }))
  const { state: { id: clear } } = await open(w, ref({ number: 'R-C', diagnosis: 'I35.0^Aortic stenosis^I10', patient: one }))
  t.same(await Promise.all([went, stayed, meanwhile, clear].map(of)), ['HC1', 'HC1', 'HC1', 'HC1'])

  const told = await chart(w, a37(two, one))
  t.match(told, { unmerged: 2 })
  t.same(await Promise.all([went, stayed, meanwhile].map(of)), ['HC4471', 'HC1', 'uncertain'])
  t.match((await events(w, went)).at(-1), { name: 'matched', applied: true, by: { kind: 'channel' }, facts: { words: /Two again.*was of chart HC4471 of epic-main before/ } })
  t.match((await events(w, stayed)).at(-1), { name: 'noted', facts: { words: /was of chart HC1 of epic-main before they were merged, and stays there/ } })
  t.match((await state(w, meanwhile)).holds, { patient: { reason: /matched while they were one: see whose it is/ } })
  t.equal(await of(clear), 'HC4471', 'the address and the phone say whose it is')
  await feed(w, siu({ event: 'S12', at: '2026-03-03T15:00:00Z', patient: one, order: 'R-117^LFM' }))
  t.equal(await stage(w, went), 'scheduled', 'what is told of the old chart is told of its referral again')
  const before = (await events(w, went)).length
  await chart(w, a37(two, one))
  t.equal((await events(w, went)).length, before, 'told once more it is two already')
})

t.test('charts merged one into the next come apart in any order', async (t) => {
  const w = world(t)
  const [a, b, c] = ['HC4471', 'HC1', 'HC2'].map((mrn) => ({ ...EVE, mrn })) as [typeof EVE, typeof EVE, typeof EVE]
  const id = await handedOff(w)
  for (const one of [b, c]) await chart(w, a28(one))
  await chart(w, a40(b, a.mrn))
  await chart(w, a40(c, b.mrn))
  t.equal((await state(w, id)).patient.chart?.id, 'HC2')
  await chart(w, a37(c, b))
  t.equal((await state(w, id)).patient.chart?.id, 'HC1', 'back to whom it was merged into')
  await chart(w, a40(c, b.mrn))
  await chart(w, a37(a, b))
  t.equal((await state(w, id)).patient.chart?.id, 'HC4471', 'back through two merges at once')
  await w.desk.decide((parts) => ruleOut(parts, { command: 'not', referral: id, by: 'ada', reason: 'Another Eve.' }, [{ source: 'epic-main', id: 'HC4471' }]))
  await chart(w, a40(b, a.mrn))
  await chart(w, a37(a, b))
  t.not((await state(w, id)).patient.chart?.id, 'HC4471', 'a person’s word against a chart holds')
})

t.test('nothing is handed over while anything waits, and what comes in any order releases it', async (t) => {
  const w = world(t)
  const { state: { id, reference } } = await open(w, ref({ number: 'R-1', patient: ADAM, diagnosis: 'L40.0^Psoriasis vulgaris^I10' }).replace('(608)5550131', ''))
  t.match(Object.keys((await state(w, id)).holds).sort(), ['information', 'patient'])
  await chart(w, a28({ ...ADAM, mrn: 'N77' }), 'ecw-north')
  t.same([Object.keys((await state(w, id)).holds), (await notices(w, id, 'hand-off')).length], [['information'], 0])
  await open(w, ref({ number: '', patient: ADAM, diagnosis: 'L40.0^Psoriasis vulgaris^I10', reason: `Telephone for ${reference}` }))
  t.same([Object.keys((await state(w, id)).holds), (await notices(w, id, 'hand-off')).length], [[], 1])
  await w.clock.pass(5 * MINUTE)
  await w.clock.pass(HOUR)
  t.same(await strays(w), [])
})
