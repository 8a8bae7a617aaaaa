/** Why a message is not opened, or a certificate not used: one reason each, none of which says what a message holds. */
import type { Fault } from '../contracts.js'
import { MessageFault } from '../errors.js'

const REFUSALS = {
  'not-encrypted': ['required', 'the message is not encrypted: Direct takes application/pkcs7-mime with enveloped data'],
  'not-signed': ['required', 'the message is encrypted, but not signed: within it must be multipart/signed with application/pkcs7-signature'],
  'malformed': ['unreadable', 'the S/MIME message is malformed'],
  'wrong-recipient': ['value', 'the message is encrypted for others: none of its recipients is a certificate of our `identities`'],
  'cannot-decrypt': ['value', 'the message cannot be decrypted: its content was changed, or was not encrypted for our key'],
  'weak': ['unsupported', 'the message uses an algorithm that is too weak, or not known'],
  'tampered': ['value', 'the message was changed after it was signed: its digest is another'],
  'bad-signature': ['value', 'the signature is not that of the certificate which it names'],
  'not-trusted': ['value', 'the certificate does not lead to any of our trust anchors'],
  'expired': ['value', 'a certificate has expired'],
  'not-yet-valid': ['value', 'a certificate is not valid yet'],
  'not-for-this': ['value', 'a certificate may not be used for this'],
  'wrong-name': ['value', 'the certificate is another’s: no rfc822Name of its subjectAltName is the address, and no dNSName its domain'],
  'no-name': ['required', 'the certificate has no subjectAltName with an rfc822Name or a dNSName'],
  'no-sender': ['required', 'the message has not exactly one From address'],
} as const satisfies Record<string, readonly [Fault['kind'], string]>

export type Refusal = keyof typeof REFUSALS

/** A refusal as the fault of a message; `detail` names algorithms, dates and numbers, never content. */
export class Refused extends MessageFault {
  constructor(readonly refusal: Refusal, detail?: string, options?: ErrorOptions) {
    const [kind, reason] = REFUSALS[refusal]
    super({ kind, reason: detail ? `${reason} (${detail})` : reason }, options)
  }
}

/** What `read` gives; anything thrown that is no fault means that the bytes are not what they should be. */
export const wellFormed = <Result>(what: string, read: () => Result): Result => {
  try {
    return read()
  } catch (error) {
    if (error instanceof MessageFault) throw error
    throw new Refused('malformed', what, { cause: error })
  }
}
