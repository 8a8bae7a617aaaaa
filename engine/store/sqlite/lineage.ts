/**
 * Which messages of other channels a message came from and led to. A channel that feeds another gives each delivery as an arrival whose
 * key is `channel/destination/delivery` and whose origin is `channel <name>`; the parts of an envelope add `#n`.
 */
import type { Lineage, LineageMessage, MessageStatus } from '../../contracts.js'
import type { ArchiveOperations, Parts } from './parts.js'

/** How many messages a tree shows at most, and how many channels it is followed back over. */
const MOST = 500
const MOST_STEPS_BACK = 100

interface Row {
  readonly id: number; readonly channel: string; readonly received_at: number; readonly control_id: string | null; readonly type: string | null
  readonly status: MessageStatus; readonly origin: string; readonly key: string | null
}
interface Sent { readonly id: number; readonly destination: string }

const COLUMNS = 'm.id, c.name as channel, m.received_at, m.control_id, m.type, m.status, m.origin, m.key'

export const openLineage = ({ database }: Parts): Pick<ArchiveOperations, 'lineage'> => {
  const find = database.prepare<[number], Row>(`select ${COLUMNS} from message m join channel c on c.id = m.channel_id where m.id = ?`)
  const sender = database.prepare<[number, string, string], { message_id: number }>(`
    select d.message_id from delivery d join queue q on q.id = d.queue_id join channel c on c.id = q.channel_id
     where d.id = ? and c.name = ? and q.destination = ?`)
  const deliveries = database.prepare<[number], Sent>('select d.id, q.destination from delivery d join queue q on q.id = d.queue_id where d.message_id = ? order by d.id')
  // A cross join: channels are few, and only with each in turn does the index of keys help.
  const arrivals = database.prepare<[string, string, string], Row>(`
    select ${COLUMNS} from channel c cross join message m where m.channel_id = c.id and m.key >= ? and m.key < ? and m.origin = ?`)

  const cameFrom = ({ key, origin }: Row): LineageMessage['from'] => {
    const [, channel = '', destination = '', delivery = ''] = /^([^/]+)\/(.+)\/(\d{1,15})(?:#\d+)?$/.exec(key ?? '') ?? []
    if (channel === '' || origin !== `channel ${channel}`) return null
    const row = sender.get(Number(delivery), channel, destination)
    return row ? { message: row.message_id, destination, delivery: Number(delivery) } : null
  }

  const root = (row: Row): Row => {
    let first = row
    for (let n = 0; n < MOST_STEPS_BACK; n++) {
      const from = cameFrom(first)
      const before = from && find.get(from.message)
      if (!before) return first
      first = before
    }
    return first
  }

  const ledTo = ({ id, channel }: Row): readonly Row[] => deliveries.all(id).flatMap(({ id: delivery, destination }) => {
    const key = `${channel}/${destination}/${delivery}`
    return arrivals.all(key, `${key}$`, `channel ${channel}`).filter((row) => row.key === key || row.key?.startsWith(`${key}#`))
  })

  const toMessage = (row: Row): LineageMessage => ({
    id: row.id, channel: row.channel, receivedAt: new Date(row.received_at), header: { controlId: row.control_id, type: row.type }, status: row.status, from: cameFrom(row),
  })

  return {
    lineage: (id): Lineage | null => {
      const asked = find.get(id)
      if (!asked) return null
      const found = [root(asked)]
      for (let n = 0; n < found.length && found.length <= MOST; n++) found.push(...ledTo(found[n] as Row))
      return { messages: found.slice(0, MOST).map(toMessage), complete: found.length <= MOST }
    },
  }
}
