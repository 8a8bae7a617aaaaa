/**
 * The history of messages: who did what, when and why, written in the transaction of the deed itself. That a message was
 * received is its own row, and is written here only where there is something to say of it.
 */
import type { Database } from 'better-sqlite3'
import type { HistoryEntry } from '../../contracts.js'

export interface HistoryWriter {
  /** One more entry. `queue` is the destination it concerns, `person` null where the engine did it. */
  add(message: number, at: Date, what: HistoryEntry['what'], queue?: number | null, reason?: string | null, person?: string | null): void
}

export const openHistory = (database: Database): HistoryWriter => {
  const add = database.prepare<[number, number, number, string, number | null, string | null, string | null]>(
    `insert into history (message_id, sequence, at, what, queue_id, reason, person)
     values (?, (select coalesce(max(sequence), 0) + 1 from history where message_id = ?), ?, ?, ?, ?, ?)`)
  return {
    add: (message, at, what, queue = null, reason = null, person = null) => { add.run(message, message, at.getTime(), what, queue, reason, person) },
  }
}
