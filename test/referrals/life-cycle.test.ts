import t, { type Test } from 'tap'
import { apply } from '../../referrals/apply.js'
import type { Direction } from '../../referrals/contracts.js'
import type { EventFacts, EventName, Hold, NewEvent, NewNotice, ReferralEvent, ReferralState, Stage } from '../../referrals/desk-contracts.js'
import { DESK, dutyOf, fold } from '../../referrals/fold.js'
import { ENDS, eventOfTask, LIFE_CYCLE, OPEN, openStages, STAGES } from '../../referrals/life-cycle.js'
import { BEGAN, CHARTS, ITEMS, LENGTH, NAMES, PROVIDER, random, rules, states, story, tell, type World, world } from './any-referral.js'

const HOLDS: readonly Hold[] = ['information', 'patient', 'routing', 'way-back', 'hand-off', 'notice', 'late', 'appointment']

/** A sentence where a state is not as it must be. */
type Check = (world: World) => string | null | false | undefined

/** What holds in every state, and what shows that it was looked at. */
const ALWAYS: { readonly says: string; readonly check: Check; readonly then: (t: Test) => void; readonly faults: string[] }[] = []
const always = (says: string, check: Check, then: (t: Test) => void = () => {}): void => void ALWAYS.push({ says, check, then, faults: [] })

const seen = new Set<string>()
always('any order, duplicates and replays leave a legal state, and no event is lost', ({ state, events }) => {
  seen.add(`${state.direction} ${state.stage}`)
  const blocking = state.missing.some(({ blocks }) => blocks)
  const open = OPEN.includes(state.stage)
  if (!STAGES.includes(state.stage) || (open && !openStages(state.direction).includes(state.stage))) return `${state.stage} is no stage of an ${state.direction} referral`
  if (state.sequence !== events.length || events.some(({ sequence }, index) => sequence !== index + 1)) return 'the events are not numbered one after the other'
  if (events.some(({ applied, because }) => applied !== (because === null) || because === '')) return 'an event was not applied, and does not say why'
  if (open && blocking !== (state.holds.information !== undefined)) return 'what is missing and what waits for it differ'
  if (open && state.patient.status === 'uncertain' && !state.holds.patient) return 'nobody is asked who the patient is'
  if (state.patient.status === 'matched' && (state.holds.patient || !state.patient.chart)) return 'a known patient waits to be known'
  if (!open && (['information', 'patient', 'routing'] as const).some((hold) => state.holds[hold])) return 'something waits at an end'
  if (Object.entries(state.holds).some(([hold, { reason }]) => !HOLDS.includes(hold as Hold) || reason === '')) return 'something waits without a reason'
  return Date.parse(state.since) > BEGAN + LENGTH * 2 * 86_400_000 && 'its stage begins in the future'
}, (t) => {
  for (const direction of ['inbound', 'outbound'] as const) for (const stage of [...openStages(direction), ...ENDS]) t.ok(seen.has(`${direction} ${stage}`), `${direction} ${stage} was reached`)
})

let repeated = 0
always('news of an appointment that is told again changes nothing, and is told to nobody', ({ state, given }) => {
  const last = given.at(-1)
  if (!last || !APPOINTMENT_NEWS.includes(last.name) || state.appointment?.heardAt !== last.at || state.appointment.last !== last.name) return null
  repeated++
  return 'state' in apply(state, last) && `${last.name} would be told twice`
}, (t) => t.ok(repeated > 500, `${repeated} were told again`))
const APPOINTMENT_NEWS: readonly EventName[] = ['scheduled', 'rescheduled', 'appointment-cancelled', 'no-show']

always('nothing is handed on twice without a decision, nor the wrong way', ({ state, events, notices }) => {
  const handed = notices.filter((notice) => dutyOf(notice) === 'hand-on')
  if (handed.some(({ kind }) => kind !== (state.direction === 'inbound' ? 'hand-off' : 'referral'))) return 'it goes the wrong way'
  return handed.length > events.filter(({ name, applied }) => (name === 'routed' || name === 'addressed') && applied).length && `handed on ${handed.length} times`
})

