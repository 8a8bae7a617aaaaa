/** What is remembered, and how it is asked for: the vocabulary that every store implements. Types only. */
import type { Delivery, DeliveryStatus, Header, Inbound, MessageStatus, Reply, StoredMessage } from '../contracts.js'

/** A message just received, and what is already known of it. */
export interface Arrival {
  readonly channel: string
  readonly inbound: Inbound
  readonly header: Header
  readonly at: Date
  readonly status: 'received' | 'error' // error: unreadable, kept for a person to look at
  readonly reason: string | null
  /** What the sender will be told, when that is known already; given again to a duplicate, byte for byte. */
  readonly reply: Reply | null
  /** The same control id and the same bytes received since then are a duplicate; null: only `inbound.key` is. */
  readonly duplicatesSince: Date | null
}

export interface Acceptance {
  readonly id: number // of the message kept before, if this one is its duplicate
  readonly duplicate: boolean
  readonly reply: Reply | null // the stored one
}

/** The end of one message's transform stage. */
export interface Finished {
  readonly id: number
  readonly status: Exclude<MessageStatus, 'received'>
  readonly reason: string | null
  readonly revision: string // of the channel that ran the steps
  readonly deliveries: readonly NewDelivery[]
  readonly index: readonly { readonly name: string; readonly value: string }[]
  /** What else the history shall say: what a destination's own steps filtered out, and why. */
  readonly notes: readonly { readonly destination: string; readonly reason: string }[]
}

export interface NewDelivery {
  readonly destination: string
  readonly payload: Buffer
  /** A hash (0 … 2³¹-1) of whose order is to be kept; null waits for, and holds up, every lane. */
  readonly hash: number | null
  readonly lanes: number // how many the destination has now; its lane is hash % lanes
}

/** One lane of one destination: what is served in order. */
export interface Queue {
  readonly channel: string
  readonly destination: string
  readonly lane: number
}

export interface Claim {
  readonly deliveries: readonly Delivery[] // in order, now `sending`
  readonly due: Date | null // when the head will be due, where it waits for its next attempt
  readonly blocked: boolean // nothing was taken only because of what waits in other lanes: a barrier there, or here
}

export interface Settlement {
  readonly id: number
  readonly status: Exclude<DeliveryStatus, 'sending'>
  readonly reason: string | null
  readonly retryAt: Date | null // for `queued`
  readonly attempted: boolean // false gives the attempt back: claimed, but never sent
  readonly doubtful: boolean // nobody knows how the attempt ended: it may have been taken
  readonly response: Buffer | null // the receiver's answer
  readonly at: Date
}

/** How far a message has come: enough to decide what its sender is owed. */
export interface Progress {
  readonly status: MessageStatus
  readonly reason: string | null
  readonly deliveries: readonly { readonly destination: string; readonly status: DeliveryStatus; readonly reason: string | null }[]
  readonly reply: Reply | null
  readonly bytes: Buffer
}

/**
 * The one place where messages live. Each method is one transaction, durable (power loss too) once it resolves;
 * what is asked for in one turn of the event loop runs in the order asked for. Rejects with a StoreError.
 */
export interface MessageStore {
  /** Keeps a message just received, or finds that it is one we already keep. */
  accept(arrival: Arrival): Promise<Acceptance>
  /** The oldest messages of a channel that have not been through its steps. */
  received(channel: string, limit: number): Promise<readonly StoredMessage[]>
  /** Ends the transform stage of several messages, all or none: status, deliveries, index, history. */
  finish(results: readonly Finished[], at: Date): Promise<void>
  /** Takes up to `limit` from the head of a lane, marking them `sending`: nothing overtakes a head that waits, is sending or is held. */
  claim(queue: Queue, limit: number, at: Date): Promise<Claim>
  /** Records what became of claimed deliveries, all or none. Only what is `sending` can be settled. */
  settle(settlements: readonly Settlement[]): Promise<void>
  /** What was `sending` when the engine last stopped: nobody knows whether it arrived. */
  interrupted(channel: string): Promise<readonly Delivery[]>
  /** Spreads what waits for a destination over its present number of lanes. */
  spread(channel: string, destination: string, lanes: number): Promise<void>
  progress(id: number): Promise<Progress | null>
  /** Stores the reply to a message that had none, and returns the one that holds. */
  answer(id: number, reply: Reply, at: Date): Promise<Reply>
  close(): Promise<void>
}

