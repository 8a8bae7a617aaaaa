/** One destination of a running channel: its lanes, at work or at rest. */
import type { Channel, Destination } from './channel.js'
import { Lane } from './lane.js'

export class DestinationLanes {
  readonly #channel: Channel
  readonly #destination: Destination
  #lanes: readonly Lane[] = []

  constructor(channel: Channel, destination: Destination) {
    this.#channel = channel
    this.#destination = destination
  }

  get name(): string {
    return this.#destination.name
  }

  /** Serves the queues; does nothing where they are served already. */
  start(): void {
    if (this.#lanes.length > 0) return
    const settled = (): void => {
      for (const lane of lanes) if (lane.blocked) lane.wake()
    }
    const lanes = Array.from({ length: this.#destination.lanes }, (_, n) => new Lane(this.#channel, this.#destination, n, settled))
    this.#lanes = lanes
    for (const lane of lanes) lane.start()
  }

  /** Says that there may be work: for the lane that a hash leads to, the first where it is null, or all. */
  wake(hash?: number | null): void {
    if (hash === undefined) for (const lane of this.#lanes) lane.wake()
    else this.#lanes[(hash ?? 0) % this.#destination.lanes]?.wake()
  }

  /** Ends the deliveries under way, and begins no other until it is started again; `hurry` cuts short what takes too long. */
  async stop(hurry: Promise<void>): Promise<void> {
    const lanes = this.#lanes
    this.#lanes = []
    await Promise.all(lanes.map((lane) => lane.stop(hurry)))
  }
}
