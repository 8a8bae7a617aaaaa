/** The charts of all systems in one SQLite file: found by keys, compared, decided. */
import type { Chart, ChartKey, Match, PatientFacts, PatientIndex } from '../contracts.js'
import { GroupCommit } from '../../engine/store/sqlite/group-commit.js'
import { toStoreError } from '../../engine/store/sqlite/faults.js'
import { openChartTable, type Row } from './chart-table.js'
import type { Matcher } from './compare.js'
import { decide, type Found } from './decide.js'
import { type Frequencies, frequencies } from './frequencies.js'
import { openIndexDatabase } from './index-schema.js'
import { askedKeysOf } from './keys.js'
import { openMergeTable } from './merge-table.js'
import { person } from './normalise.js'
import type { MatchingSettings } from './settings.js'
import { vocabulary } from './vocabulary.js'

const PATIENCE = 4000
const MOST_CANDIDATES = 200

/**
 * Opens the index in the file at `path` (":memory:" for one that is forgotten), creating it if need be. Where the settings make other keys than
 * those in the file, they are made anew first: some two minutes for a million charts. Throws a StoreError. Everything asked for in one turn of
 * the event loop is one transaction. For `match`: facts of no weight (an empty name, a placeholder) count as not said, whatever their length.
 *
 * Merges: a merged chart leads to the last chart on its way that is there, so a merge with an unknown survivor takes effect when that chart comes.
 * What the merged chart says still finds its survivor; it is never a candidate itself. Of two merges that contradict, the later counts.
 */
export const openPatientIndex = (path: string, settings: MatchingSettings): PatientIndex => {
  const database = openIndexDatabase(path)
  const prepared = ((): ReturnType<typeof prepare> => {
    try {
      return prepare(database, { settings, vocabulary: vocabulary(settings) })
    } catch (error) {
      database.close()
      throw toStoreError(error, path)
    }
  })()
  const { charts, merges, get, match, forget } = prepared
  const commits = new GroupCommit(database, { file: path, patience: PATIENCE, rolledBack: forget })
  return {
    put: given => commits.ask(() => charts.put(given), false),
    merge: (survivor, merged) => commits.ask(() => merges.merge(survivor, merged), false),
    unmerge: (survivor, merged) => commits.ask(() => merges.unmerge(survivor, merged), false),
    get: (key: ChartKey) => commits.ask(() => get(key), true),
    match: (facts, options) => commits.ask(() => match(facts, options), true),
    count: () => commits.ask(() => charts.charts, true),
    close: async () => {
      commits.close()
      database.close()
    },
  }
}

const prepare = (database: ReturnType<typeof openIndexDatabase>, matcher: Matcher) => {
  const charts = openChartTable(database, matcher)
  const merges = openMergeTable(database, charts)
  const rare = remembering(matcher, charts)
  const match = (facts: PatientFacts, { sources, limit = matcher.settings.decide.reviewed }: { readonly sources?: readonly string[]; readonly limit?: number } = {}): Match => {
    const ours = person(facts, matcher.vocabulary)
    const survivors = new Map<number, { readonly row: Row; readonly forms: Map<number, Row> }>()
    const most = Math.max(1, Math.min(MOST_CANDIDATES, limit))
    const rarities = rare()
    const among = (ids: readonly number[]): Match => {
      for (const id of ids) {
        const row = charts.byId(id)
        const survivor = merges.survivor({ source: row.source, id: row.number }, id)
        const known = survivors.get(survivor) ?? { row: survivor === id ? row : charts.byId(survivor), forms: new Map<number, Row>() }
        if (sources && !sources.includes(known.row.source)) continue
        known.forms.set(survivor, known.row).set(id, row)
        survivors.set(survivor, known)
      }
      const found = [...survivors.values()].map(({ row, forms }): Found => ({ source: row.source, id: row.number, active: row.active, chart: () => charts.chart(row.id), forms: [...forms.values()].map(each => each.person) }))
      return decide(ours, found, matcher, rarities, most)
    }
    const keys = askedKeysOf(ours)
    const near = charts.find(keys.filter(({ use }) => use === 'first'))
    const match = among(near)
    if (match.grade === 'certain') return match
    const seen = new Set(near)
    return among(charts.find(keys.filter(({ use }) => use !== 'first')).filter(id => !seen.has(id)))
  }
  const get = (key: ChartKey): Chart | null => {
    const id = merges.survivor(key, charts.idOf(key))
    return id === null ? null : charts.chart(id)
  }
  const forget = (): void => {
    charts.forget()
    merges.forget()
  }
  return { charts, merges, get, match, forget }
}

/** Frequencies for one look-up, in which how many charts share a value is counted once. */
const remembering = (matcher: Matcher, charts: ReturnType<typeof openChartTable>) => (): Frequencies => {
  const counted = new Map<number, number>()
  return frequencies(matcher.settings, {
    charts: charts.charts,
    term: charts.term,
    sharing: (key, most) => {
      const known = counted.get(key) ?? charts.sharing(key, most)
      counted.set(key, known)
      return known
    },
  })
}
