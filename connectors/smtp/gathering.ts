/** Gathers the bytes of a mail as they arrive, in blocks, so that a byte at a time costs no more than a mail at once. */
const BLOCK = 256 * 1024

/** How many bytes all mails of a listener together hold, arriving or waiting for their answers. */
export interface Held { bytes: number; readonly most: number }

export class Gathering {
  readonly #held: Held
  readonly #blocks: Buffer[] = []
  #filled = BLOCK // bytes of the last block
  #length = 0
  #given = false

  constructor(held: Held) {
    this.#held = held
  }

  get length(): number {
    return this.#length
  }

  /** Adds bytes; false, and everything is given back, where all mails together would hold too much. */
  add(bytes: Buffer): boolean {
    if (this.#given) return false
    if (this.#held.bytes + bytes.length > this.#held.most) {
      this.release()
      return false
    }
    this.#held.bytes += bytes.length
    this.#length += bytes.length
    for (let from = 0; from < bytes.length;) {
      if (this.#filled === BLOCK) {
        this.#blocks.push(Buffer.allocUnsafeSlow(BLOCK))
        this.#filled = 0
      }
      const block = this.#blocks[this.#blocks.length - 1] as Buffer
      const copied = bytes.copy(block, this.#filled, from)
      this.#filled += copied
      from += copied
    }
    return true
  }

  /** What was gathered, behind `head`, in one piece; the blocks are let go of, and the length counts as held until `release`. */
  join(head: (bytes: Buffer) => Buffer): Buffer {
    const first = (this.#blocks.length > 1 ? this.#blocks[0] : this.#blocks[0]?.subarray(0, this.#filled)) ?? Buffer.alloc(0)
    const before = head(first)
    const last = this.#blocks.pop()?.subarray(0, this.#filled)
    const whole = Buffer.concat([before, ...this.#blocks, ...(last ? [last] : [])])
    this.#blocks.length = 0
    return whole
  }

  /** Gives back what it holds, once. */
  release(): void {
    if (this.#given) return
    this.#given = true
    this.#blocks.length = 0
    this.#held.bytes -= this.#length
  }
}
