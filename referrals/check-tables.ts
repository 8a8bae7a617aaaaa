/** Everything that is wrong with the tables of the desk, for `refero check`: each at its file:line:column. */
import type { MappingDocument } from '../engine/contracts.js'
import type { Problem } from '../engine/problem.js'
import { lintDesk } from './clock/settings-lint.js'
import { readDesk } from './clock/settings.js'
import { lintProfile } from './hand-off/profiles.js'
import { lintFields } from './hand-off/receipt-fields.js'
import { lintMeasureSettings } from './measures/settings.js'
import type { DeskMappings } from './open-desk.js'
import { lintMatching, MATCHING_DOCUMENTS } from './patients/settings.js'
import { waysOrder } from './providers/ways.js'
import { lintRouting } from './routing/lint.js'
import type { RoutingContext } from './routing/rows.js'
import { specialtyTables } from './triage/specialty-tables.js'
import { triageTables } from './triage/tables.js'

export function checkTables(mappings: DeskMappings): readonly Problem[] {
  const profiles = mappings.names('ehr/').map((path) => path.slice('ehr/'.length))
  return [
    ...read('desk', () => lintDesk(mappings.mapping('desk/desk'), profiles)),
    ...read('routing', () => mappings.names('routing/', '.csv').filter((path) => path !== 'routing/zips').flatMap((path) => lintRouting(mappings.csv(path), contextOf(mappings)))),
    ...said('triage', () => void triageTables((path) => mappings.mapping(path))),
    ...MATCHING_DOCUMENTS.flatMap((name) => read('matching', () => lintMatching(name, mappings.mapping(name)).map(({ at, message }) => problemOf('matching', `${at}: ${message}`)))),
    ...said('providers', () => void waysOrder(mappings.mapping('providers/ways'))),
    ...profiles.flatMap((name) => sentences('ehr-profile', () => lintProfile(name, mappings.mapping(`ehr/${name}`), mappings))),
    ...sentences('measures', () => lintMeasureSettings(mappings.mapping('measures/default'))),
    ...sentences('receipt', () => lintFields(mappings.mapping('receipts/fields'))),
  ]
}

/** What routes may name, as far as the tables that say it can be read: what is wrong with those is told for itself. */
const contextOf = (mappings: DeskMappings): RoutingContext => ({
  ...readable(() => ({ ehrs: [...readDesk(mappings.mapping('desk/desk') as MappingDocument).ehrs.keys()] })),
  ...readable(() => ({ specialties: [...specialtyTables((path) => mappings.mapping(path)).names.keys()] })),
  ...readable(() => (mappings.names('routing/zips', '.csv').length > 0 ? { zips: mappings.csv('routing/zips') } : {})),
})
const readable = (part: () => RoutingContext): RoutingContext => {
  try {
    return part()
  } catch {
    return {}
  }
}

/** What a lint finds, or why its table cannot be read at all. */
const read = (rule: string, lint: () => readonly Problem[]): readonly Problem[] => {
  try {
    return lint()
  } catch (error) {
    return problemsOf(rule, error)
  }
}
const sentences = (rule: string, lint: () => readonly string[]): readonly Problem[] => read(rule, () => lint().map((sentence) => problemOf(rule, sentence)))
const said = (rule: string, check: () => void): readonly Problem[] => read(rule, () => {
  check()
  return []
})
/** What a table that cannot be read says of itself: a problem for each line. */
export const problemsOf = (rule: string, error: unknown): readonly Problem[] => (error instanceof Error ? error.message : String(error)).split('\n').map((line) => problemOf(rule, line))

/** Of a sentence that begins with its place. */
const problemOf = (rule: string, sentence: string): Problem => {
  const [, file = 'mappings', line = '1', column = '1', own = rule, message = sentence] = /^(.+?):(\d+):(\d+):? (?:error ([a-z-]+): )?(.*)$/s.exec(sentence) ?? []
  return { file, line: Number(line), column: Number(column), rule: own, message, hint: '', severity: 'error' }
}
