/** Letters as faxes: a cover sheet whose codes bring the answer back, what is enclosed as pages, and what cannot be faxed said. */
import PDFDocument from 'pdfkit'
import sharp from 'sharp'
import t from 'tap'
import type { Message } from '../../engine/contracts.js'
import { barcodesOf, referenceIn } from '../../engine/documents/barcodes.js'
import { faxPages } from '../../engine/documents/fax.js'
import { pages } from '../../engine/documents/pages.js'
import { MessageFault } from '../../engine/errors.js'
import { faxAddress, faxNumber } from '../../engine/formats/mime/fax-address.js'
import { attachmentsOf, contentOf, type Mail } from '../../engine/formats/mime/mail.js'
import { openMappings } from '../../engine/mappings.js'
import { readReference } from '../../referrals/reference.js'
import render from '../../transforms/render/index.js'
import { randomOf } from '../referrals/routing/made.js'
import { ALL, changed, LETTERS, letters, mailOf, notice, pagesOf, type Resource, say, tools, WHO } from './letters.js'

const REFERENCE = 'R-7K3M-9QX9'
const real = (message: Message): Message => changed(message, (resources) => {
  for (const one of resources('ServiceRequest').identifier as Resource[]) if (String(one.value).startsWith('R-')) one.value = reference
})
/** A number of the fixture's with the check character that it should have. */
const reference = [...'23456789BCDFGHJKLMNPQRSTVWXYZ'].map((last) => REFERENCE.slice(0, -1) + last).find((one) => readReference(one) === one) ?? ''

const pdfWith = async (draw: (document: InstanceType<typeof PDFDocument>) => void, count: number): Promise<Buffer> => {
  const document = new PDFDocument({ size: 'LETTER', autoFirstPage: false })
  const pieces: Buffer[] = []
  document.on('data', (piece: Buffer) => pieces.push(piece))
  const ended = new Promise((resolve) => document.on('end', resolve))
  for (let page = 0; page < count; page++) {
    document.addPage()
    draw(document)
  }
  document.end()
  await ended
  return Buffer.concat(pieces)
}
const enclosing = (message: Message, content: Buffer, contentType: string): Message => changed(real(message), (resources) => {
  const binary = resources('Binary')
  Object.assign(binary, { data: content.toString('base64'), contentType })
  resources('DocumentReference').content[0].attachment.contentType = contentType
})
const faxOf = (mail: Mail): Buffer => attachmentsOf(mail).map(({ part }) => contentOf(part))[0] ?? Buffer.alloc(0)

t.test('a fax is one document: cover sheet, letter, enclosures as pages, and what cannot be printed is counted', async (t) => {
  const note = await pdfWith((document) => document.fontSize(14).text('Consultation note, as it was written.'), 2)
  for (const [format, type, kind] of [['pdf', 'application/pdf', 'pdf'], ['tiff', 'image/tiff', 'tiff']] as const) {
    const mail = await mailOf(enclosing(notice('outcome'), note, 'application/pdf'), { ...ALL, as: ['fax'], format })
    t.same(attachmentsOf(mail).map(({ filename, type: one }) => [filename, one]), [[`outcome-${reference}.${kind === 'pdf' ? 'pdf' : 'tif'}`, type]])
    const document = faxOf(mail)
    const read = await pages(document)
    t.same([read.kind, read.pages.length, say(mail, 'X-Refero-Pages')], [kind, 4, '4'])
    const found = await barcodesOf(document)
    t.same([found.every(({ page }) => page === 1), referenceIn(found.map(({ text }) => text), readReference)], [true, reference])
    if (kind === 'pdf') {
      const [cover = '', letter = ''] = pagesOf(document)
      for (const words of ['Fax', 'Heart Center', 'Ines Bell', 'Meadow Family Medicine', '(555) 555-0142', '(555) 555-0101', 'March 2, 2026', '4, with this sheet', reference, 'cannot be sent by fax: 1', 'Confidential']) t.match(cover, words)
      t.notMatch(cover, /Quillfeather|1961|atrial/, 'nothing of the patient')
      t.match(letter, `${reference}  ·  Page 2 of 4`)
    }
    t.ok((await mailOf(enclosing(notice('outcome'), note, 'application/pdf'), { ...ALL, as: ['fax'], format })).raw.equals(mail.raw), 'the same bytes again')
  }
  const picture = await sharp({ create: { width: 400, height: 600, channels: 3, background: '#000' } }).jpeg().toBuffer()
  t.equal(say(await mailOf(enclosing(notice('outcome'), picture, 'application/octet-stream'), { ...ALL, as: ['fax'] }), 'X-Refero-Pages'), '3', 'a picture is one by its bytes')
  const broken = await mailOf(enclosing(notice('outcome'), Buffer.from('%PDF-1.4 broken'), 'application/pdf'), { ...ALL, as: ['fax'] }).then(() => null, (error: unknown) => error)
  t.ok(broken instanceof MessageFault)
  t.match(String(broken), /Communication\.payload\[0\]: a document to enclose cannot be faxed: the document is damaged/)
})

