/** Everything that an installation is read from, joined: its settings, the product's pieces, its mappings and channel files. */
import type { Configuration } from '../config/loader.js'
import { loadChannels, type LoadContext, type LoadedChannel } from './channel-loader.js'
import { type Mappings, openMappings } from './mappings.js'
import type { Problem } from './problem.js'
import type { Pieces } from './registry.js'

export interface Installation {
  readonly mappings: Mappings
  readonly context: LoadContext
  readonly channels: readonly LoadedChannel[]
  readonly problems: readonly Problem[]
}

/** Reads mappings and channels as they are now. */
export async function readInstallation({ settings, environment, secrets }: Configuration, pieces: Pieces): Promise<Installation> {
  const mappings = openMappings(settings.mappings)
  const context: LoadContext = { pieces, mappings, environment, secrets, settings }
  return { mappings, context, ...(await loadChannels(settings.channels, context)) }
}
