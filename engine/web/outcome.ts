/** What an answer, or the lack of one, says of a delivery. */
import { STATUS_CODES } from 'node:http'
import type { Outcome } from '../contracts.js'
import type { Exchange } from './exchange.js'

/** "Not now", or "not from you": nothing was taken, and the message is not at fault. 401 and 407 are ours to mend. */
const NOT_TAKEN = new Set([401, 407, 408, 425, 429, 503, 507, 521, 522, 523])
/** A gateway that lost sight of the receiver: it may have been taken. */
const NOT_KNOWN = new Set([502, 504, 520, 524])

/** `accept` holds the statuses that mean "taken"; empty, every 2xx does. */
export const outcomeOf = (result: Exchange, accept: readonly number[]): Outcome => {
  if (!result.answered) return withoutAnswer(result.error, result.written)
  const { status, body } = result
  const taken = accept.length > 0 ? accept.includes(status) : status >= 200 && status < 300
  if (taken) return { kind: 'sent', ...(body.length > 0 && { response: body }) }
  const reason = `answered ${status} ${STATUS_CODES[status] ?? ''}`.trim()
  const code = String(status)
  if (status === 401 || status === 407) return { kind: 'unavailable', reason: `${reason}: our credentials are not accepted there`, code }
  if (NOT_TAKEN.has(status)) return { kind: 'unavailable', reason, code }
  if (NOT_KNOWN.has(status)) return { kind: 'unknown', reason }
  return { kind: 'refused', reason: status >= 300 && status < 400 ? `${reason}: redirects are not followed; set \`url\` to where it is now` : reason, code, ...(body.length > 0 && { response: body }) }
}

const SENTENCES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there', ENOTFOUND: 'its name cannot be resolved', EAI_AGAIN: 'its name cannot be resolved now',
  EHOSTUNREACH: 'no way leads to its host', ENETUNREACH: 'no way leads to its network', ECONNRESET: 'the connection was reset',
  EPIPE: 'the connection was closed', ETIMEDOUT: 'the connection timed out', TIMEOUT: 'no answer in time',
}

/** What a request without an answer is: unavailable where nothing was sent. */
export const withoutAnswer = ({ code, message }: NodeJS.ErrnoException, written: boolean): Extract<Outcome, { readonly kind: 'unavailable' | 'unknown' }> => {
  const reason = code ? `${SENTENCES[code] ?? 'the connection failed'} (${code})` : message
  // TLS 1.3 tells of a client certificate that is not accepted only after the client has begun to send.
  const handshake = /^ERR_SSL_.*ALERT_.*(CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED|HANDSHAKE)/.test(code ?? '')
  return written && !handshake ? { kind: 'unknown', reason } : { kind: 'unavailable', reason }
}
