/** What a search asks for, condition by condition: as a test of a message, and as streams of the messages that meet it, newest first. */
import type { Database } from 'better-sqlite3'
import type { DeliveryStatus, MessageQuery, MessageStatus } from '../../contracts.js'
import { INDEX_VALUE_LENGTH } from './finish.js'
import type { Names } from './names.js'
import { ATTENTION } from './queues.js'
import type { TextIndex } from './text-index.js'
import { wordsOf } from './text-words.js'

/** The ids in [low, high) that meet a condition, highest first, at most `limit`. */
export type Stream = (low: number, high: number, limit: number) => readonly number[]
export type Value = string | number | null

export interface Condition {
  /** The test in SQL, of message `m`; a `+` before its column, so that SQLite keeps to the ids that it is given and looks into no index. */
  readonly test: { readonly sql: string; readonly values: readonly Value[] }
  /** The test of ids, where it is not in SQL. */
  readonly among?: (ids: readonly number[]) => readonly number[]
  /** Streams whose union is what meets the condition; null where there is no such index, or too many would have to be gathered. */
  readonly streams?: () => readonly Stream[] | null
}

/** What is not in order in any index is gathered and put in order, up to so many. */
const MOST_GATHERED = 100_000
/** A channel that has had more types than this is walked through rather than put together from its types. */
const MOST_TYPES = 200

