/** The `fax` source: faxes of a fax service, pushed, fetched or polled, and what became of ours, each as a mail. */
import { join, resolve } from 'node:path'
import { type Static, Type } from 'typebox'
import type { Receive } from '../../engine/contracts.js'
import { defineSource } from '../../engine/define.js'
import { Duration, duration, Size, size, withDefault } from '../../engine/units.js'
import { authenticationSettings, checkAuthentication } from '../../engine/web/authentication.js'
import { readFacts } from './facts.js'
import { FolderWatch } from './folder-watch.js'
import type { Intake } from './intake.js'
import { Ledger } from './ledger.js'
import { Poller } from './polling.js'
import type { Provider, Way } from './provider.js'
import { NAMES, providerOf } from './providers/index.js'
import { ed25519Key } from './providers/telnyx.js'
import { type Account, limitOf } from './requests.js'
import { type Api, ApiSettings, COUNTRY, MAPPING, NAME } from './settings.js'
import { Tracking } from './tracking.js'
import { hookOf } from './webhook.js'
import { Worker } from './worker.js'

const DEFAULTS = { maximum: '25MB', country: '1', settle: '2s', giveUp: '3d', uncertainAfter: '24h', sidecar: 'none', requests: 6000, within: '1m' } as const

const LOOK = { service: '60s', folder: '2s' } as const

const Settings = Type.Object({
  provider: Type.Enum([...NAMES], { description: 'The service.' }),
  name: Type.Optional(NAME),
  mapping: Type.Optional(MAPPING),
  path: Type.Optional(Type.String({ pattern: "^/[A-Za-z0-9._~!$&'()+,;=:@%/-]*$", maxLength: 500, description: 'The path on the engine’s web server that the service calls: `/hooks/fax`.' })),
  ...authenticationSettings,
  secret: Type.Optional(Type.String({ minLength: 16, maxLength: 1000, description: `What the service’s address for us must hold as \`?key=…\`, where nothing better proves who calls: \`\${secret:name}\`.` })),
  publicKey: Type.Optional(Type.String({ minLength: 32, maxLength: 5000, description: 'The service’s Ed25519 key (Telnyx): PEM text, or base64 as it is shown there.' })),
  callback: Type.Optional(Type.Object({
    token: Type.String({ minLength: 1, maxLength: 1000, description: `The callback token: \`\${secret:name}\`.` }),
    url: Type.String({ pattern: '^https?://', maxLength: 1000, description: 'The address that the service calls, as it is written there.' }),
  }, { additionalProperties: false, description: 'A signature over the address and the form (Phaxio).' })),
  api: Type.Optional(ApiSettings),
  maximum: Type.Optional(withDefault(Size, DEFAULTS.maximum, 'The largest document.')),
  country: Type.Optional(COUNTRY),
  rate: Type.Optional(Type.Object({
    requests: Type.Integer({ minimum: 1, maximum: 1_000_000, description: 'How many calls.' }),
    within: withDefault(Duration, DEFAULTS.within, 'In which time.'),
  }, { additionalProperties: false, description: 'What one address may send; the rest is answered 429. 6000 a minute where nothing is said.' })),
  poll: Type.Optional(Type.String({ ...Duration, description: `How often the service is asked (${LOOK.service}), or the folder looked at (${LOOK.folder}).` })),
  giveUp: Type.Optional(withDefault(Duration, DEFAULTS.giveUp, 'After how long a file that cannot be fetched is told of as a fax that was not received.')),
  uncertainAfter: Type.Optional(withDefault(Duration, DEFAULTS.uncertainAfter, 'After how long without a last word a fax of ours is told of as uncertain.')),
  folder: Type.Optional(Type.String({ minLength: 1, maxLength: 1000, description: 'The folder (`provider: folder`); a relative one is in the data folder.' })),
  sidecar: Type.Optional(Type.Enum(['none', 'json', 'xml', 'txt'], { default: DEFAULTS.sidecar, description: 'What the fax server writes beside each fax; a fax waits for it.' })),
  names: Type.Optional(Type.String({ minLength: 1, maxLength: 500, description: 'A regular expression over the names of files; its named groups are fields: `^(?<from>\\d+)_(?<id>\\w+)`.' })),
  settle: Type.Optional(withDefault(Duration, DEFAULTS.settle, 'For how long a file in the folder must not have changed.')),
}, { additionalProperties: false })
type Settings = Static<typeof Settings>

