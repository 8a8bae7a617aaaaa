/** Seals a message for Direct: wrapped, signed and encrypted (Applicability Statement for Secure Health Transport §3; RFC 8551). */
import { randomBytes } from 'node:crypto'
import { fieldsOf, readFields, withField } from '../formats/mime/fields.js'
import type { Certificate } from './certificates.js'
import type { Identity } from './identities.js'
import { type ContentCipher, encrypt, type KeyTransport, signDetached } from './make.js'

export interface Sealing {
  readonly identity: Identity // who signs
  readonly recipients: readonly Certificate[]
  readonly cipher: ContentCipher
  readonly transport: KeyTransport
  readonly at: Date
}

/** What the outer header says: only what carries the message, so that a subject or a reference is read by its recipients alone. */
const OUTER = ['From', 'Sender', 'To', 'Cc', 'Bcc', 'Date', 'Message-ID']

/** The sealed message. Throws a sentence where a recipient cannot be encrypted for. */
export const sealMail = (bytes: Buffer, { identity, recipients, cipher, transport, at }: Sealing): Buffer => {
  const header = readFields(bytes)
  const inner = withCrlf(fieldsOf(header, 'bcc').length > 0 ? withField(bytes, 'Bcc', null) : bytes)
  const wrapped = Buffer.concat([Buffer.from('Content-Type: message/rfc822\r\n\r\n'), inner])
  const boundary = `signed-${randomBytes(18).toString('hex')}`
  const signed = Buffer.concat([
    Buffer.from(`Content-Type: multipart/signed; protocol="application/pkcs7-signature";\r\n micalg=sha-256; boundary="${boundary}"\r\n\r\n--${boundary}\r\n`),
    wrapped,
    Buffer.from(`\r\n--${boundary}\r\nContent-Type: application/pkcs7-signature; name=smime.p7s\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=smime.p7s\r\n\r\n`),
    base64(signDetached(wrapped, identity, at)),
    Buffer.from(`\r\n--${boundary}--\r\n`),
  ])
  const outer = OUTER.flatMap((name) => fieldsOf(header, name)).map(({ raw }) => Buffer.from(raw.toString('latin1').replace(/\r?\n/g, '\r\n'), 'latin1'))
  return Buffer.concat([
    ...outer,
    Buffer.from('MIME-Version: 1.0\r\nContent-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=smime.p7m\r\n\r\n'),
    base64(encrypt(signed, recipients, cipher, transport)),
    Buffer.from('\r\n'),
  ])
}

const base64 = (bytes: Buffer): Buffer => Buffer.from(bytes.toString('base64').replace(/.{76}(?=.)/g, '$&\r\n'))

/** Line breaks as they are signed (RFC 8551 §3.1.1): every one of them CRLF. */
const withCrlf = (bytes: Buffer): Buffer => Buffer.from(bytes.toString('latin1').replace(/\r\n|\r|\n/g, '\r\n'), 'latin1')
