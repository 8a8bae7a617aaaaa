/** One change of channel files and its record in the history, all or none, whatever dies in between: first it is written down, then done. */
import { join } from 'node:path'
import { ReferoError, sentence } from '../errors.js'
import type { Disk } from './disk.js'
import type { History, NewRevision, Revision } from './history.js'
import { contentOf, type Encoding } from './snapshot.js'

/** What becomes of one file, from what it is now; null is no file. */
export interface FileChange {
  readonly path: string
  readonly before: string | null
  readonly after: string | null
  readonly encoding?: Encoding // utf8 unless said
}

/** What shall be done. */
export interface Undertaking {
  readonly channel: string
  readonly files: readonly FileChange[]
  readonly revision: NewRevision
}

/** As it is written down. */
interface Plan {
  readonly undertaking: Undertaking
  readonly sequence: number // that the revision will have
}

export class Undertakings {
  readonly #plan: string
  readonly #history: History
  readonly #disk: Disk

  /** `folder` is data/revisions. One change at a time. */
  constructor(folder: string, history: History, disk: Disk) {
    this.#plan = join(folder, 'pending.json')
    this.#history = history
    this.#disk = disk
  }

  /** Rejects with CANNOT_WRITE, and everything as it was, where the disk does not take it. */
  async carryOut(undertaking: Undertaking): Promise<Revision> {
    const sequence = (this.#history.head(undertaking.channel)?.sequence ?? 0) + 1
    await this.#disk.write(this.#plan, JSON.stringify({ undertaking, sequence } satisfies Plan))
    try {
      return await this.#finish(undertaking)
    } catch (error) {
      await this.#undo(undertaking)
      throw new ReferoError('CANNOT_WRITE', `${sentence(error)}.`, { cause: error })
    }
  }

  /**
   * After a crash: a change that had begun is finished, one that had not is dropped. Where somebody has edited a file
   * since, it is dropped too, and nothing overwrites what they wrote.
   */
  async recover(): Promise<void> {
    const text = contentOf(this.#plan)
    if (text === null) return
    const { undertaking, sequence } = JSON.parse(text) as Plan
    const states = undertaking.files.map(({ path, before, after, encoding }) => {
      const now = contentOf(path, encoding)
      return now === after ? 'done' : now === before ? 'open' : 'edited'
    })
    const recorded = (this.#history.head(undertaking.channel)?.sequence ?? 0) >= sequence
    if (!recorded && states.includes('done') && !states.includes('edited')) await this.#finish(undertaking)
    else await this.#disk.remove(this.#plan)
  }

  /** As far as it can be: what cannot be written now is looked at again at the next start. */
  async #undo({ files }: Undertaking): Promise<void> {
    try {
      for (const { path, before, encoding } of files) {
        if (contentOf(path, encoding) === before) continue
        if (before === null) await this.#disk.remove(path)
        else await this.#disk.write(path, before, encoding)
      }
      await this.#disk.remove(this.#plan)
    } catch {
      // The error that led here says what is wrong with the disk.
    }
  }

  async #finish({ channel, files, revision }: Undertaking): Promise<Revision> {
    for (const { path, after, encoding } of files) {
      const now = contentOf(path, encoding)
      if (after === null) await this.#disk.remove(path)
      else if (now !== after) await this.#disk.write(path, after, encoding)
    }
    const recorded = await this.#history.append(channel, revision)
    await this.#disk.remove(this.#plan)
    return recorded
  }
}
