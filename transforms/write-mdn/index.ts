/** The step `write-mdn`: answers a message by a disposition notification (RFC 8098; Implementation Guide for Delivery Notification in Direct). */
import { createHash } from 'node:crypto'
import { Type } from 'typebox'
import type { Message } from '../../engine/contracts.js'
import { defineTransform } from '../../engine/define.js'
import { MessageFault } from '../../engine/errors.js'
import { isAddress } from '../../engine/formats/mime/compose.js'
import { addressesOf, fieldsOf, rawValue } from '../../engine/formats/mime/fields.js'
import type { Mail, Part } from '../../engine/formats/mime/mail.js'

const FINAL_DELIVERY = 'X-DIRECT-FINAL-DESTINATION-DELIVERY'
const MOST_RECIPIENTS = 100

export default defineTransform({
  name: 'write-mdn',
  summary: 'Writes the notification (MDN) that a message was processed or dispatched, one for each of our addresses; never in answer to a notification or an automatic reply.',
  settings: Type.Object({
    disposition: Type.Optional(Type.Enum(['processed', 'dispatched'], { default: 'processed', description: '`processed`: it was opened and its sender is trusted. `dispatched`: it has reached its final place; written only where the sender asks for that.' })),
    recipient: Type.Optional(Type.String({ minLength: 3, maxLength: 254, description: 'Our address that the notification is of; without it, those that `open-smime` opened the message for.' })),
    product: Type.Optional(Type.String({ default: 'Refero', minLength: 1, maxLength: 60, pattern: '^[A-Za-z0-9 ._-]+$', description: 'What the notification calls this system.' })),
  }, { additionalProperties: false }),
  examples: [{}, { disposition: 'dispatched' }, { recipient: 'referrals@direct.heart.example', product: 'Heart Center' }],
  produces: 'mime',
  create({ disposition = 'processed', recipient, product = 'Refero' }, tools) {
    if (recipient !== undefined && !isAddress(recipient)) throw new Error('`recipient` must be one e-mail address.')
    return (message) => {
      if (message.format !== 'mime') throw new MessageFault({ kind: 'unsupported', reason: `write-mdn takes messages of format mime, and this is ${message.format}` })
      const mail = message.body as Mail
      const why = unanswered(mail, disposition)
      if (why !== null) return { filtered: why }
      const [sender, ...more] = fieldsOf(mail, 'from').flatMap(addressesOf).map(({ address }) => address)
      const [id] = fieldsOf(mail, 'message-id').map(rawValue)
      if (sender === undefined || more.length > 0 || !isAddress(sender)) return { filtered: 'it has not exactly one From address to be answered' }
      if (id === undefined || !/^<[\x21-\x7e]{1,250}>$/.test(id)) return { filtered: 'it has no Message-ID that a notification could name' }
      const recipients = recipient === undefined ? fieldsOf(mail, 'x-refero-opened-for').flatMap(addressesOf).map(({ address }) => address).filter(isAddress).slice(0, MOST_RECIPIENTS) : [recipient]
      if (recipients.length === 0) return { filtered: 'it is not known for which of our addresses it was opened: the step open-smime says it, or `recipient`' }
      return recipients.map((of) => ({ ...message, body: tools.format('mime').parse(notification(message, { of, sender, id, disposition, product })) }))
    }
  },
})

/**
 * Why a message is not to be answered (RFC 3834 §2, RFC 8098 §2.1), or null. What a program made is, where a trusted signer sent it or it asks to be told: Direct
 * owes each of its messages a notification, and an EHR marks its own as generated. No loop comes of it: a notification asks for none, and is none's subject.
 */
const unanswered = (mail: Mail, disposition: string): string | null => {
  const value = (name: string): string => fieldsOf(mail, name).map(rawValue).join(' ').toLowerCase()
  if (isReport(mail)) return 'it is a notification itself'
  const automatic = value('auto-submitted').split(';')[0]?.trim() ?? ''
  const owed = fieldsOf(mail, 'x-refero-signed-by').length > 0 || value('disposition-notification-to') !== ''
  if (automatic !== '' && automatic !== 'no' && !(owed && automatic === 'auto-generated')) return 'it is an automatic mail'
  if (/bulk|junk|list/.test(value('precedence')) || value('list-id') !== '') return 'it was sent to many'
  if (value('return-path') === '<>') return 'it has nobody to be answered'
  if (disposition === 'dispatched' && !asksForFinalDelivery(value('disposition-notification-options'))) return 'its sender does not ask to be told of its final delivery'
  return null
}

const isReport = (part: Part): boolean => part.type === 'multipart/report' || /^message\/(?:disposition-notification|delivery-status)$/.test(part.type) || part.parts.some(isReport)

/** `X-DIRECT-FINAL-DESTINATION-DELIVERY=optional,true`, written with whatever spaces and capitals. */
const asksForFinalDelivery = (options: string): boolean => /x-direct-final-destination-delivery\s*=\s*(?:optional|required)\s*,\s*true\b/.test(options)

interface Notice { readonly of: string; readonly sender: string; readonly id: string; readonly disposition: string; readonly product: string }

/** Of the message alone, so that one sent again is the same mail. Its subject is not repeated: it may tell of a patient. */
const notification = ({ channel, receivedAt }: Message, { of, sender, id, disposition, product }: Notice): Buffer => {
  const digest = createHash('sha256').update(JSON.stringify([channel, id, of, disposition])).digest('hex')
  const final = disposition === 'dispatched' ? [`${FINAL_DELIVERY}: true`] : []
  const boundary = `report-${digest.slice(32)}`
  return Buffer.from([
    `From: <${of}>`, `To: <${sender}>`, `Subject: ${disposition === 'dispatched' ? 'Dispatched' : 'Processed'}`, `Date: ${receivedAt.toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: <${digest.slice(0, 32)}@${of.slice(of.lastIndexOf('@') + 1)}>`, `In-Reply-To: ${id}`, `References: ${id}`, 'Auto-Submitted: auto-replied', ...final,
    'MIME-Version: 1.0', 'Content-Type: multipart/report; report-type=disposition-notification;', ` boundary="${boundary}"`, '',
    `--${boundary}`, 'Content-Type: text/plain; charset=us-ascii', '', `Your message was ${disposition === 'dispatched' ? 'delivered to its final destination' : 'received and processed by the system of its recipient'}.`, '',
    `--${boundary}`, 'Content-Type: message/disposition-notification', '',
    `Reporting-UA: ${of.slice(of.lastIndexOf('@') + 1)}; ${product}`, `Final-Recipient: rfc822; ${of}`, `Original-Message-ID: ${id}`, `Disposition: automatic-action/MDN-sent-automatically; ${disposition}`, ...final, '',
    `--${boundary}--`, '',
  ].join('\r\n'))
}
