/** Telnyx: JSON events signed with Ed25519 over the time and the raw body; the file is fetched from a short-lived address. */
import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import type { RawEvent } from '../places.js'
import type { Provider } from '../provider.js'

const TOLERANCE = 300 // seconds
const DER = Buffer.from('302a300506032b6570032100', 'hex') // what stands before a raw Ed25519 key (RFC 8410)

export const telnyx: Provider = {
  name: 'telnyx', shape: 'push', ways: ['publicKey'], needs: { source: ['key'], destination: ['key', 'connection'] },
  verify: (event, { publicKey }, now) => publicKey !== undefined && isSigned(event, publicKey, now),
}

const isSigned = ({ headers, body }: RawEvent, publicKey: string, now: Date): boolean => {
  const time = headers['telnyx-timestamp'] ?? ''
  const signature = Buffer.from(headers['telnyx-signature-ed25519'] ?? '', 'base64')
  if (!/^\d{1,12}$/.test(time) || Math.abs(now.getTime() / 1000 - Number(time)) > TOLERANCE) return false
  return signature.length === 64 && verify(null, Buffer.concat([Buffer.from(`${time}|`), body]), ed25519Key(publicKey), signature)
}

/** A public key as PEM, or its 32 bytes in base64, as the service shows it. Throws a sentence for anything else. */
export const ed25519Key = (text: string): KeyObject => {
  try {
    const raw = Buffer.from(text, 'base64')
    const key = text.includes('-----BEGIN ') ? createPublicKey(text) : createPublicKey({ key: Buffer.concat([DER, raw]), format: 'der', type: 'spki' })
    if (key.asymmetricKeyType === 'ed25519' && (text.includes('-----BEGIN ') || raw.length === 32)) return key
  } catch {
    // Said below.
  }
  throw new Error('`publicKey` is no Ed25519 key: it is PEM text, or 32 bytes in base64 as the service shows it.')
}
