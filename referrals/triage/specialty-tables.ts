/** mappings/triage/specialties.yaml and the three tables that lead to a specialty: by service, by diagnosis, by words. */
import { type Static, Type } from 'typebox'
import type { MappingDocument } from '../../engine/contracts.js'
import { didYouMean } from '../../engine/nearest.js'
import { CONDITIONS } from './person.js'
import { lintRanges, type RangeTable, rangeTable } from './ranges.js'
import { type Complaints, readTable } from './read-table.js'

const Phrases = Type.Array(Type.String({ minLength: 1, maxLength: 800 }))
const NAME = /^[a-z]+(-[a-z]+)*$/
const Confidence = Type.Number({ exclusiveMinimum: 0, maximum: 1 })

/** The content of mappings/triage/specialties.yaml. */
export const SpecialtiesFile = Type.Object({
  specialties: Type.Record(Type.String(), Type.Object({
    title: Type.String({ minLength: 1 }), // for people
    nucc: Type.Array(Type.String({ pattern: '^[0-9]{3}[0-9A-Z]{6}X$', description: 'a code of the NUCC taxonomy, `207RC0000X`' }), { minItems: 1 }),
    called: Phrases, // what forms call it
  }, { additionalProperties: false }), { minProperties: 1 }),
}, { additionalProperties: false })

/** A row of specialty-services.yaml or specialty-diagnoses.yaml: which specialties codes speak for, and how surely. */
export const RangeRowSchema = Type.Object({ codes: Type.String(), is: Type.Record(Type.String(), Confidence), ...CONDITIONS }, { additionalProperties: false })
export type SpecialtyRow = Static<typeof RangeRowSchema>
export const RangesFile = Type.Object({ rows: Type.Array(RangeRowSchema, { minItems: 1 }) }, { additionalProperties: false })

/** The content of mappings/triage/specialty-words.yaml; phrases as phrases.ts describes them. */
export const WordsFile = Type.Object({
  confidence: Type.Object({ strong: Confidence, weak: Confidence, does: Confidence, asked: Confidence, named: Confidence, seen: Confidence }, { additionalProperties: false }),
  asks: Phrases, // before a specialty's name: it is asked for
  seen: Phrases, // before a specialty's name: the patient is with them already
  specialties: Type.Record(Type.String(), Type.Object({ strong: Type.Optional(Phrases), weak: Type.Optional(Phrases), does: Type.Optional(Phrases) }, { additionalProperties: false })),
}, { additionalProperties: false })

export type SpecialtyMeaning =
  | { readonly kind: 'word'; readonly specialty: string; readonly confidence: number }
  | { readonly kind: 'name'; readonly specialty: string }
  | { readonly kind: 'asks' }
  | { readonly kind: 'seen' }

export interface SpecialtyTables {
  readonly names: ReadonlyMap<string, { readonly title: string; readonly nucc: readonly string[] }>
  readonly byTaxonomy: ReadonlyMap<string, string>
  readonly services: RangeTable<SpecialtyRow>
  readonly diagnoses: RangeTable<SpecialtyRow>
  readonly confidence: Static<typeof WordsFile>['confidence']
  readonly phrases: readonly (readonly [string, SpecialtyMeaning])[]
}

/** Lists of words that speak for a specialty, each with its confidence. */
const TELLING = ['does', 'strong', 'weak'] as const

/** Throws a sentence for each mistake, at its file:line:column. */
export const specialtyTables = (mapping: (path: string) => MappingDocument): SpecialtyTables => {
  const { specialties } = readTable(SpecialtiesFile, 'the list of specialties', mapping('triage/specialties'), (table, complaints) => {
    const taken = new Map<string, string>()
    for (const [name, { nucc, called }] of Object.entries(table.specialties)) {
      if (!NAME.test(name)) complaints.add(['specialties', name], `\`${name}\` must be a name in small letters with hyphens, \`vascular-surgery\`.`)
      complaints.phrases(['specialties', name, 'called'], called)
      nucc.forEach((code, index) => {
        if (taken.has(code)) complaints.add(['specialties', name, 'nucc', index], `${code} is of \`${taken.get(code)}\` already; a taxonomy code leads to one specialty.`)
        taken.set(code, name)
      })
    }
  })
  const known = Object.keys(specialties)
  const ranges = (path: string): RangeTable<SpecialtyRow> => rangeTable(readTable(RangesFile, 'the table of ranges', mapping(path), ({ rows }, complaints) => {
    lintRanges(rows, 'rows', complaints)
    rows.forEach((row, index) => { checkNames(Object.keys(row.is), known, ['rows', index, 'is'], complaints) })
  }).rows)
  const words = readTable(WordsFile, 'the table of words', mapping('triage/specialty-words'), (table, complaints) => {
    checkNames(Object.keys(table.specialties), known, ['specialties'], complaints)
    for (const list of ['asks', 'seen'] as const) complaints.phrases([list], table[list])
    for (const [name, lists] of Object.entries(table.specialties)) for (const list of TELLING) complaints.phrases(['specialties', name, list], lists[list])
  })
  return {
    names: new Map(Object.entries(specialties)),
    byTaxonomy: new Map(Object.entries(specialties).flatMap(([name, { nucc }]) => nucc.map((code) => [code, name] as const))),
    services: ranges('triage/specialty-services'),
    diagnoses: ranges('triage/specialty-diagnoses'),
    confidence: words.confidence,
    phrases: [
      ...meaning(words.asks, { kind: 'asks' }),
      ...meaning(words.seen, { kind: 'seen' }),
      ...Object.entries(specialties).flatMap(([specialty, { called }]) => meaning(called, { kind: 'name', specialty })),
      ...Object.entries(words.specialties).flatMap(([specialty, lists]) => TELLING.flatMap((list) => meaning(lists[list] ?? [], { kind: 'word', specialty, confidence: words.confidence[list] }))),
    ],
  }
}

/** Notes each name that is no specialty, with the nearest one. */
export const checkNames = (names: readonly string[], known: readonly string[], keys: readonly (string | number)[], complaints: Complaints): void => {
  names.forEach((name) => {
    if (!known.includes(name)) complaints.add([...keys, name], `\`${name}\` is no specialty of mappings/triage/specialties.yaml${didYouMean(name, known)}`)
  })
}

const meaning = (phrases: readonly string[], one: SpecialtyMeaning): (readonly [string, SpecialtyMeaning])[] => phrases.map((phrase) => [phrase, one] as const)
