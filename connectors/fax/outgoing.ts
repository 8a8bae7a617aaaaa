/** What a mail says of the fax to send: to whom, and which document. */
import { TYPES } from '../../engine/documents/kind.js'
import { MessageFault } from '../../engine/errors.js'
import { dialled, faxNumber } from '../../engine/formats/mime/fax-address.js'
import { addressesOf, fieldsOf, rawValue } from '../../engine/formats/mime/fields.js'
import { attachmentsOf, contentOf, readMail } from '../../engine/formats/mime/mail.js'
import { faxKind } from './document.js'
import type { Outgoing } from './provider.js'

const LIMITS = { header: 1024 ** 2, parts: 1000, depth: 10 }

export interface OutgoingSettings {
  readonly from: string | null
  readonly callback: string | null
  readonly country: string
  readonly maximum: number // bytes
  readonly tag: string // for a mail without a Message-ID
}

/** Throws a MessageFault where there is no mail, no number, or no document that can be faxed. */
export const outgoingOf = (payload: Buffer, { from, callback, country, maximum, tag }: OutgoingSettings): Outgoing => {
  const mail = readMail(payload, { ...LIMITS, size: payload.length })
  const numbers = (name: string): readonly (string | null)[] => fieldsOf(mail, name).flatMap(addressesOf).map(({ address }) => dialled(faxNumber(address) ?? '', country))
  const [to, ...others] = numbers('to')
  if (others.length > 0) throw refused('a fax goes to one number, and the mail has several recipients')
  if (!to) throw refused('the mail’s To is no fax number that can be dialled, such as `+16085550191@fax.invalid`')
  const found = attachmentsOf(mail).map(({ part }) => contentOf(part)).find((content) => faxKind(content) !== null)
  if (!found) throw refused('the mail has no document that can be faxed: none of its attachments is PDF or TIFF')
  if (found.length > maximum) throw refused(`the document has ${found.length} bytes, and at most ${maximum} are sent; the setting is \`maximum\``)
  const kind = faxKind(found) ?? 'pdf'
  const id = fieldsOf(mail, 'message-id').map(rawValue).find((value) => /^<[\x21-\x7e]{3,400}>$/.test(value))
  return { to, from: from ?? numbers('from')[0] ?? null, tag: id ?? tag, callback, file: { content: found, filename: `fax.${kind}`, type: TYPES[kind] } }
}

const refused = (reason: string): MessageFault => new MessageFault({ kind: 'value', reason })
