/** Documents as a fax machine sends them: pages of 1728 × 2156 pixels in black and white, US Letter in the fine resolution of ITU-T T.4. */
import { LIMITS, type Limits, timeLeft } from './limits.js'
import { decoded, type Document, drawn, type Page, pages, pictures, seconds } from './pages.js'
import { joinTiff } from './tiff-join.js'

export const FAX = { width: 1728, height: 2156, x: 204, y: 196 } as const // pixels, and dots an inch
const INK = 150 // of 255: what is darker is black

/** The pages of a document as PNG files of one bit a pixel. What is wider than high is turned; what is larger than the paper is made smaller to fit. */
export const faxPages = async (bytes: Buffer, limits: Limits = LIMITS): Promise<readonly Buffer[]> => {
  const started = performance.now()
  const document = await pages(bytes, limits)
  const made: Buffer[] = []
  for (const page of document.pages) made.push(await faxPage(bytes, document, page, limits, started))
  return made
}

/** A TIFF file (G4, ITU-T T.6; min-is-white) of pages that `faxPages` made. */
export const faxTiff = async (drawings: readonly Buffer[]): Promise<Buffer> => {
  const sharp = await pictures()
  const files: Buffer[] = []
  for (const picture of drawings) {
    files.push(await sharp(picture).toColourspace('b-w').tiff({ compression: 'ccittfax4', bitdepth: 1, miniswhite: true, xres: FAX.x / 25.4, yres: FAX.y / 25.4, resolutionUnit: 'inch' }).toBuffer())
  }
  return joinTiff(files)
}

/** One TIFF file, ready for a fax gateway, of all pages of documents in their order. Throws a MessageFault where one is refused. */
export const toFaxTiff = async (documents: readonly Buffer[], limits: Limits = LIMITS): Promise<Buffer> => {
  const drawings: Buffer[] = []
  for (const bytes of documents) drawings.push(...(await faxPages(bytes, limits)))
  return faxTiff(drawings)
}

const faxPage = async (bytes: Buffer, document: Document, page: Page, limits: Limits, started: number): Promise<Buffer> => {
  const turned = page.width / (page.dpi?.x ?? 1) > page.height / (page.dpi?.y ?? 1)
  const { width, height } = fitted(page, turned)
  const [left, free] = [(FAX.width - width) >> 1, FAX.height - height]
  const picture = await drawn(bytes, document, page.page, { width, height, colour: false, turned, limits, started })
  timeLeft(started, limits)
  return decoded(() => picture.timeout({ seconds: seconds(started, limits) }).extend({ left, right: FAX.width - width - left, top: 0, bottom: free, background: '#ffffff' }).threshold(INK).toColourspace('b-w').png({ compressionLevel: 9 }).toBuffer(), limits)
}

/** The size of a page on the paper in pixels: as large as it is, or as it fits; what does not say how large it is fills the paper. */
const fitted = ({ width, height, dpi }: Page, turned: boolean): { readonly width: number; readonly height: number } => {
  const inches = [width / (dpi?.x ?? 1), height / (dpi?.y ?? 1)] as const
  const [wide, high] = turned ? [inches[1], inches[0]] : inches
  const fit = Math.min(FAX.width / FAX.x / wide, FAX.height / FAX.y / high)
  const scale = dpi ? Math.min(1, fit) : fit
  const pixels = (size: number, dots: number, most: number): number => Math.min(most, Math.max(1, Math.round(size * scale * dots)))
  return { width: pixels(wide, FAX.x, FAX.width), height: pixels(high, FAX.y, FAX.height) }
}
