/** The search by words: an index in a file of its own, derived from the store, which may be deleted and is then built anew. */
import { existsSync, rmSync } from 'node:fs'
import Database, { type Database as Connection } from 'better-sqlite3'
import { ReferoError } from '../../errors.js'
import { sqliteCode } from './faults.js'
import { createPrivately, IN_MEMORY } from './open-database.js'
import { openShards, type Shards } from './text-shards.js'
import { marksOf, TEXT_BYTES, textOf, type Words } from './text-words.js'

/** Of the index's own tables: a file of another version is built anew. */
const VERSION = 1
/** How many messages, and how many bytes, one step reads. */
const STEP = 2000
const STEP_BYTES = 4 * 1024 * 1024
/** How many pages of 4 kB one call gives back to the disk. */
const SHRINK_PAGES = 1000

const SETTINGS = [
  'auto_vacuum = incremental',
  'journal_mode = wal',
  'synchronous = normal', // the last moments may be lost when the power fails: they are indexed again
  'secure_delete = on',
  'temp_store = memory',
  'cache_size = -8000',
  'wal_autocheckpoint = 8000',
  'journal_size_limit = 67108864',
]

const TABLES = `
  create table state (identity text not null, indexed integer not null) strict;
  create table shard (number integer primary key, kept integer not null) strict;
  create table forgetting (message_id integer primary key) strict;
`

export interface TextIndex {
  /** Everything up to this message number can be found. */
  readonly indexed: number
  /** Indexes the next messages, a bounded number; false when there are none left. */
  step(): boolean
  /** The messages in [low, high) that have the words, newest first, at most `limit`. */
  find(words: Words, low: number, high: number, limit: number): readonly number[]
  /** Those of these messages (newest first) that have the words. */
  among(words: Words, ids: readonly number[]): readonly number[]
  /** Says, before they are forgotten in the store, what is about to be; `forget` then takes out what has been. */
  intend(ids: readonly number[]): void
  forget(): void
  shrink(): void
  close(): void
}

interface MessageRow { readonly id: number; readonly channel_id: number; readonly type: string | null; readonly bytes: Buffer | null }

/** Opens the index of the store behind `main` in the file at `path`, or begins a new one where that is another's or is damaged. */
export const openTextIndex = (main: Connection, path: string): TextIndex => {
  const identity = main.prepare<[], string>('select identity from store').pluck().get() as string
  const newest = main.prepare<[], number>(`select coalesce(max(seq), 0) from sqlite_sequence where name = 'message'`).pluck()
  const next = main.prepare<[number], MessageRow>(`
    select m.id, m.channel_id, m.type, substr(coalesce(b.bytes, a.bytes), 1, ${TEXT_BYTES}) as bytes
      from message m left join message_bytes b on b.message_id = m.id left join attachment a on a.id = b.attachment_id where m.id > ? order by m.id limit ${STEP}`)
  const hasContent = main.prepare<[number], number>('select content from message where id = ?').pluck()
  let open = begin(path, identity, Number(newest.get()))

  /** Runs `work`; a damaged index is thrown away, to be built anew. */
  const guarded = <Value>(work: () => Value): Value => {
    try {
      return work()
    } catch (error) {
      open.shards.reset()
      if (/^SQLITE_(CORRUPT|NOTADB)/.test(sqliteCode(error))) {
        open.database.close()
        remove(path)
        open = begin(path, identity, 0)
      }
      throw error
    }
  }

  const index = (): boolean => {
    const from = open.indexed
    let last = from
    let bytes = 0
    for (const row of next.iterate(from)) {
      if (row.bytes) open.shards.add(row.id, `${marksOf(row.channel_id, row.type)} ${textOf(row.bytes)}`)
      last = row.id
      bytes += row.bytes?.length ?? 0
      if (bytes > STEP_BYTES) break
    }
    if (last > from) open.setIndexed(last)
    return last > from
  }

  return {
    get indexed() { return open.indexed },
    step: () => guarded(() => {
      const more = open.database.transaction(index)()
      if (more) open.read()
      return more
    }),
    find: (words, low, high, limit) => guarded(() => asked(() => open.shards.find(words, low, high, limit))),
    among: (words, ids) => guarded(() => asked(() => open.shards.among(words, ids))),
    intend: (ids) => guarded(() => { open.database.transaction(() => { for (const id of ids) open.intend.run(id) })() }),
    forget: () => guarded(() => {
      open.database.transaction(() => {
        const gone = open.intended.all().map(({ message_id }) => message_id).filter((id) => hasContent.get(id) !== 1)
        open.shards.remove(gone)
        open.settle.run()
      })()
    }),
    shrink: () => { open.database.pragma(`incremental_vacuum(${SHRINK_PAGES})`) },
    close: () => { open.database.close() },
  }
}

