/** The matching bench on FEBRL 1 and 3 (Christen; BSD-3, not in the project): made-up Australians, each pair of records of one person to be found, without soc_sec_id. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import type { Chart } from '../../referrals/contracts.js'
import { openPatientIndex } from '../../referrals/patients/patient-index.js'
import { compare } from '../../referrals/patients/compare.js'
import { certainLine } from '../../referrals/patients/decide.js'
import { frequencies } from '../../referrals/patients/frequencies.js'
import { judge } from '../../referrals/patients/gates.js'
import { askedKeysOf, keysOf, termsOf } from '../../referrals/patients/keys.js'
import { type Person, person } from '../../referrals/patients/normalise.js'
import { score } from '../../referrals/patients/score.js'
import { vocabulary } from '../../referrals/patients/vocabulary.js'
import type { MatchingSettings } from '../../referrals/patients/settings.js'

const FOLDER = join(import.meta.dirname, '../../../../shared/corpora/linkage')
/** The fixed threshold of the last figure, in bits; set before the sets were seen. */
export const FIXED = 16

export interface FebrlFigures {
  readonly set: string; readonly records: number; readonly pairs: number
  readonly certain: Rates; readonly withPossible: Rates; readonly best: Rates & { readonly threshold: number }; readonly fixed: Rates
  readonly lookups: { readonly asked: number; readonly certain: number; readonly wrong: number; readonly possible: number; readonly none: number }
}
export interface Rates { readonly precision: number; readonly recall: number; readonly f1: number; readonly wrong: number }

/**
 * Null where the set is not there. Pairs of all records that share a key: `certain` are those above the certain line that nothing contradicts and
 * nothing leaves in doubt; best and fixed F1 are of the weights alone, without the limit of a household. Look-ups: each duplicate among the originals.
 */
export const febrlBench = async (settings: MatchingSettings, set: 1 | 3, folder = FOLDER): Promise<FebrlFigures | null> => {
  const file = join(folder, `dataset${set}.csv`)
  if (!existsSync(file)) return null
  const records = parse(readFileSync(file, 'utf8'), { columns: (names: string[]) => names.map(name => name.trim()), trim: true }) as Record<string, string>[]
  const charts = records.map(chartOf)
  const people = new Map<string, number>()
  for (const { id } of charts) people.set(personOf(id), (people.get(personOf(id)) ?? 0) + 1)
  const truth = [...people.values()].reduce((sum, count) => sum + count * (count - 1) / 2, 0)
  const pairs = judgedPairs(settings, charts)
  const rates = (chosen: (pair: Pair) => boolean): Rates => {
    const found = pairs.filter(chosen)
    const right = found.filter(pair => pair.right).length
    const [precision, recall] = [found.length === 0 ? 1 : right / found.length, right / truth]
    return { precision, recall, f1: 2 * precision * recall / (precision + recall || 1), wrong: found.length - right }
  }
  const best = Array.from({ length: 81 }, (_, step) => step / 2 - 10).map(threshold => ({ threshold, ...rates(({ weight }) => weight >= threshold) })).reduce((a, b) => (b.f1 > a.f1 ? b : a))
  return {
    set: `FEBRL ${set}`, records: charts.length, pairs: truth, certain: rates(({ grade }) => grade === 'certain'), withPossible: rates(({ grade }) => grade !== 'none'),
    best, fixed: rates(({ weight }) => weight >= FIXED), lookups: await lookups(settings, charts),
  }
}

interface Pair { readonly right: boolean; readonly weight: number; readonly grade: 'certain' | 'possible' | 'none' }

const judgedPairs = (settings: MatchingSettings, charts: readonly Chart[]): readonly Pair[] => {
  const matcher = { settings, vocabulary: vocabulary(settings) }
  const people = charts.map(chart => person(chart, matcher.vocabulary))
  const terms = new Map<number, number>()
  const keys = new Map<number, number[]>()
  people.forEach((one, at) => {
    for (const term of termsOf(one)) terms.set(term, (terms.get(term) ?? 0) + 1)
    for (const key of keysOf(one)) keys.set(key, [...keys.get(key) ?? [], at])
  })
  const rare = frequencies(settings, { charts: charts.length, term: term => terms.get(term) ?? 0, sharing: key => keys.get(key)?.length ?? 0 })
  const line = certainLine(settings.decide, charts.length)
  const pairs: Pair[] = []
  const seen = new Set<number>()
  const nameOf = (at: number): string => personOf(charts[at]?.id ?? '')
  people.forEach((one, at) => {
    const others = new Set(askedKeysOf(one).flatMap(({ key, use }) => some(keys.get(key) ?? [], use === 'weak' ? settings.search.weak : settings.search.block)).filter(other => other !== at))
    for (const other of others) {
      const pair = at < other ? at * people.length + other : other * people.length + at
      if (seen.has(pair)) continue
      seen.add(pair)
      const theirs = people[other] as Person
      const found = score(compare(one, theirs, matcher, rare), settings)
      const { contradictions, doubts, confirmed, somebodyElse } = judge(one, theirs, found.fields, true)
      const uncapped = found.weight - found.fields.filter(({ field }) => field === 'household').reduce((sum, { weight }) => sum + weight, 0)
      const none = somebodyElse || found.weight < settings.decide.possible
      pairs.push({
        right: nameOf(at) === nameOf(other), weight: uncapped,
        grade: none ? 'none' : contradictions.length === 0 && doubts.length === 0 && found.weight >= line + (confirmed ? 0 : settings.decide.unconfirmed) ? 'certain' : 'possible',
      })
    }
  })
  return pairs
}

const some = (found: readonly number[], most: number): readonly number[] => (found.length <= most ? found : [])

const lookups = async (settings: MatchingSettings, charts: readonly Chart[]): Promise<FebrlFigures['lookups']> => {
  const index = openPatientIndex(':memory:', settings)
  await index.put(charts.filter(({ id }) => id.endsWith('-org')))
  const counts = { asked: 0, certain: 0, wrong: 0, possible: 0, none: 0 }
  for (const chart of charts.filter(({ id }) => !id.endsWith('-org'))) {
    const { grade, candidates } = await index.match(chart)
    counts.asked++
    counts[grade]++
    if (grade === 'certain' && personOf(candidates[0]?.chart.id ?? '') !== personOf(chart.id)) counts.wrong++
  }
  await index.close()
  return counts
}

const personOf = (id: string): string => id.split('-')[1] ?? ''

const chartOf = (record: Record<string, string>): Chart => {
  const said = (name: string): string => record[name] ?? ''
  const date = said('date_of_birth')
  return {
    source: 'febrl', id: said('rec_id'), active: true, identifiers: [], names: [{ family: said('surname'), given: said('given_name') ? [said('given_name')] : [], suffix: null, use: null }],
    birthDate: /^\d{8}$/.test(date) ? `${date.slice(0, 4)}-${date.slice(4, 6)}-${date.slice(6)}` : null, sex: null,
    addresses: [{ lines: [`${said('street_number')} ${said('address_1')}`.trim(), said('address_2')].filter(Boolean), city: said('suburb') || null, state: said('state') || null, postalCode: said('postcode') || null }],
    phones: [], emails: [], memberIds: [], birthOrder: null, deceased: false, language: null,
  }
}
