/** Reads XDM packages (IHE ITI TF-2 §3.32): the documents of a zip, or of what came as files, with what the metadata say, and whether size and hash are theirs. */
import { createHash } from 'node:crypto'
import { MessageFault } from '../../../errors.js'
import { DEFAULTS } from '../../xml/index.js'
import { parseXml } from '../../xml/parse.js'
import { placesFrom, usablePath, valuesFrom, valuesIn } from '../../xml/select.js'
import { type Place, type XmlDocument, attributeOf, rootPlace } from '../../xml/tree.js'
import { size } from '../../../units.js'
import { DOCUMENT_ENTRY, IDENTIFIERS, OF_DOCUMENT, REFERENCES } from './names.js'
import { type File, ZIP_LIMITS, type ZipLimits, readZip } from './zip.js'

export interface XdmDocument {
  readonly path: string // in the package
  readonly content: Buffer
  readonly contentType: string // as the metadata says, else as the content looks
  readonly listed: boolean // in the metadata
  readonly intact: boolean | null // size and SHA-1 are those of the metadata; null: it says neither
  readonly title: string | null
  readonly uniqueId: string | null
  readonly typeCode: string | null
  readonly formatCode: string | null
  readonly creationTime: string | null
  readonly patientId: string | null // CX: id^^^&OID&ISO
  readonly patientInfo: readonly string[] // "PID-5|Quillfeather^Odalys"
  readonly references: readonly string[] // CXi: number, authority and kind of a referral or an order
}
export interface XdmPackage {
  readonly documents: readonly XdmDocument[]
  readonly submission: { readonly uniqueId: string | null; readonly sourceId: string | null; readonly time: string | null; readonly intendedRecipients: readonly string[] }
  readonly problems: readonly string[] // sentences without content: what is missing, damaged or not listed
}

const NOT_DOCUMENTS = /(?:^|\/)(?:METADATA\.XML|INDEX\.HTML?|README\.TXT|CDA\.XSL|\.[^/]*)$|^__MACOSX\//i

/** Rejects with a MessageFault where it is no zip that can be taken. Metadata that are missing or wrong are told, and the documents read all the same. */
export const readXdm = async (bytes: Buffer, limits: ZipLimits = ZIP_LIMITS): Promise<XdmPackage> => readMetadata(await readZip(bytes, limits))

/** The same of files that did not come in a zip: those of a package, METADATA.XML among them. */
export const readMetadata = (files: readonly File[]): XdmPackage => {
  const problems: string[] = []
  const described = files.filter(({ path }) => /(?:^|\/)METADATA\.XML$/i.test(path)).flatMap((file) => metadataOf(file, problems))
  if (described.length === 0) problems.push('There is no METADATA.XML that can be read; every document in the package is taken.')
  const listed = described.flatMap(({ folder, document }) => entriesIn(document).flatMap((entry) => documentOf(entry, folder, files, problems)))
  const paths = new Set(listed.map(({ path }) => path))
  const others = files.filter(({ path }) => !paths.has(path) && !NOT_DOCUMENTS.test(path)).map(unlisted)
  if (described.length > 0) for (const { path } of others) problems.push(`${place(path)} is not in the metadata; it is taken all the same.`)
  if (listed.length + others.length === 0) problems.push('There is no document in the package.')
  return { documents: [...listed, ...others], submission: submissionOf(described[0]?.document ?? null), problems }
}

interface Described { readonly folder: string; readonly document: XmlDocument }

const metadataOf = ({ path, content }: File, problems: string[]): readonly Described[] => {
  try {
    return [{ folder: path.slice(0, path.lastIndexOf('/') + 1), document: parseXml(content, { size: size('5MB'), depth: DEFAULTS.depth, elements: 100_000 }) }]
  } catch (error) {
    if (!(error instanceof MessageFault)) throw error
    problems.push(`${place(path)} cannot be read: ${error.message}.`)
    return []
  }
}

/** A path as it may be shown: names of files that may be somebody's are not. */
const place = (path: string): string => (/^[\w./-]{1,80}$/.test(path) ? path : 'A file with another name')

const entriesIn = (document: XmlDocument): readonly Place[] => {
  const inside = placesFrom(rootPlace(document), path(`*//ExtrinsicObject[@objectType='${DOCUMENT_ENTRY}']`))
  return inside.length > 0 ? inside : placesFrom(rootPlace(document), path('*//ExtrinsicObject'))
}

