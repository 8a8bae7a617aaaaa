/** The charts of all systems in one SQLite file: found by keys, compared, decided. */
import type { ChartKey, Match, PatientFacts, PatientIndex } from '../contracts.js'
import { GroupCommit } from '../../engine/store/sqlite/group-commit.js'
import { toStoreError } from '../../engine/store/sqlite/faults.js'
import { openChartTable, type Row } from './chart-table.js'
import type { Matcher } from './compare.js'
import { decide, type Found } from './decide.js'
import { type Frequencies, frequencies } from './frequencies.js'
import { openIndexDatabase } from './index-schema.js'
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
  const { charts, merges, match } = prepared
  const commits = new GroupCommit(database, { file: path, patience: PATIENCE, rolledBack: charts.forget })
  return {
    put: given => commits.ask(() => charts.put(given), false),
    merge: (survivor, merged) => commits.ask(() => merges.merge(survivor, merged), false),
    unmerge: (survivor, merged) => commits.ask(() => merges.unmerge(survivor, merged), false),
    get: (key: ChartKey) => commits.ask(() => merges.survivor(key)?.chart ?? null, true),
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
    for (const id of charts.find(ours)) {
      const row = charts.byId(id)
      const survivor = merges.survivor({ source: row.chart.source, id: row.chart.id }) ?? row
      if (sources && !sources.includes(survivor.chart.source)) continue
      const known = survivors.get(survivor.id) ?? { row: survivor, forms: new Map([[survivor.id, survivor]]) }
      known.forms.set(id, row)
      survivors.set(survivor.id, known)
    }
    const found = [...survivors.values()].map(({ row, forms }): Found => ({ chart: row.chart, forms: [...forms.values()].map(each => each.person) }))
    return decide(ours, found, matcher, rare(), Math.max(1, Math.min(MOST_CANDIDATES, limit)))
  }
  return { charts, merges, match }
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
