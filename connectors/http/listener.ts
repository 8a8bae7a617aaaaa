/** A web server on a port of its own, shared by the paths of several channels; it closes with its last path. */
import type { EventEmitter } from 'node:events'
import http, { type IncomingMessage } from 'node:http'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { finished } from 'node:stream/promises'
import fastify, { type FastifyInstance, type FastifyReply } from 'fastify'
import type { Static } from 'typebox'
import type { Tools, WebRequest, WebResponse } from '../../engine/contracts.js'
import { complaint, later } from '../../engine/web/answers.js'
import { type Held, readBody } from './body.js'
import type { Entry } from './entry.js'
import { spokenTo } from '../../engine/web/in-fhir.js'
import { readTls, type ServerTls } from '../../engine/web/tls.js'

export interface Place { readonly host: string; readonly port: number; readonly tls: Static<typeof ServerTls> | null }

/** One path's part in a listener. */
export interface Listening {
  readonly url: string
  /** Gives the path up; resolves once what it was answering has been handed to the network. */
  leave(): Promise<void>
}

const LIMITS = { connections: 1000, headers: 10_000, idle: 72_000, unread: 10_000, farewell: 5000, certificate: 60_000 } // milliseconds, but for connections
const listeners = new Map<string, Listener>()

/** Serves an entry; rejects with a sentence where the port cannot be had, or is used in another way. */
export const listen = async (place: Place, entry: Entry, tools: Tools): Promise<Listening> => {
  for (;;) {
    const listener = (place.port > 0 && listeners.get(keyOf(place.host, place.port))) || new Listener(place, tools)
    await listener.ready
    if (listener.closing) await listener.closing
    else return listener.enter(place, entry)
  }
}

const keyOf = (host: string, port: number): string => `${host} ${port}`

class Listener {
  readonly ready: Promise<void>
  closing: Promise<void> | null = null
  readonly #place: Place
  readonly #tools: Tools
  readonly #entries = new Map<string, Entry>()
  readonly #left = new Set<string>() // paths served here before: their senders are told to come again
  readonly #answering = new Map<Entry, Set<Promise<void>>>()
  readonly #held: Held = { bytes: 0 }
  readonly #closed = new AbortController()
  #port: number
  #server: FastifyInstance | null = null

