/** The embedded store in a thread of its own: the wait for the disk never holds up the sockets. */
import { Worker } from 'node:worker_threads'
import type { MessageArchive, MessageStore } from '../../contracts.js'
import { StoreError } from '../../errors.js'
import type { SqliteStoreOptions } from './sqlite-store.js'
import { type Answer, type Call, type Failed, pack, unpack, unpackError } from './wire.js'

type Store = MessageStore & MessageArchive
type Waiting = { readonly resolve: (value: never) => void; readonly reject: (error: Error) => void }

const CALLS: readonly Exclude<keyof Store, 'close'>[] = [
  'accept', 'received', 'finish', 'claim', 'settle', 'interrupted', 'spread', 'progress', 'answer',
  'search', 'history', 'content', 'replay', 'skip', 'depth', 'expire', 'shrink',
]

/** As openSqliteStore; rejects with what that throws. Calls of one turn of the event loop travel, and are committed, together. */
export async function openThreadedStore(path: string, options: SqliteStoreOptions = {}): Promise<Store> {
  const thread = new Worker(new URL('./store-thread.js', import.meta.url), { workerData: { path, options } })
  await opened(thread)
  const waiting = new Map<number, Waiting>()
  let calls: Call[] = []
  let last = 0
  let ended: Error | null = null

  const end = (error: Error): void => {
    ended = error
    for (const { reject } of waiting.values()) reject(error)
    waiting.clear()
  }
  thread.on('error', (error) => end(new StoreError('failed', 'Its thread has ended.', { cause: error })))
  thread.on('exit', () => end(new StoreError('failed', `${path} has been closed.`)))
  thread.on('message', (answers: readonly Answer[]) => {
    for (const answer of answers) {
      const one = waiting.get(answer.id)
      waiting.delete(answer.id)
      if ('failed' in answer) one?.reject(unpackError(answer.failed))
      else one?.resolve(unpack(answer.value) as never)
    }
  })
  const post = (): void => {
    thread.postMessage(calls)
    calls = []
  }
  const call = (name: string, given: readonly unknown[]): Promise<never> =>
    new Promise((resolve, reject) => {
      if (ended) return reject(ended)
      const id = ++last
      waiting.set(id, { resolve, reject })
      if (calls.push({ id, name, given: pack(given) as unknown[] }) === 1) setImmediate(post)
    })

  const store = Object.fromEntries(CALLS.map((name) => [name, (...given: readonly unknown[]) => call(name, given)])) as unknown as Omit<Store, 'close'>
  return {
    ...store,
    close: async () => {
      if (ended) return
      await call('close', [])
      await thread.terminate()
    },
  }
}

function opened(thread: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    thread.once('error', reject)
    thread.once('message', (said: { opened: true } | { failed: Failed }) => {
      thread.off('error', reject)
      if ('failed' in said) void thread.terminate().then(() => reject(unpackError(said.failed)))
      else resolve()
    })
  })
}
