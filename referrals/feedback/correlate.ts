/** Which referral something is about: by a number, by the visit or the document, else by patient, specialty and time. Never by guessing between two. */
import type { ChartKey, PatientFacts } from '../contracts.js'
import type { DeskStore, Key, KeyKind, ReferralState } from '../desk-contracts.js'
import type { News } from './news.js'

export type Correlated = { readonly referrals: readonly ReferralState[]; readonly how: string } | { readonly reason: string; readonly candidates: readonly string[] }

/** Strongest first. A number that two referrers may have given alike (`number`) counts only with the patient. */
const STRENGTH: readonly KeyKind[] = ['reference', 'request', 'task', 'placer', 'filler', 'document', 'appointment', 'visit']
const WORKED = new Set(['routed', 'sent', 'delivered', 'acknowledged', 'handed-off', 'accepted', 'contacted', 'unable-to-reach', 'scheduled', 'rebooking', 'seen', 'reported'])
const NEAR = 36 * 3_600_000 // between an appointment and its visit or note, in milliseconds
const LATEST = 180 * 86_400_000 // after the referral came

export async function correlate(store: DeskStore, news: News, charts: readonly ChartKey[], patient: PatientFacts | null): Promise<Correlated> {
  const found = await store.find(news.names.filter(({ kind }) => kind !== 'number'))
  for (const kind of STRENGTH) {
    const ids = [...new Set(found.filter(({ key }) => key.kind === kind).map(({ referral }) => referral))]
    if (ids.length > 0) return { referrals: await states(store, ids), how: `it names the ${kind === 'reference' ? 'reference number' : kind}` } // a note may answer several orders, and names each
  }
  const mine = await ofPatient(store, charts)
  const numbered = new Set((await store.find(news.names.filter(({ kind }) => kind === 'number'))).map(({ referral }) => referral))
  const both = mine.filter(({ id }) => numbered.has(id))
  if (both.length > 0) return { referrals: both, how: 'it names the number of an order of this patient' }
  if (mine.length === 0) return { reason: patient === null ? 'It names no number that is known here, and no patient.' : 'It names no number that is known here, and its patient has no referral.', candidates: [] }
  const open = mine.filter((state) => WORKED.has(state.stage) && inTime(state, news))
  const fitting = open.filter((state) => fits(state, news))
  const [only] = fitting
  if (only && fitting.length === 1) return { referrals: [only], how: 'patient, place or person, and time fit this referral alone' }
  return { reason: fitting.length > 1 ? `${fitting.length} referrals of this patient fit.` : open.length > 0 ? 'Nothing but the patient connects it with a referral.' : 'The patient has no referral that waits for it.', candidates: (fitting.length > 0 ? fitting : open).map(({ id }) => id) }
}

const states = async (store: DeskStore, ids: readonly string[]): Promise<readonly ReferralState[]> => (await Promise.all(ids.map((id) => store.state(id)))).filter((state) => state !== null)

const ofPatient = async (store: DeskStore, charts: readonly ChartKey[]): Promise<readonly ReferralState[]> => {
  const found = await store.find(charts.map(({ source, id }): Key => ({ kind: 'patient', value: `${source}|${id}` })))
  return states(store, [...new Set(found.map(({ referral }) => referral))])
}

const inTime = ({ receivedAt }: ReferralState, { when, at }: News): boolean => {
  const time = Date.parse(when ?? at) - Date.parse(receivedAt)
  return time > -86_400_000 && time < LATEST
}

/** The visit is at the time of the referral's appointment, or the message names its place, person or specialty. */
function fits(state: ReferralState, { hints, when }: News): boolean {
  const { appointment, route, specialty } = state
  if (appointment?.start && when && ['scheduled', 'seen', 'reported'].includes(state.stage) && Math.abs(Date.parse(when) - Date.parse(appointment.start)) <= NEAR) return true
  const wanted = [route?.practitioner, appointment?.with, route?.location, route?.queue, specialty].flatMap((text) => (text ? [wordsOf(text)] : []))
  const said = hints.map(wordsOf)
  return wanted.some((words) => said.some((hint) => words.length > 0 && words.every((word) => hint.some((other) => same(word, other)))))
}

const TITLES = new Set(['dr', 'md', 'do', 'np', 'pa'])
const wordsOf = (text: string): readonly string[] => text.toLowerCase().split(/[^\p{L}\p{N}]+/u).filter((word) => word.length > 1 && !TITLES.has(word))
/** "CAR" and "CARD" are short for cardiology. */
const same = (word: string, other: string): boolean => word === other || (word.length > 4 && other.length >= 3 && word.startsWith(other)) || (other.length > 4 && word.length >= 3 && other.startsWith(word))