  constructor(place: Place, tools: Tools) {
    this.#place = place
    this.#port = place.port
    this.#tools = tools
    if (place.port > 0) listeners.set(keyOf(place.host, place.port), this)
    this.ready = this.#open().catch((error: unknown) => {
      this.#forget()
      throw whyNot(error, place)
    })
  }

  enter(place: Place, entry: Entry): Listening {
    if (JSON.stringify(place.tls) !== JSON.stringify(this.#place.tls)) throw new Error(`Port ${this.#port} is shared with a channel whose \`tls\` is different; make both the same.`)
    if (this.#entries.has(entry.path)) throw new Error(`${entry.path} on port ${this.#port} is taken by another channel.`)
    this.#entries.set(entry.path, entry)
    this.#left.delete(entry.path)
    const host = place.host.includes(':') ? `[${place.host}]` : place.host
    return { url: `${place.tls ? 'https' : 'http'}://${host}:${this.#port}${entry.path}`, leave: () => this.#leave(entry) }
  }

  async #leave(entry: Entry): Promise<void> {
    if (this.#entries.get(entry.path) !== entry) return this.closing ?? undefined
    this.#entries.delete(entry.path)
    this.#left.add(entry.path)
    if (this.#entries.size === 0) this.closing = this.#close()
    await this.#sent([...(this.#answering.get(entry) ?? [])])
    this.#answering.delete(entry)
    await this.closing
  }

  async #open(): Promise<void> {
    const secrets = this.#place.tls && readTls(this.#place.tls, this.#tools)
    const options = { connectionsCheckingInterval: 1000, headersTimeout: LIMITS.headers, requestTimeout: 0, keepAliveTimeout: LIMITS.idle }
    const secure = secrets && { ...options, ...secrets, ...(secrets.ca && { requestCert: true, rejectUnauthorized: true }) }
    const server = fastify({
      logger: false,
      routerOptions: { maxParamLength: 16_384 },
      serverFactory: (handler) => {
        const raw = secure ? https.createServer(secure, handler) : http.createServer(options, handler)
        raw.maxConnections = LIMITS.connections
        return raw
      },
    })
    // Bodies are read here and kept as they came, whatever their content type says.
    const methods = http.METHODS.filter((method) => method !== 'CONNECT')
    for (const method of methods) server.addHttpMethod(method, { overrideExisting: true })
    server.route({ method: methods, url: '*', exposeHeadRoute: false, handler: (request, reply) => this.#answer(request.raw, reply) })
    this.#server = server
    await server.listen({ host: this.#place.host, port: this.#place.port })
    this.#port = (server.server.address() as AddressInfo).port
    listeners.set(keyOf(this.#place.host, this.#port), this)
    if (secrets && this.#place.tls) void this.#renewCertificates(this.#place.tls, secrets)
  }

  async #close(): Promise<void> {
    const answering = [...this.#answering.values()].flatMap((responses) => [...responses])
    await this.#sent(answering) // first, for a server that closes cuts off answers that are written but not sent
    const closed = this.#server?.close()
    this.#server?.server.closeAllConnections()
    await closed
    this.#forget()
  }

  /** Resolves once answers have been handed to the network, or their senders have had long enough to read them. */
  async #sent(answers: readonly Promise<void>[]): Promise<void> {
    const done = new AbortController()
    await Promise.race([Promise.all(answers), this.#tools.clock.sleep(LIMITS.farewell, done.signal)])
    done.abort()
  }

  #forget(): void {
    this.#closed.abort()
    const key = keyOf(this.#place.host, this.#port)
    if (listeners.get(key) === this) listeners.delete(key)
  }

  async #answer(message: IncomingMessage, reply: FastifyReply): Promise<FastifyReply> {
    const path = (message.url ?? '/').replace(/[?#].*$/s, '')
    const entry = this.#find(path)
    const query = /\?([^#]*)/.exec(message.url ?? '')?.[1]
    const request = { method: message.method ?? '', path, ...(query !== undefined && { query }), headers: message.headers, remote: remoteOf(message) }
    const early = entry ? entry.admit(request) : this.#left.has(path) ? later('The channel of this path is not running.') : complaint(404, 'Nothing is served at this path.')
    if (early || !entry) {
      void readBody(message, { maximum: 0, patience: LIMITS.unread }, this.#held)
      return send(reply, spokenTo(request, early ?? later('Nothing is served here now.')))
    }
    this.#track(entry, finished(reply.raw))
    return send(reply, spokenTo(request, await this.#take(entry, message, request)))
  }

  async #take(entry: Entry, message: IncomingMessage, request: Omit<WebRequest, 'body'>): Promise<WebResponse> {
    const body = await readBody(message, entry, this.#held)
    if (!Buffer.isBuffer(body)) return body ?? complaint(400, 'The body ended before its end.')
    this.#held.bytes += body.length
    try {
      return await entry.take({ ...request, body })
    } finally {
      this.#held.bytes -= body.length
    }
  }

  /** The entry of a path: the very one, or that of the longest folder above it. */
  #find(path: string): Entry | null {
    const above = [...this.#entries.values()].filter((entry) => entry.path.endsWith('/*') && path.startsWith(entry.path.slice(0, -1)))
    return this.#entries.get(path) ?? above.sort((one, other) => other.path.length - one.path.length)[0] ?? null
  }

  #track(entry: Entry, response: Promise<void>): void {
    const responses = this.#answering.get(entry) ?? new Set()
    this.#answering.set(entry, responses)
    const done = response.catch(() => undefined).finally(() => responses.delete(done))
    responses.add(done)
  }

  async #renewCertificates(tls: Static<typeof ServerTls>, first: Readonly<Record<string, string>>): Promise<void> {
    let current = JSON.stringify(first)
    for (;;) {
      await this.#tools.clock.sleep(LIMITS.certificate, this.#closed.signal)
      if (this.#closed.signal.aborted) return
      try {
        const secrets = readTls(tls, this.#tools)
        if (JSON.stringify(secrets) === current) continue
        const server: EventEmitter | undefined = this.#server?.server
        if (server instanceof https.Server) server.setSecureContext(secrets)
        current = JSON.stringify(secrets)
        this.#tools.log('info', 'took up a new certificate', { port: this.#port })
      } catch (error) {
        this.#tools.log('warn', 'a new certificate cannot be used; the one before it stays', { port: this.#port, error })
      }
    }
  }
}

const whyNot = (error: unknown, { host, port }: Place): unknown => {
  const { code = '' } = error as NodeJS.ErrnoException
  const why = { EADDRINUSE: 'another program listens there', EACCES: 'the system does not allow it', EADDRNOTAVAIL: 'this machine does not have that address' }[code]
  return why ? new Error(`Port ${port} of ${host} cannot be had: ${why} (${code}).`, { cause: error }) : error
}

const send = (reply: FastifyReply, { status, headers, body }: WebResponse): FastifyReply => reply.code(status).headers({ 'x-content-type-options': 'nosniff', ...headers }).send(body)

const remoteOf = ({ socket }: IncomingMessage): string => {
  const address = socket.remoteAddress ?? 'unknown'
  return `${address.includes(':') ? `[${address}]` : address}:${socket.remotePort ?? 0}`
}
