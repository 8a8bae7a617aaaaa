/** Everything that can be asked of the database at once, by name: plain arguments in, plain results out, so that it can run in any thread. */
import type { Database } from 'better-sqlite3'
import { openArchive } from './archive.js'
import { openDecisions } from './decisions.js'
import { openDeliveries } from './deliveries.js'
import { openFates } from './fates.js'
import { openLineage } from './lineage.js'
import { openMessages } from './messages.js'
import { type ArchiveOperations, openParts, type Parts, type StoreOperations } from './parts.js'
import { openQueues } from './queues.js'
import { openRetention } from './retention.js'

export interface Operations extends StoreOperations, ArchiveOperations {}
/** What people read. */
export type Readings = Pick<Operations, 'history' | 'content' | 'fate' | 'depth' | 'queues' | 'lineage'>

/** What only reads, and need not keep its place among the writes: it sees whatever has been committed. */
export const READS: ReadonlySet<keyof Operations> = new Set(['progress', 'history', 'content', 'fate', 'depth', 'queues', 'lineage', 'expirable'])

export const openReadings = (parts: Parts): Readings => ({ ...openArchive(parts), ...openFates(parts), ...openQueues(parts), ...openLineage(parts) })

/** Prepares every statement once. `forget` drops what was remembered of a transaction that was rolled back. */
export const openOperations = (database: Database): { readonly operations: Operations; readonly forget: () => void; readonly parts: Parts } => {
  const parts = openParts(database)
  const operations = { ...openMessages(parts), ...openDeliveries(parts), ...openReadings(parts), ...openDecisions(parts), ...openRetention(parts) }
  return { operations, forget: parts.names.forget, parts }
}
