/** Events that have been answered and are not yet done with: a file each, on the disk before its sender is told so. */
import { randomUUID } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, rm, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { RawEvent } from './places.js'

export class Ledger {
  readonly #waiting: string
  readonly #aside: string
  #count = 0

  constructor(folder: string, readonly most = 20_000) {
    this.#waiting = join(folder, 'waiting')
    this.#aside = join(folder, 'aside')
  }

  /** Makes its folders; resolves with the names of what waits, oldest first. What was being written when the engine died was never answered, and goes. */
  async open(): Promise<readonly string[]> {
    for (const folder of [this.#waiting, this.#aside]) await mkdir(folder, { recursive: true })
    const names = (await readdir(this.#waiting)).sort()
    for (const name of names.filter((one) => one.endsWith('.tmp'))) await rm(join(this.#waiting, name))
    const kept = names.filter((one) => one.endsWith('.event'))
    this.#count = kept.length
    return kept
  }

  /** Keeps an event; resolves with its name once it is on the disk. Rejects where it cannot, or too many wait. */
  async keep({ body, ...head }: RawEvent): Promise<string> {
    if (this.#count >= this.most) throw new Error(`${this.most} events wait already.`)
    this.#count += 1
    const name = `${head.at.replace(/[^0-9]/g, '')}-${randomUUID()}.event`
    const temporary = join(this.#waiting, `${name}.tmp`)
    try {
      const file = await open(temporary, 'wx')
      try {
        await file.writev([Buffer.from(`${JSON.stringify(head)}\n`), body])
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(temporary, join(this.#waiting, name))
      await this.#sync()
      return name
    } catch (error) {
      this.#count -= 1
      await rm(temporary, { force: true })
      throw error
    }
  }

  async read(name: string): Promise<RawEvent> {
    const bytes = await readFile(join(this.#waiting, name))
    const end = bytes.indexOf(0x0a)
    return { ...(JSON.parse(bytes.toString('utf8', 0, end)) as Omit<RawEvent, 'body'>), body: bytes.subarray(end + 1) }
  }

  /** Forgets what is done with. */
  async finish(name: string): Promise<void> {
    await unlink(join(this.#waiting, name)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
    })
    this.#count -= 1
  }

  /** Puts an event away for a person, with the reason beside it. */
  async putAside(name: string, reason: string): Promise<void> {
    await writeFile(join(this.#aside, `${name}.reason.txt`), `${reason}\n`)
    await rename(join(this.#waiting, name), join(this.#aside, name))
    this.#count -= 1
  }

  /** Keeps a document that cannot be taken, for a person, with the reason beside it. */
  async setAside(name: string, content: Buffer, reason: string): Promise<void> {
    const safe = name.replace(/[^A-Za-z0-9._-]+/g, '-').slice(0, 150)
    await writeFile(join(this.#aside, `${safe}.document`), content)
    await writeFile(join(this.#aside, `${safe}.document.reason.txt`), `${reason}\n`)
  }

  async #sync(): Promise<void> {
    const folder = await open(this.#waiting, 'r')
    await folder.sync().finally(() => folder.close())
  }
}
