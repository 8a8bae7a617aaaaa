/** One connection to a mail server: opened when it is needed, kept for a while, and never used again once it is unclear what an answer on it would be for. */
import { Readable } from 'node:stream'
import type { SecureContextOptions } from 'node:tls'
import SMTPConnection from 'nodemailer/lib/smtp-connection'
import type { Delivery, DestinationConnector, Log, Outcome } from '../../engine/contracts.js'
import { sentence } from '../../engine/errors.js'
import { type Envelope, envelopeOf } from './envelope.js'
import { failureOutcome, type SmtpFailure } from './outcome.js'

const LONGEST_IDLE = 30_000 // milliseconds that a connection is kept for the next mail
const PATIENCE = 15 * 60_000 // milliseconds without a word; the channel's timeout comes first (RFC 5321 §4.5.3.2 asks for ten minutes after DATA)

export interface CallerSettings {
  readonly host: string
  readonly port: number
  readonly tls: 'required' | 'none' | 'implicit'
  readonly servername: string | null
  readonly credentials: { readonly user: string; readonly pass: string } | null
  readonly from: string | null
  readonly notify: readonly ('never' | 'success' | 'failure' | 'delay')[]
  readonly tracks: boolean // whether the response says by what later reports name the mail
  readonly connectTimeout: number // milliseconds
  /** The authorities, read anew for each connection. Throws a sentence. */
  readonly authorities: () => SecureContextOptions
}

export class Caller implements DestinationConnector {
  readonly #settings: CallerSettings
  readonly #log: Log
  readonly #server: string
  #connection: SMTPConnection | null = null // ready for a mail
  #opening: SMTPConnection | null = null
  #idle: NodeJS.Timeout | undefined
  #busy = false

  constructor(settings: CallerSettings, log: Log) {
    this.#settings = settings
    this.#log = log
    this.#server = `${settings.host.includes(':') ? `[${settings.host}]` : settings.host}:${settings.port}`
  }

  async open(): Promise<void> {} // the first delivery connects, as does every one that finds no connection

