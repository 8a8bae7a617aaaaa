/** Routes a referral by a table, and says why: the row, what was narrower, the near misses, and what the form itself asked for. */
import type { ReferralFacts, Routing, Triage } from '../contracts.js'
import type { Condition } from './cell.js'
import { type Column, personName, type Question } from './columns.js'
import { type Decision, decide } from './decide.js'
import { disagreement } from './disagreement.js'
import type { Row } from './rows.js'
import type { RoutingTable } from './table.js'

/** Below this the specialty that triage found is told as a doubt, where the row rests on it. */
const SURE = 0.8

/**
 * The route that the most specific row gives: the larger `priority`, then more filled conditions, then at least as narrow in
 * every column and narrower in one. Where rows tie and lead to different places, the one that names the referral's first
 * diagnosis (or service) is taken; else the route is null and a person chooses, for a referral in the wrong practice's EHR
 * is worse than one that waits where somebody sees it. `at` is the day for ages; without it, the day the referral was written.
 */
export const route = (table: RoutingTable, facts: ReferralFacts, triage: Triage, at?: Date): Routing => {
  const question: Question = { facts, triage, day: at ? at.toISOString().slice(0, 10) : facts.authoredOn }
  const decision = decide(table, question)
  const { row } = decision
  return {
    route: row?.route ?? null,
    row: row?.name ?? null,
    reasons: row ? reasonsFor(row, decision, table, question) : reasonsAgainst(decision, table),
    nearMisses: decision.near.map(({ row: missed, failed }) => ({ row: missed.name, because: because(missed, failed, question) })),
    disagreement: row ? disagreement(facts, triage, row.route) : null,
  }
}

const reasonsFor = (row: Row, { first, next }: Decision, table: RoutingTable, question: Question): string[] => {
  let conditions = ''
  if (row.conditions.size > 0) {
    for (const { column } of table.filters) {
      const condition = row.conditions.get(column.name)
      if (condition) conditions += `${conditions && '; '}${held(column.name, condition, column.values(question))}`
    }
  }
  const reasons = [conditions ? `Row ${row.id} takes it: ${conditions}.` : `Row ${row.id} takes what no other row does.`]
  if (first && next) reasons.push(`Row ${next.id} takes it too and is as specific; row ${row.id} names the ${first} that stands first in the referral.`)
  else if (next) reasons.push(`Row ${next.id} takes it too, ${row.priority === next.priority ? 'and is less specific' : 'with a lower priority'}.`)
  const { specialty } = question.triage
  if (specialty && specialty.confidence < SURE && row.conditions.has('specialty')) reasons.push(`The specialty is only ${Math.round(specialty.confidence * 100)} % sure.`)
  const { wanted } = question.facts
  const person = wanted && personName(wanted)
  if (person && row.route.practitioner === null) reasons.push(`The form asks for ${person}; the row names no practitioner.`)
  return reasons
}

/** "diagnosis I48.91 is in I48.*": the value that the condition names, of several. */
const held = (name: string, { text, positives }: Condition, values: readonly string[]): string => {
  const [first] = values.length > 1 ? values.filter((value) => positives.some((each) => each.holds(value))) : values
  const value = first ?? shown(values)
  return value === text || value.toLowerCase() === text.toLowerCase() ? `${name} is ${value}` : `${name} ${value} is in ${text}`
}

const reasonsAgainst = ({ tied }: Decision, { file, rows }: RoutingTable): string[] => {
  if (tied.length > 0) return [`Rows ${tied.map(({ id }) => id).join(' and ')} of ${file} take it, lead to different places, and none is more specific: a person must choose.`]
  return [`None of the ${rows.length} rows of ${file} takes it: a person must choose.`]
}

const because = (row: Row, { name, values }: Column, question: Question): string => {
  const given = values(question)
  const wanted = row.conditions.get(name)?.text ?? ''
  return given.length === 0 ? `${name} is not said, and must be ${wanted}` : `${name} is ${shown(given)}, and must be ${wanted}`
}

const MOST_SHOWN = 4
const shown = (values: readonly string[]): string =>
  values.length === 0 ? 'not said' : values.length === 1 ? (values[0] as string) : `${values.slice(0, MOST_SHOWN).join(', ')}${values.length > MOST_SHOWN ? ' …' : ''}`
