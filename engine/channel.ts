/** What the runtime knows of a channel: made of its file, and what its messages are taken through. */
import type { Clock, DestinationConnector, Log, MessageFormat, MessageStore, NewDelivery, Reply, TransformStep } from './contracts.js'
import type { Events } from './events.js'

/** A channel with every name looked up and every setting in the unit that the runtime counts in. */
export interface Channel {
  readonly name: string
  readonly revision: string // of its file, as it was when this was made of it
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
  readonly events: Events
  /** Tells that there is work: hints, the table is the truth. */
  readonly arrived: () => void
  readonly queued: (deliveries: readonly NewDelivery[]) => void
  /** Resolves with the reply to a message once it is decided, or with an honest "not yet" when the channel's limit has passed. */
  readonly reply: (id: number, bytes: Buffer) => Promise<Reply>
  /** Tells that a message may have come to rest, or its reply be decided: a hint, once that is committed. */
  readonly decided: (id: number) => void
}

/** One of its destinations. */
export interface Destination {
  readonly name: string
  readonly connect: () => DestinationConnector
  readonly format: string // of what its steps leave, as far as their definitions say
  readonly steps: readonly TransformStep[]
  readonly partition: string | null
  readonly lanes: number
  readonly timeout: number // milliseconds
  readonly retry: (attempts: number) => number | null // milliseconds to wait, or null to give up
  readonly retryOn: readonly string[]
  readonly whenRefused: 'error' | 'hold' | 'skip'
  readonly whenUnknown: 'resend' | 'hold'
}
