/** A letter as PDF: the practice's head, the words, and the reference number on every page. The same letter gives the same bytes. */
import PDFDocument from 'pdfkit'
import { type Cover, drawCover } from './cover.js'
import type { Block, Letter } from './letter.js'
import { winAnsi } from './win-ansi.js'

const MARGIN = 72 // points: an inch
const LABELS = 150 // points for the first column of facts
const GREY = '#555555'
const MOST_TOLD = 40 // characters that are named as replaced

/** What a fax has beside its letter: a sheet before it, pages as pictures behind it, and how many `more` follow that are not in the file. */
export interface Around { readonly cover: Cover; readonly pictures: readonly Buffer[]; readonly more: number }

/** `date` stands in the document's properties. Characters that the fonts cannot show are replaced, and a last line says which. */
export const renderPdf = async (letter: Letter, date: Date, around?: Around): Promise<{ readonly bytes: Buffer; readonly pages: number }> => {
  const replaced = new Map<string, string>()
  const plain = (text: string): string => {
    const made = winAnsi(text)
    for (const [character, shown] of made.replaced) replaced.set(character, shown)
    return made.text
  }
  const document = new PDFDocument({
    size: 'LETTER', margins: { top: MARGIN, bottom: MARGIN, left: MARGIN, right: MARGIN }, bufferPages: true, lang: letter.language, displayTitle: true,
    info: { Title: letter.subject, Creator: 'Refero', Producer: 'Refero', CreationDate: date },
  })
  const pieces: Buffer[] = []
  document.on('data', (piece: Buffer) => pieces.push(piece))
  const ended = new Promise<void>((resolve, reject) => {
    document.on('end', resolve)
    document.on('error', reject)
  })

  if (around) document.addPage() // the sheet is drawn once it is known how many pages there are
  head(document, letter, plain)
  document.font('Helvetica-Bold').fontSize(14).text(plain(letter.subject)).moveDown(0.8)
  for (const block of letter.blocks) write(document, block, plain)
  if (replaced.size > 0) note(document, letter, replaced)
  const written = document.bufferedPageRange().count
  for (const picture of around?.pictures ?? []) document.addPage().image(picture, 0, 0, { width: document.page.width, height: document.page.height })
  const pages = document.bufferedPageRange().count
  feet(document, letter, plain, written, pages + (around?.more ?? 0))
  if (around) {
    document.switchToPage(0)
    drawCover(document, around.cover, pages + around.more, plain)
  }
  document.end()
  await ended
  return { bytes: Buffer.concat(pieces), pages }
}

export type Document = InstanceType<typeof PDFDocument>
export type Plain = (text: string) => string

const head = (document: Document, { practice: { name, address, phone, fax } }: Letter, plain: Plain): void => {
  if (name) document.font('Helvetica-Bold').fontSize(15).text(plain(name))
  const line = [address, phone && `Tel ${phone}`, fax && `Fax ${fax}`].filter(Boolean).join('  ·  ')
  if (line) document.font('Helvetica').fontSize(9).fillColor(GREY).text(plain(line)).fillColor('black')
  if (name || line) document.moveDown(2)
}

const write = (document: Document, block: Block, plain: Plain): void => {
  const { left, right } = document.page.margins
  if (block.kind === 'heading') document.moveDown(0.3).font('Helvetica-Bold').fontSize(12).text(plain(block.text)).moveDown(0.4)
  else if (block.kind === 'paragraph') document.font('Helvetica').fontSize(11).text(plain(block.text), { lineGap: 2 }).moveDown(0.8)
  else if (block.kind === 'list') {
    for (const item of block.items) {
      document.font('Helvetica').fontSize(11).text(plain(`•  ${item}`), left + 8, document.y, { lineGap: 2, indent: 0, width: document.page.width - left - right - 8 })
      document.moveDown(0.2)
    }
    document.x = left
    document.moveDown(0.6)
  } else {
    for (const [label, value] of block.rows) row(document, plain(label), plain(value))
    document.x = left
    document.moveDown(0.6)
  }
}

/** A label and its value beside each other; a row that does not fit goes to the next page whole, one longer than a page flows. */
const row = (document: Document, label: string, value: string): void => {
  const { left, right, top, bottom } = document.page.margins
  const width = document.page.width - left - right - LABELS
  document.fontSize(11)
  const height = Math.max(document.font('Helvetica-Bold').heightOfString(label, { width: LABELS - 10 }), document.font('Helvetica').heightOfString(value, { width }))
  const room = document.page.height - bottom - document.y
  if (height > room && height < document.page.height - top - bottom) document.addPage()
  const y = document.y
  document.font('Helvetica-Bold').text(label, left, y, { width: LABELS - 10 })
  const below = document.y
  document.font('Helvetica').text(value, left + LABELS, y, { width })
  document.y = Math.max(document.y, document.y < y ? document.y : below) + 3
}

const note = (document: Document, { words }: Letter, replaced: ReadonlyMap<string, string>): void => {
  const told = [...replaced].slice(0, MOST_TOLD).map(([character, shown]) => `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')} ${shown}`)
  document.moveDown(1).font('Helvetica').fontSize(8).fillColor(GREY).text(winAnsi(words.replaced.replace('{list}', told.join(', '))).text).fillColor('black')
}

/** At the foot of the pages that are written, not of pictures: theirs is what came with them. */
const feet = (document: Document, { reference, words }: Letter, plain: Plain, written: number, count: number): void => {
  for (let page = 0; page < written; page++) {
    document.switchToPage(page)
    const { left, right } = document.page.margins
    const y = document.page.height - MARGIN / 2 - 9
    document.page.margins.bottom = 0 // or what is written there would begin another page
    const text = [reference, words.page.replace('{page}', String(page + 1)).replace('{pages}', String(count))].filter((part) => part !== '').join('  ·  ')
    document.font('Helvetica').fontSize(9).fillColor(GREY).text(plain(text), left, y, { width: document.page.width - left - right, align: 'center', lineBreak: false })
  }
}
