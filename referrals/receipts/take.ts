/** A receipt comes, or does not come in time: the notice that it is about goes on, is sent again, takes another way, or waits for a person. */
import { change, type DeskParts, type Intent } from '../change.js'
import type { NewEvent, Notice, Proof, ProofStage, ReferralState } from '../desk-contracts.js'
import { DESK, dutyOf } from '../fold.js'
import { again, whyNowhere, works } from '../again.js'
import { providerTo } from '../scope.js'
import { asNews, DELIVERED, nameOf } from '../settling.js'
import { goesOn, isConfirmed, proofAfter, type Receipt, receiptWords } from './receipt.js'

export interface ReceiptGiven { readonly command: string; readonly receipt: Receipt; readonly via: string; readonly at: Date }
export interface ReceiptTaken { readonly what: 'told' | 'nothing' | 'stray' } // nothing: it says no more than was known

const AT_ONCE = 200
const LOST: readonly ProofStage[] = ['failed', 'uncertain']

/** Of what nobody sent, as far as is known, it is kept: it may be quicker than the news that it was sent. */
export async function takeReceipt(parts: DeskParts, { command, receipt, via, at }: ReceiptGiven): Promise<ReceiptTaken> {
  const known = await parts.store.sentAs(receipt.of)
  if (known.length === 0) await parts.store.keepEarly(command, receipt.of, at.toISOString(), JSON.stringify({ receipt: { ...receipt, of: [] }, via }))
  const notices = known.length > 0 ? known : await parts.store.sentAs(receipt.of) // what was settled meanwhile has not seen it
  const told: boolean[] = []
  for (const notice of notices) told.push(await advance(parts, notice, { command, receipt, via }))
  if (known.length === 0 && notices.length > 0) await parts.store.forgetEarly(command)
  return { what: told.some(Boolean) ? 'told' : notices.length > 0 ? 'nothing' : 'stray' }
}

/** What came before it was known what it is about. */
export async function takeEarly(parts: DeskParts, notice: number, sentAs: readonly string[]): Promise<void> {
  for (const one of await parts.store.early(sentAs)) await takeKept(parts, { ...one, notice })
}

/** What the desk had kept, and closed before it took it. */
export async function takeLeft(parts: DeskParts): Promise<void> {
  for (const one of await parts.store.earlyOfSent()) await takeKept(parts, one)
}

async function takeKept(parts: DeskParts, { command, notice, content }: { readonly command: string; readonly notice: number; readonly content: string }): Promise<void> {
  await advance(parts, notice, { command, ...(JSON.parse(content) as Pick<Saying, 'receipt' | 'via'>) })
  await parts.store.forgetEarly(command)
}

/** What should have been confirmed by now, and was not. Returns how many there were. */
export async function expire(parts: DeskParts, now: string): Promise<number> {
  const late = await parts.store.proofsDue(now, AT_ONCE)
  for (const notice of late) {
    const receipt: Receipt = { kind: 'dsn', of: [], stage: 'uncertain', retryable: false, pages: null, recipient: null, reason: 'no confirmation came in time', at: now }
    await advance(parts, notice, { command: `unconfirmed ${now}`, receipt, via: 'desk' })
  }
  return late.length
}

/** One receipt, for one of the notices that it may be about. */
type Saying = Pick<ReceiptGiven, 'command' | 'receipt' | 'via'>

/** False where it says no more than was known. A proof is looked at with its referral, whose next change it belongs to: two receipts at once come one after the other. */
async function advance(parts: DeskParts, id: number, saying: Saying): Promise<boolean> {
  const notice = await parts.store.notice(id)
  if (!notice) return false
  const command = `receipt ${saying.command} ${id}`
  if (notice.referral === null) return advanceDigest(parts, notice, command, saying)
  const changed = await change(parts, command, () => intentOf(parts, id, { referral: notice.referral, event: notice.event }, saying))
  return changed !== null && !changed.repeated
}

/** Each of its referrals by itself; the proof, which is of none of them, last. */
async function advanceDigest(parts: DeskParts, notice: Notice, command: string, saying: Saying): Promise<boolean> {
  const { id, fate, items } = notice
  for (const item of items) await change(parts, `${command} ${item.referral} ${item.event}`, async () => {
    const intent = await intentOf(parts, id, item, saying)
    return intent && { ...intent, settled: intent.settled?.filter((one) => one.notice.id !== id) ?? [], proofs: [] }
  })
  const proof = await parts.store.proof(id)
  if (!proof || !goesOn(proof, saying.receipt.stage)) return false
  const confirmed = confirms(parts, notice, saying.receipt)
  if (confirmed || LOST.includes(saying.receipt.stage)) await parts.store.settleNotice(id, confirmed ? 'sent' : 'failed', fate)
  await parts.store.putProof(proofAfter(proof, saying.receipt, receiptWords(saying.receipt), !confirmed))
  return true
}

