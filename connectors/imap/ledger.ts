/** How far a mailbox has been taken: the last UID, of the one numbering (UIDVALIDITY) in which it means anything (RFC 3501 §2.3.1.1). */
import { createHash } from 'node:crypto'
import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'

export class Ledger {
  readonly #file: string

  /** `mailbox` names it, with its server and user. */
  constructor(dataFolder: string, mailbox: string) {
    this.#file = join(dataFolder, 'imap', `${createHash('sha256').update(mailbox).digest('hex').slice(0, 32)}.json`)
  }

  /** The last UID that was taken; 0 where none was, or the server has numbered its mails anew. */
  async last(validity: bigint): Promise<number> {
    try {
      const read = JSON.parse(await readFile(this.#file, 'utf8')) as { validity?: unknown; last?: unknown }
      return read.validity === String(validity) && Number.isSafeInteger(read.last) ? (read.last as number) : 0
    } catch (error) {
      if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return 0 // from the start: what was taken is known by its key
      throw error
    }
  }

  /** Durable once it resolves. */
  async write(validity: bigint, last: number): Promise<void> {
    await mkdir(dirname(this.#file), { recursive: true })
    const file = await open(`${this.#file}.new`, 'w')
    try {
      await file.writeFile(JSON.stringify({ validity: String(validity), last }))
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(`${this.#file}.new`, this.#file)
  }
}
