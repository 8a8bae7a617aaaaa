/** What a mail is submitted as: the metadata that it carries, or metadata made of its documents, and the documents by the ids that the metadata have for them. */
import { createHash } from 'node:crypto'
import { MessageFault } from '../../engine/errors.js'
import { addressesOf, fieldsOf, rawValue } from '../../engine/formats/mime/fields.js'
import { attachmentsOf, contentOf, type Mail } from '../../engine/formats/mime/mail.js'
import { LCM, RIM } from '../../engine/formats/mime/soap/names.js'
import { declarationsAt, descendantsNamed, isNamed } from '../../engine/formats/mime/soap/namespaces.js'
import { DOCUMENT_ENTRY, IDENTIFIERS } from '../../engine/formats/mime/xdm/names.js'
import { filesOf } from '../../engine/formats/mime/xdm/package.js'
import { type NewSubmission, writeFiles, type XdsCode } from '../../engine/formats/mime/xdm/write.js'
import type { File } from '../../engine/formats/mime/xdm/zip.js'
import { parseXml } from '../../engine/formats/xml/parse.js'
import { usablePath, valuesIn } from '../../engine/formats/xml/select.js'
import { type Place, attributeOf, rootPlace } from '../../engine/formats/xml/tree.js'
import { writeElement } from '../../engine/formats/xml/write.js'
import { slotOf } from './submission.js'

export interface Outgoing {
  readonly objects: string // the SubmitObjectsRequest
  readonly uniqueId: string // of the submission set
  readonly documents: readonly { readonly id: string; readonly contentType: string; readonly content: Buffer }[]
  readonly words: readonly string[] // of the metadata: what may say who it is about
}
export interface Defaults { readonly sourceId: string; readonly institution: string; readonly level: 'minimal' | 'XDS'; readonly facilityType: XdsCode; readonly practiceSetting: XdsCode }

const LIMITS = { depth: 100, elements: 200_000 }

/** Rejects with a MessageFault where there is nothing to submit, or metadata must say what the mail does not. */
export const outgoingOf = async (mail: Mail, defaults: Defaults, at: Date): Promise<Outgoing> => {
  const files = (await filesOf(mail)) ?? writeFiles(submissionOf(mail, defaults, at))
  const metadata = files.find(({ path }) => /(?:^|\/)METADATA\.XML$/i.test(path))
  if (!metadata) throw new MessageFault({ kind: 'required', reason: 'there is no METADATA.XML' })
  const document = parseXml(metadata.content, { ...LIMITS, size: metadata.content.length })
  const root = rootPlace(document)
  const objects = isNamed(root, LCM, 'SubmitObjectsRequest') ? root : descendantsNamed(root, LCM, 'SubmitObjectsRequest')[0]
  if (!objects) throw new MessageFault({ kind: 'unreadable', reason: 'METADATA.XML holds no lcm:SubmitObjectsRequest' })
  const entries = descendantsNamed(objects, RIM, 'ExtrinsicObject').filter(({ element }) => attributeOf(element, 'objectType') === DOCUMENT_ENTRY)
  const folder = metadata.path.slice(0, metadata.path.lastIndexOf('/') + 1)
  const documents = entries.map((entry) => ({ id: attributeOf(entry.element, 'id') ?? '', contentType: attributeOf(entry.element, 'mimeType') ?? 'application/octet-stream', content: fileOf(entry, folder, files) }))
  if (documents.length === 0) throw new MessageFault({ kind: 'required', reason: 'there is no document to submit' })
  const [uniqueId = ''] = numbers(objects, IDENTIFIERS.submissionUnique)
  const copy = { ...objects.element, attributes: new Map([...declarationsAt(objects), ...objects.element.attributes]), changed: true }
  return { objects: writeElement(copy, document.text), uniqueId, documents, words: wordsOf(objects) }
}

