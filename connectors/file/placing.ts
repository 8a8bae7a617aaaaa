/** Puts a finished file under its name: whole or not at all, and still there after a power cut. */
import { link, lstat, open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { namesLike } from '../../engine/files/numbered.js'
import { exists } from './moving.js'

export type WhenExists = 'number' | 'replace' | 'refuse'

/** Writes a new file and waits until the disk has it. A leftover of that name is unlinked, not overwritten: it may be a placed file's other name. */
export const write = async (path: string, bytes: Buffer, signal: AbortSignal): Promise<void> => {
  await rm(path, { force: true })
  const file = await open(path, 'wx', 0o660)
  try {
    await file.writeFile(bytes, { signal })
    await file.sync()
  } finally {
    await file.close()
  }
}

/**
 * Gives the temporary file its name in its folder, as `whenExists` says where that name is taken; false where it is refused.
 * Rejects with the system's error, and then nothing has appeared.
 */
export const place = async (folder: string, temporary: string, name: string, whenExists: WhenExists): Promise<boolean> => {
  if (whenExists === 'replace') {
    await rename(temporary, join(folder, name))
    return true
  }
  for (const candidate of candidates(name, whenExists)) if (await claim(temporary, join(folder, candidate))) return true
  return false
}

const candidates = (name: string, whenExists: WhenExists): Iterable<string> => (whenExists === 'number' ? namesLike(name) : [name])

/** A link never overwrites, even where two write at once; a file system without links gets a look and a rename. */
const claim = async (temporary: string, target: string): Promise<boolean> => {
  try {
    await link(temporary, target)
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return false
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(code)) throw error
    if (await exists(target)) return false
    await rename(temporary, target)
  }
  return true
}

/** Whether the bytes are there already, under a name that they would have been given. */
export const isThere = async (folder: string, name: string, whenExists: WhenExists, bytes: Buffer): Promise<boolean> => {
  for (const candidate of candidates(name, whenExists)) {
    const path = join(folder, candidate)
    if (!(await exists(path))) return false
    const entry = await lstat(path)
    if (entry.isFile() && entry.size === bytes.length && bytes.equals(await readFile(path))) return true
  }
  return false
}

/** Makes what happened in a folder last, and removes what was only needed on the way. */
export const conclude = async (folder: string, temporary: string): Promise<void> => {
  await rm(temporary, { force: true })
  const directory = await open(folder, 'r')
  await directory.sync().finally(() => directory.close())
}
