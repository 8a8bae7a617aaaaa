/** One message's life, top to bottom: received, transformed, delivered, recovered. */
import type { Channel, Destination } from './channel.js'
import type { Acceptance, Delivery, Fault, Finished, Header, Inbound, Message, NewDelivery, Outcome, Reply, Settlement, StoredMessage } from './contracts.js'
import { MessageFault, sentence, StoreError } from './errors.js'
import { laneHash } from './lanes.js'
import { notYet, replyTo, replyToAll } from './replies.js'
import { after, type Left, runSteps } from './steps.js'
import { type Kept, stepTold, tellAttempt, tellFinished, tellKept, tellReply } from './telling.js'

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
  const started = performance.now()
  const kept = await keep(channel, inbound)
  if (channel.events.heard && kept.id !== null) tellKept(channel, inbound, kept, performance.now() - started)
  const reply = kept.reply ?? (await decidedReply(channel, inbound, kept.id as number, early))
  if (channel.events.heard) tellReply(channel, inbound, kept, reply, performance.now() - started)
  return reply
}

async function keep(channel: Channel, inbound: Inbound): Promise<Kept> {
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
    return { id: null, header, at, what: 'received', reply: replyTo(format, inbound.bytes, 'error', { kind: 'internal', reason: 'The message could not be stored. Send it again later.' }) }
  }
  const { id, duplicate, reply } = acceptance
  if (!duplicate && !fault) channel.arrived()
  log(fault ? 'warn' : 'debug', fault ? 'kept an unreadable message and rejected it' : duplicate ? 'answered a duplicate again' : 'received', { channel: name, message: id, bytes: inbound.bytes.length })
  return { id, header, at, what: duplicate ? 'duplicate' : fault ? 'unreadable' : 'received', reply: reply ?? known } // a duplicate of what has been forgotten is answered anew
}

/** The reply of a channel that acknowledges later; what is owed at once goes out through `early` where that is offered. */
async function decidedReply({ name, format, log, reply }: Channel, { bytes }: Inbound, id: number, early?: (acknowledgement: Buffer) => void): Promise<Reply> {
  const stored = format.acknowledge(bytes, 'stored', 'accepted')
  if (stored && early) early(stored)
  const later = await reply(id, bytes).catch((error: unknown) => {
    log('error', 'the answer to a message that is kept could not be looked up', { channel: name, message: id, error })
    return notYet(format, bytes, 'The message is kept, and its answer cannot be looked up now. Send it again later.')
  })
  return stored && !early ? { ...later, acknowledgements: [stored, ...later.acknowledgements] } : later
}

const LONGEST_TURN = 10 // milliseconds of steps before others get their turn

// 2. Transformed: nothing leaves the engine here, so a message interrupted here simply starts over.
/** Runs the steps of messages in order and ends them together; returns how many were ended. */
export async function transform(channel: Channel, messages: readonly StoredMessage[]): Promise<number> {
  const ends: End[] = []
  const started = performance.now()
  let began = started
  for (const stored of messages) {
    const prepared = prepare(channel, stored)
    const result = prepared instanceof Promise ? await prepared : prepared
    const now = performance.now()
    ends.push({ stored, result, took: now - began })
    began = now
    // Slow steps keep neither the messages before them waiting, nor the sockets.
    if (prepared instanceof Promise || now - started > LONGEST_TURN) break
  }
  await finish(channel, ends)
  return ends.length
}

interface End { readonly stored: StoredMessage; readonly result: Finished; readonly took: number }

async function finish(channel: Channel, ends: readonly End[]): Promise<void> {
  const results = ends.map(({ result }) => result)
  try {
    await channel.store.finish(results, channel.clock.now())
  } catch (error) {
    if (ends.length > 1) {
      for (const end of ends) await finish(channel, [end]) // in order; the first that fails stops the rest
      return
    }
    const [end] = ends
    if (!end || end.result.status === 'error' || !(error instanceof StoreError) || error.kind !== 'failed') throw error
    // What the store can never take must not hold up the messages behind it for ever.
    const reason = `what its steps made of it cannot be stored: ${error.message}`
    return finish(channel, [{ ...end, result: { id: end.result.id, revision: channel.revision, status: 'error', reason, deliveries: [], index: [], notes: [] } }])
  }
  channel.queued(results.flatMap(({ deliveries }) => deliveries))
  // What has deliveries before it comes to rest with the last of them.
  for (const { id, deliveries } of results) if (deliveries.length === 0 || channel.acknowledge === 'transformed') channel.decided(id)
  if (channel.events.heard) for (const { stored, result, took } of ends) tellFinished(channel, stored, result, took)
}