/** What a receipt makes of one referral, as it stands now. */
async function intentOf(parts: DeskParts, id: number, { referral, event }: Pick<Notice, 'referral' | 'event'>, { receipt, via }: Saying): Promise<Intent | null> {
  const [before, notice, proof] = await Promise.all([parts.store.state(referral ?? ''), parts.store.notice(id), parts.store.proof(id)])
  if (!before || !notice || !proof || !goesOn(proof, receipt.stage)) return null
  const told: Notice = notice.referral === null ? { ...notice, ...asNews(referral, event) } : notice
  const confirmed = confirms(parts, notice, receipt)
  const proofs = [proofAfter(proof, receipt, receiptWords(receipt), !confirmed)]
  if (confirmed) await works(parts, notice)
  if (elsewhere(before, told) || (!confirmed && told.status === 'superseded')) return { before, proofs, news: [saidOf(told, proof, receipt, via)] }
  if (receipt.stage === 'failed') return { ...(await failed(parts, before, told, proof, receipt, via)), proofs }
  if (receipt.stage === 'uncertain') return { ...uncertain(before, told, proof, receipt), proofs }
  return { ...(confirmed ? await arrived(parts, before, told, saidOf(told, proof, receipt, via)) : { before, news: [saidOf(told, proof, receipt, via)] }), proofs }
}

/** The receiver has it, by the stage that its way asks for. */
const confirms = ({ rules }: DeskParts, { way }: Notice, { stage }: Receipt): boolean => isConfirmed(stage, way === null ? undefined : rules().way(way)?.confirms?.by)

/** An order that another specialist has now: what becomes of the first one's copy is only noted. */
const elsewhere = ({ provider }: ReferralState, { kind, to }: Notice): boolean => kind === 'referral' && providerTo(to) !== provider

const atOf = ({ at }: Receipt): string => new Date(at).toISOString()
const noticed = ({ id, kind, way }: Notice, { sentAs }: Proof): NonNullable<NewEvent['facts']> => {
  const as = nameOf(way, sentAs)
  return { notice: { id, kind, way, ...(as !== null && { as }) } }
}
const saidOf = (notice: Notice, proof: Proof, receipt: Receipt, via: string): NewEvent => ({ name: 'noted', at: atOf(receipt), by: DESK, facts: { ...noticed(notice, proof), words: receiptWords(receipt), via } })

/** It is confirmed: told, where that has waited for it. What was to go once more, and no channel has yet, does not go. */
async function arrived({ store }: DeskParts, before: ReferralState, notice: Notice, said: NewEvent): Promise<Intent> {
  const owed = before.toTell[dutyOf(notice)] !== undefined
  const name = notice.kind === 'referral' ? (before.times.delivered === undefined ? 'delivered' : 'noted') : owed ? DELIVERED[notice.kind] : 'noted'
  if (!owed) return { before, news: [{ ...said, name }] }
  const others = (await store.notices(before.id)).filter((one) => one.id !== notice.id && dutyOf(one) === dutyOf(notice) && one.status === 'open' && one.fate === null)
  const settled = [...others.map((one) => ({ notice: one, status: 'superseded' as const, fate: one.fate })), ...(notice.status === 'superseded' ? [] : [{ notice, status: 'sent' as const, fate: notice.fate }])]
  return { before, news: [{ ...said, name }], settled, told: [dutyOf(notice)] }
}

/** It is owed again: the same way later, or by the next, or a person is asked. */
async function failed(parts: DeskParts, before: ReferralState, notice: Notice, proof: Proof, receipt: Receipt, via: string): Promise<Intent> {
  const at = atOf(receipt)
  const words = receiptWords(receipt)
  const owed = owing(before, notice, at)
  const settled = [{ notice, status: 'failed' as const, fate: notice.fate }]
  const next = await again(parts, before, notice, { reason: words, retryable: receipt.retryable })
  if (!next) return { before: owed, settled, news: [{ name: 'notice-failed', at, by: DESK, facts: { ...noticed(notice, proof), reason: await whyNowhere(parts, before, notice, words), via } }] }
  return { before: owed, settled, notices: [next.notice], news: [{ name: 'noted', at, by: DESK, facts: { ...noticed(notice, proof), reason: words, words: `${words.replace(/\.$/, '')}; ${next.words}.`, via } }] }
}

/** It is never sent again on its own: a person looks. */
const uncertain = (before: ReferralState, notice: Notice, proof: Proof, receipt: Receipt): Intent => {
  const { confirmBy } = proof
  const at = confirmBy !== null && confirmBy < atOf(receipt) ? confirmBy : atOf(receipt)
  const reason = `The ${notice.kind} to ${notice.to}${notice.way === null ? '' : ` by ${notice.way}`} may or may not have arrived: ${(receipt.reason ?? 'its receipt does not say').replace(/[.\s]+$/, '')}. It is sent again only where a person says so.`
  return { before: owing(before, notice, at), settled: [{ notice, status: 'failed', fate: notice.fate }], news: [{ name: 'notice-failed', at, by: DESK, facts: { ...noticed(notice, proof), reason } }] }
}

/** What was told by it has not been told. */
const owing = (before: ReferralState, notice: Notice, at: string): ReferralState => {
  const key = dutyOf(notice)
  return before.toTell[key] === undefined ? { ...before, toTell: { ...before.toTell, [key]: at } } : before
}