always('an open referral always has something that is owed, and it is said until it has been said often enough', ({ state }) => {
  const owed = rules.duties(state)
  if (OPEN.includes(state.stage) && owed.length === 0) return 'nobody owes anything'
  if (new Set(owed.map(({ id }) => id)).size !== owed.length) return 'two duties are called the same'
  const silent = owed.find(({ id, next, due }) => Number.isNaN(Date.parse(due)) || (state.overdue[id] === undefined && next !== due))
  return silent !== undefined && `nobody is told that ${silent.id} is overdue`
})

/** Which key of `toTell` an event leaves that must be told; null where nothing must. */
const mustTell = ({ name, sequence, facts }: ReferralEvent, { direction }: ReferralState): string | null => {
  if (direction === 'outbound') return name === 'report-received' ? `report:${sequence}` : null
  if (name === 'received') return `acknowledgement:${sequence}`
  if (name === 'needs-information') return `information:${sequence}`
  if (name === 'reported' || name === 'interim-report') return `outcome:${sequence}`
  if (name === 'cancel-refused') return `status:${sequence}`
  if (name === 'unable-to-reach' && facts.attempt !== undefined && facts.attempt.number < rules.attempts) return null
  return rules.tells(name) === 'never' ? null : `status:${sequence}`
}

/** It came to its end before this event, and has not been opened again since. */
const ended = ({ sequence }: ReferralEvent, events: readonly ReferralEvent[]): boolean => {
  const last = events.findLast((one) => one.sequence < sequence && one.applied && (one.name === 'reopened' || one.name === 'addressed' || ENDS.includes(one.name as Stage)))
  return last !== undefined && ENDS.includes(last.name as Stage)
}

always('whatever must be told has been told, or is owed until it is', ({ state, events, notices, undelivered }) => {
  const made = new Set(notices.map(dutyOf))
  const owed = new Set(rules.duties(state).map(({ id }) => id))
  for (const event of events) {
    const key = event.applied && !(event.name === 'appointment-cancelled' && ended(event, events)) ? mustTell(event, state) : null
    if (key !== null && !made.has(key)) return `${event.name} was told to nobody`
  }
  const forgotten = [...undelivered].find((key) => !owed.has(`${key}:${state.toTell[key]}`))
  return forgotten !== undefined && `${forgotten} has not been delivered, and nobody owes it`
})

always('a loop is closed by itself only when the last consult note has arrived', ({ state, events }) => {
  const last = events.at(-1)
  return last?.name === 'closed' && last.facts.reason === 'The consult note has been delivered.' && Object.keys(state.toTell).some((key) => /^(outcome|report):/.test(key)) && 'a consult note is still on its way'
})

const looked = { late: 0, appointment: 0 }
always('what comes after the end waits for a person, and so does the appointment of a referral that was given up, until it is settled', ({ state, events }) => {
  const last = events.at(-1)
  if (!last?.applied) return null
  if (last.name === 'cancel-refused' || (last.name === 'information-added' && last.by.kind !== 'person' && ENDS.includes(state.stage))) {
    looked.late++
    if (!state.holds.late) return 'nobody looks at what came late'
    if (!rules.duties(state).some(({ kind }) => kind === 'came-late')) return 'nobody owes a look at what came late'
  }
  if (last.name === 'noted' && last.by.kind === 'person' && last.facts.left && state.holds[last.facts.left]) return 'a person has left it, and is asked again'
  if (last.name === 'reopened' && (state.holds.late || state.holds.appointment)) return 'it is open again, and still waits'
  if (!ENDS.includes(state.stage) && state.holds.appointment) return 'an open referral waits for its appointment to be cancelled'
  if (last.name === 'appointment-cancelled' && state.holds.appointment) return 'the appointment was cancelled, and is still to be'
  if (state.direction === 'outbound' && state.holds.appointment) return 'the appointment is not ours'
  if (state.holds.appointment) looked.appointment++
  return state.holds.appointment && !rules.duties(state).some(({ kind }) => kind === 'appointment-left') && 'nobody owes the cancelling of the appointment'
}, (t) => t.ok(looked.late > 300 && looked.appointment > 100, `${looked.late} came late, ${looked.appointment} had an appointment`))

