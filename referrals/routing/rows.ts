/** Reads a routing table: its rows with their conditions and answers, and what is wrong with how they are written. */
import { didYouMean } from '../../engine/nearest.js'
import type { Route } from '../contracts.js'
import { type Condition, condition } from './cell.js'
import { ANSWERS, type Column, columns, OWN } from './columns.js'
import { type Cell, type Csv, csvRecords } from './csv.js'
import { type Places, zipPlaces } from './distance.js'
import { type Problem, problemAt } from './problem.js'

export interface Row {
  readonly id: string // of its column `row`; its line where it has none
  readonly name: string // "mappings/routing/default.csv:3 (row 2)"
  readonly line: number
  readonly priority: number // 0 where nothing is written
  readonly conditions: ReadonlyMap<string, Condition> // by the name of the column; only those that are filled
  readonly cells: ReadonlyMap<string, Cell> // by the name of the column
  readonly route: Route
}

/** What a table may be checked against and needs from beside it; names that are not given are not checked. */
export interface RoutingContext {
  readonly zips?: Csv // lines of zip,lat,long: mappings/routing/zips.csv of the installation
  readonly ehrs?: readonly string[]
  readonly locations?: readonly string[]
  readonly specialties?: readonly string[] // as triage names them
}

export interface ReadTable { readonly file: string; readonly header: Pick<Cell, 'line' | 'column'>; readonly columns: readonly Column[]; readonly rows: readonly Row[]; readonly problems: readonly Problem[] }

const LIMITS = { characters: 4 * 1024 ** 2, rows: 5000 }

/** Rows that cannot be read are left out and are problems. */
export const readTable = (csv: Csv, context: RoutingContext): ReadTable => {
  const problems: Problem[] = []
  const { file } = csv
  const top = { line: 1, column: 1 }
  const nothing = (rule: string, message: string, at = top): ReadTable => ({ file, header: at, columns: [], rows: [], problems: [problemAt(file, at, rule, message)] })
  if (csv.text.length > LIMITS.characters) return nothing('too-large', `The table has more than ${LIMITS.characters} characters.`)
  let records: ReturnType<typeof csvRecords>
  let places: Places | null
  try {
    records = csvRecords(csv)
    places = context.zips ? zipPlaces(context.zips) : null
  } catch (error) {
    const [, where, line, column, text] = /^(.*):(\d+):(\d+): (.*)$/s.exec(error instanceof Error ? error.message : '') ?? []
    if (where === undefined) throw error
    return { ...nothing('unreadable', ''), problems: [problemAt(where, { line: Number(line), column: Number(column) }, 'unreadable', sentence(text ?? ''))] }
  }
  const [first, ...others] = records
  if (!first) return nothing('empty', 'The table is empty; its first line names the columns, such as row,specialty,ehr,queue.')
  if (others.length > LIMITS.rows) return nothing('too-large', `The table has ${others.length} rows; ${LIMITS.rows} are the most.`)
  if (first.length === 1 && /[;\t]/.test(first[0]?.text ?? '')) return { ...nothing('', ''), problems: [problemAt(file, first[0] ?? top, 'no-commas', 'The columns are not kept apart by commas.', 'Save the spreadsheet as CSV with commas.')] }
  const known = new Map(columns(places).map((column) => [column.name, column]))
  const names = header(first, [...OWN, ...known.keys(), ...ANSWERS], file, problems)
  if (!names.includes('ehr')) problems.push(problemAt(file, first[0] ?? top, 'missing-column', 'The table has no column `ehr`.', 'Each row says to which EHR it leads.'))
  const rows = others.flatMap((record) => {
    const before = problems.length
    const row = readRow(record, names, known, file, problems)
    return problems.length === before ? [row] : []
  })
  return { file, header: first[0] ?? top, columns: [...known.values()].filter(({ name }) => names.includes(name)), rows, problems }
}

const header = (cells: readonly Cell[], known: readonly string[], file: string, problems: Problem[]): readonly string[] => {
  const names = cells.map(({ text }) => text.toLowerCase().replace(/[\s_-]+/g, '-'))
  for (const [index, cell] of cells.entries()) {
    const name = names[index] ?? ''
    if (!known.includes(name)) problems.push(problemAt(file, cell, 'unknown-column', `\`${cell.text}\` is no column of a routing table${didYouMean(name, known)}`))
    else if (names.indexOf(name) < index) problems.push(problemAt(file, cell, 'column-twice', `The column \`${name}\` stands here a second time.`, 'Put alternatives into one cell, with | between them.'))
  }
  return names
}

const readRow = (record: readonly Cell[], names: readonly string[], known: ReadonlyMap<string, Column>, file: string, problems: Problem[]): Row => {
  const cells = new Map(names.flatMap((name, index) => (record[index] === undefined ? [] : [[name, record[index]] as const])))
  const start = record[0] ?? { text: '', line: 1, column: 1 }
  const text = (name: string): string => cells.get(name)?.text ?? ''
  const wrong = (cell: Cell, rule: string, message: string, hint = ''): void => { problems.push(problemAt(file, cell, rule, message, hint)) }
  for (const extra of record.slice(names.length)) if (extra.text !== '') wrong(extra, 'extra-cell', `\`${extra.text.slice(0, 60)}\` stands in no column.`, 'Put a cell that has a comma in it into quotes.')
  const conditions = new Map<string, Condition>()
  for (const [name, cell] of cells) {
    const column = known.get(name)
    if (!column || cell.text === '') continue
    try {
      conditions.set(name, condition(cell.text, column.kind))
    } catch (error) {
      const said = error instanceof Error ? error.message : String(error)
      wrong(cell, 'bad-cell', sentence(`\`${name}\`${said.startsWith(':') ? '' : ' '}${said}`))
    }
  }
  const priority = text('priority')
  if (!/^(-?\d{1,6})?$/.test(priority)) wrong(cells.get('priority') ?? start, 'bad-cell', `\`priority\`: \`${priority.slice(0, 60)}\` is no whole number; the larger one wins, and an empty one is 0.`)
  if (names.includes('ehr') && text('ehr') === '') wrong(cells.get('ehr') ?? start, 'missing-ehr', 'The row does not say to which EHR it leads.')
  const id = text('row') || String(start.line)
  const route = {
    ehr: text('ehr'), location: text('location') || null, practitioner: text('practitioner') || null, queue: text('queue') || null,
    tasks: text('tasks').split('|').map((task) => task.trim()).filter((task) => task !== ''),
  }
  return { id, name: `${file}:${start.line} (row ${id})`, line: start.line, priority: Number(priority), conditions, cells, route }
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.?]$/.test(text) ? '' : '.'}`
