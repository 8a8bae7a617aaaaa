/** A channel that can be asked what it would do: built as it runs, with no source started and nothing connected. */
import { buildChannel } from './build-channel.js'
import type { LoadedChannel } from './channel-loader.js'
import type { Clock, MessageStore } from './contracts.js'
import type { Channel } from './channel.js'
import { Events } from './events.js'
import { toolsFor, type World } from './world.js'

export function stillChannel(loaded: LoadedChannel, world: Omit<World, 'store' | 'events'>, store: MessageStore, clock: Clock): Channel {
  const feed = (): Promise<never> => Promise.reject(new Error('no other channel runs here'))
  return {
    ...buildChannel(loaded.definition, world.pieces, toolsFor({ ...world, clock }, loaded.file, feed)),
    revision: loaded.revision,
    store, clock, log: () => {}, events: new Events(),
    arrived: () => {},
    queued: () => {},
    reply: async () => ({ verdict: 'error', reason: 'nothing runs here', acknowledgements: [] }),
    decided: () => {},
  }
}
