/** Which mails that a program wrote by itself are referrals all the same, and which nobody is to read or answer. */
import { automatic } from '../../engine/formats/mime/automatic.js'
import { fieldsOf, rawValue } from '../../engine/formats/mime/fields.js'
import { attachmentsOf, bodiesOf, type Part } from '../../engine/formats/mime/mail.js'

/** What says how a mail was signed or delivered, or when somebody has time: no document of a patient. */
const NOT_DOCUMENTS = /^(?:application\/(?:x-)?pkcs7-signature|application\/pgp-(?:signature|keys)|message\/.*|text\/(?:rfc822-headers|calendar|vcard|x-vcard)|application\/ics)$/

/**
 * Why an automatic mail is not taken, or null. An EHR that marks its mails as generated, or sends them through a service for many, brings a document: what has
 * one is taken, for a referral that is lost is worse than a brochure that somebody puts aside. An answer by itself (“out of office”) may carry our own letter
 * back, so that only what is read as structure counts (`structured`); a report of a delivery is never one. A group address of ours is no mailing list.
 */
export const leftOut = (mail: Part, ours: readonly string[], structured: boolean): string | null => {
  const { kind, because } = automatic(mail)
  if (kind === 'no') return null
  if (kind === 'report' || kind === 'bounce') return `it is a ${kind === 'report' ? 'report of a delivery' : 'mail that came back'} (${because})`
  if (structured || (kind === 'list' && isOurGroup(mail, ours)) || (kind !== 'reply' && carriesDocument(mail))) return null
  return `a program wrote it (${kind}, by its ${because}), and it carries no document`
}

const isOurGroup = (mail: Part, ours: readonly string[]): boolean =>
  fieldsOf(mail, 'list-id').map((field) => /<([^<>]+)>\s*$/.exec(rawValue(field))?.[1]?.toLowerCase() ?? '').some((id) => ours.some((domain) => id.endsWith(`.${domain.toLowerCase()}`)))

/** Pictures that the text shows in their places belong to it. */
const carriesDocument = (mail: Part): boolean => {
  const html = bodiesOf(mail, 'text/html')
  return attachmentsOf(mail).some(({ type, id }) => !NOT_DOCUMENTS.test(type) && !(type.startsWith('image/') && id !== null && html.some((text) => text.includes(`cid:${id}`))))
}
