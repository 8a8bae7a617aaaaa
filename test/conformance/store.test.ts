/** The stores there are, each through the whole conformance suite. */
import { join } from 'node:path'
import t from 'tap'
import { openSqliteStore } from '../../engine/store/sqlite/sqlite-store.js'
import { openThreadedStore } from '../../engine/store/sqlite/threaded-store.js'
import { storeConformance } from './store.js'
import type { OpenStore } from './store-kit.js'

const STORES: readonly (readonly [name: string, open: OpenStore])[] = [
  ['SQLite', (folder) => openSqliteStore(join(folder, 'refero.db'))],
  ['SQLite in a thread', (folder) => openThreadedStore(join(folder, 'refero.db'))],
]

for (const [name, open] of STORES) await storeConformance(t, name, open)
