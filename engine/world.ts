/** What the runtime is given once, and every channel shares; and what of it a channel's pieces may use. */
import { readFileSync } from 'node:fs'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import type { Clock, Inbound, Log, MessageArchive, MessageFormat, MessageStore, Reply, Tools, WebHandler } from './contracts.js'
import type { Mappings } from './mappings.js'
import { clock } from './clock.js'
import type { Events } from './events.js'
import { didYouMean } from './nearest.js'
import type { Pieces } from './registry.js'
import { mistakes } from './schema-errors.js'
import { silence } from './watch/moments.js'
import type { Watching } from './watch/watching.js'

export interface World {
  readonly pieces: Pieces
  readonly mappings: Pick<Mappings, 'table' | 'mapping'>
  readonly store: MessageStore & MessageArchive
  readonly clock: Clock
  readonly log: Log
  readonly events: Events
  readonly dataFolder: string
  readonly serve: (path: string, handler: WebHandler) => () => void
  readonly watching?: Watching // absent in tests of channels
  readonly services?: Readonly<Record<string, unknown>> // what runs beside the engine, by the name that pieces ask for; absent in tests of channels
}

const restless: Tools['fate'] = () => Promise.reject(new Error('no message comes to rest where no channel runs'))

/** The tools of the pieces of a channel whose file is `file`; only one that runs can tell the `fate` of its messages. */
export function toolsFor(world: Omit<World, 'store' | 'events'>, file: string, feed: (channel: string, inbound: Inbound) => Promise<Reply>, fate = restless, channel = ''): Tools {
  const formats = new Map<string, MessageFormat>()
  const tools: Tools = {
    channel,
    clock: world.clock,
    log: world.log,
    dataFolder: world.dataFolder,
    format: (name) => {
      const known = formats.get(name)
      if (known) return known
      const definition = world.pieces.formats.get(name)
      if (!definition) throw new Error(`no format is called \`${name}\`${didYouMean(name, [...world.pieces.formats.keys()])}`)
      const settings = {}
      mistakes(definition.settings, settings, { name }) // fills in what holds where nothing is said
      const format = definition.create(settings, tools)
      formats.set(name, format)
      return format
    },
    table: (name) => world.mappings.table(name),
    mapping: (path) => world.mappings.mapping(path),
    beside: (name) => {
      const path = isAbsolute(name) ? name : join(dirname(resolve(file)), name)
      return { file: path, text: readFileSync(path, 'utf8') }
    },
    feed,
    serve: world.serve,
    incidents: world.watching?.momentsFor(file) ?? silence,
    fate,
    service: (name) => {
      const services = world.services ?? {}
      if (!Object.hasOwn(services, name)) throw new Error(`this installation has no \`${name}\`${didYouMean(name, Object.keys(services))}`)
      return services[name]
    },
  }
  return tools
}

/** Tools for a piece that is used outside any channel, by the command line; with mappings where it needs them. */
export function plainTools(pieces: Pieces, mappings?: World['mappings']): Tools {
  const nothing = (): never => {
    throw new Error('this needs a channel')
  }
  const world = { pieces, mappings: mappings ?? { table: nothing, mapping: nothing }, clock, log: () => {}, dataFolder: '.', serve: nothing }
  return toolsFor(world, '.', nothing)
}
