/** What the desk remembers of a referral and answers when asked: events, state, notices, duties, commands. Types only. */
import type { ChartKey, Direction, MissingItem, Route, Urgency, Way } from './contracts.js'

// ── What happened ───────────────────────────────────────────────────────────────────────

export type EventName =
  | 'received' | 'read' | 'needs-information' | 'information-added' | 'matched' | 'match-uncertain' | 'patient-pending' | 'triaged' | 'routed' | 'route-uncertain'
  | 'acknowledged' | 'handed-off' | 'written-back' | 'accepted' | 'declined' | 'contacted' | 'unable-to-reach'
  | 'scheduled' | 'rescheduled' | 'appointment-cancelled' | 'no-show' | 'seen' | 'visit-cancelled' | 'interim-report' | 'reported' | 'report-withdrawn' | 'status-sent' | 'outcome-sent'
  | 'closed' | 'cancelled' | 'cancel-refused' | 'reopened' | 'overdue' | 'notice-failed' | 'noted'
  | 'addressed' // a person or a later message says who the other side is
  | 'sent' | 'delivered' | 'acknowledged-by-them' | 'report-received' | 'recalled' // outbound

/** Where a referral stands. `closed`, `declined` and `cancelled` are ends; what is still to be told then is told. */
export type Stage =
  | 'received' | 'routed' | 'handed-off' | 'accepted' | 'contacted' | 'unable-to-reach' | 'scheduled' | 'rebooking' | 'seen' | 'reported'
  | 'closed' | 'declined' | 'cancelled'
  | 'sent' | 'delivered' | 'acknowledged' // outbound, before the specialist accepts

/** Who or what caused something: a channel, a person, the desk itself. */
export interface By { readonly kind: 'channel' | 'person' | 'desk'; readonly name: string }

/** What an event says beside its name; each event uses what is its own. */
export interface EventFacts {
  readonly reason?: string // of a decline, a cancellation, an unsuccessful attempt, an uncertain match
  readonly missing?: readonly MissingItem[]
  readonly answered?: readonly string[] // names of items no longer missing
  readonly provider?: { readonly id: string; readonly name: string } // to whom it is addressed, or from whom it is taken back
  readonly chart?: ChartKey
  readonly not?: readonly ChartKey[] // charts of somebody else, as a person said
  readonly merged?: ChartKey // the chart that was merged into that of the referral
  readonly apart?: ChartKey // the chart that had been one with that of the referral, and is another again
  readonly visit?: { readonly id: string; readonly was: 'there' | 'cancelled'; readonly at: string } // what shows that the patient was seen, or that they were not after all; at: when it was said
  readonly same?: string // id of the referral that this one repeats
  readonly candidates?: readonly { readonly chart: ChartKey; readonly score: number; readonly says: readonly string[] }[]
  readonly route?: Route
  readonly row?: string
  readonly urgency?: Urgency
  readonly specialty?: string | null
  readonly appointment?: { readonly id: string | null; readonly start: string | null; readonly with: string | null; readonly at: string | null }
  readonly attempt?: { readonly number: number; readonly how: string }
  readonly documents?: readonly string[] // ids of the referral's documents
  readonly notice?: { readonly id: number; readonly kind: NoticeKind; readonly way: Way | null; readonly doubtful?: boolean; readonly as?: string; readonly staff?: boolean } // as: what it was sent as, by which receipts name it; staff: written for them to send
  readonly receipt?: unknown // of hand-off/receipt.ts
  readonly duty?: { readonly id: string; readonly kind: string; readonly due: string; readonly level: number; readonly skipped?: readonly number[] } // skipped: lower levels that were due too, and were not said
  readonly identifiers?: readonly { readonly kind: KeyKind; readonly value: string }[] // numbers by which others know it
  readonly evidence?: readonly { readonly says: string; readonly quote?: string; readonly at?: string }[]
  readonly waits?: string // why nothing goes on by itself until a person has decided
  readonly quiet?: true // told to nobody outside
  readonly later?: true // told in the digest, if it is told
  readonly left?: Hold // what a person has looked at, and leaves as it is
  readonly words?: string // a sentence for people
  readonly via?: string // channel or door it came by
}

