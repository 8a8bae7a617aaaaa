/** How a DocumentReference says whether its values are known: a tag of its meta. */
import type { DocumentReference } from 'fhir/r4.js'

/** `unread`: a picture or prose that nobody has read. `read`: a person has looked at it. */
export const DOCUMENT_MARK = 'urn:refero:document'

export const markOf = ({ meta }: Pick<DocumentReference, 'meta'>): string | null => meta?.tag?.find(({ system }) => system === DOCUMENT_MARK)?.code ?? null
