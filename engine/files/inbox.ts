/** A folder that is looked at again and again: each file that has come to rest is taken once, in order, and put away by what became of it. */
import type { Receive, Reply, Tools } from '../contracts.js'
import { MessageFault } from '../errors.js'
import { type Folder, isSame, type Reading, type Seen } from './arrivals.js'

export interface InboxSettings {
  readonly matches: (name: string) => boolean
  readonly settle: number // milliseconds
  readonly poll: number // milliseconds
  readonly after: 'move' | 'delete' | 'keep'
  readonly answers: boolean // whether what senders are owed is written
  readonly order: 'name' | 'time'
  readonly maximum: number // bytes
  /** What is handed over of the bytes of a file, such as what was sealed in them; throws a MessageFault where that cannot be had. */
  readonly unseal: ((bytes: Buffer) => Promise<Buffer>) | null
}

/** What was decided about a file; kept until the file is out of the way, so that it is not taken again meanwhile. */
interface Decided { readonly seen: Seen; readonly reason: string | null; readonly good: boolean }

const PATIENCE = 60_000 // milliseconds until a folder that does not answer is told of
const UNFINISHED = /^\.|\.(tmp|part|partial|filepart)$|~$/i

export class Inbox {
  readonly #folder: Folder
  readonly #settings: InboxSettings
  readonly #tools: Tools
  readonly #resting = new Map<string, { readonly seen: Seen; readonly since: number }>()
  readonly #decided = new Map<string, Decided>()
  readonly #reported = new Set<string>()
  #running = new AbortController()
  #busy: Promise<unknown> = Promise.resolve()

  constructor(folder: Folder, settings: InboxSettings, tools: Tools) {
    this.#folder = folder
    this.#settings = settings
    this.#tools = tools
  }

  /** Opens the folder and begins to poll. Rejects with the system's error where the folder cannot be opened. */
  async start(receive: Receive): Promise<void> {
    await this.#folder.open()
    this.#running = new AbortController()
    void this.#run(receive, this.#running.signal)
  }

  /** Resolves once the file in hand has been answered and put away. */
  async stop(): Promise<void> {
    this.#running.abort()
    await this.#busy
    await this.#folder.close()
  }

  async #run(receive: Receive, stopped: AbortSignal): Promise<void> {
    while (!stopped.aborted) {
      await this.#poll(receive, stopped)
      await this.#tools.clock.sleep(this.#settings.poll, stopped)
    }
  }

  async #poll(receive: Receive, stopped: AbortSignal): Promise<void> {
    for (const seen of await this.#list(stopped)) {
      if (stopped.aborted) return
      if (!this.#rests(seen)) continue
      const taking = this.#take(seen, receive)
      this.#busy = taking
      if (!(await taking)) return
    }
  }

  /** The files that may be taken, in order; none while the folder cannot be read. */
  async #list(stopped: AbortSignal): Promise<readonly Seen[]> {
    const { matches, order } = this.#settings
    try {
      const listed = await this.#watched(this.#folder.list((name) => !UNFINISHED.test(name) && matches(name)))
      if (this.#reported.delete('folder')) this.#tools.log('info', 'a folder can be read again', { path: this.#folder.path })
      for (const { name, seen } of listed) if (!seen) this.#report(`?${name}`, 'warn', 'a file has a name that is not UTF-8 and stays unread')
      const present = new Set(listed.map(({ name }) => name))
      for (const memory of [this.#resting, this.#decided]) for (const name of memory.keys()) if (!present.has(name)) memory.delete(name)
      for (const name of this.#reported) if (!present.has(name.slice(1))) this.#reported.delete(name)
      const files = listed.flatMap(({ seen }) => seen ?? [])
      return files.sort((one, other) => (order === 'time' ? compare(one.changed, other.changed) : 0) || compare(one.name, other.name))
    } catch (error) {
      this.#resting.clear()
      if (!stopped.aborted) this.#report('folder', 'error', 'a folder cannot be read; looking again until it can', error)
      return []
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
    const reading = await this.#read(seen)
    if (!reading) return true
    if (reading.kind === 'unusable') return this.#putAway({ seen, good: false, reason: reading.reason })
    if (reading.kind === 'changed') return this.#resting.delete(seen.name) || true
    const reply = await receive({ bytes: reading.bytes, origin: this.#folder.origin(seen.name), key: reading.key }).catch((error: unknown): Reply => {
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
    if (!this.#settings.answers || acknowledgements.length === 0) return true
    try {
      await this.#watched(this.#folder.answer(name, Buffer.concat(acknowledgements)))
      this.#reported.delete(`a${name}`)
      return true
    } catch (error) {
      this.#report(`a${name}`, 'error', 'the answer to a file cannot be written; the file stays and is tried again', error)
      return false
    }
  }

  async #read(seen: Seen): Promise<Reading | null> {
    const { maximum, unseal } = this.#settings
    try {
      const reading = await this.#watched(this.#folder.read(seen, maximum))
      return reading.kind === 'read' && unseal ? { ...reading, bytes: await unseal(reading.bytes) } : reading
    } catch (error) {
      if (error instanceof MessageFault) return { kind: 'unusable', reason: error.message }
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.#report(`r${seen.name}`, 'error', 'a file cannot be read; it stays and is tried again', error)
      return null
    }
  }

  /** Moves or removes what has been decided about; where that fails, it is tried again without taking the file again. */
  async #putAway(decided: Decided): Promise<true> {
    const { after } = this.#settings
    const { seen, good, reason } = decided
    const before = this.#decided.get(seen.name)
    this.#decided.set(seen.name, decided)
    if (after === 'keep') {
      if (!good && before !== decided) this.#tools.log('warn', 'a file cannot be taken, and is left where it is', { path: this.#folder.path })
      return true
    }
    try {
      const now = await this.#watched(this.#folder.look(seen.name))
      if (!isSame(now, seen)) this.#report(`c${seen.name}`, 'warn', 'a file was changed after it was read; it is read again when it rests')
      else if (good && after === 'delete') await this.#watched(this.#folder.remove(seen.name))
      else await this.#watched(this.#folder.move(seen.name, good ? 'done' : 'failed', reason))
      if (!good) this.#tools.log('warn', 'put a file aside; its reason is beside it', { path: this.#folder.path })
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
    this.#tools.log(level, event, { path: this.#folder.path, ...(error !== undefined && { error }) })
  }

  /** Tells of a folder that does not answer: a share that hangs would else look like one without files. */
  async #watched<T>(work: Promise<T>): Promise<T> {
    const answered = new AbortController()
    void this.#tools.clock.sleep(PATIENCE, answered.signal).then(() => {
      if (!answered.signal.aborted) this.#tools.log('error', 'a folder does not answer', { path: this.#folder.path, milliseconds: PATIENCE })
    })
    return work.finally(() => answered.abort())
  }
}

const compare = <T extends string | bigint>(one: T, other: T): number => (one < other ? -1 : one > other ? 1 : 0)
