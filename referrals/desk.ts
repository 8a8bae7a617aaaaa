/** The referral desk, whole: what channels, the API and the clock ask of it. Each command is done once; events and state are one transaction. */
import type { Key, NewEvent, Notice, ReferralDocument, ReferralEvent } from './desk-contracts.js'
import { type ChartsGiven, type ChartsTaken, takeCharts } from './charts.js'
import { change, type Changed, type DeskParts } from './change.js'
import { type FeedbackGiven, type FeedbackTaken, takeFeedback } from './feedback/feedback.js'
import { type Landing, landingOf, type Sending } from './hand-off/landing.js'
import { failedNotices } from './failed-notices.js'
import type { Readers } from './hand-off/receipt-contracts.js'
import { eventMessage, noticeMessage } from './notice-message.js'
import { type Offer, offered, Offers } from './offers.js'
import { open, type Opened, type Opening } from './opening.js'
import { type NoticeFate, settle } from './settling.js'
import { reaching } from './reaching.js'
import { resume } from './resuming.js'
import { type ReceiptGiven, type ReceiptTaken, takeLeft, takeReceipt } from './receipts/take.js'
import { tick, untilNext } from './ticking.js'
import { Wake } from './wake.js'

/** Events for one referral, and what comes with them. */
export interface Telling {
  readonly command: string
  readonly referral: string
  readonly news: readonly NewEvent[]
  readonly documents?: readonly Omit<ReferralDocument, 'referral' | 'event'>[]
  readonly withdrawn?: readonly string[]
  readonly keys?: readonly Key[]
}

export interface PassedOver { readonly since: string; readonly count: number; readonly channels: Readonly<Record<string, number>> }

export interface Desk extends Omit<DeskParts, 'log'> {
  /** A referral, or more about one, from outside or (outbound) from our own EHR. Rejects with a DeskRefusal what can never be taken. */
  open(opening: Opening): Promise<Opened>
  /** What an EHR or a specialist says of something: it becomes events of the one referral it is about, or a stray for a person. */
  feedback(given: FeedbackGiven): Promise<FeedbackTaken>
  /** What became of something that was sent, as a mail or fax system says later; of what nobody knows it is counted. */
  receipt(given: ReceiptGiven): Promise<ReceiptTaken>
  /** How much of what was told fitted no referral and waits for nobody, by channel, since the desk was opened. */
  passedOver(): PassedOver
  /** Charts of an EHR that are new, changed or merged; referrals that wait for their patient are looked at again. */
  charts(given: ChartsGiven): Promise<ChartsTaken>
  /** Events of a referral that is known. Null: there is no such referral. */
  tell(telling: Telling): Promise<Changed | null>
  /** A decision of a person, made with what the desk works with; whoever waits for changes is woken afterwards. */
  decide<Value>(decision: (parts: DeskParts) => Promise<Value>): Promise<Value>
  /** Says which notices a channel carries, until the returned function is called. */
  offer(offer: Offer): () => void
  /** What failed because no channel carried it, and an offer carries, is owed again. */
  resume(offer: Offer): Promise<void>
  /** The open notices of an offer after an id, with the FHIR bundle (JSON) that tells each; null where there is nothing left to tell it of, it is `known`, or it goes to another address. */
  toTell(offer: Offer, after: number, limit: number, known?: (notice: number) => boolean): Promise<readonly { readonly notice: Notice; readonly bundle: string | null }[]>
  /** A channel is given a notice: no other is looked for until it is settled, however long the channel rests. */
  taken(notice: number): Promise<void>
  /** Notices of an offer that failed, of referrals that wait for a person because of it: whoever had one may be told to send it again. */
  failed(offer: Offer): Promise<readonly Notice[]>
  settle(notice: number, fate: NoticeFate): Promise<void>
  /** What a delivered notice became at its receiver; a hand-off has a field-level receipt. */
  landing(notice: number, sending: Sending | null, readers: Readers): Promise<Landing>
  /** The bundle (JSON) that tells an event; null where the referral is not there any more. */
  eventBundle(referral: string, event: ReferralEvent): Promise<string | null>
  /** Resolves when anything has changed since `seen` (from `turn`), or the signal aborts. */
  changed(seen: number, signal: AbortSignal): Promise<void>
  turn(): number
  close(): Promise<void>
}

