/** One connection to an SFTP server whose host key is known, made when it is needed and again after it was lost. */
import { createHash } from 'node:crypto'
import type { SFTPWrapper } from 'ssh2'
import Client from 'ssh2-sftp-client'
import { type Static, Type } from 'typebox'
import type { Tools } from '../../engine/contracts.js'
import { keyText } from '../../engine/files/key-text.js'
import { Duration, duration, withDefault } from '../../engine/units.js'
import { isLoopback } from '../../engine/web/allow.js'

const DEFAULTS = { port: 22, connectTimeout: '20s' } as const
const ALIVE = { interval: 10_000, misses: 3 } // milliseconds between questions to a silent server, and how many may stay without answer
const LONGEST = 2 ** 31 - 1 // milliseconds a timer can hold
const Fingerprint = Type.String({ pattern: '^SHA256:[A-Za-z0-9+/]{43}=?$' })

/** The settings of both ends. */
export const serverSettings = {
  host: Type.String({ minLength: 1, maxLength: 253, pattern: '^[A-Za-z0-9._:-]+$', description: 'The server.' }),
  port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535, default: DEFAULTS.port, description: 'Its port.' })),
  user: Type.String({ minLength: 1, maxLength: 255, description: 'Our name there.' }),
  password: Type.Optional(Type.String({ minLength: 1, maxLength: 5000, description: `Our password there: \`\${secret:name}\`.` })),
  key: Type.Optional(Type.String({ minLength: 1, maxLength: 100_000, description: `Our private key (OpenSSH or PEM): its text (\`\${secret:name}\`), or a file beside the channel’s own.` })),
  passphrase: Type.Optional(Type.String({ minLength: 1, maxLength: 1000, description: `What the key is locked with: \`\${secret:name}\`.` })),
  hostKey: Type.Optional(Type.Union([Fingerprint, Type.Array(Fingerprint, { minItems: 1, maxItems: 20 })], {
    description: 'The fingerprint of the server’s host key, as `ssh-keygen -lf` shows it: `SHA256:…`; several while it is being replaced. Needed unless the server is this machine: a server that is not known may be anybody’s.',
  })),
  connectTimeout: Type.Optional(withDefault(Duration, DEFAULTS.connectTimeout, 'How long connecting may take.')),
}
const Server = Type.Object(serverSettings)
export type Server = Static<typeof Server>

/** Throws a sentence where settings contradict each other or say too little. */
export const checkServer = ({ host, password, key, passphrase, hostKey }: Server): void => {
  if (hostKey === undefined && !isLoopback(host)) throw new Error('`hostKey` is needed: the fingerprint of the server’s host key, SHA256:…, as the server’s owner tells it (`ssh-keygen -lf`). Without it, the server could be anybody’s.')
  if ((password === undefined) === (key === undefined)) throw new Error('Set one of `password` and `key`.')
  if (passphrase !== undefined && key === undefined) throw new Error('`passphrase` unlocks `key`, which is not set.')
}

/** What a server or a connection fails with: a sentence that names no file, and whether the server itself said no. */
export class SftpError extends Error {
  constructor(message: string, readonly code: string, readonly answered = false) {
    super(message)
    this.name = 'SftpError'
  }
}

const STATUS: Readonly<Record<number, readonly [code: string, sentence: string]>> = {
  2: ['ENOENT', 'what was asked for is not there'], 3: ['EACCES', 'the server does not allow it'], 4: ['EFAILED', 'the server failed to do it'], 8: ['EUNSUPPORTED', 'the server cannot do it'],
}

/** One request, which calls back as Node's do. */
type Ask<T> = (sftp: SFTPWrapper, done: (error: Error | null | undefined, result?: T) => void) => void

/** A connection that was made; once it is lost, whoever waits for it is told. */
interface Session { readonly client: Client; readonly waiting: Set<(error: Error) => void>; lost: SftpError | null; sftp: SFTPWrapper | null }

export class Connection {
  readonly #settings: Server
  readonly #tools: Tools
  #session: Session | null = null
  #connecting: Promise<SFTPWrapper> | null = null

  constructor(settings: Server, tools: Tools) {
    this.#settings = settings
    this.#tools = tools
  }

