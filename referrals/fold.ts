/** Takes a referral through events in their order: its next state, the events as they are kept, and what must now be told to whom. Pure. */
import type { Provider, Way } from './contracts.js'
import type { Change, NewEvent, NewNotice, NoticeKind, ReferralEvent, ReferralState } from './desk-contracts.js'
import { apply } from './apply.js'
import { canBeReached, nobodyThere } from './way-back.js'
import { noticesOf } from './telling.js'
import type { Rules } from './rules.js'

export interface FoldContext {
  readonly now: string
  readonly rules: Rules
  readonly provider: (id: string | null) => Provider | null // of those that the referral or its news name
  readonly opening: boolean // the referral is new: its acknowledgement says what is missing
  readonly told: readonly string[] // keys of `toTell` that have been delivered
}
export type Folded = Pick<Change, 'state' | 'events' | 'notices'>

/** What waits for a person before a referral may be handed on. */
const BLOCKING = ['reading', 'information', 'patient', 'routing'] as const

/** Events that cannot be applied are kept, and say why. */
export function fold(before: ReferralState, news: readonly NewEvent[], context: FoldContext): Folded {
  const events: ReferralEvent[] = []
  const notices: NewNotice[] = []
  const queue = [...news]
  let state: ReferralState = { ...before, toTell: without(before.toTell, context.told) }
  for (let event = queue.shift(); event !== undefined; event = queue.shift()) {
    const applied = apply(state, event, event.at < context.now ? event.at : context.now)
    const kept = keep(event, state.sequence + 1, context.now, 'refused' in applied ? applied.refused : null)
    events.push(kept)
    state = { ...('state' in applied ? applied.state : state), sequence: kept.sequence }
    if (!('state' in applied)) continue
    const owed = [...noticesOf(state, kept, context), ...handOn(state, kept, context)]
    for (const notice of owed) {
      notices.push(notice)
      state = { ...state, toTell: { ...state.toTell, [dutyOf(notice)]: notice.notBefore } }
      if (notice.status === 'failed') queue.push(nobodyToTell(notice, context.now))
      else if (notice.way === 'file') queue.push(...onlyWritten(state, notice, context))
    }
    queue.push(...following(state, kept))
  }
  return { state, events, notices }
}

const without = (toTell: ReferralState['toTell'], told: readonly string[]): ReferralState['toTell'] =>
  Object.fromEntries(Object.entries(toTell).filter(([key]) => !told.includes(key)))

/** The key in `toTell` of a notice; it stays until the notice has been delivered. */
export const dutyOf = ({ kind, event }: Pick<NewNotice, 'kind' | 'event'>): string => (kind === 'hand-off' || kind === 'referral' ? 'hand-on' : `${kind}:${event ?? 0}`)

const keep = (event: NewEvent, sequence: number, now: string, because: string | null): ReferralEvent => ({
  sequence, name: event.name, at: event.at, recordedAt: now, by: event.by, reason: event.reason ?? null, applied: because === null, because, facts: event.facts ?? {},
})

/** A routed referral goes on as soon as nothing waits for a person: to the EHR, or, outbound, to the specialist. */
function handOn(state: ReferralState, event: ReferralEvent, context: FoldContext): readonly NewNotice[] {
  if (state.stage !== 'routed' || state.route === null || state.toTell['hand-on'] !== undefined || BLOCKING.some((hold) => state.holds[hold])) return []
  const due = context.rules.dueOf('hand-off', context.now, state.urgency)
  if (state.direction === 'outbound') return [toCounterpart('referral', state, event, context, due)]
  return [{ referral: state.id, kind: 'hand-off', event: event.sequence, to: `ehr ${state.route.ehr}`, way: null, notBefore: context.now, due, status: 'open', items: [], tried: [] }]
}

/** A notice to the referrer or the specialist, by the best way that has not been tried. */
export function toCounterpart(kind: NoticeKind, state: Pick<ReferralState, 'id' | 'provider'>, event: Pick<ReferralEvent, 'sequence'>, context: FoldContext, due: string, tried: readonly Way[] = []): NewNotice {
  const way = nextWay(context.provider(state.provider), tried)
  return {
    referral: state.id, kind, event: event.sequence, to: `provider ${state.provider ?? ''}`.trim(), way, notBefore: context.now, due, status: way === null ? 'failed' : 'open', items: [], tried,
  }
}

export function nextWay(provider: Provider | null, tried: readonly Way[]): Way | null {
  const ways = (provider?.ways ?? []).map(({ way }) => way).filter((way) => way !== 'phone' && !tried.includes(way))
  return ways[0] ?? null
}

const nobodyToTell = ({ kind }: NewNotice, at: string): NewEvent => ({
  name: 'notice-failed', at, by: DESK, facts: { notice: { id: 0, kind, way: null }, reason: `For the ${kind} no address is known.` },
})

/** Once, for the worklist: a letter for staff reaches nobody of whom no address is known. */
function onlyWritten({ direction, provider: id, holds }: ReferralState, { kind, way }: NewNotice, { provider, now }: FoldContext): readonly NewEvent[] {
  const referrer = provider(id)
  if (direction === 'outbound' || referrer === null || holds['way-back'] || canBeReached(referrer)) return []
  return [{ name: 'noted', at: now, by: DESK, facts: { notice: { id: 0, kind, way }, waits: nobodyThere(referrer, kind), words: 'The referrer has no way back.' } }]
}

export const DESK = { kind: 'desk', name: 'desk' } as const

/** What follows by itself: the loop is closed once the outcome has arrived, and no other is on its way. */
function following(state: ReferralState, event: ReferralEvent): readonly NewEvent[] {
  const [delivered, kind] = state.direction === 'inbound' ? ['outcome-sent', 'outcome'] : ['written-back', 'report']
  const left = Object.keys(state.toTell).some((key) => key.startsWith(`${kind}:`))
  return event.name === delivered && !left && state.stage === 'reported' ? [{ name: 'closed', at: event.at, by: DESK, facts: { reason: 'The consult note has been delivered.' } }] : []
}
