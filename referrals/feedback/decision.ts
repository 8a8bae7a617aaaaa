/** What a payer decided of a referral: the authorization becomes part of it, and what was not certified is for a person to look at. */
import type { Bundle, ClaimResponse, ServiceRequest } from 'fhir/r4.js'
import { canonical } from '../canonical/canonical.js'
import { decisionWords, payersAnswer } from '../canonical/payers-answer.js'
import type { Placed, View } from '../canonical/view.js'
import type { DeskParts, Intent } from '../change.js'
import type { NewEvent, ReferralState } from '../desk-contracts.js'
import { adding } from '../opening.js'
import type { Plain, News, Whose } from './news.js'
import { instant } from './codes.js'
import { namesOf } from './numbers.js'

/** One thing for all ClaimResponses of a bundle: they answer the request that it carries. None where there is no such request, or it tells of a visit. */
export function ofDecisions(view: View, bundle: Bundle, heardAt: string): readonly Whose<Plain>[] {
  const { request } = view
  const decisions = view.of('ClaimResponse').filter(({ resource }) => resource.use === 'preauthorization')
  if (!request || decisions.length === 0 || view.of('Encounter').length > 0) return []
  const answers = decisions.map(({ resource }) => resource)
  const { words, waits } = payersAnswer(answers)
  return [{
    event: 'information-added', at: instant(decisions[0]?.resource.created) ?? heardAt, facts: { words, ...(waits !== null && { waits }) }, whose: whose(request, decisions),
    names: namesOf(request.resource.identifier, request.resource.requisition), quotes: [], brings: [], hints: [], when: null, document: null, answers: true, says: decisionWords(answers), adds: bundle,
  }]
}

const whose = ({ resource }: Placed<ServiceRequest>, decisions: readonly Placed<ClaimResponse>[]): Whose<Plain>['whose'] => [resource.subject, ...decisions.map((one) => one.resource.patient)]

/** The decision is added as anything that comes later is. */
export async function decided(parts: DeskParts, before: ReferralState, news: News, adds: Bundle, told: { readonly by: NewEvent['by']; readonly via: string; readonly at: Date; readonly how: string; readonly reason?: string }): Promise<Intent> {
  const { bundle } = canonical(adds)
  if (!bundle) return { before, news: [{ name: 'noted', at: news.at, by: told.by, facts: news.facts }] }
  const { words = '', waits = null } = news.facts
  const { news: [first, ...others], ...intent } = await adding(parts, before, bundle, told, null, { words, waits })
  const added = { name: 'information-added' as const, at: told.at.toISOString(), ...first, by: told.by, ...(told.reason !== undefined && { reason: told.reason }), facts: { ...first?.facts, evidence: [{ says: told.how }] } }
  return { ...intent, news: [added, ...others] }
}
