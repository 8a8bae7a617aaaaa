/** A mailbox that is watched: each mail is given to the engine once, in order, and put where it belongs; a lost connection is made again for ever. */
import type { ImapFlow } from 'imapflow'
import type { Receive, Reply, SourceConnector, Tools } from '../../engine/contracts.js'
import { sentence } from '../../engine/errors.js'
import { pretended } from '../../engine/formats/mime/pretended.js'
import { type Account, connect } from './connection.js'
import { Ledger } from './ledger.js'

const FIRST_PAUSE = 1000 // milliseconds, then twice as long each time
const LONGEST_PAUSE = 5 * 60_000
const FAREWELL = 8000 // milliseconds that the mail in hand has when the source stops

export interface MailboxSettings extends Account {
  readonly mailbox: string
  readonly take: 'unseen' | 'all'
  readonly after: 'seen' | 'move' | 'delete'
  readonly done: string | null
  readonly failed: string | null
  readonly every: number // milliseconds
}

/** The engine could not keep a mail now: it and those after it wait. */
class NotNow extends Error {}

export class Mailbox implements SourceConnector {
  readonly #settings: MailboxSettings
  readonly #tools: Tools
  readonly #name: string
  readonly #ledger: Ledger
  #running = new AbortController()
  #client: ImapFlow | null = null
  #ended: Promise<void> = Promise.resolve()
  #trouble: string | null = null

  constructor(settings: MailboxSettings, tools: Tools) {
    const { host, port, user, mailbox } = settings
    this.#settings = settings
    this.#tools = tools
    this.#name = `imap:${user}@${host}:${port}/${mailbox}`
    this.#ledger = new Ledger(tools.dataFolder, this.#name)
  }

  async start(receive: Receive): Promise<string> {
    if (this.#settings.password === '') throw new Error('`password` is empty: name a secret, as `${secret:mailbox}`, or set the variable that stands there.')
    this.#running = new AbortController()
    const first = await this.#open()
    this.#ended = this.#run(first, receive, this.#running.signal)
    const { host, port, tls, mailbox } = this.#settings
    return `imap${tls === 'implicit' ? 's' : ''}://${host.includes(':') ? `[${host}]` : host}:${port}/${encodeURIComponent(mailbox)}`
  }

  connections(): number {
    return this.#client?.usable ? 1 : 0
  }

  trouble(): string | null {
    return this.#trouble
  }

  async stop(): Promise<void> {
    this.#running.abort()
    const late = setTimeout(() => this.#client?.close(), FAREWELL)
    await this.#ended
    clearTimeout(late)
  }

  async #run(first: ImapFlow, receive: Receive, stopped: AbortSignal): Promise<void> {
    let client: ImapFlow | null = first
    let pause = FIRST_PAUSE
    const went = (): void => {
      pause = FIRST_PAUSE
      if (this.#trouble !== null) this.#tools.log('info', 'a mailbox is read again', this.#facts())
      this.#trouble = null
    }
    while (!stopped.aborted) {
      try {
        client ??= await this.#open()
        await this.#watch(client, receive, stopped, went)
      } catch (error) {
        if (!stopped.aborted) this.#failed(error)
      }
      if (client) await this.#leave(client, stopped.aborted)
      client = null
      await this.#tools.clock.sleep(pause, stopped)
      pause = Math.min(pause * 2, LONGEST_PAUSE)
    }
    if (client) await this.#leave(client, true)
  }

  /** A connection with the folders that are needed and the mailbox open. */
  async #open(): Promise<ImapFlow> {
    const { mailbox, done, failed } = this.#settings
    const client = await connect(this.#settings, this.#tools.log)
    this.#client = client
    try {
      for (const folder of [done, failed]) if (folder !== null) await client.mailboxCreate(folder)
      await client.mailboxOpen(mailbox)
      return client
    } catch (error) {
      client.close()
      throw new Error(`The mailbox or a folder cannot be opened there (${codeOf(error)}).`, { cause: error })
    }
  }

  /** Takes what is there, and waits for more, until the connection ends or the source stops. */
  async #watch(client: ImapFlow, receive: Receive, stopped: AbortSignal, went: () => void): Promise<void> {
    const { every } = this.#settings
    const put = new Set<number>() // what has been given and stays where it is
    for (;;) {
      const over = new AbortController()
      const wake = (): void => over.abort()
      client.on('exists', wake).on('close', wake)
      stopped.addEventListener('abort', wake)
      try {
        await this.#drain(client, put, receive, stopped)
        if (stopped.aborted) return
        went()
        if (client.capabilities.has('IDLE')) client.idle().catch(wake)
        await this.#tools.clock.sleep(every, over.signal)
      } finally {
        client.off('exists', wake).off('close', wake)
        stopped.removeEventListener('abort', wake)
      }
      if (stopped.aborted) return
      if (!client.usable) throw new Error('The connection was lost.')
    }
  }

  async #drain(client: ImapFlow, put: Set<number>, receive: Receive, stopped: AbortSignal): Promise<void> {
    const { take } = this.#settings
    const validity = client.mailbox ? client.mailbox.uidValidity : 0n
    const last = take === 'all' ? await this.#ledger.last(validity) : 0
    const found = await client.search(take === 'all' ? { uid: `${last + 1}:*` } : { seen: false }, { uid: true })
    if (!found) throw new Error('The mailbox cannot be searched.')
    for (const uid of found.filter((one) => one > last && !put.has(one)).sort((one, other) => one - other)) {
      if (stopped.aborted) return
      await this.#take(client, validity, uid, receive)
      put.add(uid)
      if (take === 'all') await this.#ledger.write(validity, uid)
    }
  }