export const openConditions = (database: Database, names: Names, text: () => TextIndex) => {
  const channels = database.prepare<[], number>('select id from channel').pluck()
  const typesOf = database.prepare<{ channel: number; most: number }, string | null>(`
    with recursive kind (type, n) as (
      select (select type from message where channel_id = $channel order by type limit 1), 1 where exists (select 1 from message where channel_id = $channel)
      union all
      select (select min(type) from message where channel_id = $channel and type > coalesce(kind.type, '')), n + 1 from kind
       where n < $most and exists (select 1 from message where channel_id = $channel and type > coalesce(kind.type, '')))
    select type from kind`).pluck()
  const queues = database.prepare<[number | null, number | null], number>('select id from queue where (? is null or channel_id = ?)').pluck()

  const ordered = (sql: string, id: string, values: readonly Value[]): Stream => {
    const statement = database.prepare<unknown[], number>(`${sql} and ${id} >= ? and ${id} < ? order by ${id} desc limit ?`).pluck()
    return (low, high, limit) => statement.all(...values, low, high, limit) as number[]
  }
  const gathered = (sql: string, values: readonly Value[]): readonly Stream[] | null => {
    const all = database.prepare<unknown[], number>(`${sql} limit ${MOST_GATHERED + 1}`).pluck().all(...values) as number[]
    if (all.length > MOST_GATHERED) return null
    const sorted = [...new Set(all)].sort((a, b) => b - a)
    return [(low, high, limit) => sorted.slice(firstBelow(sorted, high), firstBelow(sorted, low)).slice(0, limit)]
  }
  const perChannel = (channel: number | null, sql: string, values: readonly Value[] = []): readonly Stream[] =>
    (channel === null ? channels.all() as number[] : [channel]).map((id) => ordered(`select id from message where channel_id = ? and ${sql}`, 'id', [id, ...values]))
  const perQueue = (channel: number | null, status: 'held' | 'error'): readonly Stream[] =>
    (queues.all(channel, channel) as number[]).map((queue) => ordered(`select message_id from delivery where queue_id = ? and status = '${status}' and ${ATTENTION}`, 'message_id', [queue]))
  const perType = (channel: number): readonly Stream[] | null => {
    const types = typesOf.all({ channel, most: MOST_TYPES + 1 }) as (string | null)[]
    return types.length > MOST_TYPES ? null : [...new Set([...types, ''])].flatMap((type) => perChannel(channel, 'type is ?', [type]))
  }

  const ofStatus = (status: MessageStatus | DeliveryStatus, channel: number | null): Condition => {
    const own = { sql: '+m.status = ?', values: [status] }
    const delivered = (which: string): Condition['test'] => ({ sql: `exists (select 1 from delivery where message_id = m.id and ${which})`, values: [status] })
    switch (status) {
      case 'received': case 'filtered': return { test: own, streams: () => perChannel(channel, `status = '${status}'`) }
      case 'transformed': return { test: own }
      case 'sent': return { test: delivered('status = ?') }
      case 'queued': case 'sending': return {
        test: delivered('status = ?'),
        streams: () => gathered(`select message_id from delivery where active = 1 and status = ? and queue_id in (select value from json_each(?))`, [status, JSON.stringify(queues.all(channel, channel))]),
      }
      case 'held': return { test: delivered('status = ?'), streams: () => perQueue(channel, 'held') }
      case 'error': return {
        test: { sql: `(+m.status = ? or exists (select 1 from delivery where message_id = m.id and status = ? and resolved = 0))`, values: [status, status] },
        streams: () => [...perChannel(channel, `status = 'error'`), ...perQueue(channel, 'error')],
      }
    }
  }

  const ofValue = (field: string | undefined, value: string): Condition => {
    const beginning = value.endsWith('*')
    const sought = (beginning ? value.slice(0, -1) : value).slice(0, INDEX_VALUE_LENGTH)
    const range = `${beginning ? 'value >= ? and value <= ?' : 'value = ?'}${field === undefined ? '' : ' and name = ?'}`
    const values = [...(beginning ? [sought, `${sought}\u{10FFFF}`] : [sought]), ...(field === undefined ? [] : [field])]
    return {
      test: { sql: `exists (select 1 from index_value where message_id = m.id and ${range})`, values },
      streams: () => (beginning ? gathered(`select message_id from index_value where ${range}`, values) : [ordered(`select distinct message_id from index_value where ${range}`, 'message_id', values)]),
    }
  }

  const ofWords = (typed: string, channel: number | null, type: string | null): Condition => {
    const words = wordsOf(typed, channel, type)
    return {
      test: { sql: '+m.content = 1', values: [] },
      among: (ids) => text().among(words, ids),
      streams: () => [(low, high, limit) => text().find(words, low, high, limit)],
    }
  }

  /** The conditions of a query; where several are met by many, the first is followed. */
  return (query: MessageQuery): readonly Condition[] => {
    const channel = query.channel === undefined ? null : names.knownChannel(query.channel)
    const { type } = query
    const conditions: Condition[] = []
    if (query.text !== undefined) conditions.push(ofWords(query.text, channel, type ?? null))
    if (query.value !== undefined || query.field !== undefined) conditions.push(ofValue(query.field, query.value ?? '*'))
    if (query.controlId !== undefined) {
      const { controlId } = query
      conditions.push({ test: { sql: '+m.control_id = ?', values: [controlId] }, streams: () => gathered('select id from message where control_id = ?', [controlId]) })
    }
    if (query.status !== undefined) conditions.push(ofStatus(query.status, channel))
    if (type !== undefined) conditions.push({ test: { sql: '+m.type = ?', values: [type] }, streams: () => perChannel(channel, 'type = ?', [type]) })
    if (channel !== null) conditions.push({ test: { sql: '+m.channel_id = ?', values: [channel] }, ...(type === undefined ? { streams: () => perType(channel) } : {}) })
    if (query.since !== undefined) conditions.push({ test: { sql: '+m.received_at >= ?', values: [query.since.getTime()] } })
    if (query.until !== undefined) conditions.push({ test: { sql: '+m.received_at <= ?', values: [query.until.getTime()] } })
    return conditions
  }
}

/** The first place in ids that go down at which one is below `bound`. */
const firstBelow = (ids: readonly number[], bound: number): number => {
  let low = 0
  let high = ids.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((ids[middle] as number) < bound) high = middle
    else low = middle + 1
  }
  return low
}
