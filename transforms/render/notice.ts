/** A notice of the desk: a Bundle whose Communication says what is told, to whom, and what is enclosed. */
import { MessageFault } from '../../engine/errors.js'
import { isAddress } from '../../engine/formats/mime/compose.js'
import type { Enclosure } from '../../engine/formats/mime/compose.js'
import type { Address } from '../../engine/formats/mime/fields.js'
import { isObject, type Json, type JsonObject } from '../../engine/formats/json/json-text.js'
import type { Asked } from './values.js'

export const NOTICE = 'urn:refero:notice'
const MOST_ENCLOSED = 25 * 1024 ** 2 // bytes of all documents together: what mail servers commonly take

export interface Notice extends Asked {
  readonly kind: string // acknowledgement, status …
  readonly language: string | null // BCP 47
  readonly sent: Date | null
  readonly to: Address | null // the e-mail address
  readonly fax: string | null // the fax number, as it is written
  readonly byFax: boolean // it is the way that the desk chose: the first address of the recipient
  readonly name: string // of whom it goes to
  readonly inReplyTo: string | null // a Message-ID with its brackets
}

interface Entry { readonly url: string; readonly resource: JsonObject }

/** Reads a notice. Throws a MessageFault where the Bundle is none. */
export const readNotice = (body: unknown): Notice => {
  const entries = isObject(body as Json) ? entriesOf(body as JsonObject) : []
  const communication = entries.map(({ resource }) => resource).find((resource) => resource.resourceType === 'Communication' && kindOf(resource) !== null)
  if (!communication) throw new MessageFault({ kind: 'unsupported', reason: `render takes notices of the desk: a Bundle with a Communication whose category is of ${NOTICE}`, location: 'Communication.category' })
  const recipient = around(entries, list(communication.recipient), 3)
  const enclosed = list(communication.payload).flatMap((payload) => (isObject(payload) ? [payload.contentReference] : []))
  const { language, sent } = communication
  const at = typeof sent === 'string' ? new Date(sent) : null
  return {
    whole: body as JsonObject, recipient: bundle(recipient), enclosed: bundle(around(entries, enclosed, 1)), referrer: withThose(entries, 'ServiceRequest', 'requester', 3), payer: withThose(entries, 'Coverage', 'payor', 1),
    kind: kindOf(communication) ?? '', language: typeof language === 'string' ? language : null, sent: at && !Number.isNaN(at.getTime()) ? at : null,
    to: addressOf(recipient), fax: faxOf(recipient), byFax: pointsOf(recipient)[0]?.system === 'fax', name: nameOf(recipient), inReplyTo: list(communication.inResponseTo).map(messageId).find((id) => id !== null) ?? null,
  }
}

/** The documents that a notice encloses. Throws a MessageFault where one is not in it, or they are too large. */
export const enclosures = (notice: Notice): readonly Enclosure[] => {
  const entries = entriesOf(notice.whole)
  let total = 0
  return entriesOf(notice.enclosed).flatMap(({ resource }, n) =>
    list(resource.content).flatMap((content) => {
      const attachment = isObject(content) && isObject(content.attachment) ? content.attachment : {}
      const data = dataOf(attachment, entries)
      if (data === null) throw new MessageFault({ kind: 'required', reason: 'a document to enclose is not in the notice: it has neither data nor a Binary', location: `DocumentReference[${n}].content.attachment` })
      total += data.content.length
      if (total > MOST_ENCLOSED) throw new MessageFault({ kind: 'unsupported', reason: `the documents to enclose are larger than ${MOST_ENCLOSED} bytes together`, location: 'Communication.payload' })
      const title = [attachment.title, resource.description].find((one) => typeof one === 'string') as string | undefined
      return [{ filename: filename(title ?? `document-${n + 1}`, data.type), type: data.type, content: data.content }]
    }))
}

const kindOf = ({ category }: JsonObject): string | null => {
  for (const concept of list(category)) for (const coding of isObject(concept) ? list(concept.coding) : []) {
    if (isObject(coding) && coding.system === NOTICE && typeof coding.code === 'string') return coding.code
  }
  return null
}

const entriesOf = ({ entry }: JsonObject): readonly Entry[] =>
  list(entry).flatMap((one) => (isObject(one) && isObject(one.resource) ? [{ url: typeof one.fullUrl === 'string' ? one.fullUrl : '', resource: one.resource }] : []))

const list = (value: Json | undefined): readonly Json[] => (Array.isArray(value) ? (value as readonly Json[]) : value === undefined || value === null ? [] : [value])

const bundle = (resources: readonly JsonObject[]): JsonObject => ({ resourceType: 'Bundle', type: 'collection', entry: resources.map((resource) => ({ resource })) })

