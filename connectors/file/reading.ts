/** Reads one file whole, and only if nobody is writing it. */
import type { BigIntStats } from 'node:fs'
import { constants, open } from 'node:fs/promises'
import { isSame, ledgerKey, type Reading, type Seen, unusable } from '../../engine/files/arrivals.js'

export const seenAs = (name: string, { size, mtimeNs }: BigIntStats): Seen => ({ name, size, changed: mtimeNs })

/** Rejects with the system's error where it cannot be opened or read. A link or a pipe put in its place is not followed. */
export const readWhole = async (path: string, seen: Seen, maximum: number): Promise<Reading> => {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    const now = async (): Promise<BigIntStats> => file.stat({ bigint: true })
    const before = await now()
    if (!before.isFile()) return { kind: 'unusable', reason: 'It is not a regular file.' }
    if (!isSame(seen, seenAs(seen.name, before))) return { kind: 'changed' }
    const reason = unusable(before.size, maximum)
    if (reason !== null) return { kind: 'unusable', reason }
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
