/** CMS50 of the desk's outbound referrals, from where they stand: their Bundles are not read again. */
import type { DeskStore, ReferralState } from '../desk-contracts.js'
import { type Cms50, type Cms50Facts, cms50Of, type Cms50Period } from './cms50.js'
import { statesOf } from './report.js'

/** Inbound ones are somebody else's to report. One whose patient has no chart yet is a patient of its own. */
export const cms50Facts = (states: readonly ReferralState[]): Cms50Facts => {
  const own = states.flatMap(({ direction, order = null, reportedAt = null, ...state }) => (direction === 'outbound' && order !== null ? [{ ...state, order, reportedAt, who: patientOf(state) }] : []))
  return {
    referrals: own.map(({ id, stage, order, reportedAt, who }) => ({ patient: who, id, counts: order.counts && stage !== 'cancelled', authoredOn: order.authoredOn, reports: reportedAt === null ? [] : [reportedAt] })),
    encounters: own.flatMap(({ order, who }) => order.encounters.map((encounter) => ({ patient: who, ...encounter }))),
  }
}

const patientOf = ({ id, patient }: Pick<ReferralState, 'id' | 'patient'>): string => (patient.chart === null ? `referral ${id}` : `${patient.chart.source}|${patient.chart.id}`)

/** Of the referrals received since a day before the period began. */
export const cms50 = async (store: Pick<DeskStore, 'search'>, period: Cms50Period): Promise<Cms50> => {
  const since = new Date(period.days.startOf(`${period.year - 1}-12-31`)).toISOString()
  const facts: Cms50Facts[] = []
  for await (const page of statesOf(store, { direction: 'outbound', since })) facts.push(cms50Facts(page))
  return cms50Of({ referrals: facts.flatMap(({ referrals }) => referrals), encounters: facts.flatMap(({ encounters }) => encounters) }, period)
}
