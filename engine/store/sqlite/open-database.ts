/** Opens the store's file so that what is committed stays committed, or says in a sentence why it cannot be opened. */
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import Database from 'better-sqlite3'
import { ReferoError, StoreError } from '../../errors.js'
import { toStoreError } from './faults.js'
import { STORE } from './schema.js'

/** What a file is made of. `applicationId` is written into its header, so that another program's database is recognised and left alone. */
export interface Schema {
  readonly applicationId: number
  /** One entry per version: what turns the one before into it. Never edited once released; only added to. */
  readonly migrations: readonly string[]
}

/** The path of a store that is kept in no file. */
export const IN_MEMORY = ':memory:'

/** How long one statement may wait for another program's lock with the event loop standing still, in milliseconds. */
const STANDSTILL = 100

const SETTINGS = [
  'auto_vacuum = incremental', // only counts before the first table
  'journal_mode = wal',
  'synchronous = full', // normal may lose the last commits when the power fails, after the sender was told that we have them
  'foreign_keys = on',
  'secure_delete = on', // forgotten content is overwritten, not only unlinked
  'temp_store = memory',
  'cache_size = -16000',
  'wal_autocheckpoint = 8000', // 32 MB: pages that change often are written to the file less often
  'journal_size_limit = 67108864',
]

/** Opens `file`, creating it and its folder (readable by the engine's user alone) if need be. Throws a ReferoError. */
export const openDatabase = (file: string, schema: Schema = STORE): Database.Database => {
  let database: Database.Database | undefined
  try {
    if (file !== IN_MEMORY) createPrivately(file)
    database = new Database(file, { timeout: STANDSTILL })
    refuseForeign(database, file, schema)
    for (const setting of SETTINGS) database.pragma(setting)
    migrate(database, schema)
    return database
  } catch (error) {
    database?.close()
    throw toStoreError(error, file)
  }
}

/** Makes the file, and its folder, for the engine’s user alone. */
export const createPrivately = (file: string): void => {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    closeSync(openSync(file, 'a', 0o600))
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error)
    throw new StoreError('failed', `${file} cannot be created or written to: check its folder, who owns it and its permissions. (${said})`, { cause: error })
  }
}

const refuseForeign = (database: Database.Database, file: string, { applicationId, migrations }: Schema): void => {
  const version = Number(database.pragma('user_version', { simple: true }))
  const application = database.pragma('application_id', { simple: true })
  const empty = database.prepare('select count(*) from sqlite_schema').pluck().get() === 0
  if (!empty && application !== applicationId) throw new StoreError('corrupt', `${file} is another program's database.`)
  if (version > migrations.length) throw new ReferoError('STORE_TOO_NEW', `${file} has version ${version}; this program knows ${migrations.length}.`)
}

/** Brings the file to the present version; each step is one transaction, so that a crash leaves a whole version. */
const migrate = (database: Database.Database, { applicationId, migrations }: Schema): void => {
  for (let version = Number(database.pragma('user_version', { simple: true })); version < migrations.length; version++) {
    database.transaction(() => {
      database.exec(migrations[version] ?? '')
      database.pragma(`application_id = ${applicationId}`)
      database.pragma(`user_version = ${version + 1}`)
    }).immediate()
  }
}
