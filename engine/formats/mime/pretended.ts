/** Whether a mail from outside says of itself what only our own doors may say of what they compose. */
import { fieldsOf, rawValue, readFields } from './fields.js'

const MOST_HEADER = 256 * 1024 // bytes that are looked at

/**
 * Why a mail that came by a mail server cannot be taken, or null: `X-Refero-Kind: fax-status` from a stranger would be the proof of a delivery that never
 * was. What Refero sends by mail, `letter/…`, comes from another Refero, and is a mail like any other.
 */
export const pretended = (bytes: Buffer): string | null => {
  const header = readFields(bytes.subarray(0, MOST_HEADER))
  const kinds = fieldsOf(header, 'x-refero-kind').map(rawValue)
  const isOurs = kinds.some((kind) => !kind.startsWith('letter/')) || fieldsOf(header, 'x-refero-fax').length > 0
  return isOurs ? 'the mail has a header field X-Refero-Kind or X-Refero-Fax, which only what Refero itself composes may have' : null
}