  async deliver({ payload, id }: Delivery, signal: AbortSignal): Promise<Outcome> {
    const envelope = envelopeOf(payload, this.#settings.from)
    if ('problem' in envelope) return { kind: 'refused', reason: envelope.problem }
    if (this.#busy) return { kind: 'unavailable', reason: `${this.#server} is still being given the mail before` }
    this.#busy = true
    clearTimeout(this.#idle)
    try {
      const connection = (await this.#kept(signal)) ?? (await this.#connect(signal))
      return 'kind' in connection ? connection : await this.#send(connection, envelope, id, signal)
    } finally {
      this.#busy = false
    }
  }

  async close(): Promise<void> {
    clearTimeout(this.#idle)
    this.#opening?.close()
    this.#leave()
  }

  /** The connection of the mail before, where its server still answers on it. */
  #kept(signal: AbortSignal): Promise<SMTPConnection | null> {
    const connection = this.#connection
    if (!connection || signal.aborted) return Promise.resolve(null)
    return new Promise((resolve) => {
      const answer = (usable: boolean): void => {
        signal.removeEventListener('abort', aborted)
        connection.off('end', gone)
        if (!usable) this.#drop(connection)
        resolve(usable ? connection : null)
      }
      const gone = (): void => answer(false)
      const aborted = (): void => answer(false)
      connection.once('end', gone)
      signal.addEventListener('abort', aborted)
      connection.reset((error) => answer(error === null))
    })
  }

  /** A new connection past TLS and login, or why there is none. */
  #connect(signal: AbortSignal): Promise<SMTPConnection | Outcome> {
    const { host, port, tls, servername, credentials, connectTimeout, authorities } = this.#settings
    const late: Outcome = { kind: 'unavailable', reason: `no connection to ${this.#server} within the time allowed` }
    if (signal.aborted) return Promise.resolve(late)
    let connection: SMTPConnection
    try {
      connection = new SMTPConnection({
        host, port, secure: tls === 'implicit', requireTLS: tls === 'required', ignoreTLS: tls === 'none', ...(servername !== null && { servername }), tls: { minVersion: 'TLSv1.2', ...(servername !== null && { servername }), ...authorities() },
        connectionTimeout: connectTimeout, greetingTimeout: connectTimeout, socketTimeout: PATIENCE, socketCloseTimeout: 0, logger: false,
      })
    } catch (error) {
      return Promise.resolve({ kind: 'unavailable', reason: sentence(error) })
    }
    this.#opening = connection
    return new Promise((resolve) => {
      let open = true
      const decided = (result: SMTPConnection | Outcome): void => {
        if (!open) return
        open = false
        this.#opening = null
        signal.removeEventListener('abort', giveUp)
        if ('kind' in result) connection.close()
        else this.#connection = connection
        resolve(result)
      }
      const giveUp = (): void => decided(late)
      const failed = (error: SmtpFailure): void => decided(failureOutcome(this.#server, error, false))
      signal.addEventListener('abort', giveUp)
      connection.on('error', failed)
      connection.once('end', () => {
        decided({ kind: 'unavailable', reason: `${this.#server} closed the connection` })
        this.#drop(connection)
      })
      connection.connect((error) => {
        if (error) failed(error as SmtpFailure)
        else if (!credentials) decided(connection)
        else connection.login({ credentials }, (refusal) => (refusal ? failed(refusal as SmtpFailure) : decided(connection)))
      })
    })
  }

  #send(connection: SMTPConnection, envelope: Envelope, id: number, signal: AbortSignal): Promise<Outcome> {
    const { from, to, tracking, bytes } = envelope
    const { notify, tracks } = this.#settings
    let began = false
    const content = new Readable({
      read() {
        began = true
        this.push(bytes)
        this.push(null)
      },
    })
    const dsn = { return: 'headers', notify: [...notify], ...(envelope.id !== null && { id: envelope.id }) }
    return new Promise((resolve) => {
      const decided = (outcome: Outcome, keep: boolean): void => {
        signal.removeEventListener('abort', aborted)
        if (!keep) this.#drop(connection)
        else if (this.#connection === connection) this.#idle = setTimeout(() => this.#leave(), LONGEST_IDLE).unref()
        resolve(outcome)
      }
      const aborted = (): void => decided({ kind: began ? 'unknown' : 'unavailable', reason: `${this.#server}: no answer within the time allowed` }, false)
      if (signal.aborted) return aborted()
      signal.addEventListener('abort', aborted)
      connection.send({ from, to: [...to], size: bytes.length, use8BitMime: bytes.some((byte) => byte > 0x7f), dsn }, content, (error, info) => {
        if (error || !info) return decided(failureOutcome(this.#server, error as SmtpFailure, began), (error as SmtpFailure).responseCode !== undefined)
        if (info.rejected.length === 0) return decided({ kind: 'sent', response: Buffer.from(tracks && tracking !== null ? JSON.stringify({ tracking, stage: 'accepted' }) : info.response) }, true)
        const code = String((info.rejectedErrors?.[0] as SmtpFailure | undefined)?.responseCode ?? 550)
        this.#log('warn', 'a mail was taken for some of its recipients and not for others', { delivery: id, count: info.rejected.length, code })
        return decided({ kind: 'refused', code, reason: `${this.#server} took it for ${info.accepted.length} of its ${to.length} recipients, and answered ${code} for the others; sent again, it would reach the first twice` }, true)
      })
    })
  }

  /** Says goodbye. */
  #leave(): void {
    const connection = this.#connection
    this.#connection = null
    if (!connection) return
    connection.quit()
    setTimeout(() => connection.close(), 1000).unref()
  }

  #drop(connection: SMTPConnection): void {
    if (this.#connection === connection) this.#connection = null
    connection.close()
  }
}
