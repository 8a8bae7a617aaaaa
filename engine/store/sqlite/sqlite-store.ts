/** The embedded store: one SQLite file, one writer, one commit per turn of the event loop. */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Database } from 'better-sqlite3'
import type { MessageArchive, MessageStore } from '../../contracts.js'
import { toStoreError } from './faults.js'
import { lockDataFolder } from './folder-lock.js'
import { GroupCommit } from './group-commit.js'
import { IN_MEMORY, openDatabase } from './open-database.js'
import { openOperations, type Operations, READS } from './operations.js'
import { openSearch } from './search.js'
import { openTextIndex, type TextIndex } from './text-index.js'

export interface SqliteStoreOptions {
  /** How long a call waits for another program to give up its lock on the file, in milliseconds; 4000 unless told. */
  readonly patience?: number
}

/** What the store can do in a thread of its own, while another searches. */
export type WritingStore = MessageStore & Omit<MessageArchive, 'search' | 'textIndexed' | 'expire'> & Pick<{
  readonly [Name in keyof Operations]: (...given: Parameters<Operations[Name]>) => Promise<ReturnType<Operations[Name]>>
}, 'expirable' | 'forget'>

/** Where the search by words of the store at `path` is kept: beside it, whatever the store's own file is called. */
export const textFileOf = (path: string): string => (path === IN_MEMORY ? IN_MEMORY : join(dirname(path), 'search.db'))

/**
 * Opens the store in the file at `path`, creating it if need be, and keeps every other engine off its folder until closed.
 * The path ":memory:" opens one that is forgotten when closed, for rehearsals. What can be found by its words is indexed when it is first looked for.
 * Throws a ReferoError: DATA_FOLDER_BUSY, STORE_TOO_NEW, or a StoreError whose sentence names the file and what to do.
 */
export const openSqliteStore = (path: string, options: SqliteStoreOptions = {}): MessageStore & MessageArchive => {
  const { store, commits, open, parts } = openStore(path, options)
  const textFile = textFileOf(path)
  let text: TextIndex | null = null
  const index = (): TextIndex => {
    try {
      text ??= openTextIndex(parts.database, textFile)
      return text
    } catch (error) {
      throw toStoreError(error, textFile)
    }
  }
  const indexed = (): TextIndex | null => (text !== null || existsSync(textFile) ? index() : null)
  const begin = openSearch(parts, index, Infinity)
  const newest = parts.database.prepare<[], number>('select coalesce(max(id), 0) from message').pluck()

  return {
    ...store,
    search: async (query) => {
      const searching = begin(query)
      for (let more = true; more;) more = await commits.ask(searching.step, true)
      return searching.found
    },
    textIndexed: () => commits.ask(() => ({ indexed: index().indexed, newest: Number(newest.get()) }), true),
    expire: (channel, what, receivedBefore, limit) => expire(store, channel, what, receivedBefore, limit, {
      intend: (ids) => commits.ask(() => indexed()?.intend(ids), true),
      forget: () => commits.ask(() => indexed()?.forget(), true),
    }),
    close: async () => {
      commits.close()
      text?.close()
      open.close()
    },
  }
}

/** The store without its searches, which another thread may do. */
export const openWritingStore = (path: string, options: SqliteStoreOptions = {}): WritingStore => {
  const { store, commits, open } = openStore(path, options)
  return {
    ...store,
    close: async () => {
      commits.close()
      open.close()
    },
  }
}

/** Forgets in the store and in the search by words, so that whatever is interrupted, nothing forgotten is found, and is taken out at the next turn. */
export const expire = async (
  store: Pick<WritingStore, 'expirable' | 'forget'>, channel: string, what: 'content' | 'facts', receivedBefore: Date, limit: number,
  text: { intend(ids: readonly number[]): Promise<unknown>; forget(): Promise<unknown> },
): Promise<number> => {
  const ids = await store.expirable(channel, what, receivedBefore, limit)
  if (ids.length === 0) return 0
  await text.intend(ids)
  const count = await store.forget(ids, what)
  await text.forget()
  return count
}

const openStore = (path: string, { patience = 4000 }: SqliteStoreOptions) => {
  const unlock = path === IN_MEMORY ? () => {} : lockDataFolder(dirname(path))
  const { operations, forget, parts } = prepareOr(unlock, path)
  const { database } = parts
  const commits = new GroupCommit(database, { file: path, patience, rolledBack: forget })

  const on = <Name extends keyof Operations>(name: Name) => {
    const operation = operations[name] as (...given: Parameters<Operations[Name]>) => ReturnType<Operations[Name]>
    const reads = READS.has(name)
    return (...given: Parameters<Operations[Name]>): Promise<ReturnType<Operations[Name]>> => commits.ask(() => operation(...given), reads)
  }
  const store: Omit<WritingStore, 'close'> = {
    accept: on('accept'), received: on('received'), finish: on('finish'), claim: on('claim'), settle: on('settle'),
    interrupted: on('interrupted'), spread: on('spread'), progress: on('progress'), answer: on('answer'),
    history: on('history'), content: on('content'), fate: on('fate'), depth: on('depth'), queues: on('queues'), lineage: on('lineage'),
    replay: on('replay'), skip: on('skip'), expirable: on('expirable'), forget: on('forget'), shrink: on('shrink'),
  }
  const open = {
    close: (): void => {
      database.close()
      unlock()
    },
  }
  return { store, commits, open, parts }
}

const prepareOr = (unlock: () => void, path: string): ReturnType<typeof openOperations> => {
  let database: Database | undefined
  try {
    database = openDatabase(path)
    return openOperations(database)
  } catch (error) {
    database?.close()
    unlock()
    throw toStoreError(error, path)
  }
}
