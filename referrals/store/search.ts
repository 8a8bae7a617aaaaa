/** Finds referrals, newest first: follows the condition that fewest of them meet and tests the others, some at a time so that no commit waits for it. */
import type { Database, Statement } from 'better-sqlite3'
import type { ReferralQuery, ReferralState } from '../desk-contracts.js'
import { holdBit } from './commit.js'
import { mergedSql } from './merged.js'
import { milliseconds } from './values.js'
import { expressionOf } from './words.js'

/** A test of a referral, and, where an index has those that meet it newest first, the streams of that index. */
interface Condition {
  readonly test: string
  readonly given: readonly unknown[]
  readonly index?: string
  readonly stream?: string // the test of one stream, where they are several
  readonly streams?: readonly (readonly unknown[])[]
}
interface Place { readonly received_at: number; readonly number: number }
interface Found extends Place { readonly fits: number }
/** One search under way. `step` looks at some more and says whether there is more to do. */
export interface Searching { readonly step: () => boolean; readonly found: () => readonly ReferralState[] }

/** Referrals in one answer at most, looked at in a step, counted for each condition, and taken from the index of words. */
const MOST = 1000
const STEP = 1000
const COUNTED = 2000
const MOST_BY_WORDS = 2000
const EVERY: Condition = { test: '1', given: [], index: 'referral_received' }
const BELOW = '(received_at, number) < (?, ?) and received_at >= ?'
const ORDER = 'received_at desc, number desc'

export const openSearch = (database: Database) => {
  const placeOf = database.prepare<[string], Place>('select received_at, number from referral where id = ?')
  const byWords = database.prepare<[string, number], number>('select rowid from words where words match ? limit ?').pluck() as Statement<[string, number], number>
  const withWords = database.prepare<[string, number, number], number>('select rowid from words where words match ? and rowid between ? and ?').pluck() as Statement<[string, number, number], number>
  const state = database.prepare<[number], string>('select state from referral_state where referral = ?').pluck() as Statement<[number], string>

  const fewest = (conditions: readonly Condition[], start: Place, since: number): Condition => {
    let best = { condition: EVERY, count: Infinity }
    for (const condition of conditions) {
      if (!condition.index) continue
      const sql = `select count(*) from (select 1 from referral indexed by ${condition.index} where ${condition.test} and received_at <= ? and received_at >= ? limit ${COUNTED})`
      const count = Number(database.prepare(sql).pluck().get(...condition.given, start.received_at, since))
      if (count < best.count) best = { condition, count }
    }
    return best.condition
  }

  /** Reads where it begins; nothing more until the first step. Throws USAGE for a text without words. */
  return (query: ReferralQuery): Searching => {
    const since = query.since === undefined ? -8.64e15 : milliseconds(query.since)
    const conditions = conditionsOf(query)
    const expression = query.text === undefined ? null : expressionOf(query.text)
    const limit = Math.min(query.limit, MOST)
    const numbers: number[] = []
    const take = (found: readonly number[]): void => {
      numbers.push(...found.slice(0, limit - numbers.length))
    }
    /** Asked of many at once, because each question makes the index of words put together all that begin so. */
    const having = (expression: string, found: readonly number[]): readonly number[] => {
      if (found.length === 0) return found
      const rowids = new Set(withWords.all(expression, found.reduce((one, other) => Math.min(one, other)), found.reduce((one, other) => Math.max(one, other))))
      return found.filter((number) => rowids.has(number))
    }

    /** Those that the words name, all at once. */
    const named = (rowids: readonly number[], { received_at, number }: Place): boolean => {
      const tests = ['1', ...conditions.map(({ test }) => test)].join(' and ')
      take(database.prepare<unknown[], Place>(`
        select received_at, number from referral where number in (select value from json_each(?)) and ${BELOW} and ${tests} order by ${ORDER} limit ?`,
      ).all(JSON.stringify(rowids), received_at, number, since, ...conditions.flatMap(({ given }) => given), limit).map((row) => row.number))
      return false
    }
    /** Along an index, some at a time. */
    const walk = (driver: Condition, start: Place): (() => boolean) => {
      const { index, test, given, stream = test, streams = [given] } = driver
      const tests = conditions.filter((one) => one !== driver)
      const fits = ['1', ...tests.map((one) => `(${one.test})`)].join(' and ')
      const one = `select received_at, number, ${fits} as fits from referral indexed by ${index} where ${stream} and ${BELOW} order by ${ORDER} limit ?`
      const statement = database.prepare<unknown[], Found>(mergedSql(one, ORDER, streams.length))
      let place = start
      return () => {
        const each = streams.flatMap((values) => [...tests.flatMap((each) => each.given), ...values, place.received_at, place.number, since, STEP])
        const rows = statement.all(...each, ...(streams.length > 1 ? [STEP] : []))
        const found = rows.filter((row) => row.fits === 1).map(({ number }) => number)
        take(expression === null ? found : having(expression, found))
        place = rows.at(-1) ?? place
        return rows.length === STEP && numbers.length < limit
      }
    }
    const begin = (): (() => boolean) => {
      const start = startOf(query)
      if (start === null) return () => false
      const rowids = expression === null ? null : byWords.all(expression, MOST_BY_WORDS + 1)
      if (rowids && rowids.length <= MOST_BY_WORDS) return () => named(rowids, start)
      return walk(fewest(conditions, start, since), start)
    }
    /** The first place that is not looked at; null where the search goes on from a referral that there is not. */
    const startOf = ({ before, until }: ReferralQuery): Place | null => {
      const end = { received_at: until === undefined ? 8.64e15 : milliseconds(until), number: 0 }
      if (before === undefined) return end
      const place = placeOf.get(before)
      return place === undefined ? null : place.received_at < end.received_at ? place : end
    }

    let step: (() => boolean) | null = null
    return {
      step: () => {
        step ??= begin()
        return step()
      },
      found: () => numbers.map((number) => JSON.parse(state.get(number) ?? '') as ReferralState),
    }
  }
}

/** Those that fewest are expected to meet come first, for where the counts are equal. */
const conditionsOf = (query: ReferralQuery): readonly Condition[] => {
  const conditions: Condition[] = []
  const { patient, hold, overdue, stage } = query
  if (patient) conditions.push({ test: 'chart = ? and chart_source = ?', given: [patient.id, patient.source], index: 'referral_chart' })
  if (hold) conditions.push({ test: 'holds > 0', given: [], index: 'referral_holds' })
  if (hold && hold !== 'any') conditions.push({ test: 'holds & ? > 0', given: [holdBit(hold)] })
  if (overdue) conditions.push({ test: 'overdue = 1', given: [], index: 'referral_overdue' })
  if (overdue === false) conditions.push({ test: 'overdue = 0', given: [] })
  for (const name of ['provider', 'payer', 'location', 'specialty', 'urgency', 'ehr', 'direction'] as const) {
    if (query[name] !== undefined) conditions.push({ test: `${name} = ?`, given: [query[name]], index: `referral_${name}` })
  }
  if (stage) {
    const stages = [...new Set(stage)]
    conditions.push({ test: `stage in (${stages.map(() => '?').join(', ')})`, given: stages, index: 'referral_stage', stream: 'stage = ?', streams: stages.map((one) => [one]) })
  }
  return conditions
}
