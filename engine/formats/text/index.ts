/** Text, or any bytes, carried as received: for what is only passed on, stored or cut into lines. */
import { Type } from 'typebox'
import { defineFormat } from '../../define.js'
import { MessageFault } from '../../errors.js'

const NO_PATHS = 'text has no fields, so that there is no path into it; write a script, or use another format'

export default defineFormat({
  name: 'text',
  summary: 'Anything, passed on byte for byte. It has no fields and no acknowledgement; it can be split into its lines.',
  settings: Type.Object({ size: Type.Integer({ default: 50_000_000, minimum: 1, maximum: 500_000_000, description: 'The most bytes that a message may have.' }) }, { additionalProperties: false }),
  examples: [{ size: 1_000_000 }],
  create({ size }) {
    const within = (bytes: Buffer): Buffer => {
      if (bytes.length > size) throw new MessageFault({ kind: 'unreadable', reason: `the text is ${bytes.length} bytes long, and at most ${size} are taken; the setting is \`size\`` })
      return bytes
    }
    const noPath = (): never => {
      throw new MessageFault({ kind: 'internal', reason: NO_PATHS })
    }
    return {
      name: 'text',
      readHeader(bytes) {
        within(bytes)
        return { controlId: null, type: null }
      },
      parse: within,
      serialize: asBytes,
      acknowledge: () => null,
      separate: () => null,
      assemble: (_, acknowledgements) => Buffer.concat(acknowledgements),
      checkPath: () => NO_PATHS,
      read: noPath,
      write: noPath,
      split: (body, by) => linesOf(asBytes(body), by),
      orderKeys: noPath,
    }
  },
})

/** A step may make text of a string; it is written as UTF-8. */
const asBytes = (body: unknown): Buffer => {
  if (Buffer.isBuffer(body)) return body
  if (typeof body === 'string') return Buffer.from(body, 'utf8')
  throw new TypeError('the body of a text message is a string or bytes')
}

/** Each line without its line break (CR, LF or both), empty ones left out. */
const linesOf = (bytes: Buffer, by: string): readonly Buffer[] => {
  if (by !== 'line') throw new MessageFault({ kind: 'internal', reason: `text cannot be split by "${by}"; it is split by line` })
  const lines: Buffer[] = []
  for (let from = 0, to = 0; to <= bytes.length; to++) {
    if (to < bytes.length && bytes[to] !== 0x0d && bytes[to] !== 0x0a) continue
    if (to > from) lines.push(bytes.subarray(from, to))
    from = to + 1
  }
  return lines
}
