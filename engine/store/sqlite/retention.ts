/** Forgetting: the content of old messages or all of them, never of one on its way, and giving the space back. */
import type { ArchiveOperations, Parts } from './parts.js'
import { affordable } from './parts.js'

interface OldRow { readonly id: number; readonly size: number }

/** How many pages of 4 kB one call gives back to the disk. */
const SHRINK_PAGES = 1000

const GIVEN = '(select value from json_each(?))'
/** Not what is on its way (not through its steps, or with a delivery queued, sending or held), nor what failed and was settled by nobody. */
const ENDED = `status <> 'received' and status <> 'error'
  and not exists (select 1 from delivery where message_id = message.id and (active = 1 or (status = 'error' and resolved = 0)))`
const DELIVERIES = `(select id from delivery where message_id in ${GIVEN})`

export const openRetention = ({ database, names, attachments }: Parts): Pick<ArchiveOperations, 'expirable' | 'forget' | 'shrink'> => {
  const old = database.prepare<[number, 0 | 1, number, number], OldRow>(`
    select id, size from message where channel_id = ? and content = ? and received_at < ? and ${ENDED} order by received_at limit ?`)
  const still = database.prepare<[string], { id: number }>(`select id from message where id in ${GIVEN} and ${ENDED}`)
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
    expirable: (channel, what, receivedBefore, limit) => {
      const id = names.knownChannel(channel)
      const before = receivedBefore.getTime()
      const empty = what === 'facts' ? old.all(id, 0, before, limit) : []
      return affordable([...empty, ...old.all(id, 1, before, limit - empty.length)]).map((row) => row.id)
    },
    forget: (given, what) => {
      const rows = still.all(JSON.stringify(given))
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
