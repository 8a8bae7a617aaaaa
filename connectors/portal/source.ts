/** The `portal` source: referrals that practices enter in a form or send to an API, each as a mail; and where they stand, for whoever sent them. */
import { type Static, Type } from 'typebox'
import type { Receive, Tools, WebHandler, WebRequest } from '../../engine/contracts.js'
import { defineSource } from '../../engine/define.js'
import { isAddress, parseAddress } from '../../engine/formats/mime/compose.js'
import { Duration, duration, Size, size, withDefault } from '../../engine/units.js'
import { allowList } from '../../engine/web/allow.js'
import { later as comeAgain } from '../../engine/web/answers.js'
import { authenticationSettings, checkAuthentication, headerValue } from '../../engine/web/authentication.js'
import { checkKey, signingKey } from '../../engine/web/signed.js'
import type { Desk } from '../../referrals/desk.js'
import { apiHandler } from './api.js'
import { readFormFile } from './form-file.js'
import { siteHandler } from './router.js'
import { sessionsFor } from './session.js'
import type { Site } from './site.js'
import { UsedLinks } from './used-links.js'
import { readWords } from './words.js'

const DEFAULTS = { form: 'portal/form', session: '8h', largest: '20MB', maximum: '32MB', requests: 300, within: '1m', lasts: '15m', policy: 'known' } as const
const LARGEST_MAIL = 36 * 1024 ** 2 // bytes of documents that, in Base64, are still a message of the format's 50 MB
const PATH = "^/[A-Za-z0-9._~!$&'()+,;=:@%-]+(?:/[A-Za-z0-9._~!$&'()+,;=:@%-]+)*$"
const closed = { additionalProperties: false }

const Link = Type.Object({
  channel: Type.String({ pattern: '^[a-z][a-z0-9-]*$', description: 'The channel that sends the mail: `portal-mail`.' }),
  from: Type.String({ maxLength: 320, description: 'Who writes it: `Heart Center <referrals@heart.example>`.' }),
  to: Type.Optional(Type.Enum(['known', 'anybody'], { default: DEFAULTS.policy, description: '`known`: addresses that the provider directory has, and those of `domains`. `anybody`: every address.' })),
  domains: Type.Optional(Type.Array(Type.String({ pattern: '^[A-Za-z0-9.-]{1,253}$' }), { uniqueItems: true, description: 'Domains whose addresses are let in though the directory does not have them.' })),
  lasts: Type.Optional(withDefault(Duration, DEFAULTS.lasts, 'How long a link can be used, once.')),
}, { ...closed, description: 'A one-time link by e-mail.' })