const fileOf = (entry: Place, folder: string, files: readonly File[]): Buffer => {
  const wanted = slotOf(entry, 'URI')[0]?.replace(/^\.?\//, '').toUpperCase()
  const file = files.find(({ path }) => wanted !== undefined && (path.toUpperCase() === folder.toUpperCase() + wanted || path.toUpperCase() === wanted))
  if (!file) throw new MessageFault({ kind: 'required', reason: 'METADATA.XML names a document that is not in the message' })
  return file.content
}

const numbers = (place: Place, scheme: string): readonly string[] =>
  descendantsNamed(place, RIM, 'ExternalIdentifier').filter(({ element }) => attributeOf(element, 'identificationScheme') === scheme).flatMap(({ element }) => attributeOf(element, 'value') ?? [])

const wordsOf = (objects: Place): readonly string[] => {
  const values = [...descendantsNamed(objects, RIM, 'Slot').flatMap((slot) => slotOf(slot.above ?? slot, attributeOf(slot.element, 'name') ?? '')), ...numbers(objects, IDENTIFIERS.documentPatient), ...descendantsNamed(objects, RIM, 'LocalizedString').flatMap(({ element }) => attributeOf(element, 'value') ?? [])]
  return [...new Set(values.flatMap((value) => value.split(/[^\p{L}\p{N}.-]+/u)).filter((word) => word.length >= 2).map((word) => word.toLowerCase()))]
}

const LOINC = '2.16.840.1.113883.6.1'
const NOTE: XdsCode = { code: '57133-1', scheme: LOINC, display: 'Referral note' }
const NORMAL: XdsCode = { code: 'N', scheme: '2.16.840.1.113883.5.25', display: 'Normal' }
const format = (type: string): XdsCode => (/xml/.test(type)
  ? { code: 'urn:hl7-org:sdwg:ccda-structuredBody:2.1', scheme: '1.3.6.1.4.1.19376.1.2.3', display: 'C-CDA R2.1 Structured Body' }
  : { code: 'urn:ihe:iti:xds:2017:mimeTypeSufficient', scheme: '1.3.6.1.4.1.19376.1.2.3', display: 'mimeType Sufficient' })

/** Metadata of a mail's own documents: the same for the same mail, so that a repetition is known as one. */
const submissionOf = (mail: Mail, { sourceId, institution, level, facilityType, practiceSetting }: Defaults, at: Date): NewSubmission => {
  const attached = attachmentsOf(mail).map(({ type, part }) => ({ type, content: contentOf(part) })).filter(({ content }) => content.length > 0)
  if (attached.length === 0) throw new MessageFault({ kind: 'required', reason: 'the message has no document attached' })
  const [id = mail.raw.toString('latin1')] = fieldsOf(mail, 'message-id').map(rawValue)
  const [sent] = fieldsOf(mail, 'date').map((field) => new Date(rawValue(field)))
  const time = sent && !Number.isNaN(sent.getTime()) ? sent : at
  const patient = attached.map(({ type, content }) => (/xml/.test(type) ? patientOf(content) : null)).find((one) => one !== null)
  if (level === 'XDS' && !patient) throw new MessageFault({ kind: 'required', reason: 'full metadata name the patient, and no C-CDA document that is attached does; set `metadata: minimal`' })
  const addresses = (name: string): readonly string[] => fieldsOf(mail, name).flatMap(addressesOf).map(({ address }) => address).filter(Boolean)
  const [from] = addresses('from')
  return {
    uniqueId: oid(id), sourceId, time, contentType: NOTE, author: { institution, ...(from && { telecom: `^^Internet^${from}` }) }, intendedRecipients: addresses('to').map((to) => `||^^Internet^${to}`), patient: patient ?? undefined,
    documents: attached.map(({ type, content }, index) => ({
      content, contentType: type === 'application/xml' || type === 'application/hl7-cda+xml' ? 'text/xml' : type, uniqueId: oid(`${id}\n${index}`), title: `Document ${index + 1}`, created: time, language: 'en-US',
      classCode: NOTE, typeCode: NOTE, formatCode: format(type), confidentiality: NORMAL, facilityType, practiceSetting,
    })),
  }
}

/** An OID of a UUID (ITU-T X.667), made of a text. */
const oid = (text: string): string => `2.25.${BigInt(`0x${createHash('sha256').update(text).digest('hex').slice(0, 32)}`)}`

/** Whom a C-CDA document is about; null where it is none, or does not say enough. */
const patientOf = (content: Buffer): NewSubmission['patient'] | null => {
  try {
    const document = parseXml(content, { ...LIMITS, size: content.length })
    const first = (path: string): string => valuesIn(document, usablePath(`ClinicalDocument/recordTarget/patientRole/${path}`))[0]?.value.trim() ?? ''
    const [authority, value, family, birthDate] = [first('id/@root'), first('id/@extension'), first('patient/name/family'), first('patient/birthTime/@value').slice(0, 8)]
    if (!/^[0-2](?:\.\d+)+$/.test(authority) || value === '' || family === '' || birthDate === '') return null
    const sex = first('patient/administrativeGenderCode/@code')
    return { id: { value, authority }, name: `${family}^${first('patient/name/given')}`, birthDate, sex: /^[MF]$/.test(sex) ? sex : 'U' }
  } catch (error) {
    if (error instanceof MessageFault) return null
    throw error
  }
}
