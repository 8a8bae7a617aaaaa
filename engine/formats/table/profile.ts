/** Profiles of payers' lists, mappings/payer/<name>.yaml: what a column is called, where it stands, what may be in it and where it goes. */
import { type Static, Type } from 'typebox'
import { Errors } from 'typebox/value'
import type { CodeTable, MappingDocument, Tools } from '../../contracts.js'
import { type DateForm, dateForm } from './dates.js'

export const Column = Type.Object({
  to: Type.Optional(Type.String({ description: 'Where it goes: a resource of the referral and a FHIR path, `patient birthDate`. Without it the column is known and not carried.' })),
  also: Type.Optional(Type.Array(Type.String({ minLength: 1 }), { description: 'Other names that the header may have for it.' })),
  at: Type.Optional(Type.String({ pattern: '^[1-9]\\d{0,4}-[1-9]\\d{0,4}$', description: 'Of fixed width: its first and last character, `1-10`.' })),
  required: Type.Optional(Type.Boolean({ description: 'A row without it is refused.' })),
  date: Type.Optional(Type.String({ description: 'How its dates are written: `MM/DD/YYYY`, `YYYYMMDD`.' })),
  table: Type.Optional(Type.String({ description: 'A code table of mappings/codes/; a row with a code that it does not have is refused.' })),
  matches: Type.Optional(Type.String({ description: 'A regular expression for the whole value.' })),
  longest: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000, description: 'The most characters.' })),
  system: Type.Optional(Type.String({ description: 'Of a code or an identifier: its system. Of a number to call: phone, fax, email.' })),
  type: Type.Optional(Type.String({ description: 'Of an identifier: its type, a code of table 0203.' })),
}, { additionalProperties: false })

export const ProfileFile = Type.Object({
  describe: Type.Optional(Type.String()),
  layout: Type.Optional(Type.Enum(['csv', 'fixed'], { default: 'csv' })),
  delimiter: Type.Optional(Type.String({ minLength: 1, maxLength: 1, default: ',', description: 'Of csv: what stands between cells.' })),
  rows: Type.Optional(Type.String({ description: 'Of fixed width: a regular expression for the lines that are rows; others (headers, trailers) are passed over.' })),
  type: Type.Optional(Type.String({ default: 'row', description: 'The type of the messages that rows become.' })),
  id: Type.Optional(Type.Array(Type.String(), { minItems: 1, description: 'The columns that tell rows apart; without them the whole row does.' })),
  columns: Type.Record(Type.String(), Column),
}, { additionalProperties: false })

export interface ProfileColumn extends Static<typeof Column> {
  readonly name: string
  readonly span: readonly [from: number, to: number] | null // characters, from 0, the end left out
  readonly form: DateForm | null
  readonly codes: CodeTable | null
  readonly pattern: RegExp | null
}

export interface Profile {
  readonly layout: 'csv' | 'fixed'
  readonly delimiter: string
  readonly rows: RegExp | null
  readonly type: string
  readonly id: readonly string[] | null
  readonly columns: readonly ProfileColumn[]
  place(...keys: readonly string[]): string // file:line:column
}

/** Header names are the same whatever their case, spaces and punctuation. */
export const plainName = (name: string): string => name.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '')

/** Reads a profile. Throws a sentence with file:line:column, what is wrong and what is allowed. */
export const readProfile = (name: string, tools: Pick<Tools, 'mapping' | 'table'>): Profile => {
  const file = tools.mapping(name)
  checkShape(file)
  const value = file.value as Static<typeof ProfileFile>
  const layout = value.layout ?? 'csv'
  const seen = new Map<string, string>()
  const columns = Object.entries(value.columns).map(([column, settings]): ProfileColumn => {
    const at = <T>(key: string, read: () => T): T => {
      try {
        return read()
      } catch (error) {
        throw new Error(`${file.place('columns', column, key)}: ${error instanceof Error ? error.message : error}.`)
      }
    }
    for (const called of [column, ...(settings.also ?? [])]) {
      const other = seen.get(plainName(called))
      if (other !== undefined) throw new Error(`${file.place('columns', column)}: "${called}" is a name of the column "${other}" already.`)
      seen.set(plainName(called), column)
    }
    if (layout === 'fixed' && !settings.at) throw new Error(`${file.place('columns', column)}: a column of fixed width needs its place, like \`at: 1-10\`.`)
    const [first = 0, last = 0] = settings.at?.split('-').map(Number) ?? []
    if (settings.at && last < first) throw new Error(`${file.place('columns', column, 'at')}: the column ends before it begins.`)
    return {
      ...settings, name: column, span: settings.at ? [first - 1, last] : null,
      form: settings.date === undefined ? null : at('date', () => dateForm(settings.date ?? '')),
      codes: settings.table === undefined ? null : at('table', () => tools.table(settings.table ?? '')),
      pattern: settings.matches === undefined ? null : at('matches', () => new RegExp(`^(?:${settings.matches})$`, 'u')),
    }
  })
  const names = columns.map((column) => column.name)
  for (const id of value.id ?? []) if (!names.includes(id)) throw new Error(`${file.place('id')}: there is no column "${id}"; there are ${names.join(', ')}.`)
  return {
    layout, delimiter: value.delimiter ?? ',', type: value.type ?? 'row', id: value.id ?? null, columns, place: (...keys) => file.place(...keys),
    rows: value.rows === undefined ? null : new RegExp(value.rows),
  }
}

const checkShape = (file: MappingDocument): void => {
  const [error] = Errors(ProfileFile, file.value)
  if (!error) return
  const keys = error.instancePath.split('/').slice(1)
  const unknown = 'additionalProperties' in error.params ? ` (${String(error.params.additionalProperties)}); a column may have ${Object.keys(Column.properties).join(', ')}, the file ${Object.keys(ProfileFile.properties).join(', ')}` : ''
  throw new Error(`${file.place(...keys)}: ${keys.join('.') || 'the file'} ${error.message}${unknown}.`)
}
