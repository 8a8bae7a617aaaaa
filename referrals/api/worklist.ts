/** What waits for people: referrals that are held or overdue, most urgent first, and what came back and fits none. */
import type { FastifyInstance } from 'fastify'
import Type, { type Static } from 'typebox'
import { answers, Instant, orNull, strict } from '../../engine/api/schemas.js'
import type { Urgency } from '../contracts.js'
import type { DeskStore, ReferralQuery, ReferralState } from '../desk-contracts.js'
import type { Desk } from '../desk.js'
import { actionsFor } from './actions.js'
import { Action, HOLDS, summary, URGENCIES } from './schemas.js'
import { type Looking, owedOf, secondsSince, summaryOf } from './view.js'

const AT_ONCE = 1000
const MOST = 10_000 // referrals that are looked through: whoever has more waiting needs more than a list

const GROUPS = [...HOLDS, 'overdue'] as const
const Query = Type.Object({ limit: Type.Integer({ minimum: 1, maximum: 500, default: 100, description: 'Of each group.' }), direction: Type.Optional(Type.Enum(['inbound', 'outbound'])), ehr: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })) }, strict)
const Waiting = Type.Object({ ...summary, because: Type.String({ description: 'What it waits for.' }), waitsSince: Instant, waits: Type.Integer({ description: 'Seconds.' }), do: Type.Array(Action, { description: 'What a person may do about it, the nearest first; empty for what is overdue.' }) })
const Worklist = Type.Object({
  at: Instant,
  groups: Type.Array(Type.Object({ group: Type.Enum([...GROUPS]), count: Type.Integer(), referrals: Type.Array(Waiting) }), { description: 'Only those with something in them.' }),
  strays: Type.Object({ count: Type.Integer({ description: '1000 at most are counted.' }), oldest: orNull(Instant), passedOver: Type.Object({ since: Instant, count: Type.Integer(), channels: Type.Record(Type.String(), Type.Integer()) }, { description: 'What fitted no referral and waits for nobody, since the desk was opened: mostly what an EHR tells of its other patients (`strays` of the channel).' }) }, { description: 'What came back and fits no referral: /api/referrals/strays.' }),
  complete: Type.Boolean({ description: `False: more than ${MOST} referrals wait, and the newest of them were looked through.` }),
})

export function worklistRoutes(api: FastifyInstance, desk: Looking & Pick<Desk, 'passedOver'>): void {
  const { store, clock } = desk
  api.get<{ Querystring: Static<typeof Query> }>('/referrals/worklist', {
    schema: { summary: 'What waits for people: held or overdue, grouped by why, the most urgent first and of those the longest waiting.', querystring: Query, response: answers(Worklist) },
  }, async ({ query: { limit, direction, ehr } }) => {
    const narrowed = { ...(direction && { direction }), ...(ehr !== undefined && { ehr }) }
    const [held, late, strays] = await Promise.all([all(store, { ...narrowed, hold: 'any' }), all(store, { ...narrowed, overdue: true }), store.strays(true, AT_ONCE)])
    const now = clock.now()
    const groups = await Promise.all(GROUPS.map(async (group) => {
      const waiting = (group === 'overdue' ? late : held).flatMap((state) => waitingIn(desk, group, state, now)).sort(first)
      return { group, count: waiting.length, referrals: await Promise.all(waiting.slice(0, limit).map(async (one) => ({ ...one, do: group === 'overdue' ? [] : actionsFor(group, one, await store.notices(one.id)) }))) }
    }))
    return {
      at: now.toISOString(), groups: groups.filter(({ count }) => count > 0), strays: { count: strays.length, oldest: strays[0]?.at ?? null, passedOver: desk.passedOver() }, complete: held.length < MOST && late.length < MOST,
    }
  })
}

async function all(store: Pick<DeskStore, 'search'>, query: Omit<ReferralQuery, 'limit'>): Promise<readonly ReferralState[]> {
  const found: ReferralState[] = []
  for (let before: string | undefined; found.length < MOST; before = found.at(-1)?.id) {
    const page = await store.search({ ...query, limit: AT_ONCE, ...(before !== undefined && { before }) })
    found.push(...page)
    if (page.length < AT_ONCE) break
  }
  return found
}

function waitingIn(desk: Pick<Looking, 'rules'>, group: (typeof GROUPS)[number], state: ReferralState, now: Date) {
  const told = (because: string, since: string) => [{ ...summaryOf(state, now), because, waitsSince: since, waits: secondsSince(since, now) }]
  if (group !== 'overdue') return state.holds[group] ? told(state.holds[group].reason, state.holds[group].since) : []
  const overdue = owedOf(desk, state, now).filter((duty) => duty.overdue) // what was overdue once and is done is no more to do
  return overdue[0] ? told(overdue.map(({ owedBy, says }) => `${owedBy}: ${says}`).join(' '), overdue[0].due) : []
}

const rank = (urgency: Urgency): number => URGENCIES.indexOf(urgency)
const first = (a: { urgency: Urgency; waitsSince: string }, b: { urgency: Urgency; waitsSince: string }): number => rank(b.urgency) - rank(a.urgency) || (a.waitsSince < b.waitsSince ? -1 : a.waitsSince > b.waitsSince ? 1 : 0)
