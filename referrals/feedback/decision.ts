/** What a payer decided of a referral: the authorization becomes part of it, and what was not certified is for a person to look at. */
import type { Bundle, ClaimResponse, ServiceRequest } from 'fhir/r4.js'
import { canonical } from '../canonical/canonical.js'
import { decidedBy, DECISIONS } from '../canonical/coverage-facts.js'
import type { Placed, View } from '../canonical/view.js'
import type { DeskParts, Intent } from '../change.js'
import type { NewEvent, ReferralState } from '../desk-contracts.js'
import { DESK } from '../fold.js'
import { adding } from '../opening.js'
import type { Plain, News, Whose } from './news.js'
import { instant } from './codes.js'
import { namesOf } from './numbers.js'

const FOR_A_PERSON = 'The payer'

/** One thing for all ClaimResponses of a bundle: they answer the request that it carries. None where there is no such request, or it tells of a visit. */
export function ofDecisions(view: View, bundle: Bundle, heardAt: string): readonly Whose<Plain>[] {
  const { request } = view
  const decisions = view.of('ClaimResponse').filter(({ resource }) => resource.use === 'preauthorization')
  if (!request || decisions.length === 0 || view.of('Encounter').length > 0) return []
  const says = decisions.map(({ resource }) => said(resource)).join('; ')
  const waits = decisions.flatMap(({ resource }) => forAPerson(resource) ?? [])
  return [{
    event: 'information-added', at: instant(decisions[0]?.resource.created) ?? heardAt, facts: { words: `${says}.`, ...(waits.length > 0 && { waits: waits.join(' ') }) }, whose: whose(request, decisions),
    names: namesOf(request.resource.identifier, request.resource.requisition), quotes: [], brings: [], hints: [], when: null, document: null, answers: true, says, adds: bundle,
  }]
}

const whose = ({ resource }: Placed<ServiceRequest>, decisions: readonly Placed<ClaimResponse>[]): Whose<Plain>['whose'] => [resource.subject, ...decisions.map((one) => one.resource.patient)]

/** "authorization certified in full, number GLA990127, 3 visits, 2026-03-05 – 2026-06-05" */
const said = (one: ClaimResponse): string => {
  const { decision, number, visits, from, until } = decidedBy(one)
  return [
    `authorization ${decision ?? one.disposition ?? one.outcome}`, ...(number === null ? [] : [`number ${number}`]), ...(visits === null ? [] : [visits === 1 ? '1 visit' : `${visits} visits`]),
    ...(from === null && until === null ? [] : [`${from ?? '…'} – ${until ?? '…'}`]),
  ].join(', ')
}

/** Why somebody must look at it; null where the referral goes on with it. */
const forAPerson = (one: ClaimResponse): string | null => {
  const { code, decision } = decidedBy(one)
  const why = [...(one.item ?? []).flatMap(({ adjudication }) => adjudication), ...(one.adjudication ?? [])].flatMap(({ category, reason }) => (category.text === DECISIONS ? (reason?.text ?? reason?.coding?.filter(({ system }) => !system?.endsWith('/306')).map((coding) => coding.display ?? `code ${coding.code}`) ?? []) : []))
  const because = [...new Set([...why, ...(one.error ?? []).map(({ code: of }) => of.text ?? of.coding?.[0]?.display ?? `code ${of.coding?.[0]?.code}`)])]
  const reason = because.length > 0 ? `: ${because.join('; ').replace(/\.$/, '')}` : ', and gives no reason'
  if (one.outcome === 'error' && code === null) return `${FOR_A_PERSON} could not decide about the authorization${reason}. Correct it and ask again, or say that nothing is new.`
  if (code === null || !UNDECIDED.has(code)) return null
  return `${FOR_A_PERSON} answers “${decision}”${reason}. Ask the payer, or tell the referrer; then say that nothing is new.`
}
/** X12 data element 306: not certified, cancelled, contact payer. */
const UNDECIDED = new Set(['A3', 'C', 'CT'])

/** The decision is added as anything that comes later is. A person is asked to look, and no more once the payer has decided otherwise. */
export async function decided(parts: DeskParts, before: ReferralState, news: News, adds: Bundle, told: { readonly by: NewEvent['by']; readonly via: string; readonly at: Date; readonly how: string; readonly reason?: string }): Promise<Intent> {
  const { bundle } = canonical(adds)
  if (!bundle) return { before, news: [{ name: 'noted', at: news.at, by: told.by, facts: news.facts }] }
  const { waits, words } = news.facts
  const { news: [first, ...others], ...intent } = await adding(parts, before, bundle, told, null)
  const added = { name: 'information-added' as const, at: told.at.toISOString(), ...first, by: told.by, ...(told.reason !== undefined && { reason: told.reason }), facts: { ...first?.facts, words: [`A payer’s answer: ${words}`, first?.facts?.words].filter(Boolean).join(' '), evidence: [{ says: told.how }] } }
  const settled = before.holds.reading?.reason.startsWith(FOR_A_PERSON) && !others.some(({ name }) => name === 'read') ? { words: 'The payer has answered again.' } : null
  const read = waits ? { waits } : settled
  return { ...intent, news: [added, ...(read ? [{ name: 'read' as const, at: added.at, by: DESK, facts: read }] : []), ...others] }
}