/** A word that the index takes for two cannot be looked for: where letters are newer than the index's own alphabet. */
const asked = <Value>(work: () => Value): Value => {
  try {
    return work()
  } catch (error) {
    if (sqliteCode(error) === 'SQLITE_ERROR' && error instanceof Error && /phrase queries/.test(error.message)) {
      throw new ReferoError('USAGE', 'The text to look for has a character that splits its word: leave out that word.', { cause: error })
    }
    throw error
  }
}

interface Open {
  readonly database: Connection
  readonly shards: Shards
  readonly indexed: number
  setIndexed(id: number): void
  /** Takes over what a finished transaction wrote. */
  read(): void
  readonly intend: { run(id: number): unknown }
  readonly intended: { all(): { message_id: number }[] }
  readonly settle: { run(): unknown }
}

/** `newest` is the last number that the store has given: an index that is further on belongs to a store since restored. */
const begin = (path: string, identity: string, newest: number): Open => {
  let database = create(path)
  if (!isOf(database, identity, newest)) {
    database.close()
    remove(path)
    database = create(path)
  }
  database.transaction(() => {
    if (database.pragma('user_version', { simple: true }) !== 0) return
    database.exec(TABLES)
    database.prepare('insert into state (identity, indexed) values (?, 0)').run(identity)
    database.pragma(`user_version = ${VERSION}`)
  })()
  const read = database.prepare<[], number>('select indexed from state').pluck()
  const write = database.prepare<[number]>('update state set indexed = ?')
  let indexed = Number(read.get())
  return {
    database, shards: openShards(database),
    get indexed() { return indexed },
    setIndexed: (id) => { write.run(id) },
    read: () => { indexed = Number(read.get()) },
    intend: database.prepare<[number]>('insert or ignore into forgetting (message_id) values (?)'),
    intended: database.prepare<[], { message_id: number }>('select message_id from forgetting order by message_id'),
    settle: database.prepare('delete from forgetting'),
  }
}

const create = (path: string): Connection => {
  if (path !== IN_MEMORY) createPrivately(path)
  const database = new Database(path, { timeout: 1000 })
  try {
    for (const setting of SETTINGS) database.pragma(setting)
    return database
  } catch (error) {
    database.close()
    if (path === IN_MEMORY || !/^SQLITE_(CORRUPT|NOTADB)/.test(sqliteCode(error))) throw error
    remove(path)
    return create(path)
  }
}

const isOf = (database: Connection, identity: string, newest: number): boolean => {
  try {
    if (database.prepare('select count(*) from sqlite_schema').pluck().get() === 0) return true
    if (database.pragma('user_version', { simple: true }) !== VERSION) return false
    const state = database.prepare<[], { identity: string; indexed: number }>('select identity, indexed from state').get()
    return state?.identity === identity && state.indexed <= newest
  } catch (error) {
    if (sqliteCode(error) === '') throw error
    return false
  }
}

const remove = (path: string): void => {
  for (const suffix of ['', '-wal', '-shm']) if (existsSync(`${path}${suffix}`)) rmSync(`${path}${suffix}`)
}
