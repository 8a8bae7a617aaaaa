/** What happens in the engine as it happens, for measures, live views and watching. Nothing is kept, and nobody is waited for. */
import type { Header } from './contracts.js'

/** One thing that happened to one message, or to a channel where `message` is null. Content is reached through functions, so that it costs nothing unless asked for. */
export interface EngineEvent {
  readonly at: Date
  readonly channel: string
  /**
   * received · duplicate · unreadable: at the door; transformed · filtered · error: after the steps; step: after one step;
   * sent · refused · unavailable · unknown · held · skipped: one attempt's end or a decision; started · failed · stopped · paused: the channel.
   */
  readonly what:
    | 'received' | 'duplicate' | 'unreadable' | 'transformed' | 'filtered' | 'error' | 'step'
    | 'sent' | 'refused' | 'unavailable' | 'unknown' | 'held' | 'skipped' | 'started' | 'failed' | 'stopped' | 'paused'
  readonly message: number | null
  readonly destination: string | null
  readonly step: number | null // from 1, of the channel, or of `destination`
  readonly header: Header | null
  readonly reason: string | null // a sentence; may quote a receiver, so never logged
  readonly took: number | null // milliseconds: of the steps, of an attempt, from arrival to reply
  readonly size: number | null // bytes
  readonly bytes: (() => Buffer) | null
}

export type Listener = (event: EngineEvent) => void

export class Events {
  readonly #listeners = new Set<Listener>()

  /** Whether anybody listens: what costs something to say is said only then. */
  get heard(): boolean {
    return this.#listeners.size > 0
  }

  /** Calls the listener with every event until the returned function is called. A listener must not throw, and must be quick. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  emit(event: EngineEvent): void {
    for (const listener of this.#listeners) listener(event)
  }
}
