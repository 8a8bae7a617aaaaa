/** The reference number of a referral: short enough to be said on the phone, and wrong when one character of it is. */
import { randomInt } from 'node:crypto'

/** Digits and consonants: no word can be spelt with them, and nothing in them looks like 0, O, 1 or I. 29 is a prime. */
const ALPHABET = '23456789BCDFGHJKLMNPQRSTVWXYZ'
const PRIME = ALPHABET.length
const LENGTH = 7 // beside the check character: 17 thousand million numbers

/** A new number, such as R-7K3M-9QX4; `random` gives an integer from 0 up to its argument. */
export const newReference = (random: (below: number) => number = randomInt): string => {
  const symbols = Array.from({ length: LENGTH }, () => ALPHABET[random(PRIME)] ?? '').join('')
  return written(symbols + checkOf(symbols))
}

/** The number in its one spelling, or null if it is none: small letters, blanks and missing hyphens are put right, nothing else is. */
export const readReference = (text: string): string | null => {
  const whole = text.toUpperCase().replace(/[\s\p{Pd}\u2212_.]/gu, '').replace(/[1I]/g, 'L')
  const symbols = whole.length === LENGTH + 2 ? whole.replace(/^R/, '') : whole
  return symbols.length === LENGTH + 1 && checkOf(symbols.slice(0, LENGTH)) === symbols.at(-1) ? written(symbols) : null
}

/** Whether a text is written like a reference number, and its check fails: what it may have been meant to be, with one character wrong or two that changed places. Null where it is no such text. */
export const meantBy = (text: string): readonly string[] | null => {
  const whole = text.toUpperCase().replace(/[\s\p{Pd}\u2212_.]/gu, '')
  const symbols = (whole.length === LENGTH + 2 ? whole.replace(/^R/, '') : whole).replace(/[1I]/g, 'L')
  if (!/^[0-9A-Z]{8}$/.test(symbols) || readReference(symbols) !== null) return null
  const at = (index: number, symbol: string): string => symbols.slice(0, index) + symbol + symbols.slice(index + 1)
  const wrong = [...symbols].flatMap((_, index) => [...ALPHABET].map((symbol) => at(index, symbol)))
  const exchanged = [...symbols].slice(1).map((symbol, index) => symbols.slice(0, index) + symbol + symbols[index] + symbols.slice(index + 2))
  return [...new Set([...exchanged, ...wrong].flatMap((one) => readReference(one) ?? []))]
}

/** Every reference number in a text, in the order they stand; what fails its check is none. */
export const referencesIn = (text: string): readonly string[] => {
  const found = new Set<string>()
  for (const [, symbols = ''] of text.slice(0, LONGEST_TEXT).matchAll(NUMBER)) {
    const reference = readReference(symbols)
    if (reference && !/^\d+$/.test(symbols)) found.add(reference) // digits in one piece are a record number: one in 30,000 of ours, written so, is lost for it
  }
  return [...found]
}

const LONGEST_TEXT = 1_000_000
const NUMBER = /(?<![A-Z0-9])R[ \t]?[\p{Pd}\u2212_.]?[ \t]?([2-9B-DF-HJ-NP-TV-Z1I]{4}[ \t]?[\p{Pd}\u2212_.]?[ \t]?[2-9B-DF-HJ-NP-TV-Z1I]{4})(?![A-Z0-9])/giu

const written = (symbols: string): string => `R-${symbols.slice(0, 4)}-${symbols.slice(4)}`

/** Weights 1 … 7 modulo a prime: every wrong character, and every two that changed places, give another check character. */
const checkOf = (symbols: string): string | undefined => {
  let sum = 0
  for (const [position, symbol] of [...symbols].entries()) {
    const value = ALPHABET.indexOf(symbol)
    if (value < 0) return undefined
    sum += value * (position + 1)
  }
  return ALPHABET[sum % PRIME]
}
