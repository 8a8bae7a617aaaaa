/** One lane of one destination: claims what is at its head, sends it in order, and settles it together with the next claim. */
import type { Delivery, DestinationConnector, Outcome, Settlement } from './contracts.js'
import { Deadline } from './deadline.js'
import { sentence } from './errors.js'
import type { Channel, Destination } from './channel.js'
import { settlement, untouched } from './message-flow.js'
import { tellAttempt } from './telling.js'
import { Worker } from './worker.js'

const MOST = 64 // deliveries claimed at once
const QUICK = 20 // milliseconds: a batch done sooner may grow, one that takes longer must shrink
const GRACE = 1_000 // milliseconds that a connector has to heed its signal

export class Lane {
  readonly #channel: Channel
  readonly #destination: Destination
  readonly #lane: number
  readonly #settled: (lane: Lane) => void
  readonly #worker: Worker
  readonly #deadline: Deadline
  #abort = new AbortController() // shared by attempts until one of them is late
  #giveUp: (outcome: Outcome) => void = () => {}
  #halted = false
  #attempting = false
  #connector: DestinationConnector | null = null
  #limit = 1
  #settlements: Settlement[] = []
  #messages: number[] = []
  /** Only a merge elsewhere in the destination stands in the way: worth another look when any lane has settled. */
  blocked = false

  constructor(channel: Channel, destination: Destination, lane: number, settled: (lane: Lane) => void) {
    this.#channel = channel
    this.#destination = destination
    this.#lane = lane
    this.#settled = settled
    this.#deadline = new Deadline(channel.clock, destination.timeout, () => this.#late())
    this.#worker = new Worker((stopping) => this.#round(stopping), channel.clock, (error) => {
      channel.log('error', 'a destination could not use the store; it tries again', { channel: channel.name, destination: destination.name, lane, error })
    })
  }

  start(): void {
    this.#worker.start()
  }

  wake(): void {
    this.#worker.wake()
  }

  /** Ends after the delivery under way; `hurry` ends that one too, as unknown. */
  async stop(hurry: Promise<void>): Promise<void> {
    void hurry.then(() => {
      this.#halted = true
      if (this.#attempting) this.#late()
    })
    await this.#worker.stop()
    await this.#settle().catch((error: unknown) => {
      this.#channel.log('error', 'what became of the last deliveries could not be stored; they count as unknown at the next start', { channel: this.#channel.name, destination: this.#destination.name, error })
    })
    this.#deadline.close()
    await this.#close()
  }

  async #round(stopping: AbortSignal): Promise<number> {
    const { store, clock, name } = this.#channel
    const settling = this.#settle() // asked for in the same turn as the claim: one transaction, one fsync
    const [claim] = await Promise.all([store.claim({ channel: name, destination: this.#destination.name, lane: this.#lane }, this.#limit, clock.now()), settling])
    this.blocked = claim.blocked
    if (claim.deliveries.length === 0) return claim.due ? Math.max(claim.due.getTime() - clock.now().getTime(), 1) : Number.POSITIVE_INFINITY
    const started = performance.now()
    await this.#send(claim.deliveries, stopping)
    this.#adapt(performance.now() - started, claim.deliveries.length)
    return 0
  }

  async #send(deliveries: readonly Delivery[], stopping: AbortSignal): Promise<void> {
    let going = true
    for (const delivery of deliveries) {
      going &&= !stopping.aborted
      const settled: Settlement = going ? await this.#deliverOne(delivery) : untouched(this.#channel, delivery)
      this.#settlements.push(settled)
      this.#messages.push(delivery.messageId)
      going &&= settled.status !== 'queued' && settled.status !== 'held'
    }
  }

  async #deliverOne(delivery: Delivery): Promise<Settlement> {
    const started = performance.now()
    const outcome = await this.#attempt(delivery)
    const settled = settlement(this.#channel, this.#destination, delivery, outcome)
    if (this.#channel.events.heard) tellAttempt(this.#channel, this.#destination, delivery, outcome, settled, performance.now() - started)
    return settled
  }

  async #settle(): Promise<void> {
    if (this.#settlements.length === 0) return
    const settlements = this.#settlements
    const messages = this.#messages
    await this.#channel.store.settle(settlements)
    this.#settlements = []
    this.#messages = []
    for (const id of messages) this.#channel.decided(id)
    this.#settled(this)
  }

  /** A lane that may have to hold what it does not know sends one at a time: a crash then leaves one in doubt, not a batch. */
  #adapt(milliseconds: number, count: number): void {
    if (this.#destination.whenUnknown === 'hold') return
    if (milliseconds > QUICK) this.#limit = Math.max(1, this.#limit >> 1)
    else if (count === this.#limit) this.#limit = Math.min(MOST, this.#limit * 2)
  }

  async #attempt(delivery: Delivery): Promise<Outcome> {
    const { log, name } = this.#channel
    this.#attempting = true
    this.#deadline.begin()
    if (this.#halted) this.#abort.abort()
    const outcome = await new Promise<Outcome>((resolve) => {
      this.#giveUp = resolve
      void this.#deliver(delivery, this.#abort.signal).then(resolve)
    })
    this.#attempting = false
    this.#deadline.end()
    if (this.#abort.signal.aborted) await this.#renew()
    log(outcome.kind === 'sent' ? 'debug' : 'warn', 'delivery attempted', { channel: name, destination: this.#destination.name, message: delivery.messageId, outcome: outcome.kind, attempts: delivery.attempts })
    return outcome
  }

  /** The time is over: the connector is told so, and not waited for any longer than it needs to hear it. */
  #late(): void {
    const giveUp = this.#giveUp
    this.#abort.abort()
    const reason = `no answer within ${this.#destination.timeout / 1000} s, and the connection did not close`
    void this.#channel.clock.sleep(GRACE).then(() => giveUp({ kind: 'unknown', reason }))
  }

  async #deliver(delivery: Delivery, signal: AbortSignal): Promise<Outcome> {
    try {
      if (!this.#connector) {
        const connector = this.#destination.connect()
        try {
          await connector.open()
        } catch (error) {
          return { kind: 'unavailable', reason: sentence(error) }
        }
        this.#connector = connector
      }
      return await this.#connector.deliver(delivery, signal)
    } catch (error) {
      return { kind: 'unknown', reason: sentence(error) }
    }
  }

  /** After an attempt that ran out of time the next one gets a signal and a connection of its own, whatever the old one still does. */
  async #renew(): Promise<void> {
    this.#abort = new AbortController()
    await this.#close()
  }

  async #close(): Promise<void> {
    const connector = this.#connector
    this.#connector = null
    if (connector) await Promise.race([connector.close().catch(() => {}), this.#channel.clock.sleep(GRACE)])
  }
}