  async #take(client: ImapFlow, validity: bigint, uid: number, receive: Receive): Promise<void> {
    const { maximum } = this.#settings
    const seen = await client.fetchOne(String(uid), { uid: true, size: true }, { uid: true })
    if (!seen) return // somebody has deleted it
    if ((seen.size ?? 0) > maximum) return this.#putAside(client, uid, 'a mail is too large and was not taken', { bytes: seen.size })
    const fetched = await client.fetchOne(String(uid), { uid: true, source: true }, { uid: true })
    const bytes = fetched ? fetched.source : undefined
    if (bytes === undefined) return
    if (pretended(bytes) !== null) return this.#putAside(client, uid, 'a mail pretends to be composed by Refero and was not taken')
    let reply: Reply
    try {
      reply = await receive({ bytes, origin: `${this.#name};uid=${uid}`, key: `${this.#name};validity=${validity};uid=${uid}` })
    } catch (error) {
      throw new NotNow('a mail could not be handed over', { cause: error })
    }
    if (reply.verdict === 'error') throw new NotNow('the engine could not keep a mail')
    if (reply.verdict === 'rejected') await this.#putAside(client, uid, 'a mail was rejected')
    else await this.#keep(client, uid)
  }

  async #keep(client: ImapFlow, uid: number): Promise<void> {
    const { after, done } = this.#settings
    const range = String(uid)
    if (after === 'delete') await this.#did(client.messageDelete(range, { uid: true }))
    else await this.#did(client.messageFlagsAdd(range, ['\\Seen'], { uid: true }))
    if (after === 'move' && done !== null) await this.#did(client.messageMove(range, done, { uid: true }))
  }

  async #putAside(client: ImapFlow, uid: number, event: string, facts: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const { failed } = this.#settings
    this.#tools.log('warn', `${event}; it ${failed === null ? 'stays in its mailbox, flagged' : 'is moved to the folder `failed`'}`, { ...this.#facts(), ...facts })
    await this.#did(client.messageFlagsAdd(String(uid), failed === null ? ['\\Seen', '\\Flagged'] : ['\\Seen'], { uid: true }))
    if (failed !== null) await this.#did(client.messageMove(String(uid), failed, { uid: true }))
  }

  /** A mail that is kept but cannot be put away is given again on the next connection, and known by its key. */
  async #did(work: Promise<unknown>): Promise<void> {
    if ((await work) === false) throw new Error('A mail was taken, but cannot be marked, moved or deleted there.')
  }

  /** Says once what stays wrong. */
  #failed(error: unknown): void {
    const first = this.#trouble === null
    this.#trouble = error instanceof NotNow ? `${error.message}; it and those after it wait in their mailbox` : `a mailbox cannot be read, and is tried again until it can. ${error instanceof Error && error.cause ? sentence(error) : ''}`.trim()
    if (first) this.#tools.log('warn', this.#trouble, { ...this.#facts(), code: codeOf(error) })
  }

  async #leave(client: ImapFlow, politely: boolean): Promise<void> {
    if (politely && client.usable) {
      const answered = new AbortController()
      await Promise.race([client.logout().catch(() => {}), this.#tools.clock.sleep(2000, answered.signal)])
      answered.abort()
    }
    client.close()
    if (this.#client === client) this.#client = null
  }

  #facts(): Readonly<Record<string, unknown>> {
    return { address: this.#settings.host, port: this.#settings.port }
  }
}

const codeOf = (error: unknown): string => {
  const { code, responseStatus, cause } = error as { readonly code?: string; readonly responseStatus?: string; readonly cause?: unknown }
  return code ?? responseStatus ?? (cause ? codeOf(cause) : 'no reason')
}
