/** What was sent and is not yet known to have arrived: a file each, written by the destination and read by the source of the same name. */
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface Tracked {
  readonly id: string // the service's
  readonly tag: string // our Message-ID
  readonly to: string // E.164
  readonly at: string // ISO 8601, when it was sent
  readonly stage: string
}

export class Tracking {
  readonly #folder: string

  constructor(dataFolder: string, name: string) {
    this.#folder = join(dataFolder, 'fax', 'sent', name)
  }

  async write(tracked: Tracked): Promise<void> {
    await mkdir(this.#folder, { recursive: true })
    const file = this.#file(tracked.id)
    await writeFile(`${file}.tmp`, JSON.stringify(tracked))
    await rename(`${file}.tmp`, file)
  }

  async find(id: string): Promise<Tracked | null> {
    return this.#read(this.#file(id))
  }

  async forget(id: string): Promise<void> {
    await rm(this.#file(id), { force: true })
  }

  async all(): Promise<readonly Tracked[]> {
    const names = await readdir(this.#folder).catch(() => [])
    const found = await Promise.all(names.filter((name) => name.endsWith('.json')).map((name) => this.#read(join(this.#folder, name))))
    return found.filter((one) => one !== null).sort((one, other) => (one.at < other.at ? -1 : 1))
  }

  #file(id: string): string {
    return join(this.#folder, `${createHash('sha256').update(id).digest('hex').slice(0, 40)}.json`)
  }

  async #read(file: string): Promise<Tracked | null> {
    try {
      return JSON.parse(await readFile(file, 'utf8')) as Tracked
    } catch {
      return null // gone, or half written by a machine that died
    }
  }
}
