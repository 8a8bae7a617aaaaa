/** Messages over HTTP: search, one with its history, content and relatives, replay with a dry run, skip. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Static } from 'typebox'
import type { MessageSummary } from '../contracts.js'
import type { Engine } from '../engine.js'
import { ReferoError } from '../errors.js'
import { rehearsalOf } from '../rehearse.js'
import { tellSkipped } from '../telling.js'
import { Family, Found, Id, Query, Replay, Replayed, Skip, Skipped, toQuery, Whole } from './message-schemas.js'
import { answers } from './schemas.js'

export function messageRoutes(api: FastifyInstance, engine: Engine): void {
  const { store, clock, events } = engine.world

  api.get<{ Querystring: Static<typeof Query> }>('/messages', {
    schema: { summary: 'Messages, newest first.', querystring: Query, response: answers(Found) },
  }, async ({ query: { limit, ...conditions } }) => {
    const messages = await store.search({ ...toQuery(conditions), limit })
    const page = { messages, next: messages.length === limit ? (messages.at(-1)?.id ?? null) : null }
    if (conditions.text === undefined) return page
    const { indexed, newest } = await store.textIndexed()
    return { ...page, indexed: { upTo: indexed, newest, complete: indexed >= newest } }
  })

  api.get<{ Params: Static<typeof Id> }>('/messages/:id', {
    schema: { summary: 'One message: its content, history, deliveries and relatives.', params: Id, response: answers(Whole) },
  }, async ({ params: { id } }) => {
    const [summary, history, content, family] = await Promise.all([one(engine, id), store.history(id), store.content(id), store.lineage(id)])
    const deliveries = summary.deliveries.map((delivery) => {
      const found = content?.deliveries.find((other) => other.id === delivery.id)
      return { ...delivery, payload: readable(found?.payload ?? null), response: readable(found?.response ?? null) }
    })
    const reply = content?.reply && { ...content.reply, acknowledgements: content.reply.acknowledgements.map(readable) }
    const relatives = family?.messages ?? []
    const parent = relatives.find((message) => message.id === id)?.from?.message
    return {
      ...summary, content: readable(content?.bytes ?? null), reply: reply ?? null, deliveries, history: history ?? [],
      parents: relatives.filter((message) => message.id === parent), children: relatives.filter(({ from }) => from?.message === id),
    }
  })

  api.get<{ Params: Static<typeof Id> }>('/messages/:id/lineage', {
    schema: { summary: 'The messages of all channels that one came from and led to.', params: Id, response: answers(Family) },
  }, async ({ params: { id } }) => {
    const family = await store.lineage(id)
    if (!family) throw new ReferoError('NOT_FOUND', `No message has the number ${id}.`)
    return family
  })

  api.post<{ Params: Static<typeof Id>; Body: Static<typeof Replay> }>('/messages/:id/replay', {
    schema: { summary: 'Takes a message through its channel again, or sends again what is held or failed.', params: Id, body: Replay, response: answers(Replayed) },
    preValidation: bodyOrNone,
  }, async ({ params: { id }, body }) => {
    const message = await one(engine, id)
    const destination = body.destination ?? null
    if (body.dryRun) return { replayed: 0, dryRun: await rehearsalOf(engine)(message, body.from, destination) }
    const replayed = await store.replay(id, body.from, destination, body.by, clock.now())
    engine.wake(message.channel, id)
    return { replayed }
  })

  api.post<{ Params: Static<typeof Id>; Body: Static<typeof Skip> }>('/messages/:id/skip', {
    schema: { summary: 'Gives up what is held or failed, with a reason, so that its queue goes on and it counts as seen.', params: Id, body: Skip, response: answers(Skipped) },
    preValidation: bodyOrNone,
  }, async ({ params: { id }, body }) => {
    const { channel } = await one(engine, id)
    const skipped = await store.skip(id, body.destination ?? null, body.by, clock.now(), body.reason ?? null)
    if (skipped > 0 && events.heard) tellSkipped(events, clock.now(), channel, id, body.destination ?? null, body.reason ?? null)
    engine.wake(channel, id)
    return { skipped }
  })
}

/** A request without a body is one that leaves everything as it is unless told. */
async function bodyOrNone(request: FastifyRequest): Promise<void> {
  request.body ??= {}
}

async function one(engine: Engine, id: number): Promise<MessageSummary> {
  const [summary] = await engine.world.store.search({ before: id + 1, limit: 1 })
  if (summary?.id !== id) throw new ReferoError('NOT_FOUND', `No message has the number ${id}.`)
  return summary
}

/** Bytes as text where they are text, else as base64. */
function readable(bytes: Buffer | null): { text: string } | { base64: string } | null {
  if (bytes === null) return null
  const text = bytes.toString('utf8')
  return Buffer.from(text).equals(bytes) ? { text } : { base64: bytes.toString('base64') }
}
