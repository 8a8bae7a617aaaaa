/** Checks CMS signed data (RFC 5652 §5) over the bytes that it signs: what was signed, and by whom; not whether they are trusted. */
import { constants, createHash, verify } from 'node:crypto'
import { ObjectIdentifier, OctetString } from 'asn1js'
import { ContentInfo, IssuerAndSerialNumber, SignedData, type SignerInfo } from 'pkijs'
import { DIGESTS, ECDSA_SIGNATURES, OID, RSA_SIGNATURES } from './algorithms.js'
import { certificatesOf, readAsn1, type Certificate } from './certificates.js'
import { Refused, wellFormed } from './refusals.js'

export interface Verified {
  readonly content: Buffer
  readonly signers: readonly Certificate[] // each signature holds
  readonly certificates: readonly Certificate[] // all that came along
}

const MOST_SIGNERS = 10

/** Checks each signature of `cms` over `content`, or over what it holds itself where that is null. Throws a Refused. */
export const verifySigned = (cms: Buffer, content: Buffer | null): Verified => {
  const { data, inside } = wellFormed('its signature cannot be read', () => signedData(cms))
  const signed = content ?? inside
  if (signed === null) throw new Refused('malformed', 'the signature covers nothing')
  const certificates = wellFormed('its certificates cannot be read', () => certificatesOf(data))
  if (data.signerInfos.length === 0) throw new Refused('not-signed', 'the signature has no signer')
  if (data.signerInfos.length > MOST_SIGNERS) throw new Refused('malformed', `it has more than ${MOST_SIGNERS} signers`)
  const signers = data.signerInfos.map((info) => wellFormed('its signer cannot be read', () => {
    const certificate = certificates.find((one) => isOf(info, one))
    if (!certificate) throw new Refused('bad-signature', 'the certificate of its signer is not with it')
    check(info, certificate, signed)
    return certificate
  }))
  return { content: signed, signers, certificates }
}

const signedData = (cms: Buffer): { readonly data: SignedData; readonly inside: Buffer | null } => {
  const info = new ContentInfo({ schema: readAsn1(cms) })
  if (info.contentType !== OID.signed) throw new Refused('not-signed', `content of type ${info.contentType}`)
  const data = new SignedData({ schema: info.content })
  const { eContent } = data.encapContentInfo
  return { data, inside: eContent ? Buffer.from(eContent.getValue()) : null }
}

const isOf = ({ sid }: SignerInfo, { parsed }: Certificate): boolean => {
  if (sid instanceof IssuerAndSerialNumber) return sid.issuer.isEqual(parsed.issuer) && sid.serialNumber.isEqual(parsed.serialNumber)
  const identifier = parsed.extensions?.find(({ extnID }) => extnID === '2.5.29.14')?.parsedValue
  const wanted = (sid as { valueBlock?: { valueHexView?: Uint8Array; value?: readonly OctetString[] } }).valueBlock
  const bytes = wanted?.value?.[0]?.valueBlock?.valueHexView ?? wanted?.valueHexView
  return identifier instanceof OctetString && bytes !== undefined && Buffer.from(identifier.valueBlock.valueHexView).equals(Buffer.from(bytes))
}

const check = (info: SignerInfo, { x509 }: Certificate, content: Buffer): void => {
  const digest = DIGESTS[info.digestAlgorithm.algorithmId]
  if (!digest) throw new Refused('weak', `signed with the digest ${info.digestAlgorithm.algorithmId}; SHA-256 or longer is needed`)
  const hashed = createHash(digest).update(content).digest()
  const attributes = info.signedAttrs
  if (attributes) {
    const [said, ...more] = attributes.attributes.filter(({ type }) => type === OID.messageDigest)
    const [type, ...types] = attributes.attributes.filter(({ type }) => type === OID.contentType)
    const [value] = said?.values ?? []
    if (!(value instanceof OctetString) || more.length > 0 || types.length > 0 || !(type?.values[0] instanceof ObjectIdentifier)) throw new Refused('malformed', 'its signed attributes are not one content type and one message digest')
    if (!hashed.equals(Buffer.from(value.getValue()))) throw new Refused('tampered')
  }
  const { algorithmId } = info.signatureAlgorithm
  const rsa = x509.publicKey.asymmetricKeyType === 'rsa'
  const known = rsa ? RSA_SIGNATURES.has(algorithmId) || algorithmId === OID.pss : ECDSA_SIGNATURES[algorithmId] === digest
  if (!known) throw new Refused('weak', `signed with ${algorithmId}`)
  const key = algorithmId === OID.pss ? { key: x509.publicKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO } : x509.publicKey
  if (!verify(digest, attributes ? Buffer.from(attributes.encodedValue) : content, key, Buffer.from(info.signature.getValue()))) throw new Refused('bad-signature')
}
