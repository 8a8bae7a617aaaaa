/** A change tried out: the folders that it concerns are copied, the change is made there, and what would run is read from the copy. */
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { type Configuration, shippedMappings } from '../../config/loader.js'
import type { TestWorld } from '../channel-tests.js'
import { type LoadContext, type LoadedChannel, loadChannels } from '../channel-loader.js'
import { checkChannels } from '../check/check.js'
import { openMappings } from '../mappings.js'
import { inOrder, type Problem, problemLine, shown } from '../problem.js'
import { type Examined, errorsIn, examine } from './examine.js'
import { contentOf, FOLDERS, type Folders, nameOf, pathOf, type Snapshot } from './snapshot.js'
import type { FileChange } from './undertaking.js'

/** A channel as it would be; its places and its problems name the real files. */
export interface Tried extends Examined {
  readonly snapshot: Snapshot | null // null where it cannot be read
}

export interface Trying {
  readonly folders: Folders
  readonly configuration: Configuration
  readonly channels: readonly LoadedChannel[] // as they are now
  readonly context: LoadContext
  readonly tests: TestWorld | null // null: none are run
}

const STAGED = '.staged-'

/** What would be wrong with the channel of the file `path`, and with others that is not wrong now, once all these files were written. */
export async function tryOut(name: string, path: string, text: string, files: readonly FileChange[], { folders, configuration, channels, context, tests }: Trying): Promise<Tried> {
  const concerned = FOLDERS.filter((folder) => files.some((file) => file.path !== path && nameOf(file.path, folders).startsWith(`${folder}/`)))
  if (concerned.length === 0) {
    const examined = await examine(name, path, text, channels, context, tests)
    return { ...examined, snapshot: examined.channel && snapshot(examined.channel, (file) => file) }
  }
  const kept = join(configuration.settings.data, 'revisions')
  await mkdir(kept, { recursive: true })
  const copy = await mkdtemp(join(kept, STAGED))
  try {
    const staged = { ...folders, ...Object.fromEntries(concerned.map((folder) => [folder, join(copy, folder)])) }
    for (const folder of concerned) {
      await mkdir(staged[folder])
      if (existsSync(folders[folder])) await cp(folders[folder], staged[folder], { recursive: true })
    }
    for (const file of files) {
      const place = pathOf(nameOf(file.path, folders), staged)
      if (!place || place === file.path) continue
      await mkdir(dirname(place), { recursive: true })
      if (file.after === null) await rm(place, { force: true })
      else await writeFile(place, file.after, file.encoding)
    }
    const mappings = openMappings(staged.mappings, shippedMappings())
    const after: LoadContext = { ...context, mappings, settings: { ...context.settings, fixtures: staged.fixtures } }
    const [now, then] = [await loadChannels(folders.channels, context), await loadChannels(staged.channels, { ...after, settings: context.settings })]
    const place = pathOf(nameOf(path, folders), staged) ?? path
    const examined = await examine(name, place, text, then.channels, after, tests && { ...tests, mappings, fixtures: staged.fixtures })
    const real = (words: string): string => concerned.reduce((said, folder) => said.replaceAll(shown(staged[folder]), shown(folders[folder])), words)
    const known = new Set(errorsOf(now, context).map(problemLine))
    const others = errorsOf(then, { ...after, settings: context.settings }).filter(({ file }) => resolve(file) !== resolve(place))
    const said = [...examined.problems, ...others].map((problem): Problem => ({ ...problem, file: real(problem.file), message: real(problem.message), hint: real(problem.hint) }))
    const problems = inOrder([...new Map(said.map((problem) => [problemLine(problem), problem])).values()].filter((problem) => resolve(problem.file) === resolve(path) || !known.has(problemLine(problem))))
    const lies = (file: string): string => pathOf(nameOf(file, staged), folders) ?? file
    return { ...examined, problems, snapshot: examined.channel && snapshot(examined.channel, lies) }
  } finally {
    await rm(copy, { recursive: true, force: true })
  }
}

/** Takes away the copies that a crash left. `folder` is data/revisions. */
export async function clearStaged(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => [])
  for (const name of names) if (name.startsWith(STAGED)) await rm(join(folder, name), { recursive: true, force: true })
}

function errorsOf({ channels, problems }: { channels: readonly LoadedChannel[]; problems: readonly Problem[] }, context: LoadContext): Problem[] {
  return errorsIn([...problems, ...checkChannels(channels, context)])
}

/** In the order of the real paths, as the history has it. */
function snapshot({ text, files }: LoadedChannel, real: (path: string) => string): Snapshot {
  const found = files.map((file) => ({ path: real(file), content: contentOf(file) }))
  return { text, files: found.sort((a, b) => (a.path < b.path ? -1 : 1)) }
}