const path = (text: string) => usablePath(text)
const slot = (entry: Place, name: string): readonly string[] => valuesFrom(entry, path(`Slot[@name='${name}']/ValueList/Value`)).map(({ value }) => value.trim()).filter(Boolean)
const code = (entry: Place, scheme: string): string | null => valuesFrom(entry, path(`Classification[@classificationScheme='${scheme}']/@nodeRepresentation`))[0]?.value.trim() || null
const number = (entry: Place, scheme: string): string | null => valuesFrom(entry, path(`ExternalIdentifier[@identificationScheme='${scheme}']/@value`))[0]?.value.trim() || null

const documentOf = (entry: Place, folder: string, files: readonly File[], problems: string[]): readonly XdmDocument[] => {
  const [uri] = slot(entry, 'URI')
  const wanted = uri?.replace(/^\.?\//, '').toUpperCase()
  const file = wanted === undefined ? undefined : files.find((one) => one.path.toUpperCase() === folder.toUpperCase() + wanted) ?? files.find((one) => one.path.toUpperCase() === wanted)
  if (!file) {
    problems.push(`${uri ? `The metadata name ${place(uri)}, which` : 'A document of the metadata has no URI and'} is not in the package.`)
    return []
  }
  const [stated, hash] = [slot(entry, 'size')[0], slot(entry, 'hash')[0]]
  const intact = stated === undefined && hash === undefined ? null : (stated === undefined || Number(stated) === file.content.length) && (hash === undefined || hash.toLowerCase() === createHash('sha1').update(file.content).digest('hex'))
  if (intact === false) problems.push(`${place(file.path)} is not as long as the metadata say, or not what they say (SHA-1): it may have been damaged on the way.`)
  const type = attributeOf(entry.element, 'mimeType') ?? ''
  return [{
    path: file.path, content: file.content, listed: true, intact, contentType: /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+$/.test(type) ? type : sniffed(file),
    title: valuesFrom(entry, path('Name/LocalizedString/@value'))[0]?.value.trim() || null, uniqueId: number(entry, IDENTIFIERS.documentUnique), typeCode: code(entry, OF_DOCUMENT.typeCode), formatCode: code(entry, OF_DOCUMENT.formatCode),
    creationTime: slot(entry, 'creationTime')[0] ?? null, patientId: number(entry, IDENTIFIERS.documentPatient) ?? slot(entry, 'sourcePatientId')[0] ?? null, patientInfo: slot(entry, 'sourcePatientInfo'), references: slot(entry, REFERENCES),
  }]
}

const unlisted = (file: File): XdmDocument => ({
  path: file.path, content: file.content, listed: false, intact: null, contentType: sniffed(file), title: null, uniqueId: null, typeCode: null, formatCode: null, creationTime: null, patientId: null, patientInfo: [], references: [],
})

/** What the first bytes of a file say it is. */
const sniffed = ({ content }: File): string => {
  const start = content.toString('latin1', 0, 2000)
  if (start.startsWith('%PDF-')) return 'application/pdf'
  if (/^(?:II\*\0|MM\0\*)/.test(start)) return 'image/tiff'
  if (start.startsWith('\xff\xd8\xff')) return 'image/jpeg'
  if (start.startsWith('\x89PNG')) return 'image/png'
  if (/^(?:\x0b)?MSH\|/.test(start)) return 'x-application/hl7-v2+er7'
  if (/<(?:\w+:)?ClinicalDocument[\s/>]/.test(start)) return 'application/hl7-cda+xml'
  return /^(?:\xef\xbb\xbf)?\s*</.test(start) ? 'text/xml' : 'application/octet-stream'
}

const submissionOf = (document: XmlDocument | null): XdmPackage['submission'] => {
  const [set] = document ? placesFrom(rootPlace(document), path('*//RegistryPackage')) : []
  if (!document || !set) return { uniqueId: null, sourceId: null, time: null, intendedRecipients: [] }
  return { uniqueId: number(set, IDENTIFIERS.submissionUnique), sourceId: number(set, IDENTIFIERS.submissionSource), time: slot(set, 'submissionTime')[0] ?? valuesIn(document, path("//Slot[@name='submissionTime']/ValueList/Value"))[0]?.value ?? null, intendedRecipients: slot(set, 'intendedRecipient') }
}
