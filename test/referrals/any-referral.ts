/** Referrals that anything may happen to: whatever is told of them in whatever order, with facts that are right and facts that are silly. */
import { join } from 'node:path'
import { openMappings } from '../../engine/mappings.js'
import { readDesk } from '../../referrals/clock/settings.js'
import type { Direction, Provider } from '../../referrals/contracts.js'
import type { EventFacts, EventName, NewEvent, NewNotice, NoticeKind, ReferralEvent, ReferralState } from '../../referrals/desk-contracts.js'
import { deskRules } from '../../referrals/desk-rules.js'
import { DESK, dutyOf, fold } from '../../referrals/fold.js'
import { LIFE_CYCLE } from '../../referrals/life-cycle.js'

const SEQUENCES = 3000
export const LENGTH = 30
const settings = readDesk(openMappings(join(import.meta.dirname, '../../../mappings')).mapping('desk/desk'))
const refuse = (): never => { throw new Error('not asked here') }
export const rules = deskRules({ settings, triage: refuse, route: refuse } as unknown as Parameters<typeof deskRules>[0])
export const NAMES = Object.keys(LIFE_CYCLE) as EventName[]
const DELIVERED: Readonly<Record<NoticeKind, EventName>> = { 'acknowledgement': 'acknowledged', 'information': 'status-sent', 'status': 'status-sent', 'digest': 'status-sent', 'outcome': 'outcome-sent', 'hand-off': 'handed-off', 'withdrawal': 'noted', 'referral': 'sent', 'report': 'written-back' }
export const BEGAN = Date.parse('2026-03-02T15:00:00.000Z')

export interface World {
  state: ReferralState
  readonly events: ReferralEvent[]
  readonly given: NewEvent[]
  readonly notices: NewNotice[]
  readonly undelivered: Set<string> // keys of notices that nobody has received
  readonly provider: Provider | null
  now: number
}

/** The same numbers in the same order each time. */
export const random = (seed: number) => {
  let last = seed * 2_654_435_761 % 2_147_483_648
  const next = (): number => {
    last = (last * 1_103_515_245 + 12_345) % 2_147_483_648
    return last / 2_147_483_648
  }
  return { next, chance: (of: number): boolean => next() < of, pick: <Value>(from: readonly Value[]): Value => from[Math.floor(next() * from.length)] as Value }
}
type Random = ReturnType<typeof random>

export const PROVIDER: Provider = {
  id: 'p1', npi: null, identifiers: [], name: null, practice: 'Elm Street Clinic', specialty: null, address: null, phones: [], faxes: ['608-555-0100'], emails: [], directAddresses: [], aliases: [],
  ways: [{ way: 'fax', address: '608-555-0100', learned: 'test' }], preferred: null, firstSeen: '', lastSeen: '',
}

export const world = (direction: Direction, { chance }: Random): World => {
  const at = new Date(BEGAN).toISOString()
  const state: ReferralState = {
    id: 'r1', reference: 'R-1111-1111', direction, stage: 'received', since: at, receivedAt: at, sequence: 0, patient: { status: 'unmatched', chart: null }, provider: 'p1', urgency: 'routine', specialty: null, route: null,
    missing: [], holds: {}, appointment: null, attempts: 0, times: {}, lastTold: null, overdue: {}, toTell: {}, payer: null, via: null, order: null, reportedAt: null,
  }
  return { state, events: [], given: [], notices: [], undelivered: new Set(), provider: chance(0.8) ? PROVIDER : null, now: BEGAN }
}

export const ITEMS = ['patient-phone', 'diagnosis', 'insurance'].map((item, index) => ({ item, says: item, blocks: index > 0 }))
export const CHARTS = [{ source: 'epic-main', id: '1' }, { source: 'epic-main', id: '2' }]

/** Facts that the event may come with, right ones and silly ones. */
const factsFor = (name: EventName, now: number, { chance, pick }: Random): EventFacts => {
  if (chance(0.1)) return {}
  const some = <Value>(values: readonly Value[]): readonly Value[] => values.filter(() => chance(0.5))
  const start = pick([null, '2026-03-20T15:00:00.000Z', '1999-01-01', 'soon', '9999-12-31T23:59:59Z', new Date(now + 86_400_000).toISOString()])
  return {
    ...(chance(0.7) && { reason: 'a reason' }), missing: some(ITEMS), answered: some(['patient-phone', 'diagnosis', 'nothing']), chart: pick(CHARTS), provider: { id: pick(['p1', 'p2']), name: 'a specialist' }, documents: chance(0.8) ? ['d1'] : [], ...(name === 'noted' && { left: pick(['late', 'appointment']) }),
    route: { ehr: pick(['epic-main', 'ecw-north']), location: null, practitioner: null, queue: null, tasks: [] }, ...(name === 'patient-pending' && chance(0.5) && { waits: 'Create the chart.' }),
    urgency: pick(['routine', 'urgent', 'asap', 'stat']), appointment: { id: pick([null, 'a1', 'a2']), start, with: null, at: null }, ...(chance(0.5) && { attempt: { number: pick([-1, 0, 1, 2, 3, 1e9]), how: 'called' } }),
    ...(chance(0.5) && { notice: { id: 1, kind: pick(Object.keys(DELIVERED) as NoticeKind[]), way: pick(['fax', null]) } }), duty: { id: pick(['visit:1', 'news:2']), kind: 'visit', due: new Date(now).toISOString(), level: pick([1, 2, 1000]) },
  }
}

