/** A fax, and what became of one, as mails. */
import { createHash } from 'node:crypto'
import { TYPES } from '../../engine/documents/kind.js'
import { withBase64 } from '../../engine/formats/mime/base64-lines.js'
import { composeMail } from '../../engine/formats/mime/compose.js'
import { faxAddress } from '../../engine/formats/mime/fax-address.js'
import { faxKind, pageCount } from './document.js'
import type { FaxStatus, ReceivedFax } from './events.js'

export interface NewArrival { readonly bytes: Buffer; readonly key: string }
export interface Naming { readonly name: string; readonly country: string }

const DOMAIN = 'fax.invalid'

/** A received fax as a mail with its document, byte for byte. */
export const faxMail = async (fax: ReceivedFax, document: Buffer, { name, country }: Naming): Promise<NewArrival> => {
  const kind = faxKind(document)
  const pages = (await pageCount(document)) ?? fax.pages
  const head = await composeMail({
    messageId: messageId(name, fax.id),
    date: fax.at,
    from: { name: fax.name ?? '', address: faxAddress(fax.from, country) },
    to: [{ name: '', address: faxAddress(fax.to, country) }],
    subject: pages === null ? 'Fax' : `Fax, ${pages} ${pages === 1 ? 'page' : 'pages'}`,
    headers: { 'X-Refero-Kind': 'fax', 'X-Refero-Fax': `${name}:${fax.id}`, ...(pages !== null && { 'X-Refero-Pages': String(pages) }) },
    attachments: [{ filename: `fax.${kind ?? 'bin'}`, type: kind ? TYPES[kind] : 'application/octet-stream', content: Buffer.alloc(0) }],
  })
  return { bytes: withBase64(head, document), key: `${name}:${fax.id}` }
}

const ACTIONS: Readonly<Record<FaxStatus['stage'], readonly [action: string, status: string]>> = {
  queued: ['relayed', '2.0.0'], sending: ['delayed', '4.0.0'], delivered: ['delivered', '2.0.0'], failed: ['failed', '5.0.0'], uncertain: ['unknown', '4.0.0'],
}

/** What became of a fax, as a delivery status notification (RFC 3464). `X-Refero-Stage` says what its actions cannot tell apart; none of them says that nothing is known. */
export const statusMail = (status: FaxStatus, { name, country }: Naming): NewArrival => {
  const { id, direction, stage, again, says, words, pages, at, tag } = status
  const [action, code] = ACTIONS[stage]
  const other = faxAddress(direction === 'out' ? status.to : status.from, country)
  const ours = faxAddress(direction === 'out' ? status.from : status.to, country)
  const boundary = createHash('sha256').update(`${name}:${id}:${stage}`).digest('hex').slice(0, 24)
  const kind = direction === 'out' ? '' : 'X-Refero-Direction: inbound'
  const report = [
    'Reporting-MTA: x-fax; '.concat(line(name)), ...(tag ? [`Original-Envelope-Id: ${line(tag)}`] : []), '',
    `Final-Recipient: fax; ${(direction === 'out' ? other : ours).split('@', 1)[0]}`, `Action: ${action}`, `Status: ${stage === 'failed' && again ? '4.0.0' : code}`,
    ...(says ? [`Diagnostic-Code: x-fax; ${line(says)}`] : []), ...(pages === null ? [] : [`X-Refero-Pages: ${pages}`]), `X-Refero-Stage: ${stage}`, `Last-Attempt-Date: ${rfc5322(at)}`, '',
  ]
  const lines = [
    `From: <${other}>`, `To: <${ours}>`, `Subject: Fax ${stage}`, `Message-ID: ${messageId(name, `${id}.${direction === 'in' ? 'in.' : ''}${stage}`)}`, `Date: ${rfc5322(at)}`,
    ...(tag && /^<[\x21-\x7e]{3,900}>$/.test(tag) ? [`In-Reply-To: ${tag}`] : []),
    'X-Refero-Kind: fax-status', `X-Refero-Fax: ${line(name)}:${line(id)}`, ...(kind ? [kind] : []), 'MIME-Version: 1.0', `Content-Type: multipart/report; report-type=delivery-status; boundary="${boundary}"`, '',
    `--${boundary}`, 'Content-Type: text/plain; charset=us-ascii', '', sentenceOf(status), ...(words ? [`The service said: ${line(words)}`] : []), '',
    `--${boundary}`, 'Content-Type: message/delivery-status', '', ...report, `--${boundary}--`, '',
  ]
  return { bytes: Buffer.from(lines.join('\r\n'), 'latin1'), key: `${name}:${id}:${direction === 'in' ? 'inbound-' : ''}${stage}` }
}

const sentenceOf = ({ direction, stage, says, pages }: FaxStatus): string =>
  `${direction === 'in' ? 'A fax to us was not received whole' : `A fax of ours is ${stage}`}${says ? `: ${line(says)}` : ''}${pages === null ? '' : ` (${pages} ${pages === 1 ? 'page' : 'pages'})`}.`

const messageId = (name: string, id: string): string => `<${`${name}.${id}`.replace(/[^A-Za-z0-9._-]+/g, '-').slice(0, 200)}@${DOMAIN}>`

/** ASCII in one line. */
const line = (text: string): string => text.replace(/[^\x20-\x7e]+/g, ' ').trim().slice(0, 500)

const rfc5322 = (at: Date): string => at.toUTCString().replace('GMT', '+0000')
