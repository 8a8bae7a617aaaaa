/** The one-time links that were used: a file each, made as it is used, so that no crash lets one be used again. */
import { mkdir, open, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { EntryLink } from './session.js'

export class UsedLinks {
  readonly #folder: string
  constructor(dataFolder: string) {
    this.#folder = join(dataFolder, 'portal', 'used')
  }

  /** Forgets those that would not hold any longer. */
  async open(now: Date): Promise<void> {
    await mkdir(this.#folder, { recursive: true })
    for (const name of await readdir(this.#folder)) if (Number(name.split('-', 1)[0]) <= now.getTime()) await rm(join(this.#folder, name), { force: true })
  }

  /** True for the first who uses it. Rejects where that cannot be kept. */
  async use({ until, nonce }: EntryLink): Promise<boolean> {
    try {
      const file = await open(join(this.#folder, `${until}-${nonce}`), 'wx', 0o600)
      await file.sync()
      await file.close()
      return true
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
      throw error
    }
  }
}
