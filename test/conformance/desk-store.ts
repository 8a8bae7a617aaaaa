/** What every desk store must do, whatever keeps it: the whole of DeskStore as tests. */
import type { Test } from 'tap'
import type { DeskStore } from '../../referrals/desk-contracts.js'
import { commitConformance } from './desk-commits.js'
import type { OpenDesk } from './desk-kit.js'
import { noticeConformance } from './desk-notices.js'
import { proofConformance } from './desk-proofs.js'
import { deskSearchConformance } from './desk-search.js'

/** Runs one test on a store of its own; `reopen` closes it and opens it again on what it kept. */
export type OnDesk = (sentence: string, body: (t: Test, desk: DeskStore, reopen: () => Promise<DeskStore>) => Promise<void>) => void

/** Runs the suite on one kind of store. */
export const deskStoreConformance = (t: Test, name: string, open: OpenDesk): Promise<unknown> => t.test(`the ${name} desk store`, async (t) => {
  const on: OnDesk = (sentence, body) => {
    void t.test(sentence, async (t) => {
      const folder = t.testdir()
      let desk = await open(folder)
      try {
        await body(t, desk, async () => {
          await desk.close()
          desk = await open(folder)
          return desk
        })
      } finally {
        await desk.close()
      }
    })
  }
  commitConformance(on)
  noticeConformance(on)
  proofConformance(on)
  deskSearchConformance(on)
})
