/** What comes back from EHRs and specialists: each thing that is told becomes an event of the referral it is about, or waits for a person. */
import type { Bundle, FhirResource } from 'fhir/r4.js'
import type { ChartKey } from '../contracts.js'
import type { By, EventName, NewEvent, ReferralState } from '../desk-contracts.js'
import { change, type Changed, type DeskParts } from '../change.js'
import { GIVEN_UP } from '../life-cycle.js'
import { DeskRefusal } from '../refusal.js'
import { channelScope, ehrScope } from '../scope.js'
import { correlate } from './correlate.js'
import { decided } from './decision.js'
import { effectOf } from './effect.js'
import { heard, type News, newsOf } from './news.js'
import { notTheSpecialist } from './speaker.js'
import { takenBack } from './visits.js'

export interface FeedbackGiven {
  readonly command: string
  readonly bundle: unknown
  readonly by: By
  readonly via: string
  readonly at: Date // when it was received
  readonly ehr?: string // whose it is; its charts are those of the patient index
  readonly strays?: Strays // where nothing is said: `ours` of an EHR, `all` of whoever tells of referrals alone
}
/** What waits for a person of what fits no referral: only what names one of our numbers, answers a referral or is about a patient with an open one; or all. */
export type Strays = 'ours' | 'all'
export interface FeedbackTaken {
  readonly what: 'told' | 'stray' | 'nothing'
  readonly told: readonly Changed[]
  readonly strays: readonly number[]
  readonly passed: number // things that fit no referral and wait for nobody
}

export async function takeFeedback(parts: DeskParts, given: FeedbackGiven): Promise<FeedbackTaken> {
  const { ehr, via, at, strays: wanted = ehr === undefined ? 'all' : 'ours' } = given
  const whole = bundleOf(given.bundle)
  const bundle = heard(whole, ehr === undefined ? channelScope(via) : ehrScope(ehr), at)
  const told: Changed[] = []
  const strays: number[] = []
  let passed = 0
  for (const [number, news] of newsOf(bundle).news.entries()) {
    const command = `${given.command} ${number}`
    const charts = await chartsOf(parts, news, ehr)
    const correlated = await correlate(parts.store, news, { charts, patient: news.patient, everything: ehr !== undefined })
    if ('how' in correlated) {
      for (const state of correlated.referrals) {
        const { id } = state
        const late = tooLate(state, news) ?? (news.event === null ? null : await notTheSpecialist(parts, whole, state))
        if (late !== null) strays.push(await parts.store.addStray(`${command} ${id} late`, { at: at.toISOString(), via, what: news.says, reason: late, candidates: [id], bundle: JSON.stringify(bundle) }))
        if (late !== null) continue
        const back = news.facts.visit?.was === 'cancelled' ? takenBack(state, await parts.store.events(id), news) : null
        if (back && 'open' in back && back.open !== null) strays.push(await parts.store.addStray(`${command} ${id} contradicts`, { at: at.toISOString(), via, what: news.says, reason: back.open, candidates: [id], bundle: JSON.stringify(bundle) }))
        const changed = await tellNews(parts, `${command} ${id}`, id, news, { ...given, how: correlated.how })
        if (changed) told.push(changed)
      }
    }
    const { but } = correlated
    if (!but) continue
    if (!matters(news, (news.event === 'visit-cancelled' ? await seenAmong(parts, but.candidates) : but.candidates).length, wanted)) passed++
    else strays.push(await parts.store.addStray(command, { at: at.toISOString(), via, what: news.says, ...but, bundle: JSON.stringify(bundle) }))
  }
  return { what: told.length > 0 ? 'told' : strays.length > 0 ? 'stray' : 'nothing', told, strays, passed }
}

/** Whoever tells so goes on with a referral that was given up: a person opens it again and gives it this, or says to them that it was. Null where that is not so. */
const tooLate = ({ stage, reference, direction }: ReferralState, { event, document }: News): string | null =>
  GIVEN_UP.includes(stage) && event !== null && (GOES_ON.has(event) || document?.signed) ? `Referral ${reference} was ${stage}, and ${direction === 'inbound' ? 'the EHR' : 'the specialist'} goes on with it: open it again and give it this, or tell them.` : null
const GOES_ON: ReadonlySet<EventName> = new Set(['scheduled', 'rescheduled', 'seen'])

/** Tells one referral; a person who gives a stray to a referral does the same. */
export function tellNews(parts: DeskParts, command: string, referral: string, news: News, { by, via, at, how, reason }: Pick<FeedbackGiven, 'by' | 'via' | 'at'> & { readonly how: string; readonly reason?: string }): Promise<Changed | null> {
  return change(parts, command, async () => {
    const before = await parts.store.state(referral)
    if (!before) return null
    if (news.adds) return decided(parts, before, news, news.adds, { by, via, at, how, ...(reason !== undefined && { reason }) })
    const { name, facts, first = [], ...more } = await effectOf(parts, before, news, at)
    const event = (called: NewEvent['name'], told: NewEvent['facts']): NewEvent => ({ name: called, at: news.at, by, ...(reason !== undefined && { reason }), facts: { ...told, via, evidence: [{ says: how }] } })
    return { before, news: [...first.map((called) => event(called, facts.visit ? { visit: facts.visit } : {})), event(name, facts)], keys: [...news.brings], ...more }
  })
}

/** A resource by itself, as a FHIR subscription sends it, is a bundle of one. */
function bundleOf(given: unknown): Bundle {
  const { resourceType } = (given ?? {}) as { readonly resourceType?: unknown }
  if (resourceType === 'Bundle') return given as Bundle
  const { id } = (given ?? {}) as { readonly id?: unknown }
  if (typeof resourceType === 'string') return { resourceType: 'Bundle', type: 'collection', entry: [{ ...(typeof id === 'string' && { fullUrl: `${resourceType}/${id}` }), resource: given as FhirResource }] }
  throw new DeskRefusal('Feedback is a FHIR Bundle or resource; put `to-fhir` among the steps.')
}

/** An EHR tells of all its patients: only what may be about a referral is for a person to look at. What nobody has signed yet, and a visit that took nobody anywhere, is not. */
const matters = ({ event, quotes, answers, names }: News, candidates: number, wanted: Strays): boolean =>
  event !== null && ((wanted === 'all' && event !== 'visit-cancelled') || candidates > 0 || answers || quotes.length > 0 || names.some(({ kind }) => kind === 'reference'))

/** A visit that is taken back is nothing to look at where nobody was seen. */
const seenAmong = async ({ store }: DeskParts, ids: readonly string[]): Promise<readonly string[]> => {
  const states = await Promise.all(ids.map((id) => store.state(id)))
  return ids.filter((_id, index) => states[index]?.times.seen !== undefined)
}

/** The chart that it names: in the EHR that speaks, or, where it does not say which, in any. */
async function chartsOf({ patients }: DeskParts, { patient, chart }: News, ehr: string | undefined): Promise<readonly ChartKey[]> {
  if (!patient) return []
  if (ehr === undefined) {
    const { grade, candidates } = await patients.match(patient)
    return grade === 'certain' ? candidates.slice(0, 1).map((one) => ({ source: one.chart.source, id: one.chart.id })) : []
  }
  if (chart === null) return []
  const known = await patients.get({ source: ehr, id: chart })
  return [{ source: ehr, id: chart }, ...(known && known.id !== chart ? [{ source: known.source, id: known.id }] : [])] // the chart of a merged patient leads to its survivor
}