  /** Connects unless that is done. Rejects with an SftpError. */
  async connect(): Promise<void> {
    if (this.#session === null || this.#session.lost) {
      this.#session = this.#opened()
      this.#connecting = this.#connect(this.#session)
    }
    await this.#connecting
  }

  /** Asks the server for one thing. Rejects with an SftpError: `answered` where the server refused, else the connection was lost and it may have done it. */
  async ask<T>(request: Ask<T>): Promise<T> {
    await this.connect()
    const session = this.#session
    return new Promise<T>((resolve, reject) => {
      if (!session?.sftp || session.lost) return reject(session?.lost ?? closed())
      session.waiting.add(reject)
      request(session.sftp, (error, result) => {
        session.waiting.delete(reject)
        if (error) reject(told(error))
        else resolve(result as T)
      })
    })
  }

  /** Ends the connection; what was being asked rejects. */
  async close(): Promise<void> {
    const session = this.#session
    this.#session = null
    if (session) lose(session, closed())
  }

  #opened(): Session {
    const { host } = this.#settings
    const gone = (error?: unknown): void => lose(session, new SftpError(`${host}: the connection was lost.`, (error as NodeJS.ErrnoException | undefined)?.code ?? 'ECONNRESET'))
    const client = new Client(this.#tools.channel, { error: gone, end: () => gone(), close: () => gone() })
    const session: Session = { client, waiting: new Set(), lost: null, sftp: null }
    client.on('close', () => gone())
    return session
  }

  async #connect(session: Session): Promise<SFTPWrapper> {
    const { host, port = DEFAULTS.port, user, password, key, passphrase, hostKey, connectTimeout = DEFAULTS.connectTimeout } = this.#settings
    const known = hostKey === undefined ? null : [hostKey].flat().map((one) => one.replace(/=$/, ''))
    let strange = false
    try {
      session.sftp = await session.client.connect({
        host, port, username: user, readyTimeout: Math.min(duration(connectTimeout), LONGEST), keepaliveInterval: ALIVE.interval, keepaliveCountMax: ALIVE.misses,
        ...(password !== undefined && { password }), ...(key !== undefined && { privateKey: keyText('key', key, this.#tools) }), ...(passphrase !== undefined && { passphrase }),
        hostVerifier: (shown: Buffer) => {
          strange = known !== null && !known.includes(`SHA256:${createHash('sha256').update(shown).digest('base64').replace(/=+$/, '')}`)
          return !strange
        },
      })
      if (session.lost) throw session.lost
      return session.sftp
    } catch (error) {
      const why = strange ? new SftpError(`${host}: the server shows another host key than \`hostKey\`; ask its owner whether it was replaced.`, 'EHOSTKEY') : whyNot(error, host)
      lose(session, why)
      throw why
    }
  }
}

const lose = (session: Session, why: SftpError): void => {
  session.lost ??= why
  for (const reject of session.waiting) reject(session.lost)
  session.waiting.clear()
  void session.client.end().catch(() => undefined)
}

const closed = (): SftpError => new SftpError('The connection was closed.', 'ECLOSED')

const whyNot = (error: unknown, host: string): SftpError => {
  if (error instanceof SftpError) return error
  const { code = 'UNKNOWN', message } = error as NodeJS.ErrnoException
  const why = /authentication methods failed/.test(message) ? ['EAUTH', 'the server does not accept our user and key or password']
    : /passphrase|privateKey|private key/i.test(message) ? ['EKEY', '`key` cannot be used: it is no private key, or `passphrase` does not unlock it']
    : /is neither the text of a key/.test(message) ? ['EKEY', message.replace(/\.$/, '')]
    : /Timed out|timeout/i.test(message) ? ['ETIMEDOUT', 'the server did not answer in time']
    : [code === 'ERR_GENERIC_CLIENT' ? 'UNKNOWN' : code, 'it cannot be connected to']
  return new SftpError(`${host}: ${why[1]} (${why[0]}).`, why[0] ?? code)
}

/** What the server answered; its own words may name a file. A request that died with its connection has no status. */
const told = (error: Error): SftpError => {
  const { code } = error as unknown as { code?: unknown }
  const [name, sentence] = (typeof code === 'number' && STATUS[code]) || ['UNKNOWN', 'the request failed']
  return new SftpError(`${sentence} (${name}).`, name, typeof code === 'number' && code !== 6 && code !== 7)
}
