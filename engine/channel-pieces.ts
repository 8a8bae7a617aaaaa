/** Looks up what a channel file names (connectors, transforms, a format) and checks the settings of each. */
import type { TSchema } from 'typebox'
import type { ChannelPiece } from './channel-definition.js'
import type { Definition } from './contracts.js'
import { didYouMean } from './nearest.js'
import type { Pieces } from './registry.js'
import { type Keys, type Mistake, mistakes, type Subject } from './schema-errors.js'
import type { YamlSource } from './yaml-source.js'

export interface FoundPieces {
  readonly source: ChannelPiece | null
  readonly format: ChannelPiece | null
  readonly steps: readonly (ChannelPiece | null)[]
  readonly destinations: readonly { readonly to: ChannelPiece | null; readonly steps: readonly (ChannelPiece | null)[] }[]
  readonly mistakes: readonly (Omit<Mistake, 'rule'> & { readonly rule: string })[]
}

/** Finds the pieces of a channel as read; null stands for each that cannot be used, and a mistake says why. */
export const findChannelPieces = (value: unknown, yaml: YamlSource, pieces: Pieces, written: NonNullable<Subject['written']>): FoundPieces => {
  const found: FoundPieces['mistakes'][number][] = []

  const named = (definitions: Definitions, kind: string, name: string, settings: unknown, keys: Keys, at: 'key' | 'value', otherwise = ''): ChannelPiece | null => {
    const definition = definitions.get(name)
    if (!definition) {
      found.push({ keys, at, rule: 'unknown-name', message: `No ${kind} is called \`${name}\`${otherwise || didYouMean(name, definitions.keys())}` })
      return null
    }
    const wrong = mistakes(definition.settings, settings, { name: `\`${name}\``, written: below => written([...keys, ...below]) })
    found.push(...wrong.map(mistake => ({ ...mistake, keys: [...keys, ...mistake.keys] })))
    if (wrong.length > 0) return null
    const { file, line, column } = yaml.position(keys, at)
    return { name, settings: settings as ChannelPiece['settings'], place: `${file}:${line}:${column}`, keys }
  }

  /** `{ name: settings }`; what has another shape is the channel schema's to say. */
  const piece = (definitions: Definitions, kind: string, holder: unknown, keys: Keys, otherwise?: (name: string) => string): ChannelPiece | null => {
    const [name, ...more] = isRecord(holder) ? Object.keys(holder) : []
    if (!isRecord(holder) || name === undefined || more.length > 0) return null
    return named(definitions, kind, name, holder[name], [...keys, name], 'key', otherwise?.(name))
  }

  const steps = (list: unknown, keys: Keys): (ChannelPiece | null)[] =>
    Array.isArray(list) ? list.map((step, index) => piece(pieces.transforms, 'step', step, [...keys, index])) : []

  const ends = (one: 'source' | 'destination') => (name: string): string => {
    const other = one === 'source' ? pieces.destinations : pieces.sources
    return other.has(name) ? ` that can be a ${one}; it can only be a ${one === 'source' ? 'destination' : 'source'}.` : ''
  }

  const channel = isRecord(value) ? value : {}
  const destinations = Array.isArray(channel.destinations) ? channel.destinations.map((each: unknown) => (isRecord(each) ? each : {})) : []
  return {
    source: piece(pieces.sources, 'connector', channel.source, ['source'], ends('source')),
    format: typeof channel.format === 'string'
      ? named(pieces.formats, 'format', channel.format, {}, ['format'], 'value')
      : piece(pieces.formats, 'format', channel.format, ['format']),
    steps: steps(channel.steps, ['steps']),
    destinations: destinations.map((destination, index) => ({
      to: piece(pieces.destinations, 'connector', destination.to, ['destinations', index, 'to'], ends('destination')),
      steps: [
        ...('keep' in destination ? [named(pieces.transforms, 'step', 'keep', destination.keep, ['destinations', index, 'keep'], 'key')] : []),
        ...steps(destination.steps, ['destinations', index, 'steps']),
      ],
    })),
    mistakes: found,
  }
}

type Definitions = ReadonlyMap<string, Definition<TSchema, unknown>>

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)
