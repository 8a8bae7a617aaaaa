/** Rule: each path can be read in the format that messages have at that point. */
import type { ChannelPiece } from '../channel-definition.js'
import type { LoadContext, LoadedChannel } from '../channel-loader.js'
import type { Rule } from './check.js'
import { checkingTools } from './checking-tools.js'
import { complaint } from '../complaint.js'
import type { MessageFormat } from '../contracts.js'
import type { Problem } from '../problem.js'
import type { Keys } from '../schema-errors.js'

interface UsedPath { readonly keys: Keys; readonly path: string; readonly at: 'key' | 'value' }

type Settings = ChannelPiece['settings']

/** Which settings of which steps are paths; the steps that say nothing here check their own. */
const PATHS: Readonly<Record<string, (settings: Settings) => readonly UsedPath[]>> = {
  keep: ({ where }) => (isRecord(where) ? Object.keys(where).map(path => ({ keys: ['where', path], path, at: 'key' })) : []),
  set: settings => Object.entries(settings).flatMap(([path, value]) => [
    { keys: [path], path, at: 'key' as const },
    ...(isRecord(value) && typeof value.from === 'string' ? [{ keys: [path, 'from'], path: value.from, at: 'value' as const }] : []),
  ]),
  translate: ({ path }) => (typeof path === 'string' ? [{ keys: ['path'], path, at: 'value' }] : []),
}

export const paths: Rule = (channels, context) => channels.flatMap(channel => pathsOf(channel, context))

const pathsOf = (channel: LoadedChannel, context: LoadContext): Problem[] => {
  const { definition } = channel
  const { tools } = checkingTools(context, channel.file)
  const arriving = context.pieces.formats.get(definition.format.name)?.create(definition.format.settings, tools)
  if (!arriving) return []
  const problems: Problem[] = []
  const check = (format: MessageFormat, { keys, path, at }: UsedPath): void => {
    const wrong = format.checkPath(path)
    if (wrong !== null) problems.push(complaint(channel, keys, 'error', 'wrong-path', `\`${path}\` is no path of ${format.name}: ${wrong.replace(/([^.?!])$/, '$1.')}`, '', at))
  }
  const follow = (start: MessageFormat, steps: readonly ChannelPiece[]): MessageFormat => {
    let format = start
    for (const { name, settings, keys } of steps) {
      for (const used of PATHS[name]?.(settings) ?? []) check(format, { ...used, keys: [...keys, ...used.keys] })
      if (name === 'keep' && typeof settings.where === 'string' && !format.test) {
        problems.push(complaint(channel, [...keys, 'where'], 'error', 'wrong-path', `Messages are ${format.name} here, which has no expressions.`, 'Write paths and values: `where: { path: value }`.'))
      }
      const produces = context.pieces.transforms.get(name)?.produces
      if (produces !== undefined && produces !== format.name) format = produces === arriving.name ? arriving : tools.format(produces)
    }
    return format
  }
  for (const [name, path] of Object.entries(definition.index)) check(arriving, { keys: ['index', name], path, at: 'value' })
  const stepped = follow(arriving, definition.steps)
  const leaving = new Map<string, MessageFormat>()
  definition.destinations.forEach(({ name, steps, partition }, index) => {
    const format = follow(stepped, steps)
    leaving.set(name, format)
    const keys = ['destinations', index, 'partition']
    if (partition) check(format, { keys: channel.yaml.scalar(keys) ? keys : [...keys, 'by'], path: partition.by, at: 'value' })
  })
  definition.tests.forEach((test, index) => {
    for (const [name, expected] of Object.entries(test.expect)) {
      const format = leaving.get(name)
      if (!format) continue
      const items = Array.isArray(expected) ? expected.map((one, n) => [one, ['tests', index, 'expect', name, n]] as const) : [[expected, ['tests', index, 'expect', name]] as const]
      for (const [item, keys] of items) if (isRecord(item)) for (const path of Object.keys(item)) check(format, { keys: [...keys, path], path, at: 'key' })
    }
  })
  return problems
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)
