/** Everything that can be asked of the database, by name: plain arguments in, plain results out, so that it can run in any thread. */
import type { Database } from 'better-sqlite3'
import type { MessageQuery } from '../../contracts.js'
import { openArchive } from './archive.js'
import { openDeliveries } from './deliveries.js'
import { openMessages } from './messages.js'
import { type ArchiveOperations, openParts, type StoreOperations } from './parts.js'
import { openRetention } from './retention.js'
import { type Found, openSearch } from './search.js'

export interface Operations extends StoreOperations, Omit<ArchiveOperations, 'search'> {
  /** One bounded step of a search. */
  search(query: MessageQuery, before: number | null): Found
}

/** What only reads, and need not keep its place among the writes: it sees whatever has been committed. */
export const READS: ReadonlySet<keyof Operations> = new Set(['progress', 'history', 'content', 'depth', 'search'])

/** Prepares every statement once. `forget` drops what was remembered of a transaction that was rolled back. */
export const openOperations = (database: Database): { readonly operations: Operations; readonly forget: () => void } => {
  const parts = openParts(database)
  const operations = {
    ...openMessages(parts), ...openDeliveries(parts), ...openArchive(parts), ...openRetention(parts), search: openSearch(parts),
  }
  return { operations, forget: parts.names.forget }
}
