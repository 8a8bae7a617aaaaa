/** One connection to a mail server: what the mailbox needs of it, and what its failures mean without quoting anything. */
import type { ImapFlow } from 'imapflow'
import type { Log } from '../../engine/contracts.js'

export interface Account {
  readonly host: string
  readonly port: number
  readonly tls: 'implicit' | 'required' | 'none'
  readonly servername: string | null
  readonly user: string
  readonly password?: string
  readonly token?: string
  /** The authorities, read anew for each connection; null are the well-known ones. Throws a sentence. */
  readonly authorities: () => string | null
  readonly maximum: number // bytes of a mail
}

const CONNECTING = 15_000 // milliseconds
const ANSWER = 120_000 // milliseconds that a server may take for one

/** Connects and logs in. Rejects with a sentence that quotes no server. */
export const connect = async (account: Account, log: Log): Promise<ImapFlow> => {
  const { host, port, tls, servername, user, password, token, maximum } = account
  const ca = account.authorities()
  const { ImapFlow: Client } = await import('imapflow') // when it is needed: an engine without a mailbox does without it
  const client = new Client({
    host, port, secure: tls === 'implicit', doSTARTTLS: tls === 'required', ...(servername !== null && { servername }),
    tls: { minVersion: 'TLSv1.2', ...(ca !== null && { ca }) },
    auth: { user, ...(password !== undefined && { pass: password }), ...(token !== undefined && { accessToken: token }) },
    logger: false, disableAutoIdle: true, clientInfo: { name: 'Refero' },
    connectionTimeout: CONNECTING, greetingTimeout: CONNECTING, socketTimeout: ANSWER,
    maxLiteralSize: maximum + 1024 ** 2, maxResponseSize: maximum + 8 * 1024 ** 2, maxLineLength: 8 * 1024 ** 2,
  })
  client.on('error', (error: Error) => log('debug', 'a connection to a mailbox ended in an error', { error }))
  try {
    await client.connect()
    return client
  } catch (error) {
    client.close()
    throw new Error(`${host.includes(':') ? `[${host}]` : host}:${port}: ${meaning(error, tls)}.`, { cause: error })
  }
}

const SENTENCES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there', ENOTFOUND: 'its name cannot be found', EAI_AGAIN: 'its name cannot be found now', EHOSTUNREACH: 'no way leads to its host', ECONNRESET: 'the connection was reset',
  CONNECT_TIMEOUT: 'it did not answer in time', GREETING_TIMEOUT: 'it did not answer in time', ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS there; `tls: required` is STARTTLS',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate has another name; `servername` can say it',
}

const meaning = (error: unknown, tls: Account['tls']): string => {
  const { code = 'no reason', authenticationFailed, tlsFailed } = error as Error & { code?: string; authenticationFailed?: boolean; tlsFailed?: boolean }
  if (authenticationFailed) return 'our user and password or token are not accepted there'
  if (SENTENCES[code]) return `${SENTENCES[code]} (${code})`
  if (/CERT|SIGNATURE|ISSUER/.test(code)) return `its certificate is not trusted (${code}); \`ca\` says whose are`
  return tlsFailed || (tls === 'required' && /TLS/i.test(code)) ? `it offers no TLS, which \`tls: required\` asks for (${code})` : `it cannot be reached (${code})`
}
