/** Finding messages, newest first: along the index of the condition that fewest meet, else by walking back; in bounded steps, so that nothing waits long. */
import type { DeliveryStatus, MessageQuery, MessageStatus, MessageSummary } from '../../contracts.js'
import { type Condition, openConditions, type Stream } from './conditions.js'
import type { Parts } from './parts.js'
import type { TextIndex } from './text-index.js'

/** How far a condition is counted to find the one that fewest messages meet. */
const COUNTED = 10_000
/** How many messages one step looks at: along streams, and walking back. */
const STREAMED = 256
const WALKED = 10_000
/** How far the clock may ever have been set back without a search by time missing a message, in milliseconds. */
const CLOCK_SET_BACK = 60 * 60 * 1000
/** How many results one search gives at most, whatever its limit. */
const MOST_RESULTS = 1000

/** One search under way. */
export interface Searching {
  readonly found: readonly MessageSummary[]
  /** Goes one step on; false once everything is found. What throws may be tried again. */
  step(): boolean
}
export type Search = (query: MessageQuery) => Searching

interface Row {
  readonly id: number; readonly channel: string; readonly received_at: number; readonly origin: string; readonly control_id: string | null
  readonly type: string | null; readonly status: MessageStatus; readonly reason: string | null; readonly size: number; readonly revision: string | null
}
interface DeliveryRow { readonly id: number; readonly queue_id: number; readonly status: DeliveryStatus; readonly attempts: number; readonly reason: string | null }
/** Where a search goes on: below `high`, down to `low`, along `driver` where there is one. */
interface Course { readonly low: number; readonly high: number; readonly driver: Condition | undefined; readonly streams: readonly Stream[]; readonly tests: readonly Condition[] }

/** `patience`: how many steps of indexing a search by words waits for, so that what has just arrived is found. */
export const openSearch = ({ database, names }: Parts, text: () => TextIndex, patience: number): Search => {
  const newest = database.prepare<[], { id: number | null }>('select max(id) as id from message')
  const index = database.prepare<[number], { name: string; value: string }>('select name, value from index_value where message_id = ? order by name, value')
  const deliveries = database.prepare<[number], DeliveryRow>('select id, queue_id, status, attempts, reason from delivery where message_id = ? order by id')
  const firstSince = database.prepare<[number], { id: number | null }>(EDGE('min', '>=', 'asc'))
  const lastUntil = database.prepare<[number], { id: number | null }>(EDGE('max', '<=', 'desc'))
  const conditionsOf = openConditions(database, names, text)

  const summarize = (row: Row): MessageSummary => ({
    id: row.id, channel: row.channel, receivedAt: new Date(row.received_at), origin: row.origin, header: { controlId: row.control_id, type: row.type },
    status: row.status, reason: row.reason, revision: row.revision, size: row.size, index: index.all(row.id),
    deliveries: deliveries.all(row.id).map(({ id, queue_id, status, attempts, reason }) => ({ id, destination: names.queueById(queue_id).destination, status, attempts, reason })),
  })

  const select = (where: string, given: readonly unknown[], tests: readonly Condition[], limit: number): readonly Row[] => {
    const sql = tests.map(({ test }) => test)
    return database.prepare<unknown[], Row>(`
      select m.id, c.name as channel, m.received_at, m.origin, m.control_id, m.type, m.status, m.reason, m.size, r.hash as revision
        from message m join channel c on c.id = m.channel_id left join revision r on r.id = m.revision_id
       where ${where} ${sql.map((test) => `and ${test.sql}`).join(' ')} order by m.id desc limit ?`).all(...given, ...sql.flatMap(({ values }) => values), limit)
  }

  const begin = (query: MessageQuery): Course => {
    const conditions = conditionsOf(query)
    const high = Math.min(query.before ?? Infinity, (newest.get()?.id ?? 0) + 1, edge(query.until && lastUntil.get(query.until.getTime() + CLOCK_SET_BACK), 0) + 1)
    const low = edge(query.since && firstSince.get(query.since.getTime() - CLOCK_SET_BACK), Infinity)
    let driver: Condition | undefined
    let streams: readonly Stream[] = []
    let fewest = Infinity
    for (const condition of low < high ? conditions : []) {
      const own = condition.streams?.() ?? null
      const count = own === null ? Infinity : countOf(own, low, high)
      if (own !== null && count < fewest) [driver, streams, fewest] = [condition, own, count]
    }
    return { low, high, driver, streams, tests: conditions.filter((condition) => condition !== driver || condition.among !== undefined) }
  }

  return (query) => {
    const limit = Math.min(query.limit, MOST_RESULTS)
    const found: MessageSummary[] = []
    let catchingUp = query.text === undefined ? 0 : patience
    let course: Course | null = null
    let high = 0

    const along = ({ low, streams, driver, tests }: Course): number => {
      const batches = streams.map((stream) => stream(low, high, STREAMED))
      const floor = Math.max(low, ...batches.map((ids) => (ids.length < STREAMED ? low : ids.at(-1) as number)))
      let ids: readonly number[] = [...new Set(batches.flat())].filter((id) => id >= floor).sort((a, b) => b - a)
      for (const test of tests) if (test.among && test !== driver) ids = test.among(ids)
      found.push(...select('m.id in (select value from json_each(?))', [JSON.stringify(ids)], tests, limit - found.length).map(summarize))
      return floor
    }
    const walk = ({ low, tests }: Course): number => {
      const floor = Math.max(low, high - WALKED)
      found.push(...select('m.id >= ? and m.id < ?', [floor, high], tests, limit - found.length).map(summarize))
      return floor
    }

    return {
      found,
      step: () => {
        if (catchingUp > 0) {
          catchingUp = text().step() ? catchingUp - 1 : 0
          return true
        }
        if (!course) {
          course = begin(query)
          high = course.high
        }
        if (course.low >= high || limit < 1) return false
        high = course.driver ? along(course) : walk(course)
        return found.length < limit && high > course.low
      },
    }
  }
}

const countOf = (streams: readonly Stream[], low: number, high: number): number => {
  let count = 0
  for (const stream of streams) if (count <= COUNTED) count += stream(low, high, COUNTED + 1 - count).length
  return count
}

/** The outermost message by time, over all channels, whatever has become of its content: one step into an index for each. */
const EDGE = (outermost: 'min' | 'max', operator: '>=' | '<=', direction: 'asc' | 'desc'): string => `
  select ${outermost}((select id from message where channel_id = c.id and content = k.value and received_at ${operator} ?
                        order by received_at ${direction}, id ${direction} limit 1)) as id
    from channel c join json_each('[0,1]') k`

/** A bound that was asked for and found; `none` where it was asked for and nothing lies beyond it; no bound where it was not asked for. */
const edge = (row: { readonly id: number | null } | undefined, none: number): number =>
  row ? row.id ?? none : none === 0 ? Infinity : 1
