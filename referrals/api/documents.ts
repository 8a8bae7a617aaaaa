/** The documents of a referral: those that came with it and those that came back, as a list and as bytes to be kept. */
import type { Bundle, FhirResource } from 'fhir/r4.js'
import { ReferoError } from '../../engine/errors.js'
import { documentsOf, type ReturnedDocument } from '../canonical/documents.js'
import { digestOf } from '../canonical/stable-id.js'
import type { DeskStore, ReferralDocument } from '../desk-contracts.js'

/** The largest that is given out, in bytes. */
export const LARGEST_DOCUMENT = 100 * 1024 ** 2

interface Part { readonly title: string | null; readonly contentType: string; readonly bytes: () => Buffer; readonly size: number; readonly url: string | null }
export interface ListedDocument {
  readonly id: string // short, for addresses
  readonly number: string // as its author calls it: "system|value"
  readonly role: ReferralDocument['role']
  readonly status: ReferralDocument['status']
  readonly title: string | null
  readonly type: string | null
  readonly date: string | null
  readonly addedAt: string | null // null: it came with the referral
  readonly parts: readonly Part[]
}

export async function documentsIn(store: Pick<DeskStore, 'bundle' | 'documents'>, referral: string): Promise<readonly ListedDocument[]> {
  const [text, kept] = await Promise.all([store.bundle(referral), store.documents(referral)])
  const came = text === null ? [] : documentsOf(JSON.parse(text) as Bundle)
  const numbers = new Set(kept.map(({ id }) => id))
  return [
    ...came.filter((one) => !numbers.has(one.id) && !isFrame(one)).map((one) => listed(one, { role: 'intake', status: one.withdrawn ? 'withdrawn' : 'current', addedAt: null })),
    ...kept.flatMap(({ id, role, status, addedAt, title, resources }) => {
      const [one] = documentsOf({ resourceType: 'Bundle', type: 'collection', entry: (JSON.parse(resources) as FhirResource[]).map((resource) => ({ resource })) })
      return one ? [{ ...listed(one, { role, status, addedAt }), id: shortOf(id), number: id, title: title ?? one.title }] : []
    }),
  ]
}

const listed = (document: ReturnedDocument, standing: Pick<ListedDocument, 'role' | 'status' | 'addedAt'>): ListedDocument => ({
  id: shortOf(document.id), number: document.id, ...standing, title: document.title, type: document.type?.text ?? document.type?.code ?? null, date: document.date, parts: partsOf(document),
})

/** A report (HL7 v2 OBR) around a document that is listed itself, or around nothing, has no content to be looked at. */
const isFrame = ({ text, attachments, resources }: ReturnedDocument): boolean => text === null && attachments.length === 0 && resources.some(({ resourceType }) => resourceType === 'DiagnosticReport')

const shortOf = (number: string): string => digestOf('document', number).slice(0, 16)

function partsOf({ attachments, text, title }: ReturnedDocument): readonly Part[] {
  const kept = attachments.map(({ title: own, contentType, data, url }): Part => ({ title: own ?? title, contentType: contentType ?? 'application/octet-stream', size: data === null ? 0 : sizeOf(data), bytes: () => Buffer.from(data ?? '', 'base64'), url: data === null ? url : null }))
  if (text === null || kept.some(({ contentType }) => contentType.startsWith('text/'))) return kept
  return [...kept, { title, contentType: 'text/plain; charset=utf-8', size: Buffer.byteLength(text), bytes: () => Buffer.from(text), url: null }]
}

/** Of base64, without making the bytes. */
const sizeOf = (data: string): number => Math.floor((data.replace(/=+$/, '').length * 3) / 4)

/** Rejects with NOT_FOUND, and with TOO_LARGE where it is more than anybody should be sent at once. */
export async function contentOf(store: Pick<DeskStore, 'bundle' | 'documents'>, referral: string, id: string, part: number): Promise<{ readonly bytes: Buffer; readonly contentType: string; readonly name: string }> {
  const document = (await documentsIn(store, referral)).find((one) => one.id === id)
  const found = document?.parts[part - 1]
  if (!document) throw new ReferoError('NOT_FOUND', 'The referral has no such document; its list names those that it has.')
  if (!found) throw new ReferoError('NOT_FOUND', `The document has ${document.parts.length === 0 ? 'no content here' : `${document.parts.length} part${document.parts.length > 1 ? 's' : ''}`}.`)
  if (found.url !== null) throw new ReferoError('NOT_FOUND', 'The document was not sent along: only its address elsewhere is known, as the list says.')
  if (found.size > LARGEST_DOCUMENT) throw new ReferoError('TOO_LARGE', `The document has ${found.size} bytes; ${LARGEST_DOCUMENT} at most are given out.`)
  return { bytes: found.bytes(), contentType: TYPE.test(found.contentType) ? found.contentType : 'application/octet-stream', name: nameFor(found, document) }
}

const TYPE = /^[\w.+-]{1,100}\/[\w.+-]{1,100}(?:; ?charset=[\w-]{1,40})?$/
const ENDINGS: Readonly<Record<string, string>> = { 'application/pdf': 'pdf', 'text/plain': 'txt', 'text/html': 'html', 'application/xml': 'xml', 'text/xml': 'xml', 'image/tiff': 'tiff', 'image/jpeg': 'jpeg', 'image/png': 'png', 'application/rtf': 'rtf', 'text/rtf': 'rtf', 'application/json': 'json' }

/** A name for a file that is one on every system: nothing of the title but letters, digits and hyphens. */
function nameFor({ title, contentType }: Part, { id }: ListedDocument): string {
  const words = (title ?? '').normalize('NFKD').replace(/[^A-Za-z0-9]+/g, '-').replace(/^-+|-+$/g, '').slice(0, 60)
  return `${words || 'document'}-${id.slice(0, 8)}.${ENDINGS[contentType.split(';', 1)[0] ?? ''] ?? 'bin'}`
}
