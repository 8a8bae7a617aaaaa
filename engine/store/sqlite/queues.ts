/** What lies in the queues, how it fares, and what the head of each waits for. */
import type { DeliveryStatus, QueueState } from '../../contracts.js'
import type { ArchiveOperations, Parts } from './parts.js'

/** As the index `delivery_attention` has it, word for word: SQLite uses it only for a condition that says the same. */
export const ATTENTION = `(status = 'held' or (status = 'error' and resolved = 0))`

interface DepthRow { readonly id: number; readonly destination: string; readonly active: number; readonly held: number; readonly oldest: number | null }
interface QueueRow extends DepthRow { readonly channel: string; readonly failed: number }
interface HeadRow {
  readonly id: number; readonly message_id: number; readonly status: DeliveryStatus; readonly attempts: number
  readonly reason: string | null; readonly due_at: number | null; readonly received_at: number
}

const stopped = (status: 'held' | 'error'): string => `(select count(*) from delivery where status = '${status}' and queue_id = q.id and ${ATTENTION})`
const COUNTS = `q.id, q.destination, count(d.id) as active, min(d.id) as oldest, ${stopped('held')} as held`
const ACTIVE = 'left join delivery d on d.queue_id = q.id and d.active = 1'

export const openQueues = ({ database, names }: Parts): Pick<ArchiveOperations, 'depth' | 'queues'> => {
  const depths = database.prepare<[number], DepthRow>(`select ${COUNTS} from queue q ${ACTIVE} where q.channel_id = ? group by q.id order by q.id`)
  const states = database.prepare<[number], QueueRow>(`
    select ${COUNTS}, ${stopped('error')} as failed, c.name as channel
      from queue q join channel c on c.id = q.channel_id ${ACTIVE} where q.channel_id = ? group by q.id order by q.id`)
  const channels = database.prepare<[], number>('select id from channel order by name').pluck()
  const headOf = database.prepare<[number], HeadRow>(`
    select d.id, d.message_id, d.status, d.attempts, d.reason, d.due_at, m.received_at from delivery d join message m on m.id = d.message_id where d.id = ?`)

  const stateOf = ({ channel, destination, active, held, failed, oldest }: QueueRow): QueueState => {
    const head = oldest === null ? undefined : headOf.get(oldest)
    return {
      channel, destination, waiting: active - held, held, failed,
      oldest: head ? new Date(head.received_at) : null,
      head: head ? {
        message: head.message_id, delivery: head.id, status: head.status, attempts: head.attempts, reason: head.reason,
        due: head.due_at === null ? null : new Date(head.due_at),
      } : null,
    }
  }

  return {
    depth: (channel) => depths.all(names.knownChannel(channel)).map(({ destination, active, held, oldest }) => ({
      destination, held, waiting: active - held,
      oldest: oldest === null ? null : new Date(headOf.get(oldest)?.received_at ?? 0),
    })),
    queues: (channel) => {
      const ids = channel === null ? channels.all() as number[] : [names.knownChannel(channel)]
      return ids.flatMap((id) => states.all(id).map(stateOf))
    },
  }
}
