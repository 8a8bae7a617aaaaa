/** The `smtp` source: takes mails as a mail server does, from a HISP that relays to us or from the servers of a practice. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { Type } from 'typebox'
import { defineSource } from '../../engine/define.js'
import { Duration, duration, Size, size, withDefault } from '../../engine/units.js'
import { allowList, isLoopback } from '../../engine/web/allow.js'
import { Listener } from './listener.js'
import { certificateSettings } from './tls.js'

const DEFAULTS = { host: '127.0.0.1', maximum: '35MB', within: '5m', connections: 100, memory: '128MB' } as const
const RATE = { mails: 300, within: '1m' } as const
const RECIPIENT = '^(?:[^\\s<>()\\[\\]\\\\,;:"@]{1,64}@)?[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*$'

export default defineSource({
  name: 'smtp',
  summary: 'Takes mails by SMTP: 250 once a mail is kept, 554 where it is rejected, 451 where it is to be sent again. It relays nothing.',
  settings: Type.Object({
    port: Type.Integer({ minimum: 0, maximum: 65_535, description: 'The port to listen on: 25 for what servers relay, 587 for what is submitted, 465 with `tls: implicit`; 0 is any free one.' }),
    host: Type.Optional(Type.String({ minLength: 1, maxLength: 255, default: DEFAULTS.host, description: 'The address to listen on. `127.0.0.1` is reached from this machine only; `0.0.0.0` and `::` are all of its addresses.' })),
    recipients: Type.Array(Type.String({ pattern: RECIPIENT, maxLength: 254 }), { minItems: 1, maxItems: 10_000, description: 'Whose mail is taken: addresses (`referrals@heart.example`, and so `referrals+R-7K3M-9QX4@heart.example`) and whole domains (`direct.heart.example`). Mail to anyone else is answered 550.' }),
    tls: Type.Optional(Type.Enum(['required', 'optional', 'none', 'implicit'], { description: '`required`: STARTTLS, or no mail is taken; what holds where `cert` is set. `optional`: STARTTLS for who asks for it. `implicit`: TLS from the first byte. `none`: in the clear; what holds without `cert`.' })),
    ...certificateSettings,
    users: Type.Optional(Type.Array(Type.Object({
      user: Type.String({ minLength: 1, maxLength: 255, description: 'The name.' }),
      password: Type.String({ minLength: 1, maxLength: 10_000, description: `The password: \`\${secret:name}\`.` }),
    }, { additionalProperties: false }), { minItems: 1, maxItems: 1000, description: 'Who may send, after AUTH PLAIN or LOGIN (RFC 4954).' })),
    allow: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 60 }), { minItems: 1, maxItems: 10_000, description: 'The only addresses (`10.1.2.3`) and networks (`10.1.0.0/16`) that may connect; without `users` they need no password.' })),
    maximum: Type.Optional(withDefault(Size, DEFAULTS.maximum, 'The largest mail; a larger one is answered 552.')),
    within: Type.Optional(withDefault(Duration, DEFAULTS.within, 'How long a mail may take to arrive, and how long a connection may go without one.')),
    rate: Type.Optional(Type.Object({
      mails: Type.Integer({ minimum: 1, maximum: 1_000_000, default: RATE.mails, description: 'How many mails.' }),
      within: withDefault(Duration, RATE.within, 'In which time.'),
    }, { additionalProperties: false, default: { ...RATE }, description: 'What one sender’s address may send; more is answered 450.' })),
    connections: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000, default: DEFAULTS.connections, description: 'How many connections there may be at once; one more is answered 421.' })),
    memory: Type.Optional(withDefault(Size, DEFAULTS.memory, 'How much all mails that are arriving or wait for their answers may hold together; one more is answered 452.')),
  }, { additionalProperties: false }),
  examples: [
    { port: 2525, recipients: ['referrals@heart.example'] },
    { port: 25, host: '0.0.0.0', recipients: ['direct.heart.example'], allow: ['203.0.113.0/28'], tls: 'required', cert: '/etc/refero/mail.pem', key: `\${secret:mail-key}` },
    { port: 465, host: '0.0.0.0', recipients: ['referrals@heart.example'], tls: 'implicit', cert: '/etc/refero/mail.pem', key: `\${secret:mail-key}`, users: [{ user: 'hisp', password: `\${secret:hisp}` }], rate: { mails: 60, within: '1m' } },
  ],
  claims: ({ port }) => (port === 0 ? [] : [`port ${port}`]),
  create(given, tools) {
    const settings = { ...DEFAULTS, ...given }
    const { host, port, users = [], allow, cert, key, connections, recipients } = settings
    const tls = settings.tls ?? (cert === undefined ? 'none' : 'required')
    if ((cert === undefined) !== (key === undefined)) throw new Error('`cert` and `key` go together; set both or neither.')
    if (tls !== 'none' && cert === undefined) throw new Error(`\`tls: ${tls}\` needs \`cert\` and \`key\`.`)
    if (tls === 'none' && cert !== undefined) throw new Error('`cert` and `key` are of no use with `tls: none`.')
    if (users.length === 0 && allow === undefined && !isLoopback(host)) throw new Error(`Anybody who reaches ${host} could send: set \`users\` (a password each) or \`allow\` (the addresses of the relay), or listen on 127.0.0.1.`)
    if (users.length > 0 && tls === 'none' && !isLoopback(host)) throw new Error('Passwords would be sent in the clear; use `tls: required` or `tls: implicit`.')
    if (new Set(users.map(({ user }) => user)).size < users.length) throw new Error('`users` names somebody twice.')
    const limits = { maximum: size(settings.maximum), within: duration(settings.within), memory: size(settings.memory), connections }
    if (limits.maximum === 0 || limits.within === 0) throw new Error('`maximum` and `within` leave room for no mail.')
    if (limits.memory < limits.maximum) throw new Error(`\`memory: ${settings.memory}\` is less than one mail may have (\`maximum: ${settings.maximum}\`).`)
    const rate = { ...RATE, ...settings.rate }
    const passwords = new Map(users.map(({ user, password }) => [user, hash(password)]))
    return new Listener({
      host, port, tls, certificate: cert !== undefined && key !== undefined ? { cert, key } : null, limits,
      rate: { mails: rate.mails, within: duration(rate.within) },
      allowed: allow ? allowList(allow) : () => true,
      authenticates: users.length === 0 ? null : (user, password) => timingSafeEqual(passwords.get(user) ?? NOBODY, hash(password)),
      takes: recipientList(recipients),
    }, tools)
  },
})

const hash = (text: string): Buffer => createHash('sha256').update(text).digest()
const NOBODY = Buffer.alloc(32)

/** Whether an address is one that is listed, as it is or with a detail behind a plus (RFC 5233), or of a domain that is; neither tells capitals apart. */
const recipientList = (recipients: readonly string[]): ((address: string) => boolean) => {
  const listed = new Set(recipients.map((one) => one.toLowerCase()))
  return (address) => {
    const whole = address.toLowerCase()
    return listed.has(whole) || listed.has(whole.slice(whole.lastIndexOf('@') + 1)) || listed.has(whole.replace(/\+[^@]*(?=@)/, ''))
  }
}
