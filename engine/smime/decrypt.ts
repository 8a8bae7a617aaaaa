/** Opens CMS enveloped data (RFC 5652 §6): RSA PKCS#1 v1.5 or OAEP, AES-CBC; 3DES where it is allowed. */
import { constants, createDecipheriv, privateDecrypt } from 'node:crypto'
import { OctetString } from 'asn1js'
import { AlgorithmIdentifier, ContentInfo, EnvelopedData, IssuerAndSerialNumber, type KeyTransRecipientInfo, RSAESOAEPParams } from 'pkijs'
import { CIPHERS, type Cipher, OAEP_DIGESTS, OID } from './algorithms.js'
import { readAsn1 } from './certificates.js'
import type { Identity } from './identities.js'
import { decryptByOpenssl, OpensslMissing } from './openssl.js'
import { Refused, wellFormed } from './refusals.js'

export interface Decrypted { readonly content: Buffer; readonly identities: readonly Identity[]; readonly cipher: string }

/**
 * The content of enveloped data in BER or DER, and which of `identities` it is encrypted for. Throws a Refused; an OpensslMissing where openssl would be
 * needed. `command` is the program openssl.
 */
export const decrypt = async (cms: Buffer, identities: readonly Identity[], legacy: boolean, command?: string): Promise<Decrypted> => {
  const data = wellFormed('its CMS cannot be read', () => envelopedData(cms))
  const cipher = cipherOf(data, legacy)
  const found = wellFormed('its recipients cannot be read', () => recipients(data, identities))
  const [first] = found
  if (!first) throw new Refused('wrong-recipient', `${data.recipientInfos.length} recipients`)
  const content = await contentOf(cms, data, cipher, first, command)
  if (content === null) throw new Refused('cannot-decrypt')
  return { content, identities: found.map(({ identity }) => identity), cipher: cipher.name }
}

interface Recipient { readonly info: KeyTransRecipientInfo; readonly identity: Identity }

const envelopedData = (cms: Buffer): EnvelopedData => {
  const info = new ContentInfo({ schema: readAsn1(cms) })
  if (info.contentType === OID.signed) throw new Refused('not-encrypted', 'it is signed data')
  if (info.contentType !== OID.enveloped) throw new Refused('weak', `content of type ${info.contentType}; enveloped data is known`)
  return new EnvelopedData({ schema: info.content })
}

const cipherOf = (data: EnvelopedData, legacy: boolean): Cipher => {
  const { algorithmId } = data.encryptedContentInfo.contentEncryptionAlgorithm
  const cipher = CIPHERS[algorithmId]
  if (!cipher) throw new Refused('weak', `content encrypted with ${algorithmId}; AES-128, -192 and -256-CBC are known`)
  if (cipher.legacy && !legacy) throw new Refused('weak', 'content encrypted with 3DES, which is taken with `legacy: true` only')
  return cipher
}

const recipients = (data: EnvelopedData, identities: readonly Identity[]): readonly Recipient[] =>
  data.recipientInfos.flatMap(({ variant, value }) => {
    if (variant !== 1) return []
    const info = value as KeyTransRecipientInfo
    return identities.filter((identity) => isFor(info, identity)).map((identity) => ({ info, identity }))
  })

const isFor = ({ rid }: KeyTransRecipientInfo, { certificate: { parsed } }: Identity): boolean => {
  if (rid instanceof IssuerAndSerialNumber) return rid.issuer.isEqual(parsed.issuer) && rid.serialNumber.isEqual(parsed.serialNumber)
  const identifier = parsed.extensions?.find(({ extnID }) => extnID === '2.5.29.14')?.parsedValue
  const wanted = (rid as unknown as { valueBlock?: { valueHexView?: Uint8Array } }).valueBlock?.valueHexView
  return identifier instanceof OctetString && wanted !== undefined && Buffer.from(identifier.valueBlock.valueHexView).equals(Buffer.from(wanted))
}

const contentOf = async (cms: Buffer, data: EnvelopedData, cipher: Cipher, { info, identity }: Recipient, command: string | undefined): Promise<Buffer | null> => {
  const key = contentKey(info, identity)
  if (key !== 'openssl') return key && deciphered(data, cipher, key)
  try {
    return await decryptByOpenssl(cms, identity.certificate.x509.toString(), identity.key, command)
  } catch (error) {
    if (error instanceof OpensslMissing) throw new OpensslMissing(`The message is encrypted with RSA PKCS#1 v1.5, which this Node.js does not decrypt, and ${error.message}`, { cause: error })
    throw error
  }
}

/** The key of the content; null where it cannot be had, `openssl` where openssl must open the whole. */
const contentKey = (info: KeyTransRecipientInfo, { key }: Identity): Buffer | 'openssl' | null => {
  const { algorithmId } = info.keyEncryptionAlgorithm
  if (algorithmId !== OID.rsa && algorithmId !== OID.oaep) throw new Refused('weak', `a key encrypted with ${algorithmId}; RSA is known`)
  const oaepHash = algorithmId === OID.oaep ? wellFormed('its OAEP parameters cannot be read', () => oaepDigest(info.keyEncryptionAlgorithm)) : undefined
  if (oaepHash === null) return 'openssl'
  try {
    const padding = oaepHash === undefined ? constants.RSA_PKCS1_PADDING : constants.RSA_PKCS1_OAEP_PADDING
    return privateDecrypt({ key, padding, ...(oaepHash !== undefined && { oaepHash }) }, Buffer.from(info.encryptedKey.getValue()))
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ERR_INVALID_ARG_VALUE' ? 'openssl' : null // Node 20 refuses PKCS#1 v1.5 (CVE-2023-46809)
  }
}

/** The one digest of OAEP and its mask; null where they are two, as Java has it, or where there is a label. */
const oaepDigest = ({ algorithmParams }: AlgorithmIdentifier): string | null => {
  const parameters = algorithmParams === undefined ? new RSAESOAEPParams() : new RSAESOAEPParams({ schema: algorithmParams })
  const mask = new AlgorithmIdentifier({ schema: parameters.maskGenAlgorithm.algorithmParams })
  const label = parameters.pSourceAlgorithm.algorithmParams
  const digest = OAEP_DIGESTS[parameters.hashAlgorithm.algorithmId]
  if (!digest) throw new Refused('weak', `OAEP with ${parameters.hashAlgorithm.algorithmId}`)
  return mask.algorithmId === parameters.hashAlgorithm.algorithmId && (!(label instanceof OctetString) || label.getValue().byteLength === 0) ? digest : null
}

const deciphered = (data: EnvelopedData, { name, key: length }: Cipher, key: Buffer): Buffer | null => {
  const { contentEncryptionAlgorithm, encryptedContent } = data.encryptedContentInfo
  const vector = contentEncryptionAlgorithm.algorithmParams
  if (!(vector instanceof OctetString) || !encryptedContent) throw new Refused('malformed', 'it has no initialization vector, or no content')
  if (key.length !== length) return null
  try {
    const decipher = createDecipheriv(name, key, Buffer.from(vector.getValue()))
    return Buffer.concat([decipher.update(Buffer.from(encryptedContent.getValue())), decipher.final()])
  } catch {
    return null
  }
}
