/** A Provide and Register Document Set-b request (IHE ITI TF-2 §3.41): its documents and metadata, and what is wrong with them in a registry's words. */
import { createHash } from 'node:crypto'
import type { Envelope } from '../../engine/formats/mime/soap/envelope.js'
import { SoapFault } from '../../engine/formats/mime/soap/fault.js'
import { contentIdOf } from '../../engine/formats/mime/soap/mtom.js'
import { DIRECT, LCM, RIM, XDS, XOP } from '../../engine/formats/mime/soap/names.js'
import { childAt, childrenNamed, descendantsNamed, isNamed, textAt } from '../../engine/formats/mime/soap/namespaces.js'
import type { RegistryCode, RegistryError } from '../../engine/formats/mime/soap/registry.js'
import { DOCUMENT_ENTRY, IDENTIFIERS, OF_DOCUMENT, OF_SUBMISSION } from '../../engine/formats/mime/xdm/names.js'
import { type Place, attributeOf, inside, textOf } from '../../engine/formats/xml/tree.js'

export type Level = 'minimal' | 'XDS'

export interface SubmittedDocument {
  readonly entry: Place // its ExtrinsicObject
  readonly contentType: string
  readonly content: Buffer
}
export interface Submission {
  readonly objects: Place // the SubmitObjectsRequest
  readonly set: Place // its RegistryPackage
  readonly uniqueId: string
  readonly level: Level
  readonly from: string | null // as direct:from says, without "mailto:"
  readonly to: readonly string[]
  readonly documents: readonly SubmittedDocument[]
}

/** Metadata with fewer requirements (ITI TF-3 §4.2.3.1.2) say so with this classification. */
const LIMITED = 'urn:uuid:5003a9db-8d8d-49e6-bf0c-990e34ac7707'
const MIME_TYPE = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+$/
const MOST_DOCUMENTS = 500

/** What a request brings, or what is wrong with it. Throws a SoapFault where it is another request. */
export const readSubmission = ({ body, blocks, parts }: Envelope, require: 'declared' | 'minimal'): Submission | readonly RegistryError[] => {
  if (!body || !isNamed(body, XDS, 'ProvideAndRegisterDocumentSetRequest')) throw new SoapFault('Sender', `the Body holds no ProvideAndRegisterDocumentSetRequest of ${XDS}`)
  const objects = childAt(body, LCM, 'SubmitObjectsRequest')
  const list = childAt(objects, RIM, 'RegistryObjectList')
  const given = childrenNamed(body, XDS, 'Document')
  if (!objects || !list) return [error(given.length > 0 ? 'XDSMissingDocumentMetadata' : 'XDSRepositoryMetadataError', 'There is no lcm:SubmitObjectsRequest with a rim:RegistryObjectList.')]
  if (given.length > MOST_DOCUMENTS) return [error('XDSRepositoryError', `There are more than ${MOST_DOCUMENTS} documents.`)]
  const block = blocks.find((one) => isNamed(one, DIRECT, 'addressBlock'))
  const entries = childrenNamed(list, RIM, 'ExtrinsicObject').filter((one) => attributeOf(one.element, 'objectType') === DOCUMENT_ENTRY)
  const sets = childrenNamed(list, RIM, 'RegistryPackage').filter((one) => number(one, IDENTIFIERS.submissionUnique) !== null || childrenNamed(list, RIM, 'RegistryPackage').length === 1)
  const [set, second] = sets
  if (!set || second) return [error('XDSRepositoryMetadataError', 'There is not one submission set (rim:RegistryPackage).')]
  const level = require === 'minimal' ? 'minimal' : levelOf(blocks, list)
  const found = paired(entries, given, parts)
  const errors = [...found.errors, ...requirements(set, entries, level), ...found.documents.flatMap(integrity)]
  const uniqueId = number(set, IDENTIFIERS.submissionUnique)
  if (errors.length > 0 || uniqueId === null) return errors
  return { objects, set, uniqueId, level, from: block ? mailbox(childAt(block, DIRECT, 'from')) : null, to: block ? childrenNamed(block, DIRECT, 'to').flatMap((one) => mailbox(one) ?? []) : [], documents: found.documents }
}

const error = (code: RegistryCode, context: string, location?: string): RegistryError => ({ code, context, ...(location && { location }) })

