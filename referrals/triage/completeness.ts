/** Names what a referral lacks, in words for its sender. */
import type { MissingItem, ReferralFacts, Triage } from '../contracts.js'
import { CHECKS, type CheckContext, type Found } from './checks.js'
import { isIcd10, isLoinc } from './codes.js'
import type { CompletenessTable, Item, Saying } from './completeness-table.js'
import type { Passage } from './passages.js'
import { fitsPatient, type Person } from './person.js'
import type { Hit } from './phrases.js'
import { isWithin } from './ranges.js'
import type { Meaning } from './tables.js'
import { type Word, wordsOf } from './words.js'

/** A specialty that is less sure than this asks for nothing of its own. */
const SURE_ENOUGH = 0.45
/** How near to an attachment's word "please order" or "pending" must stand. */
const NOT_GIVEN_REACH = 5

export interface CompletenessQuestion {
  readonly facts: ReferralFacts
  readonly passages: readonly Passage[]
  readonly person: Person
  readonly today: string | null
  readonly reachable: boolean // the provider directory has an address that the referrer can be answered at
  readonly specialty: Triage['specialty']
  readonly kind: Triage['kind']
  readonly language: string // BCP 47; English where an item has no words in it
}

type Find = (words: readonly Word[]) => Hit<Meaning>[]

/** In the table's order. What is not a referral or an order lacks nothing, unless an item says so. */
export const missingItems = (question: CompletenessQuestion, table: CompletenessTable, find: Find): readonly MissingItem[] => {
  const { facts, today, reachable, passages } = question
  const coverage = facts.coverage.map(({ payer, plan }) => find(wordsOf(`${payer ?? ''}\n${plan ?? ''}`)))
  const selfPay = [...coverage, ...passages.filter(({ source }) => source === 'note' || source === 'reason').map(({ hits }) => hits)].some((hits) => hits.some(({ meaning }) => meaning.kind === 'self-pay'))
  const context: CheckContext = { today, reachable, selfPay, isPlaceholder: (text) => consistsOf('placeholder', text, find), saysNothing: (text) => consistsOf('says-nothing', text, find) }
  return table.items.filter((item) => isAsked(item, question, coverage)).flatMap((item): MissingItem[] => {
    const found: Found = item.check ? CHECKS[item.check](facts, context) : isAttached(item, question) ? 'there' : 'missing'
    return found === 'there' ? [] : [{ item: item.item, says: sentence(item, found, question, table), blocks: item.blocks }]
  })
}

const isAsked = (item: Item, { facts, person, specialty, kind }: CompletenessQuestion, coverage: readonly (readonly Hit<Meaning>[])[]): boolean =>
  item.kinds.includes(kind.value)
  && (!item.for || (specialty !== null && specialty.confidence >= SURE_ENOUGH && item.for.includes(specialty.value)))
  && (item.ranges.length === 0 || facts.diagnoses.some((diagnosis) => isIcd10(diagnosis) && item.ranges.some((range) => isWithin(diagnosis.code as string, range))))
  && (!item.payers || coverage.some((hits) => hits.some(({ meaning }) => meaning.kind === 'item' && meaning.item === item && meaning.role === 'payers')))
  && fitsPatient(item, person) === 'yes'

/** By the code of a result or document, or by words that give it rather than ask for it. */
const isAttached = (item: Item, { facts, passages }: CompletenessQuestion): boolean =>
  [...facts.findings.map(({ what }) => what), ...facts.documents.flatMap(({ type }) => type ?? [])].some((coded) => isLoinc(coded) && item.attached?.loinc?.includes(coded.code as string) === true)
  || passages.some((passage) => passage.hits.some(({ meaning, from, to }) => meaning.kind === 'item' && meaning.item === item && meaning.role === 'attached' && isGiven(passage, from, to)))

const isGiven = ({ source, hits, words, assert }: Passage, from: number, to: number): boolean => {
  if (source === 'finding' || source === 'title') return true
  if (source === 'wanted' || source === 'service') return false
  const { status } = assert(from, to)
  if (status !== 'affirmed' && status !== 'historical' && status !== 'uncertain') return false
  return !hits.some(({ meaning, from: at, to: end }) => meaning.kind === 'not-given' && words[at]?.sentence === words[from]?.sentence && (end <= from ? from - end < NOT_GIVEN_REACH : at >= to && at - to < NOT_GIVEN_REACH))
}

/** Words that add nothing: "please", "see the attached". */
const LITTLE = /^(?:a|an|and|the|to|for|of|is|be|please|pls|this|patient|pt|my|our|her|him|thank|thanks|you|in|on|as|per|with|[^\p{L}\p{N}]+)$/u

const consistsOf = (kind: 'placeholder' | 'says-nothing', text: string, find: Find): boolean => {
  const words = wordsOf(text.slice(0, 300))
  const hits = find(words).filter(({ meaning }) => meaning.kind === kind)
  return hits.length > 0 && words.every(({ text: word }, index) => LITTLE.test(word) || hits.some(({ from, to }) => index >= from && index < to))
}

const sentence = (item: Item, found: Exclude<Found, 'there'>, { facts, language }: CompletenessQuestion, { problems }: CompletenessTable): string => {
  const said = inLanguage(item.says, language)
  if (found !== 'missing') return `${said} (${inLanguage(problems[found.problem] ?? found.problem, language).replaceAll('{value}', found.value.slice(0, 60))})`
  const unread = facts.documents.filter((document) => document.unread).length
  return unread === 0 || item.check === 'confirmation' ? said : `${said} (${inLanguage(problems[item.attached ? 'unread' : 'not-found'] ?? 'unread', language).replaceAll('{value}', String(unread))})`
}

/** "es-MX" takes `es` where there is no `es-MX`, and English where there is neither. */
const inLanguage = (saying: Saying, language: string): string => {
  if (typeof saying === 'string') return saying
  const languages = saying as Readonly<Record<string, string>>
  return languages[language] ?? languages[language.split('-')[0] ?? ''] ?? saying.en
}
