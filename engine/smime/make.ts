/** Writes CMS: detached signed data with SHA-256, and enveloped data in AES-CBC for several recipients. */
import { constants, createCipheriv, createHash, publicEncrypt, randomBytes, sign } from 'node:crypto'
import { type BaseBlock, Null, ObjectIdentifier, OctetString, UTCTime } from 'asn1js'
import {
  AlgorithmIdentifier, Attribute, ContentInfo, EncapsulatedContentInfo, EncryptedContentInfo, EnvelopedData, IssuerAndSerialNumber, KeyTransRecipientInfo, RecipientInfo, RSAESOAEPParams, SignedAndUnsignedAttributes, SignedData, SignerInfo,
} from 'pkijs'
import { CIPHERS, ECDSA_SHA256, OAEP_DIGESTS, OID, SHA256 } from './algorithms.js'
import type { Certificate } from './certificates.js'
import type { Identity } from './identities.js'

export const CONTENT_CIPHERS = ['aes-128-cbc', 'aes-192-cbc', 'aes-256-cbc'] as const
export const KEY_TRANSPORTS = ['rsa-oaep-sha256', 'rsa-oaep-sha1', 'rsa-pkcs1'] as const
export type ContentCipher = (typeof CONTENT_CIPHERS)[number]
export type KeyTransport = (typeof KEY_TRANSPORTS)[number]

/** A detached signature over `content` in DER, with the signer's certificate and those above it. */
export const signDetached = (content: Buffer, { certificate, key, chain }: Identity, at: Date): Buffer => {
  const attribute = (type: string, value: BaseBlock): Attribute => new Attribute({ type, values: [value] })
  const attributes = [
    attribute(OID.contentType, new ObjectIdentifier({ value: OID.data })),
    attribute(OID.signingTime, new UTCTime({ valueDate: at })),
    attribute(OID.messageDigest, new OctetString({ valueHex: bytes(createHash('sha256').update(content).digest()) })),
  ].sort((one, other) => Buffer.compare(der(one.toSchema()), der(other.toSchema()))) // a SET OF in DER is in order
  const signedAttrs = new SignedAndUnsignedAttributes({ type: 0, attributes })
  const signed = der(signedAttrs.toSchema())
  signed[0] = 0x31 // signed as a SET, carried as [0] (RFC 5652 §5.4)
  const rsa = key.asymmetricKeyType === 'rsa'
  const data = new SignedData({
    version: 1,
    digestAlgorithms: [algorithm(SHA256)],
    encapContentInfo: new EncapsulatedContentInfo({ eContentType: OID.data }),
    certificates: [certificate, ...chain].map(({ parsed }) => parsed),
    signerInfos: [new SignerInfo({
      version: 1, sid: nameOf(certificate), digestAlgorithm: algorithm(SHA256), signedAttrs,
      signatureAlgorithm: rsa ? algorithm(OID.rsa) : new AlgorithmIdentifier({ algorithmId: ECDSA_SHA256 }),
      signature: new OctetString({ valueHex: bytes(sign('sha256', signed, key)) }),
    })],
  })
  return der(new ContentInfo({ contentType: OID.signed, content: data.toSchema(true) }).toSchema())
}

/** Enveloped data in DER that each of the certificates' keys opens. Throws a sentence where one has no RSA key. */
export const encrypt = (content: Buffer, recipients: readonly Certificate[], cipher: ContentCipher, transport: KeyTransport): Buffer => {
  const [identifier, known] = Object.entries(CIPHERS).find(([, { name }]) => name === cipher) ?? []
  if (!identifier || !known) throw new Error(`no cipher is called ${cipher}`)
  const key = randomBytes(known.key)
  const vector = randomBytes(16)
  const cipherer = createCipheriv(cipher, key, vector)
  const encrypted = Buffer.concat([cipherer.update(content), cipherer.final()])
  const data = new EnvelopedData({
    version: 0,
    recipientInfos: recipients.map((certificate) => new RecipientInfo({ variant: 1, value: recipientInfo(certificate, key, transport) })),
    encryptedContentInfo: new EncryptedContentInfo({
      contentType: OID.data,
      contentEncryptionAlgorithm: new AlgorithmIdentifier({ algorithmId: identifier, algorithmParams: new OctetString({ valueHex: bytes(vector) }) }),
      encryptedContent: new OctetString({ valueHex: bytes(encrypted) }),
      disableSplit: true,
    }),
  })
  return der(new ContentInfo({ contentType: OID.enveloped, content: data.toSchema() }).toSchema())
}

const recipientInfo = (certificate: Certificate, key: Buffer, transport: KeyTransport): KeyTransRecipientInfo => {
  const { publicKey } = certificate.x509
  if (publicKey.asymmetricKeyType !== 'rsa') throw new Error('A recipient’s certificate has no RSA key, which encrypting for it needs.')
  const oaepHash = transport === 'rsa-pkcs1' ? undefined : transport === 'rsa-oaep-sha1' ? 'sha1' : 'sha256'
  const padding = oaepHash === undefined ? constants.RSA_PKCS1_PADDING : constants.RSA_PKCS1_OAEP_PADDING
  const encrypted = publicEncrypt({ key: publicKey, padding, ...(oaepHash && { oaepHash }) }, key)
  return new KeyTransRecipientInfo({ version: 0, rid: nameOf(certificate), keyEncryptionAlgorithm: oaepHash === undefined ? algorithm(OID.rsa) : oaep(oaepHash), encryptedKey: new OctetString({ valueHex: bytes(encrypted) }) })
}

const oaep = (digest: string): AlgorithmIdentifier => {
  const [identifier = ''] = Object.entries(OAEP_DIGESTS).find(([, name]) => name === digest) ?? []
  const hashAlgorithm = algorithm(identifier)
  const maskGenAlgorithm = new AlgorithmIdentifier({ algorithmId: OID.mgf1, algorithmParams: algorithm(identifier).toSchema() })
  return new AlgorithmIdentifier({ algorithmId: OID.oaep, algorithmParams: new RSAESOAEPParams({ hashAlgorithm, maskGenAlgorithm }).toSchema() })
}

const algorithm = (algorithmId: string): AlgorithmIdentifier => new AlgorithmIdentifier({ algorithmId, algorithmParams: new Null() })
const nameOf = ({ parsed }: Certificate): IssuerAndSerialNumber => new IssuerAndSerialNumber({ issuer: parsed.issuer, serialNumber: parsed.serialNumber })
const der = (schema: { toBER(): ArrayBuffer }): Buffer => Buffer.from(schema.toBER())
const bytes = (buffer: Buffer): ArrayBuffer => new Uint8Array(buffer).buffer
