/** Reads channel files: YAML, variables and secrets, the schema, every piece's own settings; and makes each piece once to see that it can be made. */
import { createHash, createHmac, randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Static } from 'typebox'
import { type ChannelDefinition, ChannelFile, type ChannelPiece, LANES } from './channel-definition.js'
import { findChannelPieces, type FoundPieces } from './channel-pieces.js'
import { type CheckingTools, checkingTools } from './check/checking-tools.js'
import { problemAt } from './complaint.js'
import { sentence } from './errors.js'
import { unquotedNumbers } from './check/check-numbers.js'
import { secretsInClear } from './check/check-secrets.js'
import type { Mappings } from './mappings.js'
import { inOrder, type Problem, shown } from './problem.js'
import { fillFromProfiles } from './profiles/profiles.js'
import type { Pieces } from './registry.js'
import { type Keys, mistakes } from './schema-errors.js'
import { type Sources, secretPlace } from './substitute.js'
import { watchMistakes } from './watch/settings.js'
import { readYaml, type YamlSource } from './yaml-source.js'

export type { Problem } from './problem.js'

/** What channel files are read with. */
export interface LoadContext extends Pick<Sources, 'environment' | 'secrets'> {
  readonly pieces: Pieces
  readonly mappings: Mappings
  readonly settings: { readonly data: string; readonly fixtures: string; readonly secrets: string; readonly http?: { readonly port: number } }
}

export interface LoadedChannel {
  readonly definition: ChannelDefinition
  readonly file: string // as shown to people, and as its problems name it
  readonly text: string
  /** Changes when what runs changes: not with a test or a comment. Comparable within one run of the engine. */
  readonly revision: string
  readonly usedVariables: readonly string[]
  readonly secretsUsed: readonly string[]
  readonly files: readonly string[] // scripts, mapping files and profiles it depends on, wherever they lie (or would lie)
  readonly yaml: YamlSource // with what its profiles fill
  /** Where its keys lead, as file:line:column. */
  place(...keys: Keys): string
}

/** Reads every `.yaml` file of a folder. A channel with an error is among the problems only; those with warnings are in both. */
export async function loadChannels(folder: string, context: LoadContext): Promise<{ channels: LoadedChannel[]; problems: Problem[] }> {
  const names = await readdir(folder).catch((error: unknown) => sentence(error))
  if (typeof names === 'string') return { channels: [], problems: [problem(shown(folder), 'no-folder', `The folder of channels cannot be read: ${names}.`, 'Name another with --channels.')] }
  const files = names.filter(name => /\.ya?ml$/i.test(name) && !name.startsWith('.')).sort()
  const read = await Promise.all(files.map(name => loadChannel(join(folder, name), context)))
  const problems = read.flatMap(each => each.problems)
  const channels = new Map<string, LoadedChannel>()
  for (const { channel } of read) {
    if (!channel) continue
    const { name } = channel.definition
    const before = channels.get(name)
    if (before) problems.push(problem(channel.file, 'same-name', `A channel called \`${name}\` is already in ${before.file}.`, 'Give each channel a name of its own.', channel.yaml.position(['name'])))
    else channels.set(name, channel)
  }
  return { channels: [...channels.values()], problems: inOrder(problems) }
}

