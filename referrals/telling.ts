/** Which events are told to whom, and when: at once, or in the next digest. What is told is in mappings/desk/desk.yaml. */
import type { EventName, NewNotice, NoticeKind, ReferralEvent, ReferralState } from './desk-contracts.js'
import { type FoldContext, toCounterpart } from './fold.js'
import { ENDS } from './life-cycle.js'
import type { Rules } from './rules.js'

/** The notices that an applied event makes due. */
export function noticesOf(state: ReferralState, event: ReferralEvent, context: FoldContext): readonly NewNotice[] {
  const { rules, now } = context
  if (event.facts.quiet) return []
  if (state.direction === 'outbound') return outbound(state, event, context)
  const notices: NewNotice[] = []
  const ended = ENDS.includes(state.stage)
  const tell = (kind: NoticeKind): NewNotice => toCounterpart(kind, state, event, context, rules.dueOf(kind, now, state.urgency))
  if (event.name === 'received') notices.push(tell('acknowledgement'))
  else if (event.name === 'needs-information') notices.push(...(context.opening ? [] : [tell('information')]))
  else if (event.name === 'reported' || event.name === 'interim-report') notices.push(tell('outcome'))
  else if (event.name === 'cancel-refused' || (event.name === 'information-added' && ended)) notices.push(event.facts.later ? inDigest(tell('status'), state, context) : tell('status')) // whoever asks is answered
  else if (ended && event.name === 'appointment-cancelled') return notices // that nobody is seen has been told
  else if (!reachable(event, rules) && rules.tells(event.name) === 'at-once' && !event.facts.later) notices.push(tell('status'))
  else if (!reachable(event, rules) && rules.tells(event.name) !== 'never') notices.push(inDigest(tell('status'), state, context))
  if (takenBack(state, event, 'handed-off') && landed(state)) notices.push(toEhr('withdrawal', state, event, context))
  return notices
}

/** An attempt to reach the patient is no news before it is the last. */
const reachable = ({ name, facts }: ReferralEvent, { attempts }: Rules): boolean => name === 'unable-to-reach' && facts.attempt !== undefined && facts.attempt.number < attempts

function inDigest(notice: NewNotice, { urgency }: ReferralState, { rules, now }: FoldContext): NewNotice {
  if (notice.status !== 'open') return notice
  const notBefore = rules.nextDigest(now)
  return { ...notice, status: 'waiting', notBefore, due: rules.dueOf('digest', notBefore, urgency) }
}

/** It is cancelled, or what had been cancelled or declined on its way has arrived. */
const takenBack = ({ stage }: ReferralState, { name }: ReferralEvent, arrived: EventName): boolean =>
  name === 'cancelled' || (name === arrived && (stage === 'cancelled' || stage === 'declined'))

function outbound(state: ReferralState, event: ReferralEvent, context: FoldContext): readonly NewNotice[] {
  if (event.name === 'recalled' && event.facts.provider) return [toCounterpart('withdrawal', { id: state.id, provider: event.facts.provider.id }, event, context, context.rules.dueOf('status', context.now, state.urgency))]
  if (event.name === 'report-received') return [toEhr('report', state, event, context)]
  if (takenBack(state, event, 'sent') && sent(state)) return [toCounterpart('withdrawal', state, event, context, context.rules.dueOf('status', context.now, state.urgency))]
  return []
}

const toEhr = (kind: NoticeKind, state: ReferralState, event: ReferralEvent, { now, rules }: FoldContext): NewNotice => ({
  referral: state.id, kind, event: event.sequence, to: `ehr ${state.route?.ehr ?? ''}`.trim(), way: null, notBefore: now, due: rules.dueOf('hand-off', now, state.urgency), status: 'open', items: [], tried: [],
})

const HANDED: readonly EventName[] = ['handed-off', 'accepted', 'scheduled', 'contacted', 'seen']
const landed = ({ times, route }: ReferralState): boolean => route !== null && HANDED.some((name) => times[name] !== undefined)
const sent = ({ times }: ReferralState): boolean => times.sent !== undefined || times.delivered !== undefined
