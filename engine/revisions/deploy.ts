/** What it takes to deploy a channel with the files that it needs: what is written, what would be wrong, and whom else it concerns. */
import { resolve } from 'node:path'
import { loadChannel, type LoadedChannel } from '../channel-loader.js'
import { ReferoError } from '../errors.js'
import { fixturesOf } from '../fixtures.js'
import { inOrder, type Problem } from '../problem.js'
import { dependents, type Placed, placed } from './brought.js'
import type { Draft } from './requests.js'
import { nameOf, type Snapshot } from './snapshot.js'
import { tryOut, type Tried, type Trying } from './staged.js'

export interface DeployPlan extends Pick<Tried, 'problems' | 'tests'> {
  readonly channel: LoadedChannel | null // null where it cannot be read
  readonly snapshot: Snapshot | null // of the channel as it will be
  readonly files: readonly Placed[] // beside the channel file
  readonly dependents: readonly string[] // other channels that depend on what changes
  readonly concerned: boolean // whether a file that it depends on changes
  readonly alone: LoadedChannel | null // the text with the files that are there now; null where it cannot be read with them
}

/** `path` is where the channel file lies, or would. Throws USAGE for a file that may not come. */
export async function planDeploy(name: string, path: string, { text, files }: Draft, trying: Trying): Promise<DeployPlan> {
  const { folders, channels, context } = trying
  const brought = placed(files, path, folders)
  const tried = await tryOut(name, path, text, [{ path, before: null, after: text }, ...brought], trying)
  const used = tried.channel && tried.snapshot ? new Set([...tried.snapshot.files.map((file) => file.path), ...fixturesOf(tried.channel.definition).map((file) => resolve(folders.fixtures, file))]) : null
  const unused = brought.filter((file) => used !== null && !used.has(file.path)).map((file): Problem =>
    ({ file: file.name, line: 1, column: 1, rule: 'unused-file', message: `The channel \`${name}\` does not use this file.`, hint: 'Leave it out; whoever needs it brings it.', severity: 'error' }))
  const depended = brought.filter((file) => file.encoding === 'utf8')
  return {
    channel: tried.channel, snapshot: tried.snapshot, tests: tried.tests,
    problems: inOrder([...tried.problems, ...unused]),
    files: brought,
    dependents: [...new Set(depended.flatMap((file) => dependents(file.path, name, channels, folders)))].sort(),
    concerned: depended.length > 0,
    alone: depended.length > 0 ? (await loadChannel(path, context, text)).channel : tried.channel,
  }
}

/** Throws SHARED_FILES where other channels would change and that is not wanted. */
export function refuseShared(files: readonly { readonly path: string }[], name: string, was: string, { channels, folders }: Pick<Trying, 'channels' | 'folders'>): void {
  const shared = files.map((file) => ({ file: nameOf(file.path, folders), others: dependents(file.path, name, channels, folders) })).filter(({ others }) => others.length > 0)
  if (shared.length === 0) return
  throw new ReferoError('SHARED_FILES', `${shared.map(({ file, others }) => `${file} ${was}, and ${others.join(', ')} ${others.length === 1 ? 'depends' : 'depend'} on it too`).join('; ')}.`)
}
