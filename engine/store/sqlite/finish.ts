/** The end of a message's transform stage: its status, its deliveries, what it can be found by, and its history. */
import type { Finished, NewDelivery } from '../../contracts.js'
import { ReferoError, StoreError } from '../../errors.js'
import type { Parts } from './parts.js'

/** Index values are kept, and looked for, up to this many characters. */
export const INDEX_VALUE_LENGTH = 256

export const openFinish = ({ database, names, history, attachments }: Parts): ((result: Finished, at: Date) => void) => {
  const before = database.prepare<[number], { channel_id: number; status: string; only_queue_id: number | null }>('select channel_id, status, only_queue_id from message where id = ?')
  const end = database.prepare<[string, string | null, number, number]>('update message set status = ?, reason = ?, revision_id = ?, only_queue_id = null where id = ?')
  const insert = database.prepare<[number, number, number, number | null, number]>(
    `insert into delivery (message_id, queue_id, lane, hash, status, active, attempts, size) values (?, ?, ?, ?, 'queued', 1, 0, ?)`)
  const insertPayload = database.prepare<[number, number | null, Buffer | null]>('insert into payload (delivery_id, attachment_id, bytes) values (?, ?, ?)')
  const forgetValues = database.prepare<[number]>('delete from index_value where message_id = ?')
  const insertValue = database.prepare<[number, string, string]>('insert or ignore into index_value (message_id, name, value) values (?, ?, ?)')

  const queueUp = (message: number, channel: number, { destination, payload, hash, lanes }: NewDelivery): void => {
    const queue = names.queue(channel, destination)
    names.setLanes(queue, lanes)
    const id = Number(insert.run(message, queue.id, hash === null ? 0 : hash % lanes, hash, payload.length).lastInsertRowid)
    const placed = attachments.place(payload)
    insertPayload.run(id, placed.attachment, placed.bytes)
  }

  return (result, at) => {
    const { id, status, reason, revision, deliveries, index, notes } = result
    const row = before.get(id)
    if (row?.status !== 'received') throw unfinishable(id, row?.status)
    const channel = row.channel_id
    end.run(status, reason, names.revision(channel, revision), id)
    const wanted = row.only_queue_id
    for (const delivery of deliveries) if (wanted === null || names.queue(channel, delivery.destination).id === wanted) queueUp(id, channel, delivery)
    if (index.length > 0) {
      forgetValues.run(id)
      for (const { name, value } of index) insertValue.run(id, name, value.slice(0, INDEX_VALUE_LENGTH))
    }
    for (const note of notes) history.add(id, at, 'filtered', names.queue(channel, note.destination).id, note.reason)
    history.add(id, at, status, null, reason)
  }
}

const unfinishable = (id: number, status: string | undefined): Error =>
  status === undefined
    ? new ReferoError('NOT_FOUND', `No message has the number ${id}.`)
    : new StoreError('failed', `Message ${id} has been through its steps already: it is ${status}, not received.`)
