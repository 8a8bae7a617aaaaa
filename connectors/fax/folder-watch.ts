/** A folder of faxes: each TIFF or PDF that has come to rest is taken once with what is known of it, and put away by what became of it. */
import { createHash } from 'node:crypto'
import { lstat, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join, parse } from 'node:path'
import type { Clock } from '../../engine/contracts.js'
import { MessageFault } from '../../engine/errors.js'
import { parseXml } from '../../engine/formats/xml/parse.js'
import { elementsOf, textOf } from '../../engine/formats/xml/tree.js'
import { type FaxEvent, readEvent } from './events.js'
import type { Facts } from './facts.js'
import { type Intake, takeEvent } from './intake.js'
import { parseJson } from './places.js'

export interface FolderSettings {
  readonly folder: string
  readonly sidecar: 'none' | 'json' | 'xml' | 'txt'
  readonly name: RegExp | null // its named groups are fields: from, to, id
  readonly poll: number // milliseconds
  readonly settle: number // milliseconds
}

const DOCUMENT = /\.(tiff?|pdf)$/i
const LARGEST_SIDECAR = 1024 ** 2
const MOST_A_ROUND = 1000

export class FolderWatch {
  readonly #seen = new Map<string, { readonly state: string; readonly since: number }>()
  readonly #stopping = new AbortController()
  #running: Promise<void> = Promise.resolve()
  #troubled = false

  constructor(readonly settings: FolderSettings, readonly facts: Facts, readonly intake: Intake, readonly clock: Clock) {}

  /** Makes the folders that are missing. Rejects with the system's error where it cannot. */
  async start(): Promise<void> {
    for (const folder of ['', 'done', 'failed']) await mkdir(join(this.settings.folder, folder), { recursive: true })
    this.#running = this.#run(this.#stopping.signal)
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }

  async #run(stopped: AbortSignal): Promise<void> {
    while (!stopped.aborted) {
      const problem = await this.#look(stopped).then(() => null, (error: unknown) => error)
      if (problem !== null && !this.#troubled) this.intake.log('error', 'a folder of faxes cannot be read; it is looked at again', { path: this.settings.folder, error: problem })
      this.#troubled = problem !== null
      await this.clock.sleep(this.settings.poll, stopped)
    }
  }

  async #look(stopped: AbortSignal): Promise<void> {
    const { folder, sidecar, settle } = this.settings
    const names = new Set(await readdir(folder))
    for (const name of this.#seen.keys()) if (!names.has(name)) this.#seen.delete(name)
    for (const name of [...names].filter((one) => DOCUMENT.test(one) && !one.startsWith('.')).sort().slice(0, MOST_A_ROUND)) {
      if (stopped.aborted) return
      const beside = sidecar === 'none' ? null : [...names].find((one) => one.toLowerCase() === `${parse(name).name}.${sidecar}`.toLowerCase() || one.toLowerCase() === `${name}.${sidecar}`.toLowerCase()) ?? null
      if (sidecar !== 'none' && beside === null) continue // its fax server writes it last
      const file = await lstat(join(folder, name))
      const state = `${file.size} ${file.mtimeMs}`
      const before = this.#seen.get(name)
      const now = this.clock.now().getTime()
      const since = before?.state === state ? before.since : now
      this.#seen.set(name, { state, since })
      if (now - since < settle) continue
      if (!(await this.#take(name, beside, file.isFile(), file.size, file.mtime))) return
    }
  }

  /** False where the engine cannot keep it now; it stays. */
  async #take(name: string, beside: string | null, regular: boolean, size: number, changed: Date): Promise<boolean> {
    const { folder } = this.settings
    if (!regular) return this.#putAway('failed', name, beside, 'It is no regular file.')
    if (size > this.intake.maximum) return this.#putAway('failed', name, beside, `It has more than ${this.intake.maximum} bytes; the setting is \`maximum\`.`)
    const document = await readFile(join(folder, name))
    let event: FaxEvent
    try {
      event = this.#event(name, document, beside === null ? null : await this.#sidecar(join(folder, beside)), changed)
    } catch (error) {
      if (!(error instanceof MessageFault)) throw error
      return this.#putAway('failed', name, beside, error.message)
    }
    if (!(await takeEvent(event, document, this.intake.naming.name, this.intake))) return false
    return this.#putAway('done', name, beside, null)
  }

  /** An id that neither the sidecar nor the name gives is made of the file itself: the same file again is the same fax. */
  #event(name: string, document: Buffer, sidecar: object | null, changed: Date): FaxEvent {
    const groups = this.settings.name?.exec(name)?.groups ?? {}
    const id = createHash('sha256').update(`${name} ${changed.getTime()} `).update(document).digest('hex').slice(0, 32)
    const event = readEvent({ body: { id, ...groups, ...sidecar }, files: { file: document }, headers: {}, query: {} }, this.facts, changed, 'in')
    return event
  }

  async #sidecar(path: string): Promise<object> {
    const bytes = await readFile(path)
    if (bytes.length > LARGEST_SIDECAR) throw unreadable('it is too large')
    if (this.settings.sidecar === 'json') return asObject(parseJson(bytes.toString('utf8')))
    if (this.settings.sidecar === 'xml') return Object.fromEntries(elementsOf(parseXml(bytes, { size: LARGEST_SIDECAR, depth: 20, elements: 2000 }).root).map((element) => [element.local, textOf(element).trim()]))
    return Object.fromEntries(bytes.toString('utf8').split(/\r?\n/).flatMap((line) => { const [, key = '', value = ''] = /^\s*([^:=]{1,100}?)\s*[:=]\s*(.*)$/.exec(line) ?? []; return key ? [[key, value.trim()]] : [] }))
  }

  async #putAway(where: 'done' | 'failed', name: string, beside: string | null, reason: string | null): Promise<true> {
    const { folder } = this.settings
    const stamp = this.clock.now().toISOString().replace(/[-:.]/g, '')
    if (reason !== null) await writeFile(join(folder, where, `${stamp}-${name}.reason.txt`), `${reason}\n`)
    if (reason !== null) this.intake.log('warn', 'a file is no fax that can be taken; it is put aside with its reason', { path: join(folder, where) })
    await rename(join(folder, name), join(folder, where, `${stamp}-${name}`))
    if (beside !== null) await rename(join(folder, beside), join(folder, where, `${stamp}-${beside}`))
    return true
  }
}

const asObject = (value: unknown): object => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw unreadable('it is no JSON object')
  return value
}

const unreadable = (why: string): MessageFault => new MessageFault({ kind: 'unreadable', reason: `the file beside the fax cannot be read: ${why}` })
