/** The store as people read it: a connection of its own that cannot write, and the search by words, kept up to date in the background. */
import Database from 'better-sqlite3'
import type { MessageArchive } from '../../contracts.js'
import { toStoreError } from './faults.js'
import { openReadings } from './operations.js'
import { openParts } from './parts.js'
import { openSearch } from './search.js'
import { textFileOf } from './sqlite-store.js'
import { openTextIndex, type TextIndex } from './text-index.js'

/** How long the index rests when it has everything, and after a failure, in milliseconds. */
const REST = 300
const REST_AFTER_FAILURE = 5000
/** More messages a second than this are a load: whoever sends comes before whoever searches, and the index works a tenth of the time instead of half. */
const LOAD = 1000
/** How many steps of indexing a search by words waits for. */
const CATCHING_UP = 3

export interface Reader extends Pick<MessageArchive, 'search' | 'textIndexed' | 'history' | 'content' | 'fate' | 'depth' | 'queues' | 'lineage'> {
  intendToForget(ids: readonly number[]): Promise<void>
  forgetWords(): Promise<void>
  shrinkIndex(): Promise<void>
  close(): Promise<void>
}

/** Opens the store at `path`, which its writer has open already. Indexing never takes more than half of its thread's time, nor holds up a search for long. */
export const openReader = (path: string): Reader => {
  const database = new Database(path, { readonly: true, timeout: 1000 })
  database.pragma('cache_size = -8000')
  const parts = openParts(database)
  const readings = openReadings(parts)
  const newest = database.prepare<[], number>('select coalesce(max(id), 0) from message').pluck()
  const textFile = textFileOf(path)
  let text: TextIndex | null = null
  const index = (): TextIndex => {
    try {
      text ??= openTextIndex(database, textFile)
      return text
    } catch (error) {
      throw toStoreError(error, textFile)
    }
  }
  const begin = openSearch(parts, index, CATCHING_UP)

  const asked = async <Value>(work: () => Value): Promise<Value> => {
    try {
      return work()
    } catch (error) {
      throw toStoreError(error, path)
    }
  }

  let timer: NodeJS.Timeout
  let seen = { newest: Number(newest.get()), at: performance.now() }
  /** Whether messages have come faster than LOAD since the last look. */
  const loaded = (): boolean => {
    const now = { newest: Number(newest.get()), at: performance.now() }
    const busy = (now.newest - seen.newest) * 1000 > LOAD * (now.at - seen.at)
    seen = now
    return busy
  }
  const keepIndexing = (): void => {
    const started = performance.now()
    let rest = REST
    try {
      const busy = loaded()
      if (index().step()) rest = (performance.now() - started) * (busy ? 9 : 1)
    } catch {
      rest = REST_AFTER_FAILURE // `textIndexed` says how far it has come, and searches say why
    }
    timer = setTimeout(keepIndexing, rest)
  }
  keepIndexing()

  return {
    history: (id) => asked(() => readings.history(id)),
    content: (id) => asked(() => readings.content(id)),
    fate: (channel, key, known) => asked(() => readings.fate(channel, key, known)),
    depth: (channel) => asked(() => readings.depth(channel)),
    queues: (channel) => asked(() => readings.queues(channel)),
    lineage: (id) => asked(() => readings.lineage(id)),
    search: async (query) => {
      const searching = await asked(() => begin(query))
      while (await asked(searching.step)) await new Promise((resolve) => setImmediate(resolve))
      return searching.found
    },
    textIndexed: () => asked(() => ({ indexed: index().indexed, newest: Number(newest.get()) })),
    intendToForget: (ids) => asked(() => index().intend(ids)),
    forgetWords: () => asked(() => index().forget()),
    shrinkIndex: () => asked(() => index().shrink()),
    close: async () => {
      clearTimeout(timer)
      text?.close()
      database.close()
    },
  }
}
