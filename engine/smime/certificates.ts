/** Certificates (RFC 5280) as S/MIME asks about them: what they are for, whom they name, how strong they are. */
import { X509Certificate } from 'node:crypto'
import { type BaseBlock, type BitString, fromBER } from 'asn1js'
import { type AltName, type BasicConstraints, Certificate as Parsed, ContentInfo, SignedData } from 'pkijs'

export interface Certificate {
  readonly der: Buffer
  readonly x509: X509Certificate
  readonly parsed: Parsed
  readonly from: Date
  readonly to: Date
  readonly addresses: readonly string[] // rfc822Name, as written
  readonly domains: readonly string[] // dNSName, in lower case
  readonly issuers: { readonly ca: boolean; readonly depth: number } // whether it may issue, and how many issuers may stand below it
}

/** Bits of keyUsage (RFC 5280 §4.2.1.3), the first being the highest of the first byte. */
export const USAGE = { digitalSignature: 0x80, keyEncipherment: 0x20, keyCertSign: 0x04 } as const
const EXTENSION = { names: '2.5.29.17', usage: '2.5.29.15', constraints: '2.5.29.19' }
/** Critical extensions that are looked at, or that change nothing here: policies, extended key usage. */
const UNDERSTOOD = new Set([...Object.values(EXTENSION), '2.5.29.32', '2.5.29.37'])
const EMAIL_PROTECTION = ['1.3.6.1.5.5.7.3.4', '2.5.29.37.0']
const SIGNATURES = new Set(['1.2.840.113549.1.1.11', '1.2.840.113549.1.1.12', '1.2.840.113549.1.1.13', '1.2.840.10045.4.3.2', '1.2.840.10045.4.3.3', '1.2.840.10045.4.3.4'])
const CURVES = new Set(['prime256v1', 'secp384r1', 'secp521r1'])
const SMALLEST_RSA = 2048 // bits
const MOST = 2000 // certificates of one file or message
const EMAIL_NAME = 1
const DNS_NAME = 2

/** One certificate in DER. Throws where it is none. */
export const readCertificate = (bytes: Buffer): Certificate => {
  const x509 = new X509Certificate(bytes)
  const der = Buffer.from(x509.raw)
  const parsed = Parsed.fromBER(der)
  const names = (extension<AltName>(parsed, EXTENSION.names)?.altNames ?? []).filter(({ value }) => typeof value === 'string')
  const constraints = extension<BasicConstraints>(parsed, EXTENSION.constraints)
  const { pathLenConstraint } = constraints ?? {}
  return {
    der, x509, parsed,
    from: parsed.notBefore.value, to: parsed.notAfter.value,
    addresses: names.filter(({ type }) => type === EMAIL_NAME).map(({ value }) => String(value)),
    domains: names.filter(({ type }) => type === DNS_NAME).map(({ value }) => String(value).toLowerCase()),
    issuers: { ca: x509.ca && constraints?.cA === true, depth: typeof pathLenConstraint === 'number' ? pathLenConstraint : Number.POSITIVE_INFINITY },
  }
}

const extension = <Value>(parsed: Parsed, id: string): Value | undefined => parsed.extensions?.find(({ extnID }) => extnID === id)?.parsedValue as Value | undefined

/** Whether keyUsage, where there is one, allows this. */
export const mayBeUsed = ({ parsed }: Certificate, usage: number): boolean => {
  const bits = extension<BitString>(parsed, EXTENSION.usage)
  return bits === undefined || ((bits.valueBlock.valueHexView[0] ?? 0) & usage) !== 0
}

/** Whether extendedKeyUsage, where there is one, allows e-mail. */
export const isForMail = ({ x509 }: Certificate): boolean => x509.keyUsage === undefined || x509.keyUsage.some((one) => EMAIL_PROTECTION.includes(one))

/** A critical extension that is not understood, so that the certificate may not be used (RFC 5280 §4.2). */
export const unknownExtension = ({ parsed }: Certificate): string | null => parsed.extensions?.find(({ critical, extnID }) => critical && !UNDERSTOOD.has(extnID))?.extnID ?? null

