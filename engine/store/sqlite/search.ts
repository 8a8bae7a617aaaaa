/** Finding messages, newest first: by what few have in common where there is such a thing, else by walking back in bounded steps. */
import type { DeliveryStatus, MessageQuery, MessageStatus, MessageSummary } from '../../contracts.js'
import { INDEX_VALUE_LENGTH } from './finish.js'
import type { Parts } from './parts.js'

/** Up to this many, the messages that meet a condition are gathered and put in order; beyond, the newest messages are walked through. */
const MOST_GATHERED = 10_000
/** How many message numbers one step of the walk covers, so that nothing else waits long. */
const STEP = 10_000
/** How far the clock may ever have been set back without a search by time missing a message, in milliseconds. */
const CLOCK_SET_BACK = 24 * 60 * 60 * 1000
/** How many results one search gives at most, whatever its limit. */
export const MOST_RESULTS = 1000

/** What one step found, and the id below which the next goes on; null when there is nothing further. */
export interface Found {
  readonly summaries: readonly MessageSummary[]
  readonly next: number | null
}
export type Search = (query: MessageQuery, before: number | null) => Found

type Value = string | number
/** A condition on message `m` as a test, and as the set of ids that meet it where an index gives that set. */
interface Condition { readonly test: string; readonly ids?: string; readonly values: readonly Value[] }

interface Row {
  readonly id: number; readonly channel: string; readonly received_at: number; readonly origin: string; readonly control_id: string | null
  readonly type: string | null; readonly status: MessageStatus; readonly reason: string | null; readonly size: number
}
interface DeliveryRow { readonly id: number; readonly queue_id: number; readonly status: DeliveryStatus; readonly attempts: number; readonly reason: string | null }

export const openSearch = ({ database, names }: Parts): Search => {
  const newest = database.prepare<[], { id: number | null }>('select max(id) as id from message')
  const index = database.prepare<[number], { name: string; value: string }>('select name, value from index_value where message_id = ? order by name, value')
  const deliveries = database.prepare<[number], DeliveryRow>('select id, queue_id, status, attempts, reason from delivery where message_id = ? order by id')
  const firstSince = database.prepare<[number], { id: number | null }>(EDGE('min', '>=', 'asc'))
  const lastUntil = database.prepare<[number], { id: number | null }>(EDGE('max', '<=', 'desc'))

  const summarize = (row: Row): MessageSummary => ({
    id: row.id, channel: row.channel, receivedAt: new Date(row.received_at), origin: row.origin, header: { controlId: row.control_id, type: row.type },
    status: row.status, reason: row.reason, size: row.size, index: index.all(row.id),
    deliveries: deliveries.all(row.id).map(({ queue_id, ...facts }) => ({ ...facts, destination: names.queueById(queue_id).destination }))
      .map(({ id, destination, status, attempts, reason }) => ({ id, destination, status, attempts, reason })),
  })

  /** The condition that few messages meet, if there is one. */
  const selective = (conditions: readonly Condition[]): Condition | undefined => conditions.find(({ ids, values }) =>
    ids !== undefined && Number(database.prepare(`select count(*) from (${ids} limit ${MOST_GATHERED + 1})`).pluck().get(...values)) <= MOST_GATHERED)

  const select = (conditions: readonly Condition[], driver: Condition | undefined, low: number, high: number, limit: number): readonly MessageSummary[] => {
    const others = conditions.filter((condition) => condition !== driver)
    const sql = `select m.id, c.name as channel, m.received_at, m.origin, m.control_id, m.type, m.status, m.reason, m.size
                   from message m join channel c on c.id = m.channel_id
                  where m.id >= ? and m.id < ? ${driver ? `and m.id in (${driver.ids})` : ''} ${others.map(({ test }) => `and ${test}`).join(' ')}
                  order by m.id desc limit ?`
    const values = [low, high, ...driver?.values ?? [], ...others.flatMap((condition) => condition.values), limit]
    return database.prepare<unknown[], Row>(sql).all(...values).map(summarize)
  }

  return (query, before) => {
    const conditions = conditionsOf(query, names.knownChannel)
    const end = Math.min(before ?? query.before ?? Infinity, (newest.get()?.id ?? 0) + 1, edge(query.until && lastUntil.get(query.until.getTime() + CLOCK_SET_BACK), 0) + 1)
    const start = edge(query.since && firstSince.get(query.since.getTime() - CLOCK_SET_BACK), Infinity)
    if (start >= end || query.limit < 1) return { summaries: [], next: null }
    const driver = selective(conditions)
    const low = driver ? start : Math.max(start, end - STEP)
    return { summaries: select(conditions, driver, low, end, query.limit), next: low > start ? low : null }
  }
}

