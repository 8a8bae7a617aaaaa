/** A document of a chart as the one shape of documents: a MIME message with it as an attachment, and the number of the referral that it is for. */
import { createHash } from 'node:crypto'
import { composeMail } from '../../engine/formats/mime/compose.js'
import { fileName } from '../../engine/formats/mime/xdm/write.js'
import type { DocumentEntry } from './query.js'

/** What makes it this document of this referral. */
export const keyOf = (reference: string, { home, id }: DocumentEntry): string => `xca:${reference}:${home}:${id}`

/** The same bytes for the same document; `at` stands for a time of creation that is none. */
export const mailOf = (reference: string, entry: DocumentEntry, { type, content }: { readonly type: string; readonly content: Buffer }, feed: string, at: Date): Promise<Buffer> => {
  const digest = createHash('sha256').update(keyOf(reference, entry)).digest('hex').slice(0, 40)
  const home = entry.home.replace(/^urn:oid:/, '')
  const ending = fileName(type, 0).split('.')[1]?.toLowerCase() ?? 'bin'
  return composeMail({
    messageId: `<${digest}@xca.invalid>`, date: timeOf(entry.created) ?? at, subject: 'A document of a patient’s chart',
    from: { name: '', address: `${/^[\d.]{1,60}$/.test(home) ? home : 'gateway'}@xca.invalid` }, to: [{ name: '', address: `${feed}@xca.invalid` }],
    headers: { 'X-Refero-Kind': 'xca', 'X-Refero-Reference': reference, 'X-Refero-Xca': `${entry.home || '-'} ${entry.repository} ${entry.id}` },
    attachments: [{ filename: `${nameOf(entry.title)}.${ending}`, type, content }],
  })
}

const nameOf = (title: string | null): string => title?.replace(/[\s\\/:*?"<>|\p{C}]+/gu, ' ').trim().slice(0, 100) || 'document'

/** DTM in UTC, from the day to the second. */
const timeOf = (text: string | null): Date | null => {
  const [, year, month, day, hour = '00', minute = '00', second = '00'] = /^(\d{4})(\d{2})(\d{2})(\d{2})?(\d{2})?(\d{2})?/.exec(text ?? '') ?? []
  const at = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  return year === undefined || Number.isNaN(at.getTime()) ? null : at
}
