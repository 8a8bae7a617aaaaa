/** Documents: what they are by their bytes, their pages and previews, faxes made of them, barcodes read as faxes bring them back, and each refusal. */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import PDFDocument from 'pdfkit'
import sharp from 'sharp'
import t, { type Test } from 'tap'
import { barcodesOf, code128, qrCode, referenceIn, type Modules } from '../../engine/documents/barcodes.js'
import { faxPages, toFaxTiff } from '../../engine/documents/fax.js'
import { LIMITS } from '../../engine/documents/limits.js'
import { pages, preview } from '../../engine/documents/pages.js'
import { MessageFault } from '../../engine/errors.js'
import { newReference, readReference } from '../../referrals/reference.js'
import { randomOf } from '../referrals/routing/made.js'

const installed = (program: string): boolean => {
  try {
    execFileSync('which', [program], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

const REFERENCE = newReference((below) => 11 % below)

type Draw = (document: InstanceType<typeof PDFDocument>) => void
const pdfOf = async (draw: readonly Draw[], options: object = {}): Promise<Buffer> => {
  const document = new PDFDocument({ size: 'LETTER', autoFirstPage: false, ...options })
  const pieces: Buffer[] = []
  document.on('data', (piece: Buffer) => pieces.push(piece))
  const ended = new Promise((resolve) => document.on('end', resolve))
  for (const one of draw) {
    document.addPage()
    one(document)
  }
  document.end()
  await ended
  return Buffer.concat(pieces)
}
const words: Draw = (document) => document.fontSize(11).text('The quick brown fox jumps over the lazy dog. '.repeat(60))

const draw = (document: InstanceType<typeof PDFDocument>, { width, height, dark }: Modules, x: number, y: number, module: number, high = module): void => {
  for (let row = 0; row < height; row++) for (let column = 0; column < width; column++) if (dark[row * width + column]) document.rect(x + column * module, y + row * high, module, high).fill('black')
}
const MODULE = (0.5 / 25.4) * 72 // points: half a millimetre

/** A sheet with its number as both kinds of barcode, the smallest that are printed. */
const sheet = async (reference = REFERENCE, which: readonly ('Code128' | 'QRCode')[] = ['Code128', 'QRCode']): Promise<Buffer> => {
  const [bar, square] = [await code128(reference), await qrCode(`refero:${reference}`)]
  return pdfOf([(document) => {
    document.fontSize(18).text('Cover sheet', 72, 72)
    if (which.includes('Code128')) draw(document, bar, 90, 150, MODULE, 43)
    if (which.includes('QRCode')) draw(document, square, 400, 300, MODULE * 2)
    document.fontSize(11).fillColor('black').text('Words between the codes. '.repeat(80), 72, 420)
  }])
}

/** What a fax machine makes of a page: tilted, coarse or fine, with specks, black and white, as TIFF. */
const faxed = async (pdf: Buffer, { lines, tilt = 0, noise = 0, invert = [] as readonly string[] }: { lines: 98 | 196; tilt?: number; noise?: number; invert?: readonly string[] }, t: Test): Promise<Buffer> => {
  const [page = Buffer.alloc(0)] = await faxPages(pdf)
  const tilted = await sharp(await sharp(page).resize(1728, 2244, { fit: 'fill' }).toBuffer()).toColourspace('srgb').rotate(tilt, { background: '#ffffff' }).toBuffer()
  const { data, info } = await sharp(tilted).resize(1728, lines === 98 ? 1078 : 2156, { fit: 'fill' }).greyscale().threshold(140).toColourspace('b-w').raw().toBuffer({ resolveWithObject: true })
  const random = randomOf(lines + tilt)
  for (let n = 0; n < noise * data.length; n++) data[Math.floor(random() * data.length)] = random() < 0.5 ? 0 : 255
  const tiff = await sharp(data, { raw: { width: info.width, height: info.height, channels: 1 } }).toColourspace('b-w').tiff({ compression: 'ccittfax4', bitdepth: 1, miniswhite: true, xres: 204 / 25.4, yres: lines / 25.4, resolutionUnit: 'inch' }).toBuffer()
  return invert.length === 0 ? tiff : copied(t, tiff, ...invert)
}

/** By tiffcp: forms of TIFF that sharp does not write. */
const copied = (t: Test, tiff: Buffer, ...options: readonly string[]): Buffer => {
  const folder = t.testdir()
  writeFileSync(join(folder, 'in.tif'), tiff)
  execFileSync('tiffcp', [...options, join(folder, 'in.tif'), join(folder, 'out.tif')], { stdio: 'ignore' })
  return readFileSync(join(folder, 'out.tif'))
}

const refused = async (t: Test, made: () => Promise<unknown>, reason: RegExp, name: string): Promise<void> => {
  const error = await made().then(() => null, (thrown: unknown) => thrown)
  t.ok(error instanceof MessageFault, `${name}: ${String(error)}`)
  t.match((error as MessageFault | null)?.fault.reason ?? '', reason, name)
}

t.test('a document is what its bytes are, with its pages and their sizes', async (t) => {
  const png = await sharp({ create: { width: 300, height: 200, channels: 3, background: '#fff' } }).png().toBuffer()
  const jpeg = await sharp(png).withMetadata({ density: 150, orientation: 6 }).jpeg().toBuffer()
  t.same(await pages(png), { kind: 'png', pages: [{ page: 1, width: 300, height: 200, dpi: null }] })
  t.same(await pages(jpeg), { kind: 'jpeg', pages: [{ page: 1, width: 200, height: 300, dpi: { x: 150, y: 150 } }] }, 'upright, as its camera says')
  const pdf = await pdfOf([words, words], { size: 'A4' })
  t.same((await pages(Buffer.concat([Buffer.from('\n\n'), pdf]))).pages.map(({ page, width, height }) => [page, Math.round(width), Math.round(height)]), [[1, 595, 842], [2, 595, 842]])
  const fax = await faxed(pdf, { lines: 98 }, t)
  t.same(await pages(fax), { kind: 'tiff', pages: [{ page: 1, width: 1728, height: 1078, dpi: { x: 204, y: 98 } }] })
})

t.test('faxes of every compression and bit order, of mixed resolutions, have square previews', { skip: installed('tiffcp') ? false : 'tiffcp is not installed' }, async (t) => {
  const pdf = await pdfOf([(document) => document.rect(100, 100, 200, 200).fill('black')])
  const coarse = await faxed(pdf, { lines: 98 }, t)
  const forms = [['-c', 'g3:1d'], ['-c', 'g3:2d'], ['-c', 'g4'], ['-c', 'g3:2d', '-f', 'lsb2msb'], ['-c', 'g4', '-f', 'lsb2msb'], ['-c', 'g3:1d', '-B'], ['-c', 'none']]
  for (const form of forms) {
    const tiff = copied(t, coarse, ...form)
    t.same((await pages(tiff)).pages.map(({ dpi }) => dpi), [{ x: 204, y: 98 }], form.join(' '))
    const { data, info } = await sharp(await preview(tiff, 1, { width: 850 })).greyscale().raw().toBuffer({ resolveWithObject: true })
    t.same([info.width, info.height], [850, 1104], form.join(' '))
    const dark = (x: number, y: number): boolean => (data[Math.round(y * 100) * info.width * info.channels + Math.round(x * 100) * info.channels] ?? 255) < 100
    t.same([dark(2.7, 2.7), dark(1.5, 1.5), dark(4.0, 4.0), dark(1.2, 2), dark(4.4, 2), dark(2, 1.2), dark(2, 4.4)], [true, true, true, false, false, false, false], 'a square is a square')
  }
  const folder = t.testdir({ 'a.tif': coarse, 'b.tif': await faxed(pdf, { lines: 196 }, t) })
  execFileSync('tiffcp', [join(folder, 'a.tif'), join(folder, 'b.tif'), join(folder, 'c.tif')], { stdio: 'ignore' })
  const mixed = readFileSync(join(folder, 'c.tif'))
  t.same((await pages(mixed)).pages.map(({ height, dpi }) => [height, dpi?.y]), [[1078, 98], [2156, 196]])
  for (const page of [1, 2]) t.equal((await sharp(await preview(mixed, page, { width: 400, as: 'webp' })).metadata()).height, 519)
  execFileSync('tiffset', ['-u', '283', join(folder, 'a.tif')])
  t.same((await pages(readFileSync(join(folder, 'a.tif')))).pages[0]?.dpi, { x: 204, y: 98 }, 'a fax that does not say how dense its lines are')
})

t.test('a fax of documents is one TIFF that gateways take', async (t) => {
  const pdf = await pdfOf([words, words, words])
  const jpeg = await sharp(await sharp({ create: { width: 1600, height: 900, channels: 3, background: '#eee' } }).png().toBuffer()).jpeg().toBuffer()
  const tiff = await toFaxTiff([pdf, jpeg, await faxed(pdf, { lines: 98 }, t)])
  const read = await pages(tiff)
  t.same(read.pages.map(({ width, height, dpi }) => [width, height, dpi]), Array.from({ length: 5 }, () => [1728, 2156, { x: 204, y: 196 }]))
  const ink = await Promise.all([1, 4, 5].map(async (page) => 255 - ((await sharp(tiff, { page: page - 1 }).greyscale().stats()).channels[0]?.mean ?? 255)))
  t.ok((ink[0] ?? 0) > 5 && (ink[2] ?? 0) > 5, 'there are words on it')
  t.equal(ink[1], 0, 'light grey is white')
  if (!installed('tiffinfo')) return t.comment('tiffinfo is not installed')
  const folder = t.testdir({ 'fax.tif': tiff })
  const told = execFileSync('tiffinfo', [join(folder, 'fax.tif')], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  for (const line of ['CCITT Group 4', 'min-is-white', 'Resolution: 204, 196 pixels/inch', 'Image Width: 1728 Image Length: 2156', 'Bits/Sample: 1']) t.equal(told.split(line).length - 1, 5, line)
})

t.test('our barcodes come back from any fax machine, tilted, turned, coarse and with specks', async (t) => {
  const pdf = await sheet()
  t.same(new Set((await barcodesOf(pdf)).map(({ text }) => text)), new Set([REFERENCE, `refero:${REFERENCE}`]))
  for (const lines of [98, 196] as const) {
    for (const tilt of [0, 3, -3, 180, 178]) {
      const found = await barcodesOf(await faxed(pdf, { lines, tilt, noise: 0.003 }, t))
      t.equal(referenceIn(found.map(({ text }) => text), readReference), REFERENCE, `${lines} lines, ${tilt}°: ${found.length} found`)
    }
    for (const kind of ['Code128', 'QRCode'] as const) t.equal((await barcodesOf(await faxed(await sheet(REFERENCE, [kind]), { lines, tilt: 1, noise: 0.001 }, t))).length, 1, `${kind} alone at ${lines}`)
  }
  const many = await toFaxTiff([await pdfOf([words]), pdf])
  t.same([...new Set((await barcodesOf(many)).map(({ page }) => page))], [2])
  t.same(await barcodesOf(await pdfOf([words])), [])
})

t.test('a barcode names a referral only where its check character is right, and no other number stands beside it', (t) => {
  const other = newReference((below) => 5 % below)
  const wrong = `${REFERENCE.slice(0, -1)}${REFERENCE.endsWith('2') ? '3' : '2'}`
  t.equal(referenceIn(['012345678905', `refero:${REFERENCE}`, REFERENCE], readReference), REFERENCE)
  t.equal(referenceIn([`REFERO:${REFERENCE}`], readReference), REFERENCE)
  t.equal(referenceIn([wrong, 'https://example.test/x', ''], readReference), null)
  t.equal(referenceIn([REFERENCE, other], readReference), null)
  t.end()
})

t.test('what is no document, or too much of one, is refused with its own reason', async (t) => {
  const pdf = await pdfOf([words, words])
  const tiff = await toFaxTiff([pdf])
  const png = await sharp({ create: { width: 3000, height: 2000, channels: 3, background: '#fff' } }).png().toBuffer()
  const loop = Buffer.from(tiff)
  const first = loop.readUInt32LE(4)
  loop.writeUInt32LE(first, first + 2 + 12 * loop.readUInt16LE(first))
  const huge = Buffer.from(tiff)
  huge.writeUInt32LE(4_000_000_000, first + 2 + 8)
  huge.writeUInt16LE(4, first + 2 + 2)
  const bomb = Buffer.from(png)
  bomb.writeUInt32BE(100_000, 16)
  bomb.writeUInt32BE(100_000, 20)
  const objects = ['1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n', '2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n']
  const head = '%PDF-1.4\n'
  const at = [head.length, head.length + (objects[0]?.length ?? 0)]
  const end = (at[1] ?? 0) + (objects[1]?.length ?? 0)
  const none = Buffer.from(`${head}${objects.join('')}xref\n0 3\n0000000000 65535 f \n${at.map((one) => `${String(one).padStart(10, '0')} 00000 n \n`).join('')}trailer<</Size 3/Root 1 0 R>>\nstartxref\n${end}\n%%EOF`)
  const cases: readonly (readonly [string, Buffer, RegExp, object?])[] = [
    ['empty', Buffer.alloc(0), /is empty/],
    ['a program', Buffer.from('MZ\x90\0 this is no picture'), /neither TIFF, PDF, JPEG nor PNG/],
    ['a broken PDF', Buffer.from('%PDF-1.7\nnothing of it'), /damaged/],
    ['an encrypted PDF', await pdfOf([words], { userPassword: 'secret' }), /encrypted and needs a password/],
    ['a PDF without pages', none, /no pages|damaged/],
    ['a PDF of too many pages', pdf, /more than 1 pages/, { pages: 1 }],
    ['a TIFF of too many pages', tiff, /more than 1 pages/, { pages: 1 }],
    ['a TIFF without pages', Buffer.from('49492a0000000000', 'hex'), /no pages/],
    ['a TIFF that goes round', loop, /lead back to one before/],
    ['a TIFF that is cut off', tiff.subarray(0, 500), /cut off/],
    ['a TIFF with a page of 4,000,000,000 pixels', huge, /page 1 is 4000000000 × 2156 pixels large/],
    ['a PNG that says it is huge', bomb, /page 1 is 100000 × 100000 pixels large/],
    ['too many bytes', pdf, /bytes long, and at most 100 are taken/, { bytes: 100 }],
    ['a page larger than is asked for', png, /3000 × 2000 pixels/, { pixels: 1_000_000 }],
    ['too long', pdf, /took longer than 0\.001 s/, { time: 1 }],
  ]
  for (const [name, bytes, reason, limits] of cases) await refused(t, () => pages(bytes, { ...LIMITS, ...limits }), reason, name)
  await refused(t, () => preview(pdf, 3, { width: 100 }), /there is no page 3; the document has 2/, 'no such page')
  await refused(t, () => preview(png.subarray(0, 90), 1, { width: 100 }), /damaged/, 'a PNG that is cut off')
  const ribbon = await pdfOf([() => undefined], { size: [10, 14_000], margin: 0 })
  await refused(t, () => preview(ribbon, 1, { width: 2000 }), /page 1 is 2000 × 2800000 pixels/, 'a page like a ribbon')
  t.equal((await pages(pdf)).pages.length, 2, 'and the next is read as ever')
})

t.test('the engine goes on while a document is drawn', async (t) => {
  const pdf = await pdfOf(Array.from({ length: 6 }, () => words))
  let turns = 0
  const timer = setInterval(() => turns++, 1)
  await toFaxTiff([pdf])
  clearInterval(timer)
  t.ok(turns > 5, `${turns} turns of the event loop`)
})

t.test('TIFF files of any bytes are read or refused, and never hang or break the process', async (t) => {
  const tiff = await toFaxTiff([await pdfOf([words, words])])
  const first = tiff.readUInt32LE(4)
  const random = randomOf(4711)
  const counts = { read: 0, refused: 0 }
  const before = process.memoryUsage().rss
  for (let n = 0; n < 600; n++) {
    const bytes = Buffer.from(tiff.subarray(0, random() < 0.1 ? Math.floor(random() * tiff.length) : tiff.length))
    const within = random() < 0.8 ? [first, first + 200] as const : [0, bytes.length] as const
    for (let changes = 1 + Math.floor(random() * 6); changes > 0; changes--) {
      const place = within[0] + Math.floor(random() * (within[1] - within[0]))
      if (place < bytes.length) bytes[place] = Math.floor(random() * 256)
    }
    try {
      await pages(bytes)
      if (n % 10 === 0) await preview(bytes, 1, { width: 60 })
      counts.read++
    } catch (error) {
      if (!(error instanceof MessageFault)) throw error
      counts.refused++
    }
  }
  t.ok(counts.read > 20 && counts.refused > 20, JSON.stringify(counts))
  t.ok(process.memoryUsage().rss - before < 300 * 1024 ** 2)
})
