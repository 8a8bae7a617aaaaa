/**
 * The words of messages, in one full-text table for each quarter of a million message numbers: the newest is asked first, so that a common word is
 * found as fast as a rare one, and a table goes as a whole once all its messages are forgotten.
 */
import type { Database, Statement } from 'better-sqlite3'
import type { Words } from './text-words.js'

/** How many message numbers one table covers, as a power of two. */
const SHARD_BITS = 18
const SIZE = 2 ** SHARD_BITS

/** Where so many of a piece's messages are forgotten, in percent, it is written anew without their words. */
const FORGOTTEN_SHARE = 5
/** Words that are gathered in memory before they are written, in bytes. */
const GATHERED = 8 * 1024 * 1024

/** Numbers arrive as floating point, and a full-text table passes over every bound that is not an integer. */
const WHOLE = 'cast(? as integer)'

interface Shard {
  readonly add: Statement<[number, string]>
  readonly remove: Statement<[number]>
  readonly find: Statement<[string, number, number, number], number>
  readonly has: Statement<[string, number], number>
}

export interface Shards {
  add(id: number, text: string): void
  remove(ids: readonly number[]): void
  find(words: Words, low: number, high: number, limit: number): readonly number[]
  among(words: Words, ids: readonly number[]): readonly number[]
  /** After a rollback: tables made in it are no longer there. */
  reset(): void
}

const shardOf = (id: number): number => Math.floor(id / SIZE)

export const openShards = (database: Database): Shards => {
  const numbers = database.prepare<[], number>('select number from shard order by number desc').pluck() as Statement<[], number>
  const count = database.prepare<[number, number]>('update shard set kept = kept + ? where number = ?')
  const kept = database.prepare<[number], number>('select kept from shard where number = ?').pluck() as Statement<[number], number>
  const open = new Map<number, Shard>()

  const prepare = (number: number): Shard => {
    const table = `words_${number}`
    const shard: Shard = {
      add: database.prepare(`insert into ${table} (rowid, words) values (?, ?)`),
      remove: database.prepare(`delete from ${table} where rowid = ?`),
      find: database.prepare(`select rowid from ${table} where ${table} match ? and rowid >= ${WHOLE} and rowid < ${WHOLE} order by rowid desc limit ?`).pluck() as Shard['find'],
      has: database.prepare(`select rowid from ${table} where ${table} match ? and rowid = ${WHOLE}`).pluck() as Shard['has'],
    }
    open.set(number, shard)
    return shard
  }
  const existing = (number: number): Shard | undefined => open.get(number) ?? (kept.get(number) === undefined ? undefined : prepare(number))

  const create = (number: number): Shard => {
    database.exec(`create virtual table words_${number} using fts5
      (words, content = '', contentless_delete = 1, detail = none, tokenize = 'unicode61 remove_diacritics 2')`)
    const configure = (setting: string, value: number): unknown => database.exec(`insert into words_${number} (words_${number}, rank) values ('${setting}', ${value})`)
    configure('hashsize', GATHERED)
    configure('deletemerge', FORGOTTEN_SHARE)
    database.prepare('insert into shard (number, kept) values (?, 0)').run(number)
    return prepare(number)
  }

  const drop = (number: number): void => {
    open.delete(number)
    database.exec(`drop table words_${number}`)
    database.prepare('delete from shard where number = ?').run(number)
  }

  return {
    reset: () => open.clear(),

    add: (id, text) => {
      const number = shardOf(id)
      const shard = existing(number) ?? create(number)
      shard.add.run(id, text)
      count.run(1, number)
    },

    remove: (ids) => {
      for (const number of new Set(ids.map(shardOf))) {
        const shard = existing(number)
        if (!shard) continue
        let removed = 0
        for (const id of ids) if (shardOf(id) === number) removed += shard.remove.run(id).changes
        count.run(-removed, number)
        if (Number(kept.get(number)) <= 0) drop(number)
      }
    },

    find: ({ expression }, low, high, limit) => {
      const found: number[] = []
      for (const number of numbers.all()) {
        if (found.length >= limit) break
        if (number * SIZE >= high || (number + 1) * SIZE <= low) continue
        found.push(...existing(number)?.find.all(expression, low, high, limit - found.length) ?? [])
      }
      return found
    },

    among: (words, ids) => {
      const first = ids[0]
      const last = ids.at(-1)
      if (first === undefined || last === undefined) return []
      // A beginning is gathered from all its words anew each time it is asked for.
      if (!words.beginnings) return ids.filter((id) => existing(shardOf(id))?.has.get(words.expression, id) !== undefined)
      const sought = new Set(ids)
      return numbers.all().flatMap((number) => {
        const [low, high] = [Math.max(last, number * SIZE), Math.min(first + 1, (number + 1) * SIZE)]
        return low < high ? existing(number)?.find.all(words.expression, low, high, SIZE).filter((id) => sought.has(id)) ?? [] : []
      })
    },
  }
}
