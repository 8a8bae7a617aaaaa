/** What every message store must do, whatever keeps it: the whole of engine/store/contracts.ts as tests. */
import type { Test } from 'tap'
import { archiveConformance } from './store-archive.js'
import { arrivalConformance } from './store-arrivals.js'
import { decisionConformance } from './store-decisions.js'
import { fateConformance } from './store-fates.js'
import type { OpenStore, Store } from './store-kit.js'
import { queueConformance } from './store-queues.js'
import { retentionConformance } from './store-retention.js'
import { searchConformance } from './store-search.js'

/** Runs one test on a store of its own; `reopen` closes it and opens it again on what it kept. */
export type OnStore = (sentence: string, body: (t: Test, store: Store, reopen: () => Promise<Store>) => Promise<void>) => void

/** Runs the suite on one kind of store. */
export const storeConformance = (t: Test, name: string, open: OpenStore): Promise<unknown> => t.test(`the ${name} store`, async (t) => {
  const on: OnStore = (sentence, body) => {
    void t.test(sentence, async (t) => {
      const folder = t.testdir()
      let store = await open(folder)
      try {
        await body(t, store, async () => {
          await store.close()
          store = await open(folder)
          return store
        })
      } finally {
        await store.close()
      }
    })
  }
  arrivalConformance(on)
  queueConformance(on)
  archiveConformance(on)
  decisionConformance(on)
  fateConformance(on)
  searchConformance(on)
  retentionConformance(on)
})
