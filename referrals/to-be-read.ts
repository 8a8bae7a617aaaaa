/** What the desk says of documents that nobody has read: for the worklist, and for whoever looks at a number that is none of ours. */
import type { Bundle } from 'fhir/r4.js'
import type { ProviderFacts, ReferralFacts } from './contracts.js'
import type { DeskStore, ReferralState } from './desk-contracts.js'
import { mistakenReferences } from './canonical/own-reference.js'
import { unreadCount } from './canonical/unread.js'
import { viewOf } from './canonical/view.js'
import type { KnownProvider } from './providers/directory.js'
import { addressKey, calledOf } from './providers/names.js'
import { meantBy } from './reference.js'

/** Why nothing goes on by itself. */
export const toBeRead = (facts: ReferralFacts, via: string): string => {
  const count = unreadCount(facts)
  return `${count === 1 ? 'A document' : `${count} documents`} that came through ${via} ${count === 1 ? 'is' : 'are'} to be read: enter what ${count === 1 ? 'it says' : 'they say'}, or say that it is no referral.`
}

/** What came for a referral that is known already. */
export const toBeLookedAt = (facts: ReferralFacts, via: string): string => {
  const count = unreadCount(facts)
  return `${count === 1 ? 'A document' : `${count} documents`} came for it through ${via}, and nobody has read ${count === 1 ? 'it' : 'them'}: enter what is new, or say that nothing is.`
}

/** Whoever writes for the first time may be anybody. */
export const strangerWords = ({ emails }: ProviderFacts): string | null =>
  emails.length === 0 ? null : 'Its sender was not known: nobody had written to us, or been entered, with that name and address.'

/** A number that is given for one of ours and is none: in words, with those that it may have been meant to be. Null where none is given, or a referral has it. */
export async function unknownNumber(store: Pick<DeskStore, 'find'>, bundle: Bundle, reference: string | null): Promise<string | null> {
  const [given] = reference === null ? mistakenReferences(viewOf(bundle)) : [reference]
  if (given === undefined) return null
  const meant = reference === null ? ((await store.find((meantBy(given) ?? []).map((value) => ({ kind: 'reference', value })))).map(({ key }) => key.value)) : []
  return `It gives ${given} as our reference number, and no referral has it: it is taken as a new one.${meant.length > 0 ? ` ${meant.slice(0, 3).join(' or ')} may be meant.` : ''}`
}

/** Of what names a referral of ours and comes from somebody else than its referrer. Null where it may be the referrer, or one of the same practice. */
export const fromSomebodyElse = ({ direction }: ReferralState, referrer: KnownProvider | null, sender: KnownProvider | null): string | null => {
  if (direction === 'outbound' || referrer === null || sender === null || isOneOf(referrer, sender)) return null
  return `It came from ${calledOf(sender)} (provider ${sender.id}), who is not the referrer, and is told nothing of the referral.`
}

const isOneOf = (one: KnownProvider, other: KnownProvider): boolean =>
  one.id === other.id || one.practiceId === other.id || other.practiceId === one.id || (one.practiceId !== null && one.practiceId === other.practiceId)
  || one.ways.some(({ way, address }) => way !== 'phone' && other.ways.some((mine) => mine.way === way && addressKey(way, mine.address) === addressKey(way, address)))
