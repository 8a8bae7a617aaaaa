/** Whether a document is one that fax machines and services send: TIFF (TIFF 6.0, RFC 3949) or PDF (ISO 32000), by its first bytes. */
import { kindOf } from '../../engine/documents/kind.js'
import { LIMITS } from '../../engine/documents/limits.js'
import { pages } from '../../engine/documents/pages.js'
import { MessageFault } from '../../engine/errors.js'

const TO_COUNT = { ...LIMITS, pages: 10_000, time: 10_000 }

export const faxKind = (bytes: Buffer): 'tiff' | 'pdf' | null => {
  const kind = kindOf(bytes)
  return kind === 'tiff' || kind === 'pdf' ? kind : null
}

/** What keeps a document from being taken, in a sentence without content; null where nothing does. */
export const documentProblem = (bytes: Buffer, maximum: number): string | null => {
  if (bytes.length === 0) return 'its file is empty'
  if (bytes.length > maximum) return `its file has more than ${maximum} bytes; the setting is \`maximum\``
  return faxKind(bytes) === null ? 'its file is neither TIFF nor PDF by its first bytes' : null
}

/** How many pages it has; null where it is damaged or encrypted, which is for whoever reads it to say. */
export const pageCount = async (bytes: Buffer): Promise<number | null> => {
  try {
    return (await pages(bytes, TO_COUNT)).pages.length
  } catch (error) {
    if (error instanceof MessageFault) return null
    throw error
  }
}
