/** How a reply lies in its message's row: verdict, reason, and the acknowledgements one after the other, each with its length. */
import type { Reply, Verdict } from '../../contracts.js'

export interface ReplyColumns {
  readonly verdict: Verdict | null
  readonly reply_reason: string | null
  readonly acknowledgements: Buffer | null
}

/** The acknowledgements as one blob: each is preceded by its length, four bytes, big-endian. */
export const packAcknowledgements = ({ acknowledgements }: Reply): Buffer =>
  Buffer.concat(acknowledgements.flatMap((bytes) => {
    const length = Buffer.allocUnsafe(4)
    length.writeUInt32BE(bytes.length)
    return [length, bytes]
  }))

/** The reply in a row, byte for byte; null where there is none (yet, or any more). */
export const readReply = ({ verdict, reply_reason, acknowledgements }: ReplyColumns): Reply | null => {
  if (verdict === null || acknowledgements === null) return null
  const list: Buffer[] = []
  for (let at = 0; at < acknowledgements.length;) {
    const end = at + 4 + acknowledgements.readUInt32BE(at)
    list.push(acknowledgements.subarray(at + 4, end))
    at = end
  }
  return { verdict, reason: reply_reason, acknowledgements: list }
}
