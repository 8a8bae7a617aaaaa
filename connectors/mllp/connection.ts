/** One sender's connection: blocks are handed on in order, and their answers go back in the same order. */
import type { Socket } from 'node:net'
import type { Log, Receive } from '../../engine/contracts.js'
import { Deframer, writeBlocks, type BlockFault } from './framing.js'

const MOMENT = 100 // milliseconds after which an FS with nothing behind it has ended its block
const LINGER = 2000 // milliseconds that a sender has to close its end after we closed ours
const MOST_STRAY = 65_536 // bytes that are no block, after which it is not MLLP that is spoken

/** What the connections of one listener share. */
export interface Shared {
  readonly receive: Receive
  readonly log: Log
  readonly limits: Limits
  readonly load: Load
  /** The answer to a block that is not taken, by its beginning; null where none can be made of it. */
  refuse(head: Buffer, verdict: 'rejected' | 'error', reason: string): Buffer | null
  closed(connection: Connection): void
}

export interface Limits {
  readonly block: number // bytes
  readonly blockTime: number // milliseconds from the first byte of a block to its last
  readonly idle: number // milliseconds
  readonly unanswered: number // messages of one connection
  readonly needsReturn: boolean
}

/** Bytes held by all connections of a listener: blocks not yet whole, and messages not yet answered. */
export interface Load {
  bytes: number
  readonly most: number
}

interface Slot {
  answers: readonly Buffer[] | null
  failed: boolean
  readonly bytes: number
}

export class Connection {
  readonly #socket: Socket
  readonly #shared: Shared
  readonly #origin: string
  readonly #address: string
  readonly #deframer: Deframer
  readonly #early = (acknowledgement: Buffer): void => this.#write([acknowledgement])
  readonly #slots: Slot[] = [] // messages taken and not answered, in order
  #flushing = false
  #choked = false // the sender does not read its answers
  #closing = false // nothing more is read
  #closeBy = Number.POSITIVE_INFINITY // performance.now()
  #active = performance.now()
  #begun = 0 // when the block under way began; 0: none is
  #strayed = 0
  #moment: NodeJS.Timeout | undefined