/** Said in a header block of its own, or in the address block. */
const levelOf = (blocks: readonly Place[], list: Place): Level => {
  const said = [...blocks, ...blocks.filter((one) => isNamed(one, DIRECT, 'addressBlock')).flatMap(inside)].find((one) => isNamed(one, DIRECT, 'metadata-level'))
  const declared = textAt(said)
  if (declared) return declared.toLowerCase() === 'minimal' ? 'minimal' : 'XDS'
  return descendantsNamed(list, RIM, 'Classification').some((one) => attributeOf(one.element, 'classificationNode') === LIMITED || attributeOf(one.element, 'classificationScheme') === LIMITED) ? 'minimal' : 'XDS'
}

const mailbox = (place: Place | null): string | null => textAt(place)?.replace(/^mailto:/i, '') ?? null

/** Each document with its entry; the place of a fault is the number of the entry or the document, in its order. */
const paired = (entries: readonly Place[], given: readonly Place[], parts: Envelope['parts']) => {
  const errors: RegistryError[] = []
  const contents = new Map<string, Buffer>()
  given.forEach((one, at) => {
    const id = attributeOf(one.element, 'id') ?? ''
    const content = contentsOf(one, parts)
    if (id === '' || contents.has(id)) errors.push(error('XDSMissingDocumentMetadata', 'A Document has no id, or that of another one.', `Document[${at + 1}]`))
    else if (!entries.some((entry) => attributeOf(entry.element, 'id') === id)) errors.push(error('XDSMissingDocumentMetadata', 'A Document has no ExtrinsicObject with its id.', `Document[${at + 1}]`))
    else if (typeof content === 'string') errors.push(error('XDSMissingDocument', content, `Document[${at + 1}]`))
    if (id !== '') contents.set(id, typeof content === 'string' ? Buffer.alloc(0) : content)
  })
  const documents = entries.flatMap((entry, at): readonly SubmittedDocument[] => {
    const content = contents.get(attributeOf(entry.element, 'id') ?? '')
    if (!content) errors.push(error('XDSMissingDocument', 'An ExtrinsicObject has no Document with its id.', `ExtrinsicObject[${at + 1}]`))
    return content ? [{ entry, content, contentType: attributeOf(entry.element, 'mimeType') ?? '' }] : []
  })
  if (entries.length === 0 && errors.length === 0) errors.push(error('XDSMissingDocument', 'There is no document.'))
  return { documents, errors }
}

/** What a Document holds, or why nothing: base64 in it, or a part that it includes (XOP 1.0 §2.1). */
const contentsOf = (document: Place, parts: Envelope['parts']): Buffer | string => {
  const [include] = inside(document)
  if (include) {
    if (!isNamed(include, XOP, 'Include')) return 'A Document holds an element that is no xop:Include.'
    const id = contentIdOf(attributeOf(include.element, 'href') ?? '')
    const part = id === null ? undefined : (parts.get(id) ?? parts.get(attributeOf(include.element, 'href')?.slice(4) ?? ''))
    if (!part) return 'A Document includes a part that did not come with the message.'
    return part.length > 0 ? part : 'A Document is empty.'
  }
  const text = textOf(document.element).replace(/\s+/g, '')
  if (text === '') return 'A Document is empty.'
  if (/[^A-Za-z0-9+/=]/.test(text) || text.replace(/={1,2}$/, '').includes('=') || text.replace(/=/g, '').length % 4 === 1) return 'A Document is not in base64.'
  return Buffer.from(text, 'base64')
}

const number = (place: Place, scheme: string): string | null =>
  childrenNamed(place, RIM, 'ExternalIdentifier').filter((one) => attributeOf(one.element, 'identificationScheme') === scheme).map((one) => attributeOf(one.element, 'value')?.trim())[0] || null
const isClassified = (place: Place, scheme: string): boolean => childrenNamed(place, RIM, 'Classification').some((one) => attributeOf(one.element, 'classificationScheme') === scheme)
/** The values of a slot. */
export const slotOf = (place: Place, name: string): readonly string[] =>
  childrenNamed(place, RIM, 'Slot').filter((one) => attributeOf(one.element, 'name') === name).flatMap((one) => childrenNamed(childAt(one, RIM, 'ValueList'), RIM, 'Value')).flatMap((one) => textAt(one) ?? [])

