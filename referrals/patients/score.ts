/** Adds up what was compared; what a household shares counts only so much together. */
import { CONTACTS } from './compare-contacts.js'
import type { Field } from './compare.js'
import type { MatchingSettings } from './settings.js'

export interface Score { readonly fields: readonly Field[]; readonly weight: number }

/** The weights of `fields` add up to `weight`; what is above the household's limit is taken off in a field of its own. */
export const score = (compared: readonly Field[], { household }: MatchingSettings): Score => {
  const contacts = compared.reduce((sum, { field, weight }) => (CONTACTS.has(field) ? sum + weight : sum), 0)
  const above = contacts - household.most
  const fields: readonly Field[] = above > 0 ? [...compared, { field: 'household', how: 'shared', agreement: 'close', weight: -above, ours: null, theirs: null }] : compared
  return { fields, weight: fields.reduce((sum, { weight }) => sum + weight, 0) }
}

/** The odds as a chance, 0 … 1, that two records of so much weight are of one person, where one chart of `charts` may be theirs. */
export const chance = (weight: number, charts: number): number => 1 / (1 + 2 ** (Math.log2(Math.max(2, charts)) - weight))
