/** Programs that answer letters: what keeps one of them and the desk from writing to each other for ever, whatever it calls itself. */
import type { Bundle } from 'fhir/r4.js'
import type { ReferralFacts } from './contracts.js'
import type { DeskStore, ReferralState } from './desk-contracts.js'
import type { Rules } from './rules.js'
import { factsOf } from './canonical/facts.js'
import { isToBeRead } from './canonical/unread.js'

/** Words alone, of nobody whom they name in a form: what a program writes, and what a person may write too. */
const isProse = (facts: ReferralFacts): boolean =>
  isToBeRead(facts) && facts.patient.names.length === 0 && facts.documents.every(isWords)

/** Prose, as a mail says it itself. */
const isWords = ({ contentType }: ReferralFacts['documents'][number]): boolean => contentType?.startsWith('text/') ?? false

/**
 * How what is added is told to whoever sent it, where a program may have sent it. Words, or documents that are here already, are told to nobody while something
 * of the referral waits to be read, so that no answer follows an answer, however slow; a new document so soon after a letter of ours is told in the digest.
 */
export const told = (existing: Pick<ReferralState, 'lastTold' | 'toTell' | 'holds'>, held: Bundle, bundle: Bundle, more: ReferralFacts, at: Date, { echoes }: Pick<Rules, 'echoes'>): { readonly quiet?: true; readonly later?: true } => {
  if (!isToBeRead(more)) return {}
  const soon = [...Object.values(existing.toTell), ...(existing.lastTold === null ? [] : [existing.lastTold])].some((one) => at.getTime() - Date.parse(one) < echoes.within)
  const documents = (whole: Bundle): number => factsOf(whole).documents.filter((one) => !isWords(one)).length
  if (documents(bundle) === documents(held)) return soon || existing.holds.reading ? { quiet: true } : {}
  return soon ? { later: true } : {}
}

/** Why a new one is not acknowledged by itself; null where it is. So many mails of nothing but words from one sender, none of them read yet, may each answer the acknowledgement of the one before. */
export async function tooMany(store: Pick<DeskStore, 'search'>, provider: string, facts: ReferralFacts, at: Date, { echoes }: Pick<Rules, 'echoes'>): Promise<string | null> {
  if (!isProse(facts)) return null
  const since = new Date(at.getTime() - echoes.since).toISOString()
  const others = await store.search({ provider, direction: 'inbound', hold: 'reading', since, limit: echoes.most })
  return others.length < echoes.most ? null : `Its sender has written ${others.length} times, so often that a program may be answering our letters: this one is not acknowledged until somebody has read it.`
}
