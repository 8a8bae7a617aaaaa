/** Who waits for the reply to a message that is acknowledged later. Only hints live here: the reply itself is in the store. */
import type { Clock, Reply } from './contracts.js'

export class Answers {
  readonly #clock: Clock
  readonly #within: number
  readonly #waiting = new Map<number, Set<() => void>>()
  readonly #ends = new Set<() => void>()
  #closed = false

  /** `within` is the longest wait in milliseconds. */
  constructor(clock: Clock, within: number) {
    this.#clock = clock
    this.#within = within
  }

  /** Resolves with the reply that `conclude` decides on, or with an error that says that the message is kept and not yet done with. */
  async reply(id: number, conclude: () => Promise<Reply | null>, notYet: (reason: string) => Reply): Promise<Reply> {
    const limit = new AbortController()
    const end = (): void => limit.abort('over')
    this.#ends.add(end)
    if (this.#closed) end()
    void this.#clock.sleep(this.#within, limit.signal).then(end)
    try {
      for (;;) {
        const hint = this.#hint(id, limit.signal)
        const reply = await conclude()
        if (reply) return reply
        if (limit.signal.aborted) return notYet(this.#closed ? 'The message is kept; the engine stops, and goes on with it at its next start. Sending it again gets its answer.' : `The message is kept and not done with within ${this.#within / 1000} s. Sending it again gets its answer.`)
        await hint
      }
    } finally {
      this.#ends.delete(end)
      limit.abort('over')
      if (this.#waiting.get(id)?.size === 0) this.#waiting.delete(id)
    }
  }

  /** The engine stops: nobody is kept waiting any longer. */
  close(): void {
    this.#closed = true
    for (const end of this.#ends) end()
  }

  /** Says that a message may be decided now. */
  decided(id: number): void {
    for (const wake of this.#waiting.get(id) ?? []) wake()
  }

  #hint(id: number, limit: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(id) ?? new Set()
      this.#waiting.set(id, waiting)
      const wake = (): void => {
        waiting.delete(wake)
        limit.removeEventListener('abort', wake)
        resolve()
      }
      waiting.add(wake)
      limit.addEventListener('abort', wake)
    })
  }
}
