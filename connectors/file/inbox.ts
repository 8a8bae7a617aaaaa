/** A folder that is looked at again and again: each file that has come to rest is taken once, in order, and put away by what became of it. */
import { lstat, mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Receive, Reply, Tools } from '../../engine/contracts.js'
import { writeAnswer } from './answering.js'
import { moveTo } from './moving.js'
import { isSame, type Reading, readWhole, type Seen, seenAs } from './reading.js'

export interface InboxSettings {
  readonly folder: string
  readonly matches: (name: string) => boolean
  readonly settle: number // milliseconds
  readonly poll: number // milliseconds
  readonly done: string | null // null removes
  readonly failed: string
  readonly answers: string | null // where what senders are owed is written; null writes nothing
  readonly order: 'name' | 'time'
  readonly maximum: number // bytes
}

/** What was decided about a file; kept until the file is out of the way, so that it is not taken again meanwhile. */
interface Decided { readonly seen: Seen; readonly reason: string | null; readonly good: boolean }

const PATIENCE = 60_000 // milliseconds until a folder that does not answer is told of
const UNFINISHED = /^\.|\.(tmp|part|partial|filepart)$|~$/i

export class Inbox {
  readonly #settings: InboxSettings
  readonly #tools: Tools
  readonly #resting = new Map<string, { readonly seen: Seen; readonly since: number }>()
  readonly #decided = new Map<string, Decided>()
  readonly #reported = new Set<string>()
  #running = new AbortController()
  #busy: Promise<unknown> = Promise.resolve()

  constructor(settings: InboxSettings, tools: Tools) {
    this.#settings = settings
    this.#tools = tools
  }

  /** Makes the folders that are missing and begins to poll. Rejects with the system's error where it cannot. */
  async start(receive: Receive): Promise<void> {
    const { folder, done, failed, answers } = this.#settings
    for (const needed of [folder, done, failed, answers]) if (needed) await mkdir(needed, { recursive: true })
    await readdir(folder)
    this.#running = new AbortController()
    void this.#run(receive, this.#running.signal)
  }

  /** Resolves once the file in hand has been answered and put away. */
  async stop(): Promise<void> {
    this.#running.abort()
    await this.#busy
  }

