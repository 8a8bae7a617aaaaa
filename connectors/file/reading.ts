/** Reads one file whole, and only if nobody is writing it. */
import { createHash } from 'node:crypto'
import type { BigIntStats } from 'node:fs'
import { constants, open } from 'node:fs/promises'

/** A file as it was seen in its folder. */
export interface Seen {
  readonly name: string
  readonly size: bigint // bytes
  readonly changed: bigint // nanoseconds since 1970
}

export type Reading =
  | { readonly kind: 'read'; readonly bytes: Buffer; readonly key: string }
  | { readonly kind: 'changed' } // since it was seen, or while it was read
  | { readonly kind: 'unusable'; readonly reason: string }

export const seenAs = (name: string, { size, mtimeNs }: BigIntStats): Seen => ({ name, size, changed: mtimeNs })
export const isSame = (one: Seen, other: Seen): boolean => one.size === other.size && one.changed === other.changed

/** Rejects with the system's error where it cannot be opened or read. A link or a pipe put in its place is not followed. */
export const readWhole = async (path: string, seen: Seen, maximum: number): Promise<Reading> => {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    const now = async (): Promise<BigIntStats> => file.stat({ bigint: true })
    const before = await now()
    if (!before.isFile()) return { kind: 'unusable', reason: 'It is not a regular file.' }
    if (!isSame(seen, seenAs(seen.name, before))) return { kind: 'changed' }
    if (before.size === 0n) return { kind: 'unusable', reason: 'The file is empty.' }
    if (before.size > maximum) return { kind: 'unusable', reason: `The file has ${before.size} bytes; at most ${maximum} are taken (\`maximum\`).` }
    const bytes = Buffer.allocUnsafe(Number(before.size))
    for (let at = 0; at < bytes.length; ) {
      const { bytesRead } = await file.read(bytes, at, bytes.length - at)
      if (bytesRead === 0) return { kind: 'changed' }
      at += bytesRead
    }
    return isSame(seen, seenAs(seen.name, await now())) ? { kind: 'read', bytes, key: ledgerKey(seen, bytes) } : { kind: 'changed' }
  } finally {
    await file.close()
  }
}

/** The same name, size, time and content are the same arrival, however often it is read. Hashed, for names may hold patients. */
const ledgerKey = ({ name, size, changed }: Seen, bytes: Buffer): string =>
  `file:${createHash('sha256').update(JSON.stringify([name, String(size), String(changed)])).update(bytes).digest('hex')}`
