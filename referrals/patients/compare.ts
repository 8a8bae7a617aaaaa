/** Compares two people field by field: what agrees, how well, and how many bits that weighs. */
import type { Compared } from '../contracts.js'
import { compareContacts } from './compare-contacts.js'
import { compareIdentifiers } from './compare-identifiers.js'
import { compareNames } from './compare-names.js'
import type { Frequencies } from './frequencies.js'
import type { Person, PlainDate } from './normalise.js'
import type { MatchingSettings } from './settings.js'
import { edits } from './strings.js'
import type { Vocabulary } from './vocabulary.js'

export type FieldName = 'family' | 'given' | 'middle' | 'birthDate' | 'sex' | 'address' | 'phone' | 'email' | 'memberId' | 'identifier' | 'otherIdentifier' | 'household'

/** One field; `how` is a level of the settings' weights, or what stands in for one. Fields of which one side says nothing are left out. */
export interface Field {
  readonly field: FieldName
  readonly how: string
  readonly agreement: Compared['agreement']
  readonly weight: number
  readonly ours: string | null
  readonly theirs: string | null
}

/** What comparing needs: made once for an index. */
export interface Matcher {
  readonly settings: MatchingSettings
  readonly vocabulary: Vocabulary
}

export const compare = (ours: Person, theirs: Person, matcher: Matcher, rare: Frequencies): readonly Field[] => {
  const fields: Field[] = [...compareNames(ours.names, theirs.names, matcher, rare)]
  const { weights, decide } = matcher.settings
  if (ours.birth && theirs.birth) fields.push(compareBirth(ours.birth, theirs.birth, weights.birthDate, decide.generation, rare))
  if (ours.sex && theirs.sex) {
    const same = ours.sex === theirs.sex
    fields.push({ field: 'sex', how: same ? 'same' : 'different', agreement: same ? 'same' : 'different', weight: same ? weights.sex.same : weights.sex.different, ours: ours.sex, theirs: theirs.sex })
  }
  fields.push(...compareContacts(ours, theirs, matcher.settings, rare), ...compareIdentifiers(ours, theirs, weights))
  return fields
}

const compareBirth = (ours: PlainDate, theirs: PlainDate, weights: MatchingSettings['weights']['birthDate'], generation: number, rare: Frequencies): Field => {
  const field = (how: string, agreement: Field['agreement'], weight: number): Field => ({ field: 'birthDate', how, agreement, weight, ours: shown(ours), theirs: shown(theirs) })
  const [years, months, days] = [ours.year === theirs.year, ours.month === theirs.month, ours.day === theirs.day]
  const full = ours.day > 0 && theirs.day > 0
  const most = Math.min(weights.most, rare.birthDate(theirs.text))
  if (full && years && months && days) return field('same', 'same', most)
  if (!full) {
    if (years && (ours.month === 0 || theirs.month === 0)) return field('year', 'close', weights.year)
    return years && months ? field('month', 'close', weights.month) : field('different', 'different', weights.different)
  }
  if (years && ours.month === theirs.day && ours.day === theirs.month) return field('swapped', 'close', most + weights.swapped)
  const near = Number(years) + Number(months) + Number(days) === 2
  const slip = edits(digits(ours), digits(theirs), 1) === 1
  if (Math.abs(ours.year - theirs.year) >= generation) return field(near || slip ? 'generation' : 'different', 'different', near || slip ? weights.generation : weights.different)
  if (slip) return field('close', 'close', most + weights.close)
  return near ? field('near', 'different', weights.near) : field('different', 'different', weights.different)
}

const digits = ({ text }: PlainDate): string => text.replaceAll('-', '')
const shown = ({ text }: PlainDate): string => text.replaceAll('-00', '')
