/** Which referral something is about: by a number, by the visit or the document, else by patient, specialty and time. Never by guessing between two, and never against its patient. */
import type { ChartKey, PatientFacts } from '../contracts.js'
import type { DeskStore, Key, KeyKind, ReferralState } from '../desk-contracts.js'
import { factsOf } from '../canonical/facts.js'
import { stateThrough } from '../decisions/same-as.js'
import { differences } from '../difference.js'
import { expectedKeys } from '../expected.js'
import { fits, isNear } from './fits.js'
import type { News } from './news.js'

/** `but`: what stands against telling others of those that it names. */
export type Correlated =
  | { readonly referrals: readonly ReferralState[]; readonly how: string; readonly but?: Unclear }
  | { readonly referrals: readonly []; readonly but: Unclear }
export interface Unclear { readonly reason: string; readonly candidates: readonly string[] }

/** Who speaks of whom: `everything` is true of an EHR, which tells of all its patients. */
export interface Heard { readonly charts: readonly ChartKey[]; readonly patient: PatientFacts | null; readonly everything: boolean }

/** Strongest first. A number that two referrers may have given alike (`number`) counts only with the patient. */
const STRENGTH: readonly KeyKind[] = ['reference', 'request', 'task', 'placer', 'filler', 'document', 'appointment', 'visit']
const WORKED = new Set(['routed', 'sent', 'delivered', 'acknowledged', 'handed-off', 'accepted', 'contacted', 'unable-to-reach', 'scheduled', 'rebooking', 'seen', 'reported'])
const LATEST = 180 * 86_400_000 // after the referral came

/** A refusal that may be that of the specialist who had a referral before is for a person to tell from that of the one who has it. */
export async function correlate(store: DeskStore, news: News, heard: Heard): Promise<Correlated> {
  const found = await sought(store, news, heard)
  const doubtful = news.event === 'declined' || news.event === 'cancelled' ? found.referrals.filter(({ direction, times }) => direction === 'outbound' && times.recalled !== undefined) : []
  if (!('how' in found) || doubtful.length === 0) return found
  const but = { reason: 'The referral was taken back from one specialist and given to another, and it does not say which of them speaks.', candidates: doubtful.map(({ id }) => id) }
  const referrals = found.referrals.filter((state) => !doubtful.includes(state))
  return referrals.length > 0 ? { referrals, how: found.how, but } : { referrals: [], but }
}

async function sought(store: DeskStore, news: News, heard: Heard): Promise<Correlated> {
  const found = await store.find(news.names.filter(({ kind }) => kind !== 'number'))
  for (const kind of STRENGTH) {
    const ids = [...new Set(found.filter(({ key }) => key.kind === kind).map(({ referral }) => referral))]
    if (ids.length > 0) return named(store, await states(store, ids), heard, `it names the ${kind === 'reference' ? 'reference number' : kind}`) // a note may answer several orders, and names each
  }
  const mine = await ofPatient(store, heard)
  const numbered = await store.find(news.names.filter(({ kind }) => kind === 'number'))
  const byNumber = await Promise.all(news.names.filter(({ kind }) => kind === 'number').map(async ({ value }) => {
    const ids = new Set((await states(store, numbered.filter(({ key }) => key.value === value).map(({ referral }) => referral))).map(({ id }) => id))
    return mine.filter(({ id }) => ids.has(id))
  }))
  const twice = byNumber.find((some) => some.length > 1)
  if (twice) return unclear(`${twice.length} referrals of this patient have the number that it names.`, twice)
  const numberedMine = [...new Set(byNumber.flat())]
  if (numberedMine.length > 0) return { referrals: numberedMine, how: 'it names the number of an order of this patient' }

  const quoted = await states(store, [...new Set((await store.find(news.quotes)).map(({ referral }) => referral))])
  const [said] = quoted
  if (quoted.length > 1) return unclear(`Its words name ${quoted.length} referrals.`, quoted)
  if (said && (!heard.everything || fits(said, news))) return named(store, [said], heard, 'its words name the reference number')
  if (said) return unclear('Its words name the reference number, and neither place nor person says that it is about this referral.', quoted)

  if (mine.length === 0) {
    const others = await states(store, [...new Set(numbered.map(({ referral }) => referral))])
    return unclear(heard.patient === null ? 'It names no number that is known here, and no patient.' : 'It names no number that is known here, and its patient has no referral.', news.answers ? others : [])
  }
  const open = mine.filter((state) => WORKED.has(state.stage) && inTime(state, news))
  const fitting = open.filter((state) => fits(state, news))
  const near = fitting.length > 1 ? fitting.filter((state) => isNear(state, news)) : fitting
  const [only] = near
  if (only && near.length === 1) return { referrals: [only], how: 'patient, place or person, and time fit this referral alone' }
  return unclear(fitting.length > 1 ? `${fitting.length} referrals of this patient fit.` : open.length > 0 ? 'Nothing but the patient connects it with a referral.' : 'The patient has no referral that waits for it.', fitting.length > 0 ? fitting : open)
}

