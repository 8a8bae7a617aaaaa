/** Charts, the keys that find them and the counts of their names, in SQLite. Everything here runs inside a transaction of its caller. */
import type { Database, Statement } from 'better-sqlite3'
import type { Chart, ChartKey, PatientFacts } from '../contracts.js'
import type { Matcher } from './compare.js'
import type { Counts } from './frequencies.js'
import { type Key, KEYS_VERSION, keysOf, termsOf } from './keys.js'
import { packed, type Person, person, unpacked } from './normalise.js'

/** A chart as it is compared. */
export interface Row { readonly id: number; readonly source: string; readonly number: string; readonly active: boolean; readonly person: Person }

export interface ChartTable extends Counts {
  put(charts: readonly Chart[]): void
  byId(id: number): Row
  idOf(key: ChartKey): number | null
  chart(id: number): Chart
  /** The charts that share some of these keys; those that share most of them, where there are too many. */
  find(keys: readonly Key[]): readonly number[]
  /** After every rollback: what was remembered may not be so. */
  forget(): void
}

const REMEMBERED_TERMS = 500_000
const LONGEST_CHART = 1024 ** 2
const LONGEST_NAME = 200
/** So many keys are sorted and written at a time: in the order of the table, they touch each of its pages once. */
const KEYS_AT_A_TIME = 1_500_000
const PAGE = 10_000

type PersonRow = { readonly source: string; readonly number: string; readonly active: number; readonly facts: string }
type Body = { readonly id: number; readonly body: string }
const pluck = <Given extends unknown[], Value>(database: Database, sql: string): Statement<Given, Value> => database.prepare<Given, Value>(sql).pluck() as Statement<Given, Value>

