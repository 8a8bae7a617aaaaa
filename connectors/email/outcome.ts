/** What an answer, or the lack of one, says of a mail. Servers' sentences may name people: only their codes are repeated. */
import type { Outcome } from '../../engine/contracts.js'

/** What nodemailer tells of a failure. */
export interface SmtpFailure extends Error {
  readonly code?: string
  readonly originalCode?: string
  readonly command?: string // at which command: CONN, EHLO, STARTTLS, AUTH …, MAIL FROM, RCPT TO, DATA
  readonly response?: string
  readonly responseCode?: number
}

/** About the message itself; what is answered at other times is about the connection, and no reason to give the message up. */
const ABOUT_THE_MESSAGE = /^(MAIL FROM|RCPT TO|DATA)$/
/** Authentication is wanted, or was not enough (RFC 4954): ours to mend. */
const CREDENTIALS = new Set([454, 530, 534, 535, 538])

const SENTENCES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there', ENOTFOUND: 'its name cannot be found', EAI_AGAIN: 'its name cannot be found now', EHOSTUNREACH: 'no way leads to its host', ENETUNREACH: 'no way leads to its network',
  ECONNRESET: 'the connection was reset', EPIPE: 'the connection was closed', ETIMEDOUT: 'it did not answer in time', EDNS: 'its name cannot be found', ECONNECTION: 'the connection was closed', ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS there',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate has another name; `servername` can say it',
}

/** `began`: whether the first byte of the message had been given to the socket. */
export const failureOutcome = (server: string, failure: SmtpFailure, began: boolean): Outcome => {
  const { command = '', response, responseCode } = failure
  if (responseCode !== undefined) {
    const code = String(responseCode)
    const reason = `${server} answered ${codesIn(response ?? code)}${command === '' || command === 'CONN' ? '' : ` to ${command.replace(/^AUTH.*/, 'AUTH')}`}`
    if (CREDENTIALS.has(responseCode) || command.startsWith('AUTH')) return { kind: 'unavailable', reason: `${reason}: our user and password are not accepted there`, code }
    if (responseCode < 500 || !ABOUT_THE_MESSAGE.test(command)) return { kind: 'unavailable', reason, code }
    return { kind: 'refused', reason, code, ...(response !== undefined && { response: Buffer.from(response) }) }
  }
  if (began) return { kind: 'unknown', reason: `${server}: the connection ended before the mail was answered (${codeOf(failure)})` }
  if (failure.code === 'EMESSAGE') return { kind: 'refused', reason: `${server} takes no mail of this size`, code: '552' }
  if (failure.code === 'EENVELOPE') return { kind: 'refused', reason: `${server} cannot be given these addresses`, code: '553' }
  return { kind: 'unavailable', reason: `${server}: ${sentenceOf(failure)}` }
}

const sentenceOf = (failure: SmtpFailure): string => {
  const code = codeOf(failure)
  if (failure.command === 'EHLO' || failure.command === 'STARTTLS') return `it offers no TLS, which \`tls: required\` asks for (${code})`
  if (/CERT|SIGNATURE|ISSUER/.test(code) && !SENTENCES[code]) return `its certificate is not trusted (${code}); \`ca\` says whose are`
  return SENTENCES[code] ? `${SENTENCES[code]} (${code})` : `it cannot be reached (${code})`
}

const codeOf = ({ code, originalCode, cause }: SmtpFailure): string => originalCode ?? (cause as SmtpFailure | undefined)?.code ?? code ?? 'no reason'

/** "550 5.1.1" of "550 5.1.1 <jane@example> unknown" */
const codesIn = (response: string): string => /^\d{3}(?:[ -][245]\.\d{1,3}\.\d{1,3}\b)?/.exec(response)?.[0].replace('-', ' ') ?? 'nothing that can be read'
