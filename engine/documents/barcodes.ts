/** Barcodes: read from the pages of a document, and written as modules for whoever draws them. */
import type { Sharp } from 'sharp'
import { LIMITS, type Limits, timeLeft } from './limits.js'
import { decoded, type Document, drawn, type Page, pages, seconds } from './pages.js'
import { inThread } from './thread.js'

export interface FoundBarcode {
  readonly page: number // from 1
  readonly text: string
}

/** A symbol without its quiet zone, which must be left free: 4 modules around a QR code, 10 beside a Code 128. `dark` is 1 where a module is dark, line by line. */
export interface Modules { readonly width: number; readonly height: number; readonly dark: Uint8Array }

const DOTS = 204 // an inch: at which pages of PDF files are looked at
const WRITING_TIME = 10_000 // milliseconds

/** What a QR code holds around a reference number. */
export const SCHEME = 'refero:'

/** The QR codes, Code 128 and DataMatrix codes of every page, each text once a page. Throws a MessageFault where the document is refused. */
export const barcodesOf = async (bytes: Buffer, limits: Limits = LIMITS): Promise<readonly FoundBarcode[]> => {
  const started = performance.now()
  const document = await pages(bytes, limits)
  const found: FoundBarcode[] = []
  for (const page of document.pages) {
    for (const text of await textsOf(bytes, document, page, limits, started)) found.push({ page: page.page, text })
  }
  return found
}

/**
 * The one reference number that barcodes of ours say, or null where they say none, or several that differ. `readReference` gives a number in its one
 * spelling where its check character is right, and else null (referrals/reference.ts).
 */
export const referenceIn = (texts: readonly string[], readReference: (text: string) => string | null): string | null => {
  const numbers = new Set(texts.flatMap((text) => readReference(text.toLowerCase().startsWith(SCHEME) ? text.slice(SCHEME.length) : text) ?? []))
  return numbers.size === 1 ? [...numbers][0] ?? null : null
}

/** A Code 128 symbol: bars one module high, to be drawn as high as one likes. */
export const code128 = async (text: string): Promise<Modules> => {
  const { width, dark } = await inThread('write', { format: 'Code128', text }, WRITING_TIME)
  return { width, height: 1, dark: dark.subarray(0, width) }
}

/** A QR code of error correction Q: a quarter of it may be lost. */
export const qrCode = (text: string): Promise<Modules> => inThread('write', { format: 'QRCode', text }, WRITING_TIME)

/** Pixels as they are first: to stretch them can break a bar code. Then square ones, without which no QR code of a coarse fax is found; then without specks. */
const textsOf = async (bytes: Buffer, document: Document, page: Page, limits: Limits, started: number): Promise<ReadonlySet<string>> => {
  const texts = new Set<string>()
  const look = async (width: number, height: number, change: (picture: Sharp) => Sharp = (picture) => picture): Promise<void> => {
    const picture = change(await drawn(bytes, document, page.page, { width, height, colour: false, limits, started })).timeout({ seconds: seconds(started, limits) })
    const { data, info } = await decoded(() => picture.toColourspace('b-w').raw().toBuffer({ resolveWithObject: true }), limits)
    for (const { text } of await inThread('read', { bytes: data, width: info.width, height: info.height }, timeLeft(started, limits))) texts.add(text)
  }
  const native = document.kind === 'pdf' ? drawnSize(page, limits) : page
  const { x, y } = page.dpi ?? { x: 1, y: 1 }
  const square = x > y ? { width: native.width, height: Math.round((native.height * x) / y) } : { width: Math.round((native.width * y) / x), height: native.height }
  await look(native.width, native.height)
  if (square.width * square.height > limits.pixels) return texts
  if (Math.abs(x - y) > x / 10) await look(square.width, square.height)
  if (texts.size === 0) await look(square.width, square.height, (picture) => picture.median(3))
  return texts
}

const drawnSize = ({ width, height }: Page, { pixels }: Limits): { readonly width: number; readonly height: number } => {
  const scale = Math.min(DOTS / 72, Math.sqrt(pixels / (width * height)) * 0.99)
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) }
}
