/** The `email` destination: hands MIME messages to a mail server over SMTP, one at a time. */
import { isIP } from 'node:net'
import type { SecureContextOptions } from 'node:tls'
import { Type } from 'typebox'
import type { Tools } from '../../engine/contracts.js'
import { defineDestination } from '../../engine/define.js'
import { isAddress } from '../../engine/formats/mime/compose.js'
import { sealing } from '../../engine/smime/sealing-destination.js'
import { SealSettings } from '../../engine/smime/settings.js'
import { Duration, duration, withDefault } from '../../engine/units.js'
import { isLoopback } from '../../engine/web/allow.js'
import { asking } from './asking.js'
import { Caller } from './caller.js'

const DEFAULTS = { tls: 'required', connectTimeout: '10s' } as const
const PORTS = { required: 587, none: 25, implicit: 465 } as const
const LONGEST = 2 ** 31 - 1 // milliseconds a timer can hold

export default defineDestination({
  name: 'email',
  summary: 'Sends MIME messages by SMTP, to whom their header names; over TLS unless said otherwise.',
  settings: Type.Object({
    host: Type.String({ minLength: 1, maxLength: 253, pattern: '^[A-Za-z0-9._:-]+$', description: 'The mail server that takes our mail.' }),
    port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535, description: 'Its port; without it 587, or 465 with `tls: implicit` and 25 with `tls: none`.' })),
    tls: Type.Optional(Type.Enum(['required', 'none', 'implicit'], { default: DEFAULTS.tls, description: '`required`: STARTTLS, or nothing is sent. `implicit`: TLS from the first byte. `none`: in the clear, for a server on this machine or this network.' })),
    ca: Type.Optional(Type.String({ minLength: 1, maxLength: 1_000_000, description: 'The authorities that the server’s certificate is known by, where they are not those that everybody trusts: PEM text, or a file beside the channel’s own.' })),
    servername: Type.Optional(Type.String({ minLength: 1, maxLength: 253, description: 'The name that the server’s certificate must have, where it is not `host`.' })),
    user: Type.Optional(Type.String({ minLength: 1, maxLength: 500, description: 'Our name there.' })),
    password: Type.Optional(Type.String({ minLength: 1, maxLength: 5000, description: `Our password there: \`\${secret:name}\`.` })),
    from: Type.Optional(Type.String({ minLength: 3, maxLength: 254, description: 'Who is told when a mail cannot be delivered; without it, the message’s Sender or From.' })),
    notify: Type.Optional(Type.Union([Type.Literal('never'), Type.Array(Type.Enum(['success', 'failure', 'delay']), { minItems: 1, uniqueItems: true })], { description: 'Which delivery status notifications are asked for where the server has them (RFC 3461); without it of failure and delay. Where it is set, the response names the mail by `tracking`.' })),
    receipts: Type.Optional(Type.Object({
      direct: Type.Optional(Type.Boolean({ default: false, description: 'Asks the final HISP too to say when it has delivered: “dispatched”.' })),
    }, { additionalProperties: false, description: 'Asks for receipts (MDN, RFC 8098) to `from`. The response names the mail by `tracking`, and what comes of it arrives later.' })),
    connectTimeout: Type.Optional(withDefault(Duration, DEFAULTS.connectTimeout, 'How long connecting may take.')),
    smime: Type.Optional(SealSettings),
  }, { additionalProperties: false }),
  examples: [
    { host: 'mail.heart.example', user: 'referrals', password: `\${secret:mail}` },
    { host: 'relay.heart.example', tls: 'implicit', ca: 'heart-ca.pem', from: 'bounces@heart.example' },
    { host: '127.0.0.1', port: 2525, tls: 'none' },
    { host: 'relay.heart.example', smime: { identities: [{ address: 'direct.heart.example', certificate: 'direct.pem', key: `\${secret:direct-key}` }], anchors: ['anchors.p7b'] } },
    { host: 'hisp.example', user: 'heart', password: `\${secret:hisp}`, notify: ['success', 'failure', 'delay'], receipts: { direct: true } },
  ],
  create(given, tools) {
    const settings = { ...DEFAULTS, ...given }
    const { host, tls, user, password, ca, from, notify, receipts } = settings
    if ((user === undefined) !== (password === undefined)) throw new Error('`user` and `password` go together; set both or neither.')
    if (user !== undefined && tls === 'none' && !isLoopback(host)) throw new Error('`password` would be sent in the clear; use `tls: required` or `tls: implicit`.')
    if (ca !== undefined && tls === 'none') throw new Error('`ca` is of no use with `tls: none`.')
    if (from !== undefined && !isAddress(from)) throw new Error('`from` must be one e-mail address, such as `bounces@heart.example`.')
    const caller = new Caller({
      host, port: settings.port ?? PORTS[tls], tls,
      servername: settings.servername ?? (isIP(host) ? null : host),
      credentials: user !== undefined && password !== undefined ? { user, pass: password } : null,
      from: from ?? null,
      notify: notify === undefined ? ['failure', 'delay'] : notify === 'never' ? ['never'] : notify,
      tracks: notify !== undefined || receipts !== undefined,
      connectTimeout: Math.min(duration(settings.connectTimeout), LONGEST),
      authorities: () => (ca === undefined ? {} : authorities(ca, tools)),
    }, tools.log)
    const sent = settings.smime === undefined ? caller : sealing(settings.smime, tools, caller)
    return receipts ? asking({ from: from ?? null, direct: receipts.direct ?? false }, sent) : sent
  },
})

const authorities = (ca: string, tools: Tools): SecureContextOptions => {
  if (ca.includes('-----BEGIN ')) return { ca }
  try {
    return { ca: tools.beside(ca).text }
  } catch (error) {
    throw new Error(`\`ca\` is neither PEM text nor a file that can be read (${(error as NodeJS.ErrnoException).code}).`, { cause: error })
  }
}
