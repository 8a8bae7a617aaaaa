/** The settings of S/MIME that the step `open-smime` and the destination `email` share. */
import { type Static, Type } from 'typebox'
import { Duration, withDefault } from '../units.js'
import { CONTENT_CIPHERS, KEY_TRANSPORTS } from './make.js'

const Pem = (description: string) => Type.String({ minLength: 1, maxLength: 1_000_000, description })

export const IdentitySettings = Type.Object({
  address: Type.String({ minLength: 3, maxLength: 254, pattern: '^[^\\s@]+(@[^\\s@]+)?$', description: 'Our Direct address, or the domain whose addresses share the certificate.' }),
  certificate: Pem('Its certificate, with those between it and the anchor: PEM text, or a file (PEM, DER, PKCS#12) beside the channel’s own. A file that changes is read again.'),
  key: Type.Optional(Pem(`Its private key: \`\${secret:name}\`, or a file beside the channel’s own; not needed with PKCS#12, or where the key lies in the file of the certificate.`)),
  passphrase: Type.Optional(Type.String({ minLength: 1, maxLength: 1000, description: `What opens the key or the PKCS#12 file: \`\${secret:name}\`.` })),
}, { additionalProperties: false })
export type IdentitySettings = Static<typeof IdentitySettings>

export const BundleSettings = Type.Object({
  url: Type.String({ maxLength: 2000, pattern: '^https://', description: 'Where the bundle (.p7b) is had.' }),
  every: Type.Optional(withDefault(Duration, '24h', 'How old it may become before it is fetched again; at most a day.')),
  signer: Type.Optional(Pem('Who signs the bundle: a certificate, PEM text or a file beside the channel’s own. Without it the TLS connection alone vouches for it.')),
}, { additionalProperties: false })
export type BundleSettings = Static<typeof BundleSettings>

/** Who we are and whom we trust. */
export const TRUST = {
  identities: Type.Array(IdentitySettings, { minItems: 1, maxItems: 1000, description: 'Our addresses, with their certificates and keys.' }),
  anchors: Type.Optional(Type.Array(Pem('PEM text, or a file (PEM, DER, .p7b) beside the channel’s own. A file that changes is read again.'), { minItems: 1, maxItems: 1000, description: 'The trust anchors: the authorities, or bundles of them, whose certificates are relied on.' })),
  bundles: Type.Optional(Type.Array(BundleSettings, { minItems: 1, maxItems: 20, description: 'Trust bundles that are fetched and kept; one that cannot be fetched stays what it was.' })),
}

/** How mail is sealed for its recipients. */
export const SealSettings = Type.Object({
  ...TRUST,
  certificates: Type.Optional(Type.Array(Pem('PEM text, or a file (PEM, DER, .p7b) beside the channel’s own.'), { minItems: 1, maxItems: 10_000, description: 'Certificates of recipients, which are taken before those that DNS and LDAP have.' })),
  discover: Type.Optional(Type.Array(Type.Enum(['dns', 'ldap']), { uniqueItems: true, default: ['dns', 'ldap'], description: 'Where other recipients’ certificates are looked for: CERT records of the address and then of its domain; the directory that the domain names.' })),
  resolvers: Type.Optional(Type.Array(Type.String({ minLength: 2, maxLength: 60 }), { minItems: 1, maxItems: 10, description: 'The DNS resolvers to ask, `10.0.0.53` or `127.0.0.1:5353`; without it those of this computer.' })),
  privateDirectories: Type.Optional(Type.Boolean({ default: false, description: 'Whether directories may lie on this computer or in a private network; a stranger’s domain names them.' })),
  keep: Type.Optional(withDefault(Duration, '1h', 'How long a certificate that was found is used without looking again; never longer than DNS says.')),
  cipher: Type.Optional(Type.Enum([...CONTENT_CIPHERS], { default: 'aes-256-cbc', description: 'What encrypts the content.' })),
  keyTransport: Type.Optional(Type.Enum([...KEY_TRANSPORTS], { default: 'rsa-oaep-sha256', description: 'What encrypts its key. `rsa-pkcs1` for recipients that know nothing newer.' })),
}, { additionalProperties: false, description: 'Direct as its own security agent (STA): each mail is wrapped, signed and encrypted for its recipients. Without it mail goes as it is, which is right towards a HISP.' })
export type SealSettings = Static<typeof SealSettings>
