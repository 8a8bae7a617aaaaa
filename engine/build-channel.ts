/** Makes the runtime's channel out of a channel file: every name looked up, every setting in the unit that the runtime counts in. */
import type { TSchema } from 'typebox'
import type { ChannelDefinition, ChannelDestination, ChannelPiece } from './channel-definition.js'
import type { Definition, MessageFormat, SourceConnector, StepResult, Tools, TransformStep } from './contracts.js'
import { MessageFault, sentence } from './errors.js'
import type { Channel, Destination } from './channel.js'
import type { Pieces } from './registry.js'
import { retryWait } from './retry.js'
import { duration } from './units.js'

/** What a channel file says once its pieces are made; nothing is open yet. */
export interface BuiltChannel extends Pick<Channel, 'name' | 'format' | 'formats' | 'acknowledge' | 'duplicatesWithin' | 'index' | 'concurrency' | 'steps' | 'destinations'> {
  readonly source: SourceConnector
  readonly acknowledgeWithin: number // milliseconds
}

/** Throws a sentence where a piece cannot be made of its settings. */
export function buildChannel(definition: ChannelDefinition, pieces: Pieces, tools: Tools): BuiltChannel {
  const format = make<MessageFormat>(pieces.formats, definition.format, tools)
  return {
    name: definition.name,
    format,
    formats: (name) => (name === format.name ? format : tools.format(name)),
    source: make<SourceConnector>(pieces.sources, definition.source, tools),
    acknowledge: definition.acknowledge,
    acknowledgeWithin: duration(definition.acknowledgeWithin),
    duplicatesWithin: duration(definition.duplicates.within),
    index: Object.entries(definition.index).map(([name, path]) => ({ name, path })),
    concurrency: definition.concurrency,
    steps: definition.steps.map((step, n) => makeStep(pieces, step, `step ${n + 1}`, tools)),
    destinations: definition.destinations.map((destination) => buildDestination(destination, definition, pieces, tools)),
  }
}

/** What must run beside the engine before the channel may take anything: else it would acknowledge what nobody looks at. */
export const servicesNeeded = ({ source, destinations }: ChannelDefinition, pieces: Pieces): readonly string[] =>
  [...new Set([pieces.sources.get(source.name)?.needs, ...destinations.map(({ to }) => pieces.destinations.get(to.name)?.needs)].filter((name) => name !== undefined))]

function buildDestination(destination: ChannelDestination, { concurrency, format, steps }: ChannelDefinition, pieces: Pieces, tools: Tools): Destination {
  const { partition, retry } = destination
  const settings = {
    every: duration(retry.every), growth: retry.growth, longest: duration(retry.longest), jitter: retry.jitter,
    attempts: retry.attempts === 'unlimited' ? Number.POSITIVE_INFINITY : retry.attempts,
  }
  const connector = lookUp(pieces.destinations, destination.to.name)
  return {
    name: destination.name,
    connect: () => connector.create(destination.to.settings, tools),
    format: [...steps, ...destination.steps].reduce((before, { name }) => pieces.transforms.get(name)?.produces ?? before, format.name),
    steps: destination.steps.map((step, n) => makeStep(pieces, step, `step ${n + 1} of ${destination.name}`, tools)),
    partition: partition?.by ?? null,
    lanes: partition?.lanes ?? concurrency,
    timeout: duration(destination.timeout),
    retry: (attempts) => retryWait(settings, attempts),
    retryOn: destination.retryOn,
    whenRefused: destination.whenRefused,
    whenUnknown: destination.whenUnknown,
  }
}

/** Names the step in whatever it throws or filters by, so that the history says which one it was; the place in a message that failed comes first. */
function makeStep(pieces: Pieces, piece: ChannelPiece, where: string, tools: Tools): TransformStep {
  const step = make<TransformStep>(pieces.transforms, piece, tools)
  const failed = (error: unknown): never => {
    const { location, reason } = error instanceof MessageFault ? error.fault : { location: undefined, reason: sentence(error) }
    throw new Error(`${location ? `${location}: ` : ''}${where} (${piece.name}): ${reason}`, { cause: error })
  }
  const named = (result: StepResult): StepResult => ('filtered' in result ? { filtered: `${where}, ${result.filtered}` } : result)
  return (message) => {
    try {
      const result = step(message)
      return result instanceof Promise ? result.then(named).catch(failed) : named(result)
    } catch (error) {
      return failed(error)
    }
  }
}

function make<Product>(definitions: ReadonlyMap<string, Definition<TSchema, Product>>, piece: ChannelPiece, tools: Tools): Product {
  return lookUp(definitions, piece.name).create(piece.settings, tools)
}

function lookUp<Product>(definitions: ReadonlyMap<string, Definition<TSchema, Product>>, name: string): Definition<TSchema, Product> {
  const definition = definitions.get(name)
  if (!definition) throw new Error(`nothing is called \`${name}\``)
  return definition
}