let taken = 0
always('an EHR or a specialist that has a cancelled referral is told so', ({ state, notices, events }) => {
  if (state.stage !== 'cancelled') return null
  const arrived = events.some(({ name, applied }) => applied && name === (state.direction === 'inbound' ? 'handed-off' : 'sent')) && (state.direction === 'outbound' || state.route !== null)
  if (arrived) taken++
  return arrived && !notices.some(({ kind }) => kind === 'withdrawal') && 'nobody takes it back'
}, (t) => t.ok(taken > 100, `${taken} had arrived`))

/** Every duty is said to be overdue at its time, and nothing else happens any more. */
function leftAlone(state: ReferralState): { readonly state: ReferralState; readonly said: readonly string[] } {
  const said: string[] = []
  let current = state
  for (;;) {
    const [next] = rules.duties(current).filter((duty) => duty.next !== null).sort((a, b) => ((a.next as string) < (b.next as string) ? -1 : 1))
    if (!next || said.length > 300) return { state: current, said }
    said.push(next.id)
    const now = next.next as string
    current = fold(current, [{ name: 'overdue', at: now, by: DESK, facts: { duty: { id: next.id, kind: next.kind, due: next.due, level: (current.overdue[next.id] ?? 0) + 1 } } }], { now, rules, provider: () => null, opening: false, told: [] }).state
  }
}

let alone = 0
const stages = new Set<Stage>()
always('whatever is left alone is said to be overdue, so often and no more', ({ state }) => {
  if (alone++ % 40 !== 0) return null
  const { state: after, said } = leftAlone(state)
  const owed = rules.duties(state)
  stages.add(state.stage)
  if (said.length > 300) return 'it is never said often enough'
  if (owed.some(({ id }) => state.overdue[id] === undefined && !said.includes(id))) return 'something is never said to be overdue'
  return rules.duties(after).length !== owed.length && 'what is owed is forgotten once it has been said'
}, (t) => t.equal(stages.size, STAGES.length, 'of every stage some were left alone'))

let walked = 0
for (const one of states()) {
  walked++
  for (const { check, faults } of ALWAYS) {
    const fault = check(one)
    if (fault) faults.push(`${fault}: ${story(one)}`)
  }
}
for (const { says, then, faults } of ALWAYS) {
  t.test(says, async (t) => {
    for (const fault of faults.slice(0, 3)) t.fail(fault)
    t.equal(faults.length, 0, `in all of ${walked} states`)
    then(t)
  })
}

// ── What was found by thinking, not by chance ───────────────────────────────────────────

const inbound = (): World => {
  const made = world('inbound', random(1))
  const known = { ...made, provider: PROVIDER }
  tell(known, [{ name: 'received', at: known.state.receivedAt, by: DESK }], [], true)
  return known
}
const event = (world: World, name: EventName, facts: EventFacts = {}): NewEvent => ({ name, at: new Date(world.now).toISOString(), by: { kind: 'person', name: 'Ann' }, facts })
const ROUTE: EventFacts = { route: { ehr: 'epic-main', location: null, practitioner: null, queue: null, tasks: [] } }

