/** A destination before another: each mail asks for receipts. Where mail is sealed it stands before that, so that whoever opens the mail reads the request. */
import type { DestinationConnector } from '../../engine/contracts.js'
import { fieldsOf, readFields, withField } from '../../engine/formats/mime/fields.js'
import { envelopeOf } from './envelope.js'

/** `from`: the channel's own word for the sender, else each mail's is asked for; `direct` asks the final destination too. A mail that cannot be sent is left to `next`, which says why. */
export const asking = ({ from, direct }: { readonly from: string | null; readonly direct: boolean }, next: DestinationConnector): DestinationConnector => ({
  open: () => next.open(),
  close: () => next.close(),
  deliver: (delivery, signal) => {
    const envelope = envelopeOf(delivery.payload, from)
    return next.deliver('problem' in envelope ? delivery : { ...delivery, payload: withReceipts(delivery.payload, envelope.from, direct) }, signal)
  },
})

/** The mail with a request for receipts (RFC 8098 §2.1) to its sender; `direct` asks for that of the final destination too (Implementation Guide for Delivery Notification in Direct §1.3). */
const withReceipts = (bytes: Buffer, from: string, direct: boolean): Buffer => {
  const asked = fieldsOf(readFields(bytes), 'disposition-notification-to').length > 0 ? bytes : withField(bytes, 'Disposition-Notification-To', from)
  return direct ? withField(asked, 'Disposition-Notification-Options', 'X-DIRECT-FINAL-DESTINATION-DELIVERY=optional,true') : asked
}
