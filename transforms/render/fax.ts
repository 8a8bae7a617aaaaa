/** A letter as a fax: a cover sheet, the letter and what it encloses, as one PDF or TIFF file, addressed to a fax number. */
import { faxPages, faxTiff } from '../../engine/documents/fax.js'
import { kindOf } from '../../engine/documents/kind.js'
import { MessageFault } from '../../engine/errors.js'
import type { Enclosure } from '../../engine/formats/mime/compose.js'
import { codesOf, type Cover } from './cover.js'
import type { Letter } from './letter.js'
import { renderPdf } from './pdf.js'

const MOST_PAGES = 200

export interface Fax { readonly document: Enclosure; readonly pages: number }
export type Sheet = Omit<Cover, 'codes' | 'left'>

/**
 * The fax of a letter. `references` are the numbers it is about: one is put on the cover as barcodes too. What is enclosed and is no TIFF, PDF, JPEG or PNG
 * cannot be printed, and is counted on the cover. Throws a MessageFault where a document is damaged, encrypted or too much.
 */
export const renderFax = async (letter: Letter, date: Date, sheet: Sheet, references: readonly string[], enclosed: readonly Enclosure[], name: string, format: 'pdf' | 'tiff'): Promise<Fax> => {
  const printed = enclosed.filter(({ content }) => kindOf(content) !== null)
  const pictures: Buffer[] = []
  for (const [n, { content }] of printed.entries()) pictures.push(...(await named(n, () => faxPages(content))))
  const [reference] = references
  const cover: Cover = { ...sheet, codes: references.length === 1 && reference !== undefined ? await codesOf(reference) : null, left: enclosed.length - printed.length }
  const pdf = await renderPdf(letter, date, { cover, pictures: format === 'pdf' ? pictures : [], more: format === 'pdf' ? 0 : pictures.length })
  const pages = pdf.pages + (format === 'pdf' ? 0 : pictures.length)
  if (pages > MOST_PAGES) throw new MessageFault({ kind: 'unsupported', reason: `the fax would have ${pages} pages, and at most ${MOST_PAGES} are sent`, location: 'Communication.payload' })
  if (format === 'pdf') return { document: { filename: `${name}.pdf`, type: 'application/pdf', content: pdf.bytes }, pages }
  return { document: { filename: `${name}.tif`, type: 'image/tiff', content: await faxTiff([...(await faxPages(pdf.bytes)), ...pictures]) }, pages }
}

const named = async <Result>(n: number, make: () => Promise<Result>): Promise<Result> => {
  try {
    return await make()
  } catch (error) {
    if (!(error instanceof MessageFault)) throw error
    throw new MessageFault({ ...error.fault, reason: `a document to enclose cannot be faxed: ${error.fault.reason}`, location: `Communication.payload[${n}]` })
  }
}
