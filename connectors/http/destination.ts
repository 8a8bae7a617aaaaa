/** The `http` destination: sends one message a request, over one kept connection a lane. */
import http from 'node:http'
import https from 'node:https'
import { Type } from 'typebox'
import { defineDestination } from '../../engine/define.js'
import { Size, size, withDefault } from '../../engine/units.js'
import { authenticationSettings, checkAuthentication, credentials } from '../../engine/web/authentication.js'
import { contentTypeOf } from '../../engine/web/content-type.js'
import { dropClosed, exchange } from '../../engine/web/exchange.js'
import { checkHeaders } from '../../engine/web/headers.js'
import { outcomeOf } from '../../engine/web/outcome.js'
import { ClientTls, readTls } from '../../engine/web/tls.js'

const DEFAULTS = { method: 'POST', maximumAnswer: '1MB' } as const
/** Shorter than servers keep an idle connection (5 s and more), so that a request rarely meets one just being closed. */
const LONGEST_IDLE = 4000
const OURS = ['host', 'content-length', 'transfer-encoding', 'connection', 'idempotency-key', 'expect', 'upgrade', 'te', 'trailer']

export default defineDestination({
  name: 'http',
  summary: 'Sends one message a request; 2xx is sent, 4xx and 5xx refused, 429 and 503 mean “not now”.',
  settings: Type.Object({
    url: Type.String({ pattern: '^https?://[^\\s]+$', maxLength: 2000, description: 'Where to: `https://ehr.example/fhir`.' }),
    method: Type.Optional(Type.Enum(['POST', 'PUT', 'PATCH'], { default: DEFAULTS.method, description: 'The method.' })),
    headers: Type.Optional(Type.Record(Type.String(), Type.String({ maxLength: 8000 }), { maxProperties: 50, description: 'More headers, by name.' })),
    contentType: Type.Optional(Type.String({ minLength: 1, maxLength: 200, description: 'The content type; without it, told from the content: HL7 v2, JSON or octets.' })),
    ...authenticationSettings,
    accept: Type.Optional(Type.Array(Type.Integer({ minimum: 200, maximum: 599 }), { minItems: 1, uniqueItems: true, description: 'The statuses that mean “taken”, instead of every 2xx: `[200, 201, 409]`.' })),
    maximumAnswer: Type.Optional(withDefault(Size, DEFAULTS.maximumAnswer, 'How much of an answer is kept.')),
    tls: Type.Optional(ClientTls),
  }, { additionalProperties: false }),
  examples: [
    { url: 'https://ehr.example/hl7', basic: { user: 'refero', password: `\${secret:ehr}` } },
    { url: 'https://ehr.example/fhir', contentType: 'application/fhir+json', token: `\${secret:ehr-token}`, accept: [200, 201] },
    { url: 'https://partner.example/hook', hmac: { secret: `\${secret:partner}`, timestamp: { header: 'x-timestamp' } }, tls: { ca: 'partner-ca.pem' } },
  ],
  create(given, tools) {
    const settings = { ...DEFAULTS, ...given }
    const { method, tls, accept = [] } = settings
    const url = new URL(settings.url)
    if (url.username || url.password) throw new Error('`url` cannot hold a user or password; use `basic`.')
    if (tls && url.protocol !== 'https:') throw new Error('`tls` needs a `url` that begins with https://.')
    checkAuthentication(settings)
    checkHeaders(settings.headers ?? {}, OURS)
    const headers = lowerCased(settings.headers ?? {})
    const maximum = size(settings.maximumAnswer)
    let agent: http.Agent | null = null

    return {
      async open() {
        const kept = { keepAlive: true, maxSockets: 1, timeout: LONGEST_IDLE }
        agent = url.protocol === 'https:' ? new https.Agent({ ...kept, ...(tls && readTls(tls, tools)) }) : new http.Agent(kept)
      },
      async deliver({ id, channel, payload }, signal) {
        if (!agent) return { kind: 'unavailable', reason: 'the connection is not open' }
        const sent = {
          ...headers,
          'content-type': settings.contentType ?? contentTypeOf(payload),
          'idempotency-key': `${channel}/${id}`,
          ...credentials(settings, payload, tools.clock.now()),
        }
        await dropClosed(agent)
        return outcomeOf(await exchange(url, { method, agent, headers: sent }, payload, maximum, signal), accept)
      },
      async close() {
        agent?.destroy()
        agent = null
      },
    }
  },
})

const lowerCased = (headers: Readonly<Record<string, string>>): Record<string, string> => Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
