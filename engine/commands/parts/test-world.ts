/** What the tests in channel files run in: the real pieces and mappings, a store in memory, and nothing that acts. */
import type { Settings } from '../../../config/schema.js'
import type { TestWorld } from '../../channel-tests.js'
import { clock } from '../../clock.js'
import type { Mappings } from '../../mappings.js'
import type { Pieces } from '../../registry.js'
import { openSqliteStore } from '../../store/sqlite/sqlite-store.js'

export const testWorld = (settings: Settings, pieces: Pieces, mappings: Mappings): TestWorld => ({
  pieces, mappings, clock, log: () => {}, dataFolder: settings.data, fixtures: settings.fixtures,
  serve: () => {
    throw new Error('nothing is served in a test')
  },
  openStore: () => openSqliteStore(':memory:'),
})
