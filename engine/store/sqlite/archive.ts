/** What people ask of one message, and do with it: its history, its content, putting it back, giving it up. */
import type { DeliveryStatus, HistoryEntry } from '../../contracts.js'
import { ReferoError } from '../../errors.js'
import type { ArchiveOperations, Parts } from './parts.js'
import { readReply, type ReplyColumns } from './replies.js'

interface MessageRow extends ReplyColumns { readonly status: string; readonly content: number; readonly received_at: number }
interface HistoryRow { readonly at: number; readonly what: HistoryEntry['what']; readonly queue_id: number | null; readonly reason: string | null; readonly person: string | null }
interface StoppedRow { readonly id: number; readonly queue_id: number; readonly status: DeliveryStatus; readonly hash: number | null }
interface BytesRow { readonly bytes: Buffer | null; readonly attachment_id: number | null }
interface ContentRow extends BytesRow { readonly id: number; readonly queue_id: number; readonly response: Buffer | null; readonly response_attachment_id: number | null }
interface DepthRow { readonly id: number; readonly destination: string; readonly active: number; readonly held: number; readonly oldest: number | null }

export const openArchive = ({ database, names, history, attachments }: Parts): Pick<ArchiveOperations, 'history' | 'content' | 'replay' | 'skip' | 'depth'> => {
  const find = database.prepare<[number], MessageRow>('select status, content, received_at, verdict, reply_reason, acknowledgements from message where id = ?')
  const entries = database.prepare<[number], HistoryRow>('select at, what, queue_id, reason, person from history where message_id = ? order by sequence')
  const bytesOf = database.prepare<[number], BytesRow>('select bytes, attachment_id from message_bytes where message_id = ?')
  const contents = database.prepare<[number], ContentRow>(`
    select d.id, d.queue_id, p.bytes, p.attachment_id, d.response, d.response_attachment_id
      from delivery d left join payload p on p.delivery_id = d.id where d.message_id = ? order by d.id`)
  const deliveries = database.prepare<[number], StoppedRow>('select id, queue_id, status, hash from delivery where message_id = ? order by id')
  const putBack = database.prepare<[number]>(`update message set status = 'received', reason = null where id = ?`)
  const requeue = database.prepare<[number, number]>(
    `update delivery set status = 'queued', active = 1, attempts = 0, due_at = null, reason = null, lane = ? where id = ? and status in ('held', 'error')`)
  const giveUp = database.prepare<[string, number]>(
    `update delivery set status = 'error', active = 0, reason = ? where id = ? and status in ('held', 'error')`)
  const depths = database.prepare<[number], DepthRow>(`
    select q.id, q.destination, count(d.id) as active, min(d.id) as oldest,
           (select count(*) from delivery where status = 'held' and status in ('held', 'error') and queue_id = q.id) as held
      from queue q left join delivery d on d.queue_id = q.id and d.active = 1 where q.channel_id = ? group by q.id order by q.id`)
  const receivedAt = database.prepare<[number], { received_at: number }>(
    'select m.received_at from delivery d join message m on m.id = d.message_id where d.id = ?')

  const existing = (id: number): MessageRow => {
    const row = find.get(id)
    if (!row) throw new ReferoError('NOT_FOUND', `No message has the number ${id}.`)
    return row
  }

  /** The message's held and failed deliveries, to one destination or all. */
  const stopped = (id: number, destination: string | null): readonly StoppedRow[] =>
    deliveries.all(id).filter(({ status, queue_id }) =>
      (status === 'held' || status === 'error') && (destination === null || names.queueById(queue_id).destination === destination))

  const replaySteps = (id: number, by: string, at: Date): number => {
    const onItsWay = existing(id).status === 'received' || deliveries.all(id).some(({ status }) => status === 'queued' || status === 'sending')
    if (onItsWay) throw new ReferoError('ON_ITS_WAY', `It is message ${id}.`)
    putBack.run(id)
    history.add(id, at, 'replayed', null, 'From its steps.', by)
    return 1
  }

  const replayDeliveries = (id: number, destination: string | null, by: string, at: Date): number => {
    const rows = stopped(id, destination)
    for (const row of rows) {
      requeue.run(row.hash === null ? 0 : row.hash % names.queueById(row.queue_id).lanes, row.id)
      history.add(id, at, 'replayed', row.queue_id, null, by)
    }
    return rows.length
  }

  return {
    history: (id) => {
      const message = find.get(id)
      if (!message) return null
      const written = entries.all(id).map(({ at, what, queue_id, reason, person }) => ({
        at: new Date(at), what, destination: queue_id === null ? null : names.queueById(queue_id).destination, reason, by: person ?? 'engine',
      }))
      const received = { at: new Date(message.received_at), what: 'received' as const, destination: null, reason: null, by: 'engine' }
      return written[0]?.what === 'received' ? written : [received, ...written]
    },

    content: (id) => {
      const message = find.get(id)
      if (!message) return null
      const own = bytesOf.get(id)
      return {
        bytes: own ? attachments.fetch(own.bytes, own.attachment_id) : null,
        reply: readReply(message),
        deliveries: contents.all(id).map((row) => ({
          id: row.id, destination: names.queueById(row.queue_id).destination,
          payload: attachments.fetch(row.bytes, row.attachment_id),
          response: attachments.fetch(row.response, row.response_attachment_id),
        })),
      }
    },

    replay: (id, from, destination, by, at) => {
      if (existing(id).content === 0) throw new ReferoError('FORGOTTEN', `It is message ${id}.`)
      return from === 'steps' ? replaySteps(id, by, at) : replayDeliveries(id, destination, by, at)
    },

    skip: (id, destination, by, at) => {
      existing(id)
      const rows = stopped(id, destination)
      for (const row of rows) {
        giveUp.run(`Skipped by ${by}.`, row.id)
        history.add(id, at, 'skipped', row.queue_id, null, by)
      }
      return rows.length
    },

    depth: (channel) => depths.all(names.knownChannel(channel)).map(({ destination, active, held, oldest }) => ({
      destination, held, waiting: active - held,
      oldest: oldest === null ? null : new Date(receivedAt.get(oldest)?.received_at ?? 0),
    })),
  }
}
