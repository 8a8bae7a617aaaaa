/** Incidents over HTTP: all of them, the open ones first; one; and a person who takes note of one. */
import type { FastifyInstance } from 'fastify'
import Type, { type Static } from 'typebox'
import type { Engine } from '../engine.js'
import { ReferoError } from '../errors.js'
import { KINDS, told } from '../watch/incident.js'
import type { Incidents } from '../watch/incidents.js'
import { answers, By, Instant, orNull, strict } from './schemas.js'

const Kind = Type.Enum(Object.keys(KINDS) as (keyof typeof KINDS)[])

const Incident = Type.Object({
  id: Type.Integer(),
  kind: Kind,
  state: Type.Enum(['open', 'acknowledged', 'resolved']),
  channel: orNull(Type.String()),
  destination: orNull(Type.String()),
  subject: orNull(Type.String({ description: 'What else it is about: a file, a setting.' })),
  what: Type.String({ description: 'What is wrong, and since when, in a sentence.' }),
  because: orNull(Type.String({ description: 'What a computer said of it.' })),
  advice: Type.String({ description: 'What to do.' }),
  count: Type.Integer({ description: 'How many deliveries, messages or things it is about.' }),
  times: Type.Integer({ description: 'How often it has opened: more than once where its cause came back soon.' }),
  since: Instant,
  openedAt: Instant,
  last: Instant,
  resolvedAt: orNull(Instant),
  acknowledged: orNull(Type.Object({ by: Type.String(), why: Type.String(), at: Instant })),
}, { description: 'Something that is or was wrong; it holds no content of messages.' })

const Query = Type.Object({
  state: Type.Optional(Type.Enum(['open', 'acknowledged', 'resolved', 'unresolved'], { description: '`unresolved`: open or acknowledged.' })),
  kind: Type.Optional(Kind),
  channel: Type.Optional(Type.String()),
  after: Type.Optional(Type.String({ description: 'Goes on behind this: `next` of the page before.' })),
  limit: Type.Integer({ minimum: 1, maximum: 500, default: 50 }),
}, strict)

const Id = Type.Object({ id: Type.Integer({ minimum: 1 }) })
const Note = Type.Object({ by: By, why: Type.String({ minLength: 1, maxLength: 500, description: 'Why it may stay, or who sees to it.', examples: ['the lab is moving; back at noon'] }) }, strict)

export function incidentRoutes(api: FastifyInstance, engine: Engine): void {
  const incidents = (): Incidents => {
    if (!engine.world.watching) throw new ReferoError('NOT_FOUND', 'Nothing is watched here.')
    return engine.world.watching.incidents
  }
  const one = answers(Incident)

  api.get<{ Querystring: Static<typeof Query> }>('/incidents', {
    schema: { summary: 'Incidents: those not resolved first, then the newest.', querystring: Query, response: answers(Type.Object({ incidents: Type.Array(Incident), next: orNull(Type.String({ description: '`after` of the next page.' })) })) },
  }, async ({ query }) => {
    const page = incidents().list(query)
    return { incidents: page.incidents.map(told), next: page.next }
  })

  api.get<{ Params: Static<typeof Id> }>('/incidents/:id', { schema: { summary: 'One incident.', params: Id, response: one } }, async ({ params }) => told(incidents().get(params.id)))

  api.post<{ Params: Static<typeof Id>; Body: Static<typeof Note> }>('/incidents/:id/acknowledge', {
    schema: { summary: 'Takes note of an incident, for all to see; it is resolved when its cause is gone.', params: Id, body: Note, response: one },
  }, async ({ params, body }) => told(await incidents().acknowledge(params.id, body.by, body.why, engine.world.clock.now())))
}
