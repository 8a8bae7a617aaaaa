/** Deliveries on their way out: claimed from the head of a lane, settled, found again after a stop, spread over lanes. */
import type { Claim, Delivery, Settlement } from '../../contracts.js'
import { ReferoError, StoreError } from '../../errors.js'
import { affordable, type Parts, type StoreOperations } from './parts.js'

interface LaneRow { readonly id: number; readonly status: string; readonly due_at: number | null; readonly hash: number | null; readonly size: number }
interface DeliveryRow {
  readonly id: number; readonly message_id: number; readonly queue_id: number; readonly lane: number; readonly attempts: number
  readonly control_id: string | null; readonly type: string | null; readonly received_at: number; readonly bytes: Buffer | null; readonly attachment_id: number | null
}
interface Sent { readonly status: string; readonly message_id: number; readonly queue_id: number; readonly response_attachment_id: number | null }

const NOTHING: Claim = { deliveries: [], due: null, blocked: false }
const WHOLE = `select d.id, d.message_id, d.queue_id, d.lane, d.attempts, m.control_id, m.type, m.received_at, p.bytes, p.attachment_id
                 from delivery d join message m on m.id = d.message_id join payload p on p.delivery_id = d.id`
const WHAT = { queued: 'retry', sent: 'sent', held: 'held', error: 'refused' } as const

