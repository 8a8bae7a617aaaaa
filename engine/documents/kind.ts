/** What kind of document bytes are, by what they begin with and never by a name. */

export type Kind = 'tiff' | 'pdf' | 'jpeg' | 'png'

export const TYPES: Readonly<Record<Kind, string>> = { tiff: 'image/tiff', pdf: 'application/pdf', jpeg: 'image/jpeg', png: 'image/png' }

const HEADER_WITHIN = 1024 // bytes: before `%PDF-` there may be others (ISO 32000-1, annex H, note 13)
const BEGINNINGS: readonly (readonly [Kind, string])[] = [['tiff', '49492a00'], ['tiff', '4d4d002a'], ['jpeg', 'ffd8ff'], ['png', '89504e470d0a1a0a']]

/** The kind, or null where it is none of them. */
export const kindOf = (bytes: Buffer): Kind | null => {
  const head = bytes.toString('hex', 0, 8)
  const [found] = BEGINNINGS.find(([, beginning]) => head.startsWith(beginning)) ?? []
  return found ?? (bytes.subarray(0, HEADER_WITHIN).includes('%PDF-') ? 'pdf' : null)
}
