/** Reads delivery reports as they come: fields in any case and order, spaces and line breaks where none belong, parts missing. */
import { addressesOf, type Field, fieldsOf, rawValue, readFields, structured, textValue } from '../../engine/formats/mime/fields.js'
import { contentOf, type Part } from '../../engine/formats/mime/mail.js'

const STAGES = ['accepted', 'queued', 'sending', 'processed', 'dispatched', 'delivered', 'failed', 'uncertain'] as const
export type Stage = typeof STAGES[number]
export interface Receipt {
  readonly kind: 'mdn' | 'dsn' | 'fax'
  readonly of: readonly string[] // Message-IDs with their brackets, and what a provider calls it: "documo:123"
  readonly stage: Stage
  readonly retryable: boolean // of `failed`: it may be tried again
  readonly pages: number | null
  readonly recipient: string | null
  readonly reason: string | null
  readonly at: string // ISO instant
}

const LONGEST_REASON = 300
const MOST = 100 // recipients of one report
const BOUNCED = /undeliver|delivery (?:status|failure|has failed)|returned (?:mail|to sender)|failure notice|could not be delivered|mail delivery (?:failed|system)/i

/** What a mail says of messages that were sent; nothing where it is no report. */
export const receiptsOf = (mail: Part, receivedAt: Date): readonly Receipt[] => {
  const all = partsOf(mail)
  const at = sentAt(mail, receivedAt)
  const of = [...new Set([...original(all), ...references(mail)])]
  const disposition = all.find(({ type }) => type === 'message/disposition-notification' || type === 'message/global-disposition-notification')
  if (disposition) return [mdn([...(fieldsIn(disposition)[0] ?? []), ...disposition.fields], of, at)]
  const status = all.find(({ type }) => type === 'message/delivery-status' || type === 'message/global-delivery-status')
  if (status) return dsn(status, mail, of, at)
  const bounced = fieldsOf(mail, 'subject').map(textValue).some((subject) => BOUNCED.test(subject)) && isFromSystem(mail)
  return bounced && of.length > 0 ? [{ kind: 'dsn', of, stage: 'failed', retryable: false, pages: null, recipient: null, reason: 'It came back, without saying why in a form that machines read.', at }] : []
}

const partsOf = (part: Part): readonly Part[] => [part, ...part.parts.flatMap(partsOf)]

/** Groups of fields with an empty line between them (RFC 3464 §2.1). Some systems forget the one before the first: then they are the part's own header, which is looked at too. */
const fieldsIn = (part: Part): readonly (readonly Field[])[] => {
  let rest = contentOf(part)
  const groups: (readonly Field[])[] = []
  for (let count = 0; rest.length > 0 && count <= MOST * 2; count++) {
    const { fields, end } = readFields(rest)
    if (fields.length > 0) groups.push(fields)
    rest = rest.subarray(Math.max(1, end))
  }
  return groups
}

const value = (fields: readonly Field[], name: string): string | null => fieldsOf({ fields }, name).map(textValue).map((text) => text.replace(/\s+/g, ' ').trim()).find((text) => text !== '') ?? null

/** RFC 8098 §3.2.6. `processed` of an agent that trusts is a receipt; `dispatched` is the mailbox (Delivery Notification in Direct 1.0). */
const mdn = (fields: readonly Field[], more: readonly string[], at: string): Receipt => {
  const disposition = (value(fields, 'disposition') ?? '').toLowerCase()
  const [, type = '', modifier = ''] = /(?:^|;)\s*([a-z-]+)\s*(?:\/\s*([a-z-, ]+))?\s*$/.exec(disposition) ?? []
  const said = ['failure', 'error', 'warning'].map((name) => value(fields, name)).find((one) => one !== null) ?? null
  const bad = ['failed', 'denied', 'deleted'].includes(type) || /error|fail/.test(modifier) || value(fields, 'failure') !== null || value(fields, 'error') !== null
  const stage: Stage = bad ? 'failed' : ['dispatched', 'displayed'].includes(type) ? 'dispatched' : type === 'processed' ? (/warn/.test(modifier) ? 'uncertain' : 'processed') : 'uncertain'
  const reason = said ?? (stage === 'failed' ? `Their system says that it ${type === 'deleted' ? 'was deleted unread' : type === 'denied' ? 'was refused' : 'failed'}.` : stage === 'uncertain' ? 'The receipt does not say what became of it in a word that is known.' : null)
  return { kind: 'mdn', of: [...new Set([...ids(value(fields, 'original-message-id')), ...more])], stage, retryable: false, pages: null, recipient: recipientOf(value(fields, 'final-recipient') ?? value(fields, 'original-recipient')), reason: short(reason), at }
}

