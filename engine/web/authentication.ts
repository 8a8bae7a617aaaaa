/** How a sender proves who it is, on both ends: a token, a user and password, or a signature of the body. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { type Static, Type } from 'typebox'
import { duration, Duration, withDefault } from '../units.js'

const DEFAULTS = { header: 'x-signature', algorithm: 'sha256', encoding: 'hex', prefix: '', separator: '.', tolerance: '5m' } as const
const Secret = Type.String({ minLength: 1, maxLength: 10_000, description: `A secret: \`\${secret:name}\`.` })
const HeaderName = (description: string, value?: string) =>
  Type.String({ pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$", description, ...(value && { default: value }) })

const Hmac = Type.Object({
  secret: Secret,
  header: Type.Optional(HeaderName('The header that holds the signature.', DEFAULTS.header)),
  algorithm: Type.Optional(Type.Enum(['sha256', 'sha384', 'sha512'], { default: DEFAULTS.algorithm, description: 'The hash of the HMAC (RFC 2104).' })),
  encoding: Type.Optional(Type.Enum(['hex', 'base64'], { default: DEFAULTS.encoding, description: 'How the signature is written.' })),
  prefix: Type.Optional(Type.String({ maxLength: 100, default: DEFAULTS.prefix, description: 'What stands before the signature: `sha256=`.' })),
  timestamp: Type.Optional(Type.Object({
    header: HeaderName('The header that holds the time of signing: seconds or milliseconds since 1970, or ISO 8601.'),
    separator: Type.Optional(Type.String({ maxLength: 10, default: DEFAULTS.separator, description: 'What stands between the time and the body in what is signed.' })),
    tolerance: Type.Optional(withDefault(Duration, DEFAULTS.tolerance, 'How far the time of signing may be from now.')),
  }, { additionalProperties: false, description: 'Signs the time too, so that a request that was overheard cannot be sent again later.' })),
}, { additionalProperties: false, description: 'A signature of the body with a shared secret.' })

/** The settings of authentication, for the settings of a source and of a destination; at most one of the three. */
export const authenticationSettings = {
  token: Type.Optional(Type.String({ minLength: 1, maxLength: 10_000, description: `A bearer token (RFC 6750): \`\${secret:name}\`.` })),
  basic: Type.Optional(Type.Object({
    user: Type.String({ minLength: 1, maxLength: 1000, pattern: '^[^:]*$', description: 'The user; it cannot hold a colon.' }),
    password: Secret,
  }, { additionalProperties: false, description: 'A user and password (RFC 7617).' })),
  hmac: Type.Optional(Hmac),
}

const Settings = Type.Object(authenticationSettings)
export type Authentication = Static<typeof Settings>

/** Throws a sentence where more than one way of authentication is set. */
export const checkAuthentication = (settings: Authentication): void => {
  const chosen = (['token', 'basic', 'hmac'] as const).filter((way) => settings[way] !== undefined)
  if (chosen.length > 1) throw new Error(`\`${chosen.join('` and `')}\` cannot be used together; keep one of them.`)
}

export type Headers = Readonly<Record<string, string | readonly string[] | undefined>>

/** The one value of a header, or null where it is missing or repeated. */
export const headerValue = (headers: Headers, name: string): string | null => {
  const value = headers[name.toLowerCase()]
  return typeof value === 'string' ? value : value?.length === 1 ? (value[0] ?? null) : null
}

/** Whether the `Authorization` header holds the token or the user and password that are set; true where neither is. */
export const isAuthorized = (settings: Authentication, headers: Headers): boolean => {
  if (!settings.token && !settings.basic) return true
  const [scheme = '', credentials = ''] = (headerValue(headers, 'authorization') ?? '').split(/ +(.*)/s, 2)
  if (settings.token) return scheme.toLowerCase() === 'bearer' && same(credentials, settings.token)
  return scheme.toLowerCase() === 'basic' && same(Buffer.from(credentials, 'base64').toString(), userAndPassword(settings))
}

/** Whether the body is signed as `hmac` says, and the time of signing is near `now`; true where `hmac` is not set. */
export const isSigned = ({ hmac }: Authentication, headers: Headers, body: Buffer, now: Date): boolean => {
  if (!hmac) return true
  const { header, timestamp } = { ...DEFAULTS, ...hmac }
  const given = headerValue(headers, header)
  const time = timestamp ? headerValue(headers, timestamp.header) : ''
  if (given === null || time === null) return false
  if (timestamp && !(Math.abs(signedAt(time) - now.getTime()) <= duration(timestamp.tolerance ?? DEFAULTS.tolerance))) return false
  return same(given, signature(hmac, time, body))
}

/** What a 401 asks for (RFC 9110 §11.6.1). */
export const challenge = (settings: Authentication): string =>
  settings.token ? 'Bearer realm="refero"' : settings.basic ? 'Basic realm="refero", charset="UTF-8"' : 'Signature realm="refero"'

/** The headers that prove to a receiver who we are. */
export const credentials = (settings: Authentication, body: Buffer, now: Date): Readonly<Record<string, string>> => {
  if (settings.token) return { authorization: `Bearer ${settings.token}` }
  if (settings.basic) return { authorization: `Basic ${Buffer.from(userAndPassword(settings)).toString('base64')}` }
  if (!settings.hmac) return {}
  const { header, timestamp } = { ...DEFAULTS, ...settings.hmac }
  const time = timestamp ? String(Math.floor(now.getTime() / 1000)) : ''
  return { [header]: signature(settings.hmac, time, body), ...(timestamp && { [timestamp.header]: time }) }
}

const userAndPassword = ({ basic }: Authentication): string => `${basic?.user}:${basic?.password}`

const signature = (hmac: Static<typeof Hmac>, time: string, body: Buffer): string => {
  const { secret, algorithm, encoding, prefix, timestamp } = { ...DEFAULTS, ...hmac }
  const signed = createHmac(algorithm, secret)
  if (timestamp) signed.update(`${time}${timestamp.separator ?? DEFAULTS.separator}`)
  return prefix + signed.update(body).digest(encoding)
}

/** Milliseconds since 1970; NaN for what is no time. A number too small for milliseconds counts seconds. */
const signedAt = (text: string): number => (/^[0-9]{1,16}$/.test(text) ? Number(text) * (text.length < 12 ? 1000 : 1) : Date.parse(text))

/** Compares in a time that tells nothing of where two texts differ. */
export const same = (one: string, other: string): boolean => timingSafeEqual(createHash('sha256').update(one).digest(), createHash('sha256').update(other).digest())
