/** Opens a Direct message (Applicability Statement for Secure Health Transport §3): decrypted, its signature checked, its signer trusted and the one that it says it is from. */
import type { MessageFormat } from '../contracts.js'
import { MessageFault } from '../errors.js'
import { type Address, addressesOf, type Field, fieldsOf, readFields } from '../formats/mime/fields.js'
import { contentOf, type Mail, type Part } from '../formats/mime/mail.js'
import { type Certificate, names, USAGE } from './certificates.js'
import { chainOf } from './chain.js'
import { decrypt } from './decrypt.js'
import { type Identity, identityFor } from './identities.js'
import { Refused, wellFormed } from './refusals.js'
import { type Verified, verifySigned } from './verify.js'

export interface Opening {
  readonly identities: readonly Identity[]
  readonly anchors: readonly Certificate[]
  readonly at: Date // when every certificate must be valid
  readonly legacy: boolean // whether 3DES is taken
  readonly openssl?: string // the program
}

export interface Opened {
  readonly bytes: Buffer // the message that was signed, as it is
  readonly from: string
  readonly to: readonly string[] // which of our addresses it was opened for
  readonly signer: Certificate
  readonly cipher: string
}

/** Fields that tell of the way of a message, which its sender cannot protect. */
const WAY = /^(?:return-path|received|delivered-to|x-original-to|envelope-to)$/i
/** What we ourselves say of a message: never taken from within one. */
const OURS = /^x-refero-/i

/** Whether a message is S/MIME at all: encrypted, or signed. */
export const isSmime = ({ type, parameters }: Part): boolean => isPkcs7(type) || (type === 'multipart/signed' && /pkcs7-signature$/i.test(parameters.protocol ?? ''))

/** Opens a message. Throws a Refused with the reason; an OpensslMissing where openssl is needed and not there. */
export const openMail = async (mail: Mail, format: MessageFormat, { identities, anchors, at, legacy, openssl }: Opening): Promise<Opened> => {
  if (!isPkcs7(mail.type)) throw new Refused('not-encrypted', mail.type === 'multipart/signed' ? 'it is signed only' : undefined)
  const { content, identities: ours, cipher } = await decrypt(contentOf(mail), identities, legacy, openssl)
  const entity = entityOf(content, format)
  const { signed, verified } = signedOf(entity)
  const bytes = unwrapped(signed, mail)
  const { fields } = wellFormed('what was signed is no message', () => readFields(bytes))
  const from = senderOf(fields)
  const to = [...new Set(['to', 'cc', 'bcc'].flatMap((name) => fieldsOf({ fields }, name).flatMap(addressesOf)).map(({ address }) => address))].filter((address) => identityFor(ours, address))
  return { bytes, from, to: to.length > 0 ? to : ours.map(({ address }) => address).filter((address) => address.includes('@')), signer: signerOf(verified, from, anchors, at), cipher }
}

const isPkcs7 = (type: string): boolean => /^application\/(?:x-)?pkcs7-mime$/.test(type)

/** Bytes that were decrypted, as a message: with a wrong key they are rubbish. */
const entityOf = (content: Buffer, format: MessageFormat): Mail => {
  try {
    return format.parse(content) as Mail
  } catch (error) {
    if (error instanceof MessageFault && error.fault.kind === 'unsupported') throw error
    throw new Refused('cannot-decrypt', 'what comes of it is no MIME', { cause: error })
  }
}

const signedOf = (entity: Mail): { readonly signed: Part; readonly verified: Verified } => {
  const [signed, signature, ...more] = entity.parts
  if (entity.type !== 'multipart/signed' || !signed || !signature) throw new Refused('not-signed')
  if (more.length > 0 || !/^application\/(?:x-)?pkcs7-signature$/.test(signature.type)) throw new Refused('malformed', 'multipart/signed must have two parts, the second of application/pkcs7-signature')
  const cms = contentOf(signature)
  try {
    return { signed, verified: verifySigned(cms, signed.raw) }
  } catch (error) {
    const canonical = withCrlf(signed.raw)
    if (!(error instanceof Refused) || error.refusal !== 'tampered' || canonical.equals(signed.raw)) throw error
    return { signed, verified: verifySigned(cms, canonical) } // its line breaks were changed on the way (RFC 8551 §3.1.1)
  }
}

const withCrlf = (bytes: Buffer): Buffer => Buffer.from(bytes.toString('latin1').replace(/\r?\n/g, '\r\n'), 'latin1')

/** The message that was signed: a wrapped one (message/rfc822) with its own header, or the part under what the outer header says. The way comes from outside. */
const unwrapped = (signed: Part, mail: Mail): Buffer => {
  const bytes = signed.type === 'message/rfc822' ? contentOf(signed) : Buffer.concat([...mail.fields.filter(({ name }) => !/^(?:content-|mime-version)/i.test(name) && !WAY.test(name)).map(ended), Buffer.from('MIME-Version: 1.0\r\n'), signed.raw])
  const { fields, end } = wellFormed('what was signed is no message', () => readFields(bytes))
  const kept = fields.filter(({ name }) => !OURS.test(name) && !WAY.test(name))
  return Buffer.concat([...mail.fields.filter(({ name }) => WAY.test(name)).map(ended), ...kept.map(ended), Buffer.from('\r\n'), bytes.subarray(end)])
}

const ended = ({ raw }: Field): Buffer => (raw.at(-1) === 0x0a ? raw : Buffer.concat([raw, Buffer.from('\r\n')]))

const senderOf = (fields: readonly Field[]): string => {
  const found = fieldsOf({ fields }, 'from')
  const [one, ...more] = found.flatMap((field): readonly Address[] => addressesOf(field))
  if (!one?.address || more.length > 0 || found.length > 1) throw new Refused('no-sender')
  return one.address
}

/** The first signer who is trusted and is the sender; or else why the first is not. */
const signerOf = ({ signers, certificates }: Verified, from: string, anchors: readonly Certificate[], at: Date): Certificate => {
  let first: unknown
  for (const signer of signers) {
    try {
      chainOf(signer, certificates, anchors, at, USAGE.digitalSignature)
      if (signer.addresses.length + signer.domains.length === 0) throw new Refused('no-name')
      if (!names(signer, from)) throw new Refused('wrong-name')
      return signer
    } catch (error) {
      first ??= error
    }
  }
  throw first
}
