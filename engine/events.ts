/** What happens in the engine as it happens, for measures, live views and watching. Nothing is kept, and nobody is waited for. */
import type { Header, Verdict } from './contracts.js'

/** One thing that happened to one message, or to a channel where `message` is null. Content is reached through functions, so that it costs nothing unless asked for. */
export interface EngineEvent {
  readonly at: Date
  readonly channel: string
  /**
   * received · duplicate · unreadable: at the door; acknowledged: the sender has its answer; transformed · filtered · error: after the steps (filtered with a
   * destination: that one does not get it); step: after one step; sent · refused · unavailable · unknown: one attempt's end; held · skipped: what was decided
   * then, or by a person; started · failed · stopped · paused: the channel.
   */
  readonly what:
    | 'received' | 'duplicate' | 'unreadable' | 'acknowledged' | 'transformed' | 'filtered' | 'error' | 'step'
    | 'sent' | 'refused' | 'unavailable' | 'unknown' | 'held' | 'skipped' | 'started' | 'failed' | 'stopped' | 'paused'
  readonly message: number | null
  readonly destination: string | null
  readonly step: number | null // from 1, of the channel, or of `destination`
  readonly header: Header | null
  readonly verdict: Verdict | null // of what is acknowledged
  readonly reason: string | null // a sentence; may quote a receiver, so never logged
  readonly took: number | null // milliseconds: from arrival to kept or to reply, of the steps, of an attempt
  readonly receivedAt: Date | null // when the message arrived
  readonly size: number | null // bytes
  readonly format: string | null // what `bytes` are written in
  readonly bytes: (() => Buffer) | null
}

export type Listener = (event: EngineEvent) => void

export class Events {
  readonly #listeners = new Map<Listener, { readonly steps: boolean }>()
  readonly #failed: (error: unknown) => void
  #steps = 0

  /** `failed` hears of listeners that throw: nothing that they do may touch a message. */
  constructor(failed: (error: unknown) => void = () => {}) {
    this.#failed = failed
  }

  /** Whether anybody listens: what costs something to say is said only then. */
  get heard(): boolean {
    return this.#listeners.size > 0
  }

  /** Whether anybody wants to hear of every step. */
  get stepsHeard(): boolean {
    return this.#steps > 0
  }

  /** Calls the listener with every event, those of steps if it wants them, until the returned function is called. A listener must be quick. */
  listen(listener: Listener, wants: { readonly steps: boolean } = { steps: false }): () => void {
    this.#listeners.set(listener, wants)
    this.#steps = this.#count()
    return () => {
      this.#listeners.delete(listener)
      this.#steps = this.#count()
    }
  }

  emit(event: EngineEvent): void {
    for (const [listener, { steps }] of this.#listeners) {
      if (event.what === 'step' && !steps) continue
      try {
        listener(event)
      } catch (error) {
        this.#failed(error)
      }
    }
  }

  #count(): number {
    return [...this.#listeners.values()].filter(({ steps }) => steps).length
  }
}
