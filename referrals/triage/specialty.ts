/** Which specialty a referral is for: by the service asked for, the diagnoses, the words, and the form's own destination, each with its evidence. */
import type { Evidence, Finding, ReferralFacts } from '../contracts.js'
import { isIcd10, isProcedure } from './codes.js'
import { type Passage, pathOf, type Source } from './passages.js'
import type { Person } from './person.js'
import type { Hit } from './phrases.js'
import type { SpecialtyMeaning, SpecialtyTables } from './specialty-tables.js'

/** Each is a judgement; see the reason beside it. */
const WEIGHTS = {
  secondDiagnosis: 0.45, // later diagnoses are mostly what the patient has besides
  wanted: 0.45, // the destination field is often the clerk's habit
  past: 0.25, // a thing of the past may explain why, seldom for whom
  most: 0.97, // nothing is certain: even a coded service may be sent elsewhere
  mostWords: 0.92, // many words are still only words
  contradiction: 0.3, // a second specialty that is as sure takes this share of the other's confidence
} as const
/** How much words say by where they stand. */
const BY_SOURCE: Readonly<Record<Source, number>> = { service: 1.2, diagnosis: 0.8, reason: 1, note: 0.5, finding: 0.2, title: 0.5, document: 0.3, wanted: 0 }
const SMALLEST = 0.1
const MOST_OTHERS = 5
const MOST_EVIDENCE = 8
const ASKED_REACH = 6
/** Among how many neighbours a longer phrase is looked for. */
const NEAR = 30

interface Voice { readonly specialty: string; readonly confidence: number; readonly tier: 'code' | 'words' | 'wanted'; readonly evidence: Evidence }

/** Best first; a contradiction lowers both and keeps them. */
export const specialtiesOf = (facts: ReferralFacts, passages: readonly Passage[], person: Person, tables: SpecialtyTables): readonly Finding<string>[] => {
  const voices = [...byServices(facts, person, tables), ...byDiagnoses(facts, person, tables), ...passages.flatMap((passage) => byWords(passage, tables)), ...byDestination(facts, passages, tables)]
  const found = [...new Set(voices.map(({ specialty }) => specialty))].map((value) => ({ value, said: voices.filter(({ specialty }) => specialty === value) })).map(({ value, said }): Finding<string> => ({
    value,
    confidence: Math.min(WEIGHTS.most, together([together(of(said, 'code')), Math.min(WEIGHTS.mostWords, together(of(said, 'words'))), together(of(said, 'wanted'))])),
    evidence: said.sort((a, b) => b.confidence - a.confidence).map(({ evidence }) => evidence).slice(0, MOST_EVIDENCE),
  })).filter(({ confidence }) => confidence >= SMALLEST).sort((a, b) => b.confidence - a.confidence || a.value.localeCompare(b.value))
  return found.slice(0, 1 + MOST_OTHERS).map((one, rank) => ({ ...one, confidence: rounded(one.confidence * (1 - WEIGHTS.contradiction * (found[rank === 0 ? 1 : 0]?.confidence ?? 0))) }))
}

const byServices = (facts: ReferralFacts, person: Person, tables: SpecialtyTables): Voice[] => facts.services.flatMap((service, index) => {
  const code = isProcedure(service) ? (service.code as string) : null
  const found = code === null ? null : tables.services(code, person)
  return found ? voices(found.row.is, 1, 'code', `the service ${code} is within ${found.range.text}`, code, facts, `services[${index}]`, tables) : []
})

const byDiagnoses = (facts: ReferralFacts, person: Person, tables: SpecialtyTables): Voice[] => {
  const coded = facts.diagnoses.map((diagnosis, index) => ({ diagnosis, index })).filter(({ diagnosis }) => isIcd10(diagnosis))
  return coded.flatMap(({ diagnosis: { code }, index }, rank) => {
    const found = tables.diagnoses(code ?? '', person)
    return found ? voices(found.row.is, rank === 0 ? 1 : WEIGHTS.secondDiagnosis, 'code', `the ${rank === 0 ? '' : 'further '}diagnosis ${code} is within ${found.range.text}`, code, facts, `diagnoses[${index}]`, tables) : []
  })
}

const voices = (is: Readonly<Record<string, number>>, weight: number, tier: Voice['tier'], says: string, quote: string | null, facts: ReferralFacts, key: string, { names }: SpecialtyTables): Voice[] =>
  Object.entries(is).map(([specialty, confidence]) => ({ specialty, confidence: confidence * weight, tier, evidence: evidence(`${says}: ${names.get(specialty)?.title}`, quote ?? '', pathOf(facts, key)) }))