/** The outermost message by time, over all channels, whatever has become of its content: one step into an index for each. */
const EDGE = (outermost: 'min' | 'max', operator: '>=' | '<=', direction: 'asc' | 'desc'): string => `
  select ${outermost}((select id from message where channel_id = c.id and content = k.value and received_at ${operator} ?
                        order by received_at ${direction}, id ${direction} limit 1)) as id
    from channel c join json_each('[0,1]') k`

/** A bound that was asked for and found; `none` where it was asked for and nothing lies beyond it; no bound where it was not asked for. */
const edge = (row: { readonly id: number | null } | undefined, none: number): number =>
  row ? row.id ?? none : none === 0 ? Infinity : 1

const conditionsOf = (query: MessageQuery, channel: (name: string) => number): readonly Condition[] => {
  const conditions: Condition[] = []
  const add = (test: string, values: readonly Value[], ids?: string): void => { conditions.push(ids === undefined ? { test, values } : { test, values, ids }) }
  if (query.value !== undefined || query.field !== undefined) conditions.push(indexCondition(query.field, query.value ?? '*'))
  if (query.controlId !== undefined) add('m.control_id = ?', [query.controlId], 'select id from message where control_id = ?')
  if (query.status !== undefined) conditions.push(statusCondition(query.status))
  if (query.channel !== undefined) add('m.channel_id = ?', [channel(query.channel)])
  if (query.type !== undefined) add('m.type = ?', [query.type])
  if (query.since !== undefined) add('m.received_at >= ?', [query.since.getTime()])
  if (query.until !== undefined) add('m.received_at <= ?', [query.until.getTime()])
  return conditions
}

const indexCondition = (field: string | undefined, value: string): Condition => {
  const prefix = value.endsWith('*')
  const sought = (prefix ? value.slice(0, -1) : value).slice(0, INDEX_VALUE_LENGTH)
  const range = `${prefix ? 'value >= ? and value <= ?' : 'value = ?'}${field === undefined ? '' : ' and name = ?'}`
  const values = [...(prefix ? [sought, `${sought}\u{10FFFF}`] : [sought]), ...(field === undefined ? [] : [field])]
  return {
    test: `exists (select 1 from index_value where message_id = m.id and ${range})`,
    ids: `select message_id from index_value where ${range}`, values,
  }
}

const statusCondition = (status: MessageStatus | DeliveryStatus): Condition => {
  const delivered = (partial: string): Condition => ({
    test: 'exists (select 1 from delivery where message_id = m.id and status = ?)', values: [status],
    ids: `select message_id from delivery where status = ? and ${partial}`,
  })
  switch (status) {
    case 'received': return { test: 'm.status = ?', ids: `select id from message where status = ? and status = 'received'`, values: [status] }
    case 'filtered': case 'transformed': return { test: 'm.status = ?', values: [status] }
    case 'queued': case 'sending': return delivered('active = 1')
    case 'held': return delivered(`status in ('held', 'error')`)
    case 'sent': return { test: 'exists (select 1 from delivery where message_id = m.id and status = ?)', values: [status] }
    case 'error': return {
      test: '(m.status = ? or exists (select 1 from delivery where message_id = m.id and status = ?))', values: [status, status],
      ids: `select * from (select id from message where status = ? and status = 'error' union select message_id from delivery where status = ? and status in ('held', 'error'))`,
    }
  }
}
