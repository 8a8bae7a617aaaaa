/** Checks mappings/desk/desk.yaml: what its schema says, times and names that are none, and stages in which nobody would owe anything. */
import type { MappingDocument } from '../../engine/contracts.js'
import { didYouMean } from '../../engine/nearest.js'
import type { Problem } from '../../engine/problem.js'
import { type Keys, mistakes } from '../../engine/schema-errors.js'
import { checkZone, readHours } from '../../engine/watch/hours.js'
import type { Direction } from '../contracts.js'
import { openStages } from '../life-cycle.js'
import { readTimes } from './digest-times.js'
import { readHolidays } from './holidays.js'
import { DeskFile, type DutyFile, HOLDS, OWED_NOTICES } from './settings-schema.js'
import { readSpan } from './span.js'
import { addWorking, calendar } from './working-time.js'
import { zoneDays } from './zone-days.js'

/** All that is wrong, in the order of the file. `profiles`: the names of mappings/ehr, where they are known. */
export const lintDesk = (document: MappingDocument, profiles?: readonly string[]): readonly Problem[] => {
  const found: Problem[] = []
  const add: Add = (keys, rule, message, hint = '') => void found.push({ ...placeOf(document.place(...keys)), rule, message, hint, severity: 'error' })
  for (const { keys, rule, message } of mistakes(DeskFile, structuredClone(document.value), { name: 'the desk', written: (keys) => written(document.value, keys) })) add(keys, rule, message)
  if (found.length === 0) {
    const file = document.value as DeskFile
    times(file, add)
    names(file, profiles, add)
    for (const [kind, duty] of Object.entries(file.duties)) dutyProblems(kind, duty, add)
    if (found.length === 0) nobodyOwes(file, add)
  }
  return found.sort((a, b) => a.line - b.line || a.column - b.column)
}

type Add = (keys: Keys, rule: string, message: string, hint?: string) => void

function times({ zone, hours, digest, holidays }: DeskFile, add: Add): void {
  const tryOut = (key: string, read: () => void): void => {
    try {
      read()
    } catch (error) {
      add([key], 'wrong-value', error instanceof Error ? error.message : String(error))
    }
  }
  tryOut('zone', () => checkZone(zone))
  tryOut('hours', () => readHours(hours))
  tryOut('digest', () => readTimes(digest))
  for (const { entry, says } of readHolidays(holidays).wrong) add(['holidays', entry], 'wrong-value', says)
}

function names({ practice, ehrs }: DeskFile, profiles: readonly string[] | undefined, add: Add): void {
  if (!practice.phone && !practice.fax && !practice.email) add(['practice'], 'missing-setting', 'A referrer who is asked for something cannot answer.', 'Give `fax`, `email` or `phone`.')
  for (const [name, { profile }] of Object.entries(ehrs)) {
    if (profiles && !profiles.includes(profile)) add(['ehrs', name, 'profile'], 'wrong-value', `There is no EHR profile \`${profile}\`${didYouMean(profile, profiles)}`)
  }
}

const NOTICE_NAMES: readonly string[] = OWED_NOTICES

function dutyProblems(kind: string, { stages, holds, from, again = [] }: DutyFile, add: Add): void {
  const keys = ['duties', kind]
  if (NOTICE_NAMES.includes(kind)) add(keys, 'wrong-value', `\`${kind}\` is the name of a notice, and what is owed of those is in \`notices\`.`, 'Choose another name.')
  if ((stages === undefined) === (holds === undefined)) add(keys, 'wrong-value', `\`${kind}\` needs either \`stages\` or \`holds\`: when it is owed.`)
  if (holds && from) add([...keys, 'from'], 'wrong-value', 'What waits for a person counts from when it began to wait.', 'Leave `from` out.')
  if (!ascending(again)) add([...keys, 'again'], 'wrong-value', '`again` counts from when it was due: each must be later than the one before.')
}

/** Each later than the one before, as a practice works that is open from eight to five. */
const ascending = (again: readonly string[]): boolean => {
  const ends = again.map((text) => addWorking(MONDAY, readSpan(text), NINE_HOURS))
  return ends.every((end, index) => index === 0 || end > (ends[index - 1] as number))
}
const NINE_HOURS = calendar(zoneDays('UTC'), readHours('Mon-Fri 08:00-17:00'), () => false)
const MONDAY = Date.parse('2026-03-02T08:00:00Z')

/** No referral may stand where nobody has anything to do and nobody is told: every open stage has a duty, and so has everything that waits for a person. */
function nobodyOwes({ duties }: DeskFile, add: Add): void {
  const rows = Object.values(duties)
  for (const direction of ['inbound', 'outbound'] as const satisfies readonly Direction[]) {
    const mine = rows.filter((row) => row.direction === undefined || row.direction === direction)
    for (const stage of openStages(direction)) {
      if (!mine.some(({ stages }) => stages?.includes(stage))) add(['duties'], 'nobody-owes', `Nobody owes anything for an ${direction} referral that is \`${stage}\`.`, `Add a duty with \`stages: [${stage}]\`.`)
    }
    for (const hold of HOLDS) {
      if (!mine.some(({ holds, unless }) => holds?.includes(hold) && !unless)) add(['duties'], 'nobody-owes', `Nobody owes anything for an ${direction} referral of which the ${hold} waits for a person.`, `Add a duty with \`holds: [${hold}]\`.`)
    }
  }
}

/** The parts of `file:line:column`. */
const placeOf = (place: string): Pick<Problem, 'file' | 'line' | 'column'> => {
  const [, file = place, line = '1', column = '1'] = /^(.*):(\d+):(\d+)$/.exec(place) ?? []
  return { file, line: Number(line), column: Number(column) }
}

const written = (value: unknown, keys: Keys): string | null => {
  const at = keys.reduce<unknown>((inner, key) => (inner as Record<string | number, unknown> | undefined)?.[key], value)
  return typeof at === 'string' || typeof at === 'number' || typeof at === 'boolean' ? String(at).slice(0, 100) : null
}
