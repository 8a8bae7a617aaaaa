/**
 * The vocabulary of the referral desk: what is known of a referral, who it is about, who sent it, what happened to it,
 * and what is owed. Types only; reading it top to bottom is reading the domain.
 */

// ── Values that referrals are made of ───────────────────────────────────────────────────

/** An identifier and who gave it; `type` is a code of HL7 table 0203: MR, PLAC, FILL, NPI. */
export interface Identifier { readonly system: string | null; readonly value: string; readonly type: string | null }
/** A code of a code system, with what it was called. */
export interface Coded { readonly system: string | null; readonly code: string | null; readonly text: string | null }
export interface PersonName { readonly family: string; readonly given: readonly string[]; readonly suffix: string | null; readonly use: string | null }
export interface Address { readonly lines: readonly string[]; readonly city: string | null; readonly state: string | null; readonly postalCode: string | null }

/** FHIR request-priority, in the order of haste. */
export type Urgency = 'routine' | 'urgent' | 'asap' | 'stat'
export type Direction = 'inbound' | 'outbound'

/** Why something is held to be so: in words for a person, and the place of the value it rests on. */
export interface Evidence {
  readonly says: string // "DG1-3 is I48.91, and I48 is cardiology"
  readonly quote?: string // the very words of the referral
  readonly at?: string // where they stand: a FHIR path in the bundle, "ServiceRequest.reasonCode[0].text"
}
/** A conclusion that may be wrong: 1 is certain. */
export interface Finding<Value> { readonly value: Value; readonly confidence: number; readonly evidence: readonly Evidence[] }

// ── A referral as its desk reads it ─────────────────────────────────────────────────────

/** A person as one system knows them. */
export interface PatientFacts {
  readonly identifiers: readonly Identifier[]
  readonly names: readonly PersonName[]
  readonly birthDate: string | null // YYYY-MM-DD, or as much of it as is known
  readonly sex: 'male' | 'female' | 'other' | 'unknown' | null
  readonly addresses: readonly Address[]
  readonly phones: readonly string[] // as written
  readonly emails: readonly string[]
  readonly memberIds: readonly string[] // with payers
  readonly birthOrder: number | null // of twins; null where nothing is said
  readonly deceased: boolean
  readonly language: string | null // BCP 47
}

/** Somebody who sends or takes referrals, as one message names them. */
export interface ProviderFacts {
  readonly npi: string | null
  readonly identifiers: readonly Identifier[]
  readonly name: PersonName | null
  readonly practice: string | null
  readonly specialty: Coded | null // NUCC taxonomy where known
  readonly address: Address | null
  readonly phones: readonly string[]
  readonly faxes: readonly string[]
  readonly emails: readonly string[]
  readonly directAddresses: readonly string[]
  readonly x360Addresses?: readonly string[] // Direct addresses that take 360X
}

export interface CoverageFacts {
  readonly payer: string | null
  readonly payerId: string | null
  readonly plan: string | null
  readonly memberId: string | null
  readonly group: string | null
  readonly authorization: string | null // its number
  readonly decided?: Decided // what the payer said last, where it said more than a number
}

/** A payer's decision about an authorization. */
export interface Decided {
  readonly decision: string | null // in words: certified in full, modified, pended, not certified
  readonly visits: number | null
  readonly from: string | null // FHIR date
  readonly until: string | null
}

export interface DocumentFacts {
  readonly title: string | null
  readonly type: Coded | null // LOINC document type where known
  readonly contentType: string | null
  readonly text: string | null // where it is text
  readonly unread: boolean // a picture or prose that nothing has read yet
}

/** What a canonical bundle says, flat: what triage, routing, matching and search look at. */
export interface ReferralFacts {
  readonly placer: Identifier | null // the referrer's own number
  readonly reference: string | null // ours, where the message carries it
  readonly authoredOn: string | null
  readonly priority: Urgency | null // as stated
  readonly revoked: boolean // the message takes the referral back
  readonly services: readonly Coded[] // what is asked for
  readonly diagnoses: readonly Coded[] // ICD-10-CM where coded; the first is the primary one
  readonly reasons: readonly string[] // free text: why
  readonly notes: readonly string[]
  readonly findings: readonly { readonly what: Coded; readonly value: string | null }[] // observations that came along
  readonly documents: readonly DocumentFacts[]
  readonly patient: PatientFacts
  readonly referrer: ProviderFacts | null
  readonly wanted: ProviderFacts | null // whom the form names: one weak input of routing
  readonly coverage: readonly CoverageFacts[]
  readonly paths: Readonly<Record<string, string>> // of a fact here ("reasons[0]") to its FHIR path in the bundle
}

