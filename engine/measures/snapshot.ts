/** What was counted and what waits now, channel by channel: what /metrics and `refero top` are both made of. */
import type { Engine } from '../engine.js'
import type { ChannelMeasures, DestinationMeasures, Measures } from './measures.js'
import { queuesOf, type Waiting } from './queues.js'

export interface DestinationNow {
  readonly name: string
  readonly counted: DestinationMeasures
  readonly queue: Waiting
}

export interface ChannelNow {
  readonly name: string
  readonly state: string
  readonly trouble: string | null
  readonly counted: ChannelMeasures
  readonly destinations: readonly DestinationNow[]
}

const EMPTY: Waiting = { waiting: 0, held: 0, oldest: null }

/** Makes the question. A channel has the destinations that its file names now, and those that something still waits for. */
export function snapshotOf(engine: Engine, measures: Measures): () => Promise<readonly ChannelNow[]> {
  const queues = queuesOf(engine)
  return async () => {
    const waiting = await queues()
    return engine.status().map(({ name, state, trouble }) => {
      const counted = measures.channel(name)
      const queued = waiting.get(name) ?? new Map<string, Waiting>()
      const named = engine.channel(name)?.definition.destinations.map((destination) => destination.name) ?? []
      const destinations = [...new Set([...named, ...queued.keys()])].map((destination) => ({ name: destination, counted: counted.destination(destination), queue: queued.get(destination) ?? EMPTY }))
      return { name, state, trouble, counted, destinations }
    })
  }
}
