/** Messages on their way in: kept, found again, taken through their steps, answered. */
import type { Acceptance, Arrival, Finished, MessageStatus, Reply, StoredMessage } from '../../contracts.js'
import { ReferoError, StoreError } from '../../errors.js'
import { sha256 } from './attachments.js'
import { openFinish } from './finish.js'
import { MOST_BYTES, type Parts, type StoreOperations } from './parts.js'
import { packAcknowledgements, readReply, type ReplyColumns } from './replies.js'

interface Earlier extends ReplyColumns { readonly id: number }
interface BytesRow { readonly bytes: Buffer | null; readonly attachment_id: number | null }
interface ReceivedRow extends BytesRow {
  readonly id: number; readonly received_at: number; readonly control_id: string | null; readonly type: string | null
  readonly origin: string; readonly key: string | null; readonly size: number
}

const REPLY = 'verdict, reply_reason, acknowledgements'
/** How many messages with the same control id are looked at to tell people that it was used before. */
const MOST_REUSED = 100

export const openMessages = (parts: Parts): Pick<StoreOperations, 'accept' | 'received' | 'finish' | 'progress' | 'answer'> => {
  const { database, names, history, attachments } = parts
  const byKey = database.prepare<[number, string], Earlier>(`select id, ${REPLY} from message where channel_id = ? and key = ?`)
  const controlIdUsed = database.prepare<[string, number], { id: number }>('select id from message where control_id = ? and channel_id = ? limit 1')
  const sameContent = database.prepare<[string, number, Buffer, number], Earlier>(
    `select id, ${REPLY} from message where control_id = ? and channel_id = ? and hash = ? and received_at >= ? order by id desc limit 1`)
  const reused = database.prepare<[string, number, number], { id: number }>(
    `select id from (select id, received_at from message where control_id = ? and channel_id = ? limit ${MOST_REUSED}) where received_at >= ? limit 1`)
  const insert = database.prepare(
    `insert into message (channel_id, received_at, status, size, control_id, type, origin, key, hash, reason, ${REPLY}) values (?,?,?,?,?,?,?,?,?,?,?,?,?)`)
  const insertBytes = database.prepare<[number, number | null, Buffer | null]>('insert into message_bytes (message_id, attachment_id, bytes) values (?, ?, ?)')
  const waiting = database.prepare<[number, number], ReceivedRow>(`
    select m.id, m.received_at, m.control_id, m.type, m.origin, m.key, m.size, b.bytes, b.attachment_id
      from message m left join message_bytes b on b.message_id = m.id
     where m.channel_id = ? and m.status = 'received' order by m.id limit ? + 0`)
  const bytesOf = database.prepare<[number], BytesRow>('select bytes, attachment_id from message_bytes where message_id = ?')
  const state = database.prepare<[number], ReplyColumns & { status: MessageStatus; reason: string | null }>(
    `select status, reason, ${REPLY} from message where id = ?`)
  const deliveriesOf = database.prepare<[number], { queue_id: number; status: 'queued' | 'sending' | 'sent' | 'held' | 'error'; reason: string | null }>(
    'select queue_id, status, reason from delivery where message_id = ? order by id')
  const setReply = database.prepare<[string, string | null, Buffer, number]>(
    'update message set verdict = ?, reply_reason = ?, acknowledgements = ? where id = ?')
  const finishOne = openFinish(parts)

  /** Finds the message that an arrival repeats, or what the history shall say of its control id. */
  const lookBack = ({ inbound, header, duplicatesSince }: Arrival, channel: number, digest: Buffer | null): Earlier | string | null => {
    const arrivedBefore = inbound.key === undefined ? undefined : byKey.get(channel, inbound.key)
    if (arrivedBefore) return arrivedBefore
    if (duplicatesSince === null || digest === null || header.controlId === null) return null
    if (!controlIdUsed.get(header.controlId, channel)) return null
    const since = duplicatesSince.getTime()
    const same = sameContent.get(header.controlId, channel, digest, since)
    if (same) return same
    const other = reused.get(header.controlId, channel, since)
    return other ? `The control id was used before with other content, by message ${other.id}.` : null
  }

  const keep = (arrival: Arrival, channel: number, digest: Buffer | null, note: string | null): Acceptance => {
    const { inbound, header, at, status, reason, reply } = arrival
    const id = Number(insert.run(channel, at.getTime(), status, inbound.bytes.length, header.controlId, header.type, inbound.origin, inbound.key ?? null, digest, reason,
      reply?.verdict ?? null, reply?.reason ?? null, reply ? packAcknowledgements(reply) : null).lastInsertRowid)
    const placed = attachments.place(inbound.bytes, digest)
    insertBytes.run(id, placed.attachment, placed.bytes)
    if (note !== null) history.add(id, at, 'received', null, note) // otherwise the message itself says when
    if (status === 'error') history.add(id, at, 'error', null, reason)
    return { id, duplicate: false, reply }
  }

  const fetchBytes = (id: number): Buffer | null => {
    const row = bytesOf.get(id)
    return row ? attachments.fetch(row.bytes, row.attachment_id) : null
  }

  const toMessage = (channel: string, row: ReceivedRow): StoredMessage => {
    const bytes = attachments.fetch(row.bytes, row.attachment_id)
    if (!bytes) throw new StoreError('corrupt', `Message ${row.id} has lost its content.`)
    return {
      id: row.id, channel, bytes, receivedAt: new Date(row.received_at), origin: row.origin,
      header: { controlId: row.control_id, type: row.type }, ...(row.key === null ? {} : { key: row.key }),
    }
  }

  return {
    accept: (arrival) => {
      const channel = names.channel(arrival.channel)
      const digest = arrival.duplicatesSince !== null && arrival.header.controlId !== null ? sha256(arrival.inbound.bytes) : null
      const earlier = lookBack(arrival, channel, digest)
      if (earlier === null || typeof earlier === 'string') return keep(arrival, channel, digest, earlier)
      history.add(earlier.id, arrival.at, 'duplicate')
      return { id: earlier.id, duplicate: true, reply: readReply(earlier) }
    },

    received: (channel, limit) => {
      const messages: StoredMessage[] = []
      let bytes = 0
      for (const row of waiting.iterate(names.knownChannel(channel), limit)) {
        bytes += row.size
        if (bytes > MOST_BYTES && messages.length > 0) break
        messages.push(toMessage(channel, row))
      }
      return messages
    },

    finish: (results: readonly Finished[], at) => { for (const result of results) finishOne(result, at) },

    progress: (id) => {
      const row = state.get(id)
      if (!row) return null
      const deliveries = deliveriesOf.all(id).map(({ queue_id, status, reason }) => ({ destination: names.queueById(queue_id).destination, status, reason }))
      return { status: row.status, reason: row.reason, deliveries, reply: readReply(row), bytes: fetchBytes(id) ?? Buffer.alloc(0) }
    },

    answer: (id, reply: Reply, at) => {
      const row = state.get(id)
      if (!row) throw new ReferoError('NOT_FOUND', `No message has the number ${id}.`)
      const stored = readReply(row)
      if (stored) return stored
      setReply.run(reply.verdict, reply.reason, packAcknowledgements(reply), id)
      history.add(id, at, 'acknowledged', null, reply.reason === null ? reply.verdict : `${reply.verdict}: ${reply.reason}`)
      return reply
    },
  }
}
