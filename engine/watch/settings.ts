/** What `watch:` may say: in a channel file, and for the whole installation. */
import { type Static, Type } from 'typebox'
import type { Mistake } from '../schema-errors.js'
import { sentence } from '../errors.js'
import { Duration, duration, withDefault } from '../units.js'
import { checkZone, readHours } from './hours.js'

const closed = { additionalProperties: false }
const SPACE = '^(?:100|[0-9]{1,2})(?:\\.[0-9]{1,3})?%$|^(?:0|[1-9][0-9]{0,8})(?:B|kB|MB)$|^(?:0|[1-9][0-9]{0,4})GB$'

const Times = (what: string) => Type.Union([
  Type.Integer({ minimum: 1, maximum: 1_000_000 }),
  Type.Object({ count: Type.Integer({ minimum: 1, maximum: 1_000_000 }), within: Duration }, closed),
], { description: `${what}: so many one after the other, or \`{ count: 10, within: 1h }\`.` })

/** `watch:` of a channel: when its silence, its queues, its ends or its certificates are an incident. */
export const Watch = Type.Object({
  silent: Type.Optional(Type.String({ ...Duration, description: 'Nothing has arrived for this long; only the time within `hours` counts.' })),
  oldest: Type.Optional(Type.String({ ...Duration, description: 'A delivery has waited for this long since its message arrived; what the installation says (1h) where nothing is said.' })),
  depth: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000_000, description: 'So many deliveries wait for one destination.' })),
  refused: Type.Optional(Times('Deliveries that a destination refused')),
  errors: Type.Optional(Times('Messages that were unreadable or failed in their steps')),
  disconnected: Type.Optional(Type.String({ ...Duration, description: 'No sender has been connected and nothing has arrived, within `hours`; or a destination could not be reached: for this long.' })),
  certificate: Type.Optional(Type.String({ ...Duration, description: 'A certificate in the settings of its ends is valid for no longer than this; what the installation says (30d) where nothing is said.' })),
  hours: Type.Optional(Type.String({ minLength: 1, maxLength: 500, description: 'When messages are expected: `Mon-Fri 07:00-19:00`, several joined by commas; always where nothing is said.' })),
  zone: Type.Optional(Type.String({ minLength: 1, maxLength: 100, description: 'The time zone of `hours`: `America/New_York`; what the installation says where nothing is said.' })),
}, { ...closed, default: {}, description: 'When the person on call is told.' })

export type Watch = Static<typeof Watch>
/** A number of times: one after the other, or within a time. */
export type Times = NonNullable<Watch['refused']>

/** A free space that is too little: a share of the disk, `5%`, or a size. */
export const Space = Type.String({ pattern: SPACE, description: 'A share of the disk or a size: `5%` or `2GB`.' })

/** `watch:` of the configuration: what is watched without being asked for, and how incidents are told. */
export const WatchSettings = Type.Object({
  every: withDefault(Duration, '15s', 'How often the engine looks.'),
  disk: Space,
  certificate: Duration,
  oldest: Duration,
  grace: Duration,
  again: Duration,
  hourly: Type.Integer({ minimum: 1, maximum: 10_000 }),
  keep: Duration,
  zone: Type.String({ minLength: 1, maxLength: 100, description: 'A time zone: `America/New_York`; `local` is that of this machine.' }),
}, closed)

export type WatchSettings = Static<typeof WatchSettings>

const TOO_SHORT = ['silent', 'oldest', 'disconnected'] as const

/** What the schema cannot say: hours that are none, a zone that there is not, a time of nothing. `value` is a whole channel as read. */
export const watchMistakes = (value: unknown): readonly Mistake[] => {
  const watch = ((value ?? {}) as { readonly watch?: unknown }).watch
  if (typeof watch !== 'object' || watch === null) return []
  const said = watch as Readonly<Record<string, unknown>>
  const text = (name: string): string | null => (typeof said[name] === 'string' && said[name] !== '' ? said[name] : null)
  const wrong = (name: string, message: string): Mistake => ({ keys: ['watch', name], at: 'value', rule: 'wrong-value', message: `\`${name}\`: ${message}` })
  const [hours, zone] = [text('hours'), text('zone')]
  return [
    ...attempt(() => hours !== null && readHours(hours), (message) => wrong('hours', message)),
    ...attempt(() => zone !== null && checkZone(zone), (message) => wrong('zone', message)),
    ...TOO_SHORT.filter((name) => said[name] !== undefined && /^0(ms|[smhd])$/.test(text(name) ?? '')).map((name) => wrong(name, 'it is never shorter than this; say how long, or leave it out.')),
  ]
}

const attempt = (read: () => unknown, failed: (message: string) => Mistake): Mistake[] => {
  try {
    read()
    return []
  } catch (error) {
    return [failed(sentence(error))]
  }
}

/** Milliseconds of a duration that may be absent. */
export const lasting = (text: string | undefined): number | null => (text === undefined ? null : duration(text))
