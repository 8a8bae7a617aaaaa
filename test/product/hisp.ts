/** A HISP as it looks to those at its edge: takes what we send by SMTP, and relays to us what comes back - MDNs, bounces. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createTransport } from 'nodemailer'
import { SMTPServer } from 'smtp-server'
import type { Test } from 'tap'

/** A mail that we sent. */
export interface Sent { readonly to: string; readonly id: string; readonly text: string }
export interface Hisp {
  readonly port: number
  readonly sent: readonly Sent[]
  readonly unknown: Set<string> // addresses that it refuses
  /** Keeps a mail, and says so only once this has resolved. */
  before: (sent: Sent) => Promise<void>
  to(address: string): readonly Sent[]
  /** What their security agent says of a mail; resolves once our door has taken it. */
  mdn(of: Pick<Sent, 'to' | 'id'>, disposition: 'processed' | 'dispatched' | 'failed', number?: number): Promise<void>
  /** What a mail system says of one that it could not deliver. */
  bounce(of: Pick<Sent, 'to' | 'id'>, status: string, words: string, number?: number): Promise<void>
}

export const US = 'referrals@direct.heart.example'

/** `door`: where our own side takes mail, and as whom. */
export async function openHisp(t: Pick<Test, 'teardown'>, door: () => number, as = US, now: () => Date = () => new Date()): Promise<Hisp> {
  const sent: Sent[] = []
  const server = new SMTPServer({
    authOptional: true, disabledCommands: ['STARTTLS'], logger: false,
    onRcptTo: ({ address }, _session, done) => done(hisp.unknown.has(address) ? Object.assign(new Error('5.1.1 no such mailbox'), { responseCode: 550 }) : null),
    onData: (stream, session, done) => {
      const pieces: Buffer[] = []
      stream.on('data', (piece: Buffer) => pieces.push(piece))
      stream.on('end', async () => {
        const text = Buffer.concat(pieces).toString('latin1')
        const one = { to: session.envelope.rcptTo[0]?.address ?? '', id: /^message-id:\s*(<[^>]+>)/im.exec(text)?.[1] ?? '', text }
        sent.push(one)
        await hisp.before(one)
        done()
      })
    },
  })
  server.on('error', () => undefined)
  server.listen(0, '127.0.0.1')
  await once(server.server, 'listening')
  t.teardown(() => new Promise<void>((resolve) => server.close(() => resolve())))

  const relay = async (from: string, report: string, words: string, fields: readonly string[], number: number): Promise<void> => {
    const transport = createTransport({ host: '127.0.0.1', port: door(), secure: false, ignoreTLS: true })
    const raw = [
      `From: <${from}>`, `To: <${as}>`, `Subject: ${words}`, `Message-ID: <report-${number}@${from.split('@')[1]}>`, `Date: ${now().toUTCString()}`, 'MIME-Version: 1.0', 'Auto-Submitted: auto-replied', `Content-Type: multipart/report; report-type=${report}; boundary=b`, '',
      '--b', 'Content-Type: text/plain', '', words, '--b', `Content-Type: message/${report}`, '', ...fields, '', '--b--', '',
    ].join('\r\n')
    await transport.sendMail({ envelope: { from, to: as }, raw }).finally(() => transport.close())
  }
  let reports = 0
  const hisp: Hisp = {
    port: (server.server.address() as AddressInfo).port, sent, unknown: new Set(), before: async () => {},
    to: (address) => sent.filter(({ to }) => to === address),
    mdn: ({ to, id }, disposition, number = ++reports) => relay(`postmaster@${to.split('@')[1]}`, 'disposition-notification', `Your message was ${disposition}.`, [
      `Reporting-UA: ${to.split('@')[1]}; agent`, `Final-Recipient: rfc822; ${to}`, `Original-Message-ID: ${id}`, `Disposition: automatic-action/MDN-sent-automatically; ${disposition}`,
      ...(disposition === 'dispatched' ? ['X-DIRECT-FINAL-DESTINATION-DELIVERY: '] : []), ...(disposition === 'failed' ? ['Failure: no such mailbox'] : []),
    ], number),
    bounce: ({ to, id }, status, words, number = ++reports) => relay('mailer-daemon@mx.heart.example', 'delivery-status', 'It came back.', [
      'Reporting-MTA: dns; mx.heart.example', `Original-Envelope-Id: ${id.slice(1, -1)}`, '', `Final-Recipient: rfc822; ${to}`, 'Action: failed', `Status: ${status}`, `Diagnostic-Code: smtp; 550 ${status} ${words}`,
      '', '--b', 'Content-Type: text/rfc822-headers', '', `Message-ID: ${id}`, `To: ${to}`,
    ], number),
  }
  return hisp
}
