/** What became of the message that a channel took with a key: looked up by its key, and told once it is at rest. */
import type { DeliveryStatus, Fate, FateDelivery, MessageStatus } from '../../contracts.js'
import type { ArchiveOperations, Parts } from './parts.js'

interface MessageRow { readonly id: number; readonly status: MessageStatus; readonly reason: string | null }
interface LastRow { readonly sequence: number; readonly at: number }
interface DeliveryRow {
  readonly queue_id: number; readonly status: DeliveryStatus; readonly reason: string | null; readonly resolved: number; readonly attempts: number; readonly doubtful: number
  readonly at: number | null; readonly bytes: Buffer | null; readonly attachment_id: number | null; readonly response: Buffer | null; readonly response_attachment_id: number | null
}

export const openFates = ({ database, names, attachments }: Parts): Pick<ArchiveOperations, 'fate'> => {
  const find = database.prepare<[number, string], MessageRow>('select id, status, reason from message where channel_id = ? and key = ?')
  const moving = database.prepare<[number], { id: number }>(`select id from delivery where message_id = ? and active = 1 and status <> 'held' limit 1`)
  // What the sender repeats, and is answered, changes nothing about the message.
  const last = database.prepare<[number], LastRow>(`select sequence, at from history where message_id = ? and what <> 'duplicate' and what <> 'acknowledged' order by sequence desc limit 1`)
  const deliveries = database.prepare<[number], DeliveryRow>(`
    select d.queue_id, d.status, d.reason, d.resolved, d.attempts, d.doubtful, p.bytes, p.attachment_id, d.response, d.response_attachment_id,
           (select max(at) from history where message_id = d.message_id and queue_id = d.queue_id and (what = 'sent' or what = 'held' or what = 'refused' or what = 'skipped')) as at
      from delivery d left join payload p on p.delivery_id = d.id where d.message_id = ? order by d.id`)

  const toDelivery = (row: DeliveryRow, changed: number): FateDelivery => ({
    destination: names.queueById(row.queue_id).destination, status: row.status, reason: row.reason, settled: row.resolved === 1,
    attempts: row.attempts, doubtful: row.doubtful === 1, at: new Date(row.at ?? changed),
    payload: attachments.fetch(row.bytes, row.attachment_id), response: attachments.fetch(row.response, row.response_attachment_id),
  })

  const fateOf = ({ id, status, reason }: MessageRow, known: string | null): Fate | null => {
    if (status === 'received' || moving.get(id)) return null
    const { sequence, at } = last.get(id) ?? { sequence: 0, at: 0 }
    const mark = String(sequence)
    return mark === known ? null : { mark, message: id, status, reason, deliveries: deliveries.all(id).map((row) => toDelivery(row, at)) }
  }

  return {
    // One view of the store, however many statements: a delivery cannot be settled in between.
    fate: database.transaction((channel: string, key: string, known: string | null) => {
      const row = find.get(names.knownChannel(channel), key)
      return row ? { message: row.id, fate: fateOf(row, known) } : null
    }),
  }
}
