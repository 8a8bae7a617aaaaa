/** Whether a route goes against what the form itself asks for: a person, a practice or a specialty. */
import type { ReferralFacts, Route, Triage } from '../contracts.js'
import { folded } from './alternatives.js'
import { personName } from './columns.js'

/** Words that say nothing of which practice it is. */
const GENERAL = new Set(['the', 'of', 'and', 'at', 'for', 'clinic', 'clinics', 'center', 'centre', 'medical', 'medicine', 'health', 'healthcare', 'group', 'practice', 'associates', 'specialists', 'physicians', 'hospital', 'department', 'office', 'care', 'llc', 'inc', 'pllc', 'pc', 'street', 'st', 'avenue', 'ave', 'road', 'rd', 'suite', 'dr', 'md', 'do'])
/** So many letters of two words are compared: cardiology and cardiovascular are one specialty, neurology and neurosurgery are two. */
const STEM = 6

const telling = (text: string): string[] => folded(text).split(' ').filter((word) => word.length > 1 && !GENERAL.has(word))

/** A sentence, or null where the form asks for nothing else. What cannot be compared (an abbreviation, a code) is not held against it. */
export const disagreement = ({ wanted }: ReferralFacts, { specialty }: Triage, { practitioner, location, ehr }: Route): string | null => {
  if (!wanted) return null
  const other: string[] = []
  const person = personName(wanted)
  if (practitioner && wanted.name && person && !isNamed(wanted.name.family, wanted.name.given[0], practitioner) && !(wanted.npi && practitioner.includes(wanted.npi))) other.push(`${person}, not ${practitioner}`)
  if (wanted.practice && location && differ(wanted.practice, `${location} ${ehr}`)) other.push(`${wanted.practice}, not ${location}`)
  const asked = wanted.specialty?.text
  if (asked && specialty && otherSpecialty(asked, specialty.value)) other.push(`${asked}, not ${specialty.value}`)
  return other.length > 0 ? `The form asks for ${other.join('; for ')}.` : null
}

/** The family name must be there; a given name only where the row gives one. */
const isNamed = (family: string, given: string | undefined, practitioner: string): boolean => {
  const words = telling(practitioner)
  const families = telling(family)
  if (!families.every((word) => words.includes(word))) return false
  const rest = words.filter((word) => !families.includes(word))
  const first = telling(given ?? '')[0]
  return rest.length === 0 || first === undefined || rest.some((word) => word.startsWith(first.charAt(0)))
}

const differ = (a: string, b: string): boolean => {
  const [words, others] = [telling(a), telling(b)]
  return words.length > 0 && others.length > 0 && !words.some((word) => others.includes(word))
}

const otherSpecialty = (a: string, b: string): boolean => {
  const stems = (text: string): string[] => telling(text).filter((word) => word.length >= STEM).map((word) => word.slice(0, STEM))
  const [words, others] = [stems(a), stems(b)]
  return words.length > 0 && others.length > 0 && !words.some((word) => others.includes(word))
}
