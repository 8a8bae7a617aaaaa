/** What must not stand in a de-identified file: the names, ids, numbers and dates that were replaced, however they are written again. */
import type { Kind } from './rules.js'

export interface Originals {
  readonly words: Set<string> // of names, in lower case
  readonly ids: Set<string> // ids, numbers, addresses whole, in lower case
  readonly dates: Set<string> // YYYYMMDD
}

const SHORTEST_ID = 4
const SHORTEST_NUMBER = 7 // digits of a telephone number

export const remember = ({ words, ids, dates }: Originals, kind: Kind, text: string): void => {
  const lower = text.trim().toLowerCase()
  if (kind === 'family' || kind === 'given') for (const word of namesIn(lower)) words.add(word)
  else if (kind === 'date') dates.add(datesIn(lower)[0] ?? '')
  else if (kind === 'phone') {
    if (digits(lower).length >= SHORTEST_NUMBER) ids.add(digits(lower))
  } else if (IDENTIFYING.has(kind) && lower.length >= SHORTEST_ID) ids.add(lower)
}

const IDENTIFYING: ReadonlySet<Kind> = new Set(['id', 'street', 'city', 'organization', 'email', 'reference'])

/** Whether an original stands in a text. In prose a name of two letters counts; in a code, which is seldom a name, only a longer one does. */
export const residue = ({ words, ids, dates }: Originals, text: string, prose: boolean): boolean => {
  const lower = text.toLowerCase()
  const long = (word: string): boolean => word.length > (prose ? 1 : 2)
  if ([lower, plain(lower)].flatMap((each) => [...wordsOf(each), ...each.split(/\s+/).map(joined)]).some((word) => long(word) && words.has(word))) return true
  if (!/\d/.test(lower)) return [...ids].some((id) => lower.includes(id))
  const numbers = digits(lower)
  for (const id of ids) if (lower.includes(id) || (id.length >= SHORTEST_NUMBER && /^\d+$/.test(id) && numbers.includes(id))) return true
  return datesIn(lower).some((date) => dates.has(date))
}

const wordsOf = (text: string): readonly string[] => text.split(/[^\p{L}\p{N}]+/u).filter((word) => word.length > 1)
const digits = (text: string): string => text.replace(/\D/g, '')

/** How a name may be written where there are no marks on letters, and no apostrophes: müller, muller, mueller; o'malley, omalley. */
const spellings = (name: string): readonly string[] => [...new Set([name, plain(name), plain(name.replace(/[äöüæøåß]/g, (letter) => TWO_LETTERS[letter] ?? letter))])]
const namesIn = (name: string): readonly string[] => spellings(name).flatMap((each) => [...wordsOf(each), joined(each)]).filter((word) => word.length > 1)
const plain = (text: string): string => text.normalize('NFD').replace(/\p{M}/gu, '')
const joined = (text: string): string => text.replace(/[^\p{L}\p{N}]/gu, '')
const TWO_LETTERS: Readonly<Record<string, string>> = { ä: 'ae', ö: 'oe', ü: 'ue', æ: 'ae', ø: 'oe', å: 'aa', ß: 'ss' }

/** The dates in a text as YYYYMMDD: 19620320, 1962-03-20, 3/20/1962, 3/20/62, 20 March 1962, Mar 20, 1962. */
const datesIn = (text: string): readonly string[] => [
  ...[...text.matchAll(/(\d{4})-?(\d{2})-?(\d{2})/g)].map(([, year, month, day]) => `${year}${month}${day}`),
  ...[...text.matchAll(/(\d{4})[/.](\d{1,2})[/.](\d{1,2})/g)].map(([, year = '', month = '', day = '']) => `${year}${two(month)}${two(day)}`),
  ...[...text.matchAll(/(\d{1,2})[/.-](\d{1,2})[/.-](\d{4}|\d{2})(?!\d)/g)].flatMap(([, one = '', other = '', year = '']) =>
    (year.length === 4 ? [year] : [`19${year}`, `20${year}`]).flatMap((whole) => [`${whole}${two(one)}${two(other)}`, `${whole}${two(other)}${two(one)}`])),
  ...[...text.matchAll(/(\d{1,2})(?:st|nd|rd|th)?[\s.-]*([a-z]{3})[a-z]*[\s.,-]*(\d{4})/g)].map(([, day = '', month = '', year]) => `${year}${monthOf(month)}${two(day)}`),
  ...[...text.matchAll(/([a-z]{3})[a-z]*[\s.-]*(\d{1,2})(?:st|nd|rd|th)?[\s.,-]+(\d{4})/g)].map(([, month = '', day = '', year]) => `${year}${monthOf(month)}${two(day)}`),
]
const two = (number: string): string => number.padStart(2, '0')
const monthOf = (name: string): string => two(String(1 + ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'].indexOf(name)))
