/** A referrer's mailbox: an SMTP server that keeps what it is sent. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { simpleParser } from 'mailparser'
import { SMTPServer } from 'smtp-server'

export interface Mail {
  readonly at: Date
  readonly to: readonly string[] // of the envelope
  readonly subject: string
  readonly text: string
  readonly attachments: readonly { readonly name: string; readonly type: string; readonly size: number }[]
}
export interface Mailbox {
  readonly port: number
  readonly mails: readonly Mail[]
  /** The first mail after the `after`-th whose subject or text fits; undefined while there is none. */
  find(fits: RegExp, after?: number): Mail | undefined
  close(): Promise<void>
}

export async function openMailbox(): Promise<Mailbox> {
  const mails: Mail[] = []
  const server = new SMTPServer({
    authOptional: true, disabledCommands: ['STARTTLS'], logger: false,
    onData: (stream, session, done) => {
      const pieces: Buffer[] = []
      stream.on('data', (piece: Buffer) => pieces.push(piece))
      stream.on('end', async () => {
        const { subject = '', text = '', attachments } = await simpleParser(Buffer.concat(pieces))
        mails.push({ at: new Date(), to: session.envelope.rcptTo.map(({ address }) => address), subject, text, attachments: attachments.map(({ filename, contentType, size }) => ({ name: filename ?? '', type: contentType, size })) })
        done(null, `kept as ${mails.length}`)
      })
    },
  })
  server.on('error', () => undefined)
  const listening = server.listen(0, '127.0.0.1')
  await once(listening, 'listening')
  return {
    port: (listening.address() as AddressInfo).port, mails,
    find: (fits, after = 0) => mails.slice(after).find(({ subject, text }) => fits.test(subject) || fits.test(text)),
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  }
}
