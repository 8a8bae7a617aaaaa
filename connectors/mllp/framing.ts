/** MLLP blocks: VT, content, FS, CR (HL7 Transport Specification: MLLP, release 1 and 2). Bytes only; nothing here knows HL7. */

const VT = 0x0b
const FS = 0x1c
const CR = 0x0d
const LF = 0x0a
const OPENING = 3 // bytes by which a block that was begun again is known: the content's own beginning, "MSH"
const HEAD = 4096 // bytes of a block that is not taken, for whoever must answer it
const COPIED = 65_536 // bytes up to which a payload is copied into one frame, so that it leaves in one packet

/** What a deframer tells. The buffers are views of what was read: nobody may write to them. */
export interface Blocks {
  /** One block's content. */
  block(content: Buffer): void
  /** Something that is no block and is not taken. `head` is its beginning (at most 4 kB), `at` the offset of an offending byte. */
  malformed(fault: BlockFault, head: Buffer, at: number): void
  /** Bytes between blocks; `ending` where they are only line ends. */
  stray(bytes: Buffer, ending: boolean): void
  /** Whether so many bytes more may be held for blocks not yet whole (less than 0: given back). */
  hold(bytes: number): boolean
}

/**
 * Why a block is not taken. `restarted`: it was begun again before it ended, and what comes after is taken instead.
 * `control`: it holds a VT or FS, which MLLP allows in no content. `long`, `crowded`: nothing after it can be read either.
 */
export type BlockFault = 'restarted' | 'control' | 'long' | 'crowded'

/** Finds blocks in whatever pieces they arrive. A block within one piece is not copied, and no byte is looked at again when more arrive. */
export class Deframer {
  readonly #blocks: Blocks
  readonly #longest: number
  readonly #needsReturn: boolean
  #inside = false
  #ended = false // the last byte was an FS: the next one decides
  #embedded = false // an FS that ended nothing lies in this block
  #held: Buffer | null = null
  #length = 0 // bytes of #held that are content
  #broken = false

  /** `longest`: bytes of content. `needsReturn`: a block ends with FS CR only; otherwise also with FS and a next block, or `settle`. */
  constructor(blocks: Blocks, longest: number, needsReturn: boolean) {
    this.#blocks = blocks
    this.#longest = longest
    this.#needsReturn = needsReturn
  }

  /** A block has begun and has not ended. */
  get inside(): boolean {
    return this.#inside
  }

  /** All of a block but its last CR has arrived: `settle` may end it. */
  get ended(): boolean {
    return this.#ended && !this.#needsReturn
  }

