/** One row of a list as a message: its header's names, its cells, and what its profile says of them. */
import { MessageFault } from '../../errors.js'
import { decode } from '../carried.js'
import { type Cell, csvCells, fixedCells, type Row, rowsOf } from './rows.js'
import { plainName, type Profile, type ProfileColumn } from './profile.js'

export interface Reading {
  readonly profile: Profile | null // null: any CSV, its columns by their header's names
  readonly delimiter: string
  readonly size: number
  readonly rows: number
  readonly headers: Map<string, readonly string[]> // those that were read lately, by their line
}

/** A list before its rows are looked at. Offsets are in `text`, in which a character is a byte. */
export interface List { readonly text: string; readonly header: readonly string[] | null; readonly headerRow: Row | null; readonly rows: readonly Row[] }

export interface Column { readonly name: string; readonly known: ProfileColumn | null }
export interface Body { readonly text: string; readonly reading: Reading; readonly row: Row; readonly columns: readonly Column[]; readonly cells: readonly Cell[] }

export const asBody = (body: unknown): Body => {
  if (typeof body === 'object' && body !== null && 'cells' in body && 'columns' in body) return body as Body
  throw new TypeError('this is not the body of a row')
}

const isFixed = ({ profile }: Reading): boolean => profile?.layout === 'fixed'

/** The rows of bytes. Throws a MessageFault for what is no list of the profile: too large, no header, a column that is missing or there twice. */
export const listOf = (bytes: Buffer, reading: Reading): List => {
  if (bytes.length > reading.size) throw unreadable(`the list is ${bytes.length} bytes long, and at most ${reading.size} are taken; the setting is \`size\``)
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff) || bytes.includes(0)) throw unreadable('the list is no text of one byte a character (it has NUL characters, or is UTF-16); save it as CSV in UTF-8')
  const text = bytes.toString('latin1')
  const start = text.startsWith('\u00EF\u00BB\u00BF') ? 3 : 0
  const all = rowsOf(text, start, reading.delimiter, !isFixed(reading), reading.rows + 1)
  if (isFixed(reading)) {
    const wanted = reading.profile?.rows
    return { text, header: null, headerRow: null, rows: wanted ? all.filter(({ from, to }) => wanted.test(text.slice(from, to))) : all }
  }
  const [headerRow, ...rows] = all
  if (!headerRow) throw unreadable('the list is empty: it has no line of column names')
  return { text, header: headerOf(text, headerRow, reading), headerRow, rows }
}

/** The header's names, the same list for the same line: rows repeat it, and what was found of it is kept. */
const headerOf = (text: string, row: Row, reading: Reading): readonly string[] => {
  const line = text.slice(row.from, row.to)
  const known = reading.headers.get(line)
  if (known) return known
  const header = csvCells(text, row, reading.delimiter).map((cell) => decode(cell.text))
  checkHeader(header, reading)
  if (reading.headers.size >= MOST_HEADERS) reading.headers.clear()
  reading.headers.set(line, header)
  return header
}
const MOST_HEADERS = 20

const checkHeader = (header: readonly string[], { profile }: Reading): void => {
  const seen = new Set<string>()
  for (const name of header.map(plainName)) {
    if (name !== '' && seen.has(name)) throw new MessageFault({ kind: 'value', reason: 'the header has two columns of one name' })
    seen.add(name)
  }
  for (const column of profile?.columns ?? []) {
    if (column.required && ![column.name, ...(column.also ?? [])].some((name) => seen.has(plainName(name)))) {
      throw new MessageFault({ kind: 'required', reason: 'the header does not have this column, which the profile requires; if it goes by another name, add that to `also`', location: column.name })
    }
  }
}

/** One row with its cells. Throws a MessageFault for a row that has more or fewer cells than the header. */
export const bodyOf = ({ text, header }: List, row: Row, reading: Reading): Body => {
  const { profile } = reading
  if (header === null) {
    const columns = profile?.columns ?? []
    return { text, reading, row, columns: columns.map((known) => ({ name: known.name, known })), cells: fixedCells(text, row, columns.map(({ span }) => span ?? [0, 0])) }
  }
  const cells = csvCells(text, row, reading.delimiter)
  if (cells.length !== header.length && cells.slice(header.length).some((cell) => cell.text !== '')) throw new MessageFault({ kind: 'unreadable', reason: `the row has ${cells.length} cells, and the header ${header.length}` })
  if (cells.length < header.length) throw new MessageFault({ kind: 'unreadable', reason: `the row has ${cells.length} cells, and the header ${header.length}` })
  return { text, reading, row, columns: columnsOf(header, profile), cells: cells.slice(0, header.length) }
}

const kept = new WeakMap<readonly string[], readonly Column[]>()
const columnsOf = (header: readonly string[], profile: Profile | null): readonly Column[] => {
  const known = kept.get(header)
  if (known) return known
  const byName = new Map(profile?.columns.flatMap((column) => [column.name, ...(column.also ?? [])].map((name) => [plainName(name), column] as const)))
  const columns = header.map((name): Column => {
    const own = byName.get(plainName(name)) ?? null
    return { name: own?.name ?? name, known: own }
  })
  kept.set(header, columns)
  return columns
}

/** The cell of a column, by the profile's name for it or the header's. */
export const cellOf = (body: Body, name: string): { readonly cell: Cell; readonly column: Column; readonly at: number } | null => {
  const wanted = plainName(name)
  const at = body.columns.findIndex((column) => plainName(column.name) === wanted)
  const [cell, column] = [body.cells[at], body.columns[at]]
  return cell && column ? { cell, column, at } : null
}

/** Throws the first MessageFault of a row: what is required and empty, a date, a code or a form that is wrong. Its location is the column's name. */
export const checkRow = (body: Body): void => {
  body.columns.forEach(({ name, known }, at) => {
    if (!known) return
    const problem = problemOf(decode(body.cells[at]?.text ?? ''), known)
    if (problem) throw new MessageFault({ ...problem, location: name })
  })
}

const problemOf = (text: string, { required, form, date, codes, table, pattern, longest }: ProfileColumn): { kind: 'required' | 'value'; reason: string } | null => {
  if (text === '') return required ? { kind: 'required', reason: 'is empty, and the profile requires it' } : null
  if (form && form.read(text) === null) return { kind: 'value', reason: `is not a date of the form ${date}` }
  if (codes && !codes.lookup(text) && !codes.lookup(text.toUpperCase())) return { kind: 'value', reason: `is not a code of codes/${table}.yaml` }
  if (longest !== undefined && text.length > longest) return { kind: 'value', reason: `has more than ${longest} characters` }
  if (pattern && !pattern.test(text)) return { kind: 'value', reason: 'does not have the form that the profile asks for (`matches`)' }
  return null
}

const unreadable = (reason: string) => new MessageFault({ kind: 'unreadable', reason })
