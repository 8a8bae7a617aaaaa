/** mappings/triage/urgency.yaml: what raises a referral above the priority that was stated. */
import { type Static, Type } from 'typebox'
import type { MappingDocument } from '../../engine/contracts.js'
import { CONDITIONS } from './person.js'
import { type Range, rangesOf } from './ranges.js'
import { readTable } from './read-table.js'
import { checkNames } from './specialty-tables.js'

const Phrases = Type.Array(Type.String({ minLength: 1, maxLength: 800 }))
const Confidence = Type.Number({ exclusiveMinimum: 0, maximum: 1 })

export const UrgencyRuleSchema = Type.Object({
  name: Type.String({ minLength: 1 }),
  raises: Type.Union([Type.Literal('urgent'), Type.Literal('asap'), Type.Literal('stat')]),
  says: Type.String({ minLength: 1 }), // for people, behind "this is"
  words: Type.Optional(Phrases),
  not: Type.Optional(Phrases), // longer phrases that hold one of the words and do not mean it
  with: Type.Optional(Phrases), // one of these must be said in the same text as well
  codes: Type.Optional(Type.String({ minLength: 1 })), // ICD-10-CM
  value: Type.Optional(Type.Object({ above: Type.Optional(Type.Number()), below: Type.Optional(Type.Number()), loinc: Type.Optional(Type.Array(Type.String())) }, { additionalProperties: false })),
  for: Type.Optional(Type.Array(Type.String())), // only where the referral may be for one of these specialties
  ...CONDITIONS,
}, { additionalProperties: false })

/** The content of mappings/triage/urgency.yaml. */
export const UrgencyFile = Type.Object({
  confidence: Type.Object({ stated: Confidence, assumed: Confidence, said: Confidence, doubtful: Confidence, attached: Confidence, coded: Confidence }, { additionalProperties: false }),
  rules: Type.Array(UrgencyRuleSchema, { minItems: 1 }),
}, { additionalProperties: false })

export interface UrgencyRule extends Static<typeof UrgencyRuleSchema> { readonly ranges: readonly Range[] }
export interface UrgencyMeaning { readonly kind: 'urgency'; readonly rule: UrgencyRule; readonly role: 'words' | 'not' | 'with' }
export interface UrgencyTable {
  readonly confidence: Static<typeof UrgencyFile>['confidence']
  readonly rules: readonly UrgencyRule[]
  readonly phrases: readonly (readonly [string, UrgencyMeaning])[]
}

/** Throws a sentence for each mistake, at its file:line:column. */
export const urgencyTable = (file: MappingDocument, specialties: readonly string[]): UrgencyTable => {
  const table = readTable(UrgencyFile, 'the table of urgency', file, ({ rules }, complaints) => {
    const names = new Set<string>()
    rules.forEach((rule, index) => {
      for (const list of ['words', 'not', 'with'] as const) complaints.phrases(['rules', index, list], rule[list])
      checkNames(rule.for ?? [], specialties, ['rules', index, 'for'], complaints)
      const ranges = rule.codes === undefined ? [] : rangesOf(rule.codes)
      if (typeof ranges === 'string') complaints.add(['rules', index, 'codes'], `${ranges}.`)
      if (!rule.words && !rule.codes) complaints.add(['rules', index], `\`${rule.name}\` can never apply: it needs \`words\` or \`codes\`.`)
      if (rule.value && rule.value.above === undefined && rule.value.below === undefined) complaints.add(['rules', index, 'value'], '`value` needs `above` or `below`.')
      if (names.has(rule.name)) complaints.add(['rules', index, 'name'], `a rule is called \`${rule.name}\` already.`)
      names.add(rule.name)
    })
  })
  const rules = table.rules.map((rule): UrgencyRule => ({ ...rule, ranges: rule.codes === undefined ? [] : (rangesOf(rule.codes) as readonly Range[]) }))
  return {
    confidence: table.confidence,
    rules,
    phrases: rules.flatMap((rule) => (['words', 'not', 'with'] as const).flatMap((role) => {
      const meaning: UrgencyMeaning = { kind: 'urgency', rule, role }
      return (rule[role] ?? []).map((phrase) => [phrase, meaning] as const)
    })),
  }
}
