/** What failed because no channel carried it is owed again once one does, unless it has gone another way meanwhile. */
import type { Notice } from './desk-contracts.js'
import { change, type DeskParts } from './change.js'
import { undelivered } from './failed-notices.js'
import { DESK, dutyOf } from './fold.js'
import { type Offer, offered, UNCARRIED } from './offers.js'

/** Looks through all referrals that wait for a person because something was not delivered; digests stay with that person. */
export async function resume(parts: DeskParts, offer: Offer): Promise<void> {
  for await (const { id } of undelivered(parts.store)) {
    for (const notice of await parts.store.notices(id)) {
      if (notice.status === 'failed' && notice.fate === UNCARRIED && await offered(parts.providers, offer, notice)) await again(parts, id, notice, offer.channel)
    }
  }
}

async function again(parts: DeskParts, referral: string, { id, kind, way, to }: Notice, channel: string): Promise<void> {
  const { store, clock } = parts
  const at = clock.now().toISOString()
  await change(parts, `notice ${id} carried again ${at}`, async () => {
    const before = await store.state(referral)
    const all = await store.notices(referral)
    const notice = all.find((one) => one.id === id)
    if (!before || notice?.status !== 'failed' || before.toTell[dutyOf(notice)] === undefined) return null
    if (all.some((other) => dutyOf(other) === dutyOf(notice) && (other.status === 'open' || other.status === 'sent'))) return null
    const words = `The ${kind} to ${to}${way === null ? '' : ` by ${way}`} is carried now, by the channel ${channel}.`
    return { before, news: [{ name: 'noted', at, by: DESK, facts: { notice: { id, kind, way }, words, via: channel } }], settled: [{ notice, status: 'open', fate: null }] }
  })
}
