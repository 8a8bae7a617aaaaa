/** Works in rounds until told to stop; between them it waits as long as the last round said, or until it is woken. */
import type { Clock } from './contracts.js'

const UNWOKEN = 30_000 // milliseconds; a lost hint costs no more than this, and never a message
const FIRST_PAUSE = 100 // milliseconds after a round that failed
const LONGEST_PAUSE = 5_000

export class Worker {
  readonly #round: (stopping: AbortSignal) => Promise<number>
  readonly #clock: Clock
  readonly #failed: (error: unknown) => void
  readonly #stopping = new AbortController()
  #nap: AbortController | null = null
  #woken = false
  #finished: Promise<void> = Promise.resolve()

  /** `round` resolves with how many milliseconds later the next is worth while: 0 at once, Infinity when woken. */
  constructor(round: (stopping: AbortSignal) => Promise<number>, clock: Clock, failed: (error: unknown) => void) {
    this.#round = round
    this.#clock = clock
    this.#failed = failed
  }

  start(): void {
    this.#finished = this.#run()
  }

  /** Says that there may be work. A hint: the table is the truth. */
  wake(): void {
    this.#woken = true
    this.#nap?.abort('woken') // a reason of its own: an Error for each would cost more than the waking
  }

  /** Resolves when the round under way has ended; no other begins. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    this.wake()
    await this.#finished
  }

  async #run(): Promise<void> {
    const stopping = this.#stopping.signal
    let pause = FIRST_PAUSE
    while (!stopping.aborted) {
      this.#woken = false
      try {
        const wait = await this.#round(stopping)
        pause = FIRST_PAUSE
        if (wait > 0 && !this.#woken) await this.#sleep(Number.isFinite(wait) ? wait : UNWOKEN)
      } catch (error) {
        this.#failed(error)
        await this.#clock.sleep(pause, stopping)
        pause = Math.min(pause * 2, LONGEST_PAUSE)
      }
    }
  }

  async #sleep(milliseconds: number): Promise<void> {
    this.#nap = new AbortController()
    await this.#clock.sleep(milliseconds, this.#nap.signal)
    this.#nap = null
  }
}