const LONGEST_REST = 5_000 // milliseconds between two looks at the clock

export function createDesk(parts: DeskParts): Desk {
  const offers = new Offers()
  const wake = new Wake()
  const passed = new Map<string, number>()
  const since = parts.clock.now().toISOString()
  const stopping = new AbortController()
  const afterwards = async <Value>(work: Promise<Value>): Promise<Value> => {
    try {
      return await work
    } finally {
      wake.wake()
    }
  }
  const looking = look(parts, offers, wake, stopping.signal)
  return {
    store: parts.store, patients: parts.patients, providers: parts.providers, rules: parts.rules, clock: parts.clock,
    open: (opening) => afterwards(open(parts, opening)),
    feedback: async (given) => {
      const taken = await afterwards(takeFeedback(parts, given))
      if (taken.passed > 0) passed.set(given.via, (passed.get(given.via) ?? 0) + taken.passed)
      return taken
    },
    receipt: async (given) => {
      const taken = await afterwards(takeReceipt(parts, given))
      if (taken.what === 'stray') passed.set(given.via, (passed.get(given.via) ?? 0) + 1)
      return taken
    },
    passedOver: () => ({ since, count: [...passed.values()].reduce((sum, one) => sum + one, 0), channels: Object.fromEntries(passed) }),
    charts: (given) => afterwards(takeCharts(parts, given)),
    tell: ({ command, referral, ...intent }) => afterwards(change(parts, command, async () => {
      const before = await parts.store.state(referral)
      return before && { before, ...intent }
    })),
    decide: (decision) => afterwards(decision(parts)),
    offer: (offer) => offers.add(offer),
    toTell: async (offer, after, limit, known = () => false) => {
      const { kinds, ways, ehrs } = offer
      const found = await parts.store.openNotices(kinds, { ...(ways && { ways }), ...(ehrs && { ehrs }) }, after, parts.clock.now().toISOString(), limit)
      return Promise.all(found.map(async (notice) => ({ notice, bundle: !known(notice.id) && await offered(parts.providers, offer, notice) ? await noticeMessage(parts, notice) : null })))
    },
    resume: (offer) => afterwards(resume(parts, offer)),
    taken: (notice) => parts.store.takeNotice(notice),
    failed: (offer) => failedNotices(parts, offer),
    settle: (notice, fate) => afterwards(settle(parts, notice, fate)),
    landing: (notice, sending, readers) => landingOf(parts, notice, sending, readers),
    eventBundle: (referral, event) => eventMessage(parts, referral, event),
    changed: (seen, signal) => wake.after(seen, signal),
    turn: () => wake.turn,
    close: async () => {
      stopping.abort()
      await looking
      await parts.store.close()
      await parts.patients.close()
    },
  }
}

/** Looks at the clock as long as the desk is open. */
async function look(parts: DeskParts, offers: Offers, wake: Wake, signal: AbortSignal): Promise<void> {
  const opened = parts.clock.now()
  const reach = reaching(parts)
  let looked = false
  while (!signal.aborted) {
    let rest = LONGEST_REST
    try {
      if (!looked) await takeLeft(parts)
      looked = true
      const reached = await reach()
      if ((await tick(parts, offers, opened)) + reached > 0) wake.wake()
      rest = await untilNext(parts, LONGEST_REST)
    } catch (error) {
      if (!signal.aborted) parts.log('error', 'the referral desk could not look at what is due', { error })
    }
    await parts.clock.sleep(rest, signal)
  }
}

