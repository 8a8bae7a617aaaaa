/** Names and numbers of providers as they are compared: "OKAFOR, NKECHI A MD" and "Dr. Nkechi Okafor" are one. */
import type { PersonName, Provider, Way } from '../contracts.js'

const CREDENTIALS = new Set(['md', 'do', 'np', 'pa', 'pac', 'aprn', 'arnp', 'fnp', 'fnpc', 'fnpbc', 'dnp', 'crnp', 'cnm', 'cnp', 'cns', 'crna', 'rn', 'bsn', 'msn', 'mbbs', 'mbchb', 'phd', 'psyd', 'dpm', 'dds', 'dmd', 'od', 'dc', 'dpt', 'pt', 'ot', 'pharmd', 'lcsw', 'lpc', 'mph', 'mba', 'msc', 'facc', 'facp', 'facs', 'faap', 'faafp', 'fache'])
const TITLES = new Set(['dr', 'doctor', 'prof', 'professor', 'mr', 'mrs', 'ms', 'miss'])
const GENERATIONS = new Set(['jr', 'sr', 'ii', 'iii', 'iv'])

const bare = (word: string): string => word.normalize('NFKD').replace(/[^\p{L}]/gu, '').toLowerCase()

/** Words of a name without titles and credentials, in mixed case; a name that stands in `family` alone is taken apart. */
export const normalName = (name: PersonName): PersonName => {
  const [family = '', ...behind] = name.family.split(',').map((part) => part.trim())
  const familyWords = kept(family)
  const given = [...kept(behind.join(' ')), ...name.given.flatMap((one) => kept(one.replaceAll(',', ' ')))]
  const apart = given.length === 0 && familyWords.length > 1 && name.given.length === 0
  const generation = [...family.split(/\s+/), ...given, ...(name.suffix ?? '').split(/[\s,]+/)].find((word) => GENERATIONS.has(bare(word)))
  const personal = (words: readonly string[]): string[] => words.filter((word) => !GENERATIONS.has(bare(word)))
  const families = personal(familyWords)
  return {
    family: (apart ? families.slice(-1) : families).map(mixedCase).join(' '), given: (apart ? families.slice(0, -1) : personal(given)).map(mixedCase),
    suffix: generation ? generation.replace('.', '') : null, use: null,
  }
}

const kept = (text: string): string[] => {
  const words = text.split(/\s+/).filter((word) => word !== '')
  while (words.length > 1 && TITLES.has(bare(words[0] as string))) words.shift()
  while (words.length > 0 && CREDENTIALS.has(bare(words.at(-1) as string)) && (words.length > 1 || /[A-Z.]{2}/.test(words[0] as string))) words.pop()
  return words
}

/** "OKAFOR" to "Okafor", "O'BRIEN" to "O'Brien"; what has both cases is left. */
const mixedCase = (word: string): string => {
  if (/\p{Ll}/u.test(word)) return word
  return word.toLowerCase().replace(/(^|['’-])(\p{L})/gu, (_, before: string, letter: string) => before + letter.toUpperCase())
}

/** "Nkechi A Okafor Jr" */
export const nameText = ({ family, given, suffix }: PersonName): string => [...given, family, suffix].filter(Boolean).join(' ')

/** A sender of whom only the number or address is known goes by it: `Fax +16085550143`, `office@lakesidefm.example`. */
export const isAddress = (name: string): boolean => /^(?:fax\s*)?\+?[\d\s().-]{7,}$/i.test(name.trim()) || /^[^\s@]+@[^\s@]+$/.test(name.trim())

/** A provider in a few words: who, and of which practice; the number where neither is known. */
export const calledOf = ({ id, name, practice }: Pick<Provider, 'id' | 'name' | 'practice'>): string =>
  [name && nameText(name), practice].filter(Boolean).join(', ') || `provider ${id}`

const letters = (text: string): string => text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().replace(/[^\p{L}\p{N}]/gu, '')

/** The family name as it is looked up. */
export const familyKey = ({ family }: PersonName): string => letters(family)

/**
 * same: the family and a whole first given name are. likely: one of the given names is an initial or is missing. different: any
 * other, a generation (Jr, Sr) that only one has included.
 */
export const compareNames = (a: PersonName, b: PersonName): 'same' | 'likely' | 'different' => {
  if (familyKey(a) !== familyKey(b) || (a.suffix !== null && b.suffix !== null && letters(a.suffix) !== letters(b.suffix))) return 'different'
  const [one, other] = [letters(a.given[0] ?? ''), letters(b.given[0] ?? '')]
  const [second, otherSecond] = [letters(a.given[1] ?? ''), letters(b.given[1] ?? '')]
  if (second !== '' && otherSecond !== '' && second[0] !== otherSecond[0]) return 'different'
  if (one === other) return one.length > 1 ? 'same' : 'likely'
  return one === '' || other === '' || ((one.length === 1 || other.length === 1) && one[0] === other[0]) ? 'likely' : 'different'
}

const FORMS = new Set(['llc', 'inc', 'pc', 'pllc', 'pa', 'llp', 'ltd', 'corp', 'the'])
/** A practice's name as it is compared: without its legal form. */
export const practiceKey = (practice: string): string =>
  practice.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().replaceAll('&', ' and ').replace(/\.(?=\p{L}\b)/gu, '').replace(/[^\p{L}\p{N}]+/gu, ' ').trim().split(' ').filter((word) => !FORMS.has(word)).join(' ')

/** Ways whose addresses are telephone numbers. */
const NUMBERS: readonly Way[] = ['fax', 'phone']
/** An address as it is compared: the ten digits of a North American number, else in lower case. */
export const addressKey = (way: Way, address: string): string => {
  if (!NUMBERS.includes(way)) return address.trim().toLowerCase().replace(/^mailto:/, '')
  const [number = ''] = address.split(/\s*(?:ext\.?|x)\s*\d+$/i)
  return number.replace(/\D/g, '').replace(/^1(?=\d{10}$)/, '')
}