t.test('the cover sheet comes back from a coarse fax machine, tilted, turned and with specks, in every language', async (t) => {
  for (const [language, tilt] of [['en', 2], ['es', 179]] as const) {
    const mail = await mailOf(changed(real(notice('acknowledgement')), (resources) => {
      resources('Communication').language = language
    }), { ...WHO, as: ['fax'], format: 'tiff' })
    const [page = Buffer.alloc(0)] = await faxPages(faxOf(mail))
    const tilted = await sharp(page).toColourspace('srgb').rotate(tilt, { background: '#ffffff' }).toBuffer()
    const { data, info } = await sharp(tilted).resize(1728, 1078, { fit: 'fill' }).greyscale().threshold(140).toColourspace('b-w').raw().toBuffer({ resolveWithObject: true })
    const random = randomOf(7)
    for (let speck = 0; speck < 0.004 * data.length; speck++) data[Math.floor(random() * data.length)] = random() < 0.5 ? 0 : 255
    const tiff = await sharp(data, { raw: { width: info.width, height: info.height, channels: 1 } }).toColourspace('b-w').tiff({ compression: 'ccittfax4', bitdepth: 1, xres: 204 / 25.4, yres: 98 / 25.4, resolutionUnit: 'inch' }).toBuffer()
    t.equal(referenceIn((await barcodesOf(tiff)).map(({ text }) => text), readReference), reference, language)
  }
})

t.test('every letter can be a fax, and a cover sheet of several referrals has no codes', async (t) => {
  for (const { name, language } of letters) {
    const mail = await mailOf(changed(notice(name), (resources) => {
      resources('Communication').language = language
    }), { ...WHO, letter: name, as: ['text', 'fax'] })
    t.match(pagesOf(faxOf(mail))[0], language === 'es' ? /Confidencial/ : /Confidential/, `${name} ${language}`)
    t.match(say(mail, 'text'), 'R-7K3M-9QX4')
  }
  const digest = faxOf(await mailOf(notice('digest'), { ...WHO, as: ['fax'] }))
  t.same(await barcodesOf(digest), [])
})

t.test('a fax goes to the number of the recipient, in the one form that faxes have', async (t) => {
  const to = async (telecom: readonly Resource[], settings: object = {}): Promise<string> => say(await mailOf(changed(notice('status'), (resources) => {
    resources('PractitionerRole').telecom = telecom
  }), { ...WHO, as: ['fax'], ...settings }), 'To')
  t.equal(await to([{ system: 'email', value: 'ines.bell@meadow.example' }, { system: 'fax', value: '555-555-0142' }]), 'Ines Bell <+15555550142@fax.invalid>')
  t.equal(await to([{ system: 'fax', use: 'old', value: '555-555-0111' }]), '', 'an old number is none')
  t.equal(await to([{ system: 'phone', value: '555-555-0140' }], { to: '+15555550199@fax.invalid' }), '+15555550199@fax.invalid')
  t.same(['+44 20 7946 0123', '1 (555) 555-0142 x3', '0142', 'none', '12'].map((number) => faxNumber(faxAddress(number))), ['+442079460123', '+15555550142', '0142', null, null])
})

t.test('settings of faxes that contradict each other, and words that are missing, are said', (t) => {
  t.throws(() => render.create({ letter: 'status', as: ['pdf', 'fax'] }, tools), /`fax` and `pdf`/)
  t.throws(() => render.create({ letter: 'status', format: 'tiff' }, tools), /`format: tiff` goes with `as: \[fax\]`/)
  const folder = t.testdir({ letters: { 'words.yaml': 'languages:\n  en: { locale: en-US, page: "{page}/{pages}", replaced: "{list}" }\n  es: { locale: es-US, page: "{page}/{pages}", replaced: "{list}" }\n' } })
  const own = { ...tools, mapping: openMappings(folder, `${LETTERS}/..`).mapping }
  t.throws(() => render.create({ letter: 'status', as: ['fax'] }, own), /words\.yaml:2:\d+: en needs `cover`/)
  t.doesNotThrow(() => render.create({ letter: 'status', as: ['pdf'] }, own))
  t.end()
})
