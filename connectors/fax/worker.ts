/** Works off what the ledger holds: reads each event, fetches what it names, gives it on; what cannot be done now is tried again, ever more seldom. */
import type { Clock } from '../../engine/contracts.js'
import { MessageFault } from '../../engine/errors.js'
import { type FaxEvent, readEvent } from './events.js'
import { fetchDocument } from './fetching.js'
import { type Intake, takeEvent, tellOf } from './intake.js'
import { type RawEvent, readSource } from './places.js'
import type { Provider } from './provider.js'
import type { Account } from './requests.js'

const FIRST_PAUSE = 5_000 // milliseconds
const LONGEST_PAUSE = 300_000
const AT_ONCE = 4
const MOST_AT_HAND = 16

export class Worker {
  readonly #stopping = new AbortController()
  readonly #running = new Set<Promise<void>>()
  readonly #turns: (() => void)[] = []
  #free = AT_ONCE

  /** `giveUp`: milliseconds after which a file that cannot be fetched is told of. */
  constructor(readonly provider: Provider, readonly account: Account, readonly intake: Intake, readonly clock: Clock, readonly giveUp: number) {}

  /** Begins to work on an entry of the ledger. `event`: what it says, where that is still at hand; kept in memory for a few only. */
  add(name: string, event: RawEvent | null): void {
    const work = this.#work(name, this.#running.size < MOST_AT_HAND ? event : null).finally(() => this.#running.delete(work))
    this.#running.add(work)
  }

  /** Resolves once nothing is in hand. What is not done with stays in the ledger. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await Promise.all(this.#running)
  }

  async #work(name: string, first: RawEvent | null): Promise<void> {
    let event = first
    const { signal } = this.#stopping
    for (let pause = FIRST_PAUSE; !signal.aborted; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
      await this.#turn()
      const done = signal.aborted ? false : await this.#attempt(name, event).catch((error: unknown) => {
        this.intake.log('error', 'an event of a fax service could not be worked on; it is tried again', { provider: this.intake.naming.name, error })
        return false
      })
      this.#pass()
      if (done) return
      event = null
      await this.clock.sleep(pause, signal)
    }
  }

  async #turn(): Promise<void> {
    if (this.#free > 0) this.#free -= 1
    else await new Promise<void>((resolve) => this.#turns.push(resolve))
  }

  #pass(): void {
    const next = this.#turns.shift()
    if (next) next()
    else this.#free += 1
  }

  /** One try; true once the entry is done with. */
  async #attempt(name: string, atHand: RawEvent | null): Promise<boolean> {
    const { ledger, log, naming } = this.intake
    const raw = atHand ?? (await ledger.read(name))
    let event: FaxEvent
    try {
      event = this.#read(raw)
    } catch (error) {
      if (!(error instanceof MessageFault)) throw error
      log('warn', 'an event of a fax service cannot be used; it is put aside with its reason', { provider: naming.name, reason: error.message })
      await ledger.putAside(name, error.message)
      return true
    }
    if (!(await this.#take(event, raw))) return false
    await ledger.finish(name)
    return true
  }

  #read(raw: RawEvent): FaxEvent {
    const { facts } = this.account
    return readEvent(this.provider.read?.(raw) ?? readSource(raw, facts.json), facts, new Date(raw.at))
  }

  async #take(event: FaxEvent, raw: RawEvent): Promise<boolean> {
    const { intake } = this
    if (event.kind !== 'received') return takeEvent(event, null, raw.remote, intake)
    if (Buffer.isBuffer(event.file)) return takeEvent(event, event.file, raw.remote, intake)
    const fetched = await fetchDocument(event.id, event.file, this.account, this.#stopping.signal)
    if ('document' in fetched) return takeEvent(event, fetched.document, raw.remote, intake)
    if (this.clock.now().getTime() - Date.parse(raw.at) >= this.giveUp) return tellOf(event, raw.body, `its file could not be fetched: ${fetched.again}`, raw.remote, intake)
    intake.log('warn', 'the file of a fax cannot be fetched now; it is tried again', { provider: intake.naming.name, reason: fetched.again })
    return false
  }
}
