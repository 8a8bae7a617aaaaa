/** The embedded store, through the whole conformance suite. Another kind of store gets a file like this one. */
import { join } from 'node:path'
import t from 'tap'
import { openSqliteStore } from '../../engine/store/sqlite/sqlite-store.js'
import { storeConformance } from './store.js'

await storeConformance(t, 'SQLite', (folder) => openSqliteStore(join(folder, 'refero.db')))