/** What a channel's steps make of one message; nothing is stored and nothing leaves. */
export function prepare(channel: Channel, stored: StoredMessage): Finished | Promise<Finished> {
  const failed = (error: unknown): Finished => {
    channel.log('warn', 'a message failed in its steps', { channel: channel.name, message: stored.id })
    return { id: stored.id, revision: channel.revision, status: 'error', reason: sentence(error), deliveries: [], index: [], notes: [] }
  }
  try {
    const body = channel.format.parse(stored.bytes)
    const index = channel.index.flatMap(({ name, path }) => channel.format.read(body, path).filter(Boolean).slice(0, 20).map((value) => ({ name, value: value.slice(0, 200) })))
    const { id, receivedAt, header } = stored
    const arrived: Message = { id, channel: channel.name, receivedAt, header, format: channel.format.name, body }
    const done = after(runSteps(channel.steps, [arrived], stepTold(channel, null)), (messages) => after(fanOut(channel, messages), (outcome) => ({ id, revision: channel.revision, index, ...outcome })))
    return done instanceof Promise ? done.catch(failed) : done
  } catch (error) {
    return failed(error)
  }
}

type Routed = Pick<Finished, 'status' | 'reason' | 'deliveries' | 'notes'>

function fanOut(channel: Channel, { messages, filtered }: Left): Routed | Promise<Routed> {
  if (messages.length === 0) return { status: 'filtered', reason: filtered, deliveries: [], notes: [] }
  const deliveries: NewDelivery[] = []
  const notes: { destination: string; reason: string }[] = []
  const next = (n: number): Routed | Promise<Routed> => {
    const destination = channel.destinations[n]
    if (!destination) return deliveries.length > 0 ? { status: 'transformed', reason: null, deliveries, notes } : { status: 'filtered', reason: 'no destination keeps it', deliveries, notes }
    return after(runSteps(destination.steps, messages, stepTold(channel, destination.name)), (kept) => {
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
  const doubtful = outcome.kind === 'unknown'
  const ended = (status: Settlement['status'], reason: string | null, response: Buffer | null = null): Settlement => ({ id: delivery.id, status, reason, retryAt: null, attempted: true, doubtful, response, at })
  if (outcome.kind === 'sent') return ended('sent', null, outcome.response ?? null)
  if (outcome.kind === 'refused' && !(outcome.code && destination.retryOn.includes(outcome.code))) {
    const status = ({ error: 'error', hold: 'held', skip: 'sent' } as const)[destination.whenRefused]
    return ended(status, `refused${destination.whenRefused === 'skip' ? ', and skipped as the channel says' : ''}: ${outcome.reason}`, outcome.response ?? null)
  }
  const reason = `${outcome.kind === 'refused' ? 'refused for now' : outcome.kind}: ${outcome.reason}`
  if (outcome.kind === 'unknown' && destination.whenUnknown === 'hold') return ended('held', reason)
  const wait = destination.retry(delivery.attempts)
  if (wait === null) return ended('error', `${reason} (given up after ${delivery.attempts} attempts)`)
  const retryAt = new Date(at.getTime() + wait)
  return { ...ended('queued', `${reason} (attempt ${delivery.attempts}, the next at ${retryAt.toISOString()})`), retryAt }
}

/** A delivery that was claimed and never sent goes back to the head of its queue as if it had not been touched. */
export const untouched = (channel: Channel, { id }: Delivery): Settlement => ({ id, status: 'queued', reason: null, retryAt: null, attempted: false, doubtful: false, response: null, at: channel.clock.now() })

const INTERRUPTED: Outcome = { kind: 'unknown', reason: 'the engine stopped while sending' }

// 4. After a crash: whatever was on the wire may or may not have arrived, and is settled as such.
export async function recover(channel: Channel): Promise<void> {
  const interrupted = await channel.store.interrupted(channel.name)
  const ends = interrupted.flatMap((delivery) => {
    const destination = channel.destinations.find(({ name }) => name === delivery.destination)
    return destination ? [{ destination, delivery, settled: settlement(channel, destination, delivery, INTERRUPTED) }] : []
  })
  if (ends.length > 0) await channel.store.settle(ends.map(({ settled }) => settled))
  if (channel.events.heard) for (const { destination, delivery, settled } of ends) tellAttempt(channel, destination, delivery, INTERRUPTED, settled, null)
}
