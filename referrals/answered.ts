/** A mail that answers a letter of ours without its number: the referral is found by the Message-ID that we sent. */
import type { Bundle } from 'fhir/r4.js'
import type { DeskParts } from './change.js'
import type { ReferralState } from './desk-contracts.js'
import { viewOf } from './canonical/view.js'
import { stateThrough } from './decisions/same-as.js'
import type { KnownProvider } from './providers/directory.js'
import { fromSomebodyElse } from './to-be-read.js'

/** Of the ServiceRequest, as the step `unpack` makes it: the Message-IDs of what its mail answers, with their brackets. */
const ANSWERS = 'urn:refero:answers'

export interface Answered {
  readonly reference: string | null // of the one referral that was written about, to whom it was written
  readonly words: string | null // why none is taken for it
}

/** Only of whoever was written to: a letter that was passed on, or a guessed number, opens nobody's referral. Whether it is about the same patient is not looked at here. */
export async function answered({ store, providers }: Pick<DeskParts, 'store' | 'providers'>, bundle: Bundle, sender: KnownProvider | null): Promise<Answered> {
  const ids = (viewOf(bundle).request?.resource.extension ?? []).flatMap(({ url, valueIdentifier }) => (url === ANSWERS && valueIdentifier?.value ? [valueIdentifier.value] : []))
  const notices = ids.length === 0 ? [] : await Promise.all((await store.sentAs(ids)).map((id) => store.notice(id)))
  const found = new Map<string, ReferralState>()
  for (const notice of notices) {
    const state = notice?.referral ? await stateThrough(store, notice.referral) : null
    if (state) found.set(state.id, state)
  }
  const [state, ...more] = found.values()
  if (!state) return { reference: null, words: null }
  if (more.length > 0) return { reference: null, words: 'It answers letters about several of our referrals, and says of which it is about nothing.' }
  const referrer = state.provider === null ? null : await providers.get(state.provider)
  if (sender === null || referrer === null || fromSomebodyElse(state, referrer, sender) !== null) return { reference: null, words: `It answers a letter about ${state.reference} that went to somebody else than who sent it: it is taken as a new one.` }
  return { reference: state.reference, words: null }
}
