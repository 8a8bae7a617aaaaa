/**
 * A HISP between engines: it takes mails by submission with STARTTLS and a password, keeps a copy of each, relays them by domain, and says `processed` or `failed` of
 * those that ask for it. Mails are read here by another library than the engine's own.
 */
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { simpleParser } from 'mailparser'
import { createTransport } from 'nodemailer'
import { SMTPServer } from 'smtp-server'
import type { Test } from 'tap'
import { readZip } from '../../engine/formats/mime/xdm/zip.js'
import { makeCertificates } from '../connectors/tools.js'

/** One mail on the wire. */
export interface Carried {
  readonly from: string
  readonly to: string
  readonly subject: string
  readonly id: string // Message-ID
  readonly bytes: Buffer
  readonly receiptTo: string | null // who is to be told (Disposition-Notification-To)
  readonly disposition: string | null // of an MDN: what it says
  readonly files: ReadonlyMap<string, string> // attachments and what is in packages, by their path
  readonly v2: string | null // the HL7 v2 message
}
export interface Hisp {
  readonly port: number
  readonly certificate: string // PEM file
  readonly carried: readonly Carried[]
  /** What it says of a mail to its sender. */
  says: (mail: Carried) => 'processed' | 'failed' | null
  /** How often it hands a mail on. */
  times: (mail: Carried) => number
  /** Hands a mail to whoever it is for, as it is. */
  relay(to: string, bytes: Buffer, from: string): Promise<void>
}
export const PASSWORD = 'hisp-password-1'

/** `doors`: the port of each domain's engine. */
export async function openHisp(t: Pick<Test, 'teardown'>, doors: Readonly<Record<string, number>>): Promise<Hisp> {
  const folder = mkdtempSync(join(tmpdir(), 'refero-hisp-'))
  makeCertificates(folder, ['hisp'])
  const carried: Carried[] = []
  const relay = async (to: string, raw: Buffer, from: string): Promise<void> => {
    const port = doors[to.slice(to.indexOf('@') + 1)]
    if (port === undefined) return // it is another HISP's
    const transport = createTransport({ host: '127.0.0.1', port, ignoreTLS: true })
    await transport.sendMail({ envelope: { from, to }, raw })
    transport.close()
  }
  const server = new SMTPServer({
    key: readFileSync(join(folder, 'hisp.key')), cert: readFileSync(join(folder, 'hisp.pem')), logger: false, size: 50_000_000,
    onAuth: ({ username, password }, _, done) => done(password === PASSWORD ? null : new Error('wrong password'), { user: username }),
    onMailFrom: (_, session, done) => done(session.secure && session.user ? null : new Error('STARTTLS and AUTH first')),
    onData: (stream, session, done) => {
      const pieces: Buffer[] = []
      stream.on('data', (piece: Buffer) => pieces.push(piece))
      stream.on('end', () => take(Buffer.concat(pieces), session.envelope.mailFrom ? session.envelope.mailFrom.address : '', session.envelope.rcptTo.map(({ address }) => address)).then(() => done(), done))
    },
  })
  const take = async (bytes: Buffer, from: string, recipients: readonly string[]): Promise<void> => {
    for (const to of recipients) {
      const mail = await look(bytes, from, to)
      carried.push(mail)
      for (let time = 0; time < hisp.times(mail); time++) await relay(to, bytes, from)
      const says = mail.receiptTo === null ? null : hisp.says(mail)
      if (says !== null) await relay(from, mdn(mail, says), '')
    }
  }
  server.listen(0, '127.0.0.1')
  await once(server.server, 'listening')
  t.teardown(async () => {
    await new Promise<void>((resolve) => server.close(() => resolve()))
    rmSync(folder, { recursive: true, force: true })
  })
  const hisp: Hisp = { port: (server.server.address() as AddressInfo).port, certificate: join(folder, 'hisp.pem'), carried, says: () => 'processed', times: () => 1, relay }
  return hisp
}

const look = async (bytes: Buffer, from: string, to: string): Promise<Carried> => {
  const mail = await simpleParser(bytes)
  const files = new Map<string, string>()
  for (const { filename = '', content } of mail.attachments) for (const [path, text] of /\.zip$/i.test(filename) ? await unzipped(content) : [[filename, content.toString()]] as const) files.set(path, text)
  const text = bytes.toString('latin1')
  return {
    from, to, subject: mail.subject ?? '', id: mail.messageId ?? '', bytes, files,
    receiptTo: /^disposition-notification-to: *(.*)$/im.exec(text)?.[1]?.trim() ?? null,
    disposition: /^disposition: *[^;\r\n]*; *([a-z]+)/im.exec(text)?.[1] ?? null,
    v2: [...files.values()].find((one) => one.startsWith('MSH|')) ?? null,
  }
}

const unzipped = async (zip: Buffer): Promise<readonly (readonly [string, string])[]> => (await readZip(zip)).map(({ path, content }) => [path, content.toString()])

/** An MDN as the recipient's HISP writes it (RFC 8098; Direct's delivery notification). */
const mdn = ({ from, to, id }: Carried, says: 'processed' | 'failed'): Buffer => Buffer.from([
  `From: ${to}`, `To: ${from}`, `Subject: ${says}`, `Message-ID: <mdn-${says}-${id.slice(1)}`, `Date: ${new Date().toUTCString()}`, 'MIME-Version: 1.0', 'Auto-Submitted: auto-replied',
  'Content-Type: multipart/report; report-type=disposition-notification; boundary="mdn"', '', '--mdn', 'Content-Type: text/plain', '', `The mail was ${says}.`,
  '--mdn', 'Content-Type: message/disposition-notification', '', 'Reporting-UA: hisp.example; agent', `Final-Recipient: rfc822; ${to}`, `Original-Message-ID: ${id}`,
  `Disposition: automatic-action/MDN-sent-automatically; ${says}`, ...(says === 'failed' ? ['Failure: 5.1.1 the recipient is not known to this HISP'] : []), '', '--mdn--', '',
].join('\r\n'))
