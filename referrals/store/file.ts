/** The desk's file as those who keep tables in it see it: one connection, and one commit for what is asked in one turn. */
import type { Database } from 'better-sqlite3'
import { toStoreError } from '../../engine/store/sqlite/faults.js'
import { GroupCommit } from '../../engine/store/sqlite/group-commit.js'
import { openDatabase } from '../../engine/store/sqlite/open-database.js'
import { DESK } from './schema.js'

export interface DeskFile {
  readonly database: Database
  /** Runs `run` in this turn's transaction; durable once it resolves. What only reads sees all writes of its turn. Rejects with a ReferoError. */
  ask<Value>(run: () => Value, reads: boolean): Promise<Value>
  close(): void
}

/** How long a call waits for another program to give up its lock on the file, in milliseconds. */
const PATIENCE = 4000
/** Keys come in no order: their indexes must be at hand. In KiB. */
const CACHE = 64_000

/** Opens the file, creating it if need be; ":memory:" is forgotten when closed. Throws a ReferoError. */
export const openDeskFile = (path: string): DeskFile => {
  const database = openDatabase(path, DESK)
  try {
    database.pragma(`cache_size = -${CACHE}`)
    const commits = new GroupCommit(database, { file: path, patience: PATIENCE, rolledBack: () => {} })
    return {
      database,
      ask: (run, reads) => commits.ask(run, reads),
      close: () => {
        commits.close()
        database.close()
      },
    }
  } catch (error) {
    database.close()
    throw toStoreError(error, path)
  }
}

export type Asked<Operations> = { readonly [Name in keyof Operations]: Operations[Name] extends (...given: infer Given) => infer Value ? (...given: Given) => Promise<Value> : never }

/** Operations that each run at once on the connection, as calls that resolve when what they did is kept. `reads`: those that change nothing. */
export const asked = <Operations extends object>(file: Pick<DeskFile, 'ask'>, operations: Operations, reads: readonly (keyof Operations)[]): Asked<Operations> =>
  Object.fromEntries(Object.entries(operations).map(([name, operation]: [string, (...given: readonly unknown[]) => unknown]) => {
    const reading = reads.includes(name as keyof Operations)
    return [name, (...given: readonly unknown[]) => file.ask(() => operation(...given), reading)]
  })) as unknown as Asked<Operations>