export default defineSource({
  name: 'fax',
  summary: 'Takes faxes of a fax service as mails: verified, kept on the disk and answered at once, fetched afterwards; and what became of the faxes that were sent.',
  settings: Settings,
  examples: [
    { provider: 'documo', path: '/hooks/fax/documo', basic: { user: 'documo', password: `\${secret:documo-hook}` }, api: { key: `\${secret:documo-key}` } },
    { provider: 'telnyx', path: '/hooks/fax/telnyx', publicKey: 'MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=', api: { key: `\${secret:telnyx-key}` } },
    { provider: 'srfax', poll: '60s', api: { user: '12345', password: `\${secret:srfax}` } },
    { provider: 'folder', folder: 'faxes', sidecar: 'xml', names: '^(?<from>\\d+)-(?<id>\\w+)\\.tif$' },
  ],
  claims: ({ path, folder }) => [...(path === undefined ? [] : [`web path ${path}`]), ...(folder === undefined ? [] : [`folder ${folder}`])],
  create(given, tools) {
    const provider = providerOf(given.provider)
    const settings = { ...DEFAULTS, poll: provider.shape === 'folder' ? LOOK.folder : LOOK.service, ...given }
    checkSettings(settings, provider)
    const name = settings.name ?? provider.name
    const maximum = size(settings.maximum)
    let running: readonly { stop(): Promise<void> }[] = []

    const begin = async (receive: Receive): Promise<{ readonly at: string; readonly parts: typeof running }> => {
      const facts = readFacts(tools.mapping(settings.mapping ?? `fax/${provider.name}`))
      const account: Account = { facts, api: (settings.api ?? {}) as Api, maximum }
      const ledger = new Ledger(join(tools.dataFolder, 'fax', 'received', tools.channel || 'channel'))
      const waiting = await ledger.open()
      const intake: Intake = { naming: { name, country: settings.country }, receive, ledger, tracking: new Tracking(tools.dataFolder, name), maximum, log: tools.log }
      const poller = new Poller(account, intake, tools.clock, { every: duration(settings.poll), uncertainAfter: duration(settings.uncertainAfter) })
      if (provider.shape === 'folder') {
        const folder = resolve(tools.dataFolder, settings.folder ?? '')
        const watch = new FolderWatch({ folder, sidecar: settings.sidecar, name: settings.names === undefined ? null : new RegExp(settings.names), poll: duration(settings.poll), settle: duration(settings.settle) }, facts, intake, tools.clock)
        await watch.start()
        return { at: folder, parts: [watch] }
      }
      if (provider.shape === 'poll') {
        poller.start()
        return { at: new URL(String(account.api.base ?? facts.base)).host, parts: [poller] }
      }
      const worker = new Worker(provider, account, intake, tools.clock, duration(settings.giveUp))
      const rate = { requests: settings.rate?.requests ?? DEFAULTS.requests, within: duration(settings.rate?.within ?? DEFAULTS.within) }
      const hook = hookOf({ provider, proofs: settings, maximum: limitOf(maximum), rate, ledger, kept: (entry, event) => worker.add(entry, event) }, tools)
      const leave = tools.serve(settings.path as string, hook.handler)
      for (const entry of waiting) worker.add(entry, null)
      poller.start()
      return { at: `${settings.path} on the engine’s web server`, parts: [{ stop: async () => { await hook.close(); leave() } }, worker, poller] }
    }

    return {
      async start(receive) {
        const { at, parts } = await begin(receive)
        running = parts
        return at
      },
      async stop() {
        for (const part of running) await part.stop()
        running = []
      },
    }
  },
})

/** Throws a sentence for settings that do not fit the service. */
const checkSettings = (settings: Settings, provider: Provider): void => {
  const api = settings.api ?? {}
  for (const needed of provider.needs.source) if (api[needed as keyof typeof api] === undefined) throw new Error(`\`${provider.name}\` needs \`api.${needed}\`.`)
  checkAuthentication(settings)
  const proofs = (['token', 'basic', 'hmac', 'secret', 'publicKey', 'callback'] as const satisfies readonly Way[]).filter((way) => settings[way] !== undefined)
  for (const way of proofs) if (!provider.ways.includes(way)) throw new Error(`\`${way}\` is no way in which \`${provider.name}\` proves who it is; ${provider.ways.length === 0 ? 'it calls nobody' : `it has \`${provider.ways.join('`, `')}\``}.`)
  if (provider.shape === 'push') {
    if (settings.path === undefined) throw new Error(`\`${provider.name}\` needs the \`path\` that it calls.`)
    if (proofs.length === 0) throw new Error(`whoever calls must be known: \`${provider.name}\` needs \`${provider.ways.join('` or `')}\`.`)
    if (settings.publicKey !== undefined) ed25519Key(settings.publicKey)
  } else if (settings.path !== undefined) throw new Error(`\`${provider.name}\` calls nobody; leave \`path\` out.`)
  if ((provider.shape === 'folder') !== (settings.folder !== undefined)) throw new Error(provider.shape === 'folder' ? '`folder` is missing: where the faxes are.' : `\`folder\` is of no use with \`${provider.name}\`.`)
  try {
    new RegExp(settings.names ?? '')
  } catch {
    throw new Error('`names` is no regular expression.')
  }
}

