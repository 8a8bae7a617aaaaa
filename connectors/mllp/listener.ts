/** A listening MLLP port: accepts connections within its limits, over TCP or TLS, and closes them in order. */
import { createServer, type DropArgument, type Server, type Socket } from 'node:net'
import { checkServerIdentity, createServer as createTlsServer, type Server as TlsServer, type TLSSocket, type TlsOptions } from 'node:tls'
import type { Log, Receive, SourceConnector, Tools } from '../../engine/contracts.js'
import { sentence } from '../../engine/errors.js'
import { Connection, plain, type Limits, type Load } from './connection.js'
import { codeOf, readTls, tlsFiles, type ListenerTls } from './tls.js'
import { watchFiles } from './watch.js'

const HANDSHAKE = 10_000 // milliseconds
const STOP = 8000 // milliseconds that answers under way have when the listener stops
const BACKLOG = 1024
const KEEP_ALIVE = 60_000 // milliseconds of silence before TCP asks whether the sender is still there

export interface ListenerSettings {
  readonly host: string
  readonly port: number
  readonly tls: ListenerTls | undefined
  readonly connections: number
  readonly allowed: (address: string) => boolean
  readonly limits: Limits
  readonly memory: number // bytes
}

/** `log` is for what senders cause, `tools.log` for what the installation does. */
export class Listener implements SourceConnector {
  readonly #settings: ListenerSettings
  readonly #tools: Tools
  readonly #log: Log
  readonly #connections = new Set<Connection>()
  readonly #handshakes = new Set<Socket>()
  readonly #load: Load
  #server: Server | null = null
  #end: () => void = () => {}
  #emptied: () => void = () => {}

  constructor(settings: ListenerSettings, tools: Tools, log: Log) {
    this.#settings = settings
    this.#tools = tools
    this.#log = log
    this.#load = { bytes: 0, most: settings.memory }
  }

