/** A routing table made ready: which rows each value of each column meets, as bits, worked out once for each value that comes by. */
import type { Condition } from './cell.js'
import type { Column, Question } from './columns.js'
import type { Csv } from './csv.js'
import { byRank } from './order.js'
import { problemText } from './problem.js'
import { type Row, readTable, type RoutingContext } from './rows.js'

/** One bit a row, row 0 in the lowest bit of word 0. */
export type Bits = Uint32Array

export interface RoutingTable {
  readonly file: string
  readonly rows: readonly Row[] // best rank first, then as in the file
  readonly filters: readonly Filter[]
  readonly words: number // of 32 rows each
  /** Bits that a decision works in; one decision is over before the next begins. */
  readonly failed: Bits
  readonly twice: Bits
}

/** One column of conditions. */
export interface Filter {
  readonly column: Column
  /** The rows whose condition the referral misses; a row without one misses nothing. The bits are written over by the next call. */
  misses(question: Question): Bits
}

/** A value's rows: that name it, that exclude it, and that it misses where it is the only value. */
interface Known { readonly named: Bits; readonly excluded: Bits; readonly missed: Bits }

/** How many values of a column are remembered; names of referrers have no end. */
const MOST_KNOWN = 20_000

/** Compiles a table. Throws its problems, one a line as file:line:column, where a row or column cannot be read; `lintRouting` finds more. */
export const routingTable = (csv: Csv, context: RoutingContext = {}): RoutingTable => {
  const read = readTable(csv, context)
  if (read.problems.length > 0) throw new Error(read.problems.map(problemText).join('\n'))
  const rows = [...read.rows].sort(byRank)
  const words = Math.max(1, Math.ceil(rows.length / 32))
  return { file: read.file, rows, words, filters: read.columns.map((column) => filter(column, rows, words)), failed: new Uint32Array(words), twice: new Uint32Array(words) }
}

const filter = (column: Column, rows: readonly Row[], words: number): Filter => {
  const conditions = rows.map((row) => row.conditions.get(column.name))
  const bits = (test: (condition: Condition | undefined) => boolean): Bits => {
    const made = new Uint32Array(words)
    for (const [index, condition] of conditions.entries()) if (test(condition)) made[index >> 5] = (made[index >> 5] as number) | (1 << (index & 31))
    return made
  }
  const unsaid = bits((condition) => condition === undefined || condition.nothing)
  const known = new Map<string, Known>()
  const lookUp = (value: string): Known => {
    const [named, excluded] = [
      bits((condition) => condition === undefined || condition.anything || condition.positives.some((each) => each.holds(value))),
      bits((condition) => condition?.negatives.some((each) => each.holds(value)) ?? false),
    ]
    const found = { named, excluded, missed: named.map((word, index) => ~word | (excluded[index] as number)) }
    if (known.size >= MOST_KNOWN) known.clear()
    known.set(value, found)
    return found
  }
  const [misses, named, excluded] = [new Uint32Array(words), new Uint32Array(words), new Uint32Array(words)]
  const unmet = unsaid.map((bits) => ~bits)
  return {
    column,
    misses: (question) => {
      const values = column.values(question)
      if (values.length === 0) return unmet
      if (values.length === 1) return (known.get(values[0] as string) ?? lookUp(values[0] as string)).missed
      named.fill(0)
      excluded.fill(0)
      for (const value of values) {
        const rowsOf = known.get(value) ?? lookUp(value)
        for (let word = 0; word < words; word++) {
          named[word] = (named[word] as number) | (rowsOf.named[word] as number)
          excluded[word] = (excluded[word] as number) | (rowsOf.excluded[word] as number)
        }
      }
      for (let word = 0; word < words; word++) misses[word] = ~(named[word] as number) | (excluded[word] as number)
      return misses
    },
  }
}
