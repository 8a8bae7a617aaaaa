/** The pages of a document, TIFF, PDF, JPEG or PNG: how many, how large, and a preview of each as a person would hold it. */
import type { Sharp } from 'sharp'
import { MessageFault } from '../errors.js'
import { type Kind, kindOf } from './kind.js'
import { LIMITS, type Limits, refusal, timeLeft } from './limits.js'
import { inThread } from './thread.js'
import { type Density, tiffPages } from './tiff.js'

export interface Page {
  readonly page: number // from 1
  readonly width: number // pixels, upright; of a PDF points, 72 an inch
  readonly height: number
  readonly dpi: Density | null // null where it is not said: pixels are square then
}

export interface Document {
  readonly kind: Kind
  readonly pages: readonly Page[]
}

const POINTS = { x: 72, y: 72 }
const SAID_BY_NOBODY = 72 // dots an inch: what sharp says where a picture says nothing, and cameras where they know nothing
const SIDEWAYS = 5 // orientations from here on exchange width and height

/** sharp, when it is needed: an engine that looks at no pictures does without it. */
export const pictures = async () => (await import('sharp')).default

/** Reads what a document is and what pages it has; nothing is drawn. Throws a MessageFault whose reason says why a document is refused. */
export const pages = async (bytes: Buffer, limits: Limits = LIMITS): Promise<Document> => {
  const started = performance.now()
  if (bytes.length === 0) throw refusal.empty()
  if (bytes.length > limits.bytes) throw refusal.bytes(bytes.length, limits)
  const kind = kindOf(bytes)
  if (!kind) throw refusal.unknown()
  const read = kind === 'pdf' ? await pdfPages(bytes, limits) : kind === 'tiff' ? tiffPages(bytes, limits).map((one) => upright(one, one.orientation)) : [await picturePage(bytes, limits)]
  timeLeft(started, limits)
  return { kind, pages: read.map((one, n) => ({ page: n + 1, ...one })) }
}

/** A picture of one page (from 1) with square pixels, `width` pixels wide: greys of faxes, colours of the others. */
export const preview = async (bytes: Buffer, page: number, { width, as = 'png', limits = LIMITS }: { readonly width: number; readonly as?: 'png' | 'webp'; readonly limits?: Limits }): Promise<Buffer> => {
  const started = performance.now()
  const document = await pages(bytes, limits)
  const { width: w, height: h, dpi } = pageOf(document, page)
  const height = Math.max(1, Math.round(((h / (dpi?.y ?? 1)) / (w / (dpi?.x ?? 1))) * width))
  if (width * height > limits.pixels) throw refusal.pixels(page, width, height, limits)
  const picture = (await drawn(bytes, document, page, { width, height, colour: true, limits, started })).timeout({ seconds: seconds(started, limits) })
  return decoded(() => (as === 'webp' ? picture.webp({ quality: 60 }) : picture.png({ palette: true, compressionLevel: 9 })).toBuffer(), limits)
}

export interface Drawing {
  readonly width: number
  readonly height: number
  readonly colour: boolean
  readonly turned?: boolean // by a quarter to the right, before it is brought to this size
  readonly limits: Limits
  readonly started: number // of `performance.now()`: the time of the limits counts from there
}

/** A page of a document that `pages` has read as pixels of a given size, upright on white; for whoever goes on with it. */
export const drawn = async (bytes: Buffer, { kind }: Document, page: number, { width, height, colour, turned = false, limits, started }: Drawing): Promise<Sharp> => {
  const sharp = await pictures()
  if (kind !== 'pdf') {
    const picture = sharp(bytes, { page: kind === 'tiff' ? page - 1 : 0, failOn: kind === 'tiff' ? 'none' : 'error', limitInputPixels: limits.pixels }).autoOrient() // lines of a fax that were damaged on their way are no reason to refuse it
    const upright = (turned ? picture.rotate(90) : picture).resize(width, height, { fit: 'fill' }).flatten({ background: '#ffffff' })
    return colour && kind !== 'tiff' ? upright.toColourspace('srgb') : upright.greyscale()
  }
  const [w, h] = turned ? [height, width] : [width, height]
  const pixels = await inThread('draw', { bytes, page: page - 1, width: w, height: h, colour }, timeLeft(started, limits))
  const picture = sharp(pixels, { raw: { width: w, height: h, channels: colour ? 4 : 1 } })
  const upright = turned ? picture.rotate(90) : picture
  return colour ? upright.removeAlpha() : upright.greyscale()
}

/** The page of a number. Throws a MessageFault where there is none. */
export const pageOf = ({ pages: all }: Document, page: number): Page => {
  const found = all[page - 1]
  if (!found) throw refusal.noSuchPage(page, all.length)
  return found
}

/** What sharp makes of it; its own words can hold metadata of the file, and are not told. */
export const decoded = async <Result>(make: () => Promise<Result>, limits: Limits): Promise<Result> => {
  try {
    return await make()
  } catch (error) {
    if (error instanceof MessageFault) throw error
    throw /timeout/i.test(String(error)) ? refusal.time(limits.time) : refusal.damaged('its picture cannot be decoded')
  }
}

/** What is left of the time, as sharp counts it. */
export const seconds = (started: number, limits: Limits): number => Math.max(1, Math.ceil(timeLeft(started, limits) / 1000))

const pdfPages = async (bytes: Buffer, limits: Limits): Promise<readonly Omit<Page, 'page'>[]> => {
  const { count, sizes } = await inThread('sizes', { bytes, most: limits.pages }, limits.time)
  if (count === 0) throw refusal.noPages()
  if (count > limits.pages) throw refusal.pages(limits)
  return sizes.map(([width, height], n) => {
    if (!(width >= 1 && height >= 1)) throw refusal.damaged(`page ${n + 1} has no size`)
    if (width * height > limits.pixels) throw refusal.pixels(n + 1, width, height, limits)
    return { width, height, dpi: POINTS }
  })
}

const picturePage = async (bytes: Buffer, limits: Limits): Promise<Omit<Page, 'page'>> => {
  const sharp = await pictures()
  const { width = 0, height = 0, density = 0, orientation = 1 } = await decoded(() => sharp(bytes, { limitInputPixels: false }).metadata(), limits)
  if (width * height > limits.pixels) throw refusal.pixels(1, width, height, limits)
  return upright({ width, height, dpi: density > SAID_BY_NOBODY ? { x: density, y: density } : null }, orientation)
}

const upright = ({ width, height, dpi }: Omit<Page, 'page'>, orientation: number): Omit<Page, 'page'> =>
  orientation < SIDEWAYS ? { width, height, dpi } : { width: height, height: width, dpi: dpi && { x: dpi.y, y: dpi.x } }
