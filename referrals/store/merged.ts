/** Several streams of rows, each in an index's own order, merged into one: a list (`in`) would have SQLite read and sort all of them. */
import type { Database, Statement } from 'better-sqlite3'

/** SQLite takes 500 parts in one statement. */
const MOST_STREAMS = 400

/** A select over `count` streams that ends in "order by … limit ?"; each stream takes the same number of parameters, the limit last, and so does the whole. */
export const mergedSql = (stream: string, order: string, count: number): string => {
  if (count > MOST_STREAMS) throw new Error(`${count} things cannot be asked for at once; ${MOST_STREAMS} can`)
  return count === 1 ? stream : `${Array.from({ length: count }, () => `select * from (${stream})`).join(' union all ')} order by ${order} limit ?`
}

/** Prepares the statement once for each number of streams. `parameters`: one list for each stream, without the limit. */
export const openMerged = <Row>(database: Database, stream: string, order: string): ((parameters: readonly (readonly unknown[])[], limit: number) => readonly Row[]) => {
  const statements = new Map<number, Statement<unknown[], Row>>()
  const prepared = (count: number): Statement<unknown[], Row> => {
    const known = statements.get(count)
    if (known) return known
    const statement = database.prepare<unknown[], Row>(mergedSql(stream, order, count))
    statements.set(count, statement)
    return statement
  }
  return (parameters, limit) => {
    if (parameters.length === 0) return []
    const each = parameters.flatMap((one) => [...one, limit])
    return prepared(parameters.length).all(...each, ...(parameters.length === 1 ? [] : [limit]))
  }
}
