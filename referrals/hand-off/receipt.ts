/** The write receipt: where a referral landed, and what each of its fields became there, by what was really sent and really answered. */
import type { FieldReceipt, Outcome, Readers, Receipt, ReceiptRequest, TheirId } from './receipt-contracts.js'
import { fhirField, fhirIds, fhirWhere, readFhirAnswer } from './receipt-fhir.js'
import { isSaid, type ReceiptField } from './receipt-fields.js'
import { hl7Field, hl7Ids, hl7Where, readHl7Answer } from './receipt-hl7v2.js'
import { referralParts } from './referral-parts.js'

const MOST_VALUES = 50 // of one field

/** Never throws for what a receiver answers; throws where `sent` cannot be read as what it is said to be. */
export const receipt = (request: ReceiptRequest, fields: readonly ReceiptField[], readers: Readers): Receipt => {
  const { where, ids, became } = landing(request, readers)
  const parts = referralParts(request.bundle)
  const receipts = fields.flatMap((field): readonly FieldReceipt[] => {
    const values = [...new Set(parts[field.of].flatMap((part) => readers.evaluate(part, field.path)).filter(Boolean))].slice(0, MOST_VALUES)
    if (values.length === 0) return [{ field: field.field, value: null, became: null, state: 'not-there', note: 'the referral does not say it' }]
    return values.map((value) => ({ field: field.field, value, ...became(field, value) }))
  })
  return { where, ehr: request.profile, at: request.at, fields: receipts, ids }
}

interface Landing { readonly where: string; readonly ids: readonly TheirId[]; readonly became: (field: ReceiptField, value: string) => Outcome }

const landing = ({ sent, response }: ReceiptRequest, readers: Readers): Landing => {
  if (sent.format === 'hl7v2') {
    const answered = readable(readers, response) ? response : null
    const answer = readHl7Answer(readers, sent, answered)
    return { where: hl7Where(readers, sent, answer), ids: hl7Ids(readers, sent, answered), became: (field, value) => hl7Field(readers, sent, answered, answer, field, value) }
  }
  if (sent.format === 'fhir') {
    const answer = readFhirAnswer(response)
    return { where: fhirWhere(answer), ids: fhirIds(answer), became: (field, value) => fhirField(readers, answer, field, value) }
  }
  const words = sent.words ?? sent.payload.toString()
  return {
    where: 'sent as a document; a person files it', ids: [],
    became: (field, value) => (isSaid(field, value, words) ? { became: 'document', state: 'accepted-not-confirmed', note: 'in words' } : { became: null, state: 'not-carried', note: 'the document does not say it' }),
  }
}

const readable = ({ read }: Readers, response: Buffer | null): boolean => {
  try {
    return response !== null && read(response, 'MSH-9').length >= 0
  } catch {
    return false
  }
}