/** What is too weak about the key or, unless it is trusted as it is, about how it was signed; null where nothing is. */
export const weakness = ({ x509, parsed }: Certificate, anchored = false): string | null => {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = x509.publicKey
  if (type === 'rsa' && (details?.modulusLength ?? 0) < SMALLEST_RSA) return `an RSA key of ${details?.modulusLength} bits; at least ${SMALLEST_RSA} are needed`
  if (type === 'ec' && !CURVES.has(details?.namedCurve ?? '')) return `an ECDSA key on the curve ${details?.namedCurve}`
  if (type !== 'rsa' && type !== 'ec') return `a key of type ${type}; RSA and ECDSA are known`
  return anchored || SIGNATURES.has(parsed.signatureAlgorithm.algorithmId) ? null : `a certificate signed with ${parsed.signatureAlgorithm.algorithmId}; RSA or ECDSA with SHA-256 or longer is needed`
}

/** Whether a certificate is an address’s: of the whole address, or of its domain, which are written in any case (Applicability Statement §1.4). */
export const names = ({ addresses, domains }: Certificate, address: string): boolean => addresses.some((one) => sameAddress(one, address)) || domains.includes(domainOf(address))

/** The domain of an address in lower case; of a domain, itself. */
export const domainOf = (address: string): string => address.slice(address.lastIndexOf('@') + 1).toLowerCase()

/** Whether two addresses are one mailbox: the domain in any case, the rest as it is written. */
export const sameAddress = (one: string, other: string): boolean => {
  const mailbox = (address: string): string => address.slice(0, Math.max(0, address.lastIndexOf('@')))
  return mailbox(one) === mailbox(other) && domainOf(one) === domainOf(other)
}

/** The certificates of a file: PEM, one in DER, or a PKCS#7 bundle (.p7b), whose content may be a bundle itself. Throws a sentence where there is none. */
export const readCertificates = (bytes: Buffer): readonly Certificate[] => {
  const found = derBlocks(bytes).flatMap((der) => (isCertificate(der) ? [readCertificate(der)] : bundled(der, 0)))
  if (found.length === 0) throw new Error('holds no certificate: PEM, DER or a PKCS#7 bundle (.p7b) is needed')
  return found.slice(0, MOST)
}

const derBlocks = (bytes: Buffer): readonly Buffer[] => {
  const text = bytes.toString('latin1')
  if (!text.includes('-----BEGIN ')) return [bytes]
  return [...text.matchAll(/-----BEGIN (?:X509 |TRUSTED )?(?:CERTIFICATE|PKCS7|CMS)-----([\sA-Za-z0-9+/=]*)-----END /g)].map(([, base64 = '']) => Buffer.from(base64, 'base64'))
}

const isCertificate = (der: Buffer): boolean => {
  try {
    return new X509Certificate(der).raw.length > 0
  } catch {
    return false
  }
}

const bundled = (der: Buffer, depth: number): readonly Certificate[] => {
  let data: SignedData
  try {
    data = new SignedData({ schema: ContentInfo.fromBER(der).content })
  } catch (error) {
    throw new Error('is neither a certificate nor a PKCS#7 bundle', { cause: error })
  }
  const inside = data.encapContentInfo.eContent?.getValue()
  if (inside && inside.byteLength > 0 && depth === 0) return bundled(Buffer.from(inside), 1)
  return certificatesOf(data)
}

/** The certificates in signed data; what is none of them is passed over. */
export const certificatesOf = ({ certificates = [] }: Pick<SignedData, 'certificates'>): readonly Certificate[] =>
  certificates.slice(0, MOST).flatMap((one) => {
    if (!(one instanceof Parsed)) return []
    try {
      return [readCertificate(Buffer.from(one.toSchema(false).toBER()))]
    } catch {
      return []
    }
  })

/** The ASN.1 in bytes, all of them. Throws where it is none. */
export const readAsn1 = (bytes: Buffer): BaseBlock => {
  const { offset, result } = fromBER(bytes)
  if (offset < 0) throw new Error(result.error || 'is no ASN.1')
  return result
}