t.test('what could not be handed over can be given another route', async (t) => {
  const one = inbound()
  tell(one, [event(one, 'matched', { chart: CHARTS[0] as { source: string; id: string } }), event(one, 'routed', ROUTE)])
  tell(one, [event(one, 'routed', { route: { ...ROUTE.route, ehr: 'ecw-north' } as NonNullable<EventFacts['route']> })])
  t.match(one.events.at(-1), { applied: false, because: /on its way to epic-main/ })
  tell(one, [event(one, 'notice-failed', { notice: { id: 2, kind: 'hand-off', way: null }, reason: 'It was refused.' })])
  t.match(one.state.holds['hand-off'], { reason: 'It was refused.' })
  tell(one, [event(one, 'routed', { route: { ...ROUTE.route, ehr: 'ecw-north' } as NonNullable<EventFacts['route']> })])
  t.same(one.notices.filter(({ kind }) => kind === 'hand-off').map(({ to }) => to), ['ehr epic-main', 'ehr ecw-north'])
  t.notOk(one.state.holds['hand-off'])
})

t.test('what is cancelled on its way to the EHR is taken back once it has arrived there', async (t) => {
  const one = inbound()
  tell(one, [event(one, 'routed', ROUTE), event(one, 'cancelled', { reason: 'The patient moved.' })])
  t.notOk(one.notices.some(({ kind }) => kind === 'withdrawal'))
  tell(one, [event(one, 'handed-off')], ['hand-on'])
  t.match(one.notices.at(-1), { kind: 'withdrawal', to: 'ehr epic-main' })
  tell(one, [event(one, 'reopened')])
  t.equal(one.state.stage, 'received', 'and must be handed over again when it is reopened')
})

t.test('news in a digest is not overdue before the digest', async (t) => {
  const one = inbound()
  tell(one, [event(one, 'routed', ROUTE), event(one, 'handed-off'), event(one, 'contacted')], ['hand-on'])
  const notice = one.notices.at(-1) as NewNotice
  t.match(notice, { status: 'waiting', notBefore: '2026-03-02T22:00:00.000Z', due: '2026-03-02T23:00:00.000Z' })
  t.equal(rules.duties(one.state).find(({ kind }) => kind === 'status')?.due, notice.due)
})

t.test('a clock that is ahead makes nothing due later', async (t) => {
  const one = inbound()
  tell(one, [event(one, 'routed', ROUTE), { ...event(one, 'handed-off'), at: '2099-01-01T00:00:00.000Z' }])
  t.equal(one.state.since, new Date(one.now).toISOString())
  t.equal(one.events.at(-1)?.at, '2099-01-01T00:00:00.000Z', 'what its sender said is kept')
})

t.test('an old appointment does not come back, and a clock that is ahead does not keep a new one away', async (t) => {
  const one = inbound()
  const booked = (id: string, at: string, start: string): NewEvent => ({ ...event(one, 'scheduled', { appointment: { id, start, with: null, at: null } }), at })
  const first = booked('a1', '2026-03-02T14:00:00.000Z', '2026-03-10T15:00:00.000Z')
  tell(one, [event(one, 'routed', ROUTE), event(one, 'handed-off'), first, booked('a2', '2026-03-02T14:30:00.000Z', '2026-03-12T15:00:00.000Z'), first])
  t.match(one.events.at(-1), { applied: false, because: 'A later appointment has been heard of.' })
  t.equal(one.state.appointment?.id, 'a2')
  tell(one, [booked('a3', '2099-01-01T00:00:00.000Z', '2026-03-13T15:00:00.000Z')])
  one.now += 60_000
  tell(one, [booked('a4', new Date(one.now).toISOString(), '2026-03-14T15:00:00.000Z')])
  t.equal(one.state.appointment?.id, 'a4')
})

t.test('the referrer hears of attempts only when they are over', async (t) => {
  const one = inbound()
  tell(one, [event(one, 'routed', ROUTE), event(one, 'handed-off')])
  const told = (): number => one.notices.filter(({ kind }) => kind === 'status').length
  const before = told()
  for (const number of [1, 2]) tell(one, [event(one, 'unable-to-reach', { attempt: { number, how: 'called' } })])
  t.equal(told(), before)
  tell(one, [event(one, 'unable-to-reach', { attempt: { number: 3, how: 'called' } })])
  t.equal(told(), before + 1)
})

