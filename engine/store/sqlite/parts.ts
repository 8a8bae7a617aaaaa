/** What every operation of the store is made of, and the shape that operations have. */
import type { Database } from 'better-sqlite3'
import type { MessageArchive, MessageStore } from '../../contracts.js'
import { type Attachments, openAttachments } from './attachments.js'
import { type HistoryWriter, openHistory } from './history.js'
import { type Names, openNames } from './names.js'

/** The methods of a contract as plain functions on the database: the same arguments, and the result at once. */
export type Synchronous<Contract> = {
  readonly [Name in keyof Contract]: Contract[Name] extends (...given: infer Given) => Promise<infer Result> ? (...given: Given) => Result : never
}
export type StoreOperations = Synchronous<Omit<MessageStore, 'close'>>
export interface ArchiveOperations extends Synchronous<Omit<MessageArchive, 'search' | 'textIndexed' | 'expire'>> {
  /** The oldest messages of a channel that may be forgotten: their content, or all of them. */
  expirable(channel: string, what: 'content' | 'facts', receivedBefore: Date, limit: number): readonly number[]
  /** Forgets those of these messages that still may be. Returns how many. */
  forget(ids: readonly number[], what: 'content' | 'facts'): number
}

export interface Parts {
  readonly database: Database
  readonly names: Names
  readonly history: HistoryWriter
  readonly attachments: Attachments
}

export const openParts = (database: Database): Parts => ({
  database, names: openNames(database), history: openHistory(database), attachments: openAttachments(database),
})

/** How many bytes one call may bring into memory; the first message or delivery always comes, whatever its size. */
export const MOST_BYTES = 16 * 1024 * 1024

/** As many of the first rows as together stay below `MOST_BYTES`, and one at least. */
export const affordable = <Row extends { readonly size: number }>(rows: readonly Row[]): readonly Row[] => {
  let left = MOST_BYTES
  return rows.filter(({ size }, position) => {
    left = left >= size || position === 0 ? left - size : -1
    return left >= 0 || position === 0
  })
}
