/** Writes XDM packages (IHE ITI TF-2 §3.32): documents with ebRIM metadata, an index and a readme, all names 8.3. */
import { createHash } from 'node:crypto'
import { MessageFault } from '../../../errors.js'
import { escapeXml } from '../../xml/tree.js'
import { DOCUMENT_ENTRY, IDENTIFIERS, OF_DOCUMENT, OF_SUBMISSION, REFERENCES, SUBMISSION_SET } from './names.js'
import { type File, writeZip } from './zip.js'

/** A code of XDS: `scheme` is its coding scheme, an OID or a name. */
export interface XdsCode { readonly code: string; readonly scheme: string; readonly display: string }
/** A number and who gave it, an OID. */
export interface XdsNumber { readonly value: string; readonly authority: string }

/** What is submitted. Without a patient, the metadata are minimal (XDR and XDM for Direct Messaging 1.0, §6.1). */
export interface NewSubmission {
  readonly uniqueId: string // of the submission: an OID
  readonly sourceId: string // who submits: an OID
  readonly time: Date
  readonly contentType: XdsCode
  readonly author: { readonly person?: string | undefined; readonly institution?: string | undefined; readonly telecom?: string | undefined } // XCN, XON, XTN
  readonly intendedRecipients: readonly string[] // "|^Bell^Ines^^^Dr^^^&1.2.3&ISO|^^Internet^ines.bell@direct.meadow.example"
  readonly patient?: { readonly id: XdsNumber; readonly name: string; readonly birthDate: string; readonly sex: string; readonly address?: string | undefined } | undefined // XPN, YYYYMMDD, table 0001, XAD
  readonly referral?: XdsNumber | undefined
  readonly documents: readonly {
    readonly content: Buffer
    readonly contentType: string
    readonly uniqueId: string
    readonly title: string
    readonly created: Date
    readonly language: string
    readonly classCode: XdsCode
    readonly typeCode: XdsCode
    readonly formatCode: XdsCode
    readonly confidentiality: XdsCode
    readonly facilityType: XdsCode
    readonly practiceSetting: XdsCode
  }[]
}
export type NewXdm = NewSubmission & { readonly patient: NonNullable<NewSubmission['patient']> }

const ENDINGS: Readonly<Record<string, string>> = { 'text/xml': 'XML', 'application/xml': 'XML', 'application/hl7-cda+xml': 'XML', 'application/pdf': 'PDF', 'image/tiff': 'TIF', 'image/jpeg': 'JPG', 'image/png': 'PNG', 'text/plain': 'TXT', 'x-application/hl7-v2+er7': 'HL7' }
const FOLDER = 'IHE_XDM/SUBSET01'
const OID = /^[0-2](?:\.(?:0|[1-9]\d*))+$/

/** The zip. Rejects with a MessageFault where an identifier is no OID, or there is nothing to send. */
export const writeXdm = async (submission: NewXdm): Promise<Buffer> => {
  const [metadata, ...documents] = writeFiles(submission)
  const files: File[] = [
    { path: 'INDEX.HTM', content: Buffer.from(index(submission, documents)) },
    { path: 'README.TXT', content: Buffer.from(README) },
    ...[metadata, ...documents].flatMap((file) => (file ? [{ ...file, path: `${FOLDER}/${file.path}` }] : [])),
  ]
  return writeZip(files, submission.time)
}

/** METADATA.XML, and the documents with the names that it has for them. Throws a MessageFault as `writeXdm` does. */
export const writeFiles = (submission: NewSubmission): readonly File[] => {
  const oids = [submission.uniqueId, submission.sourceId, ...(submission.patient ? [submission.patient.id.authority] : []), ...(submission.referral ? [submission.referral.authority] : []), ...submission.documents.map(({ uniqueId }) => uniqueId)]
  const wrong = oids.findIndex((one) => !OID.test(one) || one.length > 64)
  if (wrong >= 0) throw new MessageFault({ kind: 'value', reason: 'an XDM package needs OIDs of at most 64 characters for its submission, source, patient authority, referral authority and documents; one of them is none', location: 'METADATA.XML' })
  if (submission.documents.length === 0 || submission.documents.length > 99_999) throw new MessageFault({ kind: 'required', reason: 'an XDM package needs at least one document' })
  const names = submission.documents.map(({ contentType }, index) => fileName(contentType, index))
  return [{ path: 'METADATA.XML', content: Buffer.from(metadata(submission, names)) }, ...submission.documents.map(({ content }, at) => ({ path: names[at] ?? '', content }))]
}

