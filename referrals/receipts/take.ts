/** A receipt comes, or does not come in time: the notice that it is about goes on, is sent again, takes another way, or waits for a person. */
import { change, type DeskParts, type Intent } from '../change.js'
import type { NewEvent, NewNotice, Notice, Proof, ReferralState } from '../desk-contracts.js'
import { DESK, dutyOf } from '../fold.js'
import { again } from '../again.js'
import { DELIVERED } from '../settling.js'
import { goesOn, isConfirmed, proofAfter, type Receipt, receiptWords } from './receipt.js'

export interface ReceiptGiven { readonly command: string; readonly receipt: Receipt; readonly via: string; readonly at: Date }
export interface ReceiptTaken { readonly what: 'told' | 'nothing' | 'stray' } // nothing: it says no more than was known

const AT_ONCE = 200

/** Of what nobody sent, as far as is known, it is kept: it may be quicker than the news that it was sent. */
export async function takeReceipt(parts: DeskParts, { command, receipt, via, at }: ReceiptGiven): Promise<ReceiptTaken> {
  const notices = await parts.store.sentAs(receipt.of)
  if (notices.length === 0) await parts.store.keepEarly(command, receipt.of, at.toISOString(), JSON.stringify({ receipt, via }))
  const told: boolean[] = []
  for (const notice of notices) told.push(await advance(parts, notice, receipt, via))
  return { what: told.some(Boolean) ? 'told' : notices.length > 0 ? 'nothing' : 'stray' }
}

/** What came before it was known what it is about. */
export async function takeEarly(parts: DeskParts, notice: number, sentAs: readonly string[]): Promise<void> {
  for (const { command, content } of await parts.store.early(sentAs)) {
    const { receipt, via } = JSON.parse(content) as { readonly receipt: Receipt; readonly via: string }
    await advance(parts, notice, receipt, via)
    await parts.store.forgetEarly(command)
  }
}

/** What should have been confirmed by now, and was not. Returns how many there were. */
export async function expire(parts: DeskParts, now: string): Promise<number> {
  const late = await parts.store.proofsDue(now, AT_ONCE)
  for (const notice of late) {
    await advance(parts, notice, { kind: 'dsn', of: [], stage: 'uncertain', retryable: false, pages: null, recipient: null, reason: 'no confirmation came in time', at: now }, 'desk')
  }
  return late.length
}

async function advance(parts: DeskParts, id: number, receipt: Receipt, via: string): Promise<boolean> {
  const [notice, proof] = await Promise.all([parts.store.notice(id), parts.store.proof(id)])
  if (!notice || !proof || !goesOn(proof.stage, receipt.stage)) return false
  const rule = notice.way === null ? null : parts.rules().way(notice.way)
  const confirmed = isConfirmed(receipt.stage, rule?.confirms?.by)
  const next = proofAfter(proof, receipt, receiptWords(receipt), !confirmed && receipt.stage !== 'failed' && receipt.stage !== 'uncertain')
  if (confirmed) await reset(parts, notice)
  const referrals = notice.referral === null ? notice.items : [{ referral: notice.referral, event: notice.event }]
  for (const { referral, event } of referrals) {
    await change(parts, `receipt ${id} ${proof.steps.length} ${receipt.stage} ${referral}`, async () => {
      const before = await parts.store.state(referral)
      const now = (await parts.store.notice(id)) ?? notice
      if (!before) return null
      const told: Notice = notice.referral === null ? { ...now, referral, kind: 'status', event } : now
      const intent = receipt.stage === 'failed' ? await failed(parts, before, told, receipt, via) : receipt.stage === 'uncertain' ? uncertain(before, told, proof, receipt) : await went(parts, before, told, receipt, { via, confirmed })
      return notice.referral === null ? { ...intent, settled: [] } : { ...intent, proofs: [next] }
    })
  }
  if (notice.referral === null) await parts.store.putProof(next)
  return true
}

