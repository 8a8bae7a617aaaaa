/** Compares identifiers: only numbers of one system say anything about each other. */
import type { Field } from './compare.js'
import { type Person, type PlainIdentifier, SSN } from './normalise.js'
import type { MatchingSettings } from './settings.js'
import { edits } from './strings.js'

/** At most two fields: the number that agrees best, and one of a system in which none agrees. */
export const compareIdentifiers = (ours: Person, theirs: Person, weights: MatchingSettings['weights']): readonly Field[] => {
  const { same, close, different } = weights.identifier
  let agreeing: Field | null = null
  let differing: Field | null = null
  for (const our of ours.identifiers) {
    const levels = theirs.identifiers.map(their => [level(our, their), their] as const)
    const found = levels.find(([how]) => how === 'same') ?? levels.find(([how]) => how === 'close')
    if (found && agreeing?.how !== 'same') {
      const [how, their] = found
      agreeing = { field: 'identifier', how: how === 'same' ? 'same' : 'close', agreement: how === 'same' ? 'same' : 'close', weight: how === 'same' ? same : close, ours: our.text, theirs: their.text }
    }
    const other = found ? undefined : levels.find(([how]) => how === 'different')?.[1]
    if (other) differing = { field: 'otherIdentifier', how: 'different', agreement: 'different', weight: different, ours: our.text, theirs: other.text }
  }
  return [agreeing, differing].filter(field => field !== null)
}

/** Types of numbers that people have several of, or get anew: driver's licence, passport, member, Medicare and Medicaid numbers (HL7 table 0203). */
const RENEWED: ReadonlySet<string> = new Set(['DL', 'PPN', 'MB', 'MC', 'MA', 'HC', 'PT'])

/** A number without a system is alike at most: two hospitals count from 1. Of the same system, only numbers of one type can differ. */
const level = (a: PlainIdentifier, b: PlainIdentifier): 'same' | 'close' | 'different' | null => {
  if (a.system === null || b.system === null) return a.value === b.value && a.value.length >= 5 && a.type === b.type ? 'close' : null
  if (a.system !== b.system) return null
  if (a.value === b.value) return 'same'
  if (a.system === SSN && ((a.value.length === 4 && b.value.endsWith(a.value)) || (b.value.length === 4 && a.value.endsWith(b.value)) || edits(a.value, b.value, 1) === 1)) return 'close'
  return a.type === b.type && !RENEWED.has(a.type ?? '') ? 'different' : null
}
