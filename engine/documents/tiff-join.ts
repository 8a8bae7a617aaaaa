/** Joins TIFF files of one page each into one file of all, without touching their pixels. */
import { type Directory, directoriesOf, numbersOf, SIZES, TAG } from './tiff.js'

/** `files`: little-endian TIFF files of one page, as sharp writes them. The first page's directory is named in the header, each next one by the one before. */
export const joinTiff = (files: readonly Buffer[]): Buffer => {
  const joined: Buffer[] = []
  let length = 0
  let last: { readonly file: Buffer; readonly at: number } | null = null
  for (const original of files) {
    const file = Buffer.from(original.length % 2 === 0 ? original : Buffer.concat([original, Buffer.alloc(1)])) // a directory begins on a word
    const [directory] = directoriesOf(file, { pages: 1 })
    if (!directory) continue
    const start = file.readUInt32LE(4)
    move(file, directory, length)
    if (last) last.file.writeUInt32LE(length + start, last.at)
    last = { file, at: directory.end }
    joined.push(file)
    length += file.length
  }
  return Buffer.concat(joined)
}

/** Adds to every offset of a directory what stands before it in the joined file. */
const move = (file: Buffer, { entries }: Directory, by: number): void => {
  const { long } = numbersOf(file)
  for (const [n, { tag, type, count, at }] of entries.entries()) {
    if (tag === TAG.strips) for (let strip = 0; strip < count; strip++) file.writeUInt32LE(long(at + 4 * strip) + by, at + 4 * strip)
    if ((SIZES[type] ?? 1) * count > 4) {
      const place = file.readUInt32LE(4) + 2 + 12 * n + 8
      file.writeUInt32LE(at + by, place)
    }
  }
}
