/** Tells whoever handed a message in what became of it: one look at the store for each hint that the message may have come to rest. */
import type { Clock, Fate, MessageArchive } from './contracts.js'

const LOOK_AGAIN = 30_000 // milliseconds after which a message is looked at without a hint: retention may have taken it

/** Those who wait for the fates of one channel's messages. Only hints live here: the fate itself is in the store. */
export class Fates {
  readonly #channel: string
  readonly #store: Pick<MessageArchive, 'fate'>
  readonly #clock: Clock
  readonly #waiting = new Map<number | AbortSignal, Set<() => void>>() // by what wakes them

  constructor(channel: string, store: Pick<MessageArchive, 'fate'>, clock: Clock) {
    this.#channel = channel
    this.#store = store
    this.#clock = clock
  }

  /** As `Tools.fate`; rejects where the store does. */
  async fate(key: string, known: string | null, signal: AbortSignal): Promise<Fate | null> {
    if (signal.aborted) return null
    let look = await this.#store.fate(this.#channel, key, known)
    while (look && !look.fate && !signal.aborted) {
      const hint = new AbortController()
      const wake = (): void => hint.abort('woken')
      const ends = [this.#wakes(look.message, wake), this.#wakes(signal, wake)] // before the look: what is decided meanwhile is not missed
      try {
        look = await this.#store.fate(this.#channel, key, known)
        if (look && !look.fate) await this.#clock.sleep(LOOK_AGAIN, hint.signal)
      } finally {
        for (const end of ends) end()
      }
    }
    return signal.aborted ? null : (look?.fate ?? null)
  }

  /** Says that a message may have come to rest. */
  decided(message: number): void {
    this.#wake(message)
  }

  #wake(by: number | AbortSignal): void {
    for (const wake of this.#waiting.get(by) ?? []) wake()
  }

  /** Thousands may wait with one signal, and that has one listener. */
  #wakes(by: number | AbortSignal, wake: () => void): () => void {
    const all = this.#waiting.get(by) ?? new Set()
    if (all.size === 0) {
      this.#waiting.set(by, all)
      if (typeof by !== 'number') by.addEventListener('abort', this.#aborted)
    }
    all.add(wake)
    return () => {
      all.delete(wake)
      if (all.size > 0) return
      this.#waiting.delete(by)
      if (typeof by !== 'number') by.removeEventListener('abort', this.#aborted)
    }
  }

  readonly #aborted = ({ target }: Event): void => this.#wake(target as AbortSignal)
}