  async #run(receive: Receive, stopped: AbortSignal): Promise<void> {
    while (!stopped.aborted) {
      await this.#poll(receive, stopped)
      await this.#tools.clock.sleep(this.#settings.poll, stopped)
    }
  }

  async #poll(receive: Receive, stopped: AbortSignal): Promise<void> {
    for (const seen of await this.#list()) {
      if (stopped.aborted) return
      if (!this.#rests(seen)) continue
      const taking = this.#take(seen, receive)
      this.#busy = taking
      if (!(await taking)) return
    }
  }

  /** The files that may be taken, in order; none while the folder cannot be read. */
  async #list(): Promise<readonly Seen[]> {
    const { folder, matches, order } = this.#settings
    try {
      const entries = await this.#watched(readdir(folder, { withFileTypes: true }))
      const names = entries.filter((entry) => entry.isFile() && !UNFINISHED.test(entry.name) && matches(entry.name)).map(({ name }) => name)
      const files = (await this.#watched(Promise.all(names.map((name) => this.#look(name))))).filter((seen) => seen !== null)
      if (this.#reported.delete('folder')) this.#tools.log('info', 'a folder can be read again', { path: folder })
      const present = new Set(names)
      for (const memory of [this.#resting, this.#decided]) for (const name of memory.keys()) if (!present.has(name)) memory.delete(name)
      for (const name of this.#reported) if (!present.has(name.slice(1))) this.#reported.delete(name)
      return files.sort((one, other) => (order === 'time' ? compare(one.changed, other.changed) : 0) || compare(one.name, other.name))
    } catch (error) {
      this.#resting.clear()
      this.#report('folder', 'error', 'a folder cannot be read; looking again until it can', error)
      return []
    }
  }

  async #look(name: string): Promise<Seen | null> {
    try {
      return seenAs(name, await lstat(join(this.#settings.folder, name), { bigint: true }))
    } catch (error) {
      // A name that is not UTF-8 is listed, but cannot be asked for; any other has just gone.
      if (name.includes('\uFFFD')) this.#report(`?${name}`, 'warn', 'a file has a name that is not UTF-8 and stays unread', error)
      return null
    }
  }

  /** Whether a file has been the same for as long as `settle` says. */
  #rests(seen: Seen): boolean {
    const now = this.#tools.clock.now().getTime()
    const before = this.#resting.get(seen.name)
    const since = before && isSame(before.seen, seen) ? before.since : now
    this.#resting.set(seen.name, { seen, since })
    return now - since >= this.#settings.settle
  }

  /** Takes one file; false where the engine cannot keep messages now, and the files after it must wait too. Never rejects. */
  async #take(seen: Seen, receive: Receive): Promise<boolean> {
    const before = this.#decided.get(seen.name)
    if (before && isSame(before.seen, seen)) return this.#putAway(before)
    const path = join(this.#settings.folder, seen.name)
    const reading = await this.#read(path, seen)
    if (!reading) return true
    if (reading.kind === 'unusable') return this.#putAway({ seen, good: false, reason: reading.reason })
    if (reading.kind === 'changed') return this.#resting.delete(seen.name) || true
    const reply = await receive({ bytes: reading.bytes, origin: path, key: reading.key }).catch((error: unknown): Reply => {
      this.#report(`!${seen.name}`, 'error', 'a file could not be handed over; it stays and is tried again', error)
      return { verdict: 'error', reason: null, acknowledgements: [] }
    })
    if (reply.verdict === 'error') {
      this.#report(`!${seen.name}`, 'warn', 'the engine could not answer for a file; it stays and is tried again')
      return false
    }
    if (!(await this.#answer(seen, reply))) return true
    return this.#putAway({ seen, good: reply.verdict === 'accepted', reason: reply.verdict === 'accepted' ? null : (reply.reason ?? 'The message was rejected.') })
  }

  /** Writes what the sender is owed; false where that fails, and the file stays: taken again it is answered alike. */
  async #answer({ name }: Seen, { acknowledgements }: Reply): Promise<boolean> {
    const { answers } = this.#settings
    if (answers === null || acknowledgements.length === 0) return true
    try {
      await this.#watched(writeAnswer(answers, name, Buffer.concat(acknowledgements)))
      this.#reported.delete(`a${name}`)
      return true
    } catch (error) {
      this.#report(`a${name}`, 'error', 'the answer to a file cannot be written; the file stays and is tried again', error)
      return false
    }
  }

  async #read(path: string, seen: Seen): Promise<Reading | null> {
    try {
      return await this.#watched(readWhole(path, seen, this.#settings.maximum))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.#report(`r${seen.name}`, 'error', 'a file cannot be read; it stays and is tried again', error)
      return null
    }
  }

  /** Moves or removes what has been decided about; where that fails, it is tried again without taking the file again. */
  async #putAway(decided: Decided): Promise<true> {
    const { folder, done, failed } = this.#settings
    const { seen, good, reason } = decided
    const path = join(folder, seen.name)
    this.#decided.set(seen.name, decided)
    try {
      const now = seenAs(seen.name, await this.#watched(lstat(path, { bigint: true })))
      if (!isSame(now, seen)) this.#report(`c${seen.name}`, 'warn', 'a file was changed after it was read; it is read again when it rests')
      else if (good && done === null) await this.#watched(rm(path))
      else await this.#watched(moveTo(good && done !== null ? done : failed, path, seen.name, reason))
      if (!good) this.#tools.log('warn', 'put a file aside; its reason is beside it', { path: failed })
      this.#decided.delete(seen.name)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.#report(`m${seen.name}`, 'error', 'a file was answered, but cannot be put away; it is not taken again', error)
    }
    return true
  }

  /** Says once what stays wrong. The names of files are never told: they may hold patients. */
  #report(what: string, level: 'warn' | 'error', event: string, error?: unknown): void {
    if (this.#reported.has(what)) return
    this.#reported.add(what)
    this.#tools.log(level, event, { path: this.#settings.folder, ...(error !== undefined && { error }) })
  }

  /** Tells of a folder that does not answer: a share that hangs would else look like one without files. */
  async #watched<T>(work: Promise<T>): Promise<T> {
    const answered = new AbortController()
    void this.#tools.clock.sleep(PATIENCE, answered.signal).then(() => {
      if (!answered.signal.aborted) this.#tools.log('error', 'a folder does not answer', { path: this.#settings.folder, milliseconds: PATIENCE })
    })
    return work.finally(() => answered.abort())
  }
}

const compare = <T extends string | bigint>(one: T, other: T): number => (one < other ? -1 : one > other ? 1 : 0)
