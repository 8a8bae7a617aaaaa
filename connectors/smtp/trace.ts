/** What a mail server writes in front of a mail that it takes, so that the envelope is not lost (RFC 5321 §4.4); nothing of the mail itself is changed. */
import { readFields } from '../../engine/formats/mime/fields.js'

export interface Envelope {
  readonly from: string // empty where the mail is from nobody: a bounce
  readonly to: readonly string[]
  readonly original: string | null // ORCPT of the one recipient (RFC 3461 §4.2)
}

/**
 * `Return-Path:` and a `Delivered-To:` a recipient (RFC 9228), in the order in which they were named, and `Original-Recipient:` (RFC 8098 §2.3) where the
 * sender said who that was. Nothing for what has no header: it is no mail, and must not become one. `beginning` are the first bytes of the mail.
 */
export const traceOf = ({ from, to, original }: Envelope, beginning: Buffer): Buffer => {
  if (readFields(beginning).fields.length === 0) return Buffer.alloc(0)
  const lines = [`Return-Path: <${from}>`, ...to.map((address) => `Delivered-To: ${address}`), ...(original === null ? [] : [`Original-Recipient: ${original}`])]
  return Buffer.from(`${lines.join('\r\n')}\r\n`)
}

/** The original recipient as the header field writes it: `rfc822;` and an address, its xtext decoded; null where it is nothing of the kind. */
export const originalRecipient = (orcpt: string | undefined): string | null => {
  const [, type, text] = /^(rfc822|utf-8);(.{1,500})$/i.exec(orcpt ?? '') ?? []
  if (type === undefined || text === undefined) return null
  const address = text.replace(/\+([0-9A-F]{2})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
  return /[\0-\x20\x7f-\x9f]/.test(address) ? null : `${type.toLowerCase()};${address}`
}
