/** A referral as a person looks at it: where it stands, what is owed, who it may be about, and what happens next. */
import type { Bundle } from 'fhir/r4.js'
import { factsOf } from '../canonical/facts.js'
import type { Duty, Hold, Notice, ReferralState } from '../desk-contracts.js'
import { matchOf } from '../decisions/patient.js'
import { withoutRuledOut } from '../decisions/ruled-out.js'
import type { Desk } from '../desk.js'
import { naming } from './naming.js'
import { actionsFor } from './actions.js'
import { ENDS } from '../life-cycle.js'
import { timeWords } from '../notice-words.js'
import { failureOf } from '../tried.js'

export type Looking = Pick<Desk, 'store' | 'patients' | 'providers' | 'rules' | 'clock'>

/** What every list tells of a referral. */
export const summaryOf = (state: ReferralState, now: Date) => {
  const { id, reference, direction, stage, since, receivedAt, sequence, urgency, specialty, route, provider, patient, missing, appointment, attempts, lastTold } = state
  return {
    id, reference, direction, stage, since, receivedAt, sequence, urgency, specialty, route, provider, patient: { status: patient.status, chart: patient.chart }, missing,
    holds: holdsOf(state, now), appointment, attempts, lastTold, sameAs: state.sameAs ?? null,
  }
}

export const holdsOf = ({ holds }: ReferralState, now: Date): readonly { readonly hold: Hold; readonly since: string; readonly reason: string; readonly waits: number }[] =>
  (Object.entries(holds) as [Hold, { since: string; reason: string }][]).map(([hold, { since, reason }]) => ({ hold, since, reason, waits: secondsSince(since, now) })).sort((a, b) => b.waits - a.waits)

export const secondsSince = (since: string, now: Date): number => Math.max(0, Math.round((now.getTime() - Date.parse(since)) / 1000))

export const owedOf = (desk: Pick<Looking, 'rules'>, state: ReferralState, now: Date) =>
  [...desk.rules().duties(state)].sort((a, b) => (a.due < b.due ? -1 : a.due > b.due ? 1 : 0)).map(({ id, kind, owedBy, since, due, do: todo, says }) => {
    const overdue = Date.parse(due) <= now.getTime()
    return { id, kind, owedBy, since, due, says: overdue ? says : todo, overdue, said: state.overdue[id] ?? 0 }
  })

export async function wholeOf(desk: Looking, state: ReferralState) {
  const { store, patients, providers, clock } = desk
  const now = clock.now()
  const [events, text, notices, proofs, chart, counterpart] = await Promise.all([
    store.events(state.id), store.bundle(state.id), store.notices(state.id), store.proofs(state.id), state.patient.chart ? patients.get(state.patient.chart) : null, state.provider === null ? null : providers.get(state.provider),
  ])
  const match = state.patient.status === 'matched' || ENDS.includes(state.stage) ? null : withoutRuledOut(await matchOf(desk, state), state.patient.not)
  const routed = events.findLast(({ name, applied }) => applied && name === 'routed')
  const owed = owedOf(desk, state, now)
  const told = notices.map(({ id, kind, event, to, way, status, notBefore, due, tried }) => ({ id, kind, event, to, way, status, notBefore, due, tried, because: status === 'failed' ? failureOf(events, { id, kind }) : null, proof: proofs.find(({ notice }) => notice === id) ?? null }))
  const next = nextOf(state, owed, told, desk.rules().zone)
  const todo = (Object.keys(state.holds) as Hold[]).flatMap((hold) => actionsFor(hold, state, notices))
  const named = await naming(providers, [...next, ...todo.map(({ says }) => says)])
  return {
    ...summaryOf(state, now), owed, notices: told,
    who: { says: text === null ? null : factsOf(JSON.parse(text) as Bundle).patient, chart, match, ruledOut: state.patient.not ?? [] },
    routed: routed ? { at: routed.at, by: routed.by.name, row: routed.facts.row ?? null, why: routed.reason ?? routed.facts.words ?? null } : null,
    receipt: events.findLast(({ name, facts }) => name === 'written-back' && facts.receipt !== undefined)?.facts.receipt ?? null,
    counterpart, next: next.map(named), do: todo.map(({ says, call }) => ({ says: named(says), call })),
  }
}

function nextOf({ holds, stage }: ReferralState, owed: readonly Pick<Duty, 'owedBy' | 'due' | 'says'>[], notices: readonly Pick<Notice, 'kind' | 'to' | 'way' | 'status' | 'notBefore'>[], zone: string): readonly string[] {
  return [
    ...Object.values(holds).map(({ reason }) => `A person is waited for: ${reason}`),
    ...notices.filter(({ status }) => status === 'open').map(({ kind, to, way }) => `The ${kind} goes to ${to}${way === null ? '' : ` by ${way}`}.`),
    ...notices.filter(({ status }) => status === 'waiting').map(({ kind, to, notBefore }) => `The ${kind} for ${to} goes with what is sent on ${timeWords(notBefore, zone)}.`),
    ...owed.map(({ owedBy, due, says }) => `By ${timeWords(due, zone)}, the ${owedBy}: ${says}`),
    ...(ENDS.includes(stage) && owed.length === 0 && Object.keys(holds).length === 0 ? ['Nothing more: it has come to its end.'] : []),
  ]
}