/** The 8.3 name of a package's document by its place from 0. */
export const fileName = (contentType: string, index: number): string => `DOC${String(index + 1).padStart(5, '0')}.${ENDINGS[contentType.split(';')[0]?.trim().toLowerCase() ?? ''] ?? 'BIN'}`

const README = [
  'This package was written by Refero, a referral desk, by the IHE profile XDM (Cross-Enterprise Document Media Interchange).',
  'INDEX.HTM lists the documents; IHE_XDM/SUBSET01 holds them, and METADATA.XML, which says what they are.',
  'It holds health information: it is for whom it was sent to, and nobody else. Whoever received it by mistake should delete it and tell the sender.', '',
].join('\r\n')

/** XHTML Basic. Titles of documents, and nothing of the patient. */
const index = ({ documents, author }: NewXdm, files: readonly File[]): string => `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML Basic 1.1//EN" "http://www.w3.org/TR/xhtml-basic/xhtml-basic11.dtd">
<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="en"><head><title>Documents</title></head><body>
<h1>Documents</h1>
<p>${escapeXml(author.institution?.split('^')[0] ?? 'A sender that is named in the metadata')}. <a href="README.TXT">About this package</a></p>
<ul>
${documents.map(({ title }, at) => `<li><a href="${FOLDER}/${files[at]?.path}">${escapeXml(title)}</a></li>`).join('\n')}
</ul>
</body></html>
`

const cx = ({ value, authority }: XdsNumber): string => `${value}^^^&${authority}&ISO`
const utc = (at: Date): string => at.toISOString().replace(/[-:T]|\.\d+Z/g, '')

