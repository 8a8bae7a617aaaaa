/** Reads the tables of mappings/triage/ once, and makes one search of all their phrases. */
import type { MappingDocument } from '../../engine/contracts.js'
import { assertionTriggers, type Trigger } from './assertion-table.js'
import { type CompletenessMeaning, type CompletenessTable, completenessTable } from './completeness-table.js'
import { type KindMeaning, type KindTable, kindTable } from './kind.js'
import { type Hit, phraseSet } from './phrases.js'
import { type SpecialtyMeaning, type SpecialtyTables, specialtyTables } from './specialty-tables.js'
import { type UrgencyMeaning, type UrgencyTable, urgencyTable } from './urgency-table.js'
import { rewording } from './wordings.js'
import { type Word, wordsOf } from './words.js'

/** What a phrase of any table stands for. */
export type Meaning = Trigger | SpecialtyMeaning | UrgencyMeaning | CompletenessMeaning | KindMeaning

export interface TriageTables {
  readonly specialty: SpecialtyTables
  readonly urgency: UrgencyTable
  readonly completeness: CompletenessTable
  readonly kind: KindTable
  /** The words of a text, other wordings replaced. */
  read(text: string): readonly Word[]
  find(words: readonly Word[]): Hit<Meaning>[]
}

/** Throws every mistake of the first table that has one, each at its file:line:column. */
export const triageTables = (mapping: (path: string) => MappingDocument): TriageTables => {
  const triggers = assertionTriggers(mapping('triage/assertion'))
  const specialty = specialtyTables(mapping)
  const names = [...specialty.names.keys()]
  const urgency = urgencyTable(mapping('triage/urgency'), names)
  const completeness = completenessTable(mapping('triage/completeness'), names)
  const kind = kindTable(mapping('triage/kinds'))
  const reword = rewording(mapping('triage/wordings'))
  return { specialty, urgency, completeness, kind, read: (text) => reword(wordsOf(text)), find: phraseSet<Meaning>([...triggers, ...specialty.phrases, ...urgency.phrases, ...completeness.phrases, ...kind.phrases]) }
}
