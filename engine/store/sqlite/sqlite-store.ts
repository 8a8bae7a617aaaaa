/** The embedded store: one SQLite file, one writer, one commit per turn of the event loop. */
import { dirname } from 'node:path'
import type { MessageArchive, MessageQuery, MessageStore, MessageSummary } from '../../contracts.js'
import { toStoreError } from './faults.js'
import { lockDataFolder } from './folder-lock.js'
import { GroupCommit } from './group-commit.js'
import { IN_MEMORY, openDatabase } from './open-database.js'
import { openOperations, type Operations, READS } from './operations.js'
import { MOST_RESULTS } from './search.js'

export interface SqliteStoreOptions {
  /** How long a call waits for another program to give up its lock on the file, in milliseconds; 4000 unless told. */
  readonly patience?: number
}

/**
 * Opens the store in the file at `path`, creating it if need be, and keeps every other engine off its folder until closed.
 * The path ":memory:" opens one that is forgotten when closed, for rehearsals.
 * Throws a ReferoError: DATA_FOLDER_BUSY, STORE_TOO_NEW, or a StoreError whose sentence names the file and what to do.
 */
export const openSqliteStore = (path: string, { patience = 4000 }: SqliteStoreOptions = {}): MessageStore & MessageArchive => {
  const unlock = path === IN_MEMORY ? () => {} : lockDataFolder(dirname(path))
  const { database, operations, forget } = prepareOr(unlock, path)
  const commits = new GroupCommit(database, { file: path, patience, rolledBack: forget })

  const on = <Name extends keyof Operations>(name: Name) => {
    const operation = operations[name] as (...given: Parameters<Operations[Name]>) => ReturnType<Operations[Name]>
    const reads = READS.has(name)
    return (...given: Parameters<Operations[Name]>): Promise<ReturnType<Operations[Name]>> => commits.ask(() => operation(...given), reads)
  }
  const step = on('search')

  return {
    accept: on('accept'), received: on('received'), finish: on('finish'), claim: on('claim'), settle: on('settle'),
    interrupted: on('interrupted'), spread: on('spread'), progress: on('progress'), answer: on('answer'),
    history: on('history'), content: on('content'), replay: on('replay'), skip: on('skip'), depth: on('depth'),
    expire: on('expire'), shrink: on('shrink'),
    search: (query) => search(step, query),
    close: async () => {
      commits.close()
      database.close()
      unlock()
    },
  }
}

const prepareOr = (unlock: () => void, path: string) => {
  try {
    const database = openDatabase(path)
    return { database, ...openOperations(database) }
  } catch (error) {
    unlock()
    throw toStoreError(error, path)
  }
}

/** Takes one step of the search per turn of the event loop until there is enough, or nothing further. */
const search = async (
  step: (query: MessageQuery, before: number | null) => Promise<{ readonly summaries: readonly MessageSummary[]; readonly next: number | null }>,
  query: MessageQuery,
): Promise<readonly MessageSummary[]> => {
  const found: MessageSummary[] = []
  const limit = Math.min(query.limit, MOST_RESULTS)
  for (let before: number | null = null; ;) {
    const { summaries, next } = await step({ ...query, limit: limit - found.length }, before)
    found.push(...summaries)
    if (next === null || found.length >= limit) return found
    before = next
  }
}
