/** What a channel is made of at one moment, and the one name that this content has wherever it runs: its revision. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { isAbsolute, join, relative, sep } from 'node:path'
import { shippedMappings } from '../../config/loader.js'
import type { LoadedChannel } from '../channel-loader.js'

/** The folders that the files of channels are named from, so that a name holds on another machine too. */
export interface Folders {
  readonly channels: string
  readonly mappings: string
  readonly fixtures: string
}

export const FOLDERS = ['channels', 'mappings', 'fixtures'] as const

/** How a content is written as text: what channels are made of as it is, a fixture, which may be anything, in base64. */
export type Encoding = 'utf8' | 'base64'

/** A channel file, and every script and mapping that it depends on; `content` is null where such a file is not there. */
export interface Snapshot {
  readonly text: string
  readonly files: readonly { readonly path: string; readonly content: string | null }[] // absolute paths, in order
}

export function snapshotOf({ text, files }: Pick<LoadedChannel, 'text' | 'files'>): Snapshot {
  return { text, files: files.map((path) => ({ path, content: contentOf(path) })) }
}

/** The content of a file; null where there is none. */
export function contentOf(path: string, encoding: Encoding = 'utf8'): string | null {
  try {
    return readFileSync(path, encoding)
  } catch {
    return null
  }
}

/** The name of a content: twelve hexadecimal digits of the SHA-256 of its text and of what it depends on. It is the same after a restart. */
export function revisionOfSnapshot({ text, files }: Snapshot): string {
  return createHash('sha256').update(text).update(files.map(({ content }) => `\0${content === null ? '' : digest(content)}`).join('')).digest('hex').slice(0, 12)
}

const known = new WeakMap<object, string>()

/** The same of a channel, its files as they were when this was first asked for: unlike LoadedChannel.revision it changes with a comment too. */
export function revisionOf(loaded: Pick<LoadedChannel, 'text' | 'files'>): string {
  const revision = known.get(loaded) ?? revisionOfSnapshot(snapshotOf(loaded))
  known.set(loaded, revision)
  return revision
}

export const digest = (content: string, encoding: Encoding = 'utf8'): string => createHash('sha256').update(content, encoding).digest('hex')

const SHIPPED = 'product/mappings/'

/** How a file is named in the history: channels/split.js, mappings/fields/visit.yaml, product/mappings/fields/referral.yaml, or its whole path where it lies elsewhere. */
export function nameOf(path: string, folders: Folders): string {
  for (const name of FOLDERS) {
    const inside = within(folders[name], path)
    if (inside !== null) return `${name}/${inside}`
  }
  const shipped = within(shippedMappings(), path)
  return shipped === null ? path : `${SHIPPED}${shipped}`
}

/** Where a file of that name lies; null where it is in none of the folders, and so is not ours to write. */
export function pathOf(name: string, folders: Folders): string | null {
  const [first, ...inside] = name.split('/')
  const folder = FOLDERS.find((one) => one === first)
  return folder === undefined || inside.length === 0 || inside.includes('..') ? null : join(folders[folder], ...inside)
}

/** Where a file that is not ours to write can be looked at. */
export const elsewhere = (name: string): string => (name.startsWith(SHIPPED) ? join(shippedMappings(), name.slice(SHIPPED.length)) : name)

/** The path of a file inside a folder, with slashes; null where it lies elsewhere. */
export function within(folder: string, path: string): string | null {
  const inside = relative(folder, path)
  return inside === '' || inside.startsWith('..') || isAbsolute(inside) ? null : inside.split(sep).join('/')
}
