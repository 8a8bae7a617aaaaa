/** Direct Context (Implementation Guide for Expressing Context in Direct Messaging 1.0, 1.1): what a mail says of its patient and purpose beside its documents. */
import { MessageFault } from '../../errors.js'
import { fieldsOf, rawValue } from './fields.js'
import { attachmentsOf, type Part, textOf } from './mail.js'

export interface Context {
  readonly id: string | null
  readonly patientIds: readonly { readonly authority: string; readonly value: string }[] // authority: an OID
  readonly patient: Readonly<Partial<Record<PatientKey, string>>> // as written; dateOfBirth is YYYY-MM-DD
  readonly type: string | null // category/action: "radiology/report"
  readonly purpose: string | null
  readonly encapsulation: string | null // "hl7v2"
}
/** A mail's context, the part that it stands in, and what in it cannot be read, in sentences without content; null in a mail that names none. */
export interface Found { readonly context: Context | null; readonly part: Part | null; readonly problems: readonly string[] }

const PATIENT = ['givenName', 'surname', 'middleName', 'dateOfBirth', 'gender', 'socialSecurityNumber', 'telephoneNumber', 'streetAddress', 'localityName', 'stateOrProvinceName', 'postalCode', 'country', 'directAddress'] as const
export type PatientKey = typeof PATIENT[number]
const TYPE = /^(?:radiology|laboratory|general)\/(?:order|report|result|request|response|notification)$/
const PURPOSE = /^(?:treatment|payment|operations|emergency|research)$/
const ENCAPSULATION = /^(?:hl7v2|fhir)$/
const VERSION = /^1\.[01]$/
const LARGEST = 64 * 1024 // characters
const MOST_NUMBERS = 20

/** The context that the header names by a Content-ID (§3.1). What is wrong with it is told, and the rest of it is read. */
export const contextOf = (mail: Part): Found | null => {
  const [named] = fieldsOf(mail, 'x-direct-context').map(rawValue)
  if (named === undefined) return null
  const id = bare(named)
  const part = attachmentsOf(mail).find((one) => one.id !== null && bare(one.id) === id)?.part ?? mail.parts.find((one) => fieldsOf(one, 'content-id').some((field) => bare(rawValue(field)) === id)) ?? null
  if (!part) return { context: null, part: null, problems: ['names a Direct Context that is not in the mail'] }
  try {
    const text = textOf(part)
    if (text.length > LARGEST) return { context: null, part, problems: [`is a Direct Context of more than ${LARGEST} characters`] }
    return { part, ...readContext(text) }
  } catch (error) {
    if (error instanceof MessageFault) return { context: null, part, problems: [`is a Direct Context that cannot be opened: ${error.message}`] }
    throw error
  }
}

/** Reads the text of metadata.txt: header fields, which may be folded (§3.2). */
export const readContext = (text: string): Pick<Found, 'context' | 'problems'> => {
  const problems: string[] = []
  const lines = text.replace(/^\ufeff/, '').replace(/\r?\n(?=[ \t])/g, '').split(/\r?\n/).filter((line) => line.trim() !== '')
  const fields = new Map(lines.flatMap((line) => {
    const [, name, value] = /^([A-Za-z-]{1,60})[ \t]*:(.*)$/.exec(line) ?? []
    return name === undefined || value === undefined ? [] : [[name.toLowerCase(), value.trim()] as const]
  }))
  if (fields.size === 0) return { context: null, problems: ['is no Direct Context: it has no fields'] }
  const known = (name: string, form: RegExp): string | null => {
    const value = fields.get(name)
    if (value === undefined || value === '') return null
    if (form.test(value.toLowerCase())) return value.toLowerCase()
    problems.push(`is a Direct Context whose ${name} is none that is known`)
    return null
  }
  if (fields.get('version') === undefined) problems.push('is a Direct Context without a version')
  else known('version', VERSION)
  return {
    context: {
      id: fields.get('id') || null, patientIds: numbersIn(fields.get('patient-id') ?? '', problems), patient: patientIn(fields.get('patient') ?? '', problems),
      type: known('type', TYPE), purpose: known('purpose', PURPOSE), encapsulation: known('encapsulation', ENCAPSULATION),
    },
    problems,
  }
}

const bare = (id: string): string => id.trim().replace(/^<|>$/g, '')

const pairs = (text: string): readonly string[] => text.split(';').map((one) => one.trim()).filter((one) => one !== '')

const numbersIn = (text: string, problems: string[]): Context['patientIds'] => pairs(text).slice(0, MOST_NUMBERS).flatMap((one) => {
  const [, authority, value] = /^(?:urn:oid:)?([0-2](?:\.\d+)+)\s*:\s*(\S.*)$/.exec(one) ?? []
  if (authority !== undefined && value !== undefined) return [{ authority, value }]
  problems.push('is a Direct Context with a patient-id that is not OID:number')
  return []
})

const patientIn = (text: string, problems: string[]): Context['patient'] => Object.fromEntries(pairs(text).flatMap((one) => {
  const [, name = '', value = ''] = /^([^=]*)=(.*)$/s.exec(one) ?? []
  const key = PATIENT.find((known) => known.toLowerCase() === name.trim().toLowerCase())
  if (key === undefined) problems.push('is a Direct Context with a patient attribute that is not known')
  else if (key === 'dateOfBirth' && !/^\d{4}-\d{2}-\d{2}$/.test(value.trim())) problems.push('is a Direct Context whose dateOfBirth is not YYYY-MM-DD')
  else if (value.trim() !== '') return [[key, value.trim()] as const]
  return []
}))

/** The text of metadata.txt, version 1.1; `;` and line breaks cannot stand in a value and become spaces. */
export const writeContext = ({ id, patientIds, patient, type, purpose }: Omit<Context, 'encapsulation'>): Buffer => {
  const safe = (value: string): string => value.replace(/[;\0-\x1f\x7f]+/g, ' ').trim()
  const attributes = PATIENT.flatMap((key) => (patient[key] ? [`${key}=${safe(patient[key])}`] : []))
  const fields = [
    ['version', '1.1'], ['id', id ?? ''], ['patient-id', patientIds.map(({ authority, value }) => `${authority}:${safe(value)}`).join('; ')],
    ['type', type ?? ''], ['purpose', purpose ?? ''], ['patient', attributes.join('; ')],
  ] as const
  return Buffer.from(fields.flatMap(([name, value]) => (value === '' ? [] : [`${name}: ${value}\r\n`])).join(''))
}