/** What metadata must say: of the Direct Project's minimal metadata, and of XDR (ITI TF-3 §4.3.1). */
const requirements = (set: Place, entries: readonly Place[], level: Level): readonly RegistryError[] => {
  const missing = (what: string, where: string): RegistryError => error('XDSRepositoryMetadataError', `${what} is missing or cannot be used.`, where)
  const full = level === 'XDS'
  const ofSet: readonly (readonly [string, boolean])[] = [
    ['XDSSubmissionSet.uniqueId', isId(number(set, IDENTIFIERS.submissionUnique))], ['XDSSubmissionSet.sourceId', isOid(number(set, IDENTIFIERS.submissionSource))], ['XDSSubmissionSet.submissionTime', slotOf(set, 'submissionTime').some(isTime)],
    ['XDSSubmissionSet.patientId', !full || number(set, IDENTIFIERS.submissionPatient) !== null], ['XDSSubmissionSet.contentTypeCode', !full || isClassified(set, OF_SUBMISSION.contentType)],
  ]
  const ofEntry = (one: Place): readonly (readonly [string, boolean])[] => [
    ['XDSDocumentEntry.mimeType', MIME_TYPE.test(attributeOf(one.element, 'mimeType') ?? '')], ['XDSDocumentEntry.uniqueId', isId(number(one, IDENTIFIERS.documentUnique))],
    ...(full ? [
      ['XDSDocumentEntry.patientId', number(one, IDENTIFIERS.documentPatient) !== null], ['XDSDocumentEntry.creationTime', slotOf(one, 'creationTime').some(isTime)], ['XDSDocumentEntry.languageCode', slotOf(one, 'languageCode').length > 0], ['XDSDocumentEntry.sourcePatientId', slotOf(one, 'sourcePatientId').length > 0],
      ...Object.entries(OF_DOCUMENT).filter(([name]) => name !== 'author').map(([name, scheme]) => [`XDSDocumentEntry.${name}`, isClassified(one, scheme)] as const),
    ] as const : []),
  ]
  const ids = entries.map((one) => number(one, IDENTIFIERS.documentUnique)).filter((id) => id !== null)
  const patient = number(set, IDENTIFIERS.submissionPatient)
  return [
    ...ofSet.flatMap(([what, there]) => (there ? [] : [missing(what, 'RegistryPackage[1]')])),
    ...entries.flatMap((one, at) => ofEntry(one).flatMap(([what, there]) => (there ? [] : [missing(what, `ExtrinsicObject[${at + 1}]`)]))),
    ...(new Set(ids).size < ids.length ? [error('XDSRegistryDuplicateUniqueIdInMessage', 'Two documents have the same XDSDocumentEntry.uniqueId.')] : []),
    ...entries.flatMap((one, at) => {
      const own = number(one, IDENTIFIERS.documentPatient)
      return own !== null && patient !== null && own !== patient ? [error('XDSPatientIdDoesNotMatch', 'The patientId of a document is not that of the submission set.', `ExtrinsicObject[${at + 1}]`)] : []
    }),
  ]
}

/** An OID, a UUID, or an OID with an extension behind a caret (ITI TF-3 §4.2.3.2.26). */
const isId = (text: string | null): boolean => text !== null && text.length <= 256 && /^[\x21-\x7e]+$/.test(text)
const isOid = (text: string | null): boolean => text !== null && /^(?:urn:oid:)?[0-2](?:\.\d+)+$/.test(text) && text.length <= 72
const isTime = (text: string): boolean => /^\d{4}(?:\d{2}){0,5}$/.test(text)

const integrity = ({ entry, content }: SubmittedDocument, at: number): readonly RegistryError[] => {
  const [stated, hash] = [slotOf(entry, 'size')[0], slotOf(entry, 'hash')[0]]
  const where = `ExtrinsicObject[${at + 1}]`
  return [
    ...(stated !== undefined && Number(stated) !== content.length ? [error('XDSRepositoryMetadataError', 'XDSDocumentEntry.size is not the size of the Document.', where)] : []),
    ...(hash !== undefined && hash.toLowerCase() !== createHash('sha1').update(content).digest('hex') ? [error('XDSRepositoryMetadataError', 'XDSDocumentEntry.hash is not the SHA-1 of the Document.', where)] : []),
  ]
}
