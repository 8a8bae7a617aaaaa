/** What people ask of one message: its history and its content. */
import type { HistoryEntry } from '../../contracts.js'
import type { ArchiveOperations, Parts } from './parts.js'
import { readReply, type ReplyColumns } from './replies.js'

interface MessageRow extends ReplyColumns { readonly received_at: number }
interface HistoryRow { readonly at: number; readonly what: HistoryEntry['what']; readonly queue_id: number | null; readonly reason: string | null; readonly person: string | null }
interface BytesRow { readonly bytes: Buffer | null; readonly attachment_id: number | null }
interface ContentRow extends BytesRow { readonly id: number; readonly queue_id: number; readonly response: Buffer | null; readonly response_attachment_id: number | null }

export const openArchive = ({ database, names, attachments }: Parts): Pick<ArchiveOperations, 'history' | 'content'> => {
  const find = database.prepare<[number], MessageRow>('select received_at, verdict, reply_reason, acknowledgements from message where id = ?')
  const entries = database.prepare<[number], HistoryRow>('select at, what, queue_id, reason, person from history where message_id = ? order by sequence')
  const bytesOf = database.prepare<[number], BytesRow>('select bytes, attachment_id from message_bytes where message_id = ?')
  const contents = database.prepare<[number], ContentRow>(`
    select d.id, d.queue_id, p.bytes, p.attachment_id, d.response, d.response_attachment_id
      from delivery d left join payload p on p.delivery_id = d.id where d.message_id = ? order by d.id`)

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
  }
}