/** One thing that happened. What could not be applied is kept all the same, and says why. */
export interface ReferralEvent {
  readonly sequence: number // within the referral, from 1
  readonly name: EventName
  readonly at: string // ISO instant: when it happened, as its sender says
  readonly recordedAt: string
  readonly by: By
  readonly reason: string | null // why it was done: of every change by a person
  readonly applied: boolean
  readonly because: string | null // why it was not applied
  readonly facts: EventFacts
}
/** An event about to happen. */
export type NewEvent = Pick<ReferralEvent, 'name' | 'at' | 'by'> & { readonly reason?: string | null; readonly facts?: EventFacts }

// ── Where it stands ─────────────────────────────────────────────────────────────────────

/** Something that only a person can settle. `late`: what came after its end, or a withdrawal once the patient was seen; `appointment`: one that is left of a referral that was given up; `reading`: documents that nobody has read. */
export type Hold = 'information' | 'patient' | 'routing' | 'way-back' | 'hand-off' | 'notice' | 'late' | 'appointment' | 'reading'

export interface ReferralState {
  readonly id: string
  readonly reference: string // R-XXXX-XXXX
  readonly direction: Direction
  readonly stage: Stage
  readonly since: string // when the stage began
  readonly receivedAt: string
  readonly sequence: number // of the last event
  readonly patient: { readonly status: 'unmatched' | 'matched' | 'uncertain' | 'pending'; readonly chart: ChartKey | null; readonly not?: readonly ChartKey[] } // not: charts that a person has ruled out
  readonly sameAs?: string | null // id of the referral that this one repeats: what names this one is about that one
  readonly provider: string | null // id of the referrer; outbound: of the specialist
  readonly urgency: Urgency
  readonly specialty: string | null
  readonly payer: string | null // the first that pays
  readonly via: string | null // channel or door that it first came by
  readonly order: OrderFacts | null // outbound: what CMS50 asks of the order
  readonly route: Route | null
  readonly missing: readonly MissingItem[]
  readonly holds: Readonly<Partial<Record<Hold, { readonly since: string; readonly reason: string }>>>
  readonly appointment: (NonNullable<EventFacts['appointment']> & { readonly heardAt: string; readonly last: EventName }) | null // the last one, and the last that was heard of it
  readonly attempts: number // to reach the patient
  readonly times: Readonly<Partial<Record<EventName, string>>> // when each event was first applied; of `reopened`, `addressed` and `recalled`, last; what was heard of one specialist is dropped with them
  readonly reportedAt: string | null // when the first report came that still holds
  readonly lastTold: string | null // when the referrer last heard
  readonly overdue: Readonly<Record<string, number>> // duty id → at which level it was last said to be overdue
  readonly toTell: Readonly<Record<string, string>> // "status:7", "hand-on" → since: notices that are not delivered yet
}

/** Of an order as its EHR sent it: FHIR dateTimes as they are written (measures/cms50-order.ts). */
export interface OrderFacts {
  readonly authoredOn: string | null
  readonly counts: boolean // it is a referral, an order, and active or completed
  readonly encounters: readonly { readonly start: string; readonly end: string }[] // finished ones of the patient with the referrer
}

// ── What is owed ────────────────────────────────────────────────────────────────────────

/** What the desk tells others through channels: `to` is an EHR for hand-off and withdrawal, else the referrer or the specialist. */
export type NoticeKind = 'acknowledgement' | 'information' | 'status' | 'digest' | 'outcome' | 'hand-off' | 'withdrawal' | 'referral' | 'report'
export type NoticeStatus = 'waiting' | 'open' | 'sent' | 'failed' | 'superseded' // waiting: for its time (a digest); failed: a person is asked

