/** Writes a MIME message from what it is to say; the same each time for the same. */
import { createHash } from 'node:crypto'
import MailComposer from 'nodemailer/lib/mail-composer'
import addressparser from 'nodemailer/lib/addressparser'
import type { Address } from './fields.js'

export interface Enclosure { readonly filename: string; readonly type: string; readonly content: Buffer; readonly contentId?: string } // a Content-ID has its brackets

export interface NewMail {
  readonly messageId: string // with its brackets
  readonly date: Date
  readonly from?: Address | undefined
  readonly to: readonly Address[]
  readonly replyTo?: Address | undefined
  readonly subject: string
  readonly inReplyTo?: string | undefined // a Message-ID with its brackets
  readonly headers?: Readonly<Record<string, string>>
  readonly text?: string | undefined
  readonly html?: string | undefined
  readonly attachments?: readonly Enclosure[]
}

/** The bytes of a mail. Line breaks in any value become spaces; content is encoded so that it is ASCII in lines of at most 76 characters. */
export const composeMail = async (mail: NewMail): Promise<Buffer> => {
  const bytes = await new MailComposer({
    messageId: oneLine(mail.messageId),
    date: mail.date,
    ...(mail.from && { from: safe(mail.from) }),
    to: mail.to.map(safe),
    ...(mail.replyTo && { replyTo: safe(mail.replyTo) }),
    subject: oneLine(mail.subject),
    ...(mail.inReplyTo && { inReplyTo: oneLine(mail.inReplyTo), references: oneLine(mail.inReplyTo) }),
    headers: Object.fromEntries(Object.entries(mail.headers ?? {}).map(([name, value]) => [name, oneLine(value)])),
    ...(mail.text !== undefined && { text: mail.text }),
    ...(mail.html !== undefined && { html: mail.html }),
    attachments: (mail.attachments ?? []).map(({ filename, type, content, contentId }) => ({ filename: oneLine(filename), contentType: type, content, contentTransferEncoding: 'base64', ...(contentId && { headers: { 'Content-ID': oneLine(contentId) } }) })),
    textEncoding: 'quoted-printable',
    baseBoundary: createHash('sha256').update(mail.messageId).digest('hex').slice(0, 24),
    disableFileAccess: true,
    disableUrlAccess: true,
    newline: 'windows',
  }).compile().build()
  return bytes
}

/** The one address that a text such as `Heart Center <referrals@heart.example>` names, or null. */
export const parseAddress = (text: string): Address | null => {
  const [one, ...more] = addressparser(text, { flatten: true })
  return one && more.length === 0 && isAddress(one.address) ? one : null
}

/** Whether a text is one plain e-mail address and nothing beside it, so that it can stand in a header and an envelope. */
export const isAddress = (text: string): boolean => text.length <= 254 && /^[^\s<>()[\]\\,;:"@\0-\x1f\x7f]{1,64}@[^\s<>()[\]\\,;:"@\0-\x1f\x7f]{1,253}$/.test(text)

const safe = ({ name, address }: Address): Address => ({ name: oneLine(name), address })

const oneLine = (text: string): string => text.replace(/[\0-\x1f\x7f\u0085\u2028\u2029]+/g, ' ').trim()
