/** What became of a notice: delivered, and the event says so; not delivered, and the next way is taken or a person is asked. */
import type { EventName, NewEvent, Notice, NoticeKind, Proof, ProofStage, ReferralState } from './desk-contracts.js'
import { again, whyNowhere, works } from './again.js'
import { change, type DeskParts, type Intent } from './change.js'
import { DESK, dutyOf } from './fold.js'
import { calledOf } from './providers/names.js'
import { takeEarly } from './receipts/take.js'
import { providerTo, scoped } from './scope.js'
import { whyThisWay } from './way-back.js'

/** What a channel says of the message that told a notice. */
export interface NoticeFate {
  readonly mark: string // differs whenever anything else is known
  readonly outcome: 'sent' | 'failed' | 'uncertain' // uncertain: it may have arrived, and a person is asked before it is sent again
  readonly at: Date
  readonly channel: string
  readonly reason: string | null
  readonly doubtful: boolean // it may have arrived more than once
  readonly confirmed: boolean // the receiver itself has said that it took it, beyond the transport
  readonly receipt: unknown // of hand-off/receipt.ts; null where nothing is known
  readonly identifiers: NonNullable<NewEvent['facts']>['identifiers'] & object // numbers under which the receiver keeps it
  readonly sentAs?: readonly string[] // Message-IDs with their brackets, and what a provider calls it, by which receipts name it
  readonly stage?: ProofStage // as the transport answered; `accepted` where it did not say
  readonly staff?: boolean // it lies written for staff, who send it
  readonly answer?: string // what the receiver itself answered, in a sentence
}

/** The event that a delivered notice is. */
export const DELIVERED: Readonly<Record<NoticeKind, EventName>> = {
  'acknowledgement': 'acknowledged', 'information': 'status-sent', 'status': 'status-sent', 'digest': 'status-sent', 'outcome': 'outcome-sent',
  'hand-off': 'handed-off', 'withdrawal': 'noted', 'referral': 'sent', 'report': 'written-back',
}

/** Records a fate once; a later one of the same notice (a person has sent it again) is recorded too. */
export async function settle(parts: DeskParts, id: number, fate: NoticeFate): Promise<void> {
  const notice = await parts.store.notice(id)
  if (!notice || notice.status === 'sent' || notice.fate === fate.mark) return
  if (notice.status === 'superseded' && !(notice.kind === 'referral' && fate.outcome === 'sent')) return
  if (notice.referral === null) await settleDigest(parts, notice, fate)
  else await settleOne(parts, notice, notice.referral, fate)
  if (fate.sentAs?.length) await takeEarly(parts, id, fate.sentAs)
}

async function settleOne(parts: DeskParts, notice: Notice, referral: string, fate: NoticeFate): Promise<void> {
  await change(parts, `notice ${notice.id} ${fate.mark}`, async () => {
    const before = await parts.store.state(referral)
    if (before && notice.status === 'superseded') return tooLate(parts, before, notice, fate)
    return before && (fate.outcome === 'sent' ? delivered(parts, before, notice, fate) : undelivered(parts, before, notice, fate))
  })
}

async function settleDigest(parts: DeskParts, notice: Notice, fate: NoticeFate): Promise<void> {
  for (const { referral, event } of notice.items) {
    await change(parts, `notice ${notice.id} ${fate.mark} ${referral} ${event}`, async () => {
      const before = await parts.store.state(referral)
      if (!before) return null
      const told: Notice = { ...notice, ...asNews(referral, event) }
      const intent = fate.outcome === 'sent' ? await delivered(parts, before, told, fate) : await undelivered(parts, before, told, fate)
      const waits = intent.settled?.some(({ awaits }) => awaits) ?? false
      return { ...intent, settled: [], proofs: [], told: fate.outcome === 'sent' && !waits ? [dutyOf(told)] : [] } // the digest itself is of no single referral, and is settled last
    })
  }
  const proof = fate.outcome === 'sent' ? proofOf(notice, fate, confirmationOf(parts, notice, fate)) : null
  if (proof) await parts.store.putProof(proof)
  await parts.store.settleNotice(notice.id, fate.outcome === 'sent' ? 'sent' : 'failed', fate.mark)
}

/** One piece of a digest, as news of its referral alone. */
export const asNews = (referral: string | null, event: number | null): Pick<Notice, 'referral' | 'kind' | 'event' | 'items'> => ({ referral, kind: 'status', event, items: [] })

const factsOf = ({ id, kind, way }: Notice, { doubtful, channel, reason, sentAs = [], answer, staff = false }: NoticeFate): NonNullable<NewEvent['facts']> => {
  const [as, words] = [nameOf(way, sentAs), [answer, doubtful ? 'It may have been sent twice.' : null].filter(Boolean).join(' ')]
  return { notice: { id, kind, way, doubtful, ...(as !== null && { as }), ...(staff && { staff }) }, via: channel, ...(reason !== null && { reason }), ...(words !== '' && { words }) }
}