/** What references lead to, and what that leads to in turn where it is of whom a letter goes to; nobody twice, and never the patient. */
const around = (entries: readonly Entry[], references: readonly (Json | undefined)[], depth: number): readonly JsonObject[] => {
  const found = new Set<JsonObject>()
  const follow = (reference: Json | undefined, left: number): void => {
    const resource = left > 0 ? resolved(entries, reference) : undefined
    if (!resource || found.has(resource) || resource.resourceType === 'Patient') return
    found.add(resource)
    for (const next of [resource.practitioner, resource.organization]) follow(next, left - 1)
  }
  for (const reference of references) follow(reference, depth)
  return [...found]
}

/** The resources of a type, and what they name by an element. */
const withThose = (entries: readonly Entry[], type: string, element: string, depth: number): JsonObject => {
  const own = entries.map(({ resource }) => resource).filter(({ resourceType }) => resourceType === type)
  return bundle([...own, ...around(entries, own.flatMap((one) => list(one[element])), depth)])
}

const resolved = (entries: readonly Entry[], reference: Json | undefined): JsonObject | undefined => {
  const target = isObject(reference) ? reference.reference : undefined
  if (typeof target !== 'string') return undefined
  return entries.find(({ url, resource }) => url === target || `${String(resource.resourceType)}/${String(resource.id)}` === target || (url !== '' && url.endsWith(`/${target}`)))?.resource
}

/**
 * The e-mail address of the role, the person, the practice; with the person's name. The desk puts the address of the way it chose first; a Direct address is
 * taken only there, since ordinary mail does not reach one.
 */
const addressOf = (recipient: readonly JsonObject[]): Address | null => {
  const usable = pointsOf(recipient).filter((one, n) => one.system === 'email' && one.use !== 'old' && (n === 0 || !isDirect(one)))
  const address = usable.flatMap(({ value }) => (typeof value === 'string' ? [value.trim()] : [])).find(isAddress)
  return address === undefined ? null : { name: nameOf(recipient), address }
}

const pointsOf = (recipient: readonly JsonObject[]): readonly JsonObject[] => recipient.flatMap(({ telecom }) => list(telecom)).filter(isObject)

/** The name of the person, or else of the practice. */
const nameOf = (recipient: readonly JsonObject[]): string => {
  const person = recipient.find(({ resourceType }) => resourceType === 'Practitioner')
  const [name] = person ? list(person.name) : []
  const words = isObject(name) ? [...list(name.given), name.family].filter((one): one is string => typeof one === 'string') : []
  const practice = recipient.find(({ resourceType }) => resourceType === 'Organization')?.name
  return words.join(' ') || (typeof practice === 'string' ? practice : '')
}

/** The fax number of the role, the person, the practice. */
const faxOf = (recipient: readonly JsonObject[]): string | null => {
  return pointsOf(recipient).filter((one) => one.system === 'fax' && one.use !== 'old').flatMap(({ value }) => (typeof value === 'string' && value.trim() !== '' ? [value.trim()] : []))[0] ?? null
}

const DIRECT = 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-direct'
const isDirect = ({ extension }: JsonObject): boolean => list(extension).some((one) => isObject(one) && one.url === DIRECT && one.valueBoolean === true)

const messageId = (reference: Json): string | null => {
  const value = isObject(reference) && isObject(reference.identifier) ? reference.identifier.value : undefined
  return typeof value === 'string' && /^<[\x21-\x3b\x3d\x3f-\x7e]{1,250}>$/.test(value) ? value : null
}

const dataOf = (attachment: JsonObject, entries: readonly Entry[]): { readonly content: Buffer; readonly type: string } | null => {
  const binary = typeof attachment.url === 'string' ? resolved(entries, { reference: attachment.url }) : undefined
  const data = attachment.data ?? binary?.data
  if (typeof data !== 'string') return null
  const type = [attachment.contentType, binary?.contentType].find((one): one is string => typeof one === 'string' && /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+$/.test(one))
  return { content: Buffer.from(data, 'base64'), type: type?.toLowerCase() ?? 'application/octet-stream' }
}

const ENDINGS: Readonly<Record<string, string>> = { 'application/pdf': 'pdf', 'text/xml': 'xml', 'application/xml': 'xml', 'application/hl7-cda+xml': 'xml', 'text/plain': 'txt', 'text/html': 'html', 'application/rtf': 'rtf', 'text/rtf': 'rtf', 'image/tiff': 'tif', 'image/jpeg': 'jpg', 'image/png': 'png' }

const filename = (title: string, type: string): string => {
  const name = title.replace(/[\0-\x1f\x7f/\\:*?"<>|]+/g, ' ').replace(/\s+/g, ' ').trim().slice(0, 100) || 'document'
  const ending = ENDINGS[type]
  return ending === undefined || name.toLowerCase().endsWith(`.${ending}`) ? name : `${name}.${ending}`
}
