/** What watching sees of the engine; the engine itself is one. */
import type { LoadedChannel } from '../channel-loader.js'
import type { Problem } from '../problem.js'

export interface SeenChannel {
  readonly name: string
  readonly state: string // running · failed · starting · paused · stopped · …
  readonly trouble: string | null
}

export interface EngineView {
  status(): readonly SeenChannel[]
  channel(name: string): LoadedChannel | undefined
  /** How many senders a channel has now; null where its source cannot tell. */
  connections(name: string): number | null
  /** What keeps channel files from running. */
  readonly problems: readonly Problem[]
  /** What is wrong with files that others than channels read. */
  readonly otherProblems: readonly Problem[]
  /** What is wrong with the store; null when nothing is. */
  readonly storeTrouble: string | null
}

/** A channel that runs or should, and what it watches. */
export interface WatchedChannel extends SeenChannel {
  readonly loaded: LoadedChannel
}

/** The channels that are not switched off, with their files. */
export const watchedChannels = (engine: EngineView): readonly WatchedChannel[] =>
  engine.status().flatMap((seen) => {
    const loaded = engine.channel(seen.name)
    return loaded && seen.state !== 'disabled' ? [{ ...seen, loaded }] : []
  })
