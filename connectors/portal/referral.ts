/** A submission: what was entered is checked, becomes a FHIR Bundle with the field that each value came from, and goes with the documents as one mail. */
import { createHash } from 'node:crypto'
import { MessageFault } from '../../engine/errors.js'
import { encode } from '../../engine/formats/carried.js'
import { composeMail, type Enclosure } from '../../engine/formats/mime/compose.js'
import type { Address } from '../../engine/formats/mime/fields.js'
import { rowToFhir } from '../../engine/v2-to-fhir/row-to-fhir.js'
import { isNpi } from '../../referrals/providers/npi.js'
import type { Upload } from './form-data.js'
import type { Form, FormField } from './form-file.js'

export type Values = ReadonlyMap<string, string>
export type ProblemKind = 'required' | 'date' | 'future' | 'choice' | 'matches' | 'longest' | 'npi'
export interface FieldProblem { readonly field: FormField; readonly kind: ProblemKind }

/** What is wrong with each field, in the order of the form. `partly`: nothing has to be there. */
export const problemsOf = (form: Form, values: Values, today: string, partly = false): readonly FieldProblem[] =>
  form.fields.flatMap((field): readonly FieldProblem[] => {
    const kind = problemOf(field, values.get(field.name)?.trim() ?? '', today, partly)
    return kind === null ? [] : [{ field, kind }]
  })

const problemOf = ({ required, check, choices, column: { form, codes, pattern, longest } }: FormField, value: string, today: string, partly: boolean): ProblemKind | null => {
  if (value === '') return required && !partly ? 'required' : null
  if (longest !== undefined && value.length > longest) return 'longest'
  if (form) {
    const date = form.read(value)
    return date === null ? 'date' : date > today ? 'future' : null
  }
  if (choices ? !choices.some(({ is }) => is === value) : codes && !codes.lookup(value)) return 'choice'
  if (check === 'npi' && !isNpi(value)) return 'npi'
  return pattern && !pattern.test(value) ? 'matches' : null
}

export interface Submission {
  readonly id: string // what makes it itself unique
  readonly values: Values
  readonly documents: readonly Upload[]
  readonly at: Date
  readonly from: Address
  readonly reference: string | null // of the referral that it adds to
}

export const keyOf = (id: string): string => `portal:${id}`

/** The same content under the same name is the same submission, however often it is sent. */
export const submissionId = (name: string, values: Values, documents: readonly Pick<Upload, 'filename' | 'content'>[]): string => {
  const hash = createHash('sha256').update(JSON.stringify([name, [...values].sort(([a], [b]) => (a < b ? -1 : 1))]))
  for (const { filename, content } of documents) hash.update(`${filename.length}:${filename}${content.length}:`).update(content)
  return hash.digest('hex').slice(0, 40)
}

/** The mail of a submission. Throws a MessageFault where the values make no referral. */
export const submissionMail = async (form: Form, { values, documents, ...submission }: Submission, channel: string): Promise<Buffer> => {
  const { id, at } = submission
  const columns = form.map.profile.columns
  const body = {
    text: '', row: { from: 0, to: 0, line: 1 }, reading: { profile: form.map.profile, delimiter: ',', size: 0, rows: 1, headers: new Map() },
    columns: columns.map((known) => ({ name: known.name, known })),
    cells: columns.map(({ name }) => ({ from: 0, to: 0, text: encode(values.get(name)?.trim() ?? '') })),
  }
  const bundle = rowToFhir({ id: 0, channel, receivedAt: at, header: { controlId: id, type: 'portal' }, format: 'table', body }, form.map, { sender: 'portal form', nobody: 'not said again' })
  return mailOf(submission, [{ filename: 'referral.json', type: 'application/fhir+json', content: Buffer.from(JSON.stringify(bundle)) }, ...documents.map(({ filename, type, content }) => ({ filename, type, content }))])
}

/** A mail around documents as they came. */
export const mailOf = async ({ id, at, from, reference }: Pick<Submission, 'id' | 'at' | 'from' | 'reference'>, attachments: readonly Enclosure[]): Promise<Buffer> => {
  if (attachments.length === 0) throw new MessageFault({ kind: 'required', reason: 'there is nothing to be sent' })
  return composeMail({
    messageId: `<${id}@portal.invalid>`, date: at, from, to: [{ name: '', address: 'referrals@portal.invalid' }],
    subject: reference === null ? 'Referral by the portal' : `More about referral ${reference}`,
    headers: { 'X-Refero-Kind': 'portal', ...(reference !== null && { 'X-Refero-Reference': reference }) },
    attachments,
  })
}