/** Reads one channel file, or `given` as if the file held it; `channel` is null where there is an error. */
export async function loadChannel(path: string, context: LoadContext, given?: string): Promise<{ channel: LoadedChannel | null; problems: Problem[] }> {
  const file = shown(path)
  let text: string
  try {
    text = given ?? new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await readFile(path))
  } catch (error) {
    const because = error instanceof TypeError ? 'it is not UTF-8' : sentence(error)
    return { channel: null, problems: [problem(file, 'unreadable', `The file cannot be read: ${because}.`)] }
  }
  const sources: Sources = { ...context, secretPlace: name => secretPlace(context.settings.secrets, name) }
  const own = readYaml(path, text, sources)
  if (own.value === undefined || own.problems.some(({ rule }) => rule === 'yaml')) return { channel: null, problems: [...own.problems] }
  const { yaml, profiles, problems: unfilled } = fillFromProfiles(own, context.mappings, sources)
  if (unfilled.length > 0) return { channel: null, problems: inOrder([...yaml.problems, ...unfilled]) }

  const written = (keys: Keys): string | null => {
    const scalar = yaml.scalar(keys)
    return !scalar || scalar.secrets.length > 0 || scalar.text.length > 80 ? null : scalar.text
  }
  const found = findChannelPieces(yaml.value, yaml, context.pieces, written)
  const wrong = [...mistakes(ChannelFile, yaml.value, { name: 'a channel', written }), ...found.mistakes, ...watchMistakes(yaml.value)].filter(({ keys }) => !yaml.scalar(keys)?.unresolved)
  const problems: Problem[] = [
    ...(isOff(yaml.value) ? yaml.problems.filter(({ rule }) => rule !== 'secret') : yaml.problems),
    ...wrong.map(({ keys, at, rule, message }) => problemAt(yaml, keys, { rule, message }, at)),
    ...secretsInClear(yaml, found, context.pieces),
  ]
  problems.push(...unquotedNumbers(yaml, problems))
  if (problems.some(({ severity }) => severity === 'error')) return { channel: null, problems: inOrder(problems) }

  const definition = complete(yaml.value as Static<typeof ChannelFile>, found)
  const tools = checkingTools(context, path)
  problems.push(...unmakeable(definition, context.pieces, tools, yaml))
  if (problems.some(({ severity }) => severity === 'error')) return { channel: null, problems: inOrder(problems) }
  const scalars = [...yaml.scalars()].map(([, scalar]) => scalar)
  const secretsUsed = unique(scalars.flatMap(({ secrets }) => secrets))
  const channel: LoadedChannel = {
    definition, file, text, yaml, secretsUsed,
    revision: revisionOf(yaml.value, secretsUsed, tools.files),
    usedVariables: unique(scalars.flatMap(({ variables }) => variables)),
    files: unique([...tools.files, ...profiles.map(profile => profile.file)]),
    place: yaml.place,
  }
  return { channel, problems: inOrder(problems) }
}

/** What does not run needs no secrets yet. */
const isOff = (value: unknown): boolean => (value as { readonly enabled?: unknown } | null)?.enabled === false

const problem = (file: string, rule: string, message: string, hint = '', position = { line: 1, column: 1 }): Problem => ({ file, ...position, rule, message, hint, severity: 'error' })

const unique = (words: readonly string[]): string[] => [...new Set(words)].sort()

/** Spells out the short forms. Only called where nothing is wrong, so no piece is missing. */
const complete = (written: Static<typeof ChannelFile>, found: FoundPieces): ChannelDefinition => {
  const sure = (piece: ChannelPiece | null | undefined): ChannelPiece => {
    if (!piece) throw new Error('a channel without mistakes has all its pieces')
    return piece
  }
  return {
    ...written,
    source: sure(found.source),
    format: sure(found.format),
    steps: found.steps.map(sure),
    destinations: written.destinations.map(({ keep: _, partition, retryOn, ...rest }, index) => ({
      ...rest,
      to: sure(found.destinations[index]?.to),
      steps: (found.destinations[index]?.steps ?? []).map(sure),
      partition: partition === undefined ? null : typeof partition === 'string' ? { by: partition, lanes: LANES } : { by: partition.by, lanes: partition.lanes ?? LANES },
      retryOn: retryOn.map(String),
    })),
    tests: written.tests.map(test => ({
      ...test,
      given: [test.given].flat(),
      mock: Object.fromEntries(Object.entries(test.mock).map(([name, outcomes]) => [name, [outcomes].flat()])),
    })),
  }
}

/** What `create` says of each piece that cannot be made of its settings. */
const unmakeable = (definition: ChannelDefinition, pieces: Pieces, { tools }: CheckingTools, yaml: YamlSource): Problem[] => {
  const problems: Problem[] = []
  const make = (piece: ChannelPiece, definitions: Pieces[keyof Pieces]): void => {
    try {
      definitions.get(piece.name)?.create(piece.settings, tools)
    } catch (error) {
      problems.push(problemAt(yaml, piece.keys, { rule: 'cannot-work', message: `\`${piece.name}\` cannot work with these settings: ${sentence(error).replace(/([^.?!])$/, '$1.')}` }, 'key'))
    }
  }
  make(definition.format, pieces.formats)
  make(definition.source, pieces.sources)
  for (const step of definition.steps) make(step, pieces.transforms)
  for (const { to, steps } of definition.destinations) {
    for (const step of steps) make(step, pieces.transforms)
    make(to, pieces.destinations)
  }
  return problems
}

const RUN = randomBytes(32)

/** Keyed where a secret is in it, so that it tells nothing of the secret. */
const revisionOf = (value: unknown, secretsUsed: readonly string[], files: ReadonlySet<string>): string => {
  const { tests: _, description: __, ...runs } = value as Record<string, unknown>
  const hash = secretsUsed.length > 0 ? createHmac('sha256', RUN) : createHash('sha256')
  hash.update(JSON.stringify(runs))
  for (const file of [...files].sort()) hash.update(`\0${file}\0`).update(existsSync(file) ? readFileSync(file) : '')
  return hash.digest('hex').slice(0, 12)
}
