/** Says what happens to messages and channels to whoever listens. Ask `events.heard` first: nothing here is worth its cost for nobody. */
import type { Channel, Destination } from './channel.js'
import type { Delivery, Finished, Header, Inbound, Message, Outcome, Reply, Settlement, StepResult, StoredMessage } from './contracts.js'
import type { EngineEvent, Events } from './events.js'

const NOTHING = {
  message: null, destination: null, step: null, header: null, verdict: null, reason: null, took: null, receivedAt: null, size: null, format: null, bytes: null,
} as const

/** What is known of an arrival once it is kept, or could not be. */
export interface Kept {
  readonly id: number | null // null: it could not be kept
  readonly header: Header
  readonly at: Date
  readonly what: 'received' | 'duplicate' | 'unreadable'
  readonly reply: Reply | null // null: decided later
}

/** An arrival is kept; `took` milliseconds since it arrived. */
export function tellKept({ events, name, format }: Channel, { bytes }: Inbound, { id, header, at, what, reply }: Kept, took: number): void {
  events.emit({ ...NOTHING, at, channel: name, what, message: id, header, reason: what === 'unreadable' ? (reply?.reason ?? null) : null, took, receivedAt: at, size: bytes.length, format: format.name, bytes: () => bytes })
}

/** A sender gets its reply, `took` milliseconds after its message arrived. */
export function tellReply({ events, name, clock, format }: Channel, { bytes }: Inbound, { id, header, at }: Kept, { verdict, reason }: Reply, took: number): void {
  events.emit({ ...NOTHING, at: clock.now(), channel: name, what: 'acknowledged', message: id, header, verdict, reason, took, receivedAt: at, size: bytes.length, format: format.name, bytes: () => bytes })
}

/** A message has been through its steps, which took so many milliseconds. */
export function tellFinished({ events, name, clock, format }: Channel, { id, header, bytes, receivedAt }: StoredMessage, { status, reason, notes }: Finished, took: number): void {
  const told = { ...NOTHING, at: clock.now(), channel: name, message: id, header, receivedAt, size: bytes.length, format: format.name, bytes: () => bytes }
  for (const note of notes) events.emit({ ...told, what: 'filtered', destination: note.destination, reason: note.reason })
  events.emit({ ...told, what: status, reason, took })
}

/** Hears what each step makes of the messages that it is given, in how many milliseconds. */
export type StepTold = (step: number, messages: readonly Message[], results: readonly StepResult[], took: number) => void

/** Says it of the steps of a channel, or of one of its destinations; null where nobody wants to know. */
export function stepTold({ events, name, clock, formats }: Channel, destination: string | null): StepTold | null {
  if (!events.stepsHeard) return null
  return (step, messages, results, took) => {
    for (const [n, result] of results.entries()) {
      const before = messages[n] as Message
      const filtered = 'filtered' in result ? result.filtered : null
      for (const { id, header, receivedAt, format, body } of 'filtered' in result ? [before] : result) {
        events.emit({ ...NOTHING, at: clock.now(), channel: name, what: 'step', message: id, destination, step, header, reason: filtered, took, receivedAt, format, bytes: () => formats(format).serialize(body) })
      }
    }
  }
}

/** An attempt to deliver has ended; `took` is null where nobody saw its beginning. */
export function tellAttempt({ events, name }: Channel, destination: Destination, { messageId, header, receivedAt, payload }: Delivery, outcome: Outcome, { at, reason, status }: Settlement, took: number | null): void {
  const told = { ...NOTHING, at, channel: name, message: messageId, destination: destination.name, header, receivedAt, size: payload.length, format: destination.format, bytes: () => payload }
  events.emit({ ...told, what: outcome.kind, reason, took })
  if (status === 'held') events.emit({ ...told, what: 'held', reason })
  if (status === 'sent' && outcome.kind !== 'sent') events.emit({ ...told, what: 'skipped', reason })
}

/** A channel has started, failed to, stopped or paused; `reason` is what keeps it from working. */
export function tellChannel(events: Events, at: Date, channel: string, what: 'started' | 'failed' | 'stopped' | 'paused', reason: string | null = null): void {
  events.emit({ ...NOTHING, at, channel, what, reason })
}

/** A person has given up what was held or failed of a message. */
export function tellSkipped(events: Events, at: Date, channel: string, message: number, destination: string | null): void {
  events.emit({ ...NOTHING, at, channel, what: 'skipped', message, destination } satisfies EngineEvent)
}
