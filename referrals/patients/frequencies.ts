/** How rare a value is, in bits: what the charts show, and what is assumed of names before there are charts. */
import { birthTerm, familyTerm, givenTerm } from './keys.js'
import type { MatchingSettings } from './settings.js'

/** What an index knows of its charts. */
export interface Counts {
  readonly charts: number
  /** Charts with a term (see keys.ts). */
  term(term: number): number
  /** Charts with a key; counting may stop above `most`. */
  sharing(key: number, most: number): number
}

export interface Frequencies {
  readonly charts: number
  family(name: string): number
  given(name: string): number
  birthDate(date: string): number
  /** Whether enough charts have a given name for it to be no slip of the pen. */
  established(given: string): boolean
  /** Bits of a value that as many charts share, or null where it is nobody's own. */
  shared(keys: readonly number[]): number | null
}

/** A given name is established from so many charts on, or so many of 100,000 people. */
const ESTABLISHED = { charts: 4, perHundredThousand: 10 }

/** The chart that is compared with is itself one of those counted, so one less is. */
export const frequencies = (settings: MatchingSettings, counts: Counts): Frequencies => {
  const { frequencies: assumed, names, household } = settings
  const total = counts.charts + assumed.charts
  const also = namesOf(settings)
  const rarity = (term: number, perHundredThousand: number): number =>
    Math.log2(total / (Math.max(0, counts.term(term) - 1) + assumed.charts * perHundredThousand / 100_000))
  return {
    charts: counts.charts,
    family: name => rarity(familyTerm(name), own(names.family, name) ?? assumed.family),
    given: name => rarity(givenTerm(name), own(names.given, name) ?? assumed.given),
    birthDate: date => rarity(birthTerm(date), date.endsWith('-01-01') ? assumed.newYear : assumed.birthDate),
    established: given => also.has(given) || counts.term(givenTerm(given)) > Math.max(ESTABLISHED.charts, counts.charts * ESTABLISHED.perHundredThousand / 100_000) || own(names.given, given) !== undefined,
    shared: keys => {
      const charts = Math.max(1, ...keys.map(key => counts.sharing(key, household.many)))
      return charts > household.many ? null : Math.log2(total / charts)
    },
  }
}

/** The list is made a set once. */
const namesOf = ({ names }: MatchingSettings): ReadonlySet<string> => {
  const known = SETS.get(names) ?? new Set(names.also)
  SETS.set(names, known)
  return known
}
const SETS = new WeakMap<MatchingSettings['names'], ReadonlySet<string>>()

const own = (table: Readonly<Record<string, number>>, name: string): number | undefined => (Object.hasOwn(table, name) ? table[name] : undefined)
