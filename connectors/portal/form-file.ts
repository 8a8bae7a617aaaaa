/** mappings/portal/<name>.yaml: the fields of the form, what each is called, and where its answer goes. */
import { type Static, Type } from 'typebox'
import type { MappingDocument, Tools } from '../../engine/contracts.js'
import { check } from '../../engine/v2-to-fhir/mapping-errors.js'
import { type RowMap, rowMap } from '../../engine/v2-to-fhir/row-map.js'
import type { ProfileColumn } from '../../engine/formats/table/profile.js'

export const LANGUAGES = ['en', 'es'] as const
export type Language = typeof LANGUAGES[number]

const closed = { additionalProperties: false }
const Said = Type.Object({ en: Type.String({ minLength: 1 }), es: Type.String({ minLength: 1 }) }, closed)
const Field = Type.Object({
  section: Type.String({ description: 'The part of the form that it stands in.' }),
  to: Type.String({ description: 'Where it goes: a resource of the referral and a FHIR path, `patient birthDate`.' }),
  label: Said,
  hint: Type.Optional(Said),
  input: Type.Optional(Type.Enum(['line', 'text', 'date', 'tel', 'email', 'choice'])),
  choices: Type.Optional(Type.Array(Type.Object({ is: Type.String({ minLength: 1 }), en: Type.String(), es: Type.String() }, closed), { minItems: 1 })),
  required: Type.Optional(Type.Boolean()),
  answers: Type.Optional(Type.Array(Type.String(), { description: 'Missing items that it answers.' })),
  check: Type.Optional(Type.Enum(['npi'])),
  fill: Type.Optional(Type.String({ pattern: '^[a-z-]+$' })),
  date: Type.Optional(Type.String()), table: Type.Optional(Type.String()), matches: Type.Optional(Type.String()), longest: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000 })), system: Type.Optional(Type.String()), type: Type.Optional(Type.String()),
}, closed)

/** The content of the file. */
export const FormFile = Type.Object({ sections: Type.Record(Type.String(), Said), fields: Type.Record(Type.String({ pattern: '^[a-z][A-Za-z0-9]*$' }), Field) }, closed)

export interface FormField extends Static<typeof Field> { readonly name: string; readonly column: ProfileColumn }
export interface Form {
  readonly sections: readonly { readonly name: string; readonly title: Static<typeof Said>; readonly fields: readonly FormField[] }[]
  readonly fields: readonly FormField[]
  readonly map: RowMap
}

/** What is no field of the form and is sent with it. */
export const RESERVED = ['documents', 'csrf', 'submission']
const OF_COLUMNS = ['to', 'date', 'table', 'matches', 'longest', 'system', 'type'] as const

/** Throws a sentence with file:line:column. */
export const readFormFile = (name: string, tools: Pick<Tools, 'mapping' | 'table'>): Form => {
  const file = tools.mapping(name)
  const { sections, fields } = check(FormFile, file)
  for (const [field, { section, input, choices }] of Object.entries(fields)) {
    if (!sections[section]) throw new Error(`${file.place('fields', field, 'section')}: there is no section "${section}"; there are ${Object.keys(sections).join(', ')}.`)
    if ((input === 'choice') !== (choices !== undefined)) throw new Error(`${file.place('fields', field)}: \`choices\` and \`input: choice\` go together.`)
    if (RESERVED.includes(field)) throw new Error(`${file.place('fields', field)}: a field cannot be called ${field}.`)
  }
  const map = rowMap(name, { table: tools.table, mapping: () => asList(file, fields) })
  const all = Object.entries(fields).map(([field, said]): FormField => {
    const column = map.profile.columns.find((one) => one.name === field) as ProfileColumn
    const wrong = said.choices?.findIndex(({ is }) => column.codes !== null && !column.codes.lookup(is)) ?? -1
    if (wrong >= 0) throw new Error(`${file.place('fields', field, 'choices', wrong, 'is')}: codes/${said.table}.yaml has no such code.`)
    return { ...said, name: field, column }
  })
  return { sections: Object.entries(sections).map(([section, title]) => ({ name: section, title, fields: all.filter((field) => field.section === section) })), fields: all, map }
}

/** The fields as the columns of a list, which is mapped to a referral in the same way. */
const asList = (file: MappingDocument, fields: Static<typeof FormFile>['fields']): MappingDocument => ({
  value: { type: 'portal-form', columns: Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, Object.fromEntries(OF_COLUMNS.flatMap((key) => (field[key] === undefined ? [] : [[key, field[key]]])))])) },
  place: (first, ...keys) => file.place(...(first === 'columns' ? ['fields', ...keys] : first === undefined ? [] : [first, ...keys])),
})
