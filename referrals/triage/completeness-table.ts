/** mappings/triage/completeness.yaml: what a referral must bring, and what its sender is told where it does not. */
import { type Static, Type } from 'typebox'
import type { MappingDocument } from '../../engine/contracts.js'
import { CHECKS, type CheckName, PROBLEMS } from './checks.js'
import { KINDS, type Kind } from './kind.js'
import { CONDITIONS } from './person.js'
import { type Range, rangesOf } from './ranges.js'
import { readTable } from './read-table.js'
import { checkNames } from './specialty-tables.js'

const Phrases = Type.Array(Type.String({ minLength: 1, maxLength: 800 }))
/** Words, in English or in several languages by BCP 47 tag; `en` is a must. */
const Saying = Type.Union([Type.String({ minLength: 1 }), Type.Object({ en: Type.String({ minLength: 1 }) }, { additionalProperties: Type.String({ minLength: 1 }) })])

export const ItemSchema = Type.Object({
  item: Type.String({ minLength: 1 }), // its name, "patient-phone"
  says: Saying,
  blocks: Type.Boolean({ default: false }), // nothing goes on without it
  check: Type.Optional(Type.Unsafe<CheckName>(Type.Union(Object.keys(CHECKS).map((name) => Type.Literal(name))))),
  attached: Type.Optional(Type.Object({ words: Phrases, loinc: Type.Optional(Type.Array(Type.String())) }, { additionalProperties: false })), // or: a document, a result or words that give it
  for: Type.Optional(Type.Array(Type.String(), { minItems: 1 })), // only for these specialties
  codes: Type.Optional(Type.String({ minLength: 1 })), // only with one of these diagnoses, ICD-10-CM
  payers: Type.Optional(Phrases), // only where payer or plan is called so
  kinds: Type.Array(Type.Unsafe<Kind>(Type.Union(KINDS.map((kind) => Type.Literal(kind)))), { default: ['referral', 'order'] }),
  ...CONDITIONS,
}, { additionalProperties: false })

/** The content of mappings/triage/completeness.yaml. */
export const CompletenessFile = Type.Object({
  items: Type.Array(ItemSchema, { minItems: 1 }),
  problems: Type.Object(Object.fromEntries([...PROBLEMS, 'unread', 'not-found'].map((name) => [name, Saying])), { additionalProperties: false }), // behind the item's words; {value} is what was given
  placeholders: Phrases, // the whole value is one of these: nothing was given
  saysNothing: Phrases, // of a reason: it holds nothing but these and little words
  selfPay: Phrases, // no insurance is owed
  notGiven: Phrases, // before or behind an attachment's word: it is only wanted, or still to come
}, { additionalProperties: false })

export type Saying = Static<typeof Saying>
export interface Item extends Static<typeof ItemSchema> { readonly ranges: readonly Range[] }
export type CompletenessMeaning =
  | { readonly kind: 'item'; readonly item: Item; readonly role: 'attached' | 'payers' }
  | { readonly kind: 'placeholder' | 'says-nothing' | 'self-pay' | 'not-given' }
export interface CompletenessTable {
  readonly items: readonly Item[]
  readonly problems: Readonly<Record<string, Saying>>
  readonly phrases: readonly (readonly [string, CompletenessMeaning])[]
}

/** Throws a sentence for each mistake, at its file:line:column. */
export const completenessTable = (file: MappingDocument, specialties: readonly string[]): CompletenessTable => {
  const table = readTable(CompletenessFile, 'the table of completeness', file, (content, complaints) => {
    const names = new Set<string>()
    content.items.forEach((item, index) => {
      complaints.phrases(['items', index, 'attached', 'words'], item.attached?.words)
      complaints.phrases(['items', index, 'payers'], item.payers)
      checkNames(item.for ?? [], specialties, ['items', index, 'for'], complaints)
      const ranges = item.codes === undefined ? [] : rangesOf(item.codes)
      if (typeof ranges === 'string') complaints.add(['items', index, 'codes'], `${ranges}.`)
      if ((item.check === undefined) === (item.attached === undefined)) complaints.add(['items', index], `\`${item.item}\` needs either \`check\` or \`attached\`.`)
      if (names.has(item.item)) complaints.add(['items', index, 'item'], `an item is called \`${item.item}\` already.`)
      names.add(item.item)
    })
    for (const list of ['placeholders', 'saysNothing', 'selfPay', 'notGiven'] as const) complaints.phrases([list], content[list])
  })
  const items = table.items.map((item): Item => ({ ...item, ranges: item.codes === undefined ? [] : (rangesOf(item.codes) as readonly Range[]) }))
  const meaning = (phrases: readonly string[] | undefined, one: CompletenessMeaning): (readonly [string, CompletenessMeaning])[] => (phrases ?? []).map((phrase) => [phrase, one] as const)
  return {
    items,
    problems: table.problems as Readonly<Record<string, Saying>>,
    phrases: [
      ...items.flatMap((item) => [...meaning(item.attached?.words, { kind: 'item', item, role: 'attached' }), ...meaning(item.payers, { kind: 'item', item, role: 'payers' })]),
      ...meaning(table.placeholders, { kind: 'placeholder' }),
      ...meaning(table.saysNothing, { kind: 'says-nothing' }),
      ...meaning(table.selfPay, { kind: 'self-pay' }),
      ...meaning(table.notGiven, { kind: 'not-given' }),
    ],
  }
}
