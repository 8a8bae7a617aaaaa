/** The embedded store in two threads of its own: the wait for the disk holds up no socket, and what people look for holds up no commit. */
import type { MessageArchive, MessageStore } from '../../contracts.js'
import type { Reader } from './reader.js'
import { expire, type SqliteStoreOptions, type WritingStore } from './sqlite-store.js'
import { lasting } from './lasting-thread.js'
import { openThread, type Thread } from './thread-client.js'

const WRITES: readonly Exclude<keyof WritingStore, 'close'>[] = [
  'accept', 'received', 'finish', 'claim', 'settle', 'interrupted', 'spread', 'progress', 'answer', 'replay', 'skip', 'expirable', 'forget', 'shrink',
]
const READS: readonly Exclude<keyof Reader, 'close'>[] = ['search', 'textIndexed', 'history', 'content', 'fate', 'depth', 'queues', 'lineage', 'intendToForget', 'forgetWords', 'shrinkIndex']

/** As openSqliteStore; rejects with what that throws. Calls of one turn of the event loop travel, and are committed, together. */
export async function openThreadedStore(path: string, options: SqliteStoreOptions = {}): Promise<MessageStore & MessageArchive> {
  const writing = await openThread(new URL('./store-thread.js', import.meta.url), { path, options }, path)
  const reading = await lasting(() => openThread(new URL('./search-thread.js', import.meta.url), { path }, path)).catch(async (error: unknown) => {
    await writing.close()
    throw error
  })
  const writer = callsOf<WritingStore>(writing, WRITES)
  const reader = callsOf<Reader>(reading, READS)
  const { expirable, forget, shrink, ...changes } = writer
  const { intendToForget, forgetWords, shrinkIndex, ...answers } = reader
  return {
    ...changes,
    ...answers,
    expire: (channel, what, receivedBefore, limit) => expire({ expirable, forget }, channel, what, receivedBefore, limit, { intend: intendToForget, forget: forgetWords }),
    shrink: async () => {
      await shrink()
      await shrinkIndex()
    },
    close: async () => {
      await reading.close()
      await writing.close()
    },
  }
}

const callsOf = <Served>(thread: Thread, names: readonly (keyof Served & string)[]): Omit<Served, 'close'> =>
  Object.fromEntries(names.map((name) => [name, (...given: readonly unknown[]) => thread.call(name, given)])) as unknown as Omit<Served, 'close'>
