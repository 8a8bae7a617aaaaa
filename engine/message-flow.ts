/** One message's life, top to bottom: received, transformed, delivered, recovered. */
import type {
  Acceptance, Clock, Delivery, DestinationConnector, Fault, Finished, Header, Inbound, Log, Message, MessageFormat, MessageStore, NewDelivery,
  Outcome, Reply, Settlement, StoredMessage, TransformStep,
} from './contracts.js'
import { MessageFault, sentence, StoreError } from './errors.js'
import { laneHash } from './lanes.js'
import { notYet, replyTo, replyToAll } from './replies.js'
import { after, runSteps, type Kept } from './steps.js'

export interface Channel {
  readonly name: string
  readonly format: MessageFormat
  readonly formats: (name: string) => MessageFormat
  readonly acknowledge: 'received' | 'transformed' | 'delivered'
  readonly duplicatesWithin: number // milliseconds; 0 looks for none
  readonly index: readonly { readonly name: string; readonly path: string }[]
  readonly concurrency: number
  readonly steps: readonly TransformStep[]
  readonly destinations: readonly Destination[]
  readonly store: MessageStore
  readonly clock: Clock
  readonly log: Log
  /** Tells that there is work: hints, the table is the truth. */
  readonly arrived: () => void
  readonly queued: (deliveries: readonly NewDelivery[]) => void
  /** Resolves with the reply to a message once it is decided, or with an honest "not yet" when the channel's limit has passed. */
  readonly reply: (id: number, bytes: Buffer) => Promise<Reply>
  readonly decided: (id: number) => void
}

export interface Destination {
  readonly name: string
  readonly connect: () => DestinationConnector
  readonly steps: readonly TransformStep[]
  readonly partition: string | null
  readonly lanes: number
  readonly timeout: number // milliseconds
  readonly retry: (attempts: number) => number | null // milliseconds to wait, or null to give up
  readonly retryOn: readonly string[]
  readonly whenRefused: 'error' | 'hold' | 'skip'
  readonly whenUnknown: 'resend' | 'hold'
}

// 1. Received: kept first, acknowledged second. A crash in between costs a duplicate, never a message.
export async function receive(channel: Channel, inbound: Inbound, early?: (acknowledgement: Buffer) => void): Promise<Reply> {
  let parts: readonly Buffer[] | null = null
  try {
    parts = channel.format.separate(inbound.bytes)
  } catch {
    // An envelope that cannot be taken apart is kept and answered whole, as one unreadable message.
  }
  if (parts === null) return receiveOne(channel, inbound, early)
  const replies = await Promise.all(parts.map((bytes, n) => receiveOne(channel, { ...inbound, bytes, ...(inbound.key && { key: `${inbound.key}#${n}` }) })))
  return replyToAll(channel.format, inbound.bytes, replies)
}

async function receiveOne(channel: Channel, inbound: Inbound, early?: (acknowledgement: Buffer) => void): Promise<Reply> {
  const { format, store, clock, log, name } = channel
  const at = clock.now()
  let header: Header = { controlId: null, type: null }
  let fault: Fault | undefined
  try {
    header = format.readHeader(inbound.bytes)
  } catch (error) {
    fault = error instanceof MessageFault ? error.fault : { kind: 'unreadable', reason: sentence(error) }
  }
  const known = fault ? replyTo(format, inbound.bytes, 'rejected', fault) : channel.acknowledge === 'received' ? replyTo(format, inbound.bytes, 'accepted') : null
  let acceptance: Acceptance
  try {
    acceptance = await store.accept({
      channel: name, inbound, header, at, status: fault ? 'error' : 'received', reason: fault?.reason ?? null, reply: known,
      duplicatesSince: channel.duplicatesWithin > 0 ? new Date(at.getTime() - channel.duplicatesWithin) : null,
    })
  } catch (error) {
    log('error', 'could not keep a message; its sender is told to send it again', { channel: name, error })
    return replyTo(format, inbound.bytes, 'error', { kind: 'internal', reason: 'The message could not be stored. Send it again later.' })
  }
  const { id, duplicate, reply } = acceptance
  if (!duplicate && !fault) channel.arrived()
  log(fault ? 'warn' : 'debug', fault ? 'kept an unreadable message and rejected it' : duplicate ? 'answered a duplicate again' : 'received', { channel: name, message: id, bytes: inbound.bytes.length })
  if (reply ?? known) return (reply ?? known) as Reply // a duplicate of what has been forgotten is answered anew
  const stored = format.acknowledge(inbound.bytes, 'stored', 'accepted')
  if (stored && early) early(stored)
  const later = await channel.reply(id, inbound.bytes).catch((error: unknown) => {
    log('error', 'the answer to a message that is kept could not be looked up', { channel: name, message: id, error })
    return notYet(format, inbound.bytes, 'The message is kept, and its answer cannot be looked up now. Send it again later.')
  })
  return stored && !early ? { ...later, acknowledgements: [stored, ...later.acknowledgements] } : later
}

const LONGEST_TURN = 10 // milliseconds of steps before others get their turn

// 2. Transformed: nothing leaves the engine here, so a message interrupted here simply starts over.
/** Runs the steps of messages in order and ends them together; returns how many were ended. */
export async function transform(channel: Channel, messages: readonly StoredMessage[]): Promise<number> {
  const results: Finished[] = []
  const started = performance.now()
  for (const stored of messages) {
    const prepared = prepare(channel, stored)
    results.push(prepared instanceof Promise ? await prepared : prepared)
    // Slow steps keep neither the messages before them waiting, nor the sockets.
    if (prepared instanceof Promise || performance.now() - started > LONGEST_TURN) break
  }
  await finish(channel, results)
  channel.queued(results.flatMap((result) => result.deliveries))
  if (channel.acknowledge !== 'received') for (const { id } of results) channel.decided(id)
  return results.length
}

