/** What kind of document a message is: a referral, an order, records, a result or something else (mappings/triage/kinds.yaml). */
import { type Static, Type } from 'typebox'
import type { MappingDocument } from '../../engine/contracts.js'
import type { Evidence, ReferralFacts, Triage } from '../contracts.js'
import { isLoinc, isProcedure } from './codes.js'
import { type Passage, pathOf, quoted } from './passages.js'
import type { Hit } from './phrases.js'
import { isWithin, type Range, rangesOf } from './ranges.js'
import { readTable } from './read-table.js'

export const KINDS = ['referral', 'order', 'records', 'result', 'other'] as const
export type Kind = (typeof KINDS)[number]

const KindSchema = Type.Unsafe<Kind>(Type.Union(KINDS.map((kind) => Type.Literal(kind))))
const Confidence = Type.Number({ exclusiveMinimum: 0, maximum: 1 })

/** The content of mappings/triage/kinds.yaml. */
export const KindsFile = Type.Object({
  confidence: Type.Object({ asked: Confidence, reason: Confidence, nothing: Confidence }, { additionalProperties: false }),
  services: Type.Array(Type.Object({ codes: Type.String(), kind: KindSchema, confidence: Confidence }, { additionalProperties: false })),
  documents: Type.Array(Type.Object({ loinc: Type.Array(Type.String(), { minItems: 1 }), kind: KindSchema, confidence: Confidence }, { additionalProperties: false })),
  words: Type.Array(Type.Object({ words: Type.Array(Type.String({ minLength: 1, maxLength: 800 }), { minItems: 1 }), kind: KindSchema, confidence: Confidence }, { additionalProperties: false })),
}, { additionalProperties: false })

export interface KindMeaning { readonly kind: 'document-kind'; readonly value: Kind; readonly confidence: number }
export interface KindTable {
  readonly confidence: Static<typeof KindsFile>['confidence']
  readonly services: readonly { readonly ranges: readonly Range[]; readonly kind: Kind; readonly confidence: number }[]
  readonly documents: ReadonlyMap<string, { readonly kind: Kind; readonly confidence: number }>
  readonly phrases: readonly (readonly [string, KindMeaning])[]
}

/** Throws a sentence for each mistake, at its file:line:column. */
export const kindTable = (file: MappingDocument): KindTable => {
  const table = readTable(KindsFile, 'the table of kinds', file, ({ services, words }, complaints) => {
    services.forEach(({ codes }, index) => {
      const ranges = rangesOf(codes)
      if (typeof ranges === 'string') complaints.add(['services', index, 'codes'], `${ranges}.`)
    })
    words.forEach((row, index) => { complaints.phrases(['words', index, 'words'], row.words) })
  })
  return {
    confidence: table.confidence,
    services: table.services.map(({ codes, ...row }) => ({ ...row, ranges: rangesOf(codes) as readonly Range[] })),
    documents: new Map(table.documents.flatMap(({ loinc, ...row }) => loinc.map((code) => [code, row] as const))),
    phrases: table.words.flatMap(({ words, kind, confidence }) => {
      const meaning: KindMeaning = { kind: 'document-kind', value: kind, confidence }
      return words.map((phrase) => [phrase, meaning] as const)
    }),
  }
}

/** Only the beginning of a text says what it is: words of a heading, not of the story. */
const TITLE_WORDS = 40

interface Voice { readonly kind: Kind; readonly confidence: number; readonly evidence: Evidence }

/** The kind for which the reasons together are strongest. */
export const kindOf = (facts: ReferralFacts, passages: readonly Passage[], table: KindTable): Triage['kind'] => {
  const voices: Voice[] = [...asked(facts, table), ...byServices(facts, table), ...byDocuments(facts, table), ...passages.flatMap(byHeading)]
  const scored = KINDS.map((value) => {
    const own = voices.filter(({ kind }) => kind === value).sort((a, b) => b.confidence - a.confidence)
    return { value, confidence: 1 - own.reduce((doubt, { confidence }) => doubt * (1 - confidence), 1), evidence: own.map(({ evidence }) => evidence) }
  }).sort((a, b) => b.confidence - a.confidence)
  const [best, second] = scored
  if (!best || best.confidence === 0) return { value: 'other', confidence: table.confidence.nothing, evidence: [{ says: 'nothing is asked for, and nothing says what this is' }] }
  return { ...best, confidence: Math.round(Math.min(0.97, best.confidence * (1 - 0.3 * (second?.confidence ?? 0))) * 1000) / 1000 }
}

/** That something is asked for, and why, speaks for a referral. */
const asked = ({ services, diagnoses, reasons, documents, paths }: ReferralFacts, { confidence }: KindTable): Voice[] => [
  ...(services.length > 0 ? [{ kind: 'referral' as const, confidence: confidence.asked, evidence: { says: 'a service is asked for', ...(paths['services[0]'] === undefined ? {} : { at: paths['services[0]'] }) } }] : []),
  ...(diagnoses.length > 0 || reasons.length > 0 ? [{ kind: 'referral' as const, confidence: confidence.reason, evidence: { says: 'it gives a reason' } }] : []),
  ...(documents.length > 0 && services.length === 0 && diagnoses.length === 0 && reasons.length === 0 ? [{ kind: 'records' as const, confidence: confidence.nothing, evidence: { says: 'documents came, and nothing is asked for' } }] : []),
]

const byServices = (facts: ReferralFacts, { services }: KindTable): Voice[] => facts.services.flatMap((service, index) => {
  const row = isProcedure(service) ? services.find(({ ranges }) => ranges.some((range) => isWithin(service.code as string, range))) : undefined
  return row ? [{ ...row, evidence: placed(`the service ${service.code} is one of an ${row.kind}`.replace('an referral', 'a referral'), pathOf(facts, `services[${index}]`)) }] : []
})

const byDocuments = (facts: ReferralFacts, { documents, confidence }: KindTable): Voice[] => facts.documents.flatMap(({ type }, index) => {
  const row = type && isLoinc(type) ? documents.get(type.code as string) : undefined
  // What is attached to a request is not what the request is.
  const attached = row?.kind !== 'referral' && facts.services.length + facts.reasons.length + facts.diagnoses.length > 0
  return row ? [{ ...row, confidence: attached ? row.confidence * confidence.nothing * 0.5 : row.confidence, evidence: placed(`a document has the LOINC type ${type?.code}`, pathOf(facts, `documents[${index}]`)) }] : []
})

const byHeading = (passage: Passage): Voice[] => {
  if (passage.source === 'diagnosis' || passage.source === 'finding' || passage.source === 'wanted') return []
  return passage.hits.filter((hit): hit is Hit<KindMeaning> => hit.meaning.kind === 'document-kind' && hit.from < TITLE_WORDS && passage.assert(hit.from, hit.to).status !== 'negated')
    .map(({ meaning, from, to }) => ({ kind: meaning.value, confidence: meaning.confidence * (passage.source === 'title' || passage.source === 'document' ? 1 : 0.8), evidence: { ...placed(`the ${passage.source} has words of ${meaning.value === 'other' ? 'something else' : `a ${meaning.value}`}`.replace('a order', 'an order').replace('a records', 'records'), passage.at), quote: quoted(passage, from, to) } }))
}

const placed = (says: string, at: string | undefined): Evidence => ({ says, ...(at === undefined ? {} : { at }) })
