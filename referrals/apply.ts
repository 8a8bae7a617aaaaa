/** What one event makes of a referral: its next state, or why it may not happen. Nothing else changes a state. */
import type { ChartKey } from './contracts.js'
import type { EventFacts, EventName, Hold, NewEvent, ReferralState, Stage } from './desk-contracts.js'
import { ENDS, GIVEN_UP, LIFE_CYCLE } from './life-cycle.js'

export type Applied = { readonly state: ReferralState } | { readonly refused: string }

/**
 * The state after an event, its sequence not yet counted; or a sentence that says why it cannot be.
 * `from`: what is owed counts from then; a sender's clock that is ahead makes nothing due later.
 */
export function apply(state: ReferralState, event: NewEvent, from = event.at): Applied {
  const { moves, to, also, only } = LIFE_CYCLE[event.name]
  if (only !== undefined && only !== state.direction) return { refused: `An ${state.direction} referral cannot be ${words(event.name)}.` }
  const moving = moves.includes(state.stage)
  if (!moving && !also.includes(state.stage)) return { refused: `A referral that is ${words(state.stage)} cannot be ${words(event.name)}.` }
  const facts = event.facts ?? {}
  const refused = GUARDS[event.name]?.(state, event, facts)
  if (refused) return { refused }
  const stage = moving && to !== null ? target(state, event, to) : state.stage
  const { times, ...changes } = CHANGES[event.name]?.(state, facts, event, from) ?? {}
  const changed: ReferralState = {
    ...state, ...changes, stage, since: stage === state.stage ? state.since : from, times: timesAfter({ ...state, ...(times && { times }) }, event.name, from),
  }
  return { state: { ...changed, holds: holdsAfter(changed, event, facts, from, state.stage) } }
}

/** What is reopened goes on where the practice has it still, or is routed again; what was not seen after all, where it stood. */
const target = (state: ReferralState, { name, facts = {} }: NewEvent, to: Stage): Stage => {
  if (name === 'reopened' && state.stage === 'declined' && state.holds.appointment) return 'scheduled' // it was not cancelled, and holds
  if (name === 'reopened') return state.stage !== 'cancelled' && state.times['handed-off'] !== undefined ? 'accepted' : to
  if (name === 'addressed') return state.direction === 'outbound' && state.route !== null ? to : state.stage // whoever referred to us moves nothing
  if (name === 'recalled') return facts.provider?.id === state.provider ? to : state.stage
  return name === 'visit-cancelled' ? beforeTheVisit(state) : to
}

/** Its appointment holds still, or did not take place; without one it stands as far as it had come. */
const beforeTheVisit = ({ appointment: last, times, direction }: ReferralState): Stage => {
  if (last !== null) return last.last === 'scheduled' || last.last === 'rescheduled' ? 'scheduled' : 'rebooking'
  const [, stage] = CAME.find(([name]) => times[name] !== undefined && (LIFE_CYCLE[name].only ?? direction) === direction) ?? []
  return stage ?? 'routed'
}
const CAME: readonly (readonly [EventName, Stage])[] = [['contacted', 'contacted'], ['accepted', 'accepted'], ['handed-off', 'handed-off'], ['acknowledged-by-them', 'acknowledged'], ['delivered', 'delivered'], ['sent', 'sent']]

/** Of these the last time counts. */
const LAST: ReadonlySet<EventName> = new Set(['reopened', 'addressed', 'recalled'])
/** When each first happened; who was not seen after all has not been seen yet. */
const timesAfter = ({ times }: ReferralState, name: EventName, at: string): ReferralState['times'] => {
  const { seen, ...others } = times
  return { ...(name === 'visit-cancelled' ? others : times), [name]: LAST.has(name) ? at : (times[name] ?? at) }
}

const words = (name: string): string => name.replaceAll('-', ' ')

type Guard = (state: ReferralState, event: NewEvent, facts: EventFacts) => string | null
const DAY = 86_400_000

/** News of an appointment is news only if nothing later was heard of it. */
const appointmentNews: Guard = ({ appointment }, { at, name }, { appointment: news }) => {
  if (appointment === null) return null
  const same = sameAppointment(appointment, news)
  if (at < appointment.heardAt) return same ? 'Something later has been heard of this appointment.' : 'A later appointment has been heard of.'
  if (same && at === appointment.heardAt && name === appointment.last && (news?.start ?? appointment.start) === appointment.start) return 'This has been heard before.'
  return null
}
/** News without a number is about the one that holds. */
const sameAppointment = ({ id }: NonNullable<ReferralState['appointment']>, news: EventFacts['appointment']): boolean => (news?.id ?? null) === null || news?.id === id
/** What becomes of an appointment can only be said of the one that holds. */
const ofItsAppointment: Guard = (state, event, facts) => {
  if (ENDS.includes(state.stage) && !state.holds.appointment) return `A referral that is ${state.stage} has no appointment that is still to be cancelled.`
  const id = facts.appointment?.id ?? null
  if (id !== null && state.appointment !== null && state.appointment.id !== null && id !== state.appointment.id) return 'It is about another appointment than the one that holds.'
  return appointmentNews(state, event, facts)
}

