/** Forgetting: the content of old messages or all of them, never of one on its way, and giving the space back. */
import type { ArchiveOperations, Parts } from './parts.js'
import { affordable } from './parts.js'

interface OldRow { readonly id: number; readonly size: number }

/** How many pages of 4 kB one call gives back to the disk. */
const SHRINK_PAGES = 1000

const GIVEN = '(select value from json_each(?))'
const DELIVERIES = `(select id from delivery where message_id in ${GIVEN})`

export const openRetention = ({ database, names, attachments }: Parts): Pick<ArchiveOperations, 'expire' | 'shrink'> => {
  // Not what is on its way: not through its steps, or with a delivery queued, sending or held.
  const old = database.prepare<[number, 0 | 1, number, number], OldRow>(`
    select id, size from message
     where channel_id = ? and content = ? and received_at < ? and status <> 'received'
       and not exists (select 1 from delivery where message_id = message.id and active = 1)
     order by received_at limit ?`)
  const attached = database.prepare<[string, string, string], { id: number }>(`
    select attachment_id as id from message_bytes where message_id in ${GIVEN} and attachment_id is not null union
    select attachment_id from payload where delivery_id in ${DELIVERIES} and attachment_id is not null union
    select response_attachment_id from delivery where message_id in ${GIVEN} and response_attachment_id is not null`)
  const content = [
    `delete from message_bytes where message_id in ${GIVEN}`,
    `delete from payload where delivery_id in ${DELIVERIES}`,
    `update delivery set response = null, response_attachment_id = null where message_id in ${GIVEN}`,
    `delete from index_value where message_id in ${GIVEN}`,
    `update message set content = 0, verdict = null, reply_reason = null, acknowledgements = null where id in ${GIVEN}`,
  ].map((sql) => database.prepare<[string]>(sql))
  const facts = [
    `delete from history where message_id in ${GIVEN}`,
    `delete from delivery where message_id in ${GIVEN}`,
    `delete from message where id in ${GIVEN}`,
  ].map((sql) => database.prepare<[string]>(sql))

  return {
    expire: (channel, what, receivedBefore, limit) => {
      const id = names.knownChannel(channel)
      const before = receivedBefore.getTime()
      const empty = what === 'facts' ? old.all(id, 0, before, limit) : []
      const rows = affordable([...empty, ...old.all(id, 1, before, limit - empty.length)])
      const ids = JSON.stringify(rows.map((row) => row.id))
      const released = attached.all(ids, ids, ids).map((row) => row.id)
      for (const statement of content) statement.run(ids)
      attachments.release(released)
      if (what === 'facts') for (const statement of facts) statement.run(ids)
      return rows.length
    },
    shrink: () => { database.pragma(`incremental_vacuum(${SHRINK_PAGES})`) },
  }
}