/** Names inside the metadata: the same for the same submission. */
const named = (...words: readonly string[]): string => {
  const hex = createHash('sha1').update(words.join('\n')).digest('hex')
  return `urn:uuid:${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

const slot = (name: string, values: readonly string[]): string =>
  (values.length === 0 ? '' : `<rim:Slot name="${escapeXml(name)}"><rim:ValueList>${values.map((one) => `<rim:Value>${escapeXml(one)}</rim:Value>`).join('')}</rim:ValueList></rim:Slot>`)

const CLASSIFICATION = 'urn:oasis:names:tc:ebxml-regrep:ObjectType:RegistryObject:Classification'
const coded = (of: string, scheme: string, { code, scheme: system, display }: XdsCode): string =>
  `<rim:Classification id="${named(of, scheme)}" objectType="${CLASSIFICATION}" classificationScheme="${scheme}" classifiedObject="${of}" nodeRepresentation="${escapeXml(code)}">${slot('codingScheme', [system])}<rim:Name><rim:LocalizedString value="${escapeXml(display)}"/></rim:Name></rim:Classification>`

const author = (of: string, scheme: string, { person, institution, telecom }: NewSubmission['author']): string =>
  `<rim:Classification id="${named(of, scheme)}" objectType="${CLASSIFICATION}" classificationScheme="${scheme}" classifiedObject="${of}" nodeRepresentation="">${slot('authorPerson', person ? [person] : [])}${slot('authorInstitution', institution ? [institution] : [])}${slot('authorTelecommunication', telecom ? [telecom] : [])}</rim:Classification>`

const identifier = (of: string, scheme: string, value: string, name: string): string =>
  `<rim:ExternalIdentifier id="${named(of, scheme)}" objectType="urn:oasis:names:tc:ebxml-regrep:ObjectType:RegistryObject:ExternalIdentifier" registryObject="${of}" identificationScheme="${scheme}" value="${escapeXml(value)}"><rim:Name><rim:LocalizedString value="${name}"/></rim:Name></rim:ExternalIdentifier>`

const title = (text: string): string => `<rim:Name><rim:LocalizedString value="${escapeXml(text.slice(0, 128))}"/></rim:Name>`

const metadata = (submission: NewSubmission, names: readonly string[]): string => {
  const set = named(submission.uniqueId, 'set')
  const { patient, referral } = submission
  const info = patient ? [`PID-3|${cx(patient.id)}`, `PID-5|${patient.name}`, `PID-7|${patient.birthDate}`, `PID-8|${patient.sex}`, ...(patient.address ? [`PID-11|${patient.address}`] : [])] : []
  const entry = (one: NewSubmission['documents'][number], at: number): string => {
    const id = named(submission.uniqueId, 'document', String(at))
    return [
      `<rim:ExtrinsicObject id="${id}" objectType="${DOCUMENT_ENTRY}" status="urn:oasis:names:tc:ebxml-regrep:StatusType:Approved" mimeType="${escapeXml(one.contentType)}" isOpaque="false">`,
      slot('creationTime', [utc(one.created)]), slot('languageCode', [one.language]), slot('sourcePatientId', patient ? [cx(patient.id)] : []), slot('sourcePatientInfo', info), slot('URI', [names[at] ?? '']),
      slot('size', [String(one.content.length)]), slot('hash', [createHash('sha1').update(one.content).digest('hex')]), slot('repositoryUniqueId', [submission.sourceId]),
      referral ? slot(REFERENCES, [`${cx(referral)}^urn:ihe:iti:xds:2013:referral`]) : '', title(one.title), author(id, OF_DOCUMENT.author, submission.author),
      coded(id, OF_DOCUMENT.classCode, one.classCode), coded(id, OF_DOCUMENT.confidentiality, one.confidentiality), coded(id, OF_DOCUMENT.formatCode, one.formatCode),
      coded(id, OF_DOCUMENT.facilityType, one.facilityType), coded(id, OF_DOCUMENT.practiceSetting, one.practiceSetting), coded(id, OF_DOCUMENT.typeCode, one.typeCode),
      patient ? identifier(id, IDENTIFIERS.documentPatient, cx(patient.id), 'XDSDocumentEntry.patientId') : '', identifier(id, IDENTIFIERS.documentUnique, one.uniqueId, 'XDSDocumentEntry.uniqueId'), '</rim:ExtrinsicObject>',
    ].filter(Boolean).join('\n')
  }
  const member = (at: number): string => `<rim:Association id="${named(submission.uniqueId, 'member', String(at))}" objectType="urn:oasis:names:tc:ebxml-regrep:ObjectType:RegistryObject:Association" associationType="urn:oasis:names:tc:ebxml-regrep:AssociationType:HasMember" sourceObject="${set}" targetObject="${named(submission.uniqueId, 'document', String(at))}">${slot('SubmissionSetStatus', ['Original'])}</rim:Association>`
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<lcm:SubmitObjectsRequest xmlns:lcm="urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0" xmlns:rim="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0">', '<rim:RegistryObjectList>',
    ...submission.documents.map(entry),
    `<rim:RegistryPackage id="${set}" objectType="urn:oasis:names:tc:ebxml-regrep:ObjectType:RegistryObject:RegistryPackage" status="urn:oasis:names:tc:ebxml-regrep:StatusType:Approved">`,
    slot('submissionTime', [utc(submission.time)]), slot('intendedRecipient', submission.intendedRecipients), title(submission.contentType.display), author(set, OF_SUBMISSION.author, submission.author), coded(set, OF_SUBMISSION.contentType, submission.contentType),
    patient ? identifier(set, IDENTIFIERS.submissionPatient, cx(patient.id), 'XDSSubmissionSet.patientId') : '', identifier(set, IDENTIFIERS.submissionSource, submission.sourceId, 'XDSSubmissionSet.sourceId'), identifier(set, IDENTIFIERS.submissionUnique, submission.uniqueId, 'XDSSubmissionSet.uniqueId'), '</rim:RegistryPackage>',
    `<rim:Classification id="${named(submission.uniqueId, 'is a submission set')}" objectType="${CLASSIFICATION}" classifiedObject="${set}" classificationNode="${SUBMISSION_SET}"/>`,
    ...submission.documents.map((_, at) => member(at)), '</rim:RegistryObjectList>', '</lcm:SubmitObjectsRequest>', '',
  ].filter((line, at, all) => line || at === all.length - 1).join('\n')
}
