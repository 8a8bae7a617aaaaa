/** Where bytes lie: small ones in the row that they belong to, large ones once each in a table of their own. */
import { hash } from 'node:crypto'
import type { Database, Statement } from 'better-sqlite3'

/** From how many bytes on something is an attachment: kept once, however many rows refer to it. */
export const ATTACHMENT_SIZE = 1024 * 1024

/** Bytes in the row, or the number of the attachment that holds them. */
export interface Placed {
  readonly bytes: Buffer | null
  readonly attachment: number | null
}

export interface Attachments {
  /** Finds the place for bytes; `digest` is their SHA-256 where it is known already. */
  place(bytes: Buffer, digest?: Buffer | null): Placed
  /** Brings placed bytes back; null where there are none. */
  fetch(bytes: Buffer | null, attachment: number | null): Buffer | null
  /** Removes those of these attachments that nothing refers to any more. */
  release(attachments: readonly number[]): void
}

export const sha256 = (bytes: Buffer): Buffer => hash('sha256', bytes, 'buffer')

export const openAttachments = (database: Database): Attachments => {
  const find = database.prepare<[Buffer], number>('select id from attachment where hash = ?').pluck() as Statement<[Buffer], number>
  const insert = database.prepare<[Buffer, Buffer]>('insert into attachment (hash, bytes) values (?, ?)')
  const read = database.prepare<[number], Buffer>('select bytes from attachment where id = ?').pluck() as Statement<[number], Buffer>
  const remove = database.prepare<[number]>(`
    delete from attachment where id = ?
       and not exists (select 1 from message_bytes where attachment_id = attachment.id)
       and not exists (select 1 from payload where attachment_id = attachment.id)
       and not exists (select 1 from delivery where response_attachment_id = attachment.id)`)
  return {
    place: (bytes, digest) => {
      if (bytes.length <= ATTACHMENT_SIZE) return { bytes, attachment: null }
      const key = digest ?? sha256(bytes)
      return { bytes: null, attachment: find.get(key) ?? Number(insert.run(key, bytes).lastInsertRowid) }
    },
    fetch: (bytes, attachment) => (attachment === null ? bytes : read.get(attachment) ?? null),
    release: (attachments) => { for (const id of new Set(attachments)) remove.run(id) },
  }
}
