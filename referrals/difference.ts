/** What two messages say of one person that cannot both be so. A chart number says more; this is for where there is none in common. */
import type { PatientFacts, PersonName } from './contracts.js'
import { jaroWinkler } from './patients/strings.js'

export type Difference = 'birth date' | 'given name' | 'family name'

/** What is not said on one side is no difference; a typing error or an initial in a name is none either. */
export function differences(ours: Pick<PatientFacts, 'names' | 'birthDate'>, theirs: Pick<PatientFacts, 'names' | 'birthDate'>): readonly Difference[] {
  const found: Difference[] = []
  if (ours.birthDate && theirs.birthDate && !ours.birthDate.startsWith(theirs.birthDate) && !theirs.birthDate.startsWith(ours.birthDate)) found.push('birth date')
  if (!alike(ours.names, theirs.names, ({ given }) => given.filter((name) => !UNNAMED.test(name)))) found.push('given name')
  if (!alike(ours.names, theirs.names, ({ family }) => family.split(/[\s-]+/))) found.push('family name')
  return found
}

/** Of somebody else: a sender may put right one of these, and one who marries takes another family name; twins differ in the given name alone. */
export const isSomebodyElse = (found: readonly Difference[]): boolean => found.includes('given name') || found.length > 1

/** Newborns before they have a name. */
const UNNAMED = /^(baby|infant|newborn|boy|girl|male|female|twin|unknown|bb|bg|nb)\b/i
const ALIKE = 0.88 // Jaro-Winkler: one or two letters of a name

const alike = (ours: readonly PersonName[], theirs: readonly PersonName[], parts: (name: PersonName) => readonly string[]): boolean => {
  const [mine, other] = [ours, theirs].map((names) => names.flatMap(parts).map(plain).filter(Boolean))
  if (!mine?.length || !other?.length) return true
  return mine.some((one) => other.some((two) => one.startsWith(two) || two.startsWith(one) || jaroWinkler(one, two) >= ALIKE))
}

const plain = (name: string): string => name.normalize('NFKD').replace(/[^\p{L}]/gu, '').toLowerCase()
