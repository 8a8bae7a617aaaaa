/** The `xdr` source: receives documents by IHE XDR, Provide and Register Document Set-b (ITI-41), on the engine's web server. */
import { X509Certificate } from 'node:crypto'
import { Type } from 'typebox'
import type { Tools } from '../../engine/contracts.js'
import { defineSource } from '../../engine/define.js'
import { duration, Duration, size, Size, withDefault } from '../../engine/units.js'
import { authenticationSettings, checkAuthentication } from '../../engine/web/authentication.js'
import { type Entry, entryFor } from './entry.js'

const DEFAULTS = { maximum: '25MB', require: 'declared', rate: { requests: 600, within: '1m' }, skew: '1m' } as const

export default defineSource({
  name: 'xdr',
  summary: 'Receives documents by XDR (ITI-41: SOAP 1.2, MTOM or plain) as MIME messages of METADATA.XML and the documents, from HISPs, Carequality and TEFCA on-ramps.',
  settings: Type.Object({
    path: Type.String({ pattern: "^/[A-Za-z0-9._~!$&'()+,;=:@%/-]*$", maxLength: 500, description: 'The path on the engine’s web server: `/xdr`. TLS, and client certificates, are the reverse proxy’s before it.' }),
    ...authenticationSettings,
    token: Type.Optional(Type.String({ maxLength: 10_000, description: `A bearer token (RFC 6750): \`\${secret:name}\`. With an empty one it does not start.` })),
    saml: Type.Optional(Type.Object({
      required: Type.Optional(Type.Boolean({ default: false, description: 'Whether a request without an assertion is refused.' })),
      anchors: Type.Optional(Type.String({ minLength: 1, maxLength: 1_000_000, description: 'The certificates that assertions are signed by, or that issued those: PEM text, or a file. Without it no signature is looked at, and what an assertion says is kept as `unverified`.' })),
      audience: Type.Optional(Type.String({ minLength: 1, maxLength: 1000, description: 'Who an assertion must be for.' })),
      skew: Type.Optional(withDefault(Duration, DEFAULTS.skew, 'How far the clock of an issuer may be from ours.')),
    }, { additionalProperties: false, description: 'Reads SAML 2.0 assertions of WS-Security (XUA). Without it, a request that insists on its being understood is refused.' })),
    require: Type.Optional(Type.Enum(['declared', 'minimal'], { default: DEFAULTS.require, description: 'What metadata must say: what XDR requires unless they are declared minimal, or never more than what minimal metadata do.' })),
    maximum: Type.Optional(withDefault(Size, DEFAULTS.maximum, 'The largest request.')),
    rate: Type.Optional(Type.Object({
      requests: Type.Integer({ minimum: 1, maximum: 1_000_000, description: 'How many requests.' }),
      within: withDefault(Duration, DEFAULTS.rate.within, 'In which time.'),
    }, { additionalProperties: false, default: DEFAULTS.rate, description: 'What one address may send; the rest is answered 429.' })),
  }, { additionalProperties: false }),
  examples: [
    { path: '/xdr', basic: { user: 'hisp', password: `\${secret:hisp}` } },
    { path: '/xdr/carequality', token: `\${secret:on-ramp}`, saml: { required: true, audience: 'https://heart.example/xdr' }, require: 'minimal' },
  ],
  claims: ({ path }) => [`web path ${path}`],
  create(settings, tools) {
    checkAuthentication(settings)
    const { path, saml, require = DEFAULTS.require, rate = DEFAULTS.rate } = settings
    if (settings.token === undefined && !settings.basic && !settings.hmac && !(saml?.required && saml.anchors)) throw new Error('nobody would be asked who they are: set `token`, `basic`, `hmac`, or `saml` with `required: true` and `anchors`.')
    let entry: Entry | null = null
    let leave = (): void => {}
    return {
      async start(receive) {
        if (settings.token === '') throw new Error('nobody would be asked who they are: `token` is empty.')
        const opened = entryFor({
          ...settings, require, maximum: size(settings.maximum ?? DEFAULTS.maximum), rate: { requests: rate.requests, within: duration(rate.within) },
          saml: saml ? { required: saml.required ?? false, anchors: saml.anchors ? anchorsOf(saml.anchors, tools) : [], audience: saml.audience ?? null, skew: duration(saml.skew ?? DEFAULTS.skew) } : null,
        }, receive, tools)
        leave = tools.serve(path, opened.handle)
        entry = opened
        return `${path} on the engine’s web server`
      },
      async stop() {
        const stopping = entry?.close()
        entry = null
        await stopping
        leave()
        leave = () => {}
      },
    }
  },
})

const anchorsOf = (setting: string, tools: Tools): readonly X509Certificate[] => {
  try {
    const text = setting.includes('-----BEGIN ') ? setting : tools.beside(setting).text
    const found = text.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? []
    if (found.length === 0) throw new Error('there is no certificate in it')
    return found.map((one) => new X509Certificate(one))
  } catch (error) {
    throw new Error('`saml.anchors` is neither certificates as PEM text nor a file of them that can be read.', { cause: error })
  }
}
