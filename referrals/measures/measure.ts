/** What one referral says to each measure; definitions.ts says it in words. Pure. */
import type { EventName, ReferralState } from '../desk-contracts.js'
import { ENDS } from '../life-cycle.js'
import type { Dimension, RateName, TimeName } from './definitions.js'
import type { JudgedAfter } from './settings.js'

/** `open`: too young to judge. */
export type Judged = 'yes' | 'no' | 'open'

export interface Row {
  readonly of: Readonly<Record<Dimension, string | null>>
  readonly rates: Readonly<Partial<Record<RateName, Judged>>> // a rate that is not there leaves the referral out
  readonly times: Readonly<Partial<Record<TimeName, number>>> // whole seconds
  readonly overdue: number // duties that are said to be overdue
}
export interface MeasureContext {
  readonly now: number // milliseconds since 1970
  readonly days: JudgedAfter
  readonly dayOf: (at: number) => string // on the practice's clocks
}

const DAY = 86_400_000

export const measure = (state: ReferralState, context: MeasureContext): Row => {
  const moments = momentsOf(state)
  return { of: dimensionsOf(state, context), rates: ratesOf(state, moments, context), times: timesOf(state, moments), overdue: Object.keys(state.overdue).length }
}

/** When it first came to this, in milliseconds; null where it has not. */
interface Moments {
  readonly acknowledged: number | null
  readonly outreach: number | null
  readonly scheduled: number | null
  readonly visit: number | null
  readonly seen: number | null // the visit, or the note that shows that there was one
  readonly reported: number | null
  readonly closed: number | null
}

function momentsOf({ direction, times, reportedAt = null }: ReferralState): Moments {
  const first = (...names: readonly EventName[]): number | null => {
    const found = names.flatMap((name) => times[name] ?? []).map((at) => Date.parse(at))
    return found.length > 0 ? Math.min(...found) : null
  }
  const inbound = direction === 'inbound'
  const reported = reportedAt === null ? null : Date.parse(reportedAt)
  const visit = first('seen')
  return {
    acknowledged: first(inbound ? 'acknowledged' : 'acknowledged-by-them'), outreach: first('contacted', 'unable-to-reach', 'scheduled', 'rescheduled'), scheduled: first('scheduled', 'rescheduled'),
    visit, seen: visit ?? reported, reported, closed: reported === null ? null : inbound ? first('outcome-sent') : reported,
  }
}

function dimensionsOf({ provider, specialty, payer = null, route, via = null, direction, receivedAt }: ReferralState, { dayOf }: MeasureContext): Row['of'] {
  return { provider, specialty, payer, location: route?.location ?? null, ehr: route?.ehr ?? null, via, month: dayOf(Date.parse(receivedAt)).slice(0, 7), direction }
}

function timesOf({ receivedAt }: ReferralState, { acknowledged, outreach, scheduled, visit, reported, closed }: Moments): Row['times'] {
  const received = Date.parse(receivedAt)
  const spans = { 'acknowledge': [received, acknowledged], 'outreach': [received, outreach], 'schedule': [received, scheduled], 'visit': [received, visit], 'report': [received, reported], 'visit-to-report': [visit, reported], 'close': [received, closed] } as const
  return Object.fromEntries(Object.entries(spans).flatMap(([name, [from, to]]) => (from === null || to === null ? [] : [[name, Math.max(0, Math.round((to - from) / 1000))]])))
}

function ratesOf(state: ReferralState, moments: Moments, { now, days }: MeasureContext): Row['rates'] {
  const { direction, stage, times, receivedAt } = state
  const { seen, reported, scheduled } = moments
  const ended = ENDS.includes(stage)
  const older = (than: number, since = Date.parse(receivedAt)): boolean => now - since > than * DAY
  /** Should have happened by then. */
  const due = (happened: boolean, past: boolean): Judged => (happened ? 'yes' : ended || past ? 'no' : 'open')
  /** May happen until the patient has been seen. */
  const may = (happened: boolean): Judged => due(happened, seen !== null || older(days.seen))
  return {
    'acknowledged': due(moments.acknowledged !== null, older(days.acknowledged)),
    'contacted': due(moments.outreach !== null || seen !== null, older(days.contacted)),
    'scheduled': due(scheduled !== null || seen !== null, older(days.scheduled)),
    'seen': due(seen !== null, older(days.seen)),
    ...(seen !== null && { 'reported': due(reported !== null, older(days.reported, seen)) }),
    ...(stage !== 'cancelled' && { 'closed': due(moments.closed !== null, older(days.closed)) }),
    'declined': may(stage === 'declined'),
    'cancelled': may(stage === 'cancelled'),
    'unreachable': may(times['unable-to-reach'] !== undefined),
    ...((scheduled !== null || times['no-show'] !== undefined) && { 'no-show': may(times['no-show'] !== undefined) }),
    ...(direction === 'inbound' && { 'incomplete': due(times['needs-information'] !== undefined, times.triaged !== undefined) }),
    ...matchOf(state),
    'lost': lost(state, moments, ended, older(days.scheduled), older(days.seen), now),
    'overdue': times.overdue === undefined ? 'no' : 'yes',
  }
}

/** What the first look for the patient answered. */
function matchOf({ times }: ReferralState): Row['rates'] {
  const [answer] = (['matched', 'match-uncertain', 'patient-pending'] as const).filter((name) => times[name] !== undefined).sort((one, other) => Date.parse(times[one] ?? '') - Date.parse(times[other] ?? ''))
  if (!answer) return {}
  const is = (name: EventName): Judged => (answer === name ? 'yes' : 'no')
  return { matched: is('matched'), reviewed: is('match-uncertain'), pending: is('patient-pending') }
}

function lost({ appointment, stage }: ReferralState, { seen, scheduled }: Moments, ended: boolean, pastScheduling: boolean, pastVisit: boolean, now: number): Judged {
  if (seen !== null) return 'no'
  const toCome = stage === 'scheduled' && Date.parse(appointment?.start ?? '') > now
  return ended || (scheduled === null ? pastScheduling : pastVisit && !toCome) ? 'yes' : 'open'
}