export interface Notice {
  readonly id: number
  readonly referral: string | null // null: a digest of several
  readonly kind: NoticeKind
  readonly event: number | null // sequence of the event that it tells
  readonly to: string // "ehr epic-main", "provider 17"
  readonly way: Way | null // null: none of the ways it could go is open
  readonly notBefore: string
  readonly due: string
  readonly status: NoticeStatus
  readonly items: readonly { readonly referral: string; readonly event: number }[] // of a digest
  readonly fate: string | null // the mark of what is known of its message; of an open one: a channel has it
  readonly tried: readonly Way[]
}
export type NewNotice = Omit<Notice, 'id' | 'fate'>

/** How far a notice has come that was given to a mail or fax system. `processed`: the receiver's system has it; `dispatched` and `delivered`: their mailbox, or their fax machine. */
export type ProofStage = 'accepted' | 'queued' | 'sending' | 'processed' | 'dispatched' | 'delivered' | 'failed' | 'uncertain'
export interface Proof {
  readonly notice: number
  readonly stage: ProofStage
  readonly at: string
  readonly reason: string | null
  readonly pages: number | null // of a fax
  readonly confirmBy: string | null // until then it must be confirmed; null: nothing is waited for
  readonly sentAs: readonly string[] // Message-IDs with their brackets, and what a provider calls it: "documo:123"
  readonly steps: readonly { readonly stage: ProofStage; readonly at: string; readonly says: string }[]
}

/** What somebody has to do by when; a function of the state (owed.ts). */
export interface Duty {
  readonly id: string // the same as long as it is the same duty: "first-outreach", "visit:2026-03-09T…"
  readonly kind: string // a row of mappings/desk/clock.yaml
  readonly owedBy: 'desk' | 'practice' | 'referrer' | 'specialist'
  readonly since: string
  readonly due: string
  readonly next: string | null // when it is to be said (again) that it is overdue: `due` at first; null: it has been said often enough
  readonly do: string // what is to be done: said until it is due
  readonly says: string // what has not been done: said once it is overdue
}

// ── What is asked of the desk ───────────────────────────────────────────────────────────

/**
 * What makes a referral known to others. One referral alone has a `reference`, a `placer` and a `request`; several may share the rest: a note or a visit may answer two,
 * `patient` is a chart (or for whom a chart is expected), `number` an order's number alone, which two referrers may give alike.
 */
export type KeyKind = 'reference' | 'placer' | 'filler' | 'appointment' | 'visit' | 'document' | 'task' | 'request' | 'message' | 'patient' | 'pair' | 'number'
export interface Key { readonly kind: KeyKind; readonly value: string }

export interface ReferralDocument {
  readonly id: string
  readonly referral: string
  readonly addedAt: string
  readonly event: number
  readonly role: 'intake' | 'answer' | 'interim' | 'outcome'
  readonly status: 'current' | 'superseded' | 'withdrawn'
  readonly title: string | null
  readonly contentType: string | null
  readonly resources: string // JSON: the FHIR resources it consists of
}

/** One change of one referral: all of it in one transaction, or none. */
export interface Change {
  readonly command: string // what makes the change itself unique: done once, however often it is asked for
  readonly state: ReferralState
  readonly expected: number // the sequence that the change was made from; 0 for a new referral
  readonly events: readonly ReferralEvent[]
  readonly notices: readonly NewNotice[]
  readonly settled: readonly { readonly id: number; readonly status: NoticeStatus; readonly fate: string | null }[]
  readonly keys: readonly Key[]
  readonly documents: readonly Omit<ReferralDocument, 'referral'>[]
  readonly withdrawn: readonly string[] // documents that no longer hold
  readonly bundle: string | null // the canonical bundle, where it is new or changed
  readonly nextDue: string | null // the earliest due time of its duties
  readonly found: { readonly text: string; readonly payer: string | null } | null // what it can be searched by
  readonly proofs?: readonly Proof[] // of its notices
}
export type Committed =
  | { readonly done: true; readonly repeated: boolean; readonly referral: string }
  | { readonly done: false; readonly because: 'changed' | 'taken'; readonly by: string | null } // taken: a unique key is another referral's

