/** What the tests of receipts share: what a mail or fax system says, and what a channel says that it sent. */
import { timelineOf } from '../../referrals/api/timeline.js'
import type { Notice } from '../../referrals/desk-contracts.js'
import { readReceipt } from '../../referrals/receipts/receipt.js'
import type { ReceiptTaken } from '../../referrals/receipts/take.js'
import type { NoticeFate } from '../../referrals/settling.js'
import { events, fate, notices, type World } from './desk-kit.js'

let commands = 0
/** A receipt about a Message-ID (an MDN) or a fax (`documo:7`). */
export const says = (w: World, of: string, stage: string, more: object = {}): Promise<ReceiptTaken> => w.desk.receipt({
  command: `receipt ${++commands}`, via: 'receipts', at: w.clock.now(),
  receipt: readReceipt({ receipt: { kind: of.startsWith('<') ? 'mdn' : 'fax', of: [of], stage, retryable: false, pages: null, recipient: null, reason: null, at: w.clock.now().toISOString(), ...more } }),
})
/** Its transport has taken it, under these names. */
export const given = (w: World, notice: number | undefined, sentAs: readonly string[], more: Partial<NoticeFate> = {}): Promise<void> => w.desk.settle(notice ?? 0, fate(w, { confirmed: false, sentAs, ...more }))
export const words = async (w: World, id: string): Promise<readonly string[]> => timelineOf(await events(w, id), 'America/Chicago').map((one) => one.says)
export const acknowledgement = async (w: World, id: string): Promise<Notice | undefined> => (await notices(w, id, 'acknowledgement')).at(-1)
