/** The `http` source: takes one message a request, on a port of its own or on the engine's web server. */
import { Type } from 'typebox'
import { defineSource } from '../../engine/define.js'
import { duration, Duration, size, Size, withDefault } from '../../engine/units.js'
import { authenticationSettings, checkAuthentication } from '../../engine/web/authentication.js'
import { type Entry, entryFor } from './entry.js'
import { listen, type Listening } from './listener.js'
import { ServerTls } from '../../engine/web/tls.js'

const DEFAULTS = { host: '127.0.0.1', methods: ['POST'], maximum: '20MB', within: '30s' } as const

export default defineSource({
  name: 'http',
  summary: 'Takes one message a request: 200 accepted, 422 rejected, 503 send it again.',
  settings: Type.Object({
    path: Type.String({ pattern: '^/[A-Za-z0-9._~!$&\'()+,;=:@%/-]*\\*?$', maxLength: 500, description: 'The path: `/referrals`, or `/referrals/*` for everything below it.' }),
    port: Type.Optional(Type.Integer({ minimum: 0, maximum: 65_535, description: 'A port of its own, which channels with other paths may share; without it, the engine’s web server. 0 is any free port.' })),
    host: Type.Optional(Type.String({ minLength: 1, maxLength: 255, default: DEFAULTS.host, description: 'The address to listen on, with `port`. `127.0.0.1` is reached from this machine only; `0.0.0.0` and `::` are all of its addresses.' })),
    methods: Type.Optional(Type.Array(Type.Enum(['POST', 'PUT', 'PATCH']), { minItems: 1, uniqueItems: true, default: [...DEFAULTS.methods], description: 'The methods that bring a message.' })),
    ...authenticationSettings,
    open: Type.Optional(Type.Boolean({ description: 'Where nothing proves who sends, only this machine may; `true`: whoever reaches the address, for a network that nobody else is on.' })),
    maximum: Type.Optional(withDefault(Size, DEFAULTS.maximum, 'The largest body.')),
    within: Type.Optional(withDefault(Duration, DEFAULTS.within, 'How long a body may take to arrive, with `port`.')),
    rate: Type.Optional(Type.Object({
      requests: Type.Integer({ minimum: 1, maximum: 1_000_000, description: 'How many requests.' }),
      within: withDefault(Duration, '1m', 'In which time.'),
    }, { additionalProperties: false, description: 'What one address may send; the rest is answered 429.' })),
    tls: Type.Optional(ServerTls),
  }, { additionalProperties: false }),
  examples: [
    { path: '/referrals', port: 8430, token: `\${secret:referrals-token}` },
    { path: '/hooks/fax', hmac: { secret: `\${secret:fax}`, header: 'x-signature', prefix: 'sha256=' } },
    { path: '/hl7/*', port: 8431, basic: { user: 'hospital', password: `\${secret:hospital}` }, rate: { requests: 600, within: '1m' } },
  ],
  claims: ({ port, path }) => (port === 0 ? [] : [port === undefined ? `web path ${path}` : `port ${port} path ${path}`]),
  create(given, tools) {
    const settings = { ...DEFAULTS, ...given }
    const { path, port, host, tls } = settings
    checkAuthentication(settings)
    if (path.includes('*') && !path.endsWith('/*')) throw new Error('`path` may end in `/*`; a star cannot follow anything else.')
    if (tls && port === undefined) throw new Error('`tls` needs a `port`: the engine’s web server has its own.')
    const proofs = [settings.token, settings.basic, settings.hmac, tls?.clients].some((proof) => proof !== undefined)
    if (settings.open && proofs) throw new Error('`open` is for a path without any proof of who sends; leave it out.')
    const local = !proofs && settings.open !== true
    const rate = settings.rate ? { requests: settings.rate.requests, within: duration(settings.rate.within) } : null
    const entrySettings = { ...settings, local, maximum: size(settings.maximum), patience: duration(settings.within), rate }
    let entry: Entry | null = null
    let listening: Listening | null = null

    return {
      async start(receive) {
        const opened = entryFor(entrySettings, receive, tools)
        if (port === undefined) {
          const leave = tools.serve(path, opened.handle)
          listening = { url: `${path} on the engine’s web server`, leave: async () => leave() }
        } else {
          listening = await listen({ host, port, tls: tls ?? null }, opened, tools)
        }
        entry = opened
        return `${listening.url}${local && port === undefined ? ', for this machine only' : ''}`
      },
      async stop() {
        await entry?.close()
        await listening?.leave()
        entry = listening = null
      },
    }
  },
})
