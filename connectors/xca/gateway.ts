/** One question to a gateway: SOAP 1.2 over HTTP, and the body of its answer or why there is none. Asking changes nothing there, so that whatever was not answered may be asked again. */
import http, { STATUS_CODES } from 'node:http'
import https from 'node:https'
import { createHash } from 'node:crypto'
import type { Tools } from '../../engine/contracts.js'
import { readAnswer } from '../../engine/formats/mime/soap/answer.js'
import { type Envelope, writeEnvelope } from '../../engine/formats/mime/soap/envelope.js'
import { plainSoap } from '../../engine/formats/mime/soap/mtom.js'
import { type NewAssertion, writeSecurity } from '../../engine/formats/mime/soap/saml.js'
import type { Place } from '../../engine/formats/xml/tree.js'
import { type Authentication, credentials } from '../../engine/web/authentication.js'
import { dropClosed, exchange } from '../../engine/web/exchange.js'
import { withoutAnswer } from '../../engine/web/outcome.js'

/** Why there is no answer: not now, or not this. Its reason is a sentence without content. */
export interface Refusal { readonly kind: 'unavailable' | 'refused'; readonly reason: string; readonly code?: string }
export interface Answer { readonly body: Place; readonly parts: Envelope['parts'] }
/** `about` makes the question's id; `maximum` is of the answer, in bytes. */
export type Ask = (url: URL, action: string, about: string, body: string, maximum: number) => Promise<Answer | Refusal>

export const isRefusal = (one: object): one is Refusal => 'kind' in one && 'reason' in one

export interface GatewaySettings extends Authentication { readonly assertion: NewAssertion | null; readonly tls: Readonly<Record<string, string>> }
export interface Gateway { ask(attempt: string, signal: AbortSignal): Ask; close(): void }

const LONGEST_IDLE = 4000

/** Connections to the gateways of an on-ramp, opened as they are needed. */
export const openGateway = (settings: GatewaySettings, tools: Tools): Gateway => {
  const kept = { keepAlive: true, maxSockets: 1, timeout: LONGEST_IDLE }
  const agents = { 'http:': new http.Agent(kept), 'https:': new https.Agent({ ...kept, ...settings.tls }) }
  return {
    ask: (attempt, signal) => async (url, action, about, body, maximum) => {
      const now = tools.clock.now()
      const messageId = uuid(`${attempt}/${about}`)
      const headers = settings.assertion ? writeSecurity(settings.assertion, `_${messageId.slice(9)}`, now) : ''
      const { contentType, body: request } = plainSoap(writeEnvelope({ action, messageId, to: url.href, headers, body }), action)
      const agent = url.protocol === 'https:' ? agents['https:'] : agents['http:']
      await dropClosed(agent)
      const result = await exchange(url, { method: 'POST', agent, headers: { 'content-type': contentType, ...credentials(settings, request, now) } }, request, maximum, signal)
      if (!result.answered) return { kind: 'unavailable', reason: withoutAnswer(result.error, result.written).reason }
      if (result.body.length >= maximum) return { kind: 'refused', reason: `answered with more than ${maximum} bytes`, code: 'too-large' }
      return answered(result, messageId)
    },
    close: () => {
      for (const agent of Object.values(agents)) agent.destroy()
    },
  }
}

const uuid = (text: string): string => {
  const hex = createHash('sha256').update(text).digest('hex')
  return `urn:uuid:${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

/** "Not now", or "not from you": ours to mend, and the question is not at fault. */
const LATER = new Set([401, 407, 408, 425, 429])
const OURS = new Set(['FailedAuthentication', 'InvalidSecurity', 'SecurityTokenUnavailable'])

const answered = ({ status, type, body }: { readonly status: number; readonly type: string; readonly body: Buffer }, messageId: string): Answer | Refusal => {
  const said = `answered ${status} ${STATUS_CODES[status] ?? ''}`.trim()
  const answer = LATER.has(status) ? null : readAnswer(type, body, messageId)
  const { fault, envelope } = answer ?? { fault: null, envelope: null }
  if (fault) {
    const code = fault.subcode ?? fault.code
    if (OURS.has(code)) return { kind: 'unavailable', reason: `answered the SOAP fault ${code}: our credentials are not accepted there`, code }
    return { kind: fault.code === 'Receiver' ? 'unavailable' : 'refused', reason: `answered the SOAP fault ${code}`, code }
  }
  if (envelope?.body) return { body: envelope.body, parts: envelope.parts }
  if (LATER.has(status) || status >= 500) return { kind: 'unavailable', reason: `${said}${status === 401 || status === 407 ? ': our credentials are not accepted there' : ''}`, code: String(status) }
  if (status === 202) return { kind: 'refused', reason: `${said}: deferred answers are not taken, only those on the same connection`, code: '202' }
  if (status >= 300) return { kind: 'refused', reason: said, code: String(status) }
  return { kind: 'unavailable', reason: 'the answer is no SOAP, or answers another request' }
}
