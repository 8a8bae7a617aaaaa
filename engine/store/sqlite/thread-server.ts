/** A thread's own side: takes calls in the order they come, and answers a group of them at once. */
import { parentPort } from 'node:worker_threads'
import { type Answer, type Call, largeBuffers, pack, packError, unpack } from './wire.js'

type Served = Record<string, (...given: readonly unknown[]) => Promise<unknown>>

/** Opens what is served and says whether that went well; then answers until the thread is ended. */
export function serveThread(open: () => Served): void {
  const port = parentPort
  if (!port) throw new Error('this file runs as a thread')
  let answers: Answer[] = []
  const answer = (one: Answer): void => {
    if (answers.push(one) > 1) return
    queueMicrotask(() => {
      port.postMessage(answers, [...largeBuffers(answers)])
      answers = []
    })
  }
  const serve = (served: Served): void => {
    port.on('message', (calls: readonly Call[]) => {
      for (const { id, name, given } of calls) {
        const call = served[name] as (...given: readonly unknown[]) => Promise<unknown>
        call(...(unpack(given) as unknown[])).then(
          (value) => answer({ id, value: pack(value) }),
          (error: unknown) => answer({ id, failed: packError(error) }),
        )
      }
    })
  }
  try {
    serve(open())
    port.postMessage({ opened: true })
  } catch (error) {
    port.postMessage({ failed: packError(error) })
  }
}
