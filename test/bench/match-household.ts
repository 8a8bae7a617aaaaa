/** The matching bench's households: people who are charted come back with errors, and their relatives and strangers come for the first time. */
import { openPatientIndex } from '../../referrals/patients/patient-index.js'
import type { MatchingSettings } from '../../referrals/patients/settings.js'
import { asChart, asFacts, childOf, household, juniorOf, onForm, type Person, pick, spouseOf, town, twinOf } from './match-people.js'
import type { PatientFacts } from '../../referrals/contracts.js'

/** Of the queries: 65 % are charted, 12 % are new in a charted household, 3 % are a new Jr. or Sr., 20 % are strangers. */
const QUERIES = 10_000

export interface HouseholdFigures {
  readonly seed: number; readonly charts: number; readonly queries: number
  readonly autoPrecision: number; readonly autoRecall: number; readonly review: number; readonly falseNone: number; readonly wrong: number
}

export const householdBench = async (settings: MatchingSettings, charts: number, seed: number, missed?: (kind: string, facts: PatientFacts, match: unknown, truth: Person) => void): Promise<HouseholdFigures> => {
  const place = town(seed)
  const people: Person[] = []
  while (people.length < charts) people.push(...household(place))
  people.length = charts
  const index = openPatientIndex(':memory:', settings)
  for (let at = 0; at < charts; at += 50_000) await index.put(people.slice(at, at + 50_000).map((who, n) => asChart(who, at + n)))

  const counts = { certain: 0, wrong: 0, present: 0, right: 0, review: 0, none: 0 }
  for (let n = 0; n < QUERIES; n++) {
    const share = place.next()
    const id = Math.floor(place.next() * charts)
    const who = people[id] as Person
    const old = people.find((each, at) => at >= id && each.sex === 'male' && each.birthDate < '1985' && !hasNamesake(people, at)) ?? who
    const kind = share < 0.65 ? 'present' : share < 0.77 ? pick(['spouse', 'spouse', 'child', 'child', 'child', 'twin'], place.next) : share < 0.8 ? 'junior' : 'stranger'
    const truth = kind === 'present' ? who : kind === 'spouse' ? spouseOf(place, who) : kind === 'child' ? childOf(place, who) : kind === 'twin' ? twinOf(place, who) : kind === 'junior' ? juniorOf(place, old) : household(place)[0] as Person
    const facts = kind === 'present' || kind === 'stranger' ? onForm(place, truth) : place.next() < 0.5 ? asFacts(truth) : onForm(place, truth)
    const match = await index.match(facts)
    const right = kind === 'present' && match.candidates[0]?.chart.id === String(id)
    if (kind === 'present') counts.present++
    if (match.grade === 'certain') {
      counts.certain++
      if (right) counts.right++
      else counts.wrong++
    } else if (match.grade === 'possible') counts.review++
    else if (kind === 'present') counts.none++
    if (!(kind === 'present' ? match.grade === 'certain' && right : match.grade === 'none')) missed?.(kind, facts, match, truth)
  }
  await index.close()
  return {
    seed, charts, queries: QUERIES, wrong: counts.wrong, autoPrecision: counts.certain === 0 ? 1 : counts.right / counts.certain,
    autoRecall: counts.right / counts.present, review: counts.review / QUERIES, falseNone: counts.none / counts.present,
  }
}

/** Whether somebody of that given name lives with them already. */
const hasNamesake = (people: readonly Person[], at: number): boolean =>
  people.slice(Math.max(0, at - 8), at + 8).filter(({ address, given }) => address === people[at]?.address && given === people[at]?.given).length > 1
