/** A person's decision about one referral: refused where it may not be, made anew where somebody else was quicker, kept once, with who and why. */
import { ReferoError } from '../../engine/errors.js'
import { apply } from '../apply.js'
import { change, type Changed, type DeskParts, type Intent } from '../change.js'
import type { EventFacts, EventName, NewEvent, ReferralEvent, ReferralState } from '../desk-contracts.js'
import { DESK } from '../fold.js'

export interface Decision {
  readonly command: string // done once, however often it is asked for
  readonly referral: string // its id
  readonly by: string
  readonly reason: string // for the history: never told to anybody outside
  readonly seen?: number // the sequence of the state that the person looked at
}

/** What a decision is made of. */
export interface Hand {
  readonly at: string
  /** An event that the person causes. */
  event(name: EventName, facts?: EventFacts): NewEvent
  /** What follows from it by itself; left out where it may not be. */
  follows(name: EventName, facts?: EventFacts): NewEvent
}
export type Made = Omit<Intent, 'before' | 'opening'>

/** Rejects with NOT_FOUND, with NOT_NOW where the life of the referral or another person is in its way, and with UNFIT where it names what is not there. */
export async function decide(parts: DeskParts, { command, referral, by, reason, seen }: Decision, make: (before: ReferralState, hand: Hand) => Made | Promise<Made>): Promise<Changed> {
  let looked = seen
  const changed = await change(parts, command, async () => {
    const before = await parts.store.state(referral)
    if (!before) throw new ReferoError('NOT_FOUND', 'There is no such referral.')
    looked ??= before.sequence
    if (before.sequence > looked) await refuseIfDecided(parts, before, looked)
    const at = parts.clock.now().toISOString()
    const made = await make(before, {
      at,
      event: (name, facts = {}) => ({ name, at, by: { kind: 'person', name: by }, reason, facts }),
      follows: (name, facts = {}) => ({ name, at, by: DESK, facts }),
    })
    return { before, ...made, news: allowed(before, made.news) }
  })
  if (!changed) throw new Error('A decision always decides something.')
  return changed
}

/** What the life of a referral forbids is refused, and not kept: the person is there to be told. */
function allowed(before: ReferralState, news: readonly NewEvent[]): readonly NewEvent[] {
  const kept: NewEvent[] = []
  let state = before
  for (const event of news) {
    const applied = apply(state, event)
    if ('state' in applied) {
      state = applied.state
      kept.push(event)
    } else if (event.by.kind === 'person') throw notNow(applied.refused)
  }
  return kept
}

/** Two who look at the same state do not both decide: the second is told what the first did. */
async function refuseIfDecided({ store }: DeskParts, { id, sequence }: ReferralState, looked: number): Promise<void> {
  const since = (await store.events(id)).filter((event) => event.sequence > looked && isDecision(event))
  const last = since.at(-1)
  if (!last) return
  throw new ReferoError('NOT_NOW', `Meanwhile ${last.by.name} has decided: ${last.name.replaceAll('-', ' ')}${last.reason ? ` (${last.reason})` : ''}.`, {
    facts: { sequence, since: since.map(({ sequence: number, at, name, by, reason }) => ({ sequence: number, at, name, by: by.name, reason })) },
  })
}

/** A note or an attempt to reach the patient stands in nobody's way. */
const isDecision = ({ applied, by, name, facts }: ReferralEvent): boolean => applied && by.kind === 'person' && (name !== 'noted' || facts.not !== undefined || facts.left !== undefined)

export const notNow = (detail: string): ReferoError => new ReferoError('NOT_NOW', detail)
export const unfit = (detail: string): ReferoError => new ReferoError('UNFIT', detail)