async function finish(channel: Channel, results: readonly Finished[]): Promise<void> {
  try {
    await channel.store.finish(results, channel.clock.now())
  } catch (error) {
    if (results.length > 1) {
      for (const result of results) await finish(channel, [result]) // in order; the first that fails stops the rest
      return
    }
    const [result] = results
    if (!result || result.status === 'error' || !(error instanceof StoreError) || error.kind !== 'failed') throw error
    // What the store can never take must not hold up the messages behind it for ever.
    await finish(channel, [{ id: result.id, status: 'error', reason: `what its steps made of it cannot be stored: ${error.message}`, deliveries: [], index: [], notes: [] }])
  }
}

/** What a channel's steps make of one message; nothing is stored and nothing leaves. */
export function prepare(channel: Channel, stored: StoredMessage): Finished | Promise<Finished> {
  const failed = (error: unknown): Finished => {
    channel.log('warn', 'a message failed in its steps', { channel: channel.name, message: stored.id })
    return { id: stored.id, status: 'error', reason: sentence(error), deliveries: [], index: [], notes: [] }
  }
  try {
    const body = channel.format.parse(stored.bytes)
    const index = channel.index.flatMap(({ name, path }) => channel.format.read(body, path).filter(Boolean).slice(0, 20).map((value) => ({ name, value: value.slice(0, 200) })))
    const { id, receivedAt, header } = stored
    const arrived: Message = { id, channel: channel.name, receivedAt, header, format: channel.format.name, body }
    const done = after(runSteps(channel.steps, [arrived]), (messages) => after(fanOut(channel, messages), (outcome) => ({ id, index, ...outcome })))
    return done instanceof Promise ? done.catch(failed) : done
  } catch (error) {
    return failed(error)
  }
}

type Routed = Pick<Finished, 'status' | 'reason' | 'deliveries' | 'notes'>

function fanOut(channel: Channel, { messages, filtered }: Kept): Routed | Promise<Routed> {
  if (messages.length === 0) return { status: 'filtered', reason: filtered, deliveries: [], notes: [] }
  const deliveries: NewDelivery[] = []
  const notes: { destination: string; reason: string }[] = []
  const next = (n: number): Routed | Promise<Routed> => {
    const destination = channel.destinations[n]
    if (!destination) return deliveries.length > 0 ? { status: 'transformed', reason: null, deliveries, notes } : { status: 'filtered', reason: 'no destination keeps it', deliveries, notes }
    return after(runSteps(destination.steps, messages), (kept) => {
      if (kept.filtered !== null) notes.push({ destination: destination.name, reason: kept.filtered })
      for (const message of kept.messages) deliveries.push(newDelivery(channel, destination, message))
      return next(n + 1)
    })
  }
  return next(0)
}

function newDelivery(channel: Channel, destination: Destination, message: Message): NewDelivery {
  const format = channel.formats(message.format)
  const keys = destination.partition === null ? null : format.orderKeys(message.body, destination.partition)
  const hash = keys ? laneHash(keys) : destination.lanes > 1 ? message.id % destination.lanes : 0
  return { destination: destination.name, payload: format.serialize(message.body), hash, lanes: destination.lanes }
}

// 3. Delivered: the connector reports an outcome, and this alone decides what follows.
export function settlement(channel: Channel, destination: Destination, delivery: Delivery, outcome: Outcome): Settlement {
  const at = channel.clock.now()
  const ended = (status: 'sent' | 'held' | 'error', reason: string | null, response: Buffer | null = null): Settlement => ({ id: delivery.id, status, reason, retryAt: null, attempted: true, response, at })
  if (outcome.kind === 'sent') return ended('sent', null, outcome.response ?? null)
  if (outcome.kind === 'refused' && !(outcome.code && destination.retryOn.includes(outcome.code))) {
    const status = ({ error: 'error', hold: 'held', skip: 'sent' } as const)[destination.whenRefused]
    return ended(status, `refused${destination.whenRefused === 'skip' ? ', and skipped as the channel says' : ''}: ${outcome.reason}`, outcome.response ?? null)
  }
  const reason = `${outcome.kind === 'refused' ? 'refused for now' : outcome.kind}: ${outcome.reason}`
  if (outcome.kind === 'unknown' && destination.whenUnknown === 'hold') return ended('held', reason)
  const wait = destination.retry(delivery.attempts)
  if (wait === null) return ended('error', `${reason} (given up after ${delivery.attempts} attempts)`)
  return { ...ended('held', reason), status: 'queued', retryAt: new Date(at.getTime() + wait) }
}

/** A delivery that was claimed and never sent goes back to the head of its queue as if it had not been touched. */
export const untouched = (channel: Channel, { id }: Delivery): Settlement => ({ id, status: 'queued', reason: null, retryAt: null, attempted: false, response: null, at: channel.clock.now() })

// 4. After a crash: whatever was on the wire may or may not have arrived, and is settled as such.
export async function recover(channel: Channel): Promise<void> {
  const interrupted = await channel.store.interrupted(channel.name)
  const settlements = interrupted.flatMap((delivery) => {
    const destination = channel.destinations.find(({ name }) => name === delivery.destination)
    return destination ? [settlement(channel, destination, delivery, { kind: 'unknown', reason: 'the engine stopped while sending' })] : []
  })
  if (settlements.length > 0) await channel.store.settle(settlements)
}