t.test('what is reopened waits for what it waited for', async (t) => {
  const one = inbound()
  tell(one, [event(one, 'needs-information', { missing: ITEMS }), event(one, 'match-uncertain', { reason: 'Two fit.' }), event(one, 'declined', { reason: 'Not ours.' })])
  t.same(Object.keys(one.state.holds), [])
  tell(one, [event(one, 'reopened')])
  t.same(Object.keys(one.state.holds).sort(), ['information', 'patient'])
})

// ── The table itself ────────────────────────────────────────────────────────────────────

t.test('every event has a row, and every stage can be reached and left', async (t) => {
  const leads = (direction: Direction) => NAMES.flatMap((name) => {
    const { moves, to, only } = LIFE_CYCLE[name]
    return only !== undefined && only !== direction ? [] : moves.filter((stage) => to !== null && stage !== to).map((from) => ({ from, to: to as Stage }))
  })
  for (const direction of ['inbound', 'outbound'] as const) {
    const reached = new Set<Stage>(['received'])
    for (let size = 0; size !== reached.size; ) {
      size = reached.size
      for (const { from, to } of leads(direction)) if (reached.has(from)) reached.add(to)
    }
    t.same([...reached].sort(), [...openStages(direction), ...ENDS].sort(), `${direction}: all are reached`)
    for (const stage of openStages(direction)) {
      const found = new Set<Stage>([stage])
      for (let size = 0; size !== found.size; ) {
        size = found.size
        for (const { from, to } of leads(direction)) if (found.has(from)) found.add(to)
      }
      t.ok(ENDS.some((end) => found.has(end)), `${direction}: ${stage} leads to an end`)
    }
  }
  for (const name of NAMES) {
    const { moves, also, to } = LIFE_CYCLE[name]
    t.notOk(moves.some((stage) => also.includes(stage)), `${name} leads on, or it does not`)
    t.ok(moves.length + also.length > 0, `${name} can happen`)
    t.equal(to === null, moves.length === 0, `${name} leads somewhere where it leads on`)
  }
})

t.test('what a Task says is the event that is told by it', async (t) => {
  const told: readonly EventName[] = ['accepted', 'declined', 'contacted', 'unable-to-reach', 'scheduled', 'appointment-cancelled', 'no-show', 'seen', 'reported', 'cancelled', 'needs-information']
  for (const name of told) {
    const [status, business] = LIFE_CYCLE[name].task ?? []
    t.equal(eventOfTask(status, business), name)
  }
  t.equal(eventOfTask(LIFE_CYCLE.rescheduled.task?.[0], LIFE_CYCLE.rescheduled.task?.[1]), 'scheduled', 'BSeR has one code for both')
  t.same([eventOfTask('accepted', undefined), eventOfTask('rejected', undefined), eventOfTask('cancelled', undefined), eventOfTask('failed', undefined), eventOfTask('received', undefined)], ['accepted', 'declined', 'cancelled', 'declined', 'acknowledged-by-them'])
  t.same([eventOfTask(undefined, undefined), eventOfTask('draft', 'no-such-code')], [null, null])
  const answers = (['accepted', 'declined', 'needs-information'] as const).map((name) => `${LIFE_CYCLE[name].v2?.message} ${LIFE_CYCLE[name].v2?.answer}`)
  t.equal(new Set(answers).size, answers.length, 'an HL7 v2 answer says which')
  const orders = NAMES.flatMap((name) => (LIFE_CYCLE[name].x360?.control ? [`${LIFE_CYCLE[name].x360?.control} ${LIFE_CYCLE[name].x360?.status ?? ''}`] : []))
  t.equal(new Set(orders).size, orders.length, 'a 360X order status says which')
  const schedules = NAMES.flatMap((name) => (LIFE_CYCLE[name].x360?.message.startsWith('SIU') ? [LIFE_CYCLE[name].x360?.message] : []))
  t.equal(new Set(schedules).size, schedules.length, 'a 360X schedule message says which')
})
