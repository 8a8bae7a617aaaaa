/**
 * CMS50v14 (MIPS 374, 2026), Closing the Referral Loop: Receipt of Specialist Report, by its published logic (CQL CMS50FHIRCRLReceiptofSpecialistReport 0.4.000).
 * Population (the denominator is the same): patients with a finished encounter, or a performed intervention, that lies within the period, and a referral
 * (an order, active or completed) authored from its first day to 31 October. Numerator: of the first such referral, a completed consultant report Task that is
 * based on it, ended after it was authored, and ended within the period. No exclusions. Days are those of the practice's clocks.
 */
import { compared, isAfter, isDuring, type Known, known } from './cql-time.js'
import type { Days } from './days.js'

export interface Cms50Referral {
  readonly patient: string // the same for all that is one patient's
  readonly id: string // told in the answer
  readonly counts: boolean // of the value set, an order, active or completed
  readonly authoredOn: string | null // FHIR dateTime
  readonly reports: readonly string[] // when the completed consultant report Tasks based on it ended: FHIR dateTimes
}
/** A finished encounter, or a performed intervention, of the value sets. */
export interface Cms50Encounter { readonly patient: string; readonly start: string | null; readonly end: string | null }
export interface Cms50Facts { readonly referrals: readonly Cms50Referral[]; readonly encounters: readonly Cms50Encounter[] }

export interface Cms50Period {
  readonly year: number
  readonly days: Days // of the practice's zone
  /** Takes it that the practice has seen whom it refers, where no encounter is known. The published logic does not. */
  readonly assumeEncounter?: boolean
}
export interface Cms50 {
  readonly measure: 'CMS50v14'
  readonly period: { readonly from: string; readonly to: string; readonly referredUntil: string; readonly zone: string }
  readonly population: number
  readonly numerator: number
  readonly rate: number | null // to four places; null of none
  readonly withoutEncounter: number // referred in time, and left out because no encounter in the period is known
  readonly patients: readonly { readonly referral: string; readonly met: boolean }[] // of the population: the first referral, and whether its loop is closed
}

export const cms50Of = ({ referrals, encounters }: Cms50Facts, { year, days, assumeEncounter = false }: Cms50Period): Cms50 => {
  const first: Known = [year, 1, 1]
  const last: Known = [year, 12, 31]
  const seen = new Set(encounters.filter(({ start, end }) => {
    const [began, ended] = [known(start, days), known(end, days)]
    return began !== null && ended !== null && isDuring(began, first, last) && isDuring(ended, first, last)
  }).map(({ patient }) => patient))

  const firsts = new Map<string, { readonly referral: Cms50Referral; readonly authored: Known }>()
  for (const referral of referrals) {
    const authored = known(referral.authoredOn, days)
    if (!referral.counts || authored === null || !isDuring(authored, first, [year, 10, 31])) continue
    const before = firsts.get(referral.patient)
    if (!before || earlier({ referral, authored }, before)) firsts.set(referral.patient, { referral, authored })
  }
  const population = [...firsts].filter(([patient]) => assumeEncounter || seen.has(patient)).map(([, one]) => one)
  const patients = population.map(({ referral, authored }) => ({
    referral: referral.id,
    met: referral.reports.some((report) => {
      const ended = known(report, days)
      return ended !== null && isAfter(ended, authored) && isDuring(ended, first, last)
    }),
  }))
  const numerator = patients.filter(({ met }) => met).length
  return {
    measure: 'CMS50v14', period: { from: `${year}-01-01`, to: `${year}-12-31`, referredUntil: `${year}-10-31`, zone: days.zone },
    population: patients.length, numerator, rate: patients.length === 0 ? null : Math.round((numerator / patients.length) * 10_000) / 10_000, withoutEncounter: firsts.size - patients.length, patients,
  }
}

/** What is known only by its day comes first on it; of two at the same moment, the one whose id does. CQL leaves both open. */
const earlier = (one: { readonly referral: Cms50Referral; readonly authored: Known }, other: typeof one): boolean => {
  const order = compared(one.authored, other.authored) ?? one.authored.length - other.authored.length
  return order === 0 ? one.referral.id < other.referral.id : order < 0
}