/** What came back and could not be given to one referral. */
export interface Stray {
  readonly id: number
  readonly at: string
  readonly via: string
  readonly what: string // in words: "SIU^S12 appointment 18467, 2026-03-09"
  readonly reason: string // "no referral has one of its numbers", "two referrals fit"
  readonly candidates: readonly string[]
  readonly bundle: string
  readonly settled: { readonly at: string; readonly by: string; readonly how: string } | null
}

export interface ReferralQuery {
  readonly text?: string; readonly stage?: readonly Stage[]; readonly direction?: Direction; readonly hold?: Hold | 'any'; readonly provider?: string
  readonly specialty?: string; readonly ehr?: string; readonly location?: string; readonly payer?: string; readonly urgency?: Urgency; readonly patient?: ChartKey
  readonly overdue?: boolean; readonly since?: string; readonly until?: string; readonly before?: string; readonly limit: number // before: id to go on from
}

/** Where referrals are kept. SQLite now; every implementation passes test/conformance/desk-store. Each method is one transaction, durable once it resolves. */
export interface DeskStore {
  commit(change: Change): Promise<Committed>
  done(command: string): Promise<string | null> // the referral that a command was done to, if it was
  state(id: string): Promise<ReferralState | null>
  find(keys: readonly Key[]): Promise<readonly { readonly key: Key; readonly referral: string }[]>
  bundle(id: string): Promise<string | null>
  events(id: string): Promise<readonly ReferralEvent[]>
  documents(id: string): Promise<readonly ReferralDocument[]>
  /** The last received first, at most 1000. A text's words are beginnings of words, in any order; throws USAGE where it has none. `before` that is not there: nothing. */
  search(query: ReferralQuery): Promise<readonly ReferralState[]>
  /** Notices that are `open` and not before their time, oldest first, after an id. */
  openNotices(kinds: readonly NoticeKind[], to: { readonly ways?: readonly Way[]; readonly ehrs?: readonly string[] }, after: number, at: string, limit: number): Promise<readonly Notice[]>
  notice(id: number): Promise<Notice | null>
  notices(referral: string): Promise<readonly Notice[]>
  /** A channel has an open notice, whether that runs or rests, and after a restart too. */
  takeNotice(id: number): Promise<void>
  settleNotice(id: number, status: NoticeStatus, fate: string | null): Promise<void> // of one that belongs to no single referral
  proof(notice: number): Promise<Proof | null>
  proofs(referral: string): Promise<readonly Proof[]>
  putProof(proof: Proof): Promise<void> // of a digest; any other comes with a change
  proofsDue(at: string, limit: number): Promise<readonly number[]> // notices that should have been confirmed by then
  sentAs(names: readonly string[]): Promise<readonly number[]> // the notices that were sent under a name
  /** A receipt of what is not known (yet): for a week, 10,000 names at most, the oldest given up first. */
  keepEarly(command: string, names: readonly string[], at: string, content: string): Promise<void>
  early(names: readonly string[]): Promise<readonly { readonly command: string; readonly content: string }[]>
  earlyOfSent(): Promise<readonly { readonly command: string; readonly notice: number; readonly content: string }[]> // those of what is known by now
  forgetEarly(command: string): Promise<void>
  /** Makes one digest of what waits for a provider, once. Returns how many were made. */
  gather(at: string): Promise<number>
  /** Referrals with a duty that is due. */
  due(at: string, limit: number): Promise<readonly string[]>
  nextDue(): Promise<string | null>
  /** Events of all referrals in the order they were recorded, after a position. */
  stream(after: number, names: readonly EventName[] | null, limit: number): Promise<readonly { readonly position: number; readonly referral: string; readonly event: ReferralEvent }[]>
  position(reader: string): Promise<number | null>
  moveTo(reader: string, position: number): Promise<void>
  lastPosition(before: string): Promise<number> // of the last event recorded before a time
  addStray(command: string, stray: Omit<Stray, 'id' | 'settled'>): Promise<number>
  strays(open: boolean, limit: number): Promise<readonly Stray[]> // open: the oldest first; else those that are settled, the last first
  stray(id: number): Promise<Stray | null>
  settleStray(id: number, settled: NonNullable<Stray['settled']>): Promise<boolean>
  close(): Promise<void>
}
