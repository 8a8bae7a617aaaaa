/** The properties in a TNEF (MS-OXTNEF §2.1.3.4): text decoded, everything else as its bytes. */
import { MessageFault } from '../../errors.js'

/** By property id (MS-OXPROPS); only those with a fixed id, and of many values the first. */
export type Properties = ReadonlyMap<number, string | Buffer>

const MANY = 0x1000
const NAMED = 0x8000
const TYPE = { string: 0x001e, unicode: 0x001f, binary: 0x0102, object: 0x000d }
/** Bytes of what has always as many (MS-OXCDATA §2.11.1), filled up to four. */
const FIXED: Readonly<Record<number, number>> = { 0: 4, 1: 4, 2: 4, 3: 4, 4: 4, 5: 8, 6: 8, 7: 8, 10: 4, 11: 4, 20: 8, 64: 8, 72: 16 }

/** Reads from the front, and never beyond the end. */
export class TnefReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  take(count: number): Buffer {
    if (count > this.left) throw new MessageFault({ kind: 'unreadable', reason: 'a TNEF (winmail.dat) is cut off' })
    this.#at += count
    return this.#bytes.subarray(this.#at - count, this.#at)
  }

  u16(): number {
    return this.take(2).readUInt16LE(0)
  }

  u32(): number {
    return this.take(4).readUInt32LE(0)
  }

  /** A length, as many bytes, and what fills them up to four; the last of all may not be filled up. */
  counted(): Buffer {
    const value = this.take(this.u32())
    this.take(Math.min((4 - (value.length % 4)) % 4, this.left))
    return value
  }
}

/** Throws a MessageFault where it is cut off or has a type that nobody knows. */
export const readProperties = (bytes: Buffer, charset: string): Properties => {
  const reader = new TnefReader(bytes)
  const found = new Map<number, string | Buffer>()
  for (let left = reader.u32(); left > 0; left--) {
    const type = reader.u16()
    const id = reader.u16()
    if (id >= NAMED) passName(reader)
    const value = readValues(reader, type, charset)
    if (id < NAMED && value !== null && !found.has(id)) found.set(id, value)
  }
  return found
}

const passName = (reader: TnefReader): void => {
  reader.take(16)
  if (reader.u32() === 0) reader.take(4)
  else reader.counted()
}

/** The first value, or null where there is none. */
const readValues = (reader: TnefReader, type: number, charset: string): string | Buffer | null => {
  const kind = type & ~MANY
  const width = FIXED[kind]
  const isCounted = (Object.values(TYPE) as number[]).includes(kind)
  if (width === undefined && !isCounted) throw new MessageFault({ kind: 'unreadable', reason: `a TNEF (winmail.dat) has a property of the type ${type}, which is none` })
  let first: string | Buffer | null = null
  for (let count = isCounted || (type & MANY) !== 0 ? reader.u32() : 1; count > 0; count--) {
    const value = width === undefined ? reader.counted() : reader.take(width)
    first ??= kind === TYPE.unicode ? ended(value.toString('utf16le')) : kind === TYPE.string ? ended(new TextDecoder(charset).decode(value)) : value
  }
  return first
}

const ended = (text: string): string => text.replace(/\0+$/, '')
