/** `refero diff`: what a changed folder of channels would change, setting by setting. */
import { existsSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { shippedMappings } from '../../config/loader.js'
import { type LoadContext, type LoadedChannel, loadChannels } from '../channel-loader.js'
import { JSON_OPTION, type Command, type Given, type Terminal } from '../command.js'
import { ReferoError } from '../errors.js'
import { openMappings } from '../mappings.js'
import { type Problem, problemLine, shown } from '../problem.js'
import { findPieces } from '../registry.js'
import { channelChanges, type ChannelChange } from '../tools/structural-diff.js'
import { withWaiting } from '../tools/structural-diff-consequences.js'
import { documentChanges, type DocumentChange } from '../tools/structural-diff-documents.js'
import { askEngine, ENGINE_OPTIONS } from './parts/engine-api.js'
import { loadInstallation, SETTINGS_OPTIONS } from './parts/settings.js'

interface Side {
  readonly folder: string
  readonly context: LoadContext
  readonly channels: readonly LoadedChannel[]
  readonly errors: readonly Problem[]
}

const diff: Command = {
  name: 'diff',
  summary: 'Shows what a changed folder of channels would change, setting by setting.',
  usage: 'FOLDER [OTHER] [--waiting] [--channels DIR] [--json]',
  options: { ...SETTINGS_OPTIONS, waiting: { type: 'boolean', describe: 'ask the running engine how much waits in the queues that would go' }, ...ENGINE_OPTIONS, ...JSON_OPTION },
  exits: '0 nothing is different, 1 something is (a file that cannot be used counts), 2 they could not be compared. With one folder the present channels are compared with it. A folder that has channels/ in it may have mappings/ too.',
  async run(given, terminal) {
    const [before, after] = await sides(given, terminal)
    const users = (file: string): string[] => [...before.channels, ...after.channels].filter(({ files }) => files.includes(file)).map(({ definition }) => definition.name)
    const documents = documentChanges(before.context.mappings, after.context.mappings, users)
    const named = new Map(documents.flatMap(({ document, files }) => files.map((file) => [file, `mappings/${document}.yaml`] as const)))
    const changes = channelChanges(before.channels, after.channels, named)
    const { queues } = given.flag('waiting') ? ((await askEngine(given, terminal, '/api/queues')) as { queues: Parameters<typeof withWaiting>[1] }) : { queues: [] }
    const channels = withWaiting(changes, queues)
    const problems = [...before.errors, ...after.errors]
    if (given.flag('json')) terminal.out(JSON.stringify({ before: before.folder, after: after.folder, channels, documents, problems }))
    else print(channels, documents, problems, terminal)
    return channels.length + documents.length + problems.length > 0 ? 1 : 0
  },
}

async function sides(given: Given, terminal: Terminal): Promise<readonly [Side, Side]> {
  const [first, second, ...more] = given.words
  if (first === undefined || more.length > 0) throw new ReferoError('USAGE', 'Name the changed folder, or two folders to compare.')
  const { settings, environment, secrets } = loadInstallation(given, terminal)
  const pieces = await findPieces()
  const side = async (folder: string | null): Promise<Side> => {
    if (folder !== null && !statSync(folder, { throwIfNoEntry: false })?.isDirectory()) throw new ReferoError('NOT_FOUND', `There is no folder ${folder}.`)
    const whole = folder !== null && existsSync(join(folder, 'channels'))
    const from = folder === null ? settings.channels : resolve(whole ? join(folder, 'channels') : folder)
    const mappings = whole && existsSync(join(folder, 'mappings')) ? resolve(folder, 'mappings') : settings.mappings
    const context: LoadContext = { pieces, mappings: openMappings(mappings, shippedMappings()), environment, secrets, settings }
    const { channels, problems } = await loadChannels(from, context)
    return { folder: shown(from), context, channels, errors: problems.filter(({ severity }) => severity === 'error') }
  }
  return second === undefined ? [await side(null), await side(first)] : [await side(first), await side(second)]
}

function print(channels: readonly ChannelChange[], documents: readonly DocumentChange[], problems: readonly Problem[], { out, err }: Terminal): void {
  for (const problem of problems) err(problemLine(problem))
  for (const { channel, change, file, before, settings, destinations, tests, documents: touched, consequences } of channels) {
    out(`${SIGN[change]} ${channel} ${before === null ? change : `renamed from ${before}`} (${file})`)
    for (const name of destinations.added) out(`    + destination ${name}`)
    for (const name of destinations.removed) out(`    - destination ${name}`)
    for (const { from, to } of destinations.renamed) out(`    ~ destination ${from} renamed ${to}`)
    for (const { path, before: was, after: is, from } of settings) out(`    ${line(path, was, is)}${from === null ? '' : `   # ${from}`}`)
    for (const kind of ['added', 'removed', 'changed'] as const) for (const name of tests[kind]) out(`    ${SIGN[kind]} test ${name}`)
    for (const document of touched) out(`    ~ uses ${document}, which is different`)
    for (const sentence of consequences) out(`    → ${sentence}`)
  }
  for (const { document, change, rows, channels: users } of documents) {
    out(`${SIGN[change]} mappings/${document}.yaml ${change}; ${users.length === 0 ? 'no channel uses it' : `used by ${users.join(', ')}`}`)
    for (const { row, before, after } of rows.slice(0, MOST_ROWS)) out(`    ${line(row, before, after)}`)
    if (rows.length > MOST_ROWS) out(`    and ${rows.length - MOST_ROWS} more; --json has them all`)
  }
  const count = (change: string): number => channels.filter((each) => each.change === change).length
  const restarting = channels.filter(({ restarts }) => restarts).length
  if (channels.length + documents.length === 0) out(problems.length === 0 ? 'Nothing is different.' : 'What could be read is not different.')
  else out(`${count('added')} channels added, ${count('removed')} removed, ${count('changed')} changed; ${restarting} would start or restart; ${documents.length} mappings different.`)
}

const MOST_ROWS = 50
const SIGN = { added: '+', removed: '-', changed: '~' } as const

const line = (what: string, before: unknown, after: unknown): string => {
  if (before === undefined) return `+ ${what}: ${short(after)}`
  return after === undefined ? `- ${what}: ${short(before)}` : `~ ${what}: ${short(before)} → ${short(after)}`
}
const short = (value: unknown): string => {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length > 160 ? `${text.slice(0, 157)}…` : text
}

export default diff
