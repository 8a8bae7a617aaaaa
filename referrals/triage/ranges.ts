/** Ranges of ICD-10-CM, CPT and HCPCS codes; of several that hold a code the narrowest wins. */
import type { Complaints } from './read-table.js'
import { type Conditions, fitsPatient, type Person } from './person.js'

export interface Range { readonly text: string; readonly low: number; readonly high: number }
export interface RangeRow extends Conditions { readonly codes: string }

/** Finds the narrowest row that holds a code and fits the patient; null where there is none. */
export type RangeTable<Row extends RangeRow> = (code: string, person: Person) => { readonly row: Row; readonly range: Range } | null

const LENGTH = 7
const CODE = /^[A-Z0-9]{2,7}$/

/** "I60-I69, G45" as its ranges; a sentence where it cannot be read. */
export const rangesOf = (text: string): readonly Range[] | string => {
  const ranges: Range[] = []
  for (const part of text.split(',').map((one) => one.trim())) {
    const [first = '', last = first, ...more] = part.split('-').map(plainCode)
    if (!CODE.test(first) || !CODE.test(last) || more.length > 0) return `\`${part}\` is no code and no range of codes like \`I60-I69\``
    const [low, high] = [place(first, '0'), place(last, 'Z')]
    if (high < low) return `\`${part}\` ends before it begins`
    ranges.push({ text: part, low, high })
  }
  return ranges
}

/** Without the dot, in capitals. */
export const plainCode = (code: string): string => code.trim().toUpperCase().replaceAll('.', '')

export const isWithin = (code: string, { low, high }: Range): boolean => {
  const at = place(plainCode(code), '0')
  return at >= low && at <= high
}

/** Call after the table was linted. */
export const rangeTable = <Row extends RangeRow>(rows: readonly Row[]): RangeTable<Row> => {
  const sorted = rows.flatMap((row) => (rangesOf(row.codes) as readonly Range[]).map((range) => ({ row, range })))
    // Of equally narrow ones the one with a condition comes first.
    .sort((a, b) => a.range.high - a.range.low - (b.range.high - b.range.low) || conditions(b.row) - conditions(a.row))
  return (code, person) => {
    const at = place(plainCode(code), '0')
    return sorted.find(({ row, range }) => at >= range.low && at <= range.high && fitsPatient(row, person) === 'yes') ?? null
  }
}

/** Says which rows cannot be read, cross each other or say the same range twice. */
export const lintRanges = (rows: readonly RangeRow[], keys: string, complaints: Complaints): void => {
  const known: { range: Range; index: number }[] = []
  for (const [index, row] of rows.entries()) {
    const ranges = rangesOf(row.codes)
    if (typeof ranges === 'string') complaints.add([keys, index, 'codes'], `${ranges}.`)
    else for (const range of ranges) {
      for (const other of known) {
        const same = other.range.low === range.low && other.range.high === range.high
        if (same && conditions(row) === 0 && conditions(rows[other.index] as RangeRow) === 0) complaints.add([keys, index, 'codes'], `\`${range.text}\` has a row already: number ${other.index + 1} of \`${keys}\`.`)
        const crosses = range.low <= other.range.high && other.range.low <= range.high && (range.low - other.range.low) * (range.high - other.range.high) > 0
        if (crosses) complaints.add([keys, index, 'codes'], `\`${range.text}\` and \`${other.range.text}\` (number ${other.index + 1} of \`${keys}\`) cross: neither is the more specific. Let one hold the other, or part them.`)
      }
      known.push({ range, index })
    }
  }
}

const conditions = (row: RangeRow): number => (row.age ? 1 : 0) + (row.sex ? 1 : 0)

/** Where a code stands among all codes: its characters as a number of base 36. */
const place = (code: string, fill: string): number => Number.parseInt(code.slice(0, LENGTH).padEnd(LENGTH, fill), 36)
