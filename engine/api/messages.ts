/** Messages over HTTP: search, one with its history and content, replay with a dry run, skip. */
import type { FastifyInstance } from 'fastify'
import Type, { type Static } from 'typebox'
import type { Engine } from '../engine.js'
import { ReferoError } from '../errors.js'
import { rehearse } from '../rehearse.js'

const STATUSES = ['received', 'filtered', 'transformed', 'error', 'queued', 'sending', 'sent', 'held'] as const

const Query = Type.Object({
  channel: Type.Optional(Type.String()),
  status: Type.Optional(Type.Union(STATUSES.map((status) => Type.Literal(status)))),
  type: Type.Optional(Type.String()),
  controlId: Type.Optional(Type.String()),
  field: Type.Optional(Type.String({ description: 'A name that a channel has in `index:`.' })),
  value: Type.Optional(Type.String({ description: 'The value of an indexed field, or its beginning followed by *.' })),
  since: Type.Optional(Type.String({ description: 'An instant, ISO 8601.' })),
  until: Type.Optional(Type.String({ description: 'An instant, ISO 8601.' })),
  before: Type.Optional(Type.Integer({ minimum: 1, description: 'Goes on below this message number: `next` of the page before.' })),
  limit: Type.Integer({ minimum: 1, maximum: 500, default: 50 }),
}, { additionalProperties: false })

const Id = Type.Object({ id: Type.Integer({ minimum: 1 }) })
const Replay = Type.Object({
  from: Type.Union([Type.Literal('steps'), Type.Literal('deliveries')], { default: 'steps' }),
  destination: Type.Optional(Type.String()),
  dryRun: Type.Boolean({ default: false }),
  by: Type.String({ default: 'api', maxLength: 100, description: 'Who asks, for the history.' }),
}, { additionalProperties: false })
const Skip = Type.Object({ destination: Type.Optional(Type.String()), by: Type.String({ default: 'api', maxLength: 100 }) }, { additionalProperties: false })

export function messageRoutes(api: FastifyInstance, engine: Engine): void {
  const { store, clock } = engine.world

  api.get<{ Querystring: Static<typeof Query> }>('/messages', { schema: { querystring: Query } }, async ({ query }) => {
    const { since, until, status, ...rest } = query
    const messages = await store.search({
      ...rest,
      ...(status ? { status } : {}),
      ...(since ? { since: instant(since) } : {}),
      ...(until ? { until: instant(until) } : {}),
    })
    return { messages, next: messages.length === query.limit ? (messages.at(-1)?.id ?? null) : null }
  })

  api.get<{ Params: Static<typeof Id> }>('/messages/:id', { schema: { params: Id } }, async ({ params: { id } }) => {
    const [summary, history, content] = [await one(engine, id), await store.history(id), await store.content(id)]
    const deliveries = summary.deliveries.map((delivery) => {
      const found = content?.deliveries.find((other) => other.id === delivery.id)
      return { ...delivery, payload: readable(found?.payload ?? null), response: readable(found?.response ?? null) }
    })
    const reply = content?.reply && { ...content.reply, acknowledgements: content.reply.acknowledgements.map(readable) }
    return { ...summary, content: readable(content?.bytes ?? null), reply: reply ?? null, deliveries, history: history ?? [] }
  })

  api.post<{ Params: Static<typeof Id>; Body: Static<typeof Replay> }>('/messages/:id/replay', { schema: { params: Id, body: Replay } }, async ({ params: { id }, body }) => {
    const { channel } = await one(engine, id)
    const destination = body.destination ?? null
    if (body.dryRun) return { replayed: 0, dryRun: await rehearse(engine, id, body.from, destination) }
    const replayed = await store.replay(id, body.from, destination, body.by, clock.now())
    engine.wake(channel, id)
    return { replayed }
  })

  api.post<{ Params: Static<typeof Id>; Body: Static<typeof Skip> }>('/messages/:id/skip', { schema: { params: Id, body: Skip } }, async ({ params: { id }, body }) => {
    const { channel } = await one(engine, id)
    const skipped = await store.skip(id, body.destination ?? null, body.by, clock.now())
    engine.wake(channel, id)
    return { skipped }
  })
}

async function one(engine: Engine, id: number): Promise<Awaited<ReturnType<Engine['world']['store']['search']>>[number]> {
  const [summary] = await engine.world.store.search({ before: id + 1, since: new Date(0), limit: 1 })
  if (summary?.id !== id) throw new ReferoError('NOT_FOUND', `No message has the number ${id}.`)
  return summary
}

/** Bytes as text where they are text, else as base64. */
function readable(bytes: Buffer | null): { text: string } | { base64: string } | null {
  if (bytes === null) return null
  const text = bytes.toString('utf8')
  return Buffer.from(text).equals(bytes) ? { text } : { base64: bytes.toString('base64') }
}

function instant(text: string): Date {
  const date = new Date(text)
  if (Number.isNaN(date.getTime())) throw new ReferoError('USAGE', `\`${text}\` is not an instant; write 2026-11-23T08:00:00Z.`)
  return date
}
