/** Receives messages over MLLP. */
import { Type } from 'typebox'
import { defineSource } from '../../engine/define.js'
import { Duration, duration, Size, size, withDefault } from '../../engine/units.js'
import { allowList } from '../../engine/web/allow.js'
import { Listener } from './listener.js'
import { seldom } from './seldom.js'
import { checkListenerTls, ListenerTls } from './tls.js'

const DEFAULTS = { host: '127.0.0.1', idle: '1h', connections: 1000, unanswered: 64, block: '50MB', blockTime: '1m', memory: '256MB', endOfData: 'optional' } as const

const Settings = Type.Object({
  port: Type.Integer({ minimum: 0, maximum: 65_535, description: 'The port to listen on; 0 is any free one.' }),
  host: Type.Optional(Type.String({ minLength: 1, maxLength: 253, default: DEFAULTS.host, description: 'The address to listen on. `127.0.0.1` is reached from this machine only; `0.0.0.0` and `::` are all of its addresses.' })),
  tls: Type.Optional(ListenerTls),
  allow: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 60 }), { minItems: 1, maxItems: 10_000, description: 'The only addresses (`10.1.2.3`) and networks (`10.1.0.0/16`) that may connect.' })),
  connections: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000, default: DEFAULTS.connections, description: 'How many connections there may be at once; one more is closed.' })),
  idle: Type.Optional(withDefault(Duration, DEFAULTS.idle, 'How long a connection may be silent before it is closed.')),
  block: Type.Optional(withDefault(Size, DEFAULTS.block, 'The longest message. A longer one is rejected, and the connection closed.')),
  blockTime: Type.Optional(withDefault(Duration, DEFAULTS.blockTime, 'How long one message may take to arrive.')),
  unanswered: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000, default: DEFAULTS.unanswered, description: 'How many messages of one connection may wait for their answers before no more is read from it.' })),
  memory: Type.Optional(withDefault(Size, DEFAULTS.memory, 'How much all connections together may hold of messages that are arriving or wait for their answers.')),
  endOfData: Type.Optional(Type.Enum(['optional', 'required'], { default: DEFAULTS.endOfData, description: 'Whether a message must end with FS and CR, or may end with FS alone.' })),
}, { additionalProperties: false })

export default defineSource({
  name: 'mllp',
  summary: 'Listens for messages over MLLP, plain or over TLS, and answers each once it is stored.',
  settings: Settings,
  examples: [
    { port: 2575 },
    { port: 2575, host: '0.0.0.0', allow: ['10.20.0.0/16'], idle: '10m', connections: 500 },
    { port: 2576, host: '0.0.0.0', tls: { cert: '/etc/refero/mllp.pem', key: '/etc/refero/mllp.key', clients: '/etc/refero/hospital-ca.pem', minVersion: 'TLSv1.3' } },
  ],
  create: (given, tools) => {
    const settings = { ...DEFAULTS, ...given }
    if (settings.tls) checkListenerTls(settings.tls)
    const limits = {
      block: size(settings.block), blockTime: duration(settings.blockTime), idle: duration(settings.idle),
      unanswered: settings.unanswered, needsReturn: settings.endOfData === 'required',
    }
    const memory = size(settings.memory)
    if (memory < limits.block) throw new Error(`\`memory: ${settings.memory}\` is less than one message may have (\`block: ${settings.block}\`).`)
    for (const name of ['block', 'blockTime', 'idle'] as const) if (limits[name] === 0) throw new Error(`\`${name}: ${settings[name]}\` leaves room for no message.`)
    const { host, port, connections, allow } = settings
    return new Listener({ host, port, tls: settings.tls, connections, allowed: allow ? allowList(allow) : () => true, limits, memory }, tools, seldom(tools.log, tools.clock))
  },
  claims: ({ port }) => (port === 0 ? [] : [`port ${port}`]),
})
