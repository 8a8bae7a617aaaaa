/** What connectors are given in tests: a clock that stands until it is moved, a log that is kept, and no engine around. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock, Delivery, Inbound, Reply, Tools, WebHandler } from '../../engine/contracts.js'

export class TestClock implements Clock {
  #now = Date.parse('2026-03-02T14:15:00Z')
  readonly #sleepers = new Set<{ readonly at: number; readonly milliseconds: number; readonly wake: () => void }>()
  readonly #waiting = new Set<{ readonly milliseconds: number; readonly seen: () => void }>()

  now = (): Date => new Date(this.#now)

  sleep = (milliseconds: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve()
      const wake = (): void => {
        this.#sleepers.delete(sleeper)
        resolve()
      }
      const sleeper = { at: this.#now + milliseconds, milliseconds, wake }
      this.#sleepers.add(sleeper)
      signal?.addEventListener('abort', wake)
      for (const waiter of this.#waiting) if (waiter.milliseconds === milliseconds) waiter.seen()
    })

  /** Moves the time, and wakes who is due. */
  advance(milliseconds: number): void {
    this.#now += milliseconds
    for (const sleeper of [...this.#sleepers]) if (sleeper.at <= this.#now) sleeper.wake()
  }

  /** Resolves when somebody sleeps for this time. */
  asleep(milliseconds: number): Promise<void> {
    if ([...this.#sleepers].some((sleeper) => sleeper.milliseconds === milliseconds)) return Promise.resolve()
    return new Promise((resolve) => {
      const waiter = { milliseconds, seen: (): void => { this.#waiting.delete(waiter); resolve() } }
      this.#waiting.add(waiter)
    })
  }
}

export interface TestTools extends Tools {
  readonly clock: TestClock
  readonly events: { readonly level: string; readonly event: string; readonly facts: Readonly<Record<string, unknown>> }[]
  readonly served: Map<string, WebHandler>
}

export const testTools = (dataFolder: string, feed: (channel: string, inbound: Inbound) => Promise<Reply> = () => Promise.reject(new Error('no channel'))): TestTools => {
  const events: TestTools['events'] = []
  const served: TestTools['served'] = new Map()
  const none = (): never => {
    throw new Error('A connector needs none of this.')
  }
  return {
    clock: new TestClock(), channel: 'test', events, served, dataFolder, feed, format: none, table: none, mapping: none, incidents: none, fate: none, service: none, beside: (file) => ({ file, text: readFileSync(file, 'utf8') }),
    log: (level, event, facts = {}) => void events.push({ level, event, facts }),
    serve: (path, handler) => {
      served.set(path, handler)
      return () => void served.delete(path)
    },
  }
}

export const accepted: Reply = { verdict: 'accepted', reason: null, acknowledgements: [] }
export const rejected: Reply = { verdict: 'rejected', reason: 'PID-3: a value is required.', acknowledgements: [] }
export const failing: Reply = { verdict: 'error', reason: 'The message could not be stored. Send it again later.', acknowledgements: [] }

export const deliveryOf = (payload: string | Buffer, more: Partial<Delivery> = {}): Delivery => ({
  id: 7, messageId: 3, channel: 'orders', destination: 'out', lane: 0, attempts: 1, header: { controlId: 'MSG00001', type: 'ADT^A01' }, receivedAt: new Date(0), payload: Buffer.from(payload), ...more,
})

export const never = new AbortController().signal

/** Makes certificates of 127.0.0.1 that sign themselves: `<name>.pem` and `<name>.key` in a folder. */
export const makeCertificates = (folder: string, names: readonly string[]): void => {
  const always = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-addext', 'subjectAltName=IP:127.0.0.1']
  for (const name of names) execFileSync('openssl', [...always, '-subj', `/CN=${name}`, '-keyout', join(folder, `${name}.key`), '-out', join(folder, `${name}.pem`)], { stdio: 'pipe' })
}
