/** The embedded desk store, in its caller's thread and in one of its own, through the whole conformance suite. */
import { join } from 'node:path'
import t from 'tap'
import { openSqliteDeskStore } from '../../../referrals/store/desk-store.js'
import { openThreadedDeskStore } from '../../../referrals/store/threaded-desk-store.js'
import { deskStoreConformance } from '../../conformance/desk-store.js'

await deskStoreConformance(t, 'SQLite', (folder) => openSqliteDeskStore(join(folder, 'desk.db')))
await deskStoreConformance(t, 'SQLite in a thread', (folder) => openThreadedDeskStore(join(folder, 'desk.db')))
