/** What SQLite reports, in the words of the engine: which kind of trouble it is, and a sentence that names the file. */
import Database from 'better-sqlite3'
import { ReferoError, StoreError } from '../../errors.js'

/** SQLite's own code ("SQLITE_BUSY_SNAPSHOT"), or an empty string for anything that is not its error. */
export const sqliteCode = (thrown: unknown): string => (thrown instanceof Database.SqliteError ? thrown.code : '')

/** Whether another program holds the file: nothing has been done, and trying again can succeed. */
export const isLocked = (thrown: unknown): boolean => /^SQLITE_(BUSY|LOCKED|PROTOCOL)/.test(sqliteCode(thrown))

const SENTENCES: readonly (readonly [codes: RegExp, kind: StoreError['kind'], sentence: string])[] = [
  [/^SQLITE_FULL/, 'full', 'There is no room for more in {file}.'],
  [/^SQLITE_(BUSY|LOCKED|PROTOCOL)/, 'locked', 'Another program holds {file}.'],
  [/^SQLITE_NOTADB/, 'corrupt', '{file} is not a message store.'],
  [/^SQLITE_CORRUPT|^SQLITE_IOERR_(SHORT_READ|CORRUPTFS|DATA)/, 'corrupt', '{file} is damaged.'],
  [/^SQLITE_(READONLY|PERM|AUTH)/, 'failed', '{file} or its folder cannot be written to: check who owns them and their permissions.'],
  [/^SQLITE_CANTOPEN/, 'failed', '{file} cannot be opened: check that its folder exists and that the engine may read and write it.'],
  [/^SQLITE_IOERR/, 'failed', 'The disk could not read or write {file}: check the disk.'],
]

/** Any failure as a StoreError. SQLite's messages name tables and columns and never values, so they may be shown. */
export const toStoreError = (thrown: unknown, file: string): ReferoError => {
  if (thrown instanceof ReferoError) return thrown
  const code = sqliteCode(thrown)
  const known = SENTENCES.find(([codes]) => codes.test(code))
  const said = thrown instanceof Error ? thrown.message : String(thrown)
  if (!known) return new StoreError('failed', `${file}: ${said}.`, { cause: thrown })
  return new StoreError(known[1], `${known[2].replace('{file}', file)} (${code}: ${said})`, { cause: thrown })
}
