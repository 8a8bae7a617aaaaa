/** What is heard makes of the one referral that it is about. Nothing is told twice: what changes nothing is only noted. */
import type { FhirResource } from 'fhir/r4.js'
import type { EventFacts, EventName, Notice, ReferralDocument, ReferralState } from '../desk-contracts.js'
import { sameDocument } from '../canonical/documents.js'
import type { DeskParts, Intent } from '../change.js'
import { dutyOf } from '../fold.js'
import type { News } from './news.js'
import { takenBack } from './visits.js'

/** The event that it is of a referral as it is now, with the documents that come or go. */
export const effectOf = (parts: DeskParts, before: ReferralState, news: News, at: Date): Promise<Told> | Told => (news.document ? ofDocument(parts, before, news, news.document, at) : ofVisits(parts, before, news))

/** `first`: events that come before. */
export type Told = { readonly name: EventName; readonly facts: EventFacts; readonly first?: readonly EventName[] } & Pick<Intent, 'documents' | 'withdrawn' | 'settled' | 'told'>
const noted = (news: News, words: string, facts: EventFacts = news.facts): Told => ({ name: 'noted', facts: { ...facts, words } })

/** Visits that are taken back, then all else. */
async function ofVisits({ store }: DeskParts, before: ReferralState, news: News): Promise<Told> {
  const back = news.facts.visit?.was === 'cancelled' ? takenBack(before, await store.events(before.id), news) : null
  if (back === null) return ofOther(before, news)
  if ('says' in back) return noted(news, back.says)
  return { name: back.name, facts: news.facts, ...(back.first && { first: ['visit-cancelled'] }) }
}

function ofOther(before: ReferralState, news: News): Told {
  const { event, facts, says } = news
  const { stage, times, appointment } = before
  if (event === null) return noted(news, `It changes nothing: ${says}.`)
  if (event === 'reported') return ofOther(before, { ...news, event: 'seen' }) // it is said to be complete, and brings no note
  if (event === 'seen' && (stage === 'seen' || stage === 'reported')) return noted(news, `The patient has been seen already: ${says}.`)
  if (event === 'accepted' && ACCEPTED.has(stage) && times.accepted !== undefined && (times.reopened ?? '') < times.accepted) return noted(news, 'It has been accepted already.')
  const holds = stage === 'scheduled' && appointment !== null && (facts.appointment?.id ?? null) === appointment.id && news.at > appointment.heardAt
  if (holds && (event === 'scheduled' || event === 'rescheduled')) {
    return (facts.appointment?.start ?? appointment.start) === appointment.start ? noted(news, `The appointment is as it was: ${says}.`) : { name: 'rescheduled', facts }
  }
  return { name: event, facts }
}
const ACCEPTED = new Set(['accepted', 'contacted', 'unable-to-reach', 'scheduled', 'rebooking', 'seen'])

type Returned = NonNullable<News['document']>

async function ofDocument({ store }: DeskParts, before: ReferralState, news: News, document: Returned, at: Date): Promise<Told> {
  const all = await store.documents(before.id)
  const current = all.filter(({ status }) => status === 'current')
  const those = (id: string | null): readonly ReferralDocument[] => (id === null ? [] : current.filter((one) => sameDocument(one.id, id)))
  const [known] = those(document.id)
  const id = known?.id ?? document.id
  const facts = { ...news.facts, documents: [id] }
  if (document.withdrawn) {
    const withdrawn = those(document.id)
    if (!withdrawn.some(({ role }) => role === 'outcome')) return { ...noted(news, `Taken back, and never sent on: ${news.says}.`), withdrawn: withdrawn.map((one) => one.id) }
    const over = { withdrawn: withdrawn.map((one) => one.id), ...(await unsaid(store.notices(before.id), store.events(before.id), withdrawn)) }
    const left = current.filter((one) => one.role === 'outcome' && !withdrawn.includes(one))
    if (!left.some((one) => !isAddendum(one))) return { name: 'report-withdrawn', facts, ...over } // addenda alone are no note
    if ((over.settled ?? []).length > 0) {
      const words = `Taken back before it was sent on: ${news.says}. The rest of the note holds.`
      const owed = Object.keys(before.toTell).some((key) => /^(outcome|report):/.test(key) && !over.told?.includes(key))
      return owed || before.stage !== 'reported' ? { ...noted(news, words), ...over } : { name: 'closed', facts: { ...facts, reason: 'The consult note has been delivered.', words }, ...over }
    }
    return { name: reportedIn(before), facts: { ...facts, documents: left.map((one) => one.id), words: `Taken back: ${news.says}. This is what holds.` }, ...over }
  }
  const resources = JSON.stringify(document.resources)
  const signed = news.event === 'reported'
  if (known?.role === 'outcome' && (!signed || known.resources === resources)) return noted(news, signed ? `It is here already: ${news.says}.` : `The signed document is here already: ${news.says}.`)
  const added = { id, addedAt: at.toISOString(), role: signed ? 'outcome' : 'interim', status: 'current', title: document.title, contentType: document.contentType, resources } as const
  if (!signed) return { ...noted(news, `Not signed yet: ${news.says}.`, facts), documents: [added] }
  const replaced = those(document.replaces)
  return { name: reportedIn(before), facts, documents: [added], withdrawn: replaced.map((one) => one.id), ...(await unsaid(store.notices(before.id), store.events(before.id), known ? [...replaced, known] : replaced)) }
}

const reportedIn = ({ direction }: ReferralState): EventName => (direction === 'outbound' ? 'report-received' : 'reported')

/** It adds to a document (HL7 v2 MDM^T06, FHIR relatesTo `appends`), and says nothing without it. */
const isAddendum = ({ resources }: ReferralDocument): boolean =>
  (JSON.parse(resources) as readonly FhirResource[]).some((one) => one.resourceType === 'DocumentReference' && (one.relatesTo ?? []).some(({ code }) => code === 'appends'))

/** What was to be told of documents that no longer hold, and has not been, is not told any more. */
async function unsaid(notices: Promise<readonly Notice[]>, events: Promise<readonly { readonly sequence: number; readonly facts: EventFacts }[]>, documents: readonly ReferralDocument[]): Promise<Pick<Told, 'settled' | 'told'>> {
  const ids = new Set(documents.map(({ id }) => id))
  const told = new Map((await events).map(({ sequence, facts }) => [sequence, facts.documents ?? []]))
  const over = (await notices).filter(({ kind, status, event }) => {
    const about = told.get(event ?? 0) ?? []
    return (kind === 'outcome' || kind === 'report') && (status === 'open' || status === 'failed') && about.length > 0 && about.every((id) => ids.has(id))
  })
  return { settled: over.map((notice) => ({ notice, status: 'superseded', fate: notice.fate })), told: over.map(dutyOf) }
}
