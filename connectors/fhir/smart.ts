/** SMART Backend Services (HL7 SMART App Launch 2.0, “Backend Services”): access tokens for a system that signs in with a key of its own. */
import { createPrivateKey, createPublicKey, type JsonWebKey, type KeyObject, randomUUID } from 'node:crypto'
import { type JWK, SignJWT } from 'jose'
import { type Static, Type } from 'typebox'
import type { Clock } from '../../engine/contracts.js'

const URL_PATTERN = '^https?://[^\\s#]+$'

export const SmartSettings = Type.Object({
  clientId: Type.String({ minLength: 1, maxLength: 500, description: 'Who we are to the server: the id it gave at registration.' }),
  key: Type.String({ minLength: 1, maxLength: 20_000, description: `Our private key, PEM or JWK: \`\${secret:ehr-key}\`.` }),
  keyId: Type.String({ minLength: 1, maxLength: 200, description: 'What the key is called in the set of our public keys (`kid`).' }),
  algorithm: Type.Optional(Type.Enum(['RS384', 'ES384'], { default: 'RS384', description: 'How we sign; a server must know both.' })),
  scopes: Type.Array(Type.String({ pattern: '^[!-~]+$', maxLength: 200 }), { minItems: 1, maxItems: 100, description: 'What we ask to be let do: `system/ServiceRequest.cruds`.' }),
  tokenUrl: Type.Optional(Type.String({ pattern: URL_PATTERN, maxLength: 2000, description: 'Where tokens are given; without it, what `<base>/.well-known/smart-configuration` says.' })),
  jku: Type.Optional(Type.String({ pattern: URL_PATTERN, maxLength: 2000, description: 'Where the set of our public keys is published, said in every assertion.' })),
  next: Type.Optional(Type.Object({
    key: Type.String({ minLength: 1, maxLength: 20_000, description: `The private key that will follow: \`\${secret:ehr-key-next}\`.` }),
    keyId: Type.String({ minLength: 1, maxLength: 200, description: 'Its `kid`.' }),
    algorithm: Type.Optional(Type.Enum(['RS384', 'ES384'], { default: 'RS384', description: 'How it will sign.' })),
  }, { additionalProperties: false, description: 'The key that will follow: published beside the one in use, so that servers know it before it signs.' })),
  publish: Type.Optional(Type.String({ pattern: '^/[A-Za-z0-9._/-]{1,200}$', description: 'A path of the engine’s own web server where that set is served: `/keys/ehr.json`.' })),
}, { additionalProperties: false })
export type SmartSettings = Static<typeof SmartSettings>

/** Tokens of one client at one server. A rejection is a sentence without secrets. */
export interface Tokens {
  /** A token that is good for a while; many callers share one request. */
  get(signal: AbortSignal): Promise<string>
  /** Says that this token was not accepted: the next `get` asks for another. */
  drop(token: string): void
}

const LIFE_OF_ASSERTION = 240 // seconds; at most 300 are allowed
const USUAL_LIFE = 300 // seconds of a token whose server does not say
const SKEW = 30_000 // milliseconds of difference between clocks that a server may mind
const MARGIN = 30 // seconds before its end that a token is no longer used
const PATIENCE = 20_000 // milliseconds for each request
const ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

const known = new WeakMap<Clock, Map<string, Tokens>>()

/** The tokens for these settings at the server with this base address; the same for every lane and channel that says the same. Throws a sentence for a key that cannot be used. */
export const smartTokens = (settings: SmartSettings, base: string, clock: Clock): Tokens => {
  const name = JSON.stringify([base, settings.clientId, settings.key, settings.keyId, settings.algorithm, settings.scopes, settings.tokenUrl, settings.jku])
  const here = known.get(clock) ?? new Map<string, Tokens>()
  known.set(clock, here)
  const tokens = here.get(name) ?? makeTokens(settings, base, clock)
  here.set(name, tokens)
  return tokens
}

const makeTokens = (settings: SmartSettings, base: string, clock: Clock): Tokens => {
  const key = privateKey(settings)
  let ahead = 0 // milliseconds that the server's clock is ahead of ours, once it matters
  let current: { readonly token: string; readonly until: number } | null = null
  let asking: Promise<string> | null = null
  const ask = async (): Promise<string> => {
    const url = settings.tokenUrl ?? await discovered(base)
    const asked = clock.now().getTime()
    const askAt = async (moment: number) => {
      const assertion = await signed(settings, key, url, Math.floor(moment / 1000))
      const body = new URLSearchParams({ grant_type: 'client_credentials', scope: settings.scopes.join(' '), client_assertion_type: ASSERTION, client_assertion: assertion })
      return fetched(url, { method: 'POST', body, headers: { accept: 'application/json' } })
    }
    let { status, answer, at } = await askAt(asked + ahead)
    if (status >= 400 && status < 500 && Math.abs(at - (asked + ahead)) > SKEW) {
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

/** RFC 7523 §3, as SMART narrows it: issuer and subject are the client, the audience is the token address. */
const signed = ({ clientId, keyId, jku, algorithm = 'RS384' }: SmartSettings, key: KeyObject, audience: string, now: number): Promise<string> =>
  new SignJWT({ iss: clientId, sub: clientId, aud: audience, jti: randomUUID(), iat: now, exp: now + LIFE_OF_ASSERTION })
    .setProtectedHeader({ alg: algorithm, typ: 'JWT', kid: keyId, ...(jku && { jku }) }).sign(key)

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

/** The key as settings have it. Throws a sentence where it is no key, or not one that the algorithm signs with. */
export const privateKey = ({ key, algorithm = 'RS384' }: Pick<SmartSettings, 'key' | 'algorithm'>): KeyObject => {
  const wanted = algorithm === 'RS384' ? 'an RSA key of 2048 bits or more' : 'a key of the curve P-384'
  let made: KeyObject
  try {
    made = key.trimStart().startsWith('{') ? createPrivateKey({ key: JSON.parse(key) as JsonWebKey, format: 'jwk' }) : createPrivateKey(key.replaceAll('\\n', '\n'))
  } catch {
    throw new Error(`\`key\` cannot be read as a private key, PEM or JWK; ${algorithm} needs ${wanted}.`)
  }
  const { modulusLength = 0, namedCurve } = made.asymmetricKeyDetails ?? {}
  const fits = algorithm === 'RS384' ? made.asymmetricKeyType === 'rsa' && modulusLength >= 2048 : made.asymmetricKeyType === 'ec' && namedCurve === 'secp384r1'
  if (!fits) throw new Error(`\`key\` is not what ${algorithm} needs: ${wanted}.`)
  return made
}

/** The keys that are published: the one in use, and the one that follows. Throws a sentence where two would be called the same. */
export const publicKeys = (settings: Pick<SmartSettings, 'key' | 'algorithm' | 'keyId' | 'next'>): readonly JWK[] => {
  if (settings.next?.keyId === settings.keyId) throw new Error('`next.keyId` must differ from `keyId`: servers tell keys apart by it.')
  return [settings, ...(settings.next ? [settings.next] : [])].map(publicKey)
}

/** Our public key as a server looks for it in a key set (RFC 7517). Nothing of the private key is in it. */
export const publicKey = (settings: Pick<SmartSettings, 'key' | 'algorithm' | 'keyId'>): JWK =>
  ({ ...createPublicKey(privateKey(settings)).export({ format: 'jwk' }) as JWK, kid: settings.keyId, alg: settings.algorithm ?? 'RS384', use: 'sig', key_ops: ['verify'] })