const LIKELY: readonly EventName[] = ['matched', 'routed', 'routed', 'handed-off', 'sent', 'delivered', 'acknowledged-by-them', 'accepted', 'contacted', 'scheduled', 'rescheduled', 'seen', 'reported', 'report-received', 'no-show', 'reopened', 'match-uncertain', 'needs-information', 'information-added']

function anEvent(world: World, dice: Random): NewEvent {
  if (world.given.length > 0 && dice.chance(0.2)) return dice.pick(world.given) // told again, late or early
  const name = dice.pick(dice.chance(0.6) ? LIKELY : NAMES)
  const at = new Date(dice.chance(0.8) ? world.now : dice.pick([0, BEGAN - 40 * 86_400_000, world.now - 3_600_000, world.now + 900_000, Date.UTC(2099, 1)])).toISOString()
  return { name, at, by: dice.pick([DESK, { kind: 'person', name: 'Ann' }, { kind: 'channel', name: 'siu' }]), facts: factsFor(name, world.now, dice) }
}

export function tell(world: World, news: readonly NewEvent[], told: readonly string[] = [], opening = false): void {
  const before = world.state
  const folded = fold(before, news, { now: new Date(world.now).toISOString(), rules, provider: () => world.provider, opening, told })
  if (folded.events.length < news.length) throw new Error('an event was dropped')
  world.state = folded.state
  world.given.push(...news)
  world.events.push(...folded.events)
  world.notices.push(...folded.notices)
  for (const key of told) world.undelivered.delete(key)
  if (folded.events.some(({ name, applied }) => (name === 'routed' || name === 'addressed' || name === 'recalled') && applied)) world.undelivered.delete('hand-on') // it is given another way
  for (const notice of folded.notices) world.undelivered.add(dutyOf(notice))
}

/** A channel says what became of a notice, as settling does. */
function settle(world: World, { chance, pick }: Random): void {
  const open = world.notices.filter((notice) => world.undelivered.has(dutyOf(notice)) && notice.status !== 'failed')
  if (open.length === 0) return
  const notice = pick(open)
  const at = new Date(world.now).toISOString()
  const facts: EventFacts = { notice: { id: 1, kind: notice.kind, way: notice.way } }
  if (chance(0.8)) tell(world, [{ name: DELIVERED[notice.kind], at, by: DESK, facts }], [dutyOf(notice)])
  else tell(world, [{ name: 'notice-failed', at, by: DESK, facts: { ...facts, reason: 'The line is busy.' } }])
}

/** Everything that is due is said to be overdue, as at a tick. */
function tick(world: World): void {
  const now = new Date(world.now).toISOString()
  const late = rules.duties(world.state).filter(({ next }) => next !== null && next <= now)
  tell(world, late.map(({ id, kind, due }) => ({ name: 'overdue', at: now, by: DESK, facts: { duty: { id, kind, due, level: (world.state.overdue[id] ?? 0) + 1 } } })))
}

/** Every state that some sequence of events reaches, and what led to it. */
export function* states(): Generator<World> {
  for (let seed = 1; seed <= SEQUENCES; seed++) {
    const dice = random(seed)
    const made = world(seed % 2 === 0 ? 'inbound' : 'outbound', dice)
    tell(made, [{ name: 'received', at: made.state.receivedAt, by: DESK }], [], true)
    if (made.state.direction === 'inbound') tell(made, [{ name: 'triaged', at: made.state.receivedAt, by: DESK }])
    yield made
    for (let step = 0; step < LENGTH; step++) {
      made.now += Math.floor(dice.next() * 2 * 86_400_000)
      if (dice.chance(0.3)) settle(made, dice)
      else if (dice.chance(0.1)) tick(made)
      else tell(made, Array.from({ length: dice.pick([1, 1, 1, 2, 3]) }, () => anEvent(made, dice)))
      yield made
    }
  }
}

export const story = ({ events, state }: World): string => `${state.direction} ${events.map(({ name, applied, at }) => `${name}${applied ? '' : '(no)'}@${at.slice(5, 16)}`).join(' ')} → ${state.stage}`
