/** Everything that an installation is read from, joined: its settings, the product's pieces, its mappings and channel files. */
import { type Configuration, ownSettings, shippedMappings } from '../config/loader.js'
import { loadChannels, type LoadContext, type LoadedChannel } from './channel-loader.js'
import { type Mappings, openMappings } from './mappings.js'
import { checkChannels } from './check/check.js'
import { inOrder, type Problem } from './problem.js'
import type { Pieces } from './registry.js'

export interface Installation {
  readonly mappings: Mappings
  readonly context: LoadContext
  /** Every channel that could be read by itself, and what was wrong with the files of the others. */
  readonly channels: readonly LoadedChannel[]
  readonly problems: readonly Problem[]
}

/** What must not run beside the others: a channel that takes what another has, or that closes a circle. */
const JOINS = new Set(['claimed-twice', 'cycle'])

/** The channels that may run, and all that keeps others from it. */
export async function readRunnable(configuration: Configuration, pieces: Pieces): Promise<Installation> {
  const installation = await readInstallation(configuration, pieces)
  const joins = checkChannels(installation.channels, installation.context).filter(({ rule, severity }) => severity === 'error' && JOINS.has(rule))
  const files = new Set(joins.map(({ file }) => file))
  return { ...installation, channels: installation.channels.filter(({ file }) => !files.has(file)), problems: inOrder([...installation.problems, ...joins]) }
}

/** Reads mappings and channels as they are now. */
export async function readInstallation({ settings, environment, secrets }: Configuration, pieces: Pieces): Promise<Installation> {
  const mappings = openMappings(ownSettings(settings).mappings, shippedMappings())
  const context: LoadContext = { pieces, mappings, environment, secrets, settings }
  return { mappings, context, ...(await loadChannels(settings.channels, context)) }
}
