/** SMART Backend Services (HL7 SMART App Launch 2.0, “Backend Services”): access tokens for a system that signs in with a key of its own. */
import { createPrivateKey, createPublicKey, type JsonWebKey, type KeyObject, randomUUID } from 'node:crypto'
import { type JWK, SignJWT } from 'jose'
import { type Static, Type } from 'typebox'
import type { Clock } from '../../engine/contracts.js'
import { type Tokens, tokensOf, URL_PATTERN } from './tokens.js'

export const SmartSettings = Type.Object({
  clientId: Type.String({ minLength: 1, maxLength: 500, description: 'Who we are to the server: the id it gave at registration.' }),
  key: Type.String({ minLength: 1, maxLength: 20_000, description: `Our private key, PEM or JWK: \`\${secret:ehr-key}\`.` }),
  keyId: Type.String({ minLength: 1, maxLength: 200, description: 'What the key is called in the set of our public keys (`kid`).' }),
  algorithm: Type.Optional(Type.Enum(['RS384', 'ES384'], { default: 'RS384', description: 'How we sign; a server must know both.' })),
  scopes: Type.Array(Type.String({ pattern: '^[!-~]+$', maxLength: 200 }), { minItems: 1, maxItems: 100, description: 'What we ask to be let do: `system/ServiceRequest.cruds`.' }),
  tokenUrl: Type.Optional(Type.String({ pattern: URL_PATTERN, maxLength: 2000, description: 'Where tokens are given; without it, what `<base>/.well-known/smart-configuration` says.' })),
  jku: Type.Optional(Type.String({ pattern: URL_PATTERN, maxLength: 2000, description: 'Where the set of our public keys is published, said in every assertion.' })),
  next: Type.Optional(Type.Object({
    key: Type.String({ minLength: 1, maxLength: 20_000, description: `The private key that will follow: \`\${secret:ehr-key-next}\`.` }),
    keyId: Type.String({ minLength: 1, maxLength: 200, description: 'Its `kid`.' }),
    algorithm: Type.Optional(Type.Enum(['RS384', 'ES384'], { default: 'RS384', description: 'How it will sign.' })),
  }, { additionalProperties: false, description: 'The key that will follow: published beside the one in use, so that servers know it before it signs.' })),
  publish: Type.Optional(Type.String({ pattern: '^/[A-Za-z0-9._/-]{1,200}$', description: 'A path of the engine’s own web server where that set is served: `/keys/ehr.json`.' })),
}, { additionalProperties: false })
export type SmartSettings = Static<typeof SmartSettings>

const LIFE_OF_ASSERTION = 240 // seconds; at most 300 are allowed
const ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** The tokens for these settings at the server with this base address. Throws a sentence for a key that cannot be used. */
export const smartTokens = (settings: SmartSettings, base: string, clock: Clock): Tokens => {
  const { clientId, keyId, algorithm, scopes, tokenUrl, jku } = settings
  const key = privateKey(settings)
  return tokensOf({
    name: JSON.stringify([clientId, settings.key, keyId, algorithm, jku]), scopes, tokenUrl, timed: true,
    async proof(url, moment) {
      return { body: { client_assertion_type: ASSERTION, client_assertion: await signed(settings, key, url, Math.floor(moment / 1000)) }, headers: {} }
    },
  }, base, clock)
}

/** RFC 7523 §3, as SMART narrows it: issuer and subject are the client, the audience is the token address. */
const signed = ({ clientId, keyId, jku, algorithm = 'RS384' }: SmartSettings, key: KeyObject, audience: string, now: number): Promise<string> =>
  new SignJWT({ iss: clientId, sub: clientId, aud: audience, jti: randomUUID(), iat: now, exp: now + LIFE_OF_ASSERTION })
    .setProtectedHeader({ alg: algorithm, typ: 'JWT', kid: keyId, ...(jku && { jku }) }).sign(key)

/** The key as settings have it. Throws a sentence where it is no key, or not one that the algorithm signs with. */
export const privateKey = ({ key, algorithm = 'RS384' }: Pick<SmartSettings, 'key' | 'algorithm'>): KeyObject => {
  const wanted = algorithm === 'RS384' ? 'an RSA key of 2048 bits or more' : 'a key of the curve P-384'
  let made: KeyObject
  try {
    made = key.trimStart().startsWith('{') ? createPrivateKey({ key: JSON.parse(key) as JsonWebKey, format: 'jwk' }) : createPrivateKey(key.replaceAll('\\n', '\n'))
  } catch {
    throw new Error(`\`key\` cannot be read as a private key, PEM or JWK; ${algorithm} needs ${wanted}.`)
  }
  const { modulusLength = 0, namedCurve } = made.asymmetricKeyDetails ?? {}
  const fits = algorithm === 'RS384' ? made.asymmetricKeyType === 'rsa' && modulusLength >= 2048 : made.asymmetricKeyType === 'ec' && namedCurve === 'secp384r1'
  if (!fits) throw new Error(`\`key\` is not what ${algorithm} needs: ${wanted}.`)
  return made
}

/** The keys that are published: the one in use, and the one that follows. Throws a sentence where two would be called the same. */
export const publicKeys = (settings: Pick<SmartSettings, 'key' | 'algorithm' | 'keyId' | 'next'>): readonly JWK[] => {
  if (settings.next?.keyId === settings.keyId) throw new Error('`next.keyId` must differ from `keyId`: servers tell keys apart by it.')
  return [settings, ...(settings.next ? [settings.next] : [])].map(publicKey)
}

/** Our public key as a server looks for it in a key set (RFC 7517). Nothing of the private key is in it. */
export const publicKey = (settings: Pick<SmartSettings, 'key' | 'algorithm' | 'keyId'>): JWK =>
  ({ ...createPublicKey(privateKey(settings)).export({ format: 'jwk' }) as JWK, kid: settings.keyId, alg: settings.algorithm ?? 'RS384', use: 'sig', key_ops: ['verify'] })
