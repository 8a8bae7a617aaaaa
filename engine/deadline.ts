/** One timer for many short attempts, one after the other: what nearly always ends in time costs almost nothing. */
import type { Clock } from './contracts.js'

export class Deadline {
  readonly #clock: Clock
  readonly #milliseconds: number
  readonly #late: () => void
  #begun: number | null = null // when the attempt under way began
  #watching = false
  readonly #closed = new AbortController()

  /** `late` is called once for an attempt that takes longer than `milliseconds`. */
  constructor(clock: Clock, milliseconds: number, late: () => void) {
    this.#clock = clock
    this.#milliseconds = milliseconds
    this.#late = late
  }

  begin(): void {
    this.#begun = this.#clock.now().getTime()
    if (!this.#watching) void this.#watch()
  }

  end(): void {
    this.#begun = null
  }

  /** Leaves no timer behind. */
  close(): void {
    this.#closed.abort()
  }

  /** Looks when the attempt would be late that was under way at the last look; ends when there is none. */
  async #watch(): Promise<void> {
    this.#watching = true
    let wait = this.#milliseconds
    while (wait > 0) {
      await this.#clock.sleep(wait, this.#closed.signal)
      if (this.#closed.signal.aborted) return
      wait = this.#begun === null ? 0 : this.#begun + this.#milliseconds - this.#clock.now().getTime()
    }
    this.#watching = false
    if (this.#begun === null) return
    this.end()
    this.#late()
  }
}
