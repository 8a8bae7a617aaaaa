/** The files that a deploy brings along: which may come, where each goes, and what is there now. */
import { isUtf8 } from 'node:buffer'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { shippedMappings } from '../../config/loader.js'
import type { LoadedChannel } from '../channel-loader.js'
import { ReferoError } from '../errors.js'
import { fixtureAt } from '../fixtures.js'
import type { BroughtFile, ChangedFile } from './requests.js'
import { contentOf, type Encoding, type Folders, nameOf, within } from './snapshot.js'
import type { FileChange } from './undertaking.js'

/** How much one deploy may bring: files, and bytes of all together. */
export const MOST = { files: 200, bytes: 16 * 1024 ** 2 }

/** A file that differs from what the engine would read now. */
export interface Placed extends FileChange {
  readonly name: string
  readonly encoding: Encoding
  readonly after: string
  readonly instead: string | null // what is read in its place now: the file itself, or the product's
}

/** Throws USAGE with a sentence for a file that may not come. What is so already is left out. */
export function placed(files: readonly BroughtFile[], channelFile: string, folders: Folders): readonly Placed[] {
  const found = new Map<string, Placed>()
  const seen = new Set<string>()
  let bytes = 0
  for (const file of files) {
    const content = bytesOf(file)
    bytes += content.length
    if (bytes > MOST.bytes) throw new ReferoError('USAGE', `The files are larger than ${MOST.bytes / 1024 ** 2} MB together.`)
    const path = placeOf(file, channelFile, folders)
    if (seen.has(path)) throw new ReferoError('USAGE', `${file.kind} \`${file.path}\` is there twice.`)
    seen.add(path)
    const encoding: Encoding = file.kind === 'fixture' ? 'base64' : 'utf8'
    const instead = contentOf(file.kind === 'mapping' ? readAt(path, folders) : file.kind === 'fixture' ? fixtureAt(folders.fixtures, file.path) : path, encoding)
    const after = content.toString(encoding)
    if (instead !== after) found.set(path, { path, name: nameOf(path, folders), before: contentOf(path, encoding), after, encoding, instead })
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** As a plan tells it. */
export const changedFile = ({ name, before, after, encoding }: FileChange & { readonly name: string }): ChangedFile =>
  ({ name, how: after === null ? 'removed' : before === null ? 'new' : 'changed', size: Buffer.byteLength(after ?? before ?? '', encoding) })

/** What a person should know where the engine has no folder of its own yet for what is brought. */
export function foldersToMake(files: readonly Placed[], folders: Folders): readonly string[] {
  return (['mappings', 'fixtures'] as const)
    .filter((folder) => !existsSync(folders[folder]) && files.some((file) => file.name.startsWith(`${folder}/`)))
    .map((folder) => `The engine makes ${folders[folder]} for what is brought: start it in the same folder again, or set \`${folder}\` to it (REFERO_${folder.toUpperCase()}).`)
}

/** The other channels that depend on a mapping or a script, wherever they read it from now: a mapping of one's own goes before the product's. */
export function dependents(path: string, name: string, channels: readonly LoadedChannel[], folders: Folders): readonly string[] {
  const table = path.replace(/\.csv$/, '.yaml') // rows that are new are read by whoever reads their table
  const places = new Set([path, table, atShipped(path, folders) ?? path, atShipped(table, folders) ?? table])
  return channels.filter(({ definition, files }) => definition.name !== name && files.some((file) => places.has(file))).map(({ definition }) => definition.name)
}

/** The product's mapping of the same name; null where it has none. */
export function atShipped(path: string, { mappings }: Folders): string | null {
  const inside = within(mappings, path)
  const shipped = inside === null ? null : join(shippedMappings(), inside)
  return shipped !== null && shipped !== path && contentOf(shipped) !== null ? shipped : null
}

const readAt = (path: string, folders: Folders): string => (contentOf(path) === null ? (atShipped(path, folders) ?? path) : path)

const SEGMENT = /^(?!\.)[^\\/:*?"<>|\p{Cc}]{1,100}$/u
const MAPPING = /^[A-Za-z0-9][A-Za-z0-9_-]*(\/[A-Za-z0-9][A-Za-z0-9_-]*)*\.(yaml|csv)$/

function placeOf({ kind, path }: BroughtFile, channelFile: string, { mappings, fixtures, channels }: Folders): string {
  const wrong = (what: string): ReferoError => new ReferoError('USAGE', `${kind} \`${path.slice(0, 200)}\`: ${what}.`)
  const segments = path.split('/')
  if (!segments.every((segment) => SEGMENT.test(segment))) throw wrong('a path has names with slashes between them, none of which begins with a dot')
  if (kind === 'fixture') return join(fixtures, ...segments)
  if (kind === 'mapping') {
    if (!MAPPING.test(path)) throw wrong('a mapping is a .yaml or .csv file, its path of letters, digits, - and _')
    return join(mappings, ...segments)
  }
  if (/\.ya?ml$/i.test(path)) throw wrong('a channel file is no script; deploy it by itself')
  const place = join(dirname(channelFile), ...segments)
  if (within(channels, place) === null) throw wrong('the channel file lies outside the folder of channels')
  return place
}

function bytesOf({ kind, path, text, base64 }: BroughtFile): Buffer {
  if ((text === undefined) === (base64 === undefined)) throw new ReferoError('USAGE', `${kind} \`${path.slice(0, 200)}\` has either a \`text\` or a \`base64\`.`)
  const bytes = text === undefined ? Buffer.from(base64 ?? '', 'base64') : Buffer.from(text)
  if (kind !== 'fixture' && !isUtf8(bytes)) throw new ReferoError('USAGE', `${kind} \`${path.slice(0, 200)}\` is not UTF-8.`)
  return bytes
}
