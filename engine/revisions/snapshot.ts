/** What a channel is made of at one moment, and the one name that this content has wherever it runs: its revision. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { isAbsolute, join, relative, sep } from 'node:path'
import type { LoadedChannel } from '../channel-loader.js'

/** The folders that the files of channels are named from, so that a name holds on another machine too. */
export interface Folders {
  readonly channels: string
  readonly mappings: string
}

/** A channel file, and every script and mapping that it depends on; `content` is null where such a file is not there. */
export interface Snapshot {
  readonly text: string
  readonly files: readonly { readonly path: string; readonly content: string | null }[] // absolute paths, in order
}

export function snapshotOf({ text, files }: Pick<LoadedChannel, 'text' | 'files'>): Snapshot {
  return { text, files: files.map((path) => ({ path, content: contentOf(path) })) }
}

/** The text of a file; null where there is none. */
export function contentOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
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

export const digest = (content: string): string => createHash('sha256').update(content).digest('hex')

/** How a file is named in the history: channels/split.js, mappings/fields/referral.yaml, or its whole path where it lies elsewhere. */
export function nameOf(path: string, folders: Folders): string {
  for (const [name, folder] of Object.entries(folders) as [string, string][]) {
    const inside = relative(folder, path)
    if (!inside.startsWith('..') && !isAbsolute(inside)) return `${name}/${inside.split(sep).join('/')}`
  }
  return path
}

/** Where a file of that name lies; null where it is in neither folder, and so is not ours to write. */
export function pathOf(name: string, folders: Folders): string | null {
  const [folder, ...inside] = name.split('/')
  if ((folder !== 'channels' && folder !== 'mappings') || inside.length === 0 || inside.includes('..')) return null
  return join(folders[folder], ...inside)
}
