/** One request to a FHIR server, and what its answer says of what was to be done there. */
import { STATUS_CODES } from 'node:http'
import { Client } from 'fhir-kit-client'
import type { Clock, Outcome } from '../../engine/contracts.js'
import { wordsOf } from './outcome-words.js'
import type { ServerSettings } from './settings.js'
import { secretTokens } from './client-secret.js'
import { smartTokens } from './smart.js'
import type { Tokens } from './tokens.js'

export interface Resource { readonly resourceType: string; readonly [element: string]: unknown }

/** Ends what was to be done at a server: what became of it, and the server's own words about it where it gave some. */
export class Ended extends Error {
  constructor(readonly outcome: Exclude<Outcome, { kind: 'sent' }>, readonly answer: unknown = null) {
    super(outcome.reason)
    this.name = 'Ended'
  }
}

/** `resource` is null where the server says nothing of it; `location` is "ServiceRequest/12". */
export interface Answer { readonly status: number; readonly resource: Resource | null; readonly location: string | null }

export interface Server {
  /** The first page of what a search finds. */
  search(type: string, parameters: Readonly<Record<string, string>>): Promise<readonly Resource[]>
  read(location: string): Promise<Resource | null>
  /** Whatever is at a path below the base, or at an address: a resource, a page, an operation. `name` says it to people. */
  get(path: string, name: string): Promise<Resource>
  /** Writes what is ours alone, with nobody's data in it; its answer may show nothing. */
  write(method: 'POST' | 'PUT', path: string, resource: Resource, headers: Readonly<Record<string, string>>): Promise<Answer>
  /** Creates it unless something is there that the condition finds. `content` is whose words may not be in a reason. */
  create(resource: Resource, ifNoneExist: string, content: object): Promise<Answer>
}

/** Nothing was sent: the address, the name or TLS. */
const NEVER_SENT = /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT|CERT_.*|ERR_TLS_.*|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_.*)$/
const NOT_NOW = new Set([408, 425, 429, 503, 507, 521, 522, 523])
const LONGEST_PAUSE = 3600 // seconds that a server is heeded for

interface Failure { readonly response?: { readonly status: number; readonly data: unknown }; readonly config?: { readonly headers?: Headers }; readonly cause?: { readonly code?: unknown }; readonly name?: string }

const tokensFor = (auth: ServerSettings['auth'], base: string, clock: Clock): Tokens | null => {
  if (auth === 'none' || 'bearer' in auth) return null
  return 'smart' in auth ? smartTokens(auth.smart, base, clock) : secretTokens(auth.secret, base, clock)
}

/** Connects requests of one lane to the server; `paused` holds what the server asked for with Retry-After. */
export const connect = ({ base, auth, headers = {} }: ServerSettings, clock: Clock) => {
  const client = new Client({ baseUrl: base, customHeaders: headers, requestOptions: { redirect: 'manual' } })
  const tokens = tokensFor(auth, base, clock)
  let pausedUntil = 0

  const authorization = async (signal: AbortSignal): Promise<string | null> => {
    if (auth === 'none') return null
    if ('bearer' in auth) return auth.bearer
    return (tokens as Tokens).get(signal).catch((error: Error) => { throw new Ended({ kind: 'unavailable', reason: error.message }) })
  }

  /** Heeds the server's wish to be left alone: nothing is asked of it before. */
  const checkPause = (): void => {
    const seconds = Math.ceil((pausedUntil - clock.now().getTime()) / 1000)
    if (seconds > 0) throw new Ended({ kind: 'unavailable', reason: `the server asked not to be asked for another ${seconds} s`, code: '429' })
  }

  return (signal: AbortSignal): Server => {
    /** Asks once more with a new token where the first was not accepted. */
    const ask = async (what: Asked, run: (options: { signal: AbortSignal; headers: Record<string, string> }) => Promise<Resource>): Promise<Resource> => {
      checkPause()
      for (let renewed = false; ; renewed = true) {
        const token = await authorization(signal)
        try {
          return await run({ signal, headers: { ...what.headers, ...(token !== null && { authorization: `Bearer ${token}` }) } })
        } catch (error) {
          const failure = error as Failure
          if (failure.response?.status === 401 && tokens && token !== null && !renewed) tokens.drop(token)
          else throw ended(what, failure)
        }
      }
    }
    const ended = (what: Asked, failure: Failure): Ended => {
      if (!failure.response) return new Ended(withoutAnswer(what, failure, signal))
      const { status, data } = failure.response
      const pause = retryAfter(failure.config?.headers?.get('retry-after') ?? null, clock.now())
      if (NOT_NOW.has(status) && pause > 0) pausedUntil = clock.now().getTime() + pause * 1000
      return new Ended(answered(what, status, data, pause), data)
    }

    return {
      async search(type, parameters) {
        const found = await ask({ writes: false, name: `the search for ${type}`, headers: { prefer: 'handling=strict' }, content: parameters }, (options) => client.resourceSearch({ resourceType: type, searchParams: { ...parameters }, options }))
        const entries = Array.isArray(found.entry) ? found.entry as { readonly resource?: Resource; readonly search?: { readonly mode?: string } }[] : []
        return entries.flatMap(({ resource, search }) => (resource?.resourceType === type && (search?.mode ?? 'match') === 'match' ? [resource] : []))
      },
      async read(location) {
        const [resourceType = '', id = ''] = location.split('/')
        return ask({ writes: false, name: `the reading of ${resourceType}`, headers: {}, content: {} }, (options) => client.read({ resourceType, id, options })).catch((error: unknown) => {
          if (error instanceof Ended && error.outcome.kind === 'refused') return null
          throw error
        })
      },
      async create(resource, ifNoneExist, content) {
        const what = { writes: true, name: resource.resourceType, headers: { prefer: 'return=representation', 'if-none-exist': ifNoneExist }, content }
        return written(resource, await ask(what, (options) => client.create({ resourceType: resource.resourceType, body: { ...resource }, options })))
      },
      get: (path, name) => ask({ writes: false, name, headers: {}, content: {} }, (options) => client.request(path, { options })),
      async write(method, path, resource, more) {
        const what = { writes: true, name: resource.resourceType, headers: { 'content-type': 'application/fhir+json', prefer: 'return=representation', ...more }, content: {} }
        return written(resource, await ask(what, (options) => client.request(path, { method, body: { ...resource }, options })))
      },
    }
  }
}

