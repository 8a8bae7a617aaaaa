/** The embedded desk store: one SQLite file, one writer, one commit per turn of the event loop. */
import type { DeskStore, ReferralQuery } from '../desk-contracts.js'
import { openCommit } from './commit.js'
import { asked, type DeskFile, openDeskFile } from './file.js'
import { openNotices } from './notices.js'
import { openProofs } from './proofs.js'
import { openReadings } from './readings.js'
import { openSearch } from './search.js'
import { openStrays } from './strays.js'

/** The desk's share of the file; whoever opened the file closes it. */
export const openDesk = (file: DeskFile): Omit<DeskStore, 'close'> => {
  const { database } = file
  const notices = openNotices(database)
  const proofs = openProofs(database)
  const operations = { ...openCommit(database, notices, proofs), ...openReadings(database), ...notices.operations, ...proofs.operations, ...openStrays(database) }
  const begin = openSearch(database)
  return {
    ...asked(file, operations, ['done', 'state', 'find', 'bundle', 'events', 'documents', 'openNotices', 'notice', 'notices', 'due', 'nextDue', 'stream', 'position', 'lastPosition', 'strays', 'stray', 'proof', 'proofs', 'proofsDue', 'sentAs', 'early', 'earlyOfSent']),
    search: async (query: ReferralQuery) => {
      const searching = await file.ask(() => begin(query), true)
      while (await file.ask(searching.step, true));
      return file.ask(searching.found, true)
    },
  }
}

/**
 * Opens the desk's file at `path`, creating it and its folder if need be; ":memory:" is forgotten when closed.
 * Throws a ReferoError: STORE_TOO_NEW, or a StoreError whose sentence names the file and what to do.
 */
export const openSqliteDeskStore = (path: string): DeskStore => {
  const file = openDeskFile(path)
  return { ...openDesk(file), close: async () => file.close() }
}
