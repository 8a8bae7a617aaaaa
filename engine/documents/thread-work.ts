/** What the documents' thread does: draws pages of PDF files (pdfium) and reads and writes barcodes (zxing). Both are WebAssembly and hold whatever thread they run on. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parentPort } from 'node:worker_threads'
import { PDFiumLibrary, type PDFiumDocument } from '@hyzyla/pdfium'
import { prepareZXingModule, readBarcodes, writeBarcode } from 'zxing-wasm/full'

type Given<Fields> = Fields & { readonly bytes: Uint8Array }

/** Every call with what it is given and what it answers. Sizes are pixels, but for those of PDF pages: points, 72 an inch. */
export interface Calls {
  sizes(given: Given<{ readonly most: number }>): Promise<{ readonly count: number; readonly sizes: readonly (readonly [width: number, height: number])[] }>
  draw(given: Given<{ readonly page: number; readonly width: number; readonly height: number; readonly colour: boolean }>): Promise<Uint8Array>
  read(given: Given<{ readonly width: number; readonly height: number }>): Promise<readonly { readonly text: string; readonly format: string }[]>
  write(given: { readonly format: 'Code128' | 'QRCode'; readonly text: string }): Promise<{ readonly width: number; readonly height: number; readonly dark: Uint8Array }>
}

/** What pdfium says of a document that it does not take; anything else is a failure of its own. */
const SENTENCES: readonly (readonly [RegExp, string])[] = [[/^Password required/, 'encrypted'], [/^Unsupported security/, 'encrypted'], [/^File not in PDF format|^Page not found|^Unknown error|^File not found/, 'damaged']]

let pdfium: PDFiumLibrary | null = null
let barcodes = false

const withDocument = async <Result>(bytes: Uint8Array, use: (document: PDFiumDocument) => Promise<Result>): Promise<Result> => {
  pdfium ??= await PDFiumLibrary.init({ wasmBinary: Uint8Array.from(wasm('@hyzyla/pdfium/pdfium.wasm')).buffer })
  const document = await pdfium.loadDocument(bytes)
  try {
    return await use(document)
  } finally {
    document.destroy()
  }
}

/** zxing would fetch its code from the network if it were not given it. */
const openBarcodes = async (): Promise<void> => {
  if (!barcodes) await prepareZXingModule({ overrides: { wasmBinary: Uint8Array.from(wasm('zxing-wasm/full/zxing_full.wasm')).buffer }, fireImmediately: true })
  barcodes = true
}

const wasm = (name: string): Buffer => readFileSync(fileURLToPath(import.meta.resolve(name)))

const CALLS: Calls = {
  sizes: ({ bytes, most }) => withDocument(bytes, async (document) => {
    const count = document.getPageCount()
    const sizes = Array.from({ length: Math.min(count, most) }, (_, page) => {
      const { originalWidth, originalHeight } = document.getPage(page).getOriginalSize()
      return [originalWidth, originalHeight] as const
    })
    return { count, sizes }
  }),
  draw: ({ bytes, page, width, height, colour }) => withDocument(bytes, async (document) =>
    (await document.getPage(page).render({ width, height, colorSpace: colour ? 'BGRA' : 'Gray', renderFormFields: true })).data),
  read: async ({ bytes, width, height }) => {
    await openBarcodes()
    const picture = Buffer.concat([Buffer.from(`P5\n${width} ${height}\n255\n`), bytes]) // PGM: one byte a pixel
    const found = await readBarcodes(picture, { formats: ['QRCode', 'Code128', 'DataMatrix'], tryHarder: true, tryRotate: true, tryInvert: false, maxNumberOfSymbols: 20 })
    return found.filter(({ isValid, text }) => isValid && text !== '').map(({ text, format }) => ({ text, format }))
  },
  write: async ({ format, text }) => {
    await openBarcodes()
    const { error, symbol } = await writeBarcode(text, { format, scale: 1, addQuietZones: false, options: format === 'QRCode' ? 'ecLevel=Q' : '' })
    if (error) throw new Error(error)
    return { width: symbol.width, height: symbol.height, dark: Uint8Array.from(symbol.data, (one) => (one < 128 ? 1 : 0)) }
  },
}

parentPort?.on('message', async ({ name, given }: { readonly name: keyof Calls; readonly given: never }) => {
  try {
    const result = await CALLS[name](given)
    parentPort?.postMessage({ result, memory: process.memoryUsage().external })
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error)
    parentPort?.postMessage({ failed: SENTENCES.find(([sentence]) => sentence.test(words))?.[1] ?? 'failed' })
  }
})
