/** Who a mail goes to and who is told when it cannot: the SMTP envelope, read from the message's own header. */
import { isAddress } from '../../engine/formats/mime/compose.js'
import { addressesOf, type Field, fieldsOf, type Header, rawValue, readFields, withField } from '../../engine/formats/mime/fields.js'

const MOST_RECIPIENTS = 100
const MOST_HEADER = 1024 ** 2 // bytes that are looked at

export interface Envelope {
  readonly from: string
  readonly to: readonly string[]
  readonly id: string | null // the Message-ID, for delivery status notifications
  readonly tracking: string | null // the Message-ID as it is written, by which receipts and reports name the mail
  readonly bytes: Buffer // what is sent: without Bcc
}

/** The envelope of a message, or why it can have none. `from` is the channel's own word for the sender. */
export const envelopeOf = (bytes: Buffer, from: string | null): Envelope | { readonly problem: string } => {
  const header = readFields(bytes.subarray(0, MOST_HEADER))
  if (header.fields.length === 0) return { problem: 'the message is no e-mail: it has no header; a channel makes one with the step `render`' }
  const addresses = (name: string): readonly string[] => fieldsOf(header, name).flatMap((field) => (isPlain(field) ? addressesOf(field).map(({ address }) => address) : ['']))
  const sender = from ?? [...addresses('sender'), ...addresses('from')][0]
  if (sender === undefined) return { problem: 'the message has no From, and the connector no `from`' }
  const to = [...new Set([...addresses('to'), ...addresses('cc'), ...addresses('bcc')])]
  if (to.length === 0) return { problem: 'the message has no recipient: neither To, Cc nor Bcc holds an address' }
  if (to.length > MOST_RECIPIENTS) return { problem: `the message has ${to.length} recipients, and at most ${MOST_RECIPIENTS} are sent to` }
  if (![sender, ...to].every(isAddress)) return { problem: 'the message has a sender or a recipient that is no e-mail address' }
  return { from: sender, to, id: idOf(header), tracking: fieldsOf(header, 'message-id').map(rawValue)[0] ?? null, bytes: fieldsOf(header, 'bcc').length > 0 ? withField(bytes, 'Bcc', null) : bytes }
}

/** Whether each `<…>` is an address: what a forgiving parser makes of `<a b@c>` may be somebody else's. */
const isPlain = (field: Field): boolean => [...rawValue(field).replace(/"(?:[^"\\]|\\.)*"/g, '').matchAll(/<([^<>]*)>?/g)].every(([, inside = '']) => isAddress(inside))

const idOf = (header: Header): string | null => {
  const [id] = fieldsOf(header, 'message-id').map(rawValue)
  return id !== undefined && /^[\x21-\x7e]{1,90}$/.test(id) ? id : null // RFC 3461 §4.4: at most 100 characters once encoded
}
