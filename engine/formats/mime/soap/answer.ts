/** What came back for a SOAP request: an envelope that answers it, or the fault in it, or neither. */
import type { Place } from '../../xml/tree.js'
import { type Envelope, readEnvelope } from './envelope.js'
import { SoapFault } from './fault.js'
import { ENVELOPE } from './names.js'
import { childAt, isNamed, textAt } from './namespaces.js'

export interface SoapAnswer {
  readonly envelope: Envelope
  readonly fault: { readonly code: string; readonly subcode: string | null } | null // "Sender", "FailedAuthentication": names without prefixes
}

/** Null where it is no SOAP 1.2, or answers another request. */
export const readAnswer = (contentType: string, body: Buffer, messageId: string): SoapAnswer | null => {
  let envelope: Envelope
  try {
    envelope = readEnvelope(contentType, body)
  } catch (error) {
    if (error instanceof SoapFault) return null
    throw error
  }
  if (envelope.body && isNamed(envelope.body, ENVELOPE, 'Fault')) {
    const code = childAt(envelope.body, ENVELOPE, 'Code')
    return { envelope, fault: { code: named(childAt(code, ENVELOPE, 'Value')) ?? 'Receiver', subcode: named(childAt(code, ENVELOPE, 'Subcode', 'Value')) } }
  }
  return envelope.relatesTo !== null && envelope.relatesTo !== messageId ? null : { envelope, fault: null }
}

const named = (place: Place | null): string | null => textAt(place)?.replace(/^.*:/, '').replace(/[^\w-]/g, '').slice(0, 60) || null