const atOf = ({ at }: Receipt): string => new Date(at).toISOString()
const noticed = ({ id, kind, way }: Notice): NonNullable<NewEvent['facts']> => ({ notice: { id, kind, way } })
const ofOrder = ({ kind }: Notice): boolean => kind === 'referral'

/** It has come a step on; once it is confirmed it is told, where that has waited for it. */
async function went({ store }: DeskParts, before: ReferralState, notice: Notice, receipt: Receipt, { via, confirmed }: { readonly via: string; readonly confirmed: boolean }): Promise<Intent> {
  const at = atOf(receipt)
  const words = receiptWords(receipt)
  const owed = before.toTell[dutyOf(notice)] !== undefined && notice.referral !== null
  if (!confirmed) return { before, news: [{ name: 'noted', at, by: DESK, facts: { ...noticed(notice), words, via } }] }
  const arrived: NewEvent[] = ofOrder(notice) ? [{ name: 'delivered', at, by: DESK, facts: { ...noticed(notice), words, via } }] : owed ? [{ name: DELIVERED[notice.kind], at, by: DESK, facts: { ...noticed(notice), words, via } }] : []
  const others = owed ? (await store.notices(before.id)).filter((one) => one.id !== notice.id && dutyOf(one) === dutyOf(notice) && one.status === 'open' && one.fate === null) : [] // not begun yet: it arrived after all
  const settled = [...others.map((one) => ({ notice: one, status: 'superseded' as const, fate: one.fate })), ...(owed && notice.status !== 'superseded' ? [{ notice, status: 'sent' as const, fate: notice.fate }] : [])]
  return { before, news: arrived.length > 0 ? arrived : [{ name: 'noted', at, by: DESK, facts: { ...noticed(notice), words, via } }], settled, ...(owed && { told: [dutyOf(notice)] }) }
}

/** It is owed again: the same way later, or by the next, or a person is asked. */
async function failed(parts: DeskParts, before: ReferralState, notice: Notice, receipt: Receipt, via: string): Promise<Intent> {
  const at = atOf(receipt)
  const words = receiptWords(receipt)
  const owed = owing(before, notice, at)
  const settled = [{ notice, status: 'failed' as const, fate: notice.fate }]
  const next = await again(parts, before, notice, { reason: words, retryable: receipt.retryable })
  if (!next) return { before: owed, settled, news: [{ name: 'notice-failed', at, by: DESK, facts: { ...noticed(notice), reason: words, via } }] }
  return { before: owed, settled, notices: [next.notice as NewNotice], news: [{ name: 'noted', at, by: DESK, facts: { ...noticed(notice), words: `${words.replace(/\.$/, '')}; ${next.words}.`, via } }] }
}

/** It is never sent again on its own: a person looks. */
const uncertain = (before: ReferralState, notice: Notice, { confirmBy }: Proof, receipt: Receipt): Intent => {
  const at = confirmBy !== null && confirmBy < atOf(receipt) ? confirmBy : atOf(receipt)
  const reason = `The ${notice.kind} to ${notice.to}${notice.way === null ? '' : ` by ${notice.way}`} may or may not have arrived: ${(receipt.reason ?? 'its receipt does not say').replace(/[.\s]+$/, '')}. It is sent again only where a person says so.`
  return { before: owing(before, notice, at), settled: [{ notice, status: 'failed', fate: notice.fate }], news: [{ name: 'notice-failed', at, by: DESK, facts: { ...noticed(notice), reason } }] }
}

/** What was told by it has not been told. */
const owing = (before: ReferralState, notice: Notice, at: string): ReferralState => {
  const key = dutyOf(notice)
  return before.toTell[key] === undefined ? { ...before, toTell: { ...before.toTell, [key]: at } } : before
}

/** A way that works is tried first again. */
async function reset({ providers }: DeskParts, { to, way }: Notice): Promise<void> {
  const [, id] = /^provider (.+)$/.exec(to) ?? []
  const known = id === undefined || way === null ? null : await providers.get(id)
  const failing = known?.ways.find((one) => one.way === way && one.failed)
  if (known && failing) await providers.failing(known.id, failing.way, failing.address, null)
}
