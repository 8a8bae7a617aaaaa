/** What it takes to bring an earlier revision back: which files, and whom else it concerns. */
import { resolve } from 'node:path'
import type { Configuration } from '../../config/loader.js'
import { loadChannel, type LoadContext, type LoadedChannel } from '../channel-loader.js'
import { ReferoError } from '../errors.js'
import type { Problem } from '../problem.js'
import type { Pieces } from '../registry.js'
import { examine } from './examine.js'
import type { History, Revision } from './history.js'
import type { RollbackRequest } from './requests.js'
import { contentOf, pathOf } from './snapshot.js'
import { errorsWith } from './staged.js'
import type { Undertaking } from './undertaking.js'

export interface RollbackParts {
  readonly history: History
  readonly channels: readonly LoadedChannel[] // as they are now
  readonly context: LoadContext
  readonly configuration: Configuration
  readonly pieces: Pieces
}

export interface RollbackPlan {
  readonly target: Revision
  readonly files: Undertaking['files'] // none where all is so already
  readonly restarts: readonly string[] // because of its scripts and mappings
  readonly problems: readonly Problem[]
  readonly notes: readonly string[]
  readonly channel: LoadedChannel | null // as it would be; null where other files than its own change too
}

/** Throws NOT_FOUND where there is nothing to go back to, and SHARED_FILES where other channels would change and that is not wanted. */
export async function planRollback(name: string, { to, shared }: RollbackRequest, { history, channels, context, configuration, pieces }: RollbackParts): Promise<RollbackPlan> {
  const { settings } = configuration
  const target = to === null ? oneBack(name, history) : history.get(name, to)
  const path = pathOf(target.file, settings)
  if (!path) throw new ReferoError('NOT_FOUND', `The file ${target.file} of revision ${target.sequence} lies outside the folder of channels.`)
  const notes: string[] = []
  const files: Undertaking['files'][number][] = []
  const text = history.content(target.text)
  if (contentOf(path) !== text) files.push({ path, before: contentOf(path), after: text })
  const concerned = new Map<string, string[]>()
  for (const { name: file, content } of target.files) {
    const place = pathOf(file, settings)
    if (content === null || (place && contentOf(place) === history.content(content))) continue
    if (!place) {
      if (contentOf(file) !== history.content(content)) notes.push(`${file} lies in neither folder and is left as it is; it was different then.`)
      continue
    }
    files.push({ path: place, before: contentOf(place), after: history.content(content) })
    const others = channels.filter((one) => one.definition.name !== name && one.files.some((each) => resolve(each) === place)).map(({ definition }) => definition.name)
    if (others.length > 0) concerned.set(file, others)
  }
  if (concerned.size > 0 && !shared) {
    throw new ReferoError('SHARED_FILES', `${[...concerned].map(([file, others]) => `${file} was different then, and ${others.join(', ')} ${others.length === 1 ? 'depends' : 'depend'} on it too`).join('; ')}.`)
  }
  const depended = files.filter((file) => file.path !== path)
  const tell = { target, files, notes }
  if (depended.length === 0) {
    if (files.length === 0) return { ...tell, restarts: [], problems: [], channel: null }
    const { channel, problems } = await examine(name, path, text, channels, context, null)
    return { ...tell, restarts: [], problems, channel }
  }
  const problems = await errorsWith(new Map(files.map((file) => [file.path, file.after as string])), configuration, pieces)
  const { channel } = await loadChannel(path, context, text)
  const own = channels.some(({ definition }) => definition.name === name) && channel?.definition.enabled !== false ? [name] : []
  return { ...tell, restarts: [...own, ...[...concerned.values()].flat()], problems, channel: null }
}

/** The last revision before the present one that was different; a rollback counts as what it brought back, so that two of them go two steps. */
function oneBack(name: string, history: History): Revision {
  const head = history.head(name)
  if (!head) throw new ReferoError('NOT_FOUND', `No channel has ever been called \`${name}\`.`)
  const earlier = history.list(name, head.of ?? head.sequence, Number.POSITIVE_INFINITY)
  const back = head.from === 'removal' ? earlier.find(({ from }) => from !== 'removal') : earlier.find(({ revision, from }) => revision !== head.revision && from !== 'removal')
  if (!back) throw new ReferoError('NOT_FOUND', `\`${name}\` has no earlier revision.`)
  return back
}