  async start(receive: Receive): Promise<string> {
    const { host, port, tls, connections, limits } = this.#settings
    const shared = {
      receive, limits, log: this.#log, load: this.#load,
      refuse: (head: Buffer, verdict: 'rejected' | 'error', reason: string) => this.#refuse(head, verdict, reason),
      closed: (connection: Connection) => this.#gone(connection),
    }
    const connected = (socket: Socket): void => {
      this.#connections.add(new Connection(socket, shared))
    }
    const server = tls ? this.#secure(tls, connected) : createServer(TCP, (socket) => {
      if (this.#admits(socket)) connected(socket)
    })
    server.maxConnections = connections
    server.on('drop', (drop?: DropArgument) => this.#log('warn', 'too many connections; one more is refused', { address: plain(drop?.remoteAddress), port }))
    await listen(server, host, port)
    server.on('error', (error) => this.#log('warn', 'a connection could not be accepted', { port, error }))
    const every = Math.min(Math.max(Math.min(limits.idle, limits.blockTime) / 4, 10), 1000)
    const timer = setInterval(() => {
      const now = performance.now()
      for (const connection of this.#connections) connection.check(now)
    }, every).unref()
    const unwatch = tls ? this.#rotate(server as TlsServer, tls) : () => {}
    this.#server = server
    this.#end = () => {
      clearInterval(timer)
      unwatch()
    }
    const address = server.address()
    const bound = address && typeof address === 'object' ? address.port : port
    return `${tls ? 'mllps' : 'mllp'}://${host.includes(':') ? `[${host}]` : host}:${bound}`
  }

  connections(): number {
    return this.#connections.size
  }

  async stop(): Promise<void> {
    const server = this.#server
    if (!server) return
    this.#server = null
    const closed = new Promise((resolve) => server.close(resolve))
    const empty = new Promise<void>((resolve) => {
      this.#emptied = resolve
    })
    for (const connection of this.#connections) connection.drain()
    if (this.#connections.size === 0) this.#emptied()
    const late = setTimeout(() => {
      this.#tools.log('warn', 'a listener stopped before everything it had taken was answered', { port: this.#settings.port, count: this.#connections.size })
      this.#destroy()
    }, STOP)
    await empty
    clearTimeout(late)
    this.#end()
    this.#destroy()
    for (const socket of this.#handshakes) socket.destroy()
    await closed
  }

  #destroy(): void {
    for (const connection of this.#connections) connection.destroy()
  }

  #gone(connection: Connection): void {
    this.#connections.delete(connection)
    if (this.#connections.size === 0) this.#emptied()
  }

  #admits(socket: Socket): boolean {
    const allowed = this.#settings.allowed(plain(socket.remoteAddress))
    if (!allowed) this.#turnAway(socket, 'an address that is not allowed tried to connect')
    return allowed
  }

  #turnAway(socket: Socket, why: string): void {
    this.#log('warn', why, { address: plain(socket.remoteAddress), port: this.#settings.port })
    socket.on('error', () => {})
    socket.destroy()
  }

  #secure(tls: ListenerTls, connected: (socket: Socket) => void): TlsServer {
    const server = createTlsServer({ ...TCP, allowHalfOpen: false, ...this.#context(tls), handshakeTimeout: HANDSHAKE })
    const [handshake] = server.listeners('connection') as ((socket: Socket) => void)[]
    server.removeAllListeners('connection')
    server.on('connection', (socket: Socket) => {
      if (!this.#admits(socket)) return
      this.#handshakes.add(socket)
      socket.once('close', () => this.#handshakes.delete(socket))
      handshake?.call(server, socket)
    })
    server.on('secureConnection', (socket) => {
      socket.allowHalfOpen = true // only now: a probe that closes in the handshake is to be closed at once
      const fault = identityFault(tls, socket)
      if (fault === null) connected(socket)
      else this.#turnAway(socket, fault)
    })
    server.on('tlsClientError', (error, socket) => {
      const code = codeOf(error)
      const probe = code === 'ECONNRESET' // connected and left: a load balancer
      this.#log(probe ? 'debug' : 'warn', code === 'ERR_SSL_WRONG_VERSION_NUMBER' ? 'a sender does not speak TLS' : 'a TLS handshake failed', { address: plain(socket.remoteAddress), port: this.#settings.port, code })
    })
    return server
  }

  /** Exchanges certificates while connections stay; a bad file leaves the last good one in use. */
  #rotate(server: TlsServer, tls: ListenerTls): () => void {
    return watchFiles(tlsFiles({ ...tls, ...(tls.clients !== undefined && { ca: tls.clients }) }, this.#tools), () => {
      const { port } = this.#settings
      try {
        server.setSecureContext(this.#context(tls))
        this.#tools.log('info', 'the certificates of a listener were read again; new connections use them', { port })
      } catch (error) {
        this.#tools.log('error', `changed certificates cannot be used, and the ones before stay in use. ${sentence(error)}`, { port })
      }
    })
  }

  #context(tls: ListenerTls): TlsOptions {
    const { clients, clientAuth, names: _, ...own } = tls
    const asks = clients !== undefined && clientAuth !== 'none'
    return { ...readTls({ ...own, ...(clients !== undefined && { ca: clients }) }, this.#tools), requestCert: asks, rejectUnauthorized: false }
  }

  /** MLLP has no word of its own for "no": the answer is HL7's, where the block's beginning is HL7. */
  #refuse(head: Buffer, verdict: 'rejected' | 'error', reason: string): Buffer | null {
    try {
      const format = this.#tools.format('hl7v2')
      const fault = { kind: verdict === 'error' ? 'internal' : 'unsupported', reason } as const
      return format.acknowledge(head, 'stored', verdict, fault) ?? format.acknowledge(head, 'done', verdict, fault)
    } catch {
      return null
    }
  }
}

const TCP = { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE }

/** Why a sender is not admitted by the certificate it shows, or null. Decided here, and not in the handshake, so that the log can say whom and why. */
function identityFault({ clients, clientAuth, names }: ListenerTls, socket: TLSSocket): string | null {
  if (clients === undefined || clientAuth === 'none') return null
  const certificate = socket.getPeerCertificate()
  const shown = Object.keys(certificate).length > 0
  if (!shown && (names || clientAuth !== 'request')) return 'a sender shows no certificate'
  if (shown && !socket.authorized) return 'a sender’s certificate is expired, or not from an authority of `clients`'
  if (names && !names.some((name) => checkServerIdentity(name, certificate) === undefined)) return 'a sender’s certificate has none of the names that are allowed'
  return null
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const code = codeOf(error)
      const meaning: Readonly<Record<string, string>> = {
        EADDRINUSE: `port ${port} on ${host} is in use by another program`,
        EACCES: `port ${port} may not be listened on by this user; take one above 1023, or allow it`,
        EADDRNOTAVAIL: `this machine has no address ${host}`,
        ENOTFOUND: `no address is called ${host}`,
      }
      reject(new Error(`Cannot listen: ${meaning[code] ?? `${host}:${port} fails with ${code}`}.`))
    })
    server.listen({ host, port, backlog: BACKLOG }, () => {
      server.removeAllListeners('error')
      resolve()
    })
  })
}
