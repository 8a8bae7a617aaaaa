/** Says what happens to messages and channels to whoever listens. Ask `events.heard` first: nothing here is worth its cost for nobody. */
import type { Channel, Destination } from './channel.js'
import type { Delivery, Finished, Header, Inbound, Message, Outcome, Reply, Settlement, StepResult, StoredMessage } from './contracts.js'
import type { EngineEvent, Events } from './events.js'

/** What an event says beside when, where and what; nothing where it is silent. */
type About = Partial<Omit<EngineEvent, 'at' | 'channel' | 'what'>>

/** All events have one shape, made in one place: spreading defaults into each costs more than everything that is counted of it. */
const tell = (events: Events, at: Date, channel: string, what: EngineEvent['what'], about: About): void =>
  events.emit({
    at, channel, what, message: about.message ?? null, destination: about.destination ?? null, step: about.step ?? null, header: about.header ?? null,
    verdict: about.verdict ?? null, reason: about.reason ?? null, took: about.took ?? null, receivedAt: about.receivedAt ?? null, size: about.size ?? null,
    format: about.format ?? null, bytes: about.bytes ?? null,
  })

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
  tell(events, at, name, what, { message: id, header, reason: what === 'unreadable' ? (reply?.reason ?? null) : null, took, receivedAt: at, size: bytes.length, format: format.name, bytes: () => bytes })
}

/** A sender gets its reply, `took` milliseconds after its message arrived. */
export function tellReply({ events, name, clock, format }: Channel, { bytes }: Inbound, { id, header, at }: Kept, { verdict, reason }: Reply, took: number): void {
  tell(events, clock.now(), name, 'acknowledged', { message: id, header, verdict, reason, took, receivedAt: at, size: bytes.length, format: format.name, bytes: () => bytes })
}

/** A message has been through its steps, which took so many milliseconds. */
export function tellFinished({ events, name, clock, format }: Channel, { id, header, bytes, receivedAt }: StoredMessage, { status, reason, notes }: Finished, took: number): void {
  const at = clock.now()
  const content = (): Buffer => bytes
  for (const note of notes) tell(events, at, name, 'filtered', { message: id, header, destination: note.destination, reason: note.reason, receivedAt, size: bytes.length, format: format.name, bytes: content })
  tell(events, at, name, status, { message: id, header, reason, took, receivedAt, size: bytes.length, format: format.name, bytes: content })
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
        tell(events, clock.now(), name, 'step', { message: id, destination, step, header, reason: filtered, took, receivedAt, format, bytes: () => formats(format).serialize(body) })
      }
    }
  }
}

/** An attempt to deliver has ended; `took` is null where nobody saw its beginning. */
export function tellAttempt({ events, name }: Channel, destination: Destination, { messageId, header, receivedAt, payload }: Delivery, outcome: Outcome, { at, reason, status }: Settlement, took: number | null): void {
  const ended = (what: EngineEvent['what'], lasted: number | null): void =>
    tell(events, at, name, what, { message: messageId, destination: destination.name, header, reason, took: lasted, receivedAt, size: payload.length, format: destination.format, bytes: () => payload })
  ended(outcome.kind, took)
  if (status === 'held') ended('held', null)
  if (status === 'sent' && outcome.kind !== 'sent') ended('skipped', null)
}

/** A channel has started, failed to, stopped or paused; `reason` is what keeps it from working. */
export function tellChannel(events: Events, at: Date, channel: string, what: 'started' | 'failed' | 'stopped' | 'paused', reason: string | null = null): void {
  tell(events, at, channel, what, { reason })
}

/** A person has given up what was held or failed of a message, at one destination or all (null). */
export function tellSkipped(events: Events, at: Date, channel: string, message: number, destination: string | null, reason: string | null): void {
  tell(events, at, channel, 'skipped', { message, destination, reason })
}
