/** A session with hfaxd, which speaks a protocol like FTP (RFC 959) with commands for jobs: hfaxd(8). */
import { connect, type Socket } from 'node:net'

const LONGEST_REPLY = 65_536 // bytes

export interface Reply { readonly code: number; readonly text: string }

export class HylafaxClient {
  readonly #socket: Socket
  readonly #host: string
  #received = ''
  #ended: Error | null = null
  #wake: () => void = () => {}

  private constructor(socket: Socket, host: string) {
    this.#socket = socket
    this.#host = host
    const end = (error: Error): void => {
      this.#ended ??= error
      this.#wake()
    }
    socket.setEncoding('latin1').on('data', (text) => {
      this.#received += text
      if (this.#received.length > LONGEST_REPLY) socket.destroy(new Error('hfaxd’s reply has no end.'))
      this.#wake()
    })
    socket.on('error', end).on('close', () => end(new Error('hfaxd closed the connection.')))
  }

  /** Connects, and reads the greeting. Rejects with the system's error. */
  static async open(host: string, port: number, signal: AbortSignal): Promise<HylafaxClient> {
    const client = new HylafaxClient(await connected(host, port, signal), host)
    signal.addEventListener('abort', () => client.close())
    const greeting = await client.#reply()
    if (greeting.code !== 220) throw new Error(`hfaxd greeted with ${greeting.code}.`)
    return client
  }

  /** Sends a command and reads its reply. */
  async ask(command: string): Promise<Reply> {
    this.#socket.write(`${command.replace(/[\r\n\0]+/g, ' ')}\r\n`, 'latin1')
    return this.#reply()
  }

  /** Stores a document for one job; resolves with the name that hfaxd gave it, or with the reply that refuses it. */
  async store(content: Buffer, signal: AbortSignal): Promise<string | Reply> {
    const passive = await this.ask('PASV')
    const [, high, low] = /\(?\d+,\d+,\d+,\d+,(\d+),(\d+)\)?/.exec(passive.text) ?? []
    if (passive.code !== 227 || low === undefined) return passive
    const data = await connected(this.#host, Number(high) * 256 + Number(low), signal) // where it says that it is may be behind a translation
    try {
      const opening = await this.ask('STOT')
      if (opening.code !== 150) return opening
      await new Promise<void>((resolve, reject) => data.on('error', reject).end(content, () => resolve()))
      const stored = await this.#reply()
      const name = /FILE: (\S+?)\)?\.?(?:\s|$)/.exec(`${opening.text} ${stored.text}`)?.[1]
      return stored.code === 226 && name !== undefined ? name : stored
    } finally {
      data.destroySoon()
    }
  }

  close(): void {
    this.#socket.destroy()
  }

  /** The next whole reply: lines `200-` up to one `200 `. */
  async #reply(): Promise<Reply> {
    for (;;) {
      const [whole, code = '', text = ''] = /^(?:\d{3}-.*\r?\n|[^\d].*\r?\n)*(\d{3}) (.*)\r?\n/.exec(this.#received) ?? []
      if (whole !== undefined) {
        this.#received = this.#received.slice(whole.length)
        return { code: Number(code), text }
      }
      if (this.#ended) throw this.#ended
      await new Promise<void>((resolve) => { this.#wake = resolve })
    }
  }
}

const connected = (host: string, port: number, signal: AbortSignal): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host, port })
    const abort = (): void => void socket.destroy(new Error('No answer in time.'))
    signal.addEventListener('abort', abort)
    if (signal.aborted) abort()
    socket.once('connect', () => {
      signal.removeEventListener('abort', abort)
      socket.off('error', reject)
      resolve(socket)
    }).once('error', reject)
  })
