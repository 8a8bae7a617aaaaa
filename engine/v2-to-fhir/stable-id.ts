/** Identifiers that are the same whenever the same message is mapped again. */
import { hash as digest } from 'node:crypto'

/** Of the URL namespace (RFC 4122, appendix C). */
const NAMESPACE = Buffer.from('6ba7b8119dad11d180b400c04fd430c8', 'hex')

/** A UUID of version 5 (RFC 4122 §4.3) of the words, as `urn:uuid:…`. */
export const stableId = (...words: readonly string[]): string => {
  const hash = digest('sha1', Buffer.concat([NAMESPACE, Buffer.from(words.map((word) => `${word.length}:${word}`).join('/'))]), 'buffer').subarray(0, 16)
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x50
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80
  const hex = hash.toString('hex')
  return `urn:uuid:${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