export const openChartTable = (database: Database, matcher: Matcher): ChartTable => {
  const { settings, vocabulary } = matcher
  const findBody = database.prepare<[string, string], Body>('select id, body from chart where source = ? and number = ?')
  const findId = pluck<[string, string], number>(database, 'select id from chart where source = ? and number = ?')
  const readBody = pluck<[number], string>(database, 'select body from chart where id = ?')
  const readRow = database.prepare<[number], PersonRow>('select source, number, active, facts from person where id = ?')
  const nextBodies = database.prepare<[number, number], Body>('select id, body from chart where id > ? order by id limit ?')
  const addBody = database.prepare<[string, string, string]>('insert into chart (source, number, body) values (?, ?, ?)')
  const changeBody = database.prepare<[string, number]>('update chart set body = ? where id = ?')
  const writePerson = database.prepare<[number, string, string, number, string]>('insert or replace into person (id, source, number, active, facts) values (?, ?, ?, ?, ?)')
  const addKey = database.prepare<[number, number]>('insert or ignore into key (key, chart) values (?, ?)')
  const dropKey = database.prepare<[number, number]>('delete from key where key = ? and chart = ?')
  const readKey = pluck<[number, number], number>(database, 'select chart from key where key = ? limit ?')
  const readTerm = pluck<[number], number>(database, 'select charts from term where term = ?')
  const addTerm = database.prepare<[number, number]>('insert into term (term, charts) values (?, ?) on conflict (term) do update set charts = charts + excluded.charts')
  const countCharts = pluck<[], number>(database, 'select count(*) from chart')
  const terms = new Map<number, number>()
  let charts = Number(countCharts.get())

  const keep = (id: number, chart: Chart): Person => {
    const facts = person(chart, vocabulary)
    writePerson.run(id, chart.source, chart.id, Number(chart.active), packed(facts))
    return facts
  }

  /** What a group of changes adds to the tables, written at its end in the tables' order. */
  const changes = () => {
    let keys: number[] = []
    let ids: number[] = []
    const counted = new Map<number, number>()
    const write = (): void => {
      const order = Float64Array.from(keys, (key, at) => (key + 2 ** 31) * 2 ** 21 + at).sort()
      for (const each of order) {
        const at = each % 2 ** 21
        addKey.run(keys[at] as number, ids[at] as number)
      }
      ;[keys, ids] = [[], []]
    }
    const count = (facts: Person, by: number): void => {
      for (const term of termsOf(facts)) counted.set(term, (counted.get(term) ?? 0) + by)
    }
    return {
      add: (id: number, facts: Person): void => {
        for (const key of keysOf(facts)) {
          keys.push(key)
          ids.push(id)
        }
        count(facts, 1)
        if (keys.length >= KEYS_AT_A_TIME) write()
      },
      drop: (id: number, facts: Person): void => {
        write()
        for (const key of keysOf(facts)) dropKey.run(key, id)
        count(facts, -1)
      },
      end: (): void => {
        write()
        for (const [term, by] of [...counted].sort(([a], [b]) => a - b)) {
          if (by === 0) continue
          addTerm.run(term, by)
          terms.delete(term)
        }
      },
    }
  }

  const put = (given: readonly Chart[]): void => {
    const made = changes()
    for (const chart of given) {
      if (![chart.source, chart.id].every(name => name.length > 0 && name.length <= LONGEST_NAME)) throw new Error(`a chart needs a source and an id of 1 to ${LONGEST_NAME} characters`)
      const body = JSON.stringify(chart)
      if (body.length > LONGEST_CHART) throw new Error(`a chart of ${chart.source} is larger than ${LONGEST_CHART} characters`)
      const known = findBody.get(chart.source, chart.id)
      if (known?.body === body) continue
      if (known) made.drop(known.id, person(JSON.parse(known.body) as PatientFacts, vocabulary))
      const id = known ? known.id : Number(addBody.run(chart.source, chart.id, body).lastInsertRowid)
      if (known) changeBody.run(body, id)
      else charts++
      made.add(id, keep(id, chart))
    }
    made.end()
  }

  const find = (keys: readonly Key[]): readonly number[] => {
    const shared = new Map<number, number>()
    for (const { key, use } of keys) {
      const most = use === 'weak' ? settings.search.weak : settings.search.block
      const found = readKey.all(key, most + 1)
      if (found.length <= most) for (const id of found) shared.set(id, (shared.get(id) ?? 0) + 1)
    }
    for (let least = 2; shared.size > settings.search.candidates && least < 80; least++) {
      const fewer = [...shared].filter(([, keys]) => keys >= least)
      if (fewer.length === 0) break
      for (const [id, keys] of shared) if (keys < least) shared.delete(id)
    }
    return [...shared.keys()]
  }

  const remake = (): void => {
    const by = JSON.stringify([KEYS_VERSION, settings.placeholders, settings.streetWords, settings.units, settings.notOfPersons])
    if (pluck<[], string>(database, 'select by from made').get() === by) return
    database.transaction(() => {
      database.exec('delete from key; delete from term; delete from person; delete from made')
      database.prepare<[string]>('insert into made (by) values (?)').run(by)
      const made = changes()
      for (let page = nextBodies.all(-1, PAGE); page.length > 0; page = nextBodies.all(page.at(-1)?.id ?? 0, PAGE)) {
        for (const { id, body } of page) made.add(id, keep(id, JSON.parse(body) as Chart))
      }
      made.end()
    }).immediate()
  }
  remake()

  return {
    get charts() {
      return charts
    },
    term: (term) => {
      const known = terms.get(term) ?? readTerm.get(term) ?? 0
      remember(terms, term, known, REMEMBERED_TERMS)
      return known
    },
    sharing: (key, most) => readKey.all(key, most + 1).length,
    put,
    byId: (id) => {
      const { source, number, active, facts } = readRow.get(id) as PersonRow
      return { id, source, number, active: active === 1, person: unpacked(facts) }
    },
    idOf: ({ source, id }) => findId.get(source, id) ?? null,
    chart: id => JSON.parse(readBody.get(id) as string) as Chart,
    find,
    forget: () => {
      terms.clear()
      charts = Number(countCharts.get())
    },
  }
}

/** The oldest is forgotten where there are more than `most`. */
const remember = <Value>(map: Map<number, Value>, key: number, value: Value, most: number): void => {
  if (map.size >= most && !map.has(key)) map.delete(map.keys().next().value as number)
  map.set(key, value)
}
