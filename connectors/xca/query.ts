/** Cross Gateway Query (ITI-38) and Cross Gateway Retrieve (ITI-39), IHE ITI TF-2 §3.38, §3.39: asked, and what they answer. */
import { contentIdOf } from '../../engine/formats/mime/soap/mtom.js'
import { QUERY, RIM, RS, XDS, XOP } from '../../engine/formats/mime/soap/names.js'
import { childAt, childrenNamed, isNamed, textAt } from '../../engine/formats/mime/soap/namespaces.js'
import { type RegistryAnswer, readRegistryAnswer } from '../../engine/formats/mime/soap/registry.js'
import { DOCUMENT_ENTRY, IDENTIFIERS } from '../../engine/formats/mime/xdm/names.js'
import { type Place, attributeOf, escapeXml, inside, textOf } from '../../engine/formats/xml/tree.js'
import type { Answer } from './gateway.js'
import type { PatientId } from './patient.js'

const FIND_DOCUMENTS = 'urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d' // ITI TF-2 §3.18.4.1.2.3.7.1
const APPROVED = 'urn:oasis:names:tc:ebxml-regrep:StatusType:Approved'
const MIME_TYPE = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+$/

/** A document as an entry names it. */
export interface DocumentEntry {
  readonly home: string // urn:oid:…, or "" where the gateway is the community itself
  readonly repository: string
  readonly id: string
  readonly type: string | null
  readonly title: string | null
  readonly size: number | null // bytes, as the metadata say
  readonly created: string | null // DTM
}
export interface Query {
  readonly patient: PatientId
  readonly home: string | null // the community that is asked
  readonly classCodes: readonly string[] // "34133-9^^2.16.840.1.113883.6.1"
  readonly typeCodes: readonly string[]
  readonly formatCodes: readonly string[]
  readonly from: string | null // DTM: the service ended then or later
}

/** FindDocuments. Texts stand in apostrophes, which are doubled in them. */
export const queryOf = ({ patient, home, classCodes, typeCodes, formatCodes, from }: Query): string => {
  const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`
  const slot = (name: string, value: string): string => `<rim:Slot name="$XDSDocumentEntry${name}"><rim:ValueList><rim:Value>${escapeXml(value)}</rim:Value></rim:ValueList></rim:Slot>`
  const list = (name: string, values: readonly string[]): string => (values.length > 0 ? slot(name, `(${values.map(quoted).join(',')})`) : '')
  return [
    `<query:AdhocQueryRequest xmlns:query="${QUERY}" xmlns:rim="${RIM}"><query:ResponseOption returnComposedObjects="true" returnType="LeafClass"/><rim:AdhocQuery id="${FIND_DOCUMENTS}"${home ? ` home="${escapeXml(home)}"` : ''}>`,
    slot('PatientId', quoted(`${patient.value}^^^&${patient.authority}&ISO`)), list('Status', [APPROVED]), list('ClassCode', classCodes), list('TypeCode', typeCodes), list('FormatCode', formatCodes), from ? slot('ServiceStopTimeFrom', quoted(from)) : '',
    '</rim:AdhocQuery></query:AdhocQueryRequest>',
  ].join('')
}

export interface Found { readonly said: RegistryAnswer; readonly entries: readonly DocumentEntry[]; readonly incomplete: number } // entries that do not say where their document is

/** Null where it is no answer to a query. `home` is of the community that was asked. */
export const foundIn = ({ body }: Answer, home: string | null): Found | null => {
  const said = isNamed(body, QUERY, 'AdhocQueryResponse') ? readRegistryAnswer(body) : null
  if (!said) return null
  const all = childrenNamed(childAt(body, RIM, 'RegistryObjectList'), RIM, 'ExtrinsicObject').filter(({ element }) => [DOCUMENT_ENTRY, undefined].includes(attributeOf(element, 'objectType')))
  const entries = all.flatMap((one) => entryOf(one, home))
  return { said, entries, incomplete: all.length - entries.length }
}

const entryOf = (entry: Place, asked: string | null): readonly DocumentEntry[] => {
  const repository = slotOf(entry, 'repositoryUniqueId')
  const id = childrenNamed(entry, RIM, 'ExternalIdentifier').filter(({ element }) => attributeOf(element, 'identificationScheme') === IDENTIFIERS.documentUnique).map(({ element }) => attributeOf(element, 'value')?.trim())[0]
  if (!repository || !id) return []
  const size = slotOf(entry, 'size')
  const [title] = childrenNamed(childAt(entry, RIM, 'Name'), RIM, 'LocalizedString').flatMap(({ element }) => attributeOf(element, 'value') ?? [])
  return [{ home: attributeOf(entry.element, 'home')?.trim() || asked || '', repository, id, type: mediaType(attributeOf(entry.element, 'mimeType')), title: title?.trim() || null, size: size !== null && /^\d{1,15}$/.test(size) ? Number(size) : null, created: slotOf(entry, 'creationTime') }]
}

const slotOf = (entry: Place, name: string): string | null => {
  const slot = childrenNamed(entry, RIM, 'Slot').find(({ element }) => attributeOf(element, 'name') === name)
  return textAt(childAt(slot, RIM, 'ValueList', 'Value'))
}

const mediaType = (text: string | null | undefined): string | null => (text && MIME_TYPE.test(text.trim()) ? text.trim().toLowerCase() : null)

export const retrieveOf = ({ home, repository, id }: DocumentEntry): string =>
  `<xdsb:RetrieveDocumentSetRequest xmlns:xdsb="${XDS}"><xdsb:DocumentRequest>${home ? `<xdsb:HomeCommunityId>${escapeXml(home)}</xdsb:HomeCommunityId>` : ''}<xdsb:RepositoryUniqueId>${escapeXml(repository)}</xdsb:RepositoryUniqueId><xdsb:DocumentUniqueId>${escapeXml(id)}</xdsb:DocumentUniqueId></xdsb:DocumentRequest></xdsb:RetrieveDocumentSetRequest>`

export interface Retrieved { readonly said: RegistryAnswer; readonly document: { readonly type: string | null; readonly content: Buffer } | null }

/** Null where it is no answer to a retrieval. Only the document that was asked for is taken. */
export const retrievedIn = ({ body, parts }: Answer, { id }: DocumentEntry): Retrieved | null => {
  const said = isNamed(body, XDS, 'RetrieveDocumentSetResponse') ? readRegistryAnswer(childAt(body, RS, 'RegistryResponse')) : null
  if (!said) return null
  const response = childrenNamed(body, XDS, 'DocumentResponse').find((one) => textAt(childAt(one, XDS, 'DocumentUniqueId')) === id)
  const content = contentOf(childAt(response, XDS, 'Document'), parts)
  return { said, document: content && content.length > 0 ? { type: mediaType(textAt(childAt(response, XDS, 'mimeType'))), content } : null }
}

/** Base64 in it, or a part that it includes (XOP 1.0 §2.1). */
const contentOf = (document: Place | null, parts: Answer['parts']): Buffer | null => {
  if (!document) return null
  const [include] = inside(document)
  if (!include) return Buffer.from(textOf(document.element).replace(/\s+/g, ''), 'base64')
  const href = attributeOf(include.element, 'href') ?? ''
  const id = isNamed(include, XOP, 'Include') ? contentIdOf(href) : null
  return id === null ? null : (parts.get(id) ?? parts.get(href.slice(4)) ?? null)
}
