/** What the desk thinks of a bundle: its facts, what it lacks, how urgent it is, where it belongs and who it is about. Changes nothing. */
import type { Bundle } from 'fhir/r4.js'
import type { Chart, Match, PatientIndex, Provider, ReferralFacts, Routing, Triage } from './contracts.js'
import type { NewEvent, ReferralState } from './desk-contracts.js'
import { factsOf } from './canonical/facts.js'
import { isToBeRead } from './canonical/unread.js'
import { DESK } from './fold.js'
import type { Rules } from './rules.js'
import { hasAddress } from './way-back.js'

export interface Assessment {
  readonly facts: ReferralFacts
  readonly triage: Triage
  readonly routing: Routing
  readonly match: Match
  readonly toBeRead: boolean // what it says stands in documents that nobody has read: it is neither matched nor routed nor asked for more
}

/** The patient is looked for among the charts of the EHR that the referral is routed to, or all where it is routed nowhere. An address of the referrer that the directory has is not asked for. */
export async function assess(bundle: Bundle, rules: Rules, patients: Pick<PatientIndex, 'match'>, ehr: string | null, referrer: Provider | null): Promise<Assessment> {
  const facts = factsOf(bundle)
  const triage = rules.triage(facts, { reachable: hasAddress(referrer) })
  const routing = rules.route(facts, triage)
  const target = ehr ?? routing.route?.ehr
  const toBeRead = isToBeRead(facts)
  const match = toBeRead ? UNKNOWN : await patients.match(facts.patient, target === undefined ? {} : { sources: [target] })
  return { facts, triage, routing, match, toBeRead }
}

const UNKNOWN: Match = { grade: 'none', candidates: [], reasons: [] }

/** The events that say what was found, in the order of a referral's life; none for what a person has decided already. */
export function eventsOf({ triage, routing, match, toBeRead }: Assessment, state: ReferralState | null, at: string, rules: Rules): readonly NewEvent[] {
  if (toBeRead) return []
  const event = (name: NewEvent['name'], facts: NewEvent['facts'] = {}): NewEvent => ({ name, at, by: DESK, facts })
  const evidence = [...triage.urgency.evidence, ...(triage.specialty?.evidence ?? [])]
  const events = [event('triaged', { urgency: triage.urgency.value, specialty: triage.specialty?.value ?? null, evidence, ...(triage.raised && { words: `Raised to ${triage.urgency.value}.` }) })]
  if (triage.missing.length > 0 && changed(triage.missing, state)) events.push(event('needs-information', { missing: triage.missing }))
  if (state === null || state.patient.status !== 'matched') events.push(patientEvent(match, routing, event, rules))
  if (state === null || state.stage === 'received' || (state.stage === 'routed' && state.toTell['hand-on'] === undefined)) events.push(routeEvent(routing, event))
  return events
}

type Make = (name: NewEvent['name'], facts?: NewEvent['facts']) => NewEvent

const changed = (missing: Triage['missing'], state: ReferralState | null): boolean =>
  state === null || missing.map(({ item }) => item).sort().join() !== state.missing.map(({ item }) => item).sort().join()

export function patientEvent({ grade, candidates, reasons }: Match, routing: Pick<Routing, 'route'>, event: Make, rules: Rules): NewEvent {
  const [best] = candidates
  if (grade === 'certain' && best) return event('matched', { chart: keyOf(best.chart), words: reasons.join('; '), candidates: listed([best]) })
  if (grade === 'possible') return event('match-uncertain', { reason: sentence(reasons), candidates: listed(candidates) })
  const ehr = routing.route ? rules.ehr(routing.route.ehr) : null
  const waits = ehr?.patient === 'existing' ? `${ehr.name} takes referrals of patients only of whom it has a chart, and none was found: create the chart there, and the referral goes on by itself.` : null
  return event('patient-pending', { reason: sentence(reasons), ...(waits !== null && { waits }) })
}

/** Reasons of a match are clauses; a person reads one sentence. */
const sentence = (reasons: readonly string[]): string => reasons.join('; ').replace(/^./, (first) => first.toUpperCase()).replace(/[^.]$/, '$&.')

export function routeEvent({ route, row, reasons, disagreement }: Routing, event: Make): NewEvent {
  if (!route) return event('route-uncertain', { reason: reasons.join(' ') || 'No row of the routing table took it.' })
  return event('routed', { route, ...(row !== null && { row }), words: [...reasons, ...(disagreement === null ? [] : [disagreement])].join(' ') })
}

const keyOf = ({ source, id }: Chart): { source: string; id: string } => ({ source, id })
const MOST_CANDIDATES = 10
const listed = (candidates: Match['candidates']): NonNullable<NonNullable<NewEvent['facts']>['candidates']> =>
  candidates.slice(0, MOST_CANDIDATES).map(({ chart, score, compared, says, contradictions }) => ({
    chart: keyOf(chart), score, says: [says, ...contradictions, ...compared.filter(({ agreement }) => agreement !== 'unknown').map((one) => one.says)],
  }))