export const openDeliveries = ({ database, names, history, attachments }: Parts): Pick<StoreOperations, 'claim' | 'settle' | 'interrupted' | 'spread'> => {
  // `? + 0`: SQLite looks into a limit that is a bare parameter, and compiles the statement anew whenever it is bound.
  const head = database.prepare<[number, number, number], LaneRow>(
    'select id, status, due_at, hash, size from delivery where queue_id = ? and lane = ? and active = 1 order by id limit ? + 0')
  const firstBarrier = database.prepare<[number], { id: number }>(
    'select id from delivery where queue_id = ? and active = 1 and hash is null order by id limit 1')
  // Hops from lane to lane along the index, so that a long queue costs no more than a short one.
  const firstInOtherLanes = database.prepare<{ queue: number }, { id: number | null }>(`
    with recursive other (lane) as (
      select min(lane) from delivery where queue_id = $queue and active = 1 and lane > 0
      union all
      select (select min(lane) from delivery where queue_id = $queue and active = 1 and lane > other.lane) from other where other.lane is not null)
    select min((select id from delivery where queue_id = $queue and active = 1 and lane = other.lane order by id limit 1)) as id
      from other where other.lane is not null`)
  const take = database.prepare<[number, number, number, number]>(`
    update delivery set status = 'sending', attempts = attempts + 1, due_at = null
     where queue_id = ? and lane = ? and active = 1 and id between ? and ?`)
  const taken = database.prepare<[number, number, number, number], DeliveryRow>(
    `${WHOLE} where d.queue_id = ? and d.lane = ? and d.active = 1 and d.id between ? and ? order by d.id`)
  // `returning` would fill a temporary table at every settlement: the row is looked at first instead.
  const before = database.prepare<[number], Sent>('select status, message_id, queue_id, response_attachment_id from delivery where id = ?')
  const settle = database.prepare<[string, number, number | null, string | null, Buffer | null, number, number]>(
    'update delivery set status = ?, active = ?, due_at = ?, reason = ?, response = ?, doubtful = doubtful or ? where id = ?')
  const giveBack = database.prepare<[string, number, number | null, string | null, number]>(
    'update delivery set status = ?, active = ?, due_at = ?, reason = coalesce(?, reason), attempts = attempts - 1 where id = ?')
  const setAttachment = database.prepare<[number | null, number]>('update delivery set response_attachment_id = ? where id = ?')
  const sending = database.prepare<[number], DeliveryRow>(`${WHOLE}
    where d.queue_id in (select id from queue where channel_id = ?) and d.active = 1 and d.status = 'sending' order by d.id`)
  const spread = database.prepare<{ queue: number; lanes: number }>(`
    update delivery set lane = hash % $lanes where queue_id = $queue and active = 1 and hash is not null and lane <> hash % $lanes`)

  const toDelivery = (row: DeliveryRow): Delivery => {
    const payload = attachments.fetch(row.bytes, row.attachment_id)
    if (!payload) throw new StoreError('corrupt', `Delivery ${row.id} has lost its payload.`)
    const { channel, destination } = names.queueById(row.queue_id)
    return {
      id: row.id, messageId: row.message_id, channel, destination, lane: row.lane, payload, attempts: row.attempts,
      header: { controlId: row.control_id, type: row.type }, receivedAt: new Date(row.received_at),
    }
  }

  /** Whether a row of `lane` must wait for a barrier, or is one that must wait for the other lanes. Its own lane keeps order by itself. */
  const barriers = (queue: number, lane: number): ((row: LaneRow) => boolean) => {
    if (lane > 0) {
      const barrier = firstBarrier.get(queue)?.id ?? Infinity
      return ({ id }) => id > barrier
    }
    let others: number | null | undefined
    return ({ id, hash }) => {
      if (hash !== null) return false
      if (others === undefined) others = firstInOtherLanes.get({ queue })?.id ?? null
      return others !== null && others < id
    }
  }

  const record = ({ id, status, reason, retryAt, attempted, doubtful, response, at }: Settlement): void => {
    const row = before.get(id)
    if (row?.status !== 'sending') throw unsettleable(id, row?.status)
    const active = status === 'queued' || status === 'held' ? 1 : 0
    const due = status === 'queued' ? retryAt?.getTime() ?? null : null
    const placed = attempted && response ? attachments.place(response) : { bytes: null, attachment: null }
    if (attempted) settle.run(status, active, due, reason, placed.bytes, doubtful ? 1 : 0, id)
    else giveBack.run(status, active, due, reason, id)
    if (attempted && placed.attachment !== row.response_attachment_id) {
      setAttachment.run(placed.attachment, id)
      if (row.response_attachment_id !== null) attachments.release([row.response_attachment_id])
    }
    if (attempted || status !== 'queued') history.add(row.message_id, at, WHAT[status], row.queue_id, reason)
  }

  return {
    claim: ({ channel, destination, lane }, limit, at) => {
      const queue = names.knownQueue(channel, destination)
      if (!queue) return NOTHING
      const rows = head.all(queue.id, lane, limit)
      const first = rows[0]
      if (first?.status !== 'queued') return NOTHING
      const notDue = ({ due_at }: LaneRow): boolean => due_at !== null && due_at > at.getTime()
      if (notDue(first)) return { ...NOTHING, due: new Date(first.due_at ?? 0) }
      const mustWait = barriers(queue.id, lane)
      if (mustWait(first)) return { ...NOTHING, blocked: true }
      const end = rows.findIndex((row) => row.status !== 'queued' || notDue(row) || mustWait(row))
      const last = affordable(end < 0 ? rows : rows.slice(0, end)).at(-1) ?? first
      take.run(queue.id, lane, first.id, last.id)
      return { ...NOTHING, deliveries: taken.all(queue.id, lane, first.id, last.id).map(toDelivery) }
    },

    settle: (settlements) => { for (const settlement of settlements) record(settlement) },

    interrupted: (channel) => sending.all(names.knownChannel(channel)).map(toDelivery),

    spread: (channel, destination, lanes) => {
      const queue = names.queue(names.channel(channel), destination)
      names.setLanes(queue, lanes)
      spread.run({ queue: queue.id, lanes })
    },
  }
}

const unsettleable = (id: number, status: string | undefined): Error =>
  status === undefined
    ? new ReferoError('NOT_FOUND', `No delivery has the number ${id}.`)
    : new StoreError('failed', `Delivery ${id} is ${status}, not sending: only what is being sent can be settled.`)
