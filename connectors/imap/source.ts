/** The `imap` source: takes the mails of a mailbox, each once, as soon as they are there. */
import { isIP } from 'node:net'
import { Type } from 'typebox'
import type { Tools } from '../../engine/contracts.js'
import { defineSource } from '../../engine/define.js'
import { Duration, duration, Size, size, withDefault } from '../../engine/units.js'
import { Mailbox } from './mailbox.js'

const DEFAULTS = { tls: 'implicit', mailbox: 'INBOX', take: 'unseen', every: '1m', after: 'seen', maximum: '35MB' } as const
const PORTS = { implicit: 993, required: 143, none: 143 } as const
const Folder = (description: string, value?: string) => Type.String({ minLength: 1, maxLength: 500, pattern: '^[^\\u0000-\\u001f\\u007f]*$', description, ...(value && { default: value }) })

export default defineSource({
  name: 'imap',
  summary: 'Takes the mails of an IMAP mailbox, each once: told at once by IDLE where the server has it, and looking again and again.',
  settings: Type.Object({
    host: Type.String({ minLength: 1, maxLength: 253, pattern: '^[A-Za-z0-9._:-]+$', description: 'The mail server.' }),
    port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535, description: 'Its port; without it 993, or 143 with `tls: required` and `tls: none`.' })),
    tls: Type.Optional(Type.Enum(['implicit', 'required', 'none'], { default: DEFAULTS.tls, description: '`implicit`: TLS from the first byte. `required`: STARTTLS, or nothing is read. `none`: in the clear, for a server on this machine.' })),
    ca: Type.Optional(Type.String({ minLength: 1, maxLength: 1_000_000, description: 'The authorities that the server’s certificate is known by, where they are not those that everybody trusts: PEM text, or a file beside the channel’s own.' })),
    servername: Type.Optional(Type.String({ minLength: 1, maxLength: 253, description: 'The name that the server’s certificate must have, where it is not `host`.' })),
    user: Type.String({ minLength: 1, maxLength: 500, description: 'Our name there.' }),
    password: Type.Optional(Type.String({ maxLength: 5000, description: `Our password there: \`\${secret:name}\`. Nothing is read while it is empty.` })),
    token: Type.Optional(Type.String({ minLength: 1, maxLength: 10_000, description: `An OAuth 2 access token instead of a password: \`\${secret:name}\`.` })),
    mailbox: Type.Optional(Folder('The mailbox.', DEFAULTS.mailbox)),
    take: Type.Optional(Type.Enum(['unseen', 'all'], { default: DEFAULTS.take, description: '`unseen`: what nobody has read. `all`: everything from the first mail on, read or not; the data folder remembers how far it came.' })),
    every: Type.Optional(withDefault(Duration, DEFAULTS.every, 'How often it is looked for new mail beside what the server tells of itself.')),
    after: Type.Optional(Type.Enum(['seen', 'move', 'delete'], { default: DEFAULTS.after, description: 'What is done to a mail once it is kept: it is marked as read, moved to `done`, or deleted.' })),
    done: Type.Optional(Folder('Where mails go with `after: move`. Made if it is missing.')),
    failed: Type.Optional(Folder('Where mails go that cannot be read or are too large. Made if it is missing. Without it they stay, read and flagged.')),
    maximum: Type.Optional(withDefault(Size, DEFAULTS.maximum, 'The largest mail; a larger one is not taken.')),
  }, { additionalProperties: false }),
  examples: [
    { host: 'mail.heart.example', user: 'referrals@heart.example', password: `\${secret:mailbox}` },
    { host: 'outlook.heart.example', user: 'referrals@heart.example', token: `\${secret:mailbox-token}`, after: 'move', done: 'Taken', failed: 'Failed' },
    { host: 'hisp.example', port: 143, tls: 'required', ca: 'hisp-ca.pem', user: 'heart', password: `\${secret:hisp}`, take: 'all', every: '5m' },
  ],
  claims: ({ host, user, mailbox = DEFAULTS.mailbox }) => [`mailbox ${user}@${host}/${mailbox}`],
  create(given, tools) {
    const settings = { ...DEFAULTS, ...given }
    const { host, tls, user, password, token, ca, mailbox, take, after, done, failed } = settings
    if ((password === undefined) === (token === undefined)) throw new Error('Set either `password` or `token`.')
    if (tls === 'none' && !(host === 'localhost' || host === '::1' || /^127\./.test(host))) throw new Error('The password would be sent in the clear; use `tls: implicit` or `tls: required`.')
    if (ca !== undefined && tls === 'none') throw new Error('`ca` is of no use with `tls: none`.')
    if ((after === 'move') !== (done !== undefined)) throw new Error('`after: move` and `done` go together; set both or neither.')
    if ([done, failed].includes(mailbox)) throw new Error('`done` and `failed` must be other folders than `mailbox`.')
    const limits = { every: duration(settings.every), maximum: size(settings.maximum) }
    if (limits.every === 0 || limits.maximum === 0) throw new Error('`every` and `maximum` leave room for nothing.')
    return new Mailbox({
      host, port: settings.port ?? PORTS[tls], tls, servername: settings.servername ?? (isIP(host) ? null : host),
      user, ...(password !== undefined ? { password } : { token: token as string }),
      mailbox, take, after, done: done ?? null, failed: failed ?? null, ...limits,
      authorities: () => (ca === undefined ? null : authorities(ca, tools)),
    }, tools)
  },
})

const authorities = (ca: string, tools: Tools): string => {
  if (ca.includes('-----BEGIN ')) return ca
  try {
    return tools.beside(ca).text
  } catch (error) {
    throw new Error(`\`ca\` is neither PEM text nor a file that can be read (${(error as NodeJS.ErrnoException).code}).`, { cause: error })
  }
}
