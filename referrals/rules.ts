/** What an installation has decided: the tables of triage and routing, its EHRs, what is told and by when. */
import type { ReferralFacts, Routing, Triage, Urgency, Way } from './contracts.js'
import type { WayRule } from './providers/ways.js'
import type { MeasureSettings } from './measures/settings.js'
import type { ReceiptField } from './hand-off/receipt-fields.js'
import type { Duty, EventName, NoticeKind, ReferralState } from './desk-contracts.js'

/** What may be done in an EHR for a patient of whom it has no chart. */
export type PatientPolicy = 'existing' | 'pending' | 'create'

export interface Ehr {
  readonly name: string // "epic-main"
  readonly profile: string // of mappings/ehr
  readonly patient: PatientPolicy
}

/** What is known beside what a referral says itself. */
export interface Known { readonly reachable: boolean } // the provider directory has an address that its referrer can be answered at

/** Read anew whenever a mapping changes; the desk asks for it at each command. */
export interface Rules {
  triage(facts: ReferralFacts, known?: Known): Triage
  route(facts: ReferralFacts, triage: Triage): Routing
  ehr(name: string): Ehr | null
  /** What a way does beside being taken by whoever carries it; null: nothing. */
  way(way: Way): WayRule | null
  /** What is owed in a state, by when: one duty at least for every open referral. */
  duties(state: ReferralState): readonly Duty[]
  dueOf(kind: NoticeKind, from: string, urgency: Urgency): string
  tells(event: EventName): 'at-once' | 'digest' | 'never'
  nextDigest(now: string): string
  /** How long a second message about the same patient, referrer and reason is an addition, in milliseconds. */
  readonly pairWindow: number
  /** Within how many milliseconds what comes after a letter of ours may be a program's answer to it, and how many mails of one sender are acknowledged in that time. */
  readonly echoes: { readonly within: number; readonly most: number; readonly since: number }
  readonly practice: string // in words: how a referrer can answer
  readonly receiptFields: readonly ReceiptField[] // what a write receipt tells of
  readonly measures: MeasureSettings
  readonly zone: string // of the practice's clocks
  readonly attempts: number // to reach a patient, before the referrer is told that it failed
}
