/** Checks a routing table: cells that cannot be read, rows that tie, rows that nothing reaches, names that nobody knows. */
import { didYouMean } from '../../engine/nearest.js'
import { covers, impossible, overlap } from './cell.js'
import type { Column } from './columns.js'
import type { Csv } from './csv.js'
import { beats, byRank, sameRank, sameRoute } from './order.js'
import { type Problem, problemAt } from './problem.js'
import { type ReadTable, type Row, readTable, type RoutingContext } from './rows.js'

/** All that is wrong, in the order of the file. */
export const lintRouting = (csv: Csv, context: RoutingContext = {}): readonly Problem[] => {
  const table = readTable(csv, context)
  const found = [...table.problems, ...repeated(table), ...unknown(table, context), ...unreachable(table), ...ambiguous(table)]
  const missing = table.rows.length > 0 && !table.rows.some(({ conditions }) => conditions.size === 0)
  if (missing) found.push(problemAt(table.file, table.header, 'no-default', 'No row takes what all others leave.', 'Add a row without conditions, such as one for a queue where people look.'))
  return found.sort((a, b) => a.line - b.line || a.column - b.column)
}

const at = ({ file }: ReadTable, row: Row, name: string, rule: string, message: string, hint = '', severity: Problem['severity'] = 'error'): Problem =>
  problemAt(file, row.cells.get(name) ?? [...row.cells.values()][0] ?? { line: row.line, column: 1 }, rule, message, hint, severity)

const repeated = (table: ReadTable): readonly Problem[] => {
  const seen = new Map<string, Row>()
  return table.rows.flatMap((row) => {
    const before = seen.get(row.id)
    seen.set(row.id, before ?? row)
    return before ? [at(table, row, 'row', 'row-twice', `Row ${row.id} stands in line ${before.line} already.`, 'Give each row an id of its own: the history of a referral names it.')] : []
  })
}

const unknown = (table: ReadTable, { ehrs, locations, specialties }: RoutingContext): readonly Problem[] => table.rows.flatMap((row) => {
  const check = (name: string, value: string | null, known: readonly string[] | undefined): Problem[] =>
    (known === undefined || value === null || known.includes(value) ? [] : [at(table, row, name, `unknown-${name}`, `No ${name === 'ehr' ? 'EHR' : name} is called \`${value}\`${didYouMean(value, known)}`)])
  const written = (name: string): readonly string[] => row.conditions.get(name)?.text.split('|').map((each) => each.replace('!', '').trim()).filter((each) => !/[*?]/.test(each)) ?? []
  const named = (['specialty', 'sub-specialty'] as const).flatMap((name) => written(name).flatMap((each) => check(name, each.toLowerCase(), specialties)))
  return [...check('ehr', row.route.ehr, ehrs), ...check('location', row.route.location, locations), ...named]
})

/** No referral reaches a row that another one always goes before. */
const unreachable = (table: ReadTable): readonly Problem[] => table.rows.flatMap((row) => {
  for (const [name, condition] of row.conditions) if (impossible(condition)) return [at(table, row, name, 'unreachable', `Row ${row.id} takes nothing: \`${name}\` excludes all that it names.`)]
  const before = table.rows.find((other) => other !== row && (sameRank(other, row) ? beats(other, row) : byRank(other, row) < 0) && takesAll(other, row))
  return before ? [at(table, row, 'row', 'unreachable', `Row ${row.id} is never reached: row ${before.id} (line ${before.line}) takes all that it would, and goes before it.`)] : []
})

const takesAll = (a: Row, b: Row): boolean => [...a.conditions].every(([name, condition]) => {
  const its = b.conditions.get(name)
  return its !== undefined && covers(condition, its)
})

const ambiguous = (table: ReadTable): readonly Problem[] => {
  const kinds = new Map(table.columns.map((column) => [column.name, column]))
  const bands = new Map<string, Row[]>()
  const found: Problem[] = []
  for (const row of table.rows) {
    const key = `${row.priority} ${row.conditions.size}`
    const band = bands.get(key) ?? []
    const other = band.find((before) => !beats(before, row) && !beats(row, before) && together(before, row, kinds) && !settled(before, row, table.rows))
    if (other && sameRoute(other, row)) {
      if (takesAll(other, row) || takesAll(row, other)) found.push(at(table, row, 'row', 'same-row', `Row ${row.id} says the same as row ${other.id} (line ${other.line}).`, 'Remove one of them.', 'warning'))
    } else if (other) {
      found.push(at(table, row, 'row', 'overlap', `A referral may be taken by row ${row.id} and by row ${other.id} (line ${other.line}), and neither is more specific.`, 'Narrow one of them, add a row for what both take, or give one a higher `priority`.'))
    }
    bands.set(key, [...band, row])
  }
  return found
}

/** Whether one referral with one value for each fact may meet both rows. */
const together = (a: Row, b: Row, kinds: ReadonlyMap<string, Column>): boolean => [...a.conditions].every(([name, condition]) => {
  const other = b.conditions.get(name)
  const column = kinds.get(name)
  return other === undefined || column === undefined || overlap(condition, other, column.kind)
})

/** Whether a row that goes before both takes all that both would. */
const settled = (a: Row, b: Row, rows: readonly Row[]): boolean => rows.some((row) => byRank(row, a) < 0 && [...row.conditions].every(([name, condition]) =>
  [a, b].some(({ conditions }) => { const its = conditions.get(name); return its !== undefined && covers(condition, its) })))
