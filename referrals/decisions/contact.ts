/** Attempts to reach the patient: a success is news for the referrer; so many failures one after the other are too. */
import type { Changed, DeskParts } from '../change.js'
import type { ReferralEvent } from '../desk-contracts.js'
import { LIFE_CYCLE } from '../life-cycle.js'
import { type Decision, decide, notNow, unfit } from './decide.js'

export const HOWS = ['call', 'text', 'letter', 'portal'] as const
export const OUTCOMES = ['reached', 'no-answer', 'left-message', 'wrong-number'] as const
export interface Attempt {
  readonly at?: string // an instant; now where nothing is said
  readonly how: (typeof HOWS)[number]
  readonly outcome: (typeof OUTCOMES)[number]
  readonly note?: string // for the history alone
}

/** An attempt that failed is `noted` with its number; after `rules.attempts` of them the patient cannot be reached, by itself. */
export const contact = (parts: DeskParts, decision: Decision, { at, how, outcome, note }: Attempt): Promise<Changed> => decide(parts, decision, async (before, { at: now, event, follows }) => {
  const when = at === undefined ? now : new Date(at).toISOString()
  if (when > now) throw unfit('The attempt lies in the future.')
  const attempt = { number: before.attempts + 1, how }
  const noticed = note === undefined ? {} : { evidence: [{ says: note }] }
  if (!CALLED.includes(before.stage)) throw notNow(`For a referral that is ${before.stage.replaceAll('-', ' ')} nobody is called.`)
  if (outcome === 'reached') return { news: [{ ...event('contacted', { attempt, ...noticed }), at: when }] }
  const failed = { ...event('noted', { attempt, reason: says(outcome), ...noticed }), at: when }
  const all = [...failures(await parts.store.events(before.id)), `${how}, ${says(outcome)}`]
  const most = parts.rules().attempts
  return { news: [failed, ...(all.length >= most ? [follows('unable-to-reach', { attempt, reason: `${all.length} ${all.length === 1 ? 'attempt' : 'attempts'}: ${all.join('; ')}.` })] : [])] }
})

/** Where the patient may be reached, an attempt may be made. */
const CALLED = [...LIFE_CYCLE.contacted.moves, ...LIFE_CYCLE.contacted.also]

const says = (outcome: Attempt['outcome']): string => outcome.replaceAll('-', ' ')

/** Attempts that failed since the patient was reached, or was given up. */
const failures = (events: readonly ReferralEvent[]): readonly string[] => {
  const from = events.findLastIndex(({ name, applied }) => applied && SINCE.has(name))
  return events.slice(from + 1).flatMap(({ name, facts }) => (name === 'noted' && facts.attempt ? [`${facts.attempt.how}, ${facts.reason ?? 'not reached'}`] : []))
}
const SINCE = new Set(['contacted', 'unable-to-reach', 'reopened'])
