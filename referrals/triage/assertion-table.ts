/** mappings/triage/assertion.yaml: the words that make a mention something other than "it is so, now, of this patient". */
import { type Static, Type } from 'typebox'
import { readTable } from './read-table.js'
import type { MappingDocument } from '../../engine/contracts.js'

const Phrases = Type.Array(Type.String({ minLength: 1, maxLength: 800 }), { default: [] })
const Triggers = Type.Object({
  before: Phrases, // count for what follows, to the end of the sentence or a stop
  rightBefore: Phrases, // count for the very next mention only
  after: Phrases, // count for what stands before, back to the beginning of the sentence or a stop
  rightAfter: Phrases, // count for the mention just before only
  not: Phrases, // longer phrases that hold a trigger and do not mean it: "not only"
  stops: Phrases, // end the reach of these triggers
}, { additionalProperties: false })

export const CATEGORIES = ['negation', 'history', 'family', 'hypothetical', 'uncertain'] as const
export type Category = (typeof CATEGORIES)[number]

/** The content of mappings/triage/assertion.yaml; phrases as phrases.ts describes them. */
export const AssertionFile = Type.Object({
  negation: Triggers,
  history: Triggers,
  family: Triggers,
  hypothetical: Triggers,
  uncertain: Triggers,
  stops: Phrases, // end the reach of every trigger
  recent: Phrases, // beside a mention: it is no history after all
  lasting: Phrases, // "for 2 weeks": what follows a comma with one of these stands for itself, not in a list of denials
  yes: Phrases, // answers of a form behind a mention
  no: Phrases,
  sections: Type.Object({ history: Phrases, family: Phrases, hypothetical: Phrases, current: Phrases }, { additionalProperties: false }), // headings
}, { additionalProperties: false })
export type AssertionTable = Static<typeof AssertionFile>

export type Role = 'before' | 'rightBefore' | 'after' | 'rightAfter' | 'not' | 'stops'
export type Trigger =
  | { readonly kind: 'trigger'; readonly category: Category; readonly role: Role }
  | { readonly kind: 'mark'; readonly mark: 'stop' | 'recent' | 'lasting' | 'yes' | 'no' }
  | { readonly kind: 'section'; readonly section: 'history' | 'family' | 'hypothetical' | 'current' }

/** The triggers of the table, for one pass over a text. Throws a sentence for each mistake. */
export const assertionTriggers = (file: MappingDocument): readonly (readonly [string, Trigger])[] => {
  const table = readTable(AssertionFile, 'the table of assertions', file, (content, complaints) => {
    for (const category of CATEGORIES) for (const role of ROLES) complaints.phrases([category, role], content[category][role])
    for (const list of ['stops', 'recent', 'lasting', 'yes', 'no'] as const) complaints.phrases([list], content[list])
    for (const section of SECTIONS) complaints.phrases(['sections', section], content.sections[section])
  })
  const marks = { stop: table.stops, recent: table.recent, lasting: table.lasting, yes: table.yes, no: table.no }
  return [
    ...CATEGORIES.flatMap((category) => ROLES.flatMap((role) => meaning(table[category][role], { kind: 'trigger', category, role }))),
    ...(Object.keys(marks) as (keyof typeof marks)[]).flatMap((mark) => meaning(marks[mark], { kind: 'mark', mark })),
    ...SECTIONS.flatMap((section) => meaning(table.sections[section], { kind: 'section', section })),
  ]
}

const ROLES = ['before', 'rightBefore', 'after', 'rightAfter', 'not', 'stops'] as const
const SECTIONS = ['history', 'family', 'hypothetical', 'current'] as const

const meaning = (phrases: readonly string[], trigger: Trigger): (readonly [string, Trigger])[] => phrases.map((phrase) => [phrase, trigger] as const)
