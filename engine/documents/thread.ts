/** The one thread for pages of PDF files and barcodes: it begins when it is needed, is ended when a document takes too long or breaks it, and ends when it has nothing to do. */
import { Worker } from 'node:worker_threads'
import { refusal } from './limits.js'
import type { Calls } from './thread-work.js'

type Answer = { readonly result: unknown; readonly memory: number } | { readonly failed: 'encrypted' | 'damaged' | 'failed' }
type Given<Name extends keyof Calls> = Parameters<Calls[Name]>[0]
type Result<Name extends keyof Calls> = Awaited<ReturnType<Calls[Name]>>

const IDLE = 30_000 // milliseconds
const MOST_MEMORY = 256 * 1024 ** 2 // bytes: what WebAssembly has once taken it never gives back

let worker: Worker | null = null
let idle: NodeJS.Timeout | undefined
let turn: Promise<unknown> = Promise.resolve()

/** Has one call done when those before it are. Throws a MessageFault where the document is refused, or takes longer than `time` milliseconds. */
export const inThread = <Name extends keyof Calls>(name: Name, given: Given<Name>, time: number): Promise<Result<Name>> => {
  const done = turn.then(() => ask(name, given, time))
  turn = done.catch(() => undefined)
  return done
}

const ask = async <Name extends keyof Calls>(name: Name, given: Given<Name>, time: number): Promise<Result<Name>> => {
  clearTimeout(idle)
  const thread = worker ?? begin()
  thread.ref()
  try {
    const answer = await answered(thread, { name, given }, time)
    if ('failed' in answer) {
      if (answer.failed === 'failed') await end()
      throw answer.failed === 'encrypted' ? refusal.encrypted() : refusal.damaged('it cannot be read')
    }
    if (answer.memory > MOST_MEMORY) await end()
    return answer.result as Result<Name>
  } finally {
    if (worker) {
      worker.unref()
      idle = setTimeout(end, IDLE).unref()
    }
  }
}

const begin = (): Worker => {
  const begun = new Worker(new URL('./thread-work.js', import.meta.url))
  begun.on('error', () => undefined) // one that breaks while nobody waits is no failure of the process
  begun.on('exit', () => {
    if (worker === begun) worker = null
  })
  worker = begun
  return begun
}

const answered = (thread: Worker, call: unknown, time: number): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const settle = (): void => {
      clearTimeout(timer)
      thread.off('message', answer).off('error', broken).off('exit', broken)
    }
    const answer = (given: Answer): void => {
      settle()
      resolve(given)
    }
    const broken = (): void => {
      settle()
      reject(refusal.damaged('it cannot be read'))
    }
    const timer = setTimeout(() => {
      settle()
      end().then(() => reject(refusal.time(time)), reject)
    }, time)
    thread.on('message', answer).on('error', broken).on('exit', broken)
    thread.postMessage(call)
  })

const end = async (): Promise<void> => {
  const ended = worker
  worker = null
  await ended?.terminate()
}
