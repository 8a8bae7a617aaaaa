/** Many messages over HTTP: everything that a search finds is replayed, or given up, after a dry run. */
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { Static } from 'typebox'
import type { Engine } from '../engine.js'
import { ReferoError } from '../errors.js'
import { doToAll, rehearseAll, select } from '../many-messages.js'
import { tellSkipped } from '../telling.js'
import { ReplayedMany, ReplayMany, SkipMany, SkippedMany, toQuery } from './message-schemas.js'
import { answers } from './schemas.js'

const LONGEST = 240 // seconds that one request may take: whoever asks must still be there when it ends
const GIVEN_UP_A_SECOND = 1000

export function manyMessagesRoutes(api: FastifyInstance, engine: Engine): void {
  const { store, clock, events } = engine.world

  api.post<{ Body: Static<typeof ReplayMany> }>('/messages/replay', {
    schema: { summary: 'Replays everything that a search finds, oldest first and at a pace; stops when the connection is closed.', body: ReplayMany, response: answers(ReplayedMany) },
  }, async ({ body: { query, most, from, perSecond, by, dryRun, examples, destination = null } }, reply) => {
    if (!dryRun && most / perSecond > LONGEST) throw new ReferoError('USAGE', `${most} messages at ${perSecond} a second take longer than the ${LONGEST} s that one request may; ask for fewer, or for more a second.`)
    const selected = await select(store, toQuery(query), most)
    if (dryRun) {
      const { found, more, refused, ...rehearsed } = await rehearseAll(engine, selected, from, destination, examples)
      return { found, more, replayed: 0, refused, dryRun: rehearsed }
    }
    const { done, ...rest } = await doToAll(engine, selected, perSecond, closed(reply), ({ id }) => store.replay(id, from, destination, by, clock.now()))
    return { ...rest, replayed: done }
  })

  api.post<{ Body: Static<typeof SkipMany> }>('/messages/skip', {
    schema: { summary: 'Gives up what is held or failed of everything that a search finds, with a reason.', body: SkipMany, response: answers(SkippedMany) },
  }, async ({ body: { query, most, by, dryRun, reason = null, destination = null } }, reply) => {
    const selected = await select(store, toQuery(query), most)
    if (dryRun) return { found: selected.messages.length, more: selected.more, skipped: 0, refused: { count: 0, first: [] } }
    const { done, ...rest } = await doToAll(engine, selected, GIVEN_UP_A_SECOND, closed(reply), async ({ id, channel }) => {
      const skipped = await store.skip(id, destination, by, clock.now(), reason)
      if (skipped > 0 && events.heard) tellSkipped(events, clock.now(), channel, id, destination, reason)
      return skipped
    })
    return { ...rest, skipped: done }
  })
}

/** Aborts when whoever asked is gone before the answer. */
function closed(reply: FastifyReply): AbortSignal {
  const gone = new AbortController()
  reply.raw.once('close', () => gone.abort())
  return gone.signal
}
