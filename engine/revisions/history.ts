/** The history of channels: every revision that was applied, as plain files that nothing changes again. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { ReferoError } from '../errors.js'
import type { Disk } from './disk.js'
import { contentOf, digest, type Encoding } from './snapshot.js'

/** What was applied at one time, and by whom. The contents lie once each under their SHA-256. */
export interface Revision {
  readonly channel: string
  readonly sequence: number // 1, 2, 3 …
  readonly revision: string // of the content; the same content has the same
  readonly at: string // ISO 8601
  readonly by: string // "file" where somebody changed the files themselves
  readonly why: string
  readonly from: 'file' | 'api' | 'rollback' | 'removal' // removal: the content is what was removed
  readonly of: number | null // of a rollback: the sequence that it brought back
  readonly file: string // the channel file: channels/adt-in.yaml
  readonly text: string // SHA-256 of its text
  readonly files: readonly { readonly name: string; readonly content: string | null }[] // SHA-256 of each; null: it was not there
  readonly carried: readonly Carried[] // the files beside the channel file that this change wrote or removed
}

/** One file that a change wrote or removed: SHA-256 of what it was and what it became; null: no file. */
export interface Carried {
  readonly name: string
  readonly before: string | null
  readonly after: string | null
  readonly size: number // bytes that it has since, or had where it was removed
}

/** A revision that is about to be one: its texts still with it. */
export interface NewRevision extends Omit<Revision, 'channel' | 'sequence' | 'text' | 'files' | 'carried'> {
  readonly text: string
  readonly files: readonly { readonly name: string; readonly content: string | null }[]
  readonly carried?: readonly { readonly name: string; readonly before: string | null; readonly after: string | null; readonly encoding?: Encoding }[]
}

const RECORD = /^(\d{6,9})\.json$/

export class History {
  readonly #folder: string
  readonly #disk: Disk
  readonly #heads = new Map<string, Revision | null>()

  /** `folder` is data/revisions. */
  constructor(folder: string, disk: Disk) {
    this.#folder = folder
    this.#disk = disk
  }

  /** Every channel that there ever was, in the order of names. */
  channels(): readonly string[] {
    return names(join(this.#folder, 'channels'))
  }

  /** The last revision of a channel; null where there is none. */
  head(channel: string): Revision | null {
    const known = this.#heads.get(channel)
    if (known !== undefined) return known
    const head = this.list(channel, Number.POSITIVE_INFINITY, 1)[0] ?? null
    this.#heads.set(channel, head)
    return head
  }

  /** The revisions below a sequence, the last first; a record that is damaged is left out. */
  list(channel: string, before: number, limit: number): readonly Revision[] {
    const found: Revision[] = []
    for (const sequence of [...this.#sequences(channel)].reverse()) {
      if (found.length >= limit) break
      const revision = sequence < before ? this.#record(channel, sequence) : null
      if (revision) found.push(revision)
    }
    return found
  }

  /** Throws NOT_FOUND where the channel has no such revision. */
  get(channel: string, sequence: number): Revision {
    const revision = this.#record(channel, sequence)
    if (revision) return revision
    const sequences = this.#sequences(channel)
    throw new ReferoError('NOT_FOUND', sequences.length === 0 ? `No channel has ever been called \`${channel}\`.` : `\`${channel}\` has no revision ${sequence}; it has ${sequences[0]} to ${sequences.at(-1)}.`)
  }

  /** The content that has this SHA-256. */
  content(hash: string, encoding: Encoding = 'utf8'): string {
    const content = contentOf(this.#place(hash), encoding)
    if (content === null || digest(content, encoding) !== hash) throw new ReferoError('NOT_FOUND', `The history has lost the content ${hash.slice(0, 12)}: restore ${join(this.#folder, 'contents')} from a backup.`)
    return content
  }

  /** Keeps a content, and gives its SHA-256. */
  async keep(content: string, encoding: Encoding = 'utf8'): Promise<string> {
    const hash = digest(content, encoding)
    const place = this.#place(hash)
    if (contentOf(place) === null) await this.#disk.write(place, content, encoding)
    return hash
  }

  /** Adds a revision after the last; its texts are kept before the record that names them. */
  async append(channel: string, { text, files, carried = [], ...facts }: NewRevision): Promise<Revision> {
    const kept: Revision['files'][number][] = []
    for (const { name, content } of files) kept.push({ name, content: content === null ? null : await this.keep(content) })
    const brought: Carried[] = []
    for (const { name, before, after, encoding = 'utf8' } of carried) {
      const keep = async (content: string | null): Promise<string | null> => (content === null ? null : this.keep(content, encoding))
      brought.push({ name, before: await keep(before), after: await keep(after), size: Buffer.byteLength(after ?? before ?? '', encoding) })
    }
    const sequence = (this.#sequences(channel).at(-1) ?? 0) + 1
    const revision: Revision = { channel, sequence, ...facts, text: await this.keep(text), files: kept, carried: brought }
    await this.#disk.write(join(this.folderOf(channel), `${String(sequence).padStart(6, '0')}.json`), `${JSON.stringify(revision, null, 1)}\n`)
    this.#heads.set(channel, revision)
    return revision
  }

  /** Where all that is kept of a channel lies. */
  folderOf(channel: string): string {
    return join(this.#folder, 'channels', channel)
  }

  #place(hash: string): string {
    return join(this.#folder, 'contents', hash.slice(0, 2), hash)
  }

  #sequences(channel: string): readonly number[] {
    return names(this.folderOf(channel)).flatMap((name) => RECORD.exec(name)?.[1] ?? []).map(Number).sort((a, b) => a - b)
  }

  #record(channel: string, sequence: number): Revision | null {
    const text = contentOf(join(this.folderOf(channel), `${String(sequence).padStart(6, '0')}.json`))
    try {
      return text === null ? null : { carried: [], ...(JSON.parse(text) as Omit<Revision, 'carried'>) }
    } catch {
      return null
    }
  }
}

function names(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort()
  } catch {
    return []
  }
}