const Settings = Type.Object({
  path: Type.Optional(Type.String({ pattern: PATH, maxLength: 200, description: 'Where the pages are on the engine’s web server: `/portal`.' })),
  url: Type.Optional(Type.String({ pattern: '^https?://[^\\s?#]+$', maxLength: 500, description: 'The same as browsers reach it, through whatever is in front: `https://referrals.heart.example/portal`. Links in mails begin with it; with https cookies are only sent encrypted.' })),
  practice: Type.Optional(Type.Object({ name: Type.String({ minLength: 1, maxLength: 200 }), phone: Type.Optional(Type.String({ maxLength: 50 })) }, { ...closed, description: 'Whose portal it is, and whom to call.' })),
  link: Type.Optional(Link),
  codes: Type.Optional(Type.Array(Type.Object({
    practice: Type.String({ minLength: 1, maxLength: 200, description: 'Who has it.' }),
    code: Type.String({ minLength: 12, maxLength: 200, description: `Its access code: \`\${secret:portal-meadow}\`.` }),
    email: Type.Optional(Type.String({ maxLength: 254, description: 'Where it is answered.' })),
  }, closed), { minItems: 1, description: 'Access codes of practices.' })),
  session: Type.Optional(withDefault(Duration, DEFAULTS.session, 'How long whoever came in may go on.')),
  key: Type.Optional(Type.String({ minLength: 1, maxLength: 1000, description: `What sessions and links are signed with: \`\${secret:portal-key}\`. Without it, \`portal.key\` in the data folder, which is made.` })),
  form: Type.Optional(Type.String({ pattern: '^[a-z0-9][a-z0-9/-]*$', default: DEFAULTS.form, description: 'The fields: a file of mappings/ without `.yaml`.' })),
  api: Type.Optional(Type.Object({
    path: Type.String({ pattern: PATH, maxLength: 200, description: 'The path of the API: `/intake/referrals`.' }),
    ...authenticationSettings,
    local: Type.Optional(Type.Boolean({ description: 'Instead of a token: whoever is on this machine may send, and nobody else.' })),
  }, { ...closed, description: 'Takes referrals of programs: the fields of the form as JSON, with documents in Base64; or FHIR.' })),
  largest: Type.Optional(withDefault(Size, DEFAULTS.largest, 'The largest document.')),
  maximum: Type.Optional(withDefault(Size, DEFAULTS.maximum, 'The most that the documents of one referral may be together, 36MB at most.')),
  rate: Type.Optional(Type.Object({
    requests: Type.Integer({ minimum: 1, maximum: 1_000_000, description: 'How many requests.' }),
    within: withDefault(Duration, DEFAULTS.within, 'In which time.'),
  }, { ...closed, description: 'What one address may ask for; 300 a minute where nothing is said. Signing in, sending and guessing have narrower limits of their own.' })),
  proxies: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 60 }), { uniqueItems: true, description: 'Addresses and networks of our own proxies, whose `X-Forwarded-For` says who asks: `[10.0.0.5]`.' })),
}, closed)

export default defineSource({
  name: 'portal',
  summary: 'Takes referrals from a web form and an API as MIME messages, byte for byte with their documents; shows whoever sent one where it stands.',
  settings: Settings,
  examples: [
    { path: '/portal', url: 'https://referrals.heart.example/portal', practice: { name: 'Heart Center', phone: '608-555-0190' }, link: { channel: 'portal-mail', from: 'Heart Center <referrals@heart.example>' } },
    { path: '/portal', practice: { name: 'Heart Center' }, codes: [{ practice: 'Meadow Family Medicine', code: `\${secret:portal-meadow}` }] },
    { api: { path: '/intake/referrals', token: `\${secret:referrals-api}` }, rate: { requests: 600, within: '1m' } },
  ],
  claims: ({ path, api }) => [path, api?.path].flatMap((one) => (one === undefined ? [] : [`web path ${one}`, `web path ${one}/*`])),
  create(given, tools) {
    const settings = { ...DEFAULTS, ...given }
    checkSettings(settings)
    const form = readFormFile(settings.form, tools)
    const words = readWords(tools)
    const trusted = allowList(settings.proxies ?? [])
    const limits = { largest: size(settings.largest), maximum: size(settings.maximum), rate: { requests: settings.rate?.requests ?? DEFAULTS.requests, within: duration(settings.rate?.within ?? DEFAULTS.within) } }
    let leave: (() => void)[] = []
    let closing = false
    const inFlight = new Set<Promise<unknown>>()
    const track = <Value>(work: Promise<Value>): Promise<Value> => {
      inFlight.add(work)
      void work.then(() => inFlight.delete(work), () => inFlight.delete(work))
      return work
    }
    /** Takes nothing while the channel stops, and is waited for. */
    const guarded = (handler: WebHandler): WebHandler => Object.assign((request: WebRequest) => (closing ? Promise.resolve(comeAgain('The channel is stopping.')) : track(handler(request))), {
      ...(handler.maximum !== undefined && { maximum: handler.maximum }), admit: (head: Omit<WebRequest, 'body'>) => (closing ? comeAgain('The channel is stopping.') : (handler.admit?.(head) ?? null)),
    })
    const from = (head: Pick<WebRequest, 'remote' | 'headers'>): string => senderBehind(head, trusted)

    const siteOf = async (path: string, receive: Receive): Promise<Site> => {
      const key = signingKey(settings.key, tools.dataFolder)
      const used = new UsedLinks(tools.dataFolder)
      await used.open(tools.clock.now())
      const { link } = settings
      const lasts = duration(settings.session)
      return {
        tools, key, form, used, receive, from, later: track, desk: () => deskOf(tools), sessions: sessionsFor(key, path, lasts, settings.url?.startsWith('https:') ?? false),
        settings: {
          path, url: settings.url ?? null, practice: settings.practice ?? { name: '' }, codes: settings.codes ?? [], lasts, ...limits,
          link: link ? { channel: link.channel, from: link.from, anybody: link.to === 'anybody', domains: link.domains ?? [], lasts: duration(link.lasts ?? DEFAULTS.lasts) } : null,
        },
      }
    }

    return {
      async start(receive) {
        closing = false
        const { path, api } = settings
        const handlers: (readonly [string, WebHandler])[] = []
        if (path !== undefined) handlers.push([path, siteHandler(await siteOf(path, receive), words)])
        if (api !== undefined) handlers.push([api.path, apiHandler({ ...api, local: api.local === true, ...limits }, form, receive, tools, from)])
        for (const [at, handler] of handlers) {
          const one = guarded(handler)
          leave.push(tools.serve(at, one), tools.serve(`${at}/*`, one))
        }
        return `${handlers.map(([at]) => at).join(' and ')} on the engine’s web server${api?.local ? ', the API for this machine only' : ''}`
      },
      async stop() {
        closing = true
        while (inFlight.size > 0) await Promise.allSettled(inFlight)
        for (const one of leave) one()
        leave = []
      },
    }
  },
})

