/** Clients that prove who they are with a secret (RFC 6749 §2.3.1), as servers that know no SMART Backend Services ask for it. */
import { type Static, Type } from 'typebox'
import type { Clock } from '../../engine/contracts.js'
import { type Tokens, tokensOf, URL_PATTERN } from './tokens.js'

export const SecretSettings = Type.Object({
  clientId: Type.String({ minLength: 1, maxLength: 500, description: 'Who we are to the server: the id it gave at registration.' }),
  clientSecret: Type.String({ minLength: 1, maxLength: 10_000, description: `What it gave with it: \`\${secret:ehr-client}\`.` }),
  scopes: Type.Optional(Type.Array(Type.String({ pattern: '^[!-~]+$', maxLength: 200 }), { maxItems: 100, description: 'What we ask to be let do: `athena/service/Athenanet.MDP.*`, `system/Appointment.read`. Without it, what the server lets us.' })),
  tokenUrl: Type.Optional(Type.String({ pattern: URL_PATTERN, maxLength: 2000, description: 'Where tokens are given; without it, what `<base>/.well-known/smart-configuration` says.' })),
  send: Type.Optional(Type.Enum(['header', 'form'], { default: 'header', description: 'Where the secret goes: the `Authorization` header, which every server must know, or the form.' })),
}, { additionalProperties: false })
export type SecretSettings = Static<typeof SecretSettings>

/** The tokens for these settings at the server with this base address. */
export const secretTokens = ({ clientId, clientSecret, scopes = [], tokenUrl, send = 'header' }: SecretSettings, base: string, clock: Clock): Tokens => {
  const sent = send === 'form' ? { body: { client_id: clientId, client_secret: clientSecret }, headers: {} } : { body: {}, headers: { authorization: `Basic ${Buffer.from(`${encoded(clientId)}:${encoded(clientSecret)}`).toString('base64')}` } }
  return tokensOf({ name: JSON.stringify([clientId, clientSecret, send]), scopes, tokenUrl, timed: false, proof: async () => sent }, base, clock)
}

/** As forms are encoded, before it goes into the header (RFC 6749 §2.3.1 and appendix B). */
const encoded = (text: string): string => new URLSearchParams({ '': text }).toString().slice(1)
