/** Reads acknowledgements, and what acknowledgement a message asks for: what a connector that sends messages needs. */
import { partOf } from './body.js'
import { decodeValue } from './escape.js'
import { tolerantHeader } from './header.js'
import { DEFAULT_READING } from './settings.js'

/** What a receiver answered. `code` is MSA-1, `controlId` MSA-2; `reason` is the receiver's own words, which may hold patient data. */
export interface Acknowledgement {
  readonly code: string
  readonly controlId: string | null
  readonly reason: string | null
}

/** Null where the bytes are no HL7 message or have no MSA with a code. Never throws. */
export const readAcknowledgement = (bytes: Buffer): Acknowledgement | null => {
  const opening = tolerantHeader(bytes, DEFAULT_READING)
  if (!opening) return null
  const { delimiters, charset } = opening
  const values = (line: string, field: number, component = 1): string =>
    decodeValue(partOf(partOf(partOf(line, delimiters.field, field + 1), delimiters.repetition, 1), delimiters.component, component), delimiters, charset).trim()
  const lines = charset.carry(bytes).split(/[\r\n]+/, 200)
  const msa = lines.find(line => line.startsWith(`MSA${delimiters.field}`))
  const code = msa === undefined ? '' : values(msa, 1)
  if (msa === undefined || code === '') return null
  const err = lines.find(line => line.startsWith(`ERR${delimiters.field}`)) ?? ''
  // Before 2.5 ERR-1 is segment^sequence^field^code&text.
  const old = decodeValue(partOf(partOf(partOf(err, delimiters.field, 2), delimiters.component, 4), delimiters.subcomponent, 2), delimiters, charset)
  const reason = [values(err, 8), values(err, 7), values(msa, 3), values(err, 3, 2), old, values(msa, 6, 2)].find(text => text !== '')
  return { code: code.toUpperCase(), controlId: values(msa, 2) || null, reason: reason?.slice(0, 1000) ?? null }
}

/**
 * Which acknowledgement a receiver that follows the standard (2.5.1 §2.9) sends first if all goes well: `accept` (CA), `application` (AA), or none at all,
 * as where MSH-15 and MSH-16 are ER or NE. An empty MSH-15 or MSH-16 beside the other means never. Where MSH cannot be read: an application acknowledgement, without a control id.
 */
export const acknowledgementWanted = (bytes: Buffer): { readonly controlId: string | null; readonly first: 'accept' | 'application' | 'none' } => {
  const opening = tolerantHeader(bytes, DEFAULT_READING)
  if (!opening) return { controlId: null, first: 'application' }
  const controlId = opening.value(10) || null
  const accept = opening.value(15)
  const application = opening.value(16)
  if (accept === '' && application === '') return { controlId, first: 'application' }
  if (comes(accept)) return { controlId, first: 'accept' }
  return { controlId, first: comes(application) ? 'application' : 'none' }
}

const comes = (condition: string): boolean => condition !== '' && condition !== 'NE' && condition !== 'ER'