async function delivered(parts: DeskParts, before: ReferralState, notice: Notice, fate: NoticeFate): Promise<Intent> {
  const { at, receipt, identifiers, confirmed } = fate
  const base = { at: at.toISOString(), by: DESK }
  const known = identifiers.flatMap((one) => scoped(one, notice.to)) // as the EHR's own feedback is
  const to = providerTo(notice.to)
  const why = to === null ? null : whyThisWay(await parts.providers.get(to), notice)
  const facts = { ...factsOf(notice, fate), ...(known.length > 0 && { identifiers: known }), ...(why !== null && { evidence: [{ says: why }] }) }
  if (confirmed) await works(parts, notice)
  const confirmBy = confirmationOf(parts, notice, fate)
  const proof = proofOf(notice, fate, confirmBy)
  const proofs = proof ? [proof] : []
  if (confirmBy !== null && notice.kind !== 'referral') {
    return { before, news: [{ ...base, name: 'noted', facts: { ...facts, words: `The ${notice.kind} was taken by what carries it (${notice.way}); their confirmation is waited for.` } }], settled: [{ notice, status: 'sent', fate: fate.mark, awaits: true }], proofs }
  }
  const news: NewEvent[] = [{ ...base, name: DELIVERED[notice.kind], facts }]
  if (notice.kind === 'referral' && confirmed) news.push({ ...base, name: 'delivered', facts: { via: fate.channel } })
  if (notice.kind === 'hand-off' && receipt !== null) news.push({ ...base, name: 'written-back', facts: { receipt, via: fate.channel } })
  return { before, news, settled: [{ notice, status: 'sent', fate: fate.mark }], proofs }
}

/** By when the other side must have confirmed it, where its way does so and it has a name that they can confirm it by. */
function confirmationOf({ rules }: DeskParts, { way }: Notice, { confirmed, sentAs = [], at }: NoticeFate): string | null {
  const confirms = way === null ? null : (rules().way(way)?.confirms ?? null)
  return confirms === null || confirmed || nameOf(way, sentAs) === null ? null : new Date(at.getTime() + confirms.within).toISOString()
}

/** What was sent under a name can be told of. */
function proofOf({ id }: Notice, { at, sentAs = [], stage = 'accepted', answer = 'Taken by what carries it.' }: NoticeFate, confirmBy: string | null): Proof | null {
  if (sentAs.length === 0) return null
  const when = at.toISOString()
  return { notice: id, stage, at: when, reason: null, pages: null, confirmBy, sentAs, steps: [{ stage, at: when, says: answer }] }
}

/** The name by which the other side's system speaks of it: a fax's is its service's. */
export const nameOf = (way: Notice['way'], sentAs: readonly string[]): string | null =>
  (way === 'fax' ? sentAs.find((name) => !name.startsWith('<')) : sentAs[0]) ?? null

/** It was in a channel's hands when the referral was given to another specialist: who has it now is told that it is taken back. */
async function tooLate({ providers }: DeskParts, before: ReferralState, notice: Notice, fate: NoticeFate): Promise<Intent | null> {
  const id = providerTo(notice.to)
  const provider = id === null || id === before.provider ? null : await providers.get(id)
  if (!provider) return null
  const facts = { ...factsOf(notice, fate), provider: { id: provider.id, name: calledOf(provider) } }
  return { before, news: [{ name: 'recalled', at: fate.at.toISOString(), by: DESK, facts }], settled: [{ notice, status: 'sent', fate: fate.mark }] }
}

async function undelivered(parts: DeskParts, before: ReferralState, notice: Notice, fate: NoticeFate): Promise<Intent> {
  const settled = [{ notice, status: 'failed' as const, fate: fate.mark }]
  const next = fate.outcome === 'failed' ? await again(parts, before, { ...notice, fate: fate.mark }, { reason: fate.reason ?? 'it was not taken', retryable: false }) : null
  const said = { at: fate.at.toISOString(), by: DESK }
  if (next) return { before, news: [{ ...said, name: 'noted', facts: { ...factsOf(notice, fate), words: `${reasonOf(notice, fate)} I${next.words.slice(1)}.` } }], notices: [next.notice], settled }
  return { before, news: [{ ...said, name: 'notice-failed', facts: { ...factsOf(notice, fate), reason: await whyNowhere(parts, before, notice, reasonOf(notice, fate)) } }], settled }
}

const reasonOf = ({ kind, way, to }: Notice, { outcome, reason }: NoticeFate): string =>
  `The ${kind} to ${to}${way === null ? '' : ` by ${way}`} ${outcome === 'uncertain' ? 'may or may not have arrived' : 'was not delivered'}${reason === null ? '.' : `: ${reason.replace(/[.\s]+$/, '')}.`}`
