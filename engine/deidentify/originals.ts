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
  if (kind === 'family' || kind === 'given') for (const word of wordsOf(lower)) words.add(word)
  else if (kind === 'date') dates.add(datesIn(lower)[0] ?? '')
  else if (kind === 'phone') {
    if (digits(lower).length >= SHORTEST_NUMBER) ids.add(digits(lower))
  } else if (IDENTIFYING.has(kind) && lower.length >= SHORTEST_ID) ids.add(lower)
}

const IDENTIFYING: ReadonlySet<Kind> = new Set(['id', 'street', 'city', 'organization', 'email', 'reference'])

/** Whether an original stands in a text. In prose a name of two letters counts; in a code, which is seldom a name, only a longer one does. */
export const residue = ({ words, ids, dates }: Originals, text: string, prose: boolean): boolean => {
  const lower = text.toLowerCase()
  if (wordsOf(lower).some((word) => word.length > (prose ? 1 : 2) && words.has(word))) return true
  const numbers = digits(lower)
  for (const id of ids) if (lower.includes(id) || (id.length >= SHORTEST_NUMBER && /^\d+$/.test(id) && numbers.includes(id))) return true
  return datesIn(lower).some((date) => dates.has(date))
}

const wordsOf = (text: string): readonly string[] => text.split(/[^\p{L}\p{N}]+/u).filter((word) => word.length > 1)
const digits = (text: string): string => text.replace(/\D/g, '')

/** The dates in a text as YYYYMMDD: 19620320, 1962-03-20, 3/20/1962. */
const datesIn = (text: string): readonly string[] => [
  ...[...text.matchAll(/(\d{4})-?(\d{2})-?(\d{2})/g)].map(([, year, month, day]) => `${year}${month}${day}`),
  ...[...text.matchAll(/(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})/g)].flatMap(([, one = '', two = '', year = '']) => [`${year}${one.padStart(2, '0')}${two.padStart(2, '0')}`, `${year}${two.padStart(2, '0')}${one.padStart(2, '0')}`]),
]
