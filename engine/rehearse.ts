/** What a replay would send now, beside what was sent then: nothing is stored and nothing leaves. */
import { createTwoFilesPatch } from 'diff'
import type { Channel } from './channel.js'
import type { MessageSummary } from './contracts.js'
import type { Engine } from './engine.js'
import { ReferoError } from './errors.js'
import { prepare } from './message-flow.js'
import { stillChannel } from './still-channel.js'

export interface Rehearsal {
  readonly status: string // what the message would become: transformed, filtered, error
  readonly reason: string | null
  readonly deliveries: readonly RehearsedDelivery[]
}

export interface RehearsedDelivery {
  readonly destination: string
  readonly same: boolean
  readonly diff: string // unified, a segment or a line of JSON a line; empty where nothing changed
}

export type Rehearse = (message: MessageSummary, from: 'steps' | 'deliveries', destination: string | null) => Promise<Rehearsal>

/** Rehearses one message after the other, on channels that are made once. `from` deliveries: what would be sent again is what is stored, so nothing can differ. */
export function rehearsalOf(engine: Engine): Rehearse {
  const channels = new Map<string, Channel>()
  const channelOf = (name: string): Channel => {
    const { store, clock } = engine.world
    const loaded = engine.channel(name)
    if (!loaded) throw new ReferoError('NOT_FOUND', `No channel is called ${name} any more.`)
    const channel = channels.get(name) ?? stillChannel(loaded, engine.world, store, clock)
    channels.set(name, channel)
    return channel
  }
  return (message, from, destination) => rehearse(engine, channelOf, message, from, destination)
}

async function rehearse(engine: Engine, channelOf: (name: string) => Channel, summary: MessageSummary, from: 'steps' | 'deliveries', destination: string | null): Promise<Rehearsal> {
  const { id } = summary
  const content = await engine.world.store.content(id)
  if (!content) throw new ReferoError('NOT_FOUND', `No message has the number ${id}.`)
  const known = new Set([...(engine.channel(summary.channel)?.definition.destinations.map(({ name }) => name) ?? []), ...content.deliveries.map((delivery) => delivery.destination)])
  if (destination !== null && !known.has(destination)) {
    throw new ReferoError('NOT_FOUND', `The channel of message ${id} has no destination \`${destination.slice(0, 100)}\`; it has ${[...known].map((name) => `\`${name}\``).join(', ')}.`)
  }
  const earlier = content.deliveries.filter((delivery) => destination === null || delivery.destination === destination)
  if (from === 'deliveries') {
    const again = summary.deliveries.filter(({ id: delivery, status }) => (status === 'held' || status === 'error') && earlier.some((other) => other.id === delivery))
    return { status: summary.status, reason: null, deliveries: again.map((delivery) => ({ destination: delivery.destination, same: true, diff: '' })) }
  }
  if (!content.bytes) throw new ReferoError('FORGOTTEN')
  const finished = await prepare(channelOf(summary.channel), { id, channel: summary.channel, bytes: content.bytes, origin: summary.origin, receivedAt: summary.receivedAt, header: summary.header })
  const sent = new Map<string, Buffer[]>()
  for (const { destination: name, payload } of earlier) if (payload) sent.set(name, [...(sent.get(name) ?? []), payload])
  const deliveries = finished.deliveries.map(({ destination: name, payload }) => compare(name, sent.get(name)?.shift() ?? null, payload))
  const missing = [...sent].flatMap(([name, payloads]) => payloads.map((payload) => compare(name, payload, null)))
  return { status: finished.status, reason: finished.reason, deliveries: [...deliveries, ...missing].filter((delivery) => destination === null || delivery.destination === destination) }
}

function compare(destination: string, then: Buffer | null, now: Buffer | null): RehearsedDelivery {
  if (then && now && then.equals(now)) return { destination, same: true, diff: '' }
  return { destination, same: false, diff: difference(then ?? Buffer.alloc(0), now ?? Buffer.alloc(0), `${destination} then`, `${destination} now`) }
}

/** A unified diff of two contents, a line a segment or a line of JSON. */
export function difference(before: Buffer, after: Buffer, beforeName: string, afterName: string): string {
  return createTwoFilesPatch(beforeName, afterName, lines(before), lines(after), undefined, undefined, { context: 1, timeout: 2_000 }) ?? ''
}

function lines(content: Buffer): string {
  const text = content.toString('utf8')
  try {
    return `${JSON.stringify(JSON.parse(text), null, 2)}\n`
  } catch {
    return text.replace(/\r\n?/g, '\n')
  }
}
