/** Compares names: family, given and middle name, with nicknames, slips, double names, maiden names and names in each other's place. */
import type { Field, Matcher } from './compare.js'
import type { Frequencies } from './frequencies.js'
import type { PlainName } from './normalise.js'
import { edits, jaroWinkler, soundex } from './strings.js'

/** Of people with several names, the pair that agrees best. */
export const compareNames = (ours: readonly PlainName[], theirs: readonly PlainName[], matcher: Matcher, rare: Frequencies): readonly Field[] => {
  let best: readonly Field[] = []
  let most = -Infinity
  for (const our of ours) {
    for (const their of theirs) {
      const fields = pair(our, their, matcher, rare)
      const weight = fields.reduce((sum, field) => sum + field.weight, 0)
      if (weight > most) [best, most] = [fields, weight]
    }
  }
  return best
}

const pair = (ours: PlainName, theirs: PlainName, matcher: Matcher, rare: Frequencies): Field[] => {
  const { weights } = matcher.settings
  const fields: Field[] = []
  const family = ours.family && theirs.family ? familyLevel(ours, theirs) : null
  const given = givenLevel(ours, theirs, matcher, rare)
  if (isSwapped(ours, theirs, family, given)) {
    const bits = (field: 'family' | 'given', weight: number): Field => ({ field, how: 'swapped', agreement: 'close', weight, ours: ours[field], theirs: theirs[field] })
    return [
      bits('family', Math.min(weights.family.most, rare.family(theirs.family)) + weights.swapped.family),
      bits('given', Math.min(weights.given.most, rare.given(theirs.given)) + weights.swapped.given),
    ]
  }
  const crossed = family === 'different' && given === 'different' ? crossedName(ours, theirs) : null
  if (crossed !== null) {
    fields.push({ field: 'family', how: 'crossed', agreement: 'close', weight: Math.max(0, Math.min(weights.family.most, rare.family(crossed), rare.given(crossed)) + weights.swapped.crossed), ours: ours.family, theirs: theirs.family })
  } else if (family) {
    const most = Math.min(weights.family.most, rare.family(ours.family), rare.family(theirs.family))
    const weight = family === 'same' ? most : family === 'different' ? weights.family.different : Math.max(0, most + weights.family[family])
    fields.push({ field: 'family', how: family, agreement: agreement(family), weight, ours: ours.family, theirs: theirs.family })
  }
  if (given) {
    const most = Math.min(weights.given.most, rare.given(ours.given || theirs.given), rare.given(theirs.given || ours.given))
    const weight = given === 'same' ? most : given === 'different' || given === 'newborn' ? weights.given.different
      : given === 'initial' ? weights.given.initial : Math.max(0, most + weights.given[given])
    fields.push({ field: 'given', how: given, agreement: given === 'newborn' ? 'different' : agreement(given), weight, ours: ours.given || ours.newborn, theirs: theirs.given || theirs.newborn })
  }
  if (ours.middle && theirs.middle && (given === 'same' || given === 'nickname' || given === 'close')) {
    const how = middleLevel(ours.middle, theirs.middle)
    fields.push({ field: 'middle', how, agreement: agreement(how), weight: weights.middle[how], ours: ours.middle, theirs: theirs.middle })
  }
  return fields
}

type Family = 'same' | 'part' | 'close' | 'sounds' | 'different'
/** `variant`: alike, but two names in their own right, as twins may have; `newborn`: BABY BOY A and BABY BOY B. */
type Given = 'same' | 'part' | 'nickname' | 'close' | 'variant' | 'middle' | 'initial' | 'different' | 'newborn'

const agreement = (level: Family | Given): Field['agreement'] => (level === 'same' || level === 'different' ? level : 'close')