  push(piece: Buffer): void {
    let at = 0
    while (at < piece.length && !this.#broken) {
      if (!this.#inside) {
        const start = piece.indexOf(VT, at)
        if (start !== at) this.#stray(piece.subarray(at, start < 0 ? piece.length : start))
        if (start < 0) return
        this.#inside = true
        at = start + 1
      } else if (this.#ended) {
        this.#ended = false
        const next = piece[at]
        if (next === CR) at += 1
        if (next === CR || (next === VT && !this.#needsReturn)) this.#whole(this.#take())
        else this.#embedded = this.#keep(FS_BYTE)
      } else at = this.#content(piece, at)
    }
  }

  /** Nothing followed for a moment, or will: a block that lacks only its CR is whole, unless it must have one. */
  settle(): void {
    if (!this.ended) return
    this.#ended = false
    this.#whole(this.#take())
  }

  /** Gives back what is held; nothing is read any more. */
  end(): void {
    this.#broken = true
    this.#take()
  }

  /** Reads content from `from` to the next FS and what decides about it; returns where to go on. */
  #content(piece: Buffer, from: number): number {
    const end = piece.indexOf(FS, from)
    if (end < 0) {
      this.#keep(piece.subarray(from))
      return piece.length
    }
    const next = piece[end + 1]
    const ends = next === CR || (next === VT && !this.#needsReturn)
    if (ends && !this.#held && end - from <= this.#longest) {
      this.#inside = false
      this.#whole(piece.subarray(from, end))
    } else {
      if (!this.#keep(piece.subarray(from, end))) return piece.length
      if (ends) this.#whole(this.#take())
      else this.#ended = true
    }
    return ends && next === CR ? end + 2 : end + 1
  }

  /** Adds to the block under way; false where that is one too many, and nothing more is read. */
  #keep(part: Buffer): boolean {
    if (part.length === 0) return true
    const length = this.#length + part.length
    if (length > this.#longest) return this.#break('long', part)
    if (!this.#held || length > this.#held.length) {
      const room = Math.min(Math.max(2 * length, 1024), this.#longest)
      if (!this.#blocks.hold(room - (this.#held?.length ?? 0))) return this.#break('crowded', part)
      const larger = Buffer.allocUnsafeSlow(room)
      this.#held?.copy(larger, 0, 0, this.#length)
      this.#held = larger
    }
    part.copy(this.#held, this.#length)
    this.#length = length
    return true
  }

  #break(fault: BlockFault, part: Buffer): false {
    const head = Buffer.concat([this.#held?.subarray(0, Math.min(this.#length, HEAD)) ?? part.subarray(0, 0), part.subarray(0, HEAD)])
    const at = this.#length + part.length
    this.end()
    this.#blocks.malformed(fault, head.subarray(0, HEAD), at)
    return false
  }

  #take(): Buffer {
    const content = this.#held?.subarray(0, this.#length) ?? Buffer.alloc(0)
    if (this.#held) this.#blocks.hold(-this.#held.length)
    this.#held = null
    this.#length = 0
    this.#inside = false
    this.#ended = false
    return content
  }

  #whole(content: Buffer): void {
    const embedded = this.#embedded
    this.#embedded = false
    if (embedded || content.includes(VT)) this.#examine(content)
    else this.#blocks.block(content)
  }

  /** A block with a VT in it was begun again (then the last beginning counts), or holds what no content may. */
  #examine(content: Buffer): void {
    let first = 0
    while (content[first] === VT) first += 1
    const again = content.lastIndexOf(Buffer.concat([Buffer.of(VT), content.subarray(first, first + OPENING)]))
    if (again > first && content.length - first >= OPENING) this.#blocks.malformed('restarted', content.subarray(first, first + HEAD), again)
    const rest = content.subarray(again > first ? again + 1 : first)
    const at = forbidden(rest)
    if (at < 0) this.#blocks.block(rest)
    else this.#blocks.malformed('control', rest.subarray(0, HEAD), at)
  }

  #stray(bytes: Buffer): void {
    this.#blocks.stray(bytes, bytes.every((byte) => byte === CR || byte === LF))
  }
}

const FS_BYTE = Buffer.of(FS)

/** Where `content` holds a VT or an FS, which no block may; -1 where it does not. */
export const forbidden = (content: Buffer): number => {
  const vt = content.indexOf(VT)
  const fs = content.indexOf(FS)
  return vt < 0 ? fs : fs < 0 ? vt : Math.min(vt, fs)
}

/** Writes `contents` as blocks: one buffer and one packet where they are small, uncopied where they are large. False: wait for `drain`. */
export function writeBlocks(socket: Writable, contents: readonly Buffer[], written?: (error?: Error | null) => void): boolean {
  const total = contents.reduce((sum, content) => sum + content.length + 3, 0)
  if (total <= COPIED) return socket.write(joined(contents, total), written)
  socket.cork()
  let ready = true
  contents.forEach((content, n) => {
    socket.write(BEGINNING)
    socket.write(content)
    ready = socket.write(ENDING, n === contents.length - 1 ? written : undefined)
  })
  socket.uncork()
  return ready
}

/** As much of a socket as writing needs. */
export interface Writable {
  write(bytes: Buffer, written?: (error?: Error | null) => void): boolean
  cork(): void
  uncork(): void
}

function joined(contents: readonly Buffer[], total: number): Buffer {
  const frame = Buffer.allocUnsafe(total)
  let at = 0
  for (const content of contents) {
    frame[at] = VT
    content.copy(frame, at + 1)
    at += content.length + 3
    frame[at - 2] = FS
    frame[at - 1] = CR
  }
  return frame
}

const BEGINNING = Buffer.of(VT)
const ENDING = Buffer.of(FS, CR)
