/** Whether the patient was seen, by all that was told of it: visits and appointments that are taken back show it no more. */
import type { EventName, ReferralEvent, ReferralState } from '../desk-contracts.js'
import type { News } from './news.js'

/** What takes a visit back makes of a referral; `open`: what a person must look at, for it contradicts what else is known. */
export type TakenBack =
  | { readonly says: string } // it changes nothing
  | { readonly name: EventName; readonly first: boolean; readonly open: string | null } // first: the visit is taken back before that happens

/** Null where the news takes back nothing that shows that the patient was seen. */
export function takenBack(state: Pick<ReferralState, 'stage' | 'reportedAt' | 'appointment' | 'reference'>, events: readonly ReferralEvent[], { event, at, facts, says }: News): TakenBack | null {
  const { stage, reportedAt } = state
  if (event === null || facts.visit?.was !== 'cancelled') return null
  const cancels = event === 'visit-cancelled'
  const there = shownBy(events)
  const since = there.get(facts.visit.id)
  if (since === undefined || stage === 'declined' || stage === 'cancelled') return cancels ? { says: there.size > 0 ? `It is not by this visit that the patient was seen: ${says}.` : `It changes nothing: ${says}.` } : null
  const again = event === 'scheduled' || event === 'rescheduled'
  if (again && at < since) return null // it was booked before the patient came
  const others = there.size - 1
  if (reportedAt !== null || stage === 'reported' || stage === 'closed') {
    return again ? null : { name: event, first: false, open: `The visit that referral ${state.reference} was seen at is taken back, ${reportedAt === null ? 'and it is closed' : 'and its consult note is here'}: see whether both are this patient’s.` }
  }
  if (stage !== 'seen') return cancels ? { says: `It changes nothing: ${says}.` } : null
  if (others > 0) {
    if (cancels) return { says: `Something else shows that the patient was seen: ${says}.` }
    return again ? null : { name: event, first: false, open: `The appointment of referral ${state.reference} is said not to have taken place, and a visit shows that the patient was seen: see which is so.` }
  }
  const asItWas = event === 'scheduled' && (facts.appointment?.start ?? null) === (state.appointment?.start ?? null)
  return cancels || asItWas ? { name: 'visit-cancelled', first: false, open: null } : { name: event, first: true, open: null }
}

/** What shows that the patient was seen, and since when: numbers of visits and appointments, or who said so. */
const shownBy = (events: readonly ReferralEvent[]): ReadonlyMap<string, string> => {
  const there = new Map<string, string>()
  for (const { name, at, by, applied, facts: { visit } } of events) {
    if (!applied) continue
    if (visit?.was === 'there') there.set(visit.id, visit.at)
    else if (visit) there.delete(visit.id)
    else if (name === 'seen') there.set(`${by.kind} ${by.name}`, at)
    else if (name === 'visit-cancelled') there.clear() // a person says so
  }
  return there
}
