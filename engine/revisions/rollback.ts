/** What it takes to bring an earlier revision back: which files, and whom else it concerns. */
import type { LoadedChannel } from '../channel-loader.js'
import { ReferoError } from '../errors.js'
import type { Problem } from '../problem.js'
import { atShipped, dependents } from './brought.js'
import { refuseShared } from './deploy.js'
import type { History, Revision } from './history.js'
import type { RollbackRequest } from './requests.js'
import { contentOf, digest, elsewhere, type Encoding, pathOf } from './snapshot.js'
import { type Trying, tryOut } from './staged.js'
import type { FileChange } from './undertaking.js'

export interface RollbackPlan {
  readonly target: Revision
  readonly path: string // of the channel file
  readonly files: readonly FileChange[] // the channel file among them; none where all is so already
  readonly restarts: readonly string[] // because of its scripts and mappings
  readonly problems: readonly Problem[]
  readonly notes: readonly string[]
  readonly channel: LoadedChannel | null // as it would be; null where other files than its own change too
}

/** Throws NOT_FOUND where there is nothing to go back to, and SHARED_FILES where other channels would change and that is not wanted. */
export async function planRollback(name: string, { to, shared }: RollbackRequest, history: History, trying: Trying): Promise<RollbackPlan> {
  const { folders, channels } = trying
  const target = to === null ? oneBack(name, history) : history.get(name, to)
  const path = pathOf(target.file, folders)
  if (!path) throw new ReferoError('NOT_FOUND', `The file ${target.file} of revision ${target.sequence} lies outside the folder of channels.`)
  const text = history.content(target.text)
  const own: FileChange[] = contentOf(path) === text ? [] : [{ path, before: contentOf(path), after: text }]
  const notes: string[] = []
  const depended: FileChange[] = []
  for (const { name: file, content } of target.files) {
    const place = pathOf(file, folders)
    if (content === null || contentOf(place ?? elsewhere(file)) === history.content(content)) continue
    if (place) depended.push({ path: place, before: contentOf(place), after: history.content(content) })
    else notes.push(file.startsWith('product/') ? `${file} comes with Refero and is left as it is; it was different then.` : `${file} lies in none of the folders and is left as it is; it was different then.`)
  }
  const others: FileChange[] = []
  for (const { file, once, last } of carriedFiles(name, target, history)) {
    const place = pathOf(file, folders)
    if (!place || once === last || target.files.some((one) => one.name === file && one.content !== null)) continue
    const encoding: Encoding = file.startsWith('fixtures/') ? 'base64' : 'utf8'
    const now = contentOf(place, encoding)
    const after = once && history.content(once, encoding)
    if (now === after) continue
    const needed = after === null && atShipped(place, folders) === null ? dependents(place, name, channels, folders) : []
    if ((now === null ? null : digest(now, encoding)) !== last) notes.push(`${file} has been changed since and is left as it is; it was ${after === null ? 'not there' : 'different'} then.`)
    else if (needed.length > 0) notes.push(`${file} was not there then and is left where it is: ${needed.join(', ')} needs it.`)
    else others.push({ path: place, before: now, after, encoding })
  }
  const runs = [...depended, ...others.filter(({ encoding }) => encoding === 'utf8')]
  if (!shared) refuseShared(runs, name, 'was different then', trying)
  const files = [...own, ...depended, ...others]
  if (files.length === 0) return { target, path, files, restarts: [], problems: [], notes, channel: null }
  const { channel, problems } = await tryOut(name, path, text, files, { ...trying, tests: null })
  const concerned = runs.flatMap((file) => dependents(file.path, name, channels, folders))
  const restarting = runs.length > 0 && channels.some(({ definition }) => definition.name === name) && channel?.definition.enabled !== false ? [name] : []
  if (channel && channel.definition.tests.length > 0) notes.push('Its tests are not run: it ran before, and what is brought back is what ran.')
  return { target, path, files, restarts: [...restarting, ...concerned], problems, notes, channel: runs.length > 0 ? null : channel }
}

/** Every file that a change of the channel ever wrote or removed: what it was at the target, and what it was last (SHA-256; null: not there). */
function carriedFiles(name: string, target: Revision, history: History): readonly { readonly file: string; readonly once: string | null; readonly last: string | null }[] {
  const found = new Map<string, { once: string | null; last: string | null }>()
  for (const { sequence, carried } of [...all(name, history)].reverse()) {
    for (const { name: file, before, after } of carried) {
      const known = found.get(file)
      found.set(file, { once: sequence <= target.sequence ? after : known ? known.once : before, last: after })
    }
  }
  return [...found].map(([file, states]) => ({ file, ...states }))
}

/** The last revision before the present one that was different; a rollback counts as what it brought back, so that two of them go two steps. */
function oneBack(name: string, history: History): Revision {
  const head = history.head(name)
  if (!head) throw new ReferoError('NOT_FOUND', `No channel has ever been called \`${name}\`.`)
  const from = head.of ?? head.sequence
  const revisions = all(name, history)
  const carriedAfter = (sequence: number): boolean => revisions.some((one) => one.sequence > sequence && one.sequence <= from && one.carried.length > 0)
  const back = revisions.find((one) => one.sequence < from && one.from !== 'removal' && (head.from === 'removal' || one.revision !== head.revision || carriedAfter(one.sequence)))
  if (!back) throw new ReferoError('NOT_FOUND', `\`${name}\` has no earlier revision.`)
  return back
}

const all = (name: string, history: History): readonly Revision[] => history.list(name, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY)
