/** What comes back from EHRs and specialists: each thing that is told becomes an event of the referral it is about, or waits for a person. */
import type { Bundle } from 'fhir/r4.js'
import type { ChartKey } from '../contracts.js'
import type { By, EventName, NewEvent, ReferralDocument, ReferralState } from '../desk-contracts.js'
import { change, type Changed, type DeskParts } from '../change.js'
import { DeskRefusal } from '../refusal.js'
import { correlate } from './correlate.js'
import { type News, newsOf, type Told } from './news.js'

export interface FeedbackGiven {
  readonly command: string
  readonly bundle: unknown
  readonly by: By
  readonly via: string
  readonly at: Date // when it was received
  readonly ehr?: string // whose it is; its charts are those of the patient index
}
export interface FeedbackTaken {
  readonly what: 'told' | 'stray' | 'nothing'
  readonly told: readonly Changed[]
  readonly strays: readonly number[]
}

export async function takeFeedback(parts: DeskParts, given: FeedbackGiven): Promise<FeedbackTaken> {
  const bundle = given.bundle as Bundle
  if (typeof bundle !== 'object' || bundle === null || bundle.resourceType !== 'Bundle') throw new DeskRefusal('Feedback is a FHIR Bundle; put `to-fhir` among the steps.')
  const heard = newsOf(bundle)
  const charts = await chartsOf(parts, heard, given.ehr)
  const told: Changed[] = []
  const strays: number[] = []
  for (const [number, news] of heard.news.entries()) {
    const command = `${given.command} ${number}`
    const correlated = await correlate(parts.store, news, charts, heard.patient)
    if ('referrals' in correlated) {
      for (const { id } of correlated.referrals) {
        const changed = await tellNews(parts, `${command} ${id}`, id, news, { ...given, how: correlated.how })
        if (changed) told.push(changed)
      }
    } else if (matters(news, correlated.candidates.length)) {
      strays.push(await parts.store.addStray(command, { at: given.at.toISOString(), via: given.via, what: news.says, reason: correlated.reason, candidates: correlated.candidates, bundle: JSON.stringify(bundle) }))
    }
  }
  return { what: told.length > 0 ? 'told' : strays.length > 0 ? 'stray' : 'nothing', told, strays }
}

/** An EHR tells of all its patients: only what may be about a referral is for a person to look at. */
const matters = ({ event, names }: News, candidates: number): boolean => event !== null && (candidates > 0 || names.some(({ kind }) => kind === 'reference'))

/** The charts that the message names: in the EHR that speaks, or, where it does not say which, in any. */
async function chartsOf(parts: DeskParts, { patient, charts }: Told, ehr: string | undefined): Promise<readonly ChartKey[]> {
  if (!patient) return []
  if (ehr !== undefined) {
    const named = charts.map((id) => ({ source: ehr, id }))
    const known = (await Promise.all(named.map((key) => parts.patients.get(key)))).flatMap((chart) => (chart ? [{ source: chart.source, id: chart.id }] : []))
    return [...named, ...known] // the chart of a merged patient leads to its survivor
  }
  const { grade, candidates } = await parts.patients.match(patient)
  return grade === 'certain' ? candidates.slice(0, 1).map(({ chart }) => ({ source: chart.source, id: chart.id })) : []
}

/** Tells one referral; a person who gives a stray to a referral does the same. */
export function tellNews(parts: DeskParts, command: string, referral: string, news: News, { by, via, at, how }: Pick<FeedbackGiven, 'by' | 'via' | 'at'> & { readonly how: string }): Promise<Changed | null> {
  return change(parts, command, async () => {
    const before = await parts.store.state(referral)
    if (!before) return null
    const name = eventFor(news.event, before)
    const event: NewEvent = { name, at: news.at, by, facts: { ...news.facts, via, evidence: [{ says: how }], ...(news.event === null && { words: `Not signed yet: ${news.says}.` }) } }
    const documents = news.document && !news.document.withdrawn ? [documentOf(news.document, at, news.event)] : []
    const withdrawn = news.document ? [...(news.document.withdrawn ? [news.document.id] : []), ...(news.document.replaces && news.document.signed ? [news.document.replaces] : [])] : []
    return { before, news: [event], keys: [...news.brings], documents, withdrawn }
  })
}

const eventFor = (event: EventName | null, { direction }: ReferralState): EventName => (event === null ? 'noted' : event === 'reported' && direction === 'outbound' ? 'report-received' : event)

const documentOf = ({ id, title, contentType, resources }: NonNullable<News['document']>, at: Date, event: EventName | null): Omit<ReferralDocument, 'referral' | 'event'> => ({
  id, addedAt: at.toISOString(), role: event === 'reported' ? 'outcome' : 'interim', status: 'current', title, contentType, resources: JSON.stringify(resources),
})