// ── Who is it? ──────────────────────────────────────────────────────────────────────────

/** A chart of one system; `source` and `id` together name it. */
export interface Chart extends PatientFacts {
  readonly source: string // the system that keeps it: an EHR's name in routing tables, "epic-main"
  readonly id: string // its number there
  readonly active: boolean // false: merged into another, or put away
}
export type ChartKey = Pick<Chart, 'source' | 'id'>

export interface Compared { readonly field: string; readonly ours: string | null; readonly theirs: string | null; readonly agreement: 'same' | 'close' | 'different' | 'unknown'; readonly weight: number; readonly says: string }
export interface Candidate {
  readonly chart: Chart
  readonly score: number // 0 … 1, for people and $match
  readonly weight: number // bits
  readonly compared: readonly Compared[]
  readonly says: string // what agrees and what differs, in words
  readonly contradictions: readonly string[] // "twins: the given names differ"
}
/** certain: may be written to. possible: a person decides. none: no chart was found. */
export interface Match { readonly grade: 'certain' | 'possible' | 'none'; readonly candidates: readonly Candidate[]; readonly reasons: readonly string[] }

/** The charts of all systems. Each change is durable once it resolves. */
export interface PatientIndex {
  put(charts: readonly Chart[]): Promise<void> // adds or replaces; what a chart does not say is not kept
  merge(survivor: ChartKey, merged: ChartKey): Promise<void> // A40: looking up the merged one gives the survivor
  unmerge(survivor: ChartKey, merged: ChartKey): Promise<void> // A37
  get(key: ChartKey): Promise<Chart | null> // through merges
  /** Best first, at most `limit`; `sources` narrows to some systems. */
  match(patient: PatientFacts, options?: { readonly sources?: readonly string[]; readonly limit?: number }): Promise<Match>
  count(): Promise<number>
  close(): Promise<void>
}

// ── What does it need, and where does it go? ────────────────────────────────────────────

export interface MissingItem {
  readonly item: string // its name in mappings/triage: "patient-phone"
  readonly says: string // for the referrer: "the patient's phone number"
  readonly blocks: boolean // nothing goes on without it
}
export interface Triage {
  readonly missing: readonly MissingItem[]
  readonly urgency: Finding<Urgency> // never below what was stated
  readonly raised: boolean // above what was stated
  readonly specialty: Finding<string> | null // "cardiology"; null where nothing says it
  readonly others: readonly Finding<string>[] // further specialties, by confidence
  readonly kind: Finding<'referral' | 'order' | 'records' | 'result' | 'other'>
}

export interface Route { readonly ehr: string; readonly location: string | null; readonly practitioner: string | null; readonly queue: string | null; readonly tasks: readonly string[] }
export interface Routing {
  readonly route: Route | null // null: no row took it, and a person must
  readonly row: string | null // "mappings/routing/default.csv:3 (row 2)"
  readonly reasons: readonly string[]
  readonly nearMisses: readonly { readonly row: string; readonly because: string }[]
  readonly disagreement: string | null // with whom the form names; null where there is none
}

/** How a provider can be answered. */
export type Way = '360x' | 'direct' | 'hl7' | 'fhir' | 'fax' | 'email' | 'portal' | 'file' | 'phone'
export interface Provider extends ProviderFacts {
  readonly id: string
  readonly aliases: readonly string[] // other names it came by
  readonly ways: readonly { readonly way: Way; readonly address: string; readonly learned: string; readonly failed?: { readonly at: string; readonly reason: string } | null }[] // best first; `learned`: from what; `failed`: for good, and why
  readonly preferred: Way | null
  readonly firstSeen: string
  readonly lastSeen: string
}