  constructor(socket: Socket, shared: Shared) {
    this.#socket = socket
    this.#shared = shared
    this.#address = plain(socket.remoteAddress)
    this.#origin = `${this.#address}:${socket.remotePort ?? 0}`
    this.#deframer = new Deframer({
      block: (content) => this.#take(content),
      malformed: (fault, head, at) => this.#malformed(fault, head, at),
      stray: (bytes, ending) => this.#stray(bytes, ending),
      hold: (bytes) => this.#hold(bytes),
    }, shared.limits.block, shared.limits.needsReturn)
    socket.on('data', (piece: Buffer) => this.#read(piece))
    socket.on('end', () => this.#ended())
    socket.on('drain', () => {
      this.#choked = false
      this.#go()
    })
    socket.on('error', (error) => this.#say('debug', 'a connection failed', { error }))
    socket.on('close', () => this.#closed())
  }

  /** Takes nothing more; closes once everything taken has been answered. */
  drain(): void {
    this.#closing = true
    clearTimeout(this.#moment)
    this.#deframer.end()
    this.#begun = 0
    this.#socket.resume() // what still comes is thrown away: bytes left unread at the close would take our last answers with them
    this.#go()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  /** Looks whether time is up for a block, an idle sender or a close; called every now and then. */
  check(now: number): void {
    if (now >= this.#closeBy) this.#socket.destroy()
    else if (this.#closing) return
    else if (this.#begun > 0 && !this.#socket.isPaused() && now - this.#begun >= this.#shared.limits.blockTime) {
      this.#say('warn', 'a sender took too long over one message; the connection is closed')
      this.drain()
    } else if (this.#slots.length === 0 && now - this.#active >= this.#shared.limits.idle) {
      this.#say('debug', 'an idle connection is closed')
      this.drain()
    }
  }

  #read(piece: Buffer): void {
    if (this.#closing) return
    if (this.#moment) clearTimeout(this.#moment)
    this.#active = performance.now()
    this.#deframer.push(piece)
    if (this.#closing) return
    if (!this.#deframer.inside) this.#begun = 0
    else if (this.#begun === 0) this.#begun = this.#active
    if (this.#deframer.ended) this.#moment = setTimeout(() => this.#deframer.settle(), MOMENT)
    if (this.#full()) this.#socket.pause()
  }

  #take(bytes: Buffer): void {
    const slot: Slot = { answers: null, failed: false, bytes: bytes.length }
    this.#begun = 0
    this.#slots.push(slot)
    this.#shared.load.bytes += bytes.length
    this.#shared.receive({ bytes, origin: this.#origin }, this.#early).then(
      (reply) => this.#answer(slot, reply.acknowledgements),
      (error: unknown) => {
        this.#say('error', 'a message could not be taken; the connection is closed without an answer', { error })
        slot.failed = true
        this.#answer(slot, [])
      },
    )
  }

  #malformed(fault: BlockFault, head: Buffer, at: number): void {
    const { limits, refuse } = this.#shared
    if (fault === 'restarted') {
      this.#say('warn', 'a message was begun again before it ended; its first part is dropped without an answer', { bytes: at })
      return
    }
    const reason = fault === 'control'
      ? `The message holds a control character (0x0B or 0x1C) at byte ${at}, which MLLP does not allow.`
      : fault === 'long' ? `The message is longer than the ${limits.block} bytes that are allowed.` : 'Too much is being received at once. Send the message again later.'
    this.#say('warn', { control: 'a message holds a control character of MLLP; it is rejected', long: 'a message is too long; it is rejected and the connection is closed',
      crowded: 'the listener holds too many bytes; a message is turned away and the connection is closed' }[fault], { bytes: at })
    const answer = refuse(head, fault === 'crowded' ? 'error' : 'rejected', reason)
    this.#slots.push({ answers: answer ? [answer] : [], failed: false, bytes: 0 })
    if (fault !== 'control') this.drain()
    this.#flush()
  }

  #answer(slot: Slot, answers: readonly Buffer[]): void {
    slot.answers = answers
    if (this.#slots.length === 1) this.#flush()
    else if (!this.#flushing) {
      this.#flushing = true
      process.nextTick(() => this.#flush()) // after the answers of what was stored together: they leave in one packet
    }
  }

  /** Writes what may be written: an answer waits for those of the messages before it. */
  #flush(): void {
    this.#flushing = false
    const answers: Buffer[] = []
    for (let slot = this.#slots[0]; slot?.answers; slot = this.#slots[0]) {
      this.#slots.shift()
      this.#shared.load.bytes -= slot.bytes
      if (slot.failed) this.#socket.destroy()
      else answers.push(...slot.answers)
    }
    if (answers.length > 0) this.#write(answers)
    this.#active = performance.now()
    this.#go()
  }

  #write(answers: readonly Buffer[]): void {
    if (this.#socket.writable && !writeBlocks(this.#socket, answers)) this.#choked = true
  }

  /** Goes on reading, stops reading, or closes, as things stand. */
  #go(): void {
    const socket = this.#socket
    if (socket.destroyed) return
    if (this.#closing) {
      if (this.#slots.length > 0 || !socket.writable) return
      socket.end()
      this.#closeBy = performance.now() + LINGER
    } else if (this.#full()) socket.pause()
    else if (socket.isPaused()) {
      if (this.#begun > 0) this.#begun = performance.now() // it was we who kept it waiting
      socket.resume()
    }
  }

  #full(): boolean {
    const { limits, load } = this.#shared
    return this.#choked || this.#slots.length >= limits.unanswered || (load.bytes > load.most && this.#slots.length > 0)
  }

  #hold(bytes: number): boolean {
    const { load } = this.#shared
    if (bytes > 0 && load.bytes + bytes > load.most) return false
    load.bytes += bytes
    return true
  }

  #stray(bytes: Buffer, ending: boolean): void {
    if (ending) return
    const secure = this.#strayed === 0 && bytes[0] === 0x16 && bytes[1] === 0x03 // a TLS handshake record
    if (secure) this.#say('warn', 'a sender speaks TLS, which this listener does not; the connection is closed')
    else if (this.#strayed === 0) this.#say('warn', 'a sender sends bytes outside of a block; they are skipped', { bytes: bytes.length })
    this.#strayed += bytes.length
    if (this.#strayed > MOST_STRAY) this.#say('warn', 'a sender does not speak MLLP; the connection is closed', { bytes: this.#strayed })
    if (secure || this.#strayed > MOST_STRAY) this.drain()
  }

  /** The sender has nothing more to say, but may still be waiting for its answers. */
  #ended(): void {
    if (this.#closing) return
    this.#deframer.settle()
    if (this.#deframer.inside) this.#say('warn', 'a sender closed the connection in the middle of a message; what came of it is dropped')
    this.drain()
  }

  #closed(): void {
    clearTimeout(this.#moment)
    if (this.#deframer.inside) this.#say('warn', 'a connection broke in the middle of a message; what came of it is dropped')
    this.#deframer.end()
    this.#closing = true
    if (this.#slots.length > 0) this.#say('info', 'a sender left before it was answered', { count: this.#slots.length })
    this.#shared.closed(this)
  }

  #say(level: 'debug' | 'info' | 'warn' | 'error', event: string, facts?: Readonly<Record<string, unknown>>): void {
    this.#shared.log(level, event, { address: this.#address, ...facts })
  }
}

/** An IPv4 address as such, also where the socket speaks IPv6. */
export const plain = (address: string | undefined): string => address?.replace(/^::ffff:(?=[0-9.]+$)/, '') ?? 'unknown'