const GUARDS: Partial<Record<EventName, Guard>> = {
  'received': ({ sequence }) => (sequence > 0 ? 'It has been received already.' : null),
  'scheduled': appointmentNews,
  'rescheduled': appointmentNews,
  'appointment-cancelled': ofItsAppointment,
  'no-show': ofItsAppointment,
  'seen': ({ receivedAt }, { at }) => (Date.parse(at) < Date.parse(receivedAt) - DAY ? 'The visit was before the referral.' : null),
  'needs-information': (_state, _event, { missing = [] }) => (missing.length === 0 ? 'It does not say what is missing.' : null),
  'matched': ({ patient }, { by }, { chart }) => {
    if (!chart) return 'It does not say with which chart.'
    if (by.kind !== 'person' && patient.not?.some((one) => isSame(one, chart))) return 'A person has said that this is the chart of somebody else.'
    const other = patient.status === 'matched' && (patient.chart?.id !== chart.id || patient.chart.source !== chart.source)
    return other && by.kind === 'desk' ? 'It is matched with another chart; only a person, or a merge of the two, may change that.' : null
  },
  'match-uncertain': known,
  'patient-pending': known,
  'routed': ({ toTell, holds, route: before }, _event, { route }) => {
    if (!route) return 'It does not say where to.'
    return toTell['hand-on'] !== undefined && !holds['hand-off'] ? `It is on its way to ${before?.ehr ?? 'the specialist'} already.` : null
  },
  'addressed': addressable,
  'recalled': recallable,
  'contacted': ({ times }, { at }) => (times.contacted === at ? 'This has been heard before.' : null),
  'interim-report': (_state, _event, { documents = [] }) => (documents.length === 0 ? 'It brings no document.' : null),
  'reported': (_state, _event, { documents = [] }) => (documents.length === 0 ? 'It brings no document.' : null),
  'report-received': (_state, _event, { documents = [] }) => (documents.length === 0 ? 'It brings no document.' : null),
  'declined': (_state, _event, { reason }) => (reason ? null : 'It does not say why.'),
  'closed': ({ stage }, _event, { reason }) => (stage === 'reported' || reason ? null : 'It does not say why.'),
}

/** Only a person takes a match back, or whoever parts the charts that it rests on. */
function known({ patient }: ReferralState, { by }: NewEvent, { apart }: EventFacts): string | null {
  return patient.status === 'matched' && by.kind !== 'person' && !apart ? 'The patient is known.' : null
}

/** An order goes to one specialist at a time. */
function addressable({ direction, stage, toTell, holds, provider }: ReferralState, _event: NewEvent, facts: EventFacts): string | null {
  if (!facts.provider) return 'It does not say to whom.'
  if (direction === 'inbound') return null
  if (stage === 'cancelled' || stage === 'closed') return `A referral that is ${stage} goes to nobody: open it again first.`
  if (!LIFE_CYCLE.addressed.moves.includes(stage)) return 'It lies with a specialist, and must be taken back from them first.'
  return provider === facts.provider.id && toTell['hand-on'] !== undefined && !holds['hand-off'] ? `It is on its way to ${facts.provider.name} already.` : null
}

/** What another than the one who has it is told (it reached them late) changes nothing of the referral. */
function recallable({ stage, provider }: ReferralState, _event: NewEvent, facts: EventFacts): string | null {
  if (!facts.provider) return 'It does not say from whom.'
  if (facts.provider.id !== provider || LIFE_CYCLE.recalled.moves.includes(stage)) return null
  return stage === 'seen' || stage === 'reported' ? 'The patient has been seen by the specialist: it cannot be taken back any more.' : `A referral that is ${words(stage)} lies with no specialist.`
}

const isSame = (one: ChartKey, other: ChartKey): boolean => one.source === other.source && one.id === other.id

