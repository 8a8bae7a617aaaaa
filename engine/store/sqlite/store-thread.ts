/** The thread that owns the store's file: takes calls in the order they come, and answers a group of them at once. */
import { parentPort, workerData } from 'node:worker_threads'
import { openSqliteStore, type SqliteStoreOptions } from './sqlite-store.js'
import { type Answer, type Call, pack, packError, unpack } from './wire.js'

const port = parentPort
if (!port) throw new Error('this file runs as a thread')

const { path, options } = workerData as { path: string; options: SqliteStoreOptions }
try {
  serve(openSqliteStore(path, options) as unknown as Record<string, (...given: readonly unknown[]) => Promise<unknown>>)
  port.postMessage({ opened: true })
} catch (error) {
  port.postMessage({ failed: packError(error) })
}

function serve(store: Record<string, (...given: readonly unknown[]) => Promise<unknown>>): void {
  let answers: Answer[] = []
  const answer = (one: Answer): void => {
    if (answers.push(one) > 1) return
    queueMicrotask(() => {
      port?.postMessage(answers)
      answers = []
    })
  }
  port?.on('message', (calls: readonly Call[]) => {
    for (const { id, name, given } of calls) {
      const call = store[name] as (...given: readonly unknown[]) => Promise<unknown>
      call(...(unpack(given) as unknown[])).then(
        (value) => answer({ id, value: pack(value) }),
        (error: unknown) => answer({ id, failed: packError(error) }),
      )
    }
  })
}
