/** The embedded store in its threads, through the whole conformance suite. */
import { join } from 'node:path'
import t from 'tap'
import { openThreadedStore } from '../../engine/store/sqlite/threaded-store.js'
import { storeConformance } from './store.js'

await storeConformance(t, 'SQLite in threads', (folder) => openThreadedStore(join(folder, 'refero.db')))
