/** A thread as its caller sees it: calls of one turn of the event loop travel together, and each is answered by its number. */
import { Worker } from 'node:worker_threads'
import { StoreError } from '../../errors.js'
import { type Answer, type Call, type Failed, pack, unpack, unpackError } from './wire.js'

type Waiting = { readonly resolve: (value: never) => void; readonly reject: (error: Error) => void }

export interface Thread {
  call(name: string, given: readonly unknown[]): Promise<never>
  /** Whether it has ended, so that no call will ever be answered. */
  readonly ended: boolean
  /** Lets it end what it has, and ends it. */
  close(): Promise<void>
}

/** Starts a thread; rejects with what its opening throws. `file` is what its errors name. */
export async function openThread(script: URL, workerData: unknown, file: string): Promise<Thread> {
  const thread = new Worker(script, { workerData })
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
  thread.on('exit', () => end(new StoreError('failed', `${file} has been closed.`)))
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
  return {
    call,
    get ended() {
      return ended !== null
    },
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
