/** One path that takes messages: who may send, how much, and what each is answered. The same behind either web server. */
import { createHash } from 'node:crypto'
import type { Receive, Tools, WebHandler, WebRequest, WebResponse } from '../../engine/contracts.js'
import { isFromHere } from '../../engine/web/allow.js'
import { answerTo, complaint, later } from '../../engine/web/answers.js'
import { type Authentication, challenge, headerValue, isAuthorized, isSigned } from '../../engine/web/authentication.js'
import { rateLimit } from '../../engine/web/rate.js'

export interface EntrySettings extends Authentication {
  readonly path: string
  readonly methods: readonly string[]
  readonly local: boolean // nothing proves who sends: only this machine may
  readonly maximum: number // bytes of a body
  readonly patience: number // milliseconds a body may take to arrive
  readonly rate: { readonly requests: number; readonly within: number } | null
}

export interface Entry extends EntrySettings {
  /** The answer to what need not be read further, or null. */
  admit(head: Omit<WebRequest, 'body'>): WebResponse | null
  /** The answer to an admitted request; never rejects. */
  take(request: WebRequest): Promise<WebResponse>
  /** Both in one. */
  readonly handle: WebHandler
  /** Aborts when it closes. */
  readonly closing: AbortSignal
  /** Takes nothing more, and resolves once everything taken has its answer. */
  close(): Promise<void>
}

const LONGEST_KEY = 255
const BETWEEN_WARNINGS = 60_000

export const entryFor = (settings: EntrySettings, receive: Receive, tools: Tools): Entry => {
  const { methods, maximum, rate } = settings
  const withinRate = rate ? rateLimit(rate.requests, rate.within, tools.clock) : () => true
  const allow = { allow: [...methods, 'OPTIONS'].join(', ') }
  const inFlight = new Set<Promise<unknown>>()
  const closing = new AbortController()
  let warnedAt = Number.NEGATIVE_INFINITY

  const unauthorized = (address: string): WebResponse => {
    const now = tools.clock.now().getTime()
    if (now - warnedAt >= BETWEEN_WARNINGS) tools.log('warn', 'refused a request that was not authenticated; others are not told within a minute', { address, path: settings.path })
    if (now - warnedAt >= BETWEEN_WARNINGS) warnedAt = now
    return complaint(401, 'The request is not authenticated.', { 'www-authenticate': challenge(settings) })
  }

  const admit: Entry['admit'] = ({ method, headers, remote }) => {
    if (closing.signal.aborted) return later('The channel is stopping.')
    if (method === 'OPTIONS') return { status: 204, headers: allow }
    if (!methods.includes(method)) return complaint(405, `This path takes ${methods.join(', ')}.`, allow)
    if (!withinRate(remote)) return later('Too many requests.', 429)
    if (settings.local && !isFromHere({ remote, headers })) return complaint(403, 'This path takes messages of this machine only: nothing in its channel proves who sends. Set `token`, `basic` or `hmac`, or `open: true`.')
    if (!isAuthorized(settings, headers)) return unauthorized(remote)
    if (!['identity', null].includes(headerValue(headers, 'content-encoding'))) return complaint(415, 'A compressed body is not taken; send it as it is.')
    if ((headerValue(headers, 'idempotency-key')?.length ?? 0) > LONGEST_KEY) return complaint(400, `An Idempotency-Key has at most ${LONGEST_KEY} characters.`)
    if (Number(headerValue(headers, 'content-length') ?? 0) > maximum) return tooLarge(maximum)
    return null
  }

  const answer = async ({ headers, body, remote }: WebRequest): Promise<WebResponse> => {
    if (closing.signal.aborted) return later('The channel is stopping.')
    if (body.length > maximum) return tooLarge(maximum)
    if (!isSigned(settings, headers, body, tools.clock.now())) return unauthorized(remote)
    if (body.length === 0) return complaint(400, 'The request has no body; send one message as the body.')
    const key = headerValue(headers, 'idempotency-key')
    try {
      return answerTo(await receive({ bytes: body, origin: remote, ...(key && { key: arrivalKey(key, body) }) }))
    } catch (error) {
      tools.log('error', 'a request could not be answered; its sender is told to send it again', { error, path: settings.path })
      return later('The message could not be taken. Send it again later.')
    }
  }

  const take: Entry['take'] = (request) => {
    const answered = answer(request).finally(() => inFlight.delete(answered))
    inFlight.add(answered)
    return answered
  }

  const handle: WebHandler = async (request) => admit(request) ?? take(request)
  const close = async (): Promise<void> => {
    closing.abort()
    await Promise.all(inFlight)
  }
  return { ...settings, admit, take, handle, closing: closing.signal, close }
}

export const tooLarge = (maximum: number): WebResponse => complaint(413, `A message here has at most ${maximum} bytes.`)

/** A sender's key and what it sent under it: a key used twice for different messages loses neither. */
const arrivalKey = (key: string, body: Buffer): string => `http:${key}:${createHash('sha256').update(body).digest('hex')}`
