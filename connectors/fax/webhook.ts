/** The path that a fax service calls: who it is, kept on the disk, answered; the work comes after. */
import type { Tools, WebHandler, WebRequest, WebResponse } from '../../engine/contracts.js'
import { MessageFault } from '../../engine/errors.js'
import { complaint, later } from '../../engine/web/answers.js'
import { challenge, isAuthorized, isSigned, same } from '../../engine/web/authentication.js'
import { rateLimit } from '../../engine/web/rate.js'
import type { Ledger } from './ledger.js'
import type { RawEvent } from './places.js'
import type { Proofs, Provider } from './provider.js'

export interface Hook {
  readonly provider: Provider
  readonly proofs: Proofs
  readonly maximum: number // bytes of a body
  readonly rate: { readonly requests: number; readonly within: number }
  readonly ledger: Ledger
  readonly kept: (name: string, event: RawEvent) => void
}

const BETWEEN_WARNINGS = 60_000
const METHODS = ['POST', 'GET', 'PUT']
const LONGEST_HEADERS = 16_384

/** The handler, and what resolves once everything taken has its answer. */
export const hookOf = ({ provider, proofs, maximum, rate, ledger, kept }: Hook, tools: Tools): { readonly handler: WebHandler; close(): Promise<void> } => {
  const within = rateLimit(rate.requests, rate.within, tools.clock)
  const inFlight = new Set<Promise<unknown>>()
  let warnedAt = Number.NEGATIVE_INFINITY
  let closed = false

  const warn = (event: string, address: string): void => {
    const now = tools.clock.now().getTime()
    if (now - warnedAt < BETWEEN_WARNINGS) return
    warnedAt = now
    tools.log('warn', event, { address, provider: provider.name })
  }
  const unauthorized = (address: string): WebResponse => {
    warn('refused a call for a fax that was not authenticated; others are not told within a minute', address)
    return complaint(401, 'The request is not authenticated.', proofs.basic || proofs.token ? { 'www-authenticate': challenge(proofs) } : {})
  }
  const tooLarge = (address: string): WebResponse => {
    warn('refused a fax that is too large; the setting is `maximum`', address)
    return complaint(413, `A fax here has at most ${maximum} bytes.`)
  }

  const admit: NonNullable<WebHandler['admit']> = ({ method, query = '', headers, remote }) => {
    if (closed) return later('The channel is stopping.')
    if (!METHODS.includes(method)) return complaint(405, `This path takes ${METHODS.join(', ')}.`, { allow: METHODS.join(', ') })
    if (!within(remote)) return later('Too many requests.', 429)
    const inBody = provider.credentialsInBody === true && headers.authorization === undefined
    if (!inBody && !isAuthorized(proofs, headers)) return unauthorized(remote)
    if (proofs.secret !== undefined && !same(new URLSearchParams(query).get('key') ?? '', proofs.secret)) return unauthorized(remote)
    if (!['identity', undefined].includes(headers['content-encoding'] as string | undefined)) return complaint(415, 'A compressed body is not taken; send it as it is.')
    if (Number(headers['content-length'] ?? 0) > maximum) return tooLarge(remote)
    return null
  }

  const take = async (request: WebRequest): Promise<WebResponse> => {
    const { query = '', body, remote } = request
    const now = tools.clock.now()
    if (body.length > maximum) return tooLarge(remote)
    const event: RawEvent = { at: now.toISOString(), remote, query: query.slice(0, LONGEST_HEADERS), headers: singles(request), body }
    if (!isSigned(proofs, request.headers, body, now) || !genuine(event, now)) return unauthorized(remote)
    if (body.length === 0 && query === '') return complaint(400, 'The request says nothing: it has neither a body nor a query.')
    try {
      const lasting = withoutSecrets(event)
      kept(await ledger.keep(lasting), lasting)
    } catch (error) {
      tools.log('error', 'an event of a fax service could not be kept; it is told to send it again', { provider: provider.name, error })
      return later('The event could not be kept. Send it again later.')
    }
    return provider.answer?.(event) ?? { status: 200, headers: { 'content-type': 'application/json; charset=utf-8' }, body: '{"kept":true}' }
  }

  /** What cannot be read proves nothing. */
  const genuine = (event: RawEvent, now: Date): boolean => {
    try {
      return provider.verify?.(event, proofs, now) ?? true
    } catch (error) {
      if (error instanceof MessageFault) return false
      throw error
    }
  }

  const handle = (request: WebRequest): Promise<WebResponse> => {
    const answered = (closed ? Promise.resolve(later('The channel is stopping.')) : take(request)).finally(() => inFlight.delete(answered))
    inFlight.add(answered)
    return answered
  }
  const close = async (): Promise<void> => {
    closed = true
    await Promise.all(inFlight)
  }
  return { handler: Object.assign(handle, { maximum, admit }), close }
}

/** Headers that came once, by lower-case name. */
const singles = ({ headers }: WebRequest): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(headers).flatMap(([name, value]) => (typeof value === 'string' ? [[name.toLowerCase(), value]] : [])))

/** What proves the sender is of no use later, and is not kept. */
const withoutSecrets = (event: RawEvent): RawEvent => {
  const { authorization: _, cookie: __, ...headers } = event.headers
  const query = new URLSearchParams(event.query)
  query.delete('key')
  return { ...event, headers, query: query.toString() }
}
