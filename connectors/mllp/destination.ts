/** Sends messages over MLLP, one at a time, each with its acknowledgement. */
import { isIP } from 'node:net'
import { Type } from 'typebox'
import { defineDestination } from '../../engine/define.js'
import { Duration, duration, Size, size, withDefault } from '../../engine/units.js'
import { Caller } from './caller.js'
import { CallerTls, checkCallerTls, readTls } from './tls.js'

const DEFAULTS = { connectTimeout: '10s', keepAlive: '30s', acknowledgement: 'first', answer: '1MB' } as const

const LONGEST = 2 ** 31 - 1 // milliseconds a timer can hold

const Settings = Type.Object({
  host: Type.String({ minLength: 1, maxLength: 253, description: 'The name or address of the receiver.' }),
  port: Type.Integer({ minimum: 1, maximum: 65_535, description: 'Its port.' }),
  tls: Type.Optional(CallerTls),
  connectTimeout: Type.Optional(withDefault(Duration, DEFAULTS.connectTimeout, 'How long connecting may take.')),
  keepAlive: Type.Optional(withDefault(Duration, DEFAULTS.keepAlive, 'After how much silence TCP asks whether the receiver is still there, which also keeps firewalls from forgetting the connection.')),
  acknowledgement: Type.Optional(Type.Enum(['first', 'application', 'none'], {
    default: DEFAULTS.acknowledgement,
    description: '`first`: the first answer that the message asks for settles it (MSH-15, MSH-16). `application`: only AA, AE or AR does, or a commit refusal. `none`: no answer is waited for.',
  })),
  answer: Type.Optional(withDefault(Size, DEFAULTS.answer, 'The longest answer.')),
}, { additionalProperties: false })

export default defineDestination({
  name: 'mllp',
  summary: 'Sends messages over MLLP, plain or over TLS, and waits for the acknowledgement of each.',
  settings: Settings,
  examples: [
    { host: 'epic.local', port: 6661 },
    { host: 'lab.example.org', port: 6662, tls: { ca: '/etc/refero/lab-ca.pem', cert: '/etc/refero/mllp.pem', key: '/etc/refero/mllp.key' }, acknowledgement: 'application' },
  ],
  create: (given, tools) => {
    const settings = { ...DEFAULTS, ...given }
    const { host, port, tls, acknowledgement } = settings
    if (tls) checkCallerTls(tls)
    const servername = tls?.servername ?? (isIP(host) ? undefined : host)
    return new Caller({
      host, port, acknowledgement, connectTimeout: Math.min(duration(settings.connectTimeout), LONGEST), keepAlive: Math.min(duration(settings.keepAlive), LONGEST), answer: size(settings.answer),
      secure: tls ? () => ({ ...readTls(tls, tools), ...(servername && { servername }) }) : null,
    }, tools.log)
  },
})
