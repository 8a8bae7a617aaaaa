/** The texts of a referral, each read once: its words, what was found in it, and whether what it mentions is so. */
import type { Coded, ReferralFacts } from '../contracts.js'
import { type Assert, asserting } from './assertion.js'
import type { Trigger } from './assertion-table.js'
import type { Hit } from './phrases.js'
import type { Meaning, TriageTables } from './tables.js'
import type { Word } from './words.js'

export type Source = 'service' | 'diagnosis' | 'reason' | 'note' | 'finding' | 'title' | 'document' | 'wanted'

export interface Passage {
  readonly source: Source
  readonly index: number // in its list of the facts
  readonly at: string | undefined // FHIR path
  readonly text: string
  readonly words: readonly Word[]
  readonly hits: readonly Hit<Meaning>[]
  readonly assert: Assert
  readonly cut: number // characters that were not looked at
}

/** What is looked at of one text, and of all texts of one kind: a referral's own words are far shorter. */
export const LONGEST_TEXT = 65_536
const LONGEST_SOURCE = 262_144

type Tables = Pick<TriageTables, 'read' | 'find'>

/** In the order in which a person would read them. Empty texts make no passage. */
export const passagesOf = (facts: ReferralFacts, tables: Tables): readonly Passage[] => {
  const { wanted } = facts
  return [
    ...read('service', 'services', facts.services.map(spoken), facts, tables),
    ...read('diagnosis', 'diagnoses', facts.diagnoses.map(spoken), facts, tables),
    ...read('reason', 'reasons', facts.reasons, facts, tables),
    ...read('note', 'notes', facts.notes, facts, tables),
    ...read('finding', 'findings', facts.findings.map(({ what, value }) => `${spoken(what) ?? ''} ${value ?? ''}`), facts, tables),
    ...read('title', 'documents', facts.documents.map(({ title, type }) => [title, spoken(type)].filter(Boolean).join('\n')), facts, tables),
    ...read('document', 'documents', facts.documents.map(({ text }) => text), facts, tables),
    ...read('wanted', 'wanted', wanted ? [[spoken(wanted.specialty), wanted.practice, wanted.name?.family].filter(Boolean).join('\n')] : [], facts, tables),
  ]
}

/** The FHIR path of a fact: its own, or that of what it is part of. */
export const pathOf = (facts: ReferralFacts, key: string): string | undefined => facts.paths[`${key}.text`] ?? facts.paths[key] ?? facts.paths[key.replace(/\[\d+\]$/, '')]

/** Words of a passage as they are written, with as much around them as a person needs: their sentence, or what is near. */
export const quoted = ({ text, words }: Passage, from: number, to: number): string => {
  const sentence = words[from]?.sentence
  let [first, last] = [from, to - 1]
  while (words[first - 1]?.sentence === sentence && (words[to - 1]?.to ?? 0) - (words[first - 1]?.from ?? 0) < LONGEST_QUOTE / 2) first--
  while (words[last + 1]?.sentence === sentence && (words[last + 1]?.to ?? 0) - (words[first]?.from ?? 0) < LONGEST_QUOTE) last++
  return text.slice(words[first]?.from, words[last]?.to)
}

const LONGEST_QUOTE = 160

const spoken = (coded: Coded | null): string | null => coded?.text ?? null

const read = (source: Source, list: string, texts: readonly (string | null)[], facts: ReferralFacts, tables: Tables): Passage[] => {
  let left = LONGEST_SOURCE
  return texts.flatMap((whole, index): Passage[] => {
    if (whole === null || whole.trim() === '') return []
    const text = whole.slice(0, Math.min(LONGEST_TEXT, left))
    left -= text.length
    const words = tables.read(text)
    const hits = tables.find(words)
    return [{ source, index, at: pathOf(facts, list === 'wanted' ? list : `${list}[${index}]`), text, words, hits, assert: asserting(text, words, hits.filter(isTrigger)), cut: whole.length - text.length }]
  })
}

const isTrigger = (hit: Hit<Meaning>): hit is Hit<Trigger> => hit.meaning.kind === 'trigger' || hit.meaning.kind === 'mark' || hit.meaning.kind === 'section'