type Changes = (state: ReferralState, facts: EventFacts, event: NewEvent, from: string) => Partial<ReferralState>
const appointment: Changes = ({ appointment: before }, { appointment: news }, { at, name }, from) => {
  const { id = null, start = null, with: seen = null, at: place = null } = news ?? {}
  const same = before !== null && sameAppointment(before, news)
  const heardAt = Date.parse(at) - Date.parse(from) > DAY ? from : at // a clock that is ahead must not make all later news old
  return { appointment: { id: id ?? (same ? before.id : null), start: start ?? (same ? before.start : null), with: seen ?? (same ? before.with : null), at: place ?? (same ? before.at : null), heardAt, last: name } }
}

const CHANGES: Partial<Record<EventName, Changes>> = {
  'read': (_state, { missing }) => (missing ? { missing } : {}),
  'needs-information': (_state, { missing = [] }) => ({ missing }),
  'information-added': ({ missing }, { answered = [], missing: still }) => ({ missing: still ?? missing.filter(({ item }) => !answered.includes(item)) }),
  'matched': ({ patient }, { chart }) => ({ patient: { ...patient, status: 'matched', chart: chart ?? null, ...(patient.not && { not: patient.not.filter((one) => !chart || !isSame(one, chart)) }) } }),
  'match-uncertain': ({ patient }) => ({ patient: { ...patient, status: 'uncertain', chart: null } }),
  'patient-pending': ({ patient }) => ({ patient: { ...patient, status: 'pending', chart: null } }),
  'triaged': (state, { urgency, specialty }) => ({ urgency: urgency ?? state.urgency, specialty: specialty === undefined ? state.specialty : specialty }),
  'routed': ({ toTell: { 'hand-on': _given, ...toTell } }, { route }) => ({ route: route ?? null, toTell }),
  'addressed': (state, { provider }) => ({ provider: provider?.id ?? null, ...(state.direction === 'outbound' && anew(state)) }),
  'recalled': (state, { provider }) => (provider?.id === state.provider ? { provider: null, ...anew(state) } : {}),
  'contacted': ({ attempts }) => ({ attempts: attempts + 1 }),
  'unable-to-reach': ({ attempts }, { attempt }) => ({ attempts: attempt?.number ?? attempts }),
  'scheduled': appointment,
  'rescheduled': appointment,
  'appointment-cancelled': appointment,
  'no-show': appointment,
  'reported': reported,
  'report-received': reported,
  'report-withdrawn': () => ({ reportedAt: null }),
  'acknowledged': told,
  'status-sent': told,
  'outcome-sent': told,
  'overdue': ({ overdue }, { duty }) => (duty ? { overdue: { ...overdue, [duty.id]: duty.level } } : {}),
  'closed': (_state, { same }) => (same === undefined ? {} : { sameAs: same }),
  'reopened': () => ({ overdue: {}, attempts: 0, sameAs: null }),
  'noted': ({ attempts, patient }, { attempt, not }) => ({ attempts: attempt?.number ?? attempts, ...(not && { patient: { ...patient, not: [...(patient.not ?? []).filter((one) => !not.some((other) => isSame(one, other))), ...not] } }) }),
}

/** What was heard of one specialist is not true of the next. */
const anew = ({ times, toTell: { 'hand-on': _given, ...toTell } }: ReferralState): Partial<ReferralState> => ({
  times: Object.fromEntries(Object.entries(times).filter(([name]) => !THEIRS.has(name as EventName))), toTell, appointment: null, attempts: 0, reportedAt: null,
})
const THEIRS: ReadonlySet<EventName> = new Set([
  'sent', 'delivered', 'acknowledged-by-them', 'accepted', 'declined', 'contacted', 'unable-to-reach', 'scheduled', 'rescheduled', 'appointment-cancelled', 'no-show', 'seen', 'visit-cancelled', 'report-received', 'report-withdrawn',
])

function told(_state: ReferralState, _facts: EventFacts, { at }: NewEvent): Partial<ReferralState> {
  return { lastTold: at }
}

function reported({ reportedAt }: ReferralState, _facts: EventFacts, _event: NewEvent, from: string): Partial<ReferralState> {
  return { reportedAt: reportedAt ?? from }
}

