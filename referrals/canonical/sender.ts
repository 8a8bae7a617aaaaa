/** The facility that sent a referral, as it names itself: what is one sender's own is told from another's by it. */
import type { Bundle } from 'fhir/r4.js'
import { viewOf } from './view.js'

/** By its identifier, else by its name (HL7 v2 MSH-4); else by the system of the order's number. Null where nothing says it: a channel alone may have many senders. */
export const senderOf = (bundle: Bundle): string | null => {
  const view = viewOf(bundle)
  const [header] = view.of('MessageHeader')
  const sender = header && view.follow(header.resource.sender, header)?.resource
  const facility = sender?.resourceType === 'Organization' ? (sender.identifier?.find(({ value }) => value)?.value ?? sender.name) : header?.resource.sender?.display
  return facility?.trim().toLowerCase() || (view.request?.resource.identifier?.find(({ system }) => system)?.system ?? null)
}
