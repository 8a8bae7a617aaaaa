/** What a referral can be found by, and what a person types to find it. */
import { ReferoError } from '../../engine/errors.js'
import { readReference } from '../reference.js'

/** Letters of a referral's text that are read for words. */
const MOST_TEXT = 20_000
const MOST_WORDS = 20
/** Shorter ones are whole words: too many others begin so. */
const SHORTEST_BEGINNING = 3
const WORD = /[\p{L}\p{N}\p{M}]+/gu

export const textOf = (text: string): string => text.slice(0, MOST_TEXT)

/** An FTS5 expression: all of the words, in any order, each the beginning of a word of the referral. A reference number is read however it is spelt. Throws USAGE. */
export const expressionOf = (typed: string): string => {
  const words = (readReference(typed) ?? typed.slice(0, MOST_TEXT)).match(WORD) ?? []
  if (words.length === 0) throw new ReferoError('USAGE', 'The text to look for has no word in it: write letters or digits, as in EVERYWOMAN or R-7K3M-9QX4.')
  if (words.length > MOST_WORDS) throw new ReferoError('USAGE', `The text to look for has ${words.length} words; ${MOST_WORDS} at most can be looked for.`)
  return words.map((word) => (word.length < SHORTEST_BEGINNING ? `"${word}"` : `"${word}"*`)).join(' AND ')
}
