/** The step `read-receipt`: an MDN, a DSN or a fax's status becomes what it says of the message that it is about. */
import { Type } from 'typebox'
import { defineTransform } from '../../engine/define.js'
import { MessageFault } from '../../engine/errors.js'
import { madeJson } from '../../engine/formats/json/json-text.js'
import type { Mail } from '../../engine/formats/mime/mail.js'
import { receiptsOf } from './receipts.js'

export default defineTransform({
  name: 'read-receipt',
  summary: 'Turns a delivery report - an MDN (RFC 8098), a DSN (RFC 3464), a bounce with the message that came back, a fax’s status - into a receipt that the desk can give to what it is about. Other mail is filtered.',
  settings: Type.Object({}, { additionalProperties: false }),
  examples: [{}],
  produces: 'json',
  create: () => (message) => {
    if (message.format !== 'mime') throw new MessageFault({ kind: 'unsupported', reason: `read-receipt takes messages of format mime, and this is ${message.format}` })
    const receipts = receiptsOf(message.body as Mail, message.receivedAt)
    if (receipts.length === 0) return { filtered: 'read-receipt: it is no report of a delivery' }
    return receipts.map((receipt) => ({ ...message, format: 'json', body: madeJson({ receipt }) }))
  },
})
