/** A small world around one running channel: a sender that repeats what was not acknowledged, a receiver, and a store that may die. */
import Type from 'typebox'
import type { LoadedChannel } from '../engine/channel-loader.js'
import type { Clock, DestinationConnector, Log, MessageArchive, MessageFormat, MessageStore, Receive, Tools, TransformStep } from '../engine/contracts.js'
import { defineDestination, defineFormat, defineSource, defineTransform } from '../engine/define.js'
import { Events } from '../engine/events.js'
import type { Pieces } from '../engine/registry.js'
import { RunningChannel } from '../engine/running-channel.js'

export const SENT = ['one', 'two', 'three', 'four']

const Nothing = Type.Object({})

/** A format in which the content is its own control id, and the acknowledgement is `verdict:content`. */
export const echo: MessageFormat<string> = {
  name: 'echo',
  readHeader: (bytes) => ({ controlId: bytes.toString(), type: null }),
  parse: (bytes) => bytes.toString(),
  serialize: (body) => Buffer.from(body),
  acknowledge: (bytes, moment, verdict) => (moment === 'done' ? Buffer.from(`${verdict}:${bytes.toString()}`) : null),
  separate: () => null,
  assemble: (bytes) => bytes,
  checkPath: () => null,
  read: (body) => [body],
  write: (_body, _path, value) => value ?? '',
  split: (body) => [body],
  orderKeys: (body) => [body],
}

export interface SmallWorld {
  readonly store: MessageStore & MessageArchive
  readonly receiver: DestinationConnector
  readonly clock: Clock
  readonly acknowledge?: 'received' | 'transformed' | 'delivered'
  readonly whenUnknown?: 'resend' | 'hold'
  readonly format?: MessageFormat
  readonly steps?: readonly TransformStep[]
  readonly channel?: Readonly<Record<string, unknown>> // further settings of the channel, as its file would have them
  readonly destination?: Readonly<Record<string, unknown>>
  readonly log?: Log
  readonly events?: Events
  readonly services?: Readonly<Record<string, unknown>>
}

/** The channel `test` from a sender to a receiver, how to send to it, and what its sender may use; its stages run as in the engine. */
export function smallChannel({ store, receiver, clock, acknowledge = 'received', whenUnknown = 'resend', format = echo as MessageFormat, steps = [], ...more }: SmallWorld): { channel: RunningChannel; send: Receive; tools: () => Tools } {
  let receive: Receive = () => Promise.reject(new Error('not started'))
  let tools: Tools | null = null
  const source = defineSource({
    name: 'sender', summary: '', settings: Nothing, examples: [],
    create: (_settings, given) => {
      tools = given
      return {
        start: async (given) => {
          receive = given
          return 'a test'
        },
        stop: async () => {},
      }
    },
  })
  const destination = defineDestination({ name: 'receiver', summary: '', settings: Nothing, examples: [], create: () => receiver })
  const written = defineFormat({ name: 'echo', summary: '', settings: Nothing, examples: [], create: () => format })
  const transforms = new Map(steps.map((step, n) => [`step-${n}`, defineTransform({ name: `step-${n}`, summary: '', settings: Nothing, examples: [], create: () => step })] as const))
  const pieces: Pieces = { sources: new Map([['sender', source]]), destinations: new Map([['receiver', destination]]), transforms, formats: new Map([['echo', written]]) }
  const piece = (name: string): { name: string; settings: object; place: string } => ({ name, settings: {}, place: '' })
  const loaded = {
    file: 'test.yaml', revision: '1', text: '', files: [],
    definition: {
      name: 'test', description: '', enabled: true, source: piece('sender'), format: piece('echo'), acknowledge, acknowledgeWithin: '5s', duplicates: { within: '7d' },
      index: {}, steps: steps.map((_, n) => piece(`step-${n}`)), concurrency: 1, retain: { content: '1d', facts: '1d' }, tests: [], ...more.channel,
      destinations: [{
        name: 'receiver', to: piece('receiver'), steps: [], partition: null, timeout: '5s', retryOn: [], whenRefused: 'error', whenUnknown,
        retry: { every: '1ms', growth: 1, longest: '1ms', jitter: 0, attempts: 'unlimited' }, ...more.destination,
      }],
    },
  } as unknown as LoadedChannel
  const unused = (): never => {
    throw new Error('not used here')
  }
  const world = { pieces, mappings: { table: unused, mapping: unused }, store, clock, log: more.log ?? (() => {}), events: more.events ?? new Events(), dataFolder: '.', serve: unused, services: more.services ?? {} }
  const channel = new RunningChannel(loaded, world, unused)
  return { channel, send: (inbound, early) => receive(inbound, early), tools: () => tools ?? unused() }
}

/** Passes every call of a method on, and makes contact just before and just after. */
export function contacted<Target extends object>(target: Target, contact: (what: string) => void): Target {
  return new Proxy(target, {
    get: (object, key) => {
      const value = Reflect.get(object, key) as unknown
      if (typeof value !== 'function') return value
      return async (...given: unknown[]) => {
        contact(`before ${String(key)}`)
        const result: unknown = await value.apply(object, given)
        contact(`after ${String(key)}`)
        return result
      }
    },
  })
}

/** A clock on which nobody waits long. */
export const hastyClock: Clock = {
  now: () => new Date(),
  sleep: (milliseconds, signal) => new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, Math.min(milliseconds, 3))
    signal?.addEventListener('abort', end)
  }),
}
