/** How a referral goes on, as a person says: accepted, declined, closed, cancelled, opened again. */
import type { Bundle } from 'fhir/r4.js'
import { apply } from '../apply.js'
import { patientEvent, routeEvent } from '../assess.js'
import { factsOf } from '../canonical/facts.js'
import type { Changed, DeskParts } from '../change.js'
import type { NewEvent, ReferralState } from '../desk-contracts.js'
import { type Decision, decide, type Hand, notNow } from './decide.js'
import { matchOf } from './patient.js'
import { withoutRuledOut } from './ruled-out.js'

export const accept = (parts: DeskParts, decision: Decision): Promise<Changed> => decide(parts, decision, (_before, { event }) => ({ news: [event('accepted')] }))

/** `words` are told to the other side. */
export const end = (parts: DeskParts, decision: Decision, how: 'declined' | 'closed' | 'cancelled', words: string | null): Promise<Changed> =>
  decide(parts, decision, (_before, { event }) => ({ news: [event(how, words === null ? {} : { reason: words })] }))

export const LEFT = ['late', 'appointment'] as const
/** What a person has looked at, and leaves as it is. */
export const leave = (parts: DeskParts, decision: Decision, left: (typeof LEFT)[number]): Promise<Changed> => decide(parts, decision, ({ holds }, { event }) => {
  if (!holds[left]) throw notNow(left === 'late' ? 'Nothing came late that nobody has looked at.' : 'No appointment is left that is to be cancelled.')
  return { news: [event('noted', { left, words: `It stays as it is: ${holds[left].reason}` })] }
})

/** Its patient is looked for again. It goes on where the practice has it still, else where it was routed before, else where the tables route it now. */
export const reopen = (parts: DeskParts, decision: Decision): Promise<Changed> => decide(parts, decision, async (before, hand) => {
  const reopened = hand.event('reopened')
  const applied = apply(before, reopened)
  if ('refused' in applied || applied.state.stage !== 'received') return { news: [reopened] }
  const patient = before.patient.status === 'matched' ? [] : [patientEvent(withoutRuledOut(await matchOf(parts, before), before.patient.not), before, hand.follows, parts.rules())]
  return { news: [reopened, ...patient, await routed(parts, before, hand)] }
})

async function routed({ store, rules: current }: DeskParts, { id, route }: ReferralState, { follows }: Hand): Promise<NewEvent> {
  if (route) return follows('routed', { route, words: 'As it was routed before.' })
  const rules = current()
  const facts = factsOf(JSON.parse((await store.bundle(id)) ?? '{}') as Bundle)
  return routeEvent(rules.route(facts, rules.triage(facts)), follows)
}
