/** What came back and fits no referral, over HTTP: looked at, given to referrals, or dismissed. */
import type { FastifyInstance } from 'fastify'
import Type, { type Static } from 'typebox'
import { answers, Instant, orNull, strict } from '../../engine/api/schemas.js'
import { unfit } from '../decisions/decide.js'
import { dismiss, give, theStray } from '../decisions/strays.js'
import type { Stray } from '../desk-contracts.js'
import type { Desk } from '../desk.js'
import { notFound, referralNamed } from './find.js'
import { Event, Person, Reason, Stage, summary } from './schemas.js'
import { summaryOf } from './view.js'

const Candidate = Type.Object({ id: Type.String(), reference: Type.String(), stage: Stage, specialty: orNull(Type.String()) })
const Told = Type.Object({
  id: Type.Integer(), at: Instant, via: Type.String(), what: Type.String({ examples: ['S12 18467, 2026-03-09T15:00:00.000Z (booked)'] }), reason: Type.String({ description: 'Why it was given to none.' }),
  candidates: Type.Array(Candidate, { description: 'That it may be about.' }), settled: orNull(Type.Object({ at: Instant, by: Type.String(), how: Type.String() })),
})
const Whole = Type.Object({ ...Told.properties, bundle: Type.Unknown({ description: 'A FHIR Bundle: all that came.' }) })
const Query = Type.Object({ settled: Type.Boolean({ default: false, description: 'Those that are settled, the last first; else those that are open, the oldest first.' }), limit: Type.Integer({ minimum: 1, maximum: 500, default: 100 }) }, strict)
const Id = Type.Object({ id: Type.Integer({ minimum: 1 }) })
const Give = Type.Object({ by: Person, reason: Reason, referrals: Type.Array(Type.String({ minLength: 1, maxLength: 64 }), { minItems: 1, maxItems: 20, uniqueItems: true, description: 'Ids, or reference numbers.' }) }, strict)
const Dismiss = Type.Object({ by: Person, reason: Reason }, strict)
const Given = Type.Object({ given: Type.Array(Type.Object({ ...summary, repeated: Type.Boolean(), events: Type.Array(Type.Object({ name: Event, applied: Type.Boolean(), because: orNull(Type.String()) })) })) })

export function strayRoutes(api: FastifyInstance, desk: Desk): void {
  const { store, clock } = desk

  api.get<{ Querystring: Static<typeof Query> }>('/referrals/strays', {
    schema: { summary: 'What came back and fits no referral.', querystring: Query, response: answers(Type.Object({ strays: Type.Array(Told) })) },
  }, async ({ query }) => ({ strays: await Promise.all((await store.strays(!query.settled, query.limit)).map((stray) => told(desk, stray))) }))

  api.get<{ Params: Static<typeof Id> }>('/referrals/strays/:id', {
    schema: { summary: 'One thing that came back and fitted no referral, with the message itself as FHIR.', params: Id, response: answers(Whole) },
  }, async ({ params: { id } }) => {
    const stray = await theStray(store, id)
    return { ...(await told(desk, stray)), bundle: JSON.parse(stray.bundle) }
  })

  api.post<{ Params: Static<typeof Id>; Body: Static<typeof Give> }>('/referrals/strays/:id/give', {
    schema: { summary: 'Gives what came back to the referrals that it is about: each is told its news.', params: Id, body: Give, response: answers(Given) },
  }, async ({ params: { id }, body: { by, reason, referrals } }) => {
    const named = await Promise.all(referrals.map((name) => referralNamed(store, name)))
    const missing = named.indexOf(null)
    if (missing >= 0) throw unfit(await notFound(store, referrals[missing] ?? ''))
    const states = [...new Map(named.flatMap((state) => (state ? [[state.id, state]] : []))).values()]
    const given = await desk.decide((parts) => give(parts, id, states, { by, reason }))
    return { given: given.map(({ state, repeated, events }) => ({ ...summaryOf(state, clock.now()), repeated, events })) }
  })

  api.post<{ Params: Static<typeof Id>; Body: Static<typeof Dismiss> }>('/referrals/strays/:id/dismiss', {
    schema: { summary: 'Says that what came back is about no referral.', params: Id, body: Dismiss, response: answers(Type.Object({ dismissed: Type.Boolean({ description: 'False: it was said before.' }) })) },
  }, async ({ params: { id }, body }) => ({ dismissed: await desk.decide((parts) => dismiss(parts, id, body)) }))
}

async function told({ store }: Pick<Desk, 'store'>, { bundle: _bundle, candidates, ...stray }: Stray) {
  const states = await Promise.all(candidates.map((id) => store.state(id)))
  return { ...stray, candidates: states.flatMap((state) => (state ? [{ id: state.id, reference: state.reference, stage: state.stage, specialty: state.specialty }] : [])) }
}
