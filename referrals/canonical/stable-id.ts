/** Names for what has none: the same whenever they are made of the same words. */
import { createHash } from 'node:crypto'

/** The SHA-256 of the words, in hex; where one ends and the next begins counts. */
export const digestOf = (...words: readonly string[]): string => createHash('sha256').update(words.map((word) => `${word.length}:${word}`).join('/')).digest('hex')

/** A UUID made of the words (version 8, RFC 9562 §5.8), as `urn:uuid:…`. */
export const stableUrl = (...words: readonly string[]): string => {
  const hex = digestOf(...words)
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 0x3) | 0x8).toString(16)
  return `urn:uuid:${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
