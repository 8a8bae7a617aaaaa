/** A listening SMTP port: takes mails within its limits, answers each once the engine has kept it, and closes in order. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { SMTPServer, type SMTPServerAddress, type SMTPServerAuthentication, type SMTPServerDataStream, type SMTPServerSession } from 'smtp-server'
import type { Receive, Reply, SourceConnector, Tools } from '../../engine/contracts.js'
import { pretended } from '../../engine/formats/mime/pretended.js'
import { rateLimit } from '../../engine/web/rate.js'
import { Gathering, type Held } from './gathering.js'
import { type Certificate, readCertificate } from './tls.js'
import { originalRecipient, traceOf } from './trace.js'

const MOST_RECIPIENTS = 100
const WRONG_PASSWORDS = { most: 10, within: 60_000 } // of one address; one more closes its connection
const SILENCE = 60_000 // milliseconds without a byte
const FAREWELL = 1000 // milliseconds that senders have to close when the listener stops
const RENEWAL = 60_000 // milliseconds between two looks at the certificate

export interface ListenerSettings {
  readonly host: string
  readonly port: number
  readonly tls: 'required' | 'optional' | 'none' | 'implicit'
  readonly certificate: Certificate | null
  readonly limits: { readonly maximum: number; readonly within: number; readonly memory: number; readonly connections: number } // bytes and milliseconds
  readonly rate: { readonly mails: number; readonly within: number }
  readonly allowed: (address: string) => boolean
  readonly authenticates: ((user: string, password: string) => boolean) | null // null: nobody is asked
  readonly takes: (recipient: string) => boolean
}

type Answer = (error?: Error | null, text?: string) => void

export class Listener implements SourceConnector {
  readonly #settings: ListenerSettings
  readonly #tools: Tools
  readonly #held: Held
  readonly #watches = new Map<string, AbortController>() // by session: ends what takes too long
  readonly #underWay = new Set<Promise<void>>()
  readonly #withinRate: (sender: string) => boolean
  readonly #mayErr: (address: string) => boolean
  #server: SMTPServer | null = null
  #running = new AbortController()

  constructor(settings: ListenerSettings, tools: Tools) {
    this.#settings = settings
    this.#tools = tools
    this.#held = { bytes: 0, most: settings.limits.memory }
    this.#withinRate = rateLimit(settings.rate.mails, settings.rate.within, tools.clock)
    this.#mayErr = rateLimit(WRONG_PASSWORDS.most, WRONG_PASSWORDS.within, tools.clock)
  }

  async start(receive: Receive): Promise<string> {
    const { host, port, tls, certificate, limits, authenticates } = this.#settings
    const pem = certificate && readCertificate(certificate, this.#tools)
    const server = new SMTPServer({
      secure: tls === 'implicit', ...(pem && { ...pem, minVersion: 'TLSv1.2' as const }),
      disabledCommands: [...(pem && tls !== 'implicit' ? [] : ['STARTTLS']), ...(authenticates ? [] : ['AUTH'])],
      authOptional: authenticates === null, authMethods: ['PLAIN', 'LOGIN'],
      size: limits.maximum, rejectOversized: true, maxClients: limits.connections, maxRecipients: MOST_RECIPIENTS,
      hideDSN: false, hideENHANCEDSTATUSCODES: false, disableReverseLookup: true, logger: false,
      socketTimeout: Math.min(SILENCE, limits.within), closeTimeout: FAREWELL,
      onConnect: (session, done) => done(this.#admit(session)),
      onAuth: (given, session, done) => this.#authenticate(given, session, done),
      onMailFrom: (address, session, done) => done(this.#from(address, session)),
      onRcptTo: ({ address }, session, done) => done(this.#recipient(address, session)),
      onData: (stream, session, done) => this.#take(stream, session, receive, done),
      onClose: (session) => this.#unwatch(session.id),
    })
    server.on('error', (error: Error & { remoteAddress?: string }) => this.#tools.log('debug', 'a connection of a mail sender ended in an error', { address: error.remoteAddress, port, error }))
    const listening = server.listen(port, host)
    await once(listening, 'listening').catch((error: unknown) => {
      throw whyNot(error, host, port)
    })
    this.#server = server
    this.#running = new AbortController()
    if (certificate && pem) void this.#renew(server, certificate, pem, this.#running.signal)
    return `smtp${tls === 'implicit' ? 's' : ''}://${host.includes(':') ? `[${host}]` : host}:${(listening.address() as AddressInfo).port}`
  }

  connections(): number {
    return this.#server?.connections.size ?? 0
  }

  async stop(): Promise<void> {
    const server = this.#server
    if (!server) return
    this.#server = null
    this.#running.abort()
    server.server.close() // nobody new
    await Promise.all(this.#underWay)
    for (const connection of [...server.connections]) connection.send(421, 'Closing; come again later')
    await new Promise<void>((resolve) => server.close(() => resolve()))
  }

  #admit(session: SMTPServerSession): Error | null {
    if (!this.#server) return answer(421, 'Closing; come again later')
    if (!this.#settings.allowed(plain(session.remoteAddress))) {
      this.#tools.log('warn', 'an address that is not allowed tried to send mail', { address: session.remoteAddress, port: this.#settings.port })
      return answer(554, 'Your address may not send here')
    }
    this.#watch(session.id)
    return null
  }

  #authenticate({ username = '', password }: SMTPServerAuthentication, session: SMTPServerSession, done: (error: Error | null, response?: { readonly user: string }) => void): void {
    if (this.#settings.authenticates?.(username, password ?? '')) {
      done(null, { user: username })
      return
    }
    this.#tools.log('warn', 'a mail sender gave a wrong user or password', { address: session.remoteAddress, port: this.#settings.port })
    done(this.#mayErr(session.remoteAddress) ? answer(535, 'The user or the password is wrong') : answer(421, 'Too many wrong passwords; come again later'))
  }

  #from({ address, args }: SMTPServerAddress, session: SMTPServerSession): Error | null {
    if (!this.#server) return answer(421, 'Closing; come again later')
    if (this.#settings.tls === 'required' && !session.secure) return answer(530, 'Must issue a STARTTLS command first')
    if (!this.#withinRate(address === '' ? `<> ${session.remoteAddress}` : address.toLowerCase())) {
      this.#tools.log('warn', 'a sender sends more mails than `rate` allows; they are to come later', { address: session.remoteAddress, port: this.#settings.port })
      return answer(450, 'Too many mails from this sender; come again later')
    }
    const announced = Number(args ? args.SIZE : 0) || 0
    return announced > this.#held.most - this.#held.bytes ? FULL() : null
  }

  #recipient(address: string, session: SMTPServerSession): Error | null {
    if (this.#settings.takes(address)) return null
    this.#tools.log('warn', 'a mail for somebody who is not in `recipients` was refused', { address: session.remoteAddress, port: this.#settings.port })
    return answer(550, 'No mail is taken for this recipient')
  }

  /** Gathers a mail to its end, and answers. What cannot be taken is read to its end all the same: senders hear an answer only then. */
  #take(stream: SMTPServerDataStream, session: SMTPServerSession, receive: Receive, done: Answer): void {
    this.#watch(session.id)
    const gathering = new Gathering(this.#held)
    let full = false
    stream.on('data', (bytes: Buffer) => {
      if (stream.sizeExceeded) gathering.release()
      else if (!full && !gathering.add(bytes)) full = true
    })
    stream.on('error', () => gathering.release()) // the sender went away
    stream.on('end', () => {
      this.#unwatch(session.id)
      const failure = stream.sizeExceeded ? answer(552, 'Too large') : full ? FULL() : gathering.length === 0 ? answer(554, 'The mail is empty') : null
      if (failure) {
        gathering.release()
        this.#tools.log('warn', 'a mail was refused before it was read', { address: session.remoteAddress, port: this.#settings.port, code: (failure as Error & { responseCode: number }).responseCode })
        this.#watch(session.id)
        return done(failure)
      }
      const answered = this.#hand(gathering, session, receive).then((said) => {
        if (this.#server) this.#watch(session.id)
        done(said, 'Kept')
      }).finally(() => {
        gathering.release()
        this.#underWay.delete(answered)
      })
      this.#underWay.add(answered)
    })
  }

  /** Gives a whole mail to the engine; what its sender is to be told, null where it is kept. Never rejects. */
  async #hand(gathering: Gathering, { envelope, remoteAddress, remotePort }: SMTPServerSession, receive: Receive): Promise<Error | null> {
    const [first] = envelope.rcptTo
    const from = envelope.mailFrom ? envelope.mailFrom.address : ''
    const original = envelope.rcptTo.length === 1 ? originalRecipient(first?.dsn?.orcpt) : null
    const bytes = gathering.join((beginning) => traceOf({ from, to: envelope.rcptTo.map(({ address }) => address), original }, beginning))
    const lie = pretended(bytes)
    if (lie !== null) {
      this.#tools.log('warn', 'a mail was refused that pretends to be composed by Refero', { address: remoteAddress, port: this.#settings.port })
      return answer(554, lie)
    }
    try {
      return told(await receive({ bytes, origin: `${remoteAddress.includes(':') ? `[${remoteAddress}]` : remoteAddress}:${remotePort}` }))
    } catch (error) {
      this.#tools.log('error', 'a mail could not be handed over; its sender is told to send it again', { error, port: this.#settings.port })
      return LATER()
    }
  }

  /** Closes a connection that has not brought a mail within the time allowed from now. */
  #watch(session: string): void {
    this.#unwatch(session)
    const watch = new AbortController()
    this.#watches.set(session, watch)
    void this.#tools.clock.sleep(this.#settings.limits.within, watch.signal).then(() => {
      if (watch.signal.aborted) return
      const connection = [...(this.#server?.connections ?? [])].find(({ id }) => id === session)
      this.#tools.log('warn', 'a mail did not arrive in time; its connection is closed', { address: connection?.remoteAddress, port: this.#settings.port })
      connection?.send(421, 'The mail did not arrive in time')
    })
  }

  #unwatch(session: string): void {
    this.#watches.get(session)?.abort()
    this.#watches.delete(session)
  }

  async #renew(server: SMTPServer, certificate: Certificate, first: Certificate, stopped: AbortSignal): Promise<void> {
    for (let current = first; ;) {
      await this.#tools.clock.sleep(RENEWAL, stopped)
      if (stopped.aborted) return
      try {
        const read = readCertificate(certificate, this.#tools)
        if (read.cert === current.cert && read.key === current.key) continue
        server.updateSecureContext({ ...read })
        current = read
        this.#tools.log('info', 'took up a new certificate', { port: this.#settings.port })
      } catch (error) {
        this.#tools.log('warn', 'a new certificate cannot be used; the one before it stays', { port: this.#settings.port, error })
      }
    }
  }
}

/** 250, 554 and 451: what a verdict is in SMTP. */
const told = ({ verdict, reason }: Reply): Error | null =>
  verdict === 'accepted' ? null : verdict === 'rejected' ? answer(554, `The mail is rejected: ${reason ?? 'it cannot be used'}`) : LATER()

const answer = (responseCode: number, text: string): Error => Object.assign(new Error(ascii(text)), { responseCode })
const FULL = (): Error => answer(452, 'Too many large mails at once; come again later')
const LATER = (): Error => answer(451, 'The mail could not be kept; send it again later')

const ascii = (text: string): string => text.replace(/[‘’]/g, "'").replace(/[“”]/g, '"').replace(/[^\x20-\x7e]/g, '?').slice(0, 400)

/** An IPv4 address that a socket of both families writes as IPv6, as it is. */
const plain = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, '')

const whyNot = (error: unknown, host: string, port: number): unknown => {
  const { code = '' } = error as NodeJS.ErrnoException
  const why = { EADDRINUSE: 'another program listens there', EACCES: 'the system does not allow it', EADDRNOTAVAIL: 'this machine does not have that address' }[code]
  return why ? new Error(`Port ${port} of ${host} cannot be had: ${why} (${code}).`, { cause: error }) : error
}
