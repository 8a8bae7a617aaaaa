/** Which chart leads to which: merges are kept by the charts' numbers, whether the charts are there yet or not. */
import type { Database } from 'better-sqlite3'
import type { ChartKey } from '../contracts.js'
import type { ChartTable } from './chart-table.js'

export interface MergeTable {
  merge(survivor: ChartKey, merged: ChartKey): void
  unmerge(survivor: ChartKey, merged: ChartKey): void
  /** The number of the last chart on the way from a key through its merges that is there; `own`, the number of the key's own chart, where it leads no further. */
  survivor<None>(key: ChartKey, own: number | None): number | None
  /** After every rollback: what was remembered may not be so. */
  forget(): void
}

type Link = { readonly source: string; readonly id: string }

export const openMergeTable = (database: Database, charts: ChartTable): MergeTable => {
  const next = database.prepare<[string, string], Link>('select survivor_source as source, survivor_number as id from merge where source = ? and number = ?')
  const add = database.prepare<[string, string, string, string]>('insert or replace into merge (source, number, survivor_source, survivor_number) values (?, ?, ?, ?)')
  const drop = database.prepare<[string, string, string, string]>('delete from merge where source = ? and number = ? and survivor_source = ? and survivor_number = ?')

  const all = database.prepare<[], Link>('select source, number as id from merge')
  const merged = new Set<string>() // those that lead anywhere: nearly all charts do not, and are asked for often
  const forget = (): void => {
    merged.clear()
    for (const key of all.iterate()) merged.add(nameOf(key))
  }
  forget()

  /** The keys from one on: itself, its survivor, the survivor's … */
  const way = (from: ChartKey): readonly ChartKey[] => {
    const keys: ChartKey[] = [from]
    for (let at = next.get(from.source, from.id); at; at = next.get(at.source, at.id)) keys.push(at)
    return keys
  }
  const separate = (survivor: ChartKey, gone: ChartKey): void => {
    if (drop.run(gone.source, gone.id, survivor.source, survivor.id).changes > 0) merged.delete(nameOf(gone))
  }
  return {
    merge: (survivor, gone) => {
      if (same(survivor, gone)) throw new Error(`the chart ${survivor.id} of ${survivor.source} cannot be merged into itself`)
      const [, into, ...further] = way(survivor)
      // it was merged into the other before: the later word counts
      if (into && [into, ...further].some(key => same(key, gone))) separate(into, survivor)
      add.run(gone.source, gone.id, survivor.source, survivor.id)
      merged.add(nameOf(gone))
    },
    unmerge: separate,
    survivor: (key, own) => {
      if (!merged.has(nameOf(key))) return own
      const [, ...further] = way(key)
      for (const each of further.toReversed()) {
        const id = charts.idOf(each)
        if (id !== null) return id
      }
      return own
    },
    forget,
  }
}

const nameOf = ({ source, id }: ChartKey): string => `${source}\u0000${id}`

const same = (a: ChartKey, b: ChartKey): boolean => a.source === b.source && a.id === b.id
