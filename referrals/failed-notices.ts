/** The notices that failed and are still owed: what a person may have sent again by the channel that had them. */
import type { DeskParts } from './change.js'
import type { DeskStore, Hold, Notice, ReferralState } from './desk-contracts.js'
import { type Offer, offered } from './offers.js'

const HOLDS: readonly Hold[] = ['hand-off', 'notice'] // of a referral of which something was not delivered
const AT_ONCE = 1_000

/** Those of an offer, of all referrals that wait for a person because of them; a digest once. */
export async function failedNotices({ store, providers }: Pick<DeskParts, 'store' | 'providers'>, offer: Offer): Promise<readonly Notice[]> {
  const found = new Map<number, Notice>()
  for await (const state of undelivered(store)) {
    const numbers = new Set((await store.events(state.id)).flatMap(({ name, facts: { notice } }) => (name === 'notice-failed' && notice && !found.has(notice.id) ? [notice.id] : [])))
    for (const notice of await Promise.all([...numbers].map((number) => store.notice(number)))) {
      if (notice?.status === 'failed' && await offered(providers, offer, notice)) found.set(notice.id, notice)
    }
  }
  return [...found.values()]
}

/** Whatever waits because something of it was not delivered. */
export async function* undelivered(store: Pick<DeskStore, 'search'>): AsyncGenerator<ReferralState> {
  for (const hold of HOLDS) yield* waiting(store, hold)
}

async function* waiting(store: Pick<DeskStore, 'search'>, hold: Hold): AsyncGenerator<ReferralState> {
  for (let page = await store.search({ hold, limit: AT_ONCE }); page.length > 0; ) {
    yield* page
    const before = page.at(-1)?.id
    page = before === undefined ? [] : await store.search({ hold, before, limit: AT_ONCE })
  }
}
