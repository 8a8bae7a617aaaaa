/** The compressed RTF of Outlook's mails (MS-OXRTFCP). */
import { MessageFault } from '../../errors.js'

const COMPRESSED = 0x75465a4c
const PLAIN = 0x414c454d
const HEADER = 16
const WINDOW = 4096
const MOST = 20 * 1024 ** 2 // bytes
/** What the window holds at first (MS-OXRTFCP §2.1.2.1). */
const DICTIONARY = '{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx'

/** The RTF. Throws a MessageFault where it is none, or would be larger than 20 MB; what is cut off is RTF up to there. */
export const decompressedRtf = (bytes: Buffer): Buffer => {
  if (bytes.length < HEADER) throw wrong('is cut off')
  const size = bytes.readUInt32LE(4)
  const kind = bytes.readUInt32LE(8)
  if (size > MOST) throw wrong(`would be larger than ${MOST} bytes`)
  if (kind === PLAIN) return bytes.subarray(HEADER, HEADER + size)
  if (kind !== COMPRESSED) throw wrong('is compressed in a way that nobody knows')
  return expanded(bytes, Math.min(size, (bytes.length - HEADER) * 9)) // a byte of flags and eight references of two bytes, each of at most 17
}

const expanded = (bytes: Buffer, size: number): Buffer => {
  const window = Buffer.alloc(WINDOW, 0x20)
  let to = window.write(DICTIONARY, 'latin1')
  const out = Buffer.alloc(size)
  let written = 0
  const put = (byte: number): void => {
    if (written < size) out[written++] = byte
    window[to] = byte
    to = (to + 1) % WINDOW
  }
  for (let at = HEADER; at < bytes.length && written < size;) {
    const flags = bytes[at++] as number
    for (let bit = 0; bit < 8 && at < bytes.length && written < size; bit++) {
      if ((flags & (1 << bit)) === 0) {
        put(bytes[at++] as number)
        continue
      }
      if (at + 1 >= bytes.length) return out.subarray(0, written)
      const reference = bytes.readUInt16BE(at)
      at += 2
      const from = reference >> 4
      if (from === to) return out.subarray(0, written) // the end
      for (let n = 0; n < (reference & 15) + 2; n++) put(window[(from + n) % WINDOW] as number)
    }
  }
  return out.subarray(0, written)
}

const wrong = (what: string): MessageFault => new MessageFault({ kind: 'unreadable', reason: `the RTF text of a TNEF ${what}` })
