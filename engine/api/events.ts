/** What happens, as it happens: server-sent events (HTML Living Standard, section 9.2) with one listener's filter, bounded and closed in time. */
import { PassThrough, type Readable } from 'node:stream'
import type {} from '@fastify/swagger' // what a route's schema may say
import type { FastifyInstance, FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import type { Engine } from '../engine.js'
import { ReferoError } from '../errors.js'
import { conditionOf } from '../measures/condition.js'
import { LiveView, type Wanted } from '../measures/live-view.js'
import { toolsFor } from '../world.js'
import type { Routes } from './routes.js'
import { By, Failure } from './schemas.js'

const MOST_LISTENERS = 20
const HEARTBEAT = 15_000 // milliseconds
const MOST_UNSENT = 256_000 // bytes of text that a slow reader leaves with us

const WORDS = [
  'received', 'duplicate', 'unreadable', 'acknowledged', 'transformed', 'filtered', 'error', 'step', 'sent', 'refused', 'unavailable', 'unknown', 'held', 'skipped',
  'started', 'failed', 'stopped', 'paused',
]

const Query = Type.Object({
  channel: Type.Optional(Type.String({ description: 'Of this channel only.' })),
  destination: Type.Optional(Type.String({ description: 'Of this destination only.' })),
  what: Type.Optional(Type.String({ description: `Only these, with commas between them: ${WORDS.join(', ')}. All but \`step\` unless said.` })),
  step: Type.Optional(Type.Integer({ minimum: 1, description: 'What this step makes of each message: of the channel, or of `destination`.' })),
  where: Type.Optional(Type.String({ maxLength: 2_000, description: 'A condition on the message at that place, as the step `keep` has it: `{ PID-3.5: MR }`, or FHIRPath.' })),
  content: Type.Union([Type.Literal('none'), Type.Literal('redacted'), Type.Literal('full')], { default: 'none', description: '`redacted` masks every value but codes; `full` is written to the log.' }),
  by: By,
}, { additionalProperties: false })

const Answers = {
  200: { description: 'Events until one side closes; `data` of each is one line of JSON.', content: { 'text/event-stream': { schema: Type.String({ examples: ['event: sent\ndata: {"at":"2026-11-23T08:00:00.000Z","channel":"adt","what":"sent","message":7}\n\n'] }) } } },
  '4xx': Failure, '5xx': Failure,
}

/** Adds /events. Each event's `data` is one line of JSON; `lost` says how many were not told to a slow reader, `note` why something cannot be looked at. */
export const eventRoutes: Routes = (api: FastifyInstance, engine: Engine) => {
  const listeners = new Set<() => Promise<void>>()
  api.addHook('preClose', async () => {
    await Promise.all([...listeners].map((end) => end()))
  })
  api.get<{ Querystring: Static<typeof Query> }>('/events', { schema: { summary: 'What happens, as server-sent events', querystring: Query, response: Answers } }, async (request, reply) => {
    if (listeners.size >= MOST_LISTENERS) throw new ReferoError('TOO_MANY', `${MOST_LISTENERS} listen to events already, and no more can.`)
    const wanted = wantedBy(request.query, engine)
    if (request.query.content === 'full') engine.world.log('warn', 'somebody watches messages with their content', { address: request.ip, by: request.query.by, ...(wanted.channel !== null && { channel: wanted.channel }) })
    reply.header('content-type', 'text/event-stream; charset=utf-8').header('cache-control', 'no-store').header('x-accel-buffering', 'no')
    return reply.send(listen(engine, wanted, listeners, request))
  })
}

function wantedBy({ channel, destination, what, step, where, content }: Static<typeof Query>, engine: Engine): Wanted {
  const words = what?.split(',').map((word) => word.trim())
  const wrong = words?.find((word) => !WORDS.includes(word))
  if (wrong !== undefined) throw new ReferoError('USAGE', `\`${wrong.slice(0, 40)}\` is nothing that happens; \`what\` may be ${WORDS.join(', ')}.`)
  const definition = channel === undefined ? undefined : engine.channel(channel)?.definition
  if (channel !== undefined && !definition) throw new ReferoError('NOT_FOUND', `No channel is called ${channel.slice(0, 100)}.`)
  const names = definition?.destinations.map(({ name }) => name)
  if (destination !== undefined && names && !names.includes(destination)) throw new ReferoError('NOT_FOUND', `${channel} has no destination ${destination.slice(0, 100)}; it has ${names.join(', ')}.`)
  const steps = (destination === undefined ? definition : definition?.destinations.find(({ name }) => name === destination))?.steps
  if (step !== undefined && steps && step > steps.length) throw new ReferoError('NOT_FOUND', `${destination ?? channel} has ${steps.length === 1 ? '1 step' : `${steps.length} steps`}, and no step ${step}.`)
  const tools = toolsFor(engine.world, '.', () => Promise.reject(new Error('a condition feeds nothing')))
  return {
    channel: channel ?? null, destination: destination ?? null, what: words ? new Set(words) : null, step: step ?? null,
    condition: where === undefined ? null : conditionOf(where, engine.world.pieces, tools), content,
  }
}

/** The stream of one listener; it ends with its connection, or with the engine. */
function listen(engine: Engine, wanted: Wanted, listeners: Set<() => Promise<void>>, { raw }: FastifyRequest): Readable {
  const stream = new PassThrough({ highWaterMark: MOST_UNSENT })
  const write = (event: string, data: object): void => void stream.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
  const { format } = toolsFor(engine.world, '.', () => Promise.reject(new Error('a view feeds nothing')))
  const view = new LiveView(engine.world.events, wanted, format, {
    get ready() {
      return !stream.writableNeedDrain
    },
    event: (event) => write(event.what, event),
    lost: (count) => write('lost', { count }),
    note: (reason) => write('note', { reason }),
  })
  const heartbeat = setInterval(() => {
    if (!stream.writableNeedDrain) stream.write(': still here\n\n')
  }, HEARTBEAT)
  const close = (): void => {
    clearInterval(heartbeat)
    view.close()
    listeners.delete(end)
    stream.end()
  }
  const end = async (): Promise<void> => {
    await view.end()
    close()
  }
  listeners.add(end)
  stream.on('drain', () => view.resume())
  stream.on('error', close)
  stream.once('close', close)
  raw.socket.once('close', close)
  stream.write(': listening\n\n')
  return stream
}