/** The desk is asked at each request: referrals are taken while it is closed too. */
const deskOf = (tools: Tools): Desk | null => {
  try {
    return tools.service('referrals') as Desk
  } catch {
    return null
  }
}

/** The address of whoever asks, without a port; of a request of our own proxy, the last that it names. */
const senderBehind = ({ remote, headers }: Pick<WebRequest, 'remote' | 'headers'>, trusted: (address: string) => boolean): string => {
  const address = remote.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')
  const named = headerValue(headers, 'x-forwarded-for')?.split(',').at(-1)?.trim()
  return named && trusted(address) ? named.slice(0, 60) : address
}

/** Throws a sentence for settings that contradict each other. */
const checkSettings = ({ path, url, practice, link, codes, api, key, largest, maximum }: Static<typeof Settings> & { readonly largest: string; readonly maximum: string }): void => {
  if (path === undefined && api === undefined) throw new Error('say a `path` for the form, an `api`, or both.')
  if (path === undefined && (link ?? codes ?? url ?? practice) !== undefined) throw new Error('`link`, `codes`, `url` and `practice` go with the form: say its `path`.')
  if (path !== undefined && practice === undefined) throw new Error('the form needs `practice`: whose it is.')
  if (path !== undefined && !link && !codes) throw new Error('whoever refers must be known: the form needs a `link`, `codes` or both.')
  if (link && url === undefined) throw new Error('`link` needs `url`: what links in mails begin with.')
  if (link && !parseAddress(link.from)) throw new Error('`link.from` must hold one e-mail address: `Heart Center <referrals@heart.example>`.')
  for (const { email } of codes ?? []) if (email !== undefined && !isAddress(email)) throw new Error('`codes.email` must be one e-mail address.')
  if (api) {
    checkAuthentication(api)
    const proofs = [api.token, api.basic, api.hmac].filter((one) => one !== undefined).length
    if (proofs === 0 && api.local !== true) throw new Error('whoever sends must be known: `api` needs a `token`, `basic` or `hmac`; or `local: true`, and takes what this machine sends.')
    if (proofs > 0 && api.local) throw new Error('`api.local` is for an API without a token; leave one out.')
    if (api.path === path) throw new Error('`api.path` and `path` must differ.')
  }
  checkKey(key)
  if (size(maximum) > LARGEST_MAIL) throw new Error('`maximum` cannot be more than 36MB: in Base64 it would be larger than a message may be.')
  if (size(largest) > size(maximum)) throw new Error('`largest` is more than `maximum`, which holds for all documents together.')
}
