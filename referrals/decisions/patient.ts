/** Whose referral it is, as a person says: one of the charts, none of them, or not these. */
import type { Bundle } from 'fhir/r4.js'
import { patientEvent } from '../assess.js'
import { factsOf } from '../canonical/facts.js'
import type { Changed, DeskParts } from '../change.js'
import type { ChartKey, Match } from '../contracts.js'
import type { ReferralState } from '../desk-contracts.js'
import { type Decision, decide, notNow, unfit } from './decide.js'
import { nameOf } from '../merged-charts.js'
import { isSameChart, withoutRuledOut } from './ruled-out.js'

/** The charts that a referral may be about: of the EHR that it goes to, or of all while it goes nowhere. */
export async function matchOf({ store, patients }: Pick<DeskParts, 'store' | 'patients'>, { id, route }: Pick<ReferralState, 'id' | 'route'>): Promise<Match> {
  const { patient } = factsOf(JSON.parse((await store.bundle(id)) ?? '{}') as Bundle)
  return patients.match(patient, route ? { sources: [route.ehr] } : {})
}

export const choose = (parts: DeskParts, decision: Decision, chosen: ChartKey): Promise<Changed> => decide(parts, decision, async ({ patient, route }, { event }) => {
  const chart = await parts.patients.get(chosen)
  if (!chart) throw unfit(`There is no ${nameOf(chosen)} in the index of patients.`)
  if (route && chart.source !== route.ehr) throw unfit(`The referral goes to ${route.ehr}, and the chart is one of ${chart.source}: choose one of ${route.ehr}, or route the referral there first.`)
  const key = { source: chart.source, id: chart.id }
  if (patient.chart && isSameChart(patient.chart, key)) throw notNow(`It is matched with ${nameOf(key)} already.`)
  const merged = isSameChart(key, chosen) ? [] : [`Chart ${chosen.id} was merged into ${key.id}.`]
  return { news: [event('matched', { chart: key, words: [`Chosen by a person: ${nameOf(key)}.`, ...merged].join(' ') })] }
})

/** None of the charts that were found: it goes on as a pending record, or waits for a chart, as its EHR wants it. */
export const createPending = (parts: DeskParts, decision: Decision): Promise<Changed> => decide(parts, decision, async (before, { event }) => {
  if (before.patient.status === 'pending') throw notNow('It has a pending record already.')
  const { candidates } = await matchOf(parts, before)
  const not = [...candidates.map(({ chart: { source, id } }) => ({ source, id })), ...(before.patient.chart ? [before.patient.chart] : [])]
  const none: Match = { grade: 'none', candidates: [], reasons: ['A person found none of the charts to be the patient’s.'] }
  return { news: [...(not.length > 0 ? [event('noted', { not, words: `Not the patient: ${not.map(nameOf).join(', ')}.` })] : []), patientEvent(none, before, event, parts.rules())] }
})

/** Not these: the others stay candidates. */
export const ruleOut = (parts: DeskParts, decision: Decision, charts: readonly ChartKey[]): Promise<Changed> => decide(parts, decision, async (before, { event }) => {
  const match = await matchOf(parts, before)
  const known = [...match.candidates.map(({ chart }) => chart), ...(before.patient.chart ? [before.patient.chart] : [])]
  const stranger = charts.find((chart) => !known.some((one) => isSameChart(one, chart)))
  if (stranger) throw unfit(`None of the candidates is ${nameOf(stranger)}; they are ${known.map(nameOf).join(', ') || 'none'}.`)
  const noted = event('noted', { not: charts, words: `Not the patient: ${charts.map(nameOf).join(', ')}.` })
  if (before.patient.chart && !charts.some((chart) => isSameChart(chart, before.patient.chart as ChartKey))) return { news: [noted] }
  const left = withoutRuledOut(match, [...(before.patient.not ?? []), ...charts])
  return { news: [noted, patientEvent(left, before, event, parts.rules())] }
})
