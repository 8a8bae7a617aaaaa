/** Who waits for the reply to a message that is acknowledged later. Only hints live here: the reply itself is in the store. */
import type { Clock, Reply } from './contracts.js'

export class Answers {
  readonly #clock: Clock
  readonly #within: number
  readonly #conclude: (id: number) => Promise<Reply | null>
  readonly #waiting = new Map<number, Set<() => void>>()

  /** `conclude` decides a message if it can be decided; `within` is the longest wait in milliseconds. */
  constructor(clock: Clock, within: number, conclude: (id: number) => Promise<Reply | null>) {
    this.#clock = clock
    this.#within = within
    this.#conclude = conclude
  }

  /** Resolves with the reply, or with an error that says that the message is kept and not yet done with. */
  async reply(id: number, notYet: (reason: string) => Reply): Promise<Reply> {
    const limit = new AbortController()
    void this.#clock.sleep(this.#within, limit.signal).then(() => limit.abort())
    try {
      for (;;) {
        const hint = this.#hint(id, limit.signal)
        const reply = await this.#conclude(id)
        if (reply) return reply
        if (limit.signal.aborted) return notYet(`The message is kept and not done with within ${this.#within / 1000} s. Sending it again gets its answer.`)
        await hint
      }
    } finally {
      limit.abort()
      if (this.#waiting.get(id)?.size === 0) this.#waiting.delete(id)
    }
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