/** What people ask of the store: the console, the API and the command line read and act through this alone. */
export interface MessageArchive {
  /** Newest first; `before` is the id to go on from. */
  search(query: MessageQuery): Promise<readonly MessageSummary[]>
  /** Everything that happened to one message, oldest first; null if there is no such message. */
  history(id: number): Promise<readonly HistoryEntry[] | null>
  content(id: number): Promise<MessageContent | null>
  /** How the message stands that a channel took with a key; null where it took none. Its fate comes with content, so only once it is another than `known`. */
  fate(channel: string, key: string, known: string | null): Promise<FateLook | null>
  /**
   * Puts a message back before its steps, or its held and failed deliveries back in their queues: for one destination or
   * all. A message on its way (deliveries queued or sending) cannot be put back before its steps. Returns how many.
   */
  replay(id: number, from: 'steps' | 'deliveries', destination: string | null, by: string, at: Date): Promise<number>
  /**
   * Gives up held or failed deliveries of a message (one destination's or all), so that its queue goes on; without a
   * destination a message that failed in its steps is settled too, as filtered. What was given up counts as seen. Returns how many.
   */
  skip(id: number, destination: string | null, by: string, at: Date, reason?: string | null): Promise<number>
  depth(channel: string): Promise<readonly { destination: string; waiting: number; held: number; oldest: Date | null }[]>
  /** Every queue that a channel (or any) has ever had, with what is at its head and why it waits. */
  queues(channel: string | null): Promise<readonly QueueState[]>
  /** The messages of other channels that this one came from and led to; null if there is no such message. */
  lineage(id: number): Promise<Lineage | null>
  /** How far the search by words has come: everything up to `indexed` can be found by its text; `newest` is the last message kept. */
  textIndexed(): Promise<{ readonly indexed: number; readonly newest: number }>
  /** Forgets a bounded number of messages: their content or all of them. Never anything on its way, nor a failure that nobody has settled. Returns how many. */
  expire(channel: string, what: 'content' | 'facts', receivedBefore: Date, limit: number): Promise<number>
  /** Gives freed space back to the disk, a bounded piece at a time. */
  shrink(): Promise<void>
}

export interface MessageQuery {
  readonly channel?: string
  readonly status?: MessageStatus | DeliveryStatus // a delivery's status: any of the message's deliveries has it; `error`: and nobody has settled it
  readonly type?: string
  readonly controlId?: string
  readonly field?: string // an `index:` name; without it `value` is looked for in all
  readonly value?: string // an `index:` value, or its beginning followed by *
  readonly text?: string // words of the message as received, all of them in any order and case; a word may end in *
  readonly since?: Date
  readonly until?: Date
  readonly before?: number
  readonly limit: number
}

export interface MessageSummary {
  readonly id: number
  readonly channel: string
  readonly receivedAt: Date
  readonly origin: string
  readonly header: Header
  readonly status: MessageStatus
  readonly reason: string | null
  readonly revision: string | null // of the channel that took it through its steps; null before, and for what was kept before revisions were
  readonly size: number // bytes
  readonly index: readonly { readonly name: string; readonly value: string }[]
  readonly deliveries: readonly { readonly id: number; readonly destination: string; readonly status: DeliveryStatus; readonly attempts: number; readonly reason: string | null }[]
}

/** One destination's queue: how much of what lies in it, and what its head waits for. */
export interface QueueState {
  readonly channel: string
  readonly destination: string
  readonly waiting: number // queued or sending
  readonly held: number
  readonly failed: number // and settled by nobody yet
  readonly oldest: Date | null // when the head's message was received
  readonly head: QueueHead | null
}

/** The delivery that everything behind it in its lane waits for. */
export interface QueueHead {
  readonly message: number
  readonly delivery: number
  readonly status: DeliveryStatus
  readonly attempts: number
  readonly reason: string | null // of the last attempt; null before the first has ended
  readonly due: Date | null // when the next attempt is
}

/** A tree of messages over the channels that feed each other, the first one first. */
export interface Lineage {
  readonly messages: readonly LineageMessage[]
  readonly complete: boolean // false: there are more than are given
}

export interface LineageMessage {
  readonly id: number
  readonly channel: string
  readonly receivedAt: Date
  readonly header: Header
  readonly status: MessageStatus
  /** The message and the delivery of it that became this one; null where it came from outside, or that has been forgotten. */
  readonly from: { readonly message: number; readonly destination: string; readonly delivery: number } | null
}

export interface MessageContent {
  readonly bytes: Buffer | null // null: forgotten, as the channel's retention says
  readonly reply: Reply | null
  readonly deliveries: readonly { readonly id: number; readonly destination: string; readonly payload: Buffer | null; readonly response: Buffer | null }[]
}

/** One look at a message's fate. */
export interface FateLook {
  readonly message: number
  readonly fate: Fate | null // null: not at rest, or at rest as it is known already
}

/** What became of a message that is at rest: it is filtered or failed, or has been through its steps and each delivery is sent, held or an error. */
export interface Fate {
  readonly mark: string // another after everything that is done with the message later: replayed, released, skipped
  readonly message: number
  readonly status: MessageStatus
  readonly reason: string | null
  readonly deliveries: readonly FateDelivery[] // in the order in which they were made; those of an earlier run of its steps before those of the last
}

export interface FateDelivery {
  readonly destination: string
  readonly status: DeliveryStatus
  readonly reason: string | null
  readonly settled: boolean // an error that somebody has seen: skipped, or replaced by another run of the steps
  readonly attempts: number // since a person last put it back
  readonly doubtful: boolean // an attempt ended unknown: it may have arrived more than once, or at all
  readonly at: Date // when the last attempt at this destination ended, or somebody gave it up
  readonly payload: Buffer | null // null: forgotten, as the channel's retention says
  readonly response: Buffer | null // the receiver's answer
}

export interface HistoryEntry {
  readonly at: Date
  /** `unavailable`, `unknown`, `refused` are attempts; `duplicate` is the sender's repetition; `acknowledged` the reply stored later. */
  readonly what: MessageStatus | 'queued' | 'sent' | 'held' | 'refused' | 'retry' | 'duplicate' | 'acknowledged' | 'replayed' | 'skipped'
  readonly destination: string | null
  readonly reason: string | null
  readonly by: string // "engine", or the person who replayed it
}