/** One receipt for each recipient (RFC 3464 §2.3). A fax's status is of the same form, and says pages and the provider's number. */
const dsn = (status: Part, mail: Part, of: readonly string[], at: string): readonly Receipt[] => {
  const groups = fieldsIn(status)
  const recipients = groups.filter((fields) => value(fields, 'action') !== null || value(fields, 'final-recipient') !== null).slice(0, MOST)
  const whole = [...(groups[0] ?? []), ...status.fields]
  const fax = value(mail.fields, 'x-refero-fax') ?? value(whole, 'x-refero-fax')
  const names = [...new Set([...of, ...ids(value(whole, 'original-envelope-id')), ...(fax === null ? [] : [fax])])]
  return (recipients.length > 0 ? recipients : [whole]).map((fields): Receipt => {
    const own = (name: string): string | null => value(fields, name) ?? value(whole, name)
    const action = (own('action') ?? '').toLowerCase().split(/[\s(;]/)[0] ?? ''
    const code = /\b([245])\.\d{1,3}\.\d{1,3}\b/.exec(own('status') ?? own('diagnostic-code') ?? '')?.[1]
    const said = own('x-refero-stage')
    const stage = fax !== null && isStage(said) ? said : stageOf(action, code, fax !== null)
    const reason = (own('diagnostic-code') ?? '').replace(/^[\w-]+\s*;\s*/, '') || null
    const pages = own('x-refero-pages')
    return { kind: fax === null ? 'dsn' : 'fax', of: names, stage, retryable: stage === 'failed' && code === '4', pages: pages !== null && /^\d{1,5}$/.test(pages) ? Number(pages) : null, recipient: recipientOf(own('final-recipient') ?? own('original-recipient')), reason: short(reason), at }
  })
}

const isStage = (word: string | null): word is Stage => STAGES.some((one) => one === word)

const stageOf = (action: string, code: string | undefined, fax: boolean): Stage => {
  switch (action) {
    case 'failed': return 'failed'
    case 'delivered': return 'delivered'
    case 'relayed': case 'expanded': return fax ? 'sending' : 'accepted'
    case 'delayed': return 'sending'
    default: return code === '2' ? 'delivered' : code === '5' ? 'failed' : 'uncertain'
  }
}

/** Of the message that came back with the report. */
const original = (all: readonly Part[]): readonly string[] => all.filter(({ type }) => type === 'message/rfc822' || type === 'text/rfc822-headers' || type === 'message/global-headers')
  .flatMap((part) => fieldsOf(readFields(contentOf(part)), 'message-id').flatMap((field) => ids(rawValue(field))))

const references = (mail: Part): readonly string[] => [...fieldsOf(mail, 'in-reply-to'), ...fieldsOf(mail, 'references')].flatMap((field) => ids(rawValue(field)))

/** Message-IDs with their brackets; one without them gets them, and blanks that a line break left in it go. */
const ids = (text: string | null): readonly string[] => {
  if (text === null) return []
  const found = [...text.slice(0, 5000).matchAll(/<([^<>]{1,998})>/g)].map(([, id = '']) => `<${id.replace(/\s+/g, '')}>`)
  const bare = text.replace(/^[\w-]+\s*;\s*/, '').trim()
  return found.length > 0 ? found.slice(0, MOST) : /^[^\s<>@]{1,500}@[^\s<>@]{1,498}$/.test(bare) ? [`<${bare}>`] : []
}

/** `rfc822; "Jean" <jean@direct.example>` → the address; a fax's number as it stands. */
const recipientOf = (text: string | null): string | null => {
  const bare = text?.replace(/^[\w-]+\s*;\s*/, '').trim() ?? ''
  return /<([^<>\s]{1,320})>/.exec(bare)?.[1] ?? (bare.slice(0, 320) || null)
}

const isFromSystem = (mail: Part): boolean =>
  fieldsOf(mail, 'return-path').some((field) => rawValue(field) === '<>') || fieldsOf(mail, 'from').flatMap(addressesOf).some(({ address }) => /^(?:mailer-daemon|postmaster)@/i.test(address)) || structured(fieldsOf(mail, 'auto-submitted')[0]).value.startsWith('auto-')

/** When the report was written, where it says so and not after it came. */
const sentAt = (mail: Part, receivedAt: Date): string => {
  const written = Date.parse(fieldsOf(mail, 'date').map(rawValue)[0] ?? '')
  return new Date(Number.isFinite(written) && written <= receivedAt.getTime() && written > receivedAt.getTime() - 30 * 86_400_000 ? written : receivedAt).toISOString()
}

const short = (reason: string | null): string | null => reason?.replace(/[\0-\x1f\x7f]+/g, ' ').slice(0, LONGEST_REASON) ?? null
