/** The numbers that stand for channels and their destinations, so that rows and indexes stay small. */
import type { Database, Statement } from 'better-sqlite3'

/** One destination of one channel. */
export interface QueueRow {
  readonly id: number
  readonly channel: string
  readonly destination: string
  readonly lanes: number
}

/** Looks numbers up and remembers them; `forget` after every rollback, for what was numbered then is no longer. */
export interface Names {
  channel(name: string): number
  /** The number of a channel that has had messages, or 0. */
  knownChannel(name: string): number
  queue(channel: number, destination: string): QueueRow
  knownQueue(channel: string, destination: string): QueueRow | undefined
  queueById(id: number): QueueRow
  setLanes(queue: QueueRow, lanes: number): void
  revision(channel: number, hash: string): number
  forget(): void
}

const COLUMNS = 'q.id, c.name as channel, q.destination, q.lanes from queue q join channel c on c.id = q.channel_id'

export const openNames = (database: Database): Names => {
  const findChannel = database.prepare<[string], number>('select id from channel where name = ?').pluck() as Statement<[string], number>
  const addChannel = database.prepare<[string], number>('insert into channel (name) values (?) returning id').pluck() as Statement<[string], number>
  const findQueue = database.prepare<[number, string], QueueRow>(`select ${COLUMNS} where q.channel_id = ? and q.destination = ?`)
  const findQueueById = database.prepare<[number], QueueRow>(`select ${COLUMNS} where q.id = ?`)
  const addQueue = database.prepare<[number, string]>('insert into queue (channel_id, destination) values (?, ?)')
  const updateLanes = database.prepare<[number, number]>('update queue set lanes = ? where id = ?')
  const findRevision = database.prepare<[number, string], number>('select id from revision where channel_id = ? and hash = ?').pluck() as Statement<[number, string], number>
  const addRevision = database.prepare<[number, string]>('insert into revision (channel_id, hash) values (?, ?)')
  const channels = new Map<string, number>()
  const revisions = new Map<string, number>()
  const queues = new Map<string, QueueRow>()
  const queuesById = new Map<number, QueueRow>()

  const keyOf = (channel: number, destination: string): string => `${channel} ${destination}`
  const remember = (channel: number, row: QueueRow): QueueRow => {
    queues.set(keyOf(channel, row.destination), row)
    queuesById.set(row.id, row)
    return row
  }
  const find = (channel: number, destination: string): QueueRow | undefined => {
    const remembered = queues.get(keyOf(channel, destination))
    if (remembered) return remembered
    const row = findQueue.get(channel, destination)
    return row && remember(channel, row)
  }

  const names: Names = {
    knownChannel: (name) => {
      const id = channels.get(name) ?? findChannel.get(name) ?? 0
      if (id > 0) channels.set(name, id)
      return id
    },
    channel: (name) => {
      const id = names.knownChannel(name) || Number(addChannel.get(name))
      channels.set(name, id)
      return id
    },
    queue: (channel, destination) => {
      const known = find(channel, destination)
      if (known) return known
      addQueue.run(channel, destination)
      return find(channel, destination) as QueueRow
    },
    knownQueue: (channel, destination) => find(names.knownChannel(channel), destination),
    queueById: (id) => {
      const row = queuesById.get(id) ?? findQueueById.get(id) as QueueRow
      queuesById.set(id, row)
      return row
    },
    setLanes: (queue, lanes) => {
      if (queue.lanes === lanes) return
      updateLanes.run(lanes, queue.id)
      names.forget()
    },
    revision: (channel, hash) => {
      const key = keyOf(channel, hash)
      const id = revisions.get(key) ?? findRevision.get(channel, hash) ?? Number(addRevision.run(channel, hash).lastInsertRowid)
      revisions.set(key, id)
      return id
    },
    forget: () => {
      channels.clear()
      revisions.clear()
      queues.clear()
      queuesById.clear()
    },
  }
  return names
}
