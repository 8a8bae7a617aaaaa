/** A folder on a disk as an inbox uses it. */
import { lstat, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Folder } from '../../engine/files/arrivals.js'
import { moveTo } from './moving.js'
import { readWhole, seenAs } from './reading.js'

export interface Places {
  readonly folder: string
  readonly done: string | null // null where files that were taken are removed
  readonly failed: string
  readonly answers: string | null
}

/** Its `open` makes the folders that are missing, and no later call does: a share may have come loose. */
export const diskFolder = ({ folder, done, failed, answers }: Places): Folder => {
  const look: Folder['look'] = async (name) => seenAs(name, await lstat(join(folder, name), { bigint: true }))
  return {
    path: folder,
    async open() {
      for (const needed of [folder, done, failed, answers]) if (needed) await mkdir(needed, { recursive: true })
      await readdir(folder)
    },
    async list(matches) {
      const entries = await readdir(folder, { withFileTypes: true })
      const names = entries.filter((entry) => entry.isFile() && matches(entry.name)).map(({ name }) => name)
      const listed = await Promise.all(names.map(async (name) => ({ name, seen: await look(name).catch(() => null) })))
      // A name that is not UTF-8 is listed, but cannot be asked for; any other has just gone.
      return listed.filter(({ name, seen }) => seen || name.includes('\uFFFD'))
    },
    look,
    read: (seen, maximum) => readWhole(join(folder, seen.name), seen, maximum),
    origin: (name) => join(folder, name),
    async answer(name, answer) {
      const unfinished = join(answers ?? folder, `.${name}.tmp`)
      await writeFile(unfinished, answer, { flush: true })
      await rename(unfinished, join(answers ?? folder, `${name}.answer`))
    },
    remove: (name) => rm(join(folder, name)),
    move: (name, to, reason) => moveTo((to === 'done' ? done : null) ?? failed, join(folder, name), name, reason),
    async close() {},
  }
}
