/** Object identifiers of CMS (RFC 5652, RFC 3565, RFC 8017) and what they are in node:crypto. */

export const OID = {
  data: '1.2.840.113549.1.7.1', signed: '1.2.840.113549.1.7.2', enveloped: '1.2.840.113549.1.7.3',
  contentType: '1.2.840.113549.1.9.3', messageDigest: '1.2.840.113549.1.9.4', signingTime: '1.2.840.113549.1.9.5',
  rsa: '1.2.840.113549.1.1.1', oaep: '1.2.840.113549.1.1.7', mgf1: '1.2.840.113549.1.1.8', pss: '1.2.840.113549.1.1.10', specified: '1.2.840.113549.1.1.9',
} as const

/** Digests that a signature may use. */
export const DIGESTS: Readonly<Record<string, string>> = { '2.16.840.1.101.3.4.2.1': 'sha256', '2.16.840.1.101.3.4.2.2': 'sha384', '2.16.840.1.101.3.4.2.3': 'sha512' }
export const SHA256 = '2.16.840.1.101.3.4.2.1'
const SHA1 = '1.3.14.3.2.26'
/** Digests that OAEP may use: SHA-1 is no weakness there. */
export const OAEP_DIGESTS: Readonly<Record<string, string>> = { [SHA1]: 'sha1', ...DIGESTS }

export interface Cipher { readonly name: string; readonly key: number; readonly legacy?: true } // bytes
export const CIPHERS: Readonly<Record<string, Cipher>> = {
  '2.16.840.1.101.3.4.1.2': { name: 'aes-128-cbc', key: 16 },
  '2.16.840.1.101.3.4.1.22': { name: 'aes-192-cbc', key: 24 },
  '2.16.840.1.101.3.4.1.42': { name: 'aes-256-cbc', key: 32 },
  '1.2.840.113549.3.7': { name: 'des-ede3-cbc', key: 24, legacy: true },
}

/** Signature algorithms: the digest is said beside them, but for ECDSA, which says it again. */
export const RSA_SIGNATURES = new Set<string>([OID.rsa, '1.2.840.113549.1.1.11', '1.2.840.113549.1.1.12', '1.2.840.113549.1.1.13'])
export const ECDSA_SIGNATURES: Readonly<Record<string, string>> = { '1.2.840.10045.4.3.2': 'sha256', '1.2.840.10045.4.3.3': 'sha384', '1.2.840.10045.4.3.4': 'sha512' }
export const ECDSA_SHA256 = '1.2.840.10045.4.3.2'
