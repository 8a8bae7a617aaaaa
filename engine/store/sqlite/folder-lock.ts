/** Sees to it that only one engine works on a data folder. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { ReferoError } from '../../errors.js'
import { isLocked, toStoreError } from './faults.js'

/**
 * Locks `folder` until the returned function is called or the process ends, however it ends: the lock is the operating
 * system's own, on `engine.lock`. Throws DATA_FOLDER_BUSY where another engine has it.
 */
export const lockDataFolder = (folder: string): (() => void) => {
  const file = join(folder, 'engine.lock')
  let lock: Database.Database | undefined
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    lock = new Database(file, { timeout: 0 })
    lock.exec('begin exclusive')
  } catch (error) {
    lock?.close()
    if (isLocked(error)) throw new ReferoError('DATA_FOLDER_BUSY', `It holds ${file}.`, { cause: error })
    throw toStoreError(error, file)
  }
  const held = lock
  return () => { held.close() }
}
