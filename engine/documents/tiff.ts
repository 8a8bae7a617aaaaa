/** The pages of a TIFF file as its directories say them (TIFF 6.0): sharp reads the pixels, but tells neither the vertical density nor what is too large. */
import { type Limits, refusal } from './limits.js'

export interface Density { readonly x: number; readonly y: number } // dots an inch

export interface TiffPage {
  readonly width: number
  readonly height: number
  readonly dpi: Density | null // null where the file does not say it, and it is no fax
  readonly orientation: number // 1 … 8: tag 274
}

/** One entry of a directory; `at` is where its value or its offset stands. */
export interface Entry { readonly tag: number; readonly type: number; readonly count: number; readonly at: number }
export interface Directory { readonly entries: readonly Entry[]; readonly end: number } // `end`: where the offset of the next stands

export const TAG = { width: 256, height: 257, compression: 259, strips: 273, orientation: 274, stripBytes: 279, xResolution: 282, yResolution: 283, unit: 296, tiles: 324, tileBytes: 325 } as const
export const SIZES: Readonly<Record<number, number>> = { 1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4 }

const MOST_ENTRIES = 500
const CENTIMETRES = 3
const [SHORT, RATIONAL] = [3, 5]
const FAX_WIDTHS = new Set([1728, 2048, 2432]) // pixels of A4, B4 and A3 (ITU-T T.4)
const FAX = new Set([2, 3, 4]) // compressions: MH, T.4, T.6
const COARSE_BELOW = 1400 // lines of a letter page: 1078 at 98 lines an inch, 2156 at 196

export interface Numbers { short(at: number): number; long(at: number): number }

/** Numbers at offsets in the byte order of the file. Throws where one is beyond its end. */
export const numbersOf = (bytes: Buffer): Numbers => {
  const little = bytes[0] === 0x49
  const within = (at: number, size: number): number => {
    if (at < 0 || at + size > bytes.length) throw refusal.damaged('it is cut off')
    return at
  }
  return {
    short: (at) => (little ? bytes.readUInt16LE(within(at, 2)) : bytes.readUInt16BE(within(at, 2))),
    long: (at) => (little ? bytes.readUInt32LE(within(at, 4)) : bytes.readUInt32BE(within(at, 4))),
  }
}

/** The directories in their order, one a page. Throws a MessageFault where they are broken, go round in a circle, or are too many. */
export const directoriesOf = (bytes: Buffer, limits: Pick<Limits, 'pages'>): readonly Directory[] => {
  const { short, long } = numbersOf(bytes)
  const found: Directory[] = []
  const seen = new Set<number>()
  for (let at = long(4); at !== 0; at = long(found.at(-1)?.end ?? 0)) {
    if (seen.has(at)) throw refusal.damaged('its pages lead back to one before')
    if (found.length === limits.pages) throw refusal.pages(limits as Limits)
    seen.add(at)
    const count = short(at)
    if (count === 0 || count > MOST_ENTRIES) throw refusal.damaged('a page has no directory')
    const entries = Array.from({ length: count }, (_, n): Entry => {
      const entry = at + 2 + 12 * n
      const type = short(entry + 2)
      const length = long(entry + 4)
      const size = (SIZES[type] ?? 1) * length
      return { tag: short(entry), type, count: length, at: size > 4 ? long(entry + 8) : entry + 8 }
    })
    found.push({ entries, end: at + 2 + 12 * count })
    long(at + 2 + 12 * count)
  }
  return found
}

/** The pages of a TIFF file; at least one. Throws a MessageFault where a page is broken or larger than the limits allow. */
export const tiffPages = (bytes: Buffer, limits: Limits): readonly TiffPage[] => {
  const numbers = numbersOf(bytes)
  const pages = directoriesOf(bytes, limits).map(({ entries }, index): TiffPage => {
    const value = (tag: number): number | null => {
      const entry = entries.find((one) => one.tag === tag && one.count > 0)
      return entry ? numberAt(numbers, entry, 0) : null
    }
    const [width, height] = [value(TAG.width) ?? 0, value(TAG.height) ?? 0]
    if (width < 1 || height < 1) throw refusal.damaged(`page ${index + 1} has no size`)
    if (width * height > limits.pixels) throw refusal.pixels(index + 1, width, height, limits)
    whole(bytes, numbers, entries)
    const orientation = value(TAG.orientation) ?? 1
    return { width, height, dpi: densityOf(value, width, height), orientation: orientation >= 1 && orientation <= 8 ? orientation : 1 }
  })
  if (pages.length === 0) throw refusal.noPages()
  return pages
}

/** Throws where pixels of a page are beyond the end of the file. */
const whole = (bytes: Buffer, numbers: Numbers, entries: readonly Entry[]): void => {
  const of = (...tags: readonly number[]): Entry | undefined => entries.find(({ tag }) => tags.includes(tag))
  const [offsets, lengths] = [of(TAG.strips, TAG.tiles), of(TAG.stripBytes, TAG.tileBytes)]
  if (!offsets || offsets.count === 0) throw refusal.damaged('a page has no picture')
  if (offsets.count > bytes.length) throw refusal.damaged('it is cut off')
  for (let n = 0; n < offsets.count; n++) {
    const length = lengths && n < lengths.count ? numberAt(numbers, lengths, n) : 0
    if (numberAt(numbers, offsets, n) + length > bytes.length) throw refusal.damaged('it is cut off')
  }
}

const numberAt = ({ short, long }: Numbers, { type, at }: Entry, n: number): number => {
  if (type === SHORT) return short(at + 2 * n)
  if (type !== RATIONAL) return long(at + 4 * n)
  const divisor = long(at + 8 * n + 4)
  return divisor === 0 ? 0 : long(at + 8 * n) / divisor
}

/** What tags 282, 283 and 296 say; of a fax that says nothing, what its lines tell. */
const densityOf = (value: (tag: number) => number | null, width: number, height: number): Density | null => {
  const inch = value(TAG.unit) === CENTIMETRES ? 2.54 : 1
  const [x, y] = [(value(TAG.xResolution) ?? 0) * inch, (value(TAG.yResolution) ?? 0) * inch]
  if (x >= 20 && y >= 20 && x / y <= 8 && y / x <= 8) return { x: rounded(x), y: rounded(y) }
  return FAX.has(value(TAG.compression) ?? 1) && FAX_WIDTHS.has(width) ? { x: 204, y: (height * 1728) / width < COARSE_BELOW ? 98 : 196 } : null
}

const rounded = (dots: number): number => Math.round(dots * 10) / 10
