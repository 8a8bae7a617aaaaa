/** Whether a document is one that fax machines and services send: TIFF (TIFF 6.0, RFC 3949) or PDF (ISO 32000), by its first bytes. */

export type DocumentType = 'image/tiff' | 'application/pdf'

const MOST_PAGES = 10_000

/** The type of a document, or null. A PDF may have rubbish before it, as printers' queues leave it. */
export const documentType = (bytes: Buffer): DocumentType | null => {
  const start = bytes.toString('latin1', 0, 1024)
  if (/^(?:II\*\0|MM\0\*)/.test(start)) return 'image/tiff'
  return start.includes('%PDF-') ? 'application/pdf' : null
}

/** What keeps a document from being taken, in a sentence without content; null where nothing does. */
export const documentProblem = (bytes: Buffer, maximum: number): string | null => {
  if (bytes.length === 0) return 'its file is empty'
  if (bytes.length > maximum) return `its file has more than ${maximum} bytes; the setting is \`maximum\``
  return documentType(bytes) === null ? 'its file is neither TIFF nor PDF by its first bytes' : null
}

/** The pages of a TIFF: its directories, each counted once; null for what is none, or is broken before the first. */
export const tiffPages = (bytes: Buffer): number | null => {
  if (documentType(bytes) !== 'image/tiff') return null
  const little = bytes[0] === 0x49
  const number = (at: number, width: 2 | 4): number => (at + width > bytes.length ? 0 : little ? bytes.readUIntLE(at, width) : bytes.readUIntBE(at, width))
  const seen = new Set<number>()
  for (let at = number(4, 4); at >= 8 && at + 2 <= bytes.length && !seen.has(at) && seen.size < MOST_PAGES; at = number(at + 2 + 12 * number(at, 2), 4)) seen.add(at)
  return seen.size || null
}