const byWords = (passage: Passage, { names, confidence }: SpecialtyTables): Voice[] => {
  const weight = BY_SOURCE[passage.source]
  if (weight === 0) return []
  const hits = passage.hits.filter((hit): hit is Hit<SpecialtyMeaning> => ['word', 'name', 'asks', 'seen'].includes(hit.meaning.kind))
  const telling = hits.filter(({ meaning }) => meaning.kind === 'word' || meaning.kind === 'name')
  const said = new Map<string, Voice>()
  telling.forEach((hit, index) => {
    const { meaning } = hit
    if (meaning.kind !== 'word' && meaning.kind !== 'name') return
    if (telling.slice(Math.max(0, index - NEAR), index + NEAR).some((longer) => longer.from <= hit.from && longer.to >= hit.to && longer.to - longer.from > hit.to - hit.from)) return
    const words = passage.words.slice(hit.from, hit.to).map(({ text }) => text).join(' ')
    const { status } = passage.assert(hit.from, hit.to)
    if (meaning.kind === 'word' && (status === 'negated' || status === 'family')) return
    const own = meaning.kind === 'word' ? meaning.confidence * (status === 'historical' ? WEIGHTS.past : 1) : confidence[manner(passage, hits, hit)]
    const quote = passage.text.slice(passage.words[hit.from]?.from, passage.words[hit.to - 1]?.to)
    const voice: Voice = { specialty: meaning.specialty, confidence: Math.min(WEIGHTS.mostWords, own * weight), tier: 'words', evidence: evidence(`the ${passage.source} speaks of ${names.get(meaning.specialty)?.title}`, quote, passage.at) }
    // The same words twice say no more than once: as surely as the surer time.
    const key = `${meaning.specialty} ${words}`
    if (voice.confidence > (said.get(key)?.confidence ?? 0)) said.set(key, voice)
  })
  return [...said.values()]
}

/** Whether a specialty's name is what is asked for, is who has the patient already, or just stands there. */
const manner = ({ words, source }: Passage, hits: readonly Hit<SpecialtyMeaning>[], name: Hit<SpecialtyMeaning>): 'asked' | 'named' | 'seen' => {
  const before = hits.filter(({ meaning, from, to }) => (meaning.kind === 'asks' || meaning.kind === 'seen') && to <= name.from && name.from - to < ASKED_REACH && words[from]?.sentence === words[name.from]?.sentence)
  const nearest = before.sort((a, b) => b.to - a.to || (a.meaning.kind === 'seen' ? -1 : 1))[0]
  if (nearest) return nearest.meaning.kind === 'asks' ? 'asked' : 'seen'
  const behind = hits.some(({ meaning, from }) => meaning.kind === 'asks' && from >= name.to && from - name.to < 2)
  return behind || source === 'service' ? 'asked' : 'named'
}

const byDestination = (facts: ReferralFacts, passages: readonly Passage[], tables: SpecialtyTables): Voice[] => {
  const code = facts.wanted?.specialty?.code ?? null
  const coded = code === null ? undefined : tables.byTaxonomy.get(code)
  if (coded) return voices({ [coded]: WEIGHTS.wanted }, 1, 'wanted', `the form names a provider with the taxonomy code ${code}`, code, facts, 'wanted', tables)
  const named = passages.filter(({ source }) => source === 'wanted').flatMap(({ hits }) => hits.flatMap(({ meaning }) => (meaning.kind === 'name' ? [meaning.specialty] : [])))
  return [...new Set(named)].slice(0, 1).flatMap((specialty) => voices({ [specialty]: WEIGHTS.wanted }, 1, 'wanted', 'the form names', facts.wanted?.specialty?.text ?? facts.wanted?.practice ?? null, facts, 'wanted', tables))
}

const of = (said: readonly Voice[], tier: Voice['tier']): number[] => said.filter((voice) => voice.tier === tier).map(({ confidence }) => confidence)

/** Independent reasons: the doubts multiply. */
const together = (confidences: readonly number[]): number => 1 - confidences.reduce((doubt, one) => doubt * (1 - one), 1)

const rounded = (confidence: number): number => Math.round(confidence * 1000) / 1000

const evidence = (says: string, quote: string, at: string | undefined): Evidence => ({ says, ...(quote === '' ? {} : { quote }), ...(at === undefined ? {} : { at }) })