const familyLevel = ({ family: ours, familyParts: ourParts }: PlainName, { family: theirs, familyParts: theirParts }: PlainName): Family => {
  if (ours === theirs) return 'same'
  if (ourParts.includes(theirs) || theirParts.includes(ours) || ourParts.some(part => theirParts.includes(part))) return 'part'
  if (slip(ours, theirs)) return 'close'
  return jaroWinkler(ours, theirs) >= 0.88 || (soundex(ours) === soundex(theirs) && jaroWinkler(ours, theirs) >= 0.75) ? 'sounds' : 'different'
}

const givenLevel = (ours: PlainName, theirs: PlainName, { vocabulary }: Matcher, rare: Frequencies): Given | null => {
  const [a, b] = [ours.given, theirs.given]
  if (a === '' || b === '') return ours.newborn && theirs.newborn && ours.newborn !== theirs.newborn ? 'newborn' : null
  if (a === b) return 'same'
  if (a.length === 1 || b.length === 1) return a[0] === b[0] ? 'initial' : middleOf(ours, theirs) ? 'middle' : 'different'
  if (ours.givenParts[0] === theirs.givenParts[0] || ours.givenParts.join('') === theirs.givenParts.join('')) return 'part'
  if (ours.givenParts.length === theirs.givenParts.length && ours.givenParts.toSorted().join(' ') === theirs.givenParts.toSorted().join(' ')) return 'part' // in another order
  const nickname = vocabulary.nickname(a, b) ?? vocabulary.nickname(ours.givenParts[0] ?? '', theirs.givenParts[0] ?? '')
  if (nickname === 'name') return 'nickname'
  if (middleOf(ours, theirs)) return 'middle'
  if (nickname === 'both' || slip(a, b) || (Math.min(a.length, b.length) >= 4 && (a.startsWith(b) || b.startsWith(a)))) return ownNames(a, b, rare) ? 'variant' : 'close'
  return jaroWinkler(a, b) >= 0.9 ? 'variant' : 'different'
}

/** Two names that people have, and none of them a slip: both are known, or neither is and they rhyme, or are so short that each letter makes a name. */
const ownNames = (a: string, b: string, rare: Frequencies): boolean => {
  const [ours, theirs] = [rare.established(a), rare.established(b)]
  return ours === theirs && (ours || a[0] !== b[0] || Math.max(a.length, b.length) <= 4)
}

const middleOf = (ours: PlainName, theirs: PlainName): boolean =>
  theirs.givenParts.indexOf(ours.given, 1) > 0 || ours.givenParts.indexOf(theirs.given, 1) > 0

const middleLevel = (a: string, b: string): 'same' | 'initial' | 'different' =>
  a === b || (a.length > 3 && b.length > 3 && edits(a, b, 1) === 1) ? 'same' : (a.length === 1 || b.length === 1) && a[0] === b[0] ? 'initial' : 'different'

/** What a slip of the pen or of the ear makes of a word: one letter, two of a long word. */
const slip = (a: string, b: string): boolean => {
  const shorter = Math.min(a.length, b.length)
  return shorter >= 3 && edits(a, b, shorter >= 8 ? 2 : 1) <= (shorter >= 8 ? 2 : 1)
}

/** The one name that stands in the other's place, where the other has been lost. */
const crossedName = (ours: PlainName, theirs: PlainName): string | null =>
  ours.given === theirs.family || slip(ours.given, theirs.family) ? theirs.family : ours.family === theirs.given || slip(ours.family, theirs.given) ? theirs.given : null

const isSwapped = (ours: PlainName, theirs: PlainName, family: Family | null, given: Given | null): boolean =>
  family !== null && family !== 'same' && given !== null && given !== 'same' && alike(ours.given, theirs.family, ours.family === theirs.given) && alike(ours.family, theirs.given, ours.given === theirs.family)
/** The more freely where the other pair is the very same. */
const alike = (a: string, b: string, freely: boolean): boolean => a !== '' && (a === b || slip(a, b) || (freely && jaroWinkler(a, b) >= 0.82))
