/** What people decide about a message: to put it back, or to give it up so that what is behind it goes on. */
import type { DeliveryStatus } from '../../contracts.js'
import { ReferoError } from '../../errors.js'
import type { ArchiveOperations, Parts } from './parts.js'

interface MessageRow { readonly status: string; readonly content: number; readonly channel_id: number }
interface StoppedRow { readonly id: number; readonly queue_id: number; readonly status: DeliveryStatus; readonly hash: number | null; readonly resolved: number }

export const openDecisions = ({ database, names, history }: Parts): Pick<ArchiveOperations, 'replay' | 'skip'> => {
  const find = database.prepare<[number], MessageRow>('select status, content, channel_id from message where id = ?')
  const deliveries = database.prepare<[number], StoppedRow>('select id, queue_id, status, hash, resolved from delivery where message_id = ? order by id')
  const queues = database.prepare<[number], { id: number; destination: string }>('select id, destination from queue where channel_id = ?')
  const onlyFor = database.prepare<[number | null, number]>('update message set only_queue_id = ? where id = ?')
  const setStatus = database.prepare<[string, string | null, number]>('update message set status = ?, reason = ? where id = ?')
  const requeue = database.prepare<[number, number]>(`
    update delivery set status = 'queued', active = 1, attempts = 0, due_at = null, reason = null, resolved = 0, lane = ?
     where id = ? and status in ('held', 'error')`)
  const giveUp = database.prepare<[string, number]>(
    `update delivery set status = 'error', active = 0, resolved = 1, reason = ? where id = ? and status in ('held', 'error')`)
  const resolve = database.prepare<[number]>(`update delivery set resolved = 1 where message_id = ? and status = 'error'`)

  const existing = (id: number): MessageRow => {
    const row = find.get(id)
    if (!row) throw new ReferoError('NOT_FOUND', `No message has the number ${id}.`)
    return row
  }

  /** The message's held and failed deliveries, to one destination or all. Throws NOT_FOUND where it has none to that destination. */
  const stopped = (id: number, destination: string | null): readonly StoppedRow[] => {
    const named = deliveries.all(id).map((row) => ({ row, name: names.queueById(row.queue_id).destination }))
    const known = [...new Set(named.map(({ name }) => name))]
    if (destination !== null && !known.includes(destination)) {
      throw new ReferoError('NOT_FOUND', `Message ${id} has no delivery to \`${destination}\`; it has ${listed(known)}.`)
    }
    return named.filter(({ row, name }) => (row.status === 'held' || row.status === 'error') && (destination === null || name === destination)).map(({ row }) => row)
  }

  const queueOf = (id: number, channel: number, destination: string): number => {
    const known = queues.all(channel)
    const queue = known.find((each) => each.destination === destination)
    if (!queue) throw new ReferoError('NOT_FOUND', `The channel of message ${id} has no destination \`${destination}\`; it has ${listed(known.toSorted((a, b) => a.id - b.id).map((each) => each.destination))}.`)
    return queue.id
  }

  const replaySteps = (id: number, destination: string | null, by: string, at: Date): number => {
    const { status: now, channel_id } = existing(id)
    const only = destination === null ? null : queueOf(id, channel_id, destination)
    const onItsWay = now === 'received' || deliveries.all(id).some(({ status }) => status === 'queued' || status === 'sending')
    if (onItsWay) throw new ReferoError('ON_ITS_WAY', `It is message ${id}.`)
    setStatus.run('received', null, id)
    resolve.run(id) // what failed then has been seen by whoever decided this
    onlyFor.run(only, id)
    history.add(id, at, 'replayed', only, 'From its steps.', by)
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
    replay: (id, from, destination, by, at) => {
      if (existing(id).content === 0) throw new ReferoError('FORGOTTEN', `It is message ${id}.`)
      return from === 'steps' ? replaySteps(id, destination, by, at) : replayDeliveries(id, destination, by, at)
    },

    skip: (id, destination, by, at, reason = null) => {
      const { status } = existing(id)
      const rows = stopped(id, destination).filter(({ resolved }) => resolved === 0)
      const why = reason === null ? '.' : `: ${reason}`
      for (const row of rows) {
        giveUp.run(`Skipped by ${by}${why}`, row.id)
        history.add(id, at, 'skipped', row.queue_id, reason, by)
      }
      if (status !== 'error' || destination !== null) return rows.length
      setStatus.run('filtered', `Resolved by ${by}${why}`, id)
      history.add(id, at, 'skipped', null, reason, by)
      return rows.length + 1
    },
  }
}

const listed = (names: readonly string[]): string => (names.length > 0 ? names.map((name) => `\`${name}\``).join(', ') : 'none at all')
