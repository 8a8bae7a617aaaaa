/** TLS of both ends: the settings, and what they become once the certificates and keys are read. */
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { createSecureContext, type SecureContextOptions } from 'node:tls'
import { type Static, Type } from 'typebox'
import type { Tools } from '../../engine/contracts.js'

const OLDEST = 'TLSv1.2'

const pem = (what: string) =>
  Type.String({ minLength: 1, maxLength: 1_000_000, description: `${what}: PEM text (\`\${secret:name}\`), or a file: absolute, or beside the channel's own. A file that changes is read again.` })

const common = {
  passphrase: Type.Optional(Type.String({ minLength: 1, maxLength: 1000, description: `What the key is encrypted with: \`\${secret:name}\`.` })),
  minVersion: Type.Optional(Type.Enum(['TLSv1.2', 'TLSv1.3'], { default: OLDEST, description: 'The oldest version of TLS that is spoken.' })),
  ciphers: Type.Optional(Type.String({ minLength: 1, maxLength: 2000, description: 'The cipher suites, as OpenSSL names them; without it those of Node.js.' })),
}

/** TLS of a listener; with `clients` it is mutual. */
export const ListenerTls = Type.Object({
  cert: pem('The certificate of this listener, followed by those between it and the root'),
  key: pem('Its private key'),
  clients: Type.Optional(pem('The authorities whose certificates senders must show')),
  clientAuth: Type.Optional(Type.Enum(['require', 'request', 'none'], {
    description: '`require`: no certificate, no connection; what `clients` means where this is not set. `request`: none is allowed, a bad one is not. `none`: senders are not asked.',
  })),
  names: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 253 }), { minItems: 1, maxItems: 1000, description: 'The only names (DNS names of the certificate) that senders may have.' })),
  ...common,
}, { additionalProperties: false, description: 'Speaks TLS.' })

/** TLS of a caller; `{}` trusts the authorities that Node.js trusts. */
export const CallerTls = Type.Object({
  ca: Type.Optional(pem('The authorities, or the very certificate, that the receiver is known by; without it those that Node.js trusts')),
  cert: Type.Optional(pem('The certificate that this end shows')),
  key: Type.Optional(pem('Its private key')),
  servername: Type.Optional(Type.String({ minLength: 1, maxLength: 253, description: 'The name that the receiver’s certificate must have, where it is not `host`.' })),
  ...common,
}, { additionalProperties: false, description: 'Speaks TLS; the receiver’s certificate is always checked.' })

export type ListenerTls = Static<typeof ListenerTls>
export type CallerTls = Static<typeof CallerTls>

/** What of the settings makes a secure context. */
export type TlsPart = Pick<CallerTls, 'ca' | 'cert' | 'key' | 'passphrase' | 'minVersion' | 'ciphers'>

/** Throws a sentence where settings contradict each other. */
export function checkListenerTls({ clients, clientAuth, names }: ListenerTls): void {
  if (clientAuth && clientAuth !== 'none' && !clients) throw new Error(`\`tls.clientAuth: ${clientAuth}\` needs \`tls.clients\`, the authorities that senders’ certificates come from.`)
  if (names && (!clients || clientAuth === 'none')) throw new Error('`tls.names` needs `tls.clients`: without certificates senders have no names.')
}

/** Throws a sentence where settings contradict each other. */
export function checkCallerTls({ cert, key }: CallerTls): void {
  if ((cert === undefined) !== (key === undefined)) throw new Error('`tls.cert` and `tls.key` go together; set both or neither.')
}

/** The files that settings name, absolute. */
export const tlsFiles = ({ ca, cert, key }: TlsPart, tools: Tools): readonly string[] =>
  [ca, cert, key].filter((value) => value !== undefined).filter((value) => !isPem(value)).map((value) => place(value, tools))

/** Reads the files and checks that all of it fits together. Throws a sentence that quotes no key. */
export function readTls({ ca, cert, key, passphrase, minVersion, ciphers }: TlsPart, tools: Tools): SecureContextOptions {
  const options: SecureContextOptions = {
    minVersion: minVersion ?? OLDEST,
    ...(ca !== undefined && { ca: certificates('the authorities’ certificates', ca, tools) }),
    ...(cert !== undefined && { cert: certificates('the certificate', cert, tools) }),
    ...(key !== undefined && { key: contentOf('the key', key, tools) }),
    ...(passphrase !== undefined && { passphrase }),
    ...(ciphers !== undefined && { ciphers }),
  }
  try {
    createSecureContext(options)
  } catch (error) {
    throw new Error(`TLS cannot be used: ${MEANING[codeOf(error)] ?? `OpenSSL says ${codeOf(error)}`}.`)
  }
  return options
}

const LOCKED = 'the key is encrypted, and `passphrase` is missing or does not open it'
const MEANING: Readonly<Record<string, string>> = {
  ERR_OSSL_X509_KEY_VALUES_MISMATCH: 'the key does not belong to the certificate',
  ERR_OSSL_BAD_DECRYPT: LOCKED,
  ERR_OSSL_EVP_BAD_DECRYPT: LOCKED,
  ERR_MISSING_PASSPHRASE: LOCKED,
  ERR_OSSL_CRYPTO_INTERRUPTED_OR_CANCELLED: LOCKED,
  ERR_OSSL_UNSUPPORTED: 'the key is not a private key in PEM',
  ERR_OSSL_PEM_NO_START_LINE: 'the key is not a private key in PEM',
  ERR_SSL_NO_CIPHER_MATCH: 'no cipher suite is called what `ciphers` says',
}

function certificates(what: string, value: string, tools: Tools): string {
  const text = contentOf(what, value, tools)
  try {
    new X509Certificate(text)
  } catch {
    throw new Error(`TLS cannot be used: ${what}${isPem(value) ? '' : ` in ${place(value, tools)}`} cannot be read as PEM.`)
  }
  return text
}

function contentOf(what: string, value: string, tools: Tools): string {
  if (isPem(value)) return value
  try {
    return readFileSync(place(value, tools), 'utf8')
  } catch (error) {
    const named = /^[\w ./\\:-]{1,200}\.[a-z]{2,5}$/i.test(value) // anything else may be a secret that is no PEM
    throw new Error(`TLS cannot be used: ${what} ${named ? `in ${place(value, tools)}` : '(neither PEM text nor the name of a file)'} cannot be read (${codeOf(error)}).`)
  }
}

/** Beside the channel's own file, or else below the folder that the engine was started in. */
function place(value: string, tools: Tools): string {
  try {
    return tools.beside(value).file
  } catch {
    return resolve(value)
  }
}

const isPem = (value: string): boolean => value.includes('-----BEGIN ')

/** The code that a computer gave an error. */
export const codeOf = (error: unknown): string => {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : error instanceof AggregateError && error.errors.length > 0 ? codeOf(error.errors[0]) : 'no reason'
}