const written = ({ resourceType }: Resource, body: Resource): Answer => {
  const { response } = Client.httpFor(body)
  const said = body.resourceType === resourceType ? body : null
  const location = new RegExp(`(?:^|/)(${resourceType}/[A-Za-z0-9.-]{1,64})(?:/_history/|$)`).exec(response?.headers.get('location') ?? response?.headers.get('content-location') ?? '')?.[1]
  return { status: response?.status ?? 0, resource: said, location: location ?? (typeof said?.id === 'string' ? `${resourceType}/${said.id}` : null) }
}

interface Asked { readonly writes: boolean; readonly name: string; readonly headers: Record<string, string>; readonly content: object }

const answered = ({ writes, name, content }: Asked, status: number, data: unknown, pause: number): Ended['outcome'] => {
  const code = String(status)
  const reason = `${name} was answered ${status} ${STATUS_CODES[status] ?? ''}`.trim()
  if (status === 401) return { kind: 'unavailable', reason: `${reason}: our credentials are not accepted there`, code }
  if (NOT_NOW.has(status)) return { kind: 'unavailable', reason: pause > 0 ? `${reason}: ask again in ${pause} s` : reason, code }
  if (status >= 500 && status !== 501 && status !== 505) return writes ? { kind: 'unknown', reason } : { kind: 'unavailable', reason, code }
  if (status < 400) return { kind: writes && status < 300 ? 'unknown' : 'refused', reason: status < 300 ? `${reason}, and the answer is no FHIR` : `${reason}: redirects are not followed; set \`base\` to where it is now` }
  const words = status === 412 ? 'several resources there have our number, or one of the patient’s; a person must look' : wordsOf(data, content)
  return { kind: 'refused', reason: words ? `${reason}: ${words}` : reason, code }
}

const withoutAnswer = ({ writes, name }: Asked, { cause }: Failure, signal: AbortSignal): Ended['outcome'] => {
  const code = typeof cause?.code === 'string' ? cause.code : ''
  const reason = `${name}: ${signal.aborted ? 'no answer in time' : `the connection failed${code && ` (${code})`}`}`
  return writes && !NEVER_SENT.test(code) ? { kind: 'unknown', reason } : { kind: 'unavailable', reason }
}

/** Seconds of a Retry-After (RFC 9110 §10.2.3), a number or a date; 0 where there is none. */
const retryAfter = (text: string | null, now: Date): number => {
  if (text === null) return 0
  const seconds = /^\d{1,9}$/.test(text) ? Number(text) : Math.ceil((Date.parse(text) - now.getTime()) / 1000)
  return seconds > 0 ? Math.min(seconds, LONGEST_PAUSE) : 0
}
