/** The vocabulary of write receipts: what was asked for, what was sent, and what became of each field. Types only. */

/**
 * written: what the EHR shows or says back is the same. accepted-not-confirmed: sent, and nothing contradicts it. different: the EHR (or the
 * message) has another value. not-carried: it did not go along, or the EHR did not keep it. not-there: the referral does not say it.
 */
export type FieldState = 'written' | 'accepted-not-confirmed' | 'not-carried' | 'not-there' | 'different'

export interface FieldReceipt {
  readonly field: string // "priority", "diagnosis"
  readonly value: string | null // as the referral says it
  readonly became: string | null // "RF1-2.1 = U", "ServiceRequest.priority = urgent"
  readonly state: FieldState
  readonly note: string | null
}
/** What the EHR calls it: a filler number, "ServiceRequest/12"; `system` is whose number it is, "urn:oid:1.2.3", or the address of the server. */
export interface TheirId { readonly kind: string; readonly value: string; readonly at: string; readonly system?: string }

export interface Receipt {
  readonly where: string // in words
  readonly ehr: string
  readonly at: string // ISO instant
  readonly fields: readonly FieldReceipt[]
  readonly ids: readonly TheirId[]
}

export interface Sent { readonly format: 'hl7v2' | 'fhir' | 'mime'; readonly payload: Buffer; readonly words?: string } // words: what the documents of a mail say, where they were read

export interface ReceiptRequest {
  readonly bundle: unknown // the canonical referral
  readonly sent: Sent
  readonly response: Buffer | null
  readonly profile: string // the EHR's name
  readonly at: string
}

/** How messages are read; given by whoever may use the formats. */
export interface Readers {
  /** The values at a path of an HL7 v2 message. Throws where the bytes are none. */
  readonly read: (message: Buffer, path: string) => readonly string[]
  /** The values of a FHIRPath expression in a resource, as text. */
  readonly evaluate: (resource: object, expression: string) => readonly string[]
}

/** What became of one value. */
export type Outcome = Pick<FieldReceipt, 'became' | 'state' | 'note'>
