/** One transaction, and one wait for the disk, for everything that was asked for in one turn of the event loop. */
import type { Database } from 'better-sqlite3'
import { StoreError } from '../../errors.js'
import { isLocked, toStoreError } from './faults.js'

/** One call: what it does on the database, and who waits for it. `run` may be called again after a rollback. */
interface Job {
  readonly run: () => unknown
  readonly reads: boolean
  readonly until: number
  readonly resolve: (result: never) => void
  readonly reject: (error: Error) => void
}
type Result = { readonly job: Job; readonly value: unknown } | { readonly job: Job; readonly error: unknown }

export interface GroupCommitOptions {
  readonly file: string
  /** How long a call waits for another program to give up its lock, in milliseconds. */
  readonly patience: number
  /** Called after every rollback, and before anything runs again. */
  readonly rolledBack: () => void
}

/** So that one burst does not keep the event loop for long. */
const MOST_IN_A_GROUP = 1000
/** Between two attempts at a locked file, in milliseconds. */
const PAUSE = 50

/** Owns the writing of one connection. Calls keep their order; one that fails does not fail its neighbours. */
export class GroupCommit {
  readonly #options: GroupCommitOptions
  readonly #statements
  #queue: Job[] = []
  #scheduled = false
  #closed = false

  constructor(readonly database: Database, options: GroupCommitOptions) {
    this.#options = options
    const prepare = (sql: string): (() => void) => { const statement = database.prepare(sql); return () => { statement.run() } }
    this.#statements = {
      begin: prepare('begin immediate'), commit: prepare('commit'), rollback: prepare('rollback'),
      mark: prepare('savepoint one'), keep: prepare('release one'), undo: prepare('rollback to one'),
    }
  }

  /** Runs `run` in this turn's transaction, in its place; a read runs after it and sees it. Rejects with a ReferoError. */
  ask<Value>(run: () => Value, reads: boolean): Promise<Value> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(new StoreError('failed', `${this.#options.file} has been closed.`))
      this.#queue.push({ run, reads, until: performance.now() + this.#options.patience, resolve, reject })
      if (!this.#scheduled) this.#schedule(0)
    })
  }

  /** Does what is left to do; takes nothing more. What meets a lock now is rejected. */
  close(): void {
    this.#closed = true
    let free = true
    while (free && this.#queue.length > 0) free = this.#flush()
    for (const { reject } of this.#queue.splice(0)) reject(new StoreError('locked', `Another program holds ${this.#options.file}.`))
  }

  #schedule(pause: number): void {
    this.#scheduled = true
    const work = (): void => {
      this.#scheduled = false
      const free = this.#flush()
      if (this.#queue.length > 0) this.#schedule(free ? 0 : PAUSE)
    }
    if (pause > 0) setTimeout(work, pause)
    else setImmediate(work)
  }

  /** Runs one group; false if the file is locked, with what must wait put back at the head of the queue. */
  #flush(): boolean {
    const group = this.#queue.splice(0, MOST_IN_A_GROUP)
    const locked = new Set([...this.#write(group.filter(({ reads }) => !reads)), ...this.#read(group.filter(({ reads }) => reads))])
    if (locked.size === 0) return true
    const now = performance.now()
    this.#queue.unshift(...group.filter((job) => locked.has(job) && job.until > now))
    for (const job of group) if (locked.has(job) && job.until <= now) this.#settle({ job, error: new StoreError('locked', `Another program holds ${this.#options.file}.`) })
    return false
  }

  /** Returns those that met a lock. */
  #write(jobs: readonly Job[]): readonly Job[] {
    if (jobs.length === 0) return []
    try {
      const results = this.#transaction(() => jobs.map((job) => ({ job, value: job.run() })))
      for (const result of results) this.#settle(result)
      return []
    } catch (error) {
      if (isLocked(error)) return jobs
      if (jobs.length > 1) return this.#writeApart(jobs)
      for (const job of jobs) this.#settle({ job, error })
      return []
    }
  }

  /** One bad call must not fail the others: each gets a savepoint, and a transaction of its own where even that fails. */
  #writeApart(jobs: readonly Job[]): readonly Job[] {
    try {
      const results = this.#transaction(() => jobs.map((job) => this.#savepoint(job)))
      for (const result of results) this.#settle(result)
      return []
    } catch (error) {
      if (isLocked(error)) return jobs
      for (const [position, job] of jobs.entries()) if (this.#write([job]).length > 0) return jobs.slice(position)
      return []
    }
  }

  #savepoint(job: Job): Result {
    this.#statements.mark()
    try {
      const value = job.run()
      this.#statements.keep()
      return { job, value }
    } catch (error) {
      if (!this.database.inTransaction || isLocked(error)) throw error
      this.#statements.undo()
      this.#statements.keep()
      this.#options.rolledBack()
      return { job, error }
    }
  }

  #transaction<Value>(work: () => Value): Value {
    try {
      if (this.database.inTransaction) this.#statements.rollback() // one that could not be rolled back before
      this.#statements.begin()
      const value = work()
      this.#statements.commit()
      return value
    } catch (error) {
      this.#options.rolledBack()
      if (this.database.inTransaction) this.#statements.rollback()
      throw error
    }
  }

  #read(jobs: readonly Job[]): readonly Job[] {
    return jobs.filter((job) => {
      try {
        this.#settle({ job, value: job.run() })
        return false
      } catch (error) {
        if (isLocked(error)) return true
        this.#settle({ job, error })
        return false
      }
    })
  }

  #settle(result: Result): void {
    if ('error' in result) result.job.reject(toStoreError(result.error, this.#options.file))
    else result.job.resolve(result.value as never)
  }
}
