/** Zip files from strangers: entries are counted, named plainly and inflated under limits, all in memory; and zips of our own, the same each time. */
import { ZipFile as Writer } from 'yazl'
import { type Entry, type ZipFile, fromBufferPromise } from 'yauzl'
import { MessageFault } from '../../../errors.js'

export interface ZipLimits {
  readonly size: number // bytes of the zip
  readonly total: number // bytes of all that is in it
  readonly ratio: number // how much larger than packed an entry may be
  readonly entries: number
}
export const ZIP_LIMITS: ZipLimits = { size: 50 * 1024 ** 2, total: 100 * 1024 ** 2, ratio: 200, entries: 1000 }

/** Small entries of blanks pack better than any ratio that is worth refusing. */
const SMALL = 64 * 1024

export interface File { readonly path: string; readonly content: Buffer }

/** The files of a zip, folders left out. Rejects with a MessageFault where it is no zip, or more than the limits allow, or a name leads out of it. */
export const readZip = async (bytes: Buffer, limits: ZipLimits = ZIP_LIMITS): Promise<readonly File[]> => {
  if (bytes.length > limits.size) throw refused(`the zip is ${bytes.length} bytes long, and at most ${limits.size} are taken`)
  const zip = await opened(bytes)
  try {
    if (zip.entryCount > limits.entries) throw refused(`the zip has ${zip.entryCount} entries, and at most ${limits.entries} are taken`)
    const files: File[] = []
    let total = 0
    for await (const entry of entriesOf(zip)) {
      if (files.length >= limits.entries) throw refused(`the zip has more than ${limits.entries} entries`)
      if (entry.fileName.endsWith('/')) continue
      if (entry.isEncrypted()) throw refused('a file in the zip is encrypted')
      const room = Math.min(limits.total - total, Math.max(SMALL, entry.compressedSize * limits.ratio))
      if (entry.uncompressedSize > room) throw refused('the zip holds more than is taken, or is packed more tightly than documents are')
      const content = await inflated(zip, entry, room)
      total += content.length
      files.push({ path: entry.fileName, content })
    }
    return files
  } finally {
    zip.close()
  }
}

const refused = (reason: string): MessageFault => new MessageFault({ kind: 'unsupported', reason })
const broken = (): MessageFault => new MessageFault({ kind: 'unreadable', reason: 'this is no zip file, or it is damaged, or a name in it leads out of it' })

const opened = async (bytes: Buffer): Promise<ZipFile> => {
  try {
    return await fromBufferPromise(bytes, { lazyEntries: true, strictFileNames: true, validateEntrySizes: true })
  } catch {
    throw broken()
  }
}

/** yauzl's events, one entry at a time. */
async function* entriesOf(zip: ZipFile): AsyncGenerator<Entry> {
  const waiting: { resolve: (entry: Entry | null) => void; reject: (error: Error) => void }[] = []
  zip.on('entry', (entry) => waiting.shift()?.resolve(entry)).on('end', () => waiting.shift()?.resolve(null)).on('error', () => waiting.shift()?.reject(broken()))
  while (true) {
    const next = new Promise<Entry | null>((resolve, reject) => { waiting.push({ resolve, reject }) })
    zip.readEntry()
    const entry = await next
    if (!entry) return
    yield entry
  }
}

const inflated = async (zip: ZipFile, entry: Entry, room: number): Promise<Buffer> => {
  const chunks: Buffer[] = []
  let length = 0
  try {
    for await (const chunk of await zip.openReadStreamPromise(entry)) {
      length += (chunk as Buffer).length
      if (length > room) break
      chunks.push(chunk as Buffer)
    }
  } catch {
    throw broken()
  }
  if (length > room) throw refused('a file in the zip is larger than the zip says')
  return Buffer.concat(chunks, length)
}

/** A zip of files in their order; its bytes depend on them and `at` alone. */
export const writeZip = async (files: readonly File[], at: Date): Promise<Buffer> => {
  const zip = new Writer()
  // A zip keeps local times: these are UTC's, whatever the time zone here.
  const mtime = new Date(at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate(), at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds())
  for (const { path, content } of files) zip.addBuffer(content, path, { mtime, mode: 0o100644, forceDosTimestamp: true })
  zip.end()
  const chunks: Buffer[] = []
  for await (const chunk of zip.outputStream) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
