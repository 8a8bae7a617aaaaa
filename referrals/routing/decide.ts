/** Which row of a table takes a referral, and which missed it in one condition only. */
import { meets } from './cell.js'
import type { Column, Question } from './columns.js'
import { beats, sameRank, sameRoute } from './order.js'
import type { Row } from './rows.js'
import type { Bits, Filter, RoutingTable } from './table.js'

export interface Decision {
  readonly row: Row | null
  /** Rows that took it too and none of which is narrower: a person must choose. Empty where `row` is one. */
  readonly tied: readonly Row[]
  /** Of several that tie, the row was chosen because its diagnosis or service stands first in the referral. */
  readonly first: 'diagnosis' | 'service' | null
  readonly next: Row | null // the best of those that took it and were beaten
  readonly near: readonly { readonly row: Row; readonly failed: Column }[] // best first
}

const MOST_NEAR = 5

/** Looks at every row, through bits: the cost does not grow with what the cells say. */
export const decide = (table: RoutingTable, question: Question): Decision => {
  const { words, rows, filters, failed, twice } = table
  failed.fill(0)
  twice.fill(0)
  const columns: Bits[] = []
  for (let index = 0; index < filters.length; index++) {
    const missed = (filters[index] as Filter).misses(question)
    for (let word = 0; word < words; word++) {
      const bits = missed[word] as number
      twice[word] = (twice[word] as number) | ((failed[word] as number) & bits)
      failed[word] = (failed[word] as number) | bits
    }
    columns.push(missed)
  }
  const taken = takers(table)
  const near: { row: Row; failed: Column }[] = []
  for (let word = 0; word < words && near.length < MOST_NEAR; word++) {
    for (let left = (failed[word] as number) & ~(twice[word] as number); left !== 0 && near.length < MOST_NEAR; left &= left - 1) {
      const bit = 31 - Math.clz32(left & -left)
      const row = rows[word * 32 + bit]
      if (row) near.push({ row, failed: failedIn(columns, word, bit, filters) })
    }
  }
  const { row, tied, first, next } = choose(taken, table, question)
  return { row, tied, first, next, near }
}

/** The rows that take it, in their order: all of the best rank, and the first that is not. */
const takers = ({ words, rows, failed }: RoutingTable): readonly Row[] => {
  const found: Row[] = []
  for (let word = 0; word < words; word++) {
    for (let left = ~(failed[word] as number); left !== 0; left &= left - 1) {
      const row = rows[word * 32 + 31 - Math.clz32(left & -left)]
      if (!row) return found
      found.push(row)
      if (!sameRank(row, found[0] as Row)) return found
    }
  }
  return found
}

const failedIn = (columns: readonly Bits[], word: number, bit: number, filters: RoutingTable['filters']): Column => {
  let index = 0
  while ((((columns[index]?.[word] as number) >>> bit) & 1) === 0) index++
  return (filters[index] as Filter).column
}

/** Among rows that all take it, best rank first. */
const choose = (taken: readonly Row[], table: RoutingTable, question: Question): Omit<Decision, 'near'> => {
  const [top] = taken
  if (!top) return { row: null, tied: [], first: null, next: null }
  const second = taken[1]
  if (!second || !sameRank(second, top)) return { row: top, tied: [], first: null, next: second ?? null }
  const band = taken.filter((row) => sameRank(row, top))
  const best = band.filter((row) => !band.some((other) => beats(other, row)))
  const next = taken.find((row) => !best.includes(row)) ?? null
  if (best.length === 1 || best.every((row) => sameRoute(row, best[0] as Row))) return { row: best[0] as Row, tied: [], first: null, next }
  for (const name of ['diagnosis', 'service'] as const) {
    const narrowed = earliest(best, name, table, question)
    const chosen = narrowed[0] as Row
    if (narrowed.length < best.length && narrowed.every((row) => sameRoute(row, chosen))) return { row: chosen, tied: [], first: name, next: best.find((row) => row !== chosen) ?? next }
  }
  return { row: null, tied: best, first: null, next }
}

/** Those whose condition the first of the referral's values meets that any of them is met by; all, where one has no such condition. */
const earliest = (rows: readonly Row[], name: 'diagnosis' | 'service', { filters }: RoutingTable, question: Question): readonly Row[] => {
  const values = filters.find(({ column }) => column.name === name)?.column.values(question) ?? []
  const conditions = rows.map((row) => row.conditions.get(name))
  if (conditions.includes(undefined)) return rows
  for (const value of values) {
    const met = rows.filter((_row, index) => { const condition = conditions[index]; return condition !== undefined && meets(condition, [value]) })
    if (met.length > 0) return met
  }
  return rows
}
