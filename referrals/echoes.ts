/** Programs that answer letters: what keeps one of them and the desk from writing to each other for ever, whatever it calls itself. */
import type { ReferralFacts } from './contracts.js'
import type { DeskStore, ReferralState } from './desk-contracts.js'
import type { Rules } from './rules.js'
import { isToBeRead } from './canonical/unread.js'

/** Words alone, of nobody whom they name in a form: what a program writes, and what a person may write too. */
const isProse = (facts: ReferralFacts): boolean =>
  isToBeRead(facts) && facts.patient.names.length === 0 && facts.documents.every(({ contentType }) => contentType?.startsWith('text/'))

/** Whether what is added comes so soon after a letter of ours, or while one is on its way, that it may be a program's answer to it. It is added all the same, and told in the digest. */
export const mayEcho = ({ lastTold, toTell }: Pick<ReferralState, 'lastTold' | 'toTell'>, more: ReferralFacts, at: Date, { echoes }: Pick<Rules, 'echoes'>): boolean =>
  isToBeRead(more) && [...Object.values(toTell), ...(lastTold === null ? [] : [lastTold])].some((told) => at.getTime() - Date.parse(told) < echoes.within)

/** Why a new one is not acknowledged by itself; null where it is. So many mails of nothing but words from one sender, none of them read yet, may each answer the acknowledgement of the one before. */
export async function tooMany(store: Pick<DeskStore, 'search'>, provider: string, facts: ReferralFacts, at: Date, { echoes }: Pick<Rules, 'echoes'>): Promise<string | null> {
  if (!isProse(facts)) return null
  const since = new Date(at.getTime() - echoes.within).toISOString()
  const others = await store.search({ provider, direction: 'inbound', hold: 'reading', since, limit: echoes.most })
  return others.length < echoes.most ? null : `Its sender has written ${others.length} times in so short a time that a program may be answering our letters: this one is not acknowledged until somebody has read it.`
}