/** What waits for a person after an event. */
function holdsAfter(state: ReferralState, { name, by }: NewEvent, facts: EventFacts, at: string, before: Stage): ReferralState['holds'] {
  const holds: Partial<Record<Hold, { since: string; reason: string }>> = { ...state.holds }
  const hold = (kind: Hold, reason: string): void => {
    holds[kind] = { since: holds[kind]?.since ?? at, reason }
  }
  const blocking = state.missing.filter(({ blocks }) => blocks)
  if (blocking.length > 0) hold('information', `Missing: ${blocking.map(({ says }) => says).join(', ')}.`)
  else delete holds.information
  if (state.patient.status === 'uncertain') hold('patient', (name === 'match-uncertain' ? facts.reason : holds.patient?.reason) ?? 'The patient is uncertain.')
  if (name === 'read') facts.waits ? hold('reading', facts.waits) : delete holds.reading
  if (name === 'patient-pending') facts.waits ? hold('patient', facts.waits) : delete holds.patient
  if (name === 'matched') delete holds.patient
  if (name === 'route-uncertain') hold('routing', facts.reason ?? 'No route was found.')
  if (name === 'routed' && nobodyYet(state)) hold('routing', NO_SPECIALIST)
  else if (name === 'routed') facts.waits ? hold('routing', facts.waits) : delete holds.routing
  if (name === 'recalled' && nobodyYet(state)) hold('routing', `It was taken back from ${facts.provider?.name ?? 'the specialist'}: say to whom it goes now.`)
  if (name === 'addressed') for (const settled of ADDRESSED[state.direction]) if (settled !== 'routing' || state.route !== null) delete holds[settled]
  if (name === 'notice-failed') hold(holdOf(facts), facts.reason ?? 'A message could not be delivered.')
  if (name === 'noted' && by.kind === 'person' && facts.notice) delete holds[holdOf(facts)] // it is sent once more
  if (name === 'noted' && facts.notice && facts.waits) hold('way-back', facts.waits)
  if (name === 'noted' && by.kind === 'desk' && facts.provider) delete holds['way-back'] // a way is known now
  for (const settled of SETTLES[name] ?? []) if (!(settled === 'way-back' && facts.notice?.way === 'file') && !isOwed(state, settled, holds[settled]?.since ?? at)) delete holds[settled]
  if (isLate(state, name, by)) hold('late', facts.waits ?? `It came after the referral was ${state.stage}.`)
  if (name === 'reopened' || (LOOKED_AT.has(name) && by.kind === 'person')) delete holds.late
  if (before === 'scheduled' && GIVEN_UP.includes(state.stage) && state.direction === 'inbound') hold('appointment', `The referral was ${state.stage}, and its appointment${state.appointment?.start ? ` of ${state.appointment.start}` : ''} is still booked: cancel it.`)
  if (name === 'appointment-cancelled' || name === 'reopened') delete holds.appointment
  if (name === 'noted' && by.kind === 'person' && facts.left) delete holds[facts.left]
  return ENDS.includes(state.stage) ? atItsEnd(holds) : holds
}

/** Nothing goes on by itself any more, and nobody would look. */
const isLate = ({ stage }: ReferralState, name: EventName, by: NewEvent['by']): boolean => name === 'cancel-refused' || (name === 'information-added' && ENDS.includes(stage) && by.kind !== 'person')
const LOOKED_AT: ReadonlySet<EventName> = new Set(['addressed', 'cancelled', 'closed'])

const nobodyYet = ({ direction, provider }: ReferralState): boolean => direction === 'outbound' && provider === null
export const NO_SPECIALIST = 'The order names no specialist: say to whom it goes.'
/** What waits for nothing else than who the other side is. */
const ADDRESSED: Readonly<Record<ReferralState['direction'], readonly Hold[]>> = { inbound: ['way-back'], outbound: ['routing', 'hand-off'] }

const SETTLES: Partial<Record<EventName, readonly Hold[]>> = {
  'routed': ['hand-off'],
  'acknowledged': ['way-back', 'notice'], 'status-sent': ['way-back', 'notice'], 'outcome-sent': ['way-back', 'notice'],
  'handed-off': ['hand-off'], 'written-back': ['hand-off'], 'sent': ['hand-off'], 'delivered': ['hand-off'], 'noted': ['hand-off'],
}

/** Something that was to be told before the hold began has not been: that another thing was delivered settles nothing of it. */
const isOwed = ({ toTell }: ReferralState, hold: Hold, since: string): boolean =>
  Object.entries(toTell).some(([key, from]) => from <= since && /^(hand-on|withdrawal|report)/.test(key) === (hold === 'hand-off'))

const holdOf = ({ notice }: EventFacts): Hold =>
  notice && ['hand-off', 'referral', 'withdrawal', 'report'].includes(notice.kind) ? 'hand-off' : notice && notice.way === null ? 'way-back' : 'notice'

/** At its end nothing waits but what the others have not been told, and what has come since or is left over. */
const atItsEnd = ({ reading: _reading, information: _information, patient: _patient, routing: _routing, ...left }: ReferralState['holds']): ReferralState['holds'] => left
