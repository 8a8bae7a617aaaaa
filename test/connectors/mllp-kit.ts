/** What the tests of MLLP share: synthetic messages, a raw sender, a raw receiver, and a source or destination under test. */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type t from 'tap'
import destination from '../../connectors/mllp/destination.js'
import source from '../../connectors/mllp/source.js'
import type { Inbound, MessageFormat, Receive, Reply, Tools, Verdict } from '../../engine/contracts.js'
import hl7v2 from '../../engine/formats/hl7v2/index.js'
import { replyTo } from '../../engine/replies.js'
import { connectorTools, deliveryOf } from '../conformance/connectors.js'

export type Suite = Pick<typeof t, 'teardown'>
type SourceSettings = Parameters<typeof source.create>[0]
type DestinationSettings = Parameters<typeof destination.create>[0]

export const VT = '\x0b'
export const END = '\x1c\r'
/** Of the synthetic patient in every message here: never in a log. */
export const SECRETS = ['EVERYWOMAN', '19620114', 'MRN777']

export const message = (id: string, note = '', mode = ''): string =>
  `MSH|^~\\&|SENDER|CLINIC|REFERO|PRACTICE|20260101120000||ADT^A04|${id}|P|2.5.1|||${mode}\rPID|1||MRN777^^^CLINIC||EVERYWOMAN^EVE||19620114|F\r${note ? `NTE|1||${note}\r` : ''}`
export const block = (content: string): string => `${VT}${content}${END}`

/** Tools with the real format, which writes the answers that the listener itself must give. */
export function toolsWith(given: Partial<Tools> = {}) {
  const made = connectorTools({ format: () => format, ...given })
  const [settings] = hl7v2.examples
  if (!settings) throw new Error('hl7v2 has no example')
  const format: MessageFormat = hl7v2.create(settings, made.tools)
  return made
}

const { tools: plainTools } = toolsWith()

/** The reply of the engine to a message. */
export const replyOf = ({ bytes }: Inbound, verdict: Verdict = 'accepted'): Reply =>
  replyTo(plainTools.format('hl7v2'), bytes, verdict, verdict === 'accepted' ? undefined : { kind: 'unsupported', reason: 'not today' })

/** A started source: where it listens, what it took, what it logged. */
export async function listening(s: Suite, settings: Partial<SourceSettings> = {}, receive?: Receive, given: Partial<Tools> = {}) {
  const { tools, lines } = toolsWith(given)
  const taken: Inbound[] = []
  const made = source.create({ port: 0, ...settings }, tools)
  const at = await made.start(async (inbound, early) => {
    taken.push(inbound)
    return receive ? receive(inbound, early) : replyOf(inbound)
  })
  s.teardown(() => made.stop())
  const said = (level: string): string[] => lines.filter((line) => line.level === level).map(({ event }) => event)
  return { source: made, at, port: Number(new URL(at).port), taken, lines, said, ids: () => taken.map(({ bytes }) => controlIdOf(bytes.toString('latin1'))) }
}

export const controlIdOf = (content: string): string => content.split('\r')[0]?.split('|')[9] ?? ''

/** A started destination's `send`, and what it logged. */
export function calling(s: Suite, port: number, settings: Partial<DestinationSettings> = {}) {
  const { tools, lines } = toolsWith()
  const made = destination.create({ host: '127.0.0.1', port, ...settings }, tools)
  s.teardown(() => made.close())
  const send = (content: string | Buffer, signal = new AbortController().signal) => made.deliver(deliveryOf(Buffer.from(content)), signal)
  return { destination: made, send, lines }
}

/** The other end of a connection, for either side: what it read so far, block by block. */
export class Peer {
  readonly socket: Socket
  /** Resolves when the connection is gone, with how it ended. */
  readonly closed: Promise<'end' | 'reset'>
  #text = ''
  #waiting: (() => void)[] = []
  #over = false

  constructor(socket: Socket) {
    this.socket = socket
    let failed = false
    socket.setNoDelay(true)
    socket.on('data', (piece: Buffer) => {
      this.#text += piece.toString('latin1')
      this.#wake()
    })
    socket.on('error', () => {
      failed = true
    })
    socket.on('end', () => this.#finish())
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#finish()
        resolve(failed ? 'reset' : 'end')
      })
    })
  }

  write(text: string | Buffer): void {
    this.socket.write(typeof text === 'string' ? Buffer.from(text, 'latin1') : text)
  }

  /** The next block's content; null once the other end has closed. */
  async next(): Promise<string | null> {
    for (;;) {
      const end = this.#text.indexOf(END)
      if (end >= 0) {
        const content = this.#text.slice(this.#text.indexOf(VT) + 1, end)
        this.#text = this.#text.slice(end + END.length)
        return content
      }
      if (this.#over) return null
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  /** Code, control id and words of the next acknowledgement. */
  async acknowledgement(): Promise<{ code: string; controlId: string; all: string } | null> {
    const all = await this.next()
    if (all === null) return null
    const [, code = '', controlId = ''] = all.split('\r').find((line) => line.startsWith('MSA'))?.split('|') ?? []
    return { code, controlId, all }
  }

  #finish(): void {
    this.#over = true
    this.#wake()
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}

/** A raw sender, connected. */
export async function sender(s: Suite, port: number, options: { allowHalfOpen?: boolean } = {}): Promise<Peer> {
  const socket = connect({ port, host: '127.0.0.1', ...options })
  s.teardown(() => {
    socket.destroy()
  })
  await once(socket, 'connect')
  return new Peer(socket)
}

/** A raw receiver: `accept` gives its connections one after the other. */
export async function receiver(s: Suite, port = 0) {
  const waiting: ((peer: Peer) => void)[] = []
  const come: Peer[] = []
  const peers: Peer[] = []
  const server: Server = createServer((socket) => {
    const peer = new Peer(socket)
    peers.push(peer)
    const next = waiting.shift()
    if (next) next(peer)
    else come.push(peer)
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const close = async (): Promise<void> => {
    for (const peer of peers) peer.socket.destroy()
    if (server.listening) await new Promise((resolve) => server.close(resolve))
  }
  s.teardown(close)
  const accept = (): Promise<Peer> => {
    const peer = come.shift()
    return peer ? Promise.resolve(peer) : new Promise((resolve) => waiting.push(resolve))
  }
  return { port: (server.address() as AddressInfo).port, accept, close, count: () => peers.length }
}

/** An acknowledgement as a receiver writes it. */
export const acknowledge = (code: string, controlId: string): string => block(`MSH|^~\\&|THEM|X|US|Y|20260101||ACK^A04|A1|P|2.5.1\rMSA|${code}|${controlId}\r`)

/** Resolves once `condition` holds, looked at after each turn of the event loop. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(setImmediate)
}
