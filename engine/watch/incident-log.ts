/** Keeps incidents in a file of JSON lines that only grows, and is written anew, in one step, when most of it is of no use. */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, truncateSync, writeSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Entry, Incident } from './incident.js'

const USELESS = 1_000 // lines that may be there for nothing

export class IncidentLog {
  readonly #path: string
  #file: FileHandle | null = null
  #lines: number
  #unwritten: string[] = []
  #writing: Promise<void> = Promise.resolve()

  private constructor(path: string, lines: number) {
    this.#path = path
    this.#lines = lines
  }

  /**
   * What was kept, oldest first, and the log to go on with. What a crash left half written at the end is cut off: nobody was
   * told of it. `damaged`: how many other lines could not be read.
   */
  static open(path: string): { readonly log: IncidentLog; readonly entries: readonly Entry[]; readonly damaged: number } {
    const bytes = existsSync(path) ? readFileSync(path) : Buffer.alloc(0)
    const whole = bytes.lastIndexOf(0x0a) + 1
    if (whole < bytes.length) truncateSync(path, whole)
    const lines = bytes.toString('utf8', 0, whole).split('\n').filter(Boolean)
    const entries = lines.map(readEntry).filter((entry) => entry !== null)
    return { log: new IncidentLog(path, lines.length), entries, damaged: lines.length - entries.length }
  }

  /** Resolves once the entries, and all before them, are on the disk. Rejects where they cannot be written; they are then written with the next. */
  append(entries: readonly Entry[]): Promise<void> {
    this.#unwritten.push(...entries.map((entry) => `${JSON.stringify(entry)}\n`))
    const written = this.#writing.then(() => this.#write())
    this.#writing = written.catch(() => {})
    return written
  }

  async #write(): Promise<void> {
    if (this.#unwritten.length === 0) return
    const lines = this.#unwritten
    this.#file ??= await this.#openFile()
    const { size } = await this.#file.stat()
    try {
      await this.#file.appendFile(lines.join(''))
      await this.#file.datasync()
    } catch (error) {
      await this.#file.truncate(size).catch(() => {}) // half a line must not have another behind it
      throw error
    }
    this.#unwritten = this.#unwritten.slice(lines.length)
    this.#lines += lines.length
  }

  async #openFile(): Promise<FileHandle> {
    const created = !existsSync(this.#path)
    const file = await open(this.#path, 'a', 0o600)
    if (created) syncFolder(dirname(this.#path))
    return file
  }

  /** Leaves only `kept` in the file, where it would otherwise hold much else. A crash leaves the one file or the other, whole. */
  compact(kept: readonly Entry[]): Promise<void> {
    if (this.#lines - kept.length < USELESS) return Promise.resolve()
    const compacted = this.#writing.then(async () => {
      await this.#file?.close()
      this.#file = null
      const next = `${this.#path}.next`
      const file = openSync(next, 'w', 0o600)
      try {
        writeSync(file, kept.map((entry) => `${JSON.stringify(entry)}\n`).join(''))
        fsyncSync(file)
      } finally {
        closeSync(file)
      }
      renameSync(next, this.#path)
      syncFolder(dirname(this.#path))
      this.#lines = kept.length
    })
    this.#writing = compacted.catch(() => {})
    return compacted
  }

  async close(): Promise<void> {
    await this.#writing
    await this.#file?.close()
    this.#file = null
  }
}

const syncFolder = (folder: string): void => {
  const handle = openSync(folder, 'r')
  try {
    fsyncSync(handle)
  } catch {
    // some file systems cannot sync a folder; the file itself is synced
  } finally {
    closeSync(handle)
  }
}

const TIMES = new Set(['at', 'openedAt', 'since', 'last', 'resolvedAt'])

const readEntry = (line: string): Entry | null => {
  try {
    const entry = JSON.parse(line, (name, value: unknown) => (TIMES.has(name) && typeof value === 'string' ? new Date(value) : value)) as Partial<Entry>
    return typeof entry.position === 'number' && entry.at instanceof Date && isIncident(entry.incident) ? (entry as Entry) : null
  } catch {
    return null
  }
}

const isIncident = (incident: Incident | undefined): boolean =>
  typeof incident?.id === 'number' && incident.openedAt instanceof Date && incident.since instanceof Date && incident.last instanceof Date
