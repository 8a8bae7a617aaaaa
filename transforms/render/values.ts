/** What letters may say of a notice: mappings/letters/values.yaml, names for FHIRPath expressions and how their values are written. */
import { type Static, Type } from 'typebox'
import type { MappingDocument } from '../../engine/contracts.js'
import { evaluate, expressionProblem } from '../../engine/formats/fhir/expression.js'
import type { JsonObject } from '../../engine/formats/json/json-text.js'
import { check } from '../../engine/v2-to-fhir/mapping-errors.js'
import type { Practice } from './letter.js'
import { type Writing, written } from './written.js'

const Value = Type.Object({
  path: Type.Optional(Type.String({ minLength: 1, description: 'FHIRPath over the notice.' })),
  of: Type.Optional(Type.Enum(['recipient', 'enclosed', 'referrer', 'payer'], { description: 'Asks only whom the letter goes to, the documents that are enclosed, the request with who asks, or the coverages with who pays.' })),
  practice: Type.Optional(Type.Enum(['name', 'phone', 'fax', 'address', 'portal'], { description: 'A field of the step’s own `practice`, or the link of its `portal`, instead of a path.' })),
  as: Type.Optional(Type.Enum(['text', 'date', 'dateTime', 'phone', 'said'], { default: 'text', description: 'How it is written; `said`: in the words of letters/words.yaml, where it has some.' })),
  words: Type.Optional(Type.Record(Type.String(), Type.String(), { description: 'Names for codes, to ask for in `when`; a code that is not here is no value.' })),
  anonymous: Type.Optional(Type.Boolean({ description: 'Says nothing of the patient: may stand in letters that disclose nothing.' })),
}, { additionalProperties: false })

/** The content of mappings/letters/values.yaml. */
export const ValuesFile = Type.Object({ values: Type.Record(Type.String({ pattern: '^[a-z][a-z0-9-]*$' }), Value) }, { additionalProperties: false })

export type ValueDefinition = Static<typeof Value>
export type ValueDefinitions = ReadonlyMap<string, ValueDefinition>

/** The values by name. Throws a sentence that begins with file:line:column. */
export const letterValues = (file: MappingDocument): ValueDefinitions => {
  const { values } = check(ValuesFile, file)
  for (const [name, { path, practice, of }] of Object.entries(values)) {
    const at = file.place('values', name)
    if ((path === undefined) === (practice === undefined)) throw new Error(`${at}: ${name} needs either \`path\` or \`practice\`.`)
    if (practice !== undefined && of !== undefined) throw new Error(`${at}: ${name} has \`of\`, which goes with \`path\`.`)
    const problem = path === undefined ? null : expressionProblem(path)
    if (problem !== null) throw new Error(`${file.place('values', name, 'path')}: ${problem}.`)
  }
  return new Map(Object.entries(values))
}

/** What of a notice is asked: all of it, whom it goes to, what it encloses, who asks, who pays. */
export interface Asked { readonly whole: JsonObject; readonly recipient: JsonObject; readonly enclosed: JsonObject; readonly referrer: JsonObject; readonly payer: JsonObject }

const MOST = 500 // values of one name

/** The texts of a value by its name; of what tells of the patient none unless `disclosed`. Each is asked for once. */
export const reader = (definitions: ValueDefinitions, asked: Asked, practice: Practice, writing: Writing, disclosed: boolean): ((name: string) => readonly string[]) => {
  const known = new Map<string, readonly string[]>()
  return (name) => {
    const before = known.get(name)
    if (before) return before
    const definition = definitions.get(name)
    const texts = definition && (disclosed || definition.anonymous) ? textsOf(definition, asked, practice, writing) : []
    known.set(name, texts)
    return texts
  }
}

const textsOf = ({ path, of, practice: field, as = 'text', words }: ValueDefinition, asked: Asked, practice: Practice, writing: Writing): readonly string[] => {
  const values = path === undefined ? [practice[field as keyof Practice] ?? ''] : evaluate(asked[of ?? 'whole'], path)
  const named = words ? values.flatMap((value) => words[value] ?? []) : values.slice(0, MOST).map((value) => written(value, as, writing))
  return [...new Set(named.map(printable).filter((text) => text !== ''))]
}

/** Without control characters, but for line breaks. */
const printable = (text: string): string => text.replace(/\r\n?/g, '\n').replace(/[\0-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, ' ').trim()
