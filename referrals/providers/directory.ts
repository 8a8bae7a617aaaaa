/** The directory of providers: who they are, whatever name, number or address a message knows them by, and how to answer them. */
import type { Provider, ProviderFacts, Way } from '../contracts.js'

/** A message that a provider was seen in: when, through which channel or file, from whom (the facility as it names itself), and how it asks to be answered. */
export interface Seen { readonly at: Date; readonly via: string; readonly from?: string; readonly preferred?: Way; readonly by?: Person }
/** Who says it and why, where it is no message that does: for the history. */
export interface Person { readonly name: string; readonly why: string }

/** A provider as the directory keeps it. */
export interface KnownProvider extends Provider {
  readonly kind: 'person' | 'practice'
  readonly practiceId: string | null // of the practice that a person belongs to, where it is known
  readonly uncertain: readonly string[] // what does not fit, until a person settles it
}

export interface Recognised {
  readonly provider: KnownProvider
  readonly how: string // "by NPI", in words for a person
  readonly isNew: boolean
  /** What does not fit, in a sentence; it is kept with the provider until a person settles it. */
  readonly uncertain: string | null
}

/** What a person may change; what is not given stays. */
export interface ProviderChanges {
  readonly npi?: string | null
  readonly name?: ProviderFacts['name']
  readonly practice?: string | null
  readonly specialty?: ProviderFacts['specialty']
  readonly address?: ProviderFacts['address']
  readonly preferred?: Way | null
  readonly forget?: readonly { readonly way: Way; readonly address: string }[] // ways that are none
  readonly settled?: true // what was uncertain has been looked at
}
export type Changed = { readonly done: true; readonly provider: KnownProvider } | { readonly done: false; readonly because: string }

export interface ProviderQuery { readonly text?: string; readonly npi?: string; readonly way?: Way; readonly address?: string; readonly uncertain?: true; readonly limit: number }
export interface ProviderHistory { readonly at: string; readonly by: string; readonly what: string; readonly why: string }
export interface Imported { readonly added: number; readonly known: number; readonly skipped: number }

/** Each change is durable once it resolves, and is in the history with who, when and why. */
export interface ProviderDirectory {
  /**
   * Finds whom a message means, or adds them: by NPI, else by Direct address, else by fax (or phone, or practice) and name. A shared
   * address makes nobody one: what names no person is the practice. An NPI is never overwritten by another. Of whom only a name is
   * known, the same words from the same sender are the same entry, and as uncertain as before.
   */
  recognise(facts: ProviderFacts, seen: Seen): Promise<Recognised>
  /** As `recognise`, for many at once: an import. Facts without a name are only added to whom is known. */
  add(many: readonly ProviderFacts[], seen: Seen): Promise<Imported>
  /** Through merges; null where there is none. */
  get(id: string): Promise<KnownProvider | null>
  /** Newest first. Words of `text` may be beginnings, in any order. */
  search(query: ProviderQuery): Promise<readonly KnownProvider[]>
  update(id: string, changes: ProviderChanges, by: string, reason: string): Promise<Changed>
  /** All that is known of `merged` becomes the survivor's; two NPIs are two people. */
  merge(survivor: string, merged: string, by: string, reason: string): Promise<Changed>
  /** Oldest first, with that of those merged into it. */
  history(id: string): Promise<readonly ProviderHistory[]>
  /** A way back that was learned from somewhere: a capability, a portal registration. Nothing where it is known. */
  learn(id: string, way: Way, address: string, from: string, by?: Person): Promise<void>
  /** A way has failed for good, and is not tried first any more; null: it may be again. */
  failing(id: string, way: Way, address: string, reason: string | null, by?: Person): Promise<void>
  close(): Promise<void>
}
