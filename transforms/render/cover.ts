/** The cover sheet of a fax: who sends what to whom, and the reference number as words, as Code 128 and as QR code, by which a returned fax finds its referral. Nothing of the patient stands on it. */
import { Type } from 'typebox'
import { code128, type Modules, qrCode, SCHEME } from '../../engine/documents/barcodes.js'
import type { Document, Plain } from './pdf.js'

const Text = Type.String({ minLength: 1 })

/** Of mappings/letters/words.yaml: what stands on cover sheets. */
export const CoverWords = Type.Object({
  title: Text, to: Text, from: Text, fax: Text, phone: Text, date: Text, pages: Text, reference: Text,
  count: Type.String({ minLength: 1, description: 'How many pages there are: {pages}.' }),
  left: Type.String({ minLength: 1, description: 'Where documents are enclosed that cannot be printed: {count}.' }),
  answer: Type.String({ minLength: 1, description: 'What to do with the sheet, beside its codes.' }),
  confidential: Type.String({ minLength: 1, description: 'For whoever the fax was not meant for; {phone} is whom to call.' }),
  confidentialTitle: Text,
}, { additionalProperties: false, description: 'The words on cover sheets of faxes.' })

export interface Cover {
  readonly words: { readonly [Name in keyof typeof CoverWords.properties]: string }
  readonly from: { readonly name: string; readonly address: string; readonly phone: string; readonly fax: string }
  readonly to: { readonly name: string; readonly practice: string; readonly fax: string }
  readonly date: string
  readonly reference: string
  readonly codes: Codes | null // null where the letter is of several referrals: their answers are not one
  readonly left: number // documents enclosed that a fax cannot carry
}

export interface Codes { readonly bars: Modules; readonly square: Modules }

/** Both codes of a reference number. */
export const codesOf = async (reference: string): Promise<Codes> => ({ bars: await code128(reference), square: await qrCode(SCHEME + reference) })

const MILLIMETRE = 72 / 25.4 // points
const BAR = 0.5 * MILLIMETRE // below half a millimetre a coarse fax loses modules
const BARS_HIGH = 16 * MILLIMETRE // so that a line at 5 degrees still crosses all of them
const SQUARE = 1.1 * MILLIMETRE
const LABELS = 92 // points
const [LEFT, RIGHT, TOP] = [72, 540, 72]

/** Draws the sheet on the present page, which must be an empty Letter page. `pages` counts it too. */
export const drawCover = (document: Document, cover: Cover, pages: number, plain: Plain): void => {
  const { words, from, to } = cover
  document.page.margins.bottom = 0 // or what is low on the page would begin another
  const under = (height = 0): number => document.y + height

  document.fillColor('black').font('Helvetica-Bold').fontSize(17).text(plain(from.name), LEFT, TOP, { width: 330 })
  if (from.address) document.font('Helvetica').fontSize(10).text(plain(from.address), LEFT, under(2), { width: 330 })
  const headed = document.y
  document.font('Helvetica-Bold').fontSize(34).text(plain(words.title), LEFT, TOP - 8, { width: RIGHT - LEFT, align: 'right' })
  rule(document, Math.max(headed, document.y) + 12, 2)

  document.y = Math.max(headed, document.y) + 30
  const rows: readonly (readonly [string, string, boolean])[] = [
    [words.to, [to.name, to.practice].filter(Boolean).join('\n'), true], [words.fax, to.fax, true],
    [words.from, from.name, false], [words.phone, from.phone, false], [words.fax, from.fax, false],
    [words.date, cover.date, false], [words.pages, words.count.replace('{pages}', String(pages)), false],
  ]
  for (const [label, value, bold] of rows.filter(([, value]) => value !== '')) {
    const y = document.y
    document.font('Helvetica').fontSize(11).text(plain(label), LEFT, y + 1.5, { width: LABELS - 8 })
    document.font(bold ? 'Helvetica-Bold' : 'Helvetica').fontSize(13).text(plain(value), LEFT + LABELS, y, { width: RIGHT - LEFT - LABELS, height: 34, ellipsis: true })
    document.y += 7
  }

  rule(document, under(8), 0.75)
  document.y += 26
  const top = document.y
  const wide = cover.codes ? cover.codes.square.width * SQUARE : 0
  const column = RIGHT - LEFT - (cover.codes ? wide + 36 : 0)
  document.font('Helvetica').fontSize(11).text(plain(words.reference), LEFT, top, { width: column })
  document.font('Helvetica-Bold').fontSize(cover.codes ? 25 : 13).text(plain(cover.reference), LEFT, under(3), { width: column })
  if (cover.codes) {
    const y = under(10)
    drawModules(document, cover.codes.bars, LEFT, y, BAR, BARS_HIGH)
    drawModules(document, cover.codes.square, RIGHT - wide, top, SQUARE, SQUARE)
    document.y = Math.max(y + BARS_HIGH, top + wide) + 16
    document.font('Helvetica').fontSize(10.5).text(plain(words.answer), LEFT, document.y, { width: RIGHT - LEFT, lineGap: 2 })
  }
  if (cover.left > 0) document.font('Helvetica').fontSize(10.5).text(plain(words.left.replace('{count}', String(cover.left))), LEFT, under(10), { width: RIGHT - LEFT, lineGap: 2 })

  const notice = plain(words.confidential.replace('{phone}', from.phone || from.name))
  const height = document.font('Helvetica').fontSize(9.5).heightOfString(notice, { width: RIGHT - LEFT, lineGap: 2 })
  const y = document.page.height - 64 - height
  rule(document, y - 26, 0.75)
  document.font('Helvetica-Bold').fontSize(9.5).text(plain(words.confidentialTitle), LEFT, y - 14, { width: RIGHT - LEFT })
  document.font('Helvetica').text(notice, LEFT, y, { width: RIGHT - LEFT, lineGap: 2 })
}

const rule = (document: Document, y: number, thick: number): void => {
  document.moveTo(LEFT, y).lineTo(RIGHT, y).lineWidth(thick).strokeColor('black').stroke()
}

/** Dark modules that touch in a line are drawn as one, so that no printer leaves a gap between them. */
const drawModules = (document: Document, { width, height, dark }: Modules, x: number, y: number, wide: number, high: number): void => {
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      let end = column
      while (end < width && dark[row * width + end]) end++
      if (end > column) document.rect(x + column * wide, y + row * high, (end - column) * wide, high)
      column = end
    }
  }
  document.fill('black')
}
