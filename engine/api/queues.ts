/** The queues over HTTP: what waits for each destination, and why. */
import type { FastifyInstance } from 'fastify'
import Type, { type Static } from 'typebox'
import type { Engine } from '../engine.js'
import { answers, Instant, orNull, strict } from './schemas.js'

const Query = Type.Object({ channel: Type.Optional(Type.String()) }, strict)

const Head = Type.Object({
  message: Type.Integer(), delivery: Type.Integer(), status: Type.Enum(['queued', 'sending', 'held']), attempts: Type.Integer(),
  reason: orNull(Type.String({ description: 'Of its last attempt; null before the first has ended.', examples: ['unavailable: connect ECONNREFUSED 10.0.0.7:2575'] })),
  due: orNull(Type.String({ description: 'When it is tried next; null: now, or not before somebody decides.' })),
}, { description: 'The delivery that those behind it wait for.' })

const Queue = Type.Object({
  channel: Type.String(), destination: Type.String(),
  waiting: Type.Integer({ description: 'Deliveries queued or being sent.' }),
  held: Type.Integer({ description: 'Deliveries that wait for a person: replay or skip.' }),
  failed: Type.Integer({ description: 'Deliveries that failed and that nobody has settled.' }),
  oldest: orNull(Instant), head: orNull(Head),
})

export function queueRoutes(api: FastifyInstance, engine: Engine): void {
  api.get<{ Querystring: Static<typeof Query> }>('/queues', {
    schema: { summary: 'What waits for each destination, since when, and why.', querystring: Query, response: answers(Type.Object({ queues: Type.Array(Queue) })) },
  }, async ({ query: { channel } }) => ({ queues: await engine.world.store.queues(channel ?? null) }))
}
