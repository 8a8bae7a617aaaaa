/** Takes what a channel has received through its steps: in order, or several at once where order has no meaning. */
import type { Channel } from './channel.js'
import { transform } from './message-flow.js'
import { Worker } from './worker.js'

const MOST = 64 // messages read at once

export class TransformWorker {
  readonly #channel: Channel
  readonly #worker: Worker
  readonly #underWay = new Map<number, Promise<void>>()
  #failure: unknown = null // of a transform whose end could not be stored: the next round reports it, and pauses

  constructor(channel: Channel) {
    this.#channel = channel
    const round = channel.concurrency > 1 ? (): Promise<number> => this.#several() : (stopping: AbortSignal): Promise<number> => this.#inOrder(stopping)
    this.#worker = new Worker(round, channel.clock, (error) => channel.log('error', 'a channel could not use the store; it tries again', { channel: channel.name, error }))
  }

  start(): void {
    this.#worker.start()
  }

  wake(): void {
    this.#worker.wake()
  }

  async stop(): Promise<void> {
    await this.#worker.stop()
    await Promise.allSettled(this.#underWay.values())
  }

  /** What has been read is worked off before more is: where steps are slow, large messages would be read again and again. */
  async #inOrder(stopping: AbortSignal): Promise<number> {
    const messages = await this.#channel.store.received(this.#channel.name, MOST)
    if (messages.length === 0) return Number.POSITIVE_INFINITY
    for (let done = 0; done < messages.length && !stopping.aborted; ) done += await transform(this.#channel, messages.slice(done))
    return 0
  }

  async #several(): Promise<number> {
    const failure = this.#failure
    this.#failure = null
    if (failure !== null) throw failure
    const { store, name, concurrency } = this.#channel
    const waiting = await store.received(name, this.#underWay.size + concurrency)
    for (const message of waiting) {
      if (this.#underWay.size >= concurrency) break
      if (this.#underWay.has(message.id)) continue
      const ended = transform(this.#channel, [message]).then(() => {}, (error: unknown) => {
        this.#failure = error
      })
      this.#underWay.set(message.id, ended.finally(() => this.#underWay.delete(message.id)))
    }
    if (this.#underWay.size === 0) return Number.POSITIVE_INFINITY
    if (this.#underWay.size < concurrency) return this.#nextChange()
    await Promise.race(this.#underWay.values())
    return 0
  }

  /** Room is left: look again when something ends, or sooner when something arrives. */
  async #nextChange(): Promise<number> {
    void Promise.race(this.#underWay.values()).then(() => this.#worker.wake())
    return Number.POSITIVE_INFINITY
  }
}