const unclear = (reason: string, candidates: readonly ReferralState[]): Correlated => ({ referrals: [], but: { reason, candidates: candidates.map(({ id }) => id) } })

/** Those that are named, without those that are about somebody else. */
async function named(store: DeskStore, all: readonly ReferralState[], heard: Heard, how: string): Promise<Correlated> {
  const against = await Promise.all(all.map((state) => otherPatient(store, state, heard)))
  const [reason] = against.filter((one) => one !== null)
  const referrals = all.filter((_state, index) => against[index] === null)
  if (reason === undefined) return { referrals, how }
  const but = { reason: `${how[0]?.toUpperCase()}${how.slice(1)}, but ${reason}`, candidates: all.filter((state) => !referrals.includes(state)).map(({ id }) => id) }
  return referrals.length > 0 ? { referrals, how, but } : { referrals: [], but }
}

/** Why somebody else is spoken of than the patient of the referral: a number may be mistyped, and two senders may give the same. Null where nothing speaks against it. */
async function otherPatient(store: DeskStore, { id, patient: { chart } }: ReferralState, { charts, patient }: Heard): Promise<string | null> {
  if (patient === null) return null
  const known = factsOf(JSON.parse((await store.bundle(id)) ?? '{}')).patient
  const found = differences(known, patient).filter((one) => one !== 'family name')
  if (chart && charts.some((one) => one.id === chart.id && one.source === chart.source) && found.length < 2) return null // the same digits may be another's in another system
  if (found.length > 0) return `its patient is another: the ${found.join(' and the ')} differ${found.length > 1 ? '' : 's'}.`
  const sameName = patient.names.length > 0 && patient.birthDate !== null
  return chart && !sameName && charts.some(({ source }) => source === chart.source) ? `it is about another chart of ${chart.source}.` : null
}

/** Each once; what repeats another leads to it. */
const states = async (store: DeskStore, ids: readonly string[]): Promise<readonly ReferralState[]> => {
  const all = (await Promise.all(ids.map((id) => stateThrough(store, id)))).filter((state) => state !== null)
  return [...new Map(all.map((state) => [state.id, state])).values()]
}

/** Referrals of the chart, and those for whom no chart is known that are for somebody of this name and birth date. */
const ofPatient = async (store: DeskStore, heard: Heard): Promise<readonly ReferralState[]> => {
  const keys = [...heard.charts.map(({ source, id }): Key => ({ kind: 'patient', value: `${source}|${id}` })), ...(heard.patient === null ? [] : expectedKeys(heard.patient))]
  const all = await states(store, [...new Set((await store.find(keys)).map(({ referral }) => referral))])
  const mine = await Promise.all(all.map(async (state) => {
    const { chart } = state.patient
    if (chart && heard.charts.some(({ source }) => source === chart.source) && !heard.charts.some(({ source, id }) => source === chart.source && id === chart.id)) return false
    return (await otherPatient(store, state, heard)) === null
  }))
  return all.filter((_state, index) => mine[index])
}

const inTime = ({ receivedAt }: ReferralState, { when, at }: News): boolean => {
  const time = Date.parse(when ?? at) - Date.parse(receivedAt)
  return time > -86_400_000 && time < LATEST
}
