/** One connection to a receiver: opened when it is needed, kept, and never used again once it is unclear what an answer on it would be for. */
import { connect, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'
import type { Delivery, DestinationConnector, Log, Outcome } from '../../engine/contracts.js'
import { sentence } from '../../engine/errors.js'
import { acknowledgementWanted, readAcknowledgement } from '../../engine/formats/hl7v2/acknowledgement.js'
import { Deframer, forbidden, writeBlocks } from './framing.js'
import { codeOf } from './tls.js'

const FAREWELL = 1000 // milliseconds that a receiver has to close its end after we closed ours
const REMEMBERED = 1000 // control ids whose application acknowledgement may still come

export interface CallerSettings {
  readonly host: string
  readonly port: number
  readonly acknowledgement: 'first' | 'application' | 'none'
  readonly connectTimeout: number // milliseconds
  readonly keepAlive: number // milliseconds
  readonly answer: number // bytes
  /** The TLS options, read anew for each connection so that new certificates are used; null: no TLS. */
  readonly secure: (() => ConnectionOptions) | null
}

interface Pending {
  readonly controlId: string
  readonly signal: AbortSignal
  readonly resolve: (outcome: Outcome) => void
}

export class Caller implements DestinationConnector {
  readonly #settings: CallerSettings
  readonly #log: Log
  readonly #receiver: string
  readonly #aborted = (): void => this.#doubt('no acknowledgement within the time allowed')
  readonly #settled = new Set<string>()
  #socket: Socket | null = null // connected, and in step with the receiver
  #opening: Socket | null = null
  #pending: Pending | null = null
  #busy = false
  #stray = 0

  constructor(settings: CallerSettings, log: Log) {
    this.#settings = settings
    this.#log = log
    this.#receiver = `${settings.host.includes(':') ? `[${settings.host}]` : settings.host}:${settings.port}`
  }

  async open(): Promise<void> {} // the first delivery connects, as does every one that finds the connection closed

  deliver({ payload }: Delivery, signal: AbortSignal): Promise<Outcome> {
    const at = forbidden(payload)
    if (at >= 0) return Promise.resolve({ kind: 'refused', reason: `the message holds a control character (0x0B or 0x1C) at byte ${at}, which MLLP cannot carry` })
    if (this.#busy) return Promise.resolve({ kind: 'unavailable', reason: `${this.#receiver} is still being asked about the message before` })
    if (this.#socket) return this.#exchange(this.#socket, payload, signal)
    this.#busy = true
    return this.#connect(signal).then((connected) => {
      this.#busy = false
      return typeof connected === 'string' ? { kind: 'unavailable', reason: connected } : this.#exchange(connected, payload, signal)
    })
  }

  async close(): Promise<void> {
    this.#opening?.destroy()
    if (this.#pending) this.#doubt('the connection was closed before it was acknowledged')
    const socket = this.#socket
    this.#socket = null
    if (!socket) return
    await new Promise<void>((resolve) => {
      const late = setTimeout(() => socket.destroy(), FAREWELL)
      socket.once('close', () => {
        clearTimeout(late)
        resolve()
      })
      socket.end()
    })
  }

  #exchange(socket: Socket, payload: Buffer, signal: AbortSignal): Promise<Outcome> {
    if (signal.aborted) return Promise.resolve({ kind: 'unavailable', reason: `no connection to ${this.#receiver} within the time allowed` })
    const { controlId, first } = acknowledgementWanted(payload)
    const { acknowledgement } = this.#settings
    const silent = acknowledgement === 'none' || (acknowledgement === 'first' && first === 'none')
    return new Promise((resolve) => {
      const pending = { controlId: controlId ?? '', signal, resolve }
      this.#busy = true
      this.#pending = pending
      signal.addEventListener('abort', this.#aborted)
      writeBlocks(socket, [payload], silent ? (error) => {
        if (error || this.#pending !== pending) return // the close of the socket says what became of it
        this.#remember(pending.controlId)
        this.#settle({ kind: 'sent' })
      } : undefined)
    })
  }

  #settle(outcome: Outcome): void {
    const pending = this.#pending
    if (!pending) return
    this.#pending = null
    this.#busy = false
    pending.signal.removeEventListener('abort', this.#aborted)
    pending.resolve(outcome)
  }

  /** What was sent may have been taken. The connection goes: an answer that still came on it would be taken for the next message's. */
  #doubt(reason: string): void {
    this.#drop()
    this.#settle({ kind: 'unknown', reason: `${this.#receiver}: ${reason}` })
  }

  #drop(): void {
    this.#socket?.destroy()
    this.#socket = null
    this.#settled.clear()
  }

  #answered(answer: Buffer): void {
    const acknowledgement = readAcknowledgement(answer)
    const pending = this.#pending
    const code = acknowledgement?.code ?? ''
    const controlId = acknowledgement?.controlId ?? ''
    if (!acknowledgement) this.#unexpected('the answer is no acknowledgement')
    else if (pending && controlId === pending.controlId) this.#judge(code, controlId, answer)
    else if (!this.#settled.delete(controlId)) this.#unexpected('the answer is to another message')
    else if (code !== 'AA') this.#log('warn', 'a receiver did not acknowledge a message that it had taken before', { address: this.#settings.host, port: this.#settings.port, code })
  }

  #judge(code: string, controlId: string, answer: Buffer): void {
    if (code === 'CA' && this.#settings.acknowledgement === 'application') return
    if (code === 'CA') this.#remember(controlId)
    if (code === 'AA' || code === 'CA') this.#settle({ kind: 'sent', response: answer })
    else if (code === 'AE' || code === 'CE') this.#settle({ kind: 'refused', code, reason: `${this.#receiver} answered ${code}: it failed on the message`, response: answer })
    else if (code === 'AR' || code === 'CR') this.#settle({ kind: 'refused', code, reason: `${this.#receiver} answered ${code}: it rejects the message`, response: answer })
    else this.#doubt('the acknowledgement has a code that HL7 does not have')
  }

  #unexpected(reason: string): void {
    if (!this.#pending) this.#log('warn', 'a receiver answered when nothing was asked; the connection is closed', { address: this.#settings.host, port: this.#settings.port })
    this.#doubt(reason)
  }

  #remember(controlId: string): void {
    if (this.#settled.size >= REMEMBERED) for (const oldest of this.#settled) {
      this.#settled.delete(oldest)
      break
    }
    this.#settled.add(controlId)
  }

  /** Resolves with the socket, or why there is none. */
  #connect(signal: AbortSignal): Promise<Socket | string> {
    const { host, port, secure, keepAlive, connectTimeout } = this.#settings
    const late = `no connection to ${this.#receiver} within the time allowed`
    if (signal.aborted) return Promise.resolve(late)
    let socket: Socket
    try {
      const tcp = { host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAlive }
      socket = secure ? connectTls({ ...tcp, ...secure() }) : connect(tcp)
    } catch (error) {
      return Promise.resolve(sentence(error))
    }
    return new Promise((resolve) => {
      let reason = late
      let fault: unknown
      const giveUp = (): void => {
        socket.destroy()
      }
      const timer = setTimeout(giveUp, connectTimeout)
      this.#opening = socket
      const decided = (result: Socket | string): void => {
        this.#opening = null
        clearTimeout(timer)
        signal.removeEventListener('abort', giveUp)
        resolve(result)
      }
      signal.addEventListener('abort', giveUp)
      socket.once(secure ? 'secureConnect' : 'connect', () => {
        this.#socket = socket
        this.#stray = 0
        decided(socket)
      })
      socket.on('error', (error) => {
        fault = error
        reason = `${this.#receiver} ${meaningOf(error)}`
      })
      socket.on('end', () => this.#lost(socket, fault))
      socket.on('close', () => {
        this.#lost(socket, fault)
        decided(reason)
      })
      this.#listen(socket)
    })
  }

  #listen(socket: Socket): void {
    const trusted = (): boolean => this.#socket === socket
    const answers = new Deframer({
      block: (answer) => {
        if (trusted()) this.#answered(answer)
      },
      malformed: (fault) => {
        if (trusted() && fault !== 'restarted') this.#unexpected(fault === 'long' ? 'the answer is too long' : 'the answer holds a control character of MLLP')
      },
      stray: (bytes) => {
        this.#stray += bytes.length
        if (trusted() && this.#stray > this.#settings.answer) this.#unexpected('the answer is not MLLP')
      },
      hold: () => true,
    }, this.#settings.answer, false)
    socket.on('data', (piece: Buffer) => {
      answers.push(piece)
      answers.settle()
    })
  }

  /** The receiver closed: nothing is ever written to this socket again. */
  #lost(socket: Socket, fault: unknown): void {
    if (this.#socket !== socket) return
    const code = fault === undefined ? '' : codeOf(fault)
    // In TLS 1.3 a receiver refuses a certificate when the handshake is over for us; it has read nothing then.
    if (/ALERT_.*(CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED)/.test(code)) this.#settle({ kind: 'unavailable', reason: `${this.#receiver} ends the TLS connection (${code})` })
    if (this.#pending) this.#doubt(code ? `the connection broke before it was acknowledged (${code})` : 'it closed the connection before it acknowledged')
    socket.destroy()
    this.#socket = null
    this.#settled.clear()
  }
}

function meaningOf(error: Error): string {
  const code = codeOf(error)
  if (code === 'ECONNREFUSED') return 'refuses connections: nothing listens there'
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'cannot be found: its name has no address'
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return 'shows a certificate with another name; `tls.servername` can name it'
  if (/CERT|SIGNATURE|ISSUER/.test(code)) return `shows a certificate that is not trusted (${code}); \`tls.ca\` says which authorities are`
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER') return 'does not speak TLS'
  return `cannot be reached (${code})`
}
