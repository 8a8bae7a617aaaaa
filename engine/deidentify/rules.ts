/** Reads mappings/deidentify/: what each field and element holds, and the words that stand in. */
import { type Static, type TSchema, Type } from 'typebox'
import { Errors } from 'typebox/value'
import type { MappingDocument } from '../contracts.js'
import { didYouMean } from '../nearest.js'

const KINDS = ['structure', 'keep', 'code', 'words', 'id', 'date', 'family', 'given', 'street', 'city', 'organization', 'phone', 'email', 'zip', 'text', 'data', 'value', 'reference'] as const
export type Kind = (typeof KINDS)[number]

/** A kind, or the list of a datatype's parts. */
export type Holding = Kind | readonly Holding[]

const Text = Type.String({ minLength: 1 })
const Name = Type.String({ pattern: '^[A-Z][A-Z0-9]{1,3}$' })
const Holds = Type.Union([Text, Type.Array(Text)])

/** The content of mappings/deidentify/words.yaml: invented names and places. */
export const WordsFile = Type.Object({ family: Type.Array(Text, { minItems: 8 }), given: Type.Array(Text, { minItems: 8 }), street: Type.Array(Text, { minItems: 8 }), city: Type.Array(Text, { minItems: 8 }), organization: Type.Array(Text, { minItems: 8 }), known: Type.Array(Text) }, { additionalProperties: false })
/** The content of mappings/deidentify/hl7v2.yaml: what the components of each datatype and the fields of each segment hold. */
export const Hl7v2RulesFile = Type.Object({ datatypes: Type.Record(Name, Holds), segments: Type.Record(Name, Type.Array(Text)) }, { additionalProperties: false })
/** The content of mappings/deidentify/fhir.yaml: what each element holds, by its name or by its parent's and its own. */
export const FhirRulesFile = Type.Object({ elements: Type.Record(Text, Text) }, { additionalProperties: false })

export type Words = Static<typeof WordsFile>

export interface Hl7v2Rules {
  /** What field n (from 1) of a segment holds; free text where nothing is said. */
  field(segment: string, n: number): Holding
  /** What a datatype (OBX-2) holds; free text where it is not known. */
  datatype(name: string): Holding
}

/** Throws a sentence that begins with the place of what is wrong. */
export const wordsOf = (file: MappingDocument): Words => checked(WordsFile, file)

export const hl7v2Rules = (file: MappingDocument): Hl7v2Rules => {
  const { datatypes, segments } = checked(Hl7v2RulesFile, file)
  const resolved = new Map<string, Holding>()
  const resolve = (word: string, keys: readonly (string | number)[], within: readonly string[]): Holding => {
    if (isKind(word)) return word
    const known = resolved.get(word)
    if (known) return known
    const parts = datatypes[word]
    if (parts === undefined) throw new Error(`${file.place(...keys)}: \`${word}\` is neither a datatype of this file nor a kind${didYouMean(word, [...KINDS, ...Object.keys(datatypes)])}.`)
    if (within.includes(word)) throw new Error(`${file.place(...keys)}: the datatype ${word} has itself for a part.`)
    const holding = typeof parts === 'string' ? resolve(parts, ['datatypes', word], [...within, word]) : parts.map((part, at) => resolve(part, ['datatypes', word, at], [...within, word]))
    resolved.set(word, holding)
    return holding
  }
  const fields = new Map(Object.entries(segments).map(([name, words]) => [name, words.map((word, at) => resolve(word, ['segments', name, at], []))]))
  for (const name of Object.keys(datatypes)) resolve(name, ['datatypes', name], [])
  return {
    field: (segment, n) => fields.get(segment)?.[n - 1] ?? 'text',
    datatype: (name) => resolved.get(name) ?? 'text',
  }
}

export const fhirRules = (file: MappingDocument): ReadonlyMap<string, Kind> => {
  const { elements } = checked(FhirRulesFile, file)
  return new Map(Object.entries(elements).map(([name, kind]) => {
    if (!isKind(kind)) throw new Error(`${file.place('elements', name)}: \`${kind}\` is not a kind${didYouMean(kind, KINDS)}.`)
    return [name, kind]
  }))
}

const isKind = (word: string): word is Kind => (KINDS as readonly string[]).includes(word)

const checked = <Schema extends TSchema>(schema: Schema, { value, place }: MappingDocument): Static<Schema> => {
  const [error] = Errors(schema, value)
  if (!error) return value as Static<Schema>
  throw new Error(`${place(...error.instancePath.split('/').slice(1).map((key) => (/^\d+$/.test(key) ? Number(key) : key)))}: ${error.message}.`)
}
