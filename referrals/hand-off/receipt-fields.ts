/** The fields of a write receipt, mappings/receipts/fields.yaml: where each is read, where it can land, and when two values are the same. */
import { type Static, Type } from 'typebox'
import type { MappingDocument } from '../../engine/contracts.js'
import { mistakes } from '../../engine/schema-errors.js'
import { type MappingReader, subjectOf } from './profiles.js'
import { PARTS } from './referral-parts.js'

const HL7_PATH = '^[A-Z][A-Z0-9]{2}(\\[(\\d+|\\*)\\])?-\\d+(\\[(\\d+|\\*)\\])?(\\.\\d+){0,2}$'
const Paths = Type.Array(Type.String({ pattern: HL7_PATH, description: 'A path of HL7 v2, `PID-5[1].1`, `OBX[*]-3`.' }))

const Field = Type.Object({
  field: Type.String({ minLength: 1, maxLength: 80, description: 'What a person calls it.' }),
  of: Type.Enum([...PARTS], { description: 'The part of the referral that says it.' }),
  path: Type.String({ minLength: 1, maxLength: 500, description: 'FHIRPath within that part.' }),
  as: Type.Optional(Type.Enum(['text', 'words', 'date', 'phone'], { default: 'text', description: '`words`: the value stands somewhere in what landed; `date` and `phone`: by their digits.' })),
  same: Type.Optional(Type.Record(Type.String(), Type.Array(Type.String(), { minItems: 1 }), { description: 'Codes that mean the same there.' })),
  many: Type.Optional(Type.Boolean({ default: false, description: 'Several may stand there: another value is no contradiction.' })),
  label: Type.Optional(Type.String({ minLength: 1, maxLength: 80, description: 'What it is called where it stands among other words; looked for as “label: value”.' })),
  hl7v2: Type.Object({ any: Type.Optional(Paths), REF: Type.Optional(Paths), ORM: Type.Optional(Paths), OMG: Type.Optional(Paths), MDM: Type.Optional(Paths) }, { additionalProperties: false, description: 'Where it can stand, by the message; `any` for all.' }),
  fhir: Type.Array(Type.String({ pattern: '^[A-Z][A-Za-z]+\\.', maxLength: 500, description: 'A FHIRPath that begins with the type of resource.' })),
}, { additionalProperties: false })
export type ReceiptField = Static<typeof Field>

export const FieldsFile = Type.Object({ fields: Type.Array(Field, { minItems: 1, maxItems: 200 }) }, { additionalProperties: false })

/** Throws a sentence with file:line:column for the first thing wrong. */
export const readFields = (tools: MappingReader): readonly ReceiptField[] => {
  const document = tools.mapping('receipts/fields')
  const [problem] = lintFields(document)
  if (problem) throw new Error(problem)
  return (document.value as Static<typeof FieldsFile>).fields
}

export const lintFields = (document: MappingDocument): readonly string[] => {
  const value = structuredClone(document.value)
  const found = mistakes(FieldsFile, value, subjectOf('the fields of receipts', value))
  if (found.length > 0) return found.map(({ keys, message }) => `${document.place(...keys)}: ${message}`)
  const names = (value as Static<typeof FieldsFile>).fields.map(({ field }) => field)
  return names.flatMap((name, at) => (names.indexOf(name) < at ? [`${document.place('fields', at, 'field')}: \`${name}\` is there already; each field has one row.`] : []))
}

/** Whether what landed says the same as the referral. */
export const isSame = ({ as = 'text', same = {}, label }: ReceiptField, ours: string, landed: string): boolean => {
  if (ours === landed || same[ours]?.includes(landed)) return true
  if (label && plain(landed) === plain(`${label}: ${ours}`)) return true
  if (as === 'date') return digits(ours) !== '' && digits(landed).slice(0, 8) === digits(ours).slice(0, 8)
  if (as === 'phone') return digits(ours).length >= 7 && phone(landed) === phone(ours)
  const [mine, theirs] = [plain(ours), plain(landed)]
  return mine === theirs || (as === 'words' && mine !== '' && contains(theirs, mine)) || (mine.length >= 12 && theirs.includes(mine))
}

/** Whether a summary says it: as “label: value” where there is a label, else anywhere as a whole. */
export const isSaid = (field: ReceiptField, ours: string, words: string): boolean =>
  field.label ? words.toLowerCase().includes(`${field.label}: ${ours}`.toLowerCase())
    : field.as === 'phone' ? digits(ours).length >= 7 && digits(words).includes(digits(ours).slice(-10)) : contains(plain(words), plain(ours))

const contains = (text: string, part: string): boolean => part !== '' && ` ${text} `.includes(` ${part} `)
const digits = (text: string): string => text.replace(/\D/g, '')
/** The last ten digits before an extension; of an XTN its first component, or area code and number (HL7 v2.5.1 §2.A.89). */
const phone = (text: string): string => {
  const [whole = '', , , , , area = '', local = ''] = text.split('^')
  return digits(digits(whole).length >= 7 ? whole.replace(/(?:x|ext\.?)\s*\d+$/i, '') : area + local).slice(-10)
}
const plain = (text: string): string => text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, ' ').trim()
