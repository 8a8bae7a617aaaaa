/** Access tokens of a client that acts for itself (RFC 6749 §4.4), however it proves who it is. */
import type { Clock } from '../../engine/contracts.js'

export const URL_PATTERN = '^https?://[^\\s#]+$'

/** Who asks for tokens. */
export interface Client {
  /** All that makes its tokens others than those of another client. */
  readonly name: string
  readonly scopes: readonly string[]
  readonly tokenUrl: string | undefined // without it, what the server's smart-configuration says
  readonly timed: boolean // the proof holds a time, which a server with another clock may refuse
  /** What proves to the token address who asks, at a moment in milliseconds since 1970. */
  proof(url: string, moment: number): Promise<{ readonly body: Readonly<Record<string, string>>; readonly headers: Readonly<Record<string, string>> }>
}

/** Tokens of one client at one server. A rejection is a sentence without secrets. */
export interface Tokens {
  /** A token that is good for a while; many callers share one request. */
  get(signal: AbortSignal): Promise<string>
  /** Says that this token was not accepted: the next `get` asks for another. */
  drop(token: string): void
}

const USUAL_LIFE = 300 // seconds of a token whose server does not say
const SKEW = 30_000 // milliseconds of difference between clocks that a server may mind
const MARGIN = 30 // seconds before its end that a token is no longer used
const PATIENCE = 20_000 // milliseconds for each request

const known = new WeakMap<Clock, Map<string, Tokens>>()

/** The tokens of a client at the server with this base address; the same for every lane and channel that says the same. */
export const tokensOf = (client: Client, base: string, clock: Clock): Tokens => {
  const name = JSON.stringify([base, client.scopes, client.tokenUrl, client.name])
  const here = known.get(clock) ?? new Map<string, Tokens>()
  known.set(clock, here)
  const tokens = here.get(name) ?? makeTokens(client, base, clock)
  here.set(name, tokens)
  return tokens
}

const makeTokens = (client: Client, base: string, clock: Clock): Tokens => {
  let ahead = 0 // milliseconds that the server's clock is ahead of ours, once it matters
  let current: { readonly token: string; readonly until: number } | null = null
  let asking: Promise<string> | null = null
  const ask = async (): Promise<string> => {
    const url = client.tokenUrl ?? await discovered(base)
    const asked = clock.now().getTime()
    const askAt = async (moment: number) => {
      const { body, headers } = await client.proof(url, moment)
      const form = new URLSearchParams({ grant_type: 'client_credentials', ...(client.scopes.length > 0 && { scope: client.scopes.join(' ') }), ...body })
      return fetched(url, { method: 'POST', body: form, headers: { accept: 'application/json', ...headers } })
    }
    let { status, answer, at } = await askAt(asked + ahead)
    if (client.timed && status >= 400 && status < 500 && Math.abs(at - (asked + ahead)) > SKEW) {
      // By the server's clock the assertion may have been of the future, or over: once more, by that clock.
      ahead = at - asked
      ;({ status, answer, at } = await askAt(at))
      if (status !== 200) ahead = 0
    }
    const { access_token: token, expires_in: life, error } = answer
    if (status !== 200 || typeof token !== 'string' || token === '') throw new Error(`no access token was given: ${new URL(url).host} answered ${status}${typeof error === 'string' && /^[a-z_]{1,60}$/.test(error) ? ` (${error})` : ''}`)
    const seconds = typeof life === 'number' && life > 0 ? life : USUAL_LIFE
    current = { token, until: asked + (seconds - Math.min(MARGIN, seconds / 2)) * 1000 }
    return token
  }
  return {
    get(signal) {
      if (current && clock.now().getTime() < current.until) return Promise.resolve(current.token)
      if (!asking) {
        asking = ask().finally(() => { asking = null })
        asking.catch(() => {}) // where every caller has given up, nobody hears that it failed
      }
      return unlessAborted(asking, signal)
    },
    drop(token) {
      if (current?.token === token) current = null
    },
  }
}

const discovered = async (base: string): Promise<string> => {
  const { status, answer } = await fetched(`${base.replace(/\/$/, '')}/.well-known/smart-configuration`, { headers: { accept: 'application/json' } })
  const url = answer.token_endpoint
  if (status !== 200 || typeof url !== 'string' || !new RegExp(URL_PATTERN).test(url)) throw new Error('the server does not say where tokens are given (.well-known/smart-configuration); set `tokenUrl`')
  if (base.startsWith('https:') && !url.startsWith('https:')) throw new Error('the server gives tokens at an address without TLS; set `tokenUrl` if that is meant')
  return url
}

const fetched = async (url: string, request: RequestInit): Promise<{ readonly status: number; readonly answer: Readonly<Record<string, unknown>>; readonly at: number }> => {
  const response = await fetch(url, { ...request, redirect: 'manual', signal: AbortSignal.timeout(PATIENCE) }).catch((error: unknown) => {
    const { code } = ((error as { cause?: { code?: unknown } }).cause ?? {})
    throw new Error(`${new URL(url).host} cannot be asked for a token${typeof code === 'string' ? ` (${code})` : ''}`)
  })
  const answer: unknown = await response.json().catch(() => ({}))
  return { status: response.status, answer: typeof answer === 'object' && answer !== null ? answer as Record<string, unknown> : {}, at: Date.parse(response.headers.get('date') ?? '') }
}

const unlessAborted = (promise: Promise<string>, signal: AbortSignal): Promise<string> =>
  new Promise((resolve, reject) => {
    const abort = (): void => reject(new Error('no access token was given in time'))
    if (signal.aborted) return abort()
    signal.addEventListener('abort', abort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
