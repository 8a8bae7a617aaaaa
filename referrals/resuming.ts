/** What failed because no channel carried it is owed again once one does, unless it has gone another way meanwhile. */
import type { NewNotice, Notice, NoticeStatus } from './desk-contracts.js'
import { change, type DeskParts } from './change.js'
import { failedNotices, undelivered } from './failed-notices.js'
import { DESK, dutyOf } from './fold.js'
import { type Offer, offered, UNCARRIED } from './offers.js'

/** Looks through all referrals that wait for a person because something was not delivered. */
export async function resume(parts: DeskParts, offer: Offer): Promise<void> {
  for await (const { id } of undelivered(parts.store)) {
    for (const notice of await parts.store.notices(id)) {
      if (notice.status === 'failed' && notice.fate === UNCARRIED && await offered(parts.providers, offer, notice)) await again(parts, id, notice, offer.channel)
    }
  }
  for (const notice of await failedNotices(parts, offer)) if (notice.referral === null && notice.fate === UNCARRIED) await gatherAnew(parts, notice, offer.channel)
}

async function again(parts: DeskParts, referral: string, { id, kind, way, to }: Notice, channel: string): Promise<void> {
  const { store, clock } = parts
  const at = clock.now().toISOString()
  await change(parts, `notice ${id} carried again ${at}`, async () => {
    const before = await store.state(referral)
    const all = await store.notices(referral)
    const notice = all.find((one) => one.id === id)
    if (!before || notice?.status !== 'failed' || before.toTell[dutyOf(notice)] === undefined) return null
    if (all.some((other) => dutyOf(other) === dutyOf(notice) && GOING.has(other.status))) return null
    return { before, news: [{ name: 'noted', at, by: DESK, facts: { notice: { id, kind, way }, words: carriedNow({ kind, way, to }, channel), via: channel } }], settled: [{ notice, status: 'open', fate: null }] }
  })
}

/** What of a digest is still owed, and has not gone another way, waits for the next digest, which is made at once; the first is never sent any more. */
async function gatherAnew(parts: DeskParts, { id, to, way, items, fate }: Notice, channel: string): Promise<void> {
  const { store, clock, rules } = parts
  for (const { referral, event } of items) {
    const key = dutyOf({ kind: 'status', event })
    await change(parts, `digest ${id} carried again ${referral} ${event}`, async () => {
      const before = await store.state(referral)
      if (before?.toTell[key] === undefined || (await store.notices(referral)).some((other) => dutyOf(other) === key && GOING.has(other.status))) return null
      const at = clock.now().toISOString()
      const waiting: NewNotice = { referral, kind: 'status', event, to, way, notBefore: at, due: rules().dueOf('digest', at, before.urgency), status: 'waiting', items: [], tried: [] }
      return { before, news: [{ name: 'noted', at, by: DESK, facts: { notice: { id, kind: 'digest', way }, words: carriedNow({ kind: 'digest', way, to }, channel), via: channel } }], notices: [waiting] }
    })
  }
  await store.settleNotice(id, 'superseded', fate)
}

const GOING: ReadonlySet<NoticeStatus> = new Set(['waiting', 'open', 'sent'])
const carriedNow = ({ kind, way, to }: Pick<Notice, 'kind' | 'way' | 'to'>, channel: string): string => `The ${kind} to ${to}${way === null ? '' : ` by ${way}`} is carried now, by the channel ${channel}.`
