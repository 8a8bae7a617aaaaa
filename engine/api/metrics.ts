/** The measures over HTTP: /metrics for Prometheus, and /api/measures for views. */
import type {} from '@fastify/swagger' // what a route's schema may say
import type { FastifyInstance } from 'fastify'
import Type from 'typebox'
import type { Engine } from '../engine.js'
import { ReferoError } from '../errors.js'
import type { Durations } from '../measures/durations.js'
import { BOUNDS } from '../measures/durations.js'
import { prometheusText } from '../measures/prometheus.js'
import type { ChannelNow } from '../measures/snapshot.js'
import type { Routes } from './routes.js'
import { answers, Failure, orNull } from './schemas.js'

/** Serves /metrics to whom `allowed` lets by what it says in its Authorization header. */
export function metricsRoute(app: FastifyInstance, engine: Engine, look: () => Promise<readonly ChannelNow[]>, allowed: (authorization: string | undefined) => boolean): void {
  const text = prometheusText(engine, look)
  app.get('/metrics', {
    schema: {
      summary: 'The measures as Prometheus reads them; with the token, unless `metrics: { open: true }` is set.',
      response: { 200: { description: 'Text in the exposition format 0.0.4.', content: { 'text/plain': { schema: Type.String() } } }, '4xx': Failure },
    },
  }, async (request, reply) => {
    if (!allowed(request.headers.authorization)) {
      reply.header('www-authenticate', 'Bearer')
      throw new ReferoError('NOT_ALLOWED', 'Give Prometheus the token as `authorization: { credentials_file: … }`, or set `metrics: { open: true }`.')
    }
    return reply.header('content-type', 'text/plain; version=0.0.4; charset=utf-8').send(await text())
  })
}

const Lasting = Type.Object({ counts: Type.Array(Type.Integer()), count: Type.Integer(), sum: Type.Number({ description: 'Milliseconds.' }) }, { description: 'How many took up to each of `bounds`, and longer than the one before.' })
const Answer = Type.Object({
  at: Type.String(),
  bounds: Type.Array(Type.Number(), { description: 'Milliseconds.' }),
  channels: Type.Array(Type.Object({
    name: Type.String(), state: Type.String(), trouble: orNull(Type.String()),
    received: Type.Integer(), duplicates: Type.Integer(), unreadable: Type.Integer(), transformed: Type.Integer(), filtered: Type.Integer(), errors: Type.Integer(),
    acknowledged: Type.Record(Type.String(), Type.Integer()), lastReceived: orNull(Type.String()), reply: Lasting, steps: Lasting,
    destinations: Type.Array(Type.Object({
      name: Type.String(), attempts: Type.Record(Type.String(), Type.Integer()), filtered: Type.Integer(), skipped: Type.Integer(), lastSent: orNull(Type.String()),
      waiting: Type.Integer(), held: Type.Integer(), oldest: orNull(Type.String()), attempt: Lasting, delivery: Lasting,
    })),
  })),
}, { description: 'What was counted since the engine started, and what waits now.' })

/** Adds /measures: the numbers of /metrics as JSON. */
export const measuresRoutes = (look: () => Promise<readonly ChannelNow[]>): Routes => (api, engine) => {
  api.get('/measures', { schema: { summary: 'What was counted, and what waits', response: answers(Answer) } }, async () => ({ at: engine.world.clock.now(), bounds: BOUNDS, channels: (await look()).map(channelNow) }))
}

const channelNow = ({ name, state, trouble, counted, destinations }: ChannelNow): object => {
  const { received, duplicates, unreadable, transformed, filtered, errors, acknowledged, lastReceived, reply, steps } = counted
  return {
    name, state, trouble, received, duplicates, unreadable, transformed, filtered, errors, acknowledged, lastReceived, reply: lasting(reply), steps: lasting(steps),
    destinations: destinations.map(({ name: destination, counted: its, queue }) => ({
      name: destination, attempts: its.attempts, filtered: its.filtered, skipped: its.skipped, lastSent: its.lastSent,
      waiting: queue.waiting, held: queue.held, oldest: queue.oldest, attempt: lasting(its.attempt), delivery: lasting(its.delivery),
    })),
  }
}

const lasting = ({ counts, count, sum }: Durations): object => ({ counts, count, sum })
