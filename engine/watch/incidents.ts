/** The incidents: each opens once for its cause, goes on while the cause does, and is resolved when the cause has been gone for a while. */
import type { Log } from '../contracts.js'
import { ReferoError } from '../errors.js'
import { type Cause, causeKey, type Entry, type Incident, type IncidentKind, type IncidentState, type Moment, momentOf, type Subject } from './incident.js'
import { IncidentLog } from './incident-log.js'
import type { Look } from './look.js'
import { Moments } from './moments.js'

/** Milliseconds, but for `hourly`. */
export interface Telling {
  readonly grace: number // how long a cause must be gone; twice as long each time that it came back
  readonly again: number // what comes back within this time continues the incident that was resolved
  readonly hourly: number // how many incidents may open within an hour
  readonly keep: number // how long resolved ones are kept
}

export interface IncidentQuery {
  readonly state?: IncidentState | 'unresolved'
  readonly kind?: IncidentKind
  readonly channel?: string
  readonly after?: string // the cursor of the incident to go on behind
  readonly limit: number
}

const HOUR = 3_600_000
const UPDATED = 300_000 // milliseconds between two lines of the log that only change numbers
/** They are few, and of the whole installation: no number of others holds them back. */
const ALWAYS: readonly IncidentKind[] = ['disk', 'store', 'many']

export class Incidents {
  readonly moments = new Moments()
  readonly #log: Log
  readonly #file: IncidentLog
  readonly #telling: Telling
  readonly #byId = new Map<number, Incident>()
  readonly #current = new Map<string, number>() // the latest incident of each cause
  readonly #gone = new Map<number, number>() // since when the cause of an open one is gone
  readonly #written = new Map<number, number>() // when its last line was written
  #entries: Entry[]
  #opened: number[] // when, within the last hour
  #heldBack: Set<string> | null // causes that the summary speaks for; null: all that have no incident of their own, after a restart
  #position: number

  /** Reads what was kept in `path`; nothing opens, and nobody is told, twice because of a restart. */
  constructor(path: string, telling: Telling, log: Log) {
    const { log: file, entries, damaged } = IncidentLog.open(path)
    if (damaged > 0) log('warn', 'some lines of the log of incidents cannot be read; the others hold', { file: path, count: damaged })
    this.#file = file
    this.#log = log
    this.#telling = telling
    this.#entries = [...entries]
    this.#position = entries.at(-1)?.position ?? 0
    for (const { incident, at } of entries) {
      this.#remember(incident)
      this.#written.set(incident.id, at.getTime())
    }
    this.#opened = entries.filter(({ moment, incident }) => moment === 'opened' && !ALWAYS.includes(incident.kind)).map(({ at }) => at.getTime())
    this.#heldBack = this.open().some(({ kind }) => kind === 'many') ? null : new Set()
    this.#publish()
  }

  /** Those not resolved, newest first. */
  open(): readonly Incident[] {
    return [...this.#byId.values()].filter(({ state }) => state !== 'resolved').reverse()
  }

  get(id: number): Incident {
    const incident = this.#byId.get(id)
    if (!incident) throw new ReferoError('NOT_FOUND', `No incident has the number ${id}.`)
    return incident
  }

  /** Those not resolved first, then the newest; `next` is the cursor of the next page, or null. */
  list({ state, kind, channel, after, limit }: IncidentQuery): { readonly incidents: readonly Incident[]; readonly next: string | null } {
    const begin = after === undefined ? null : rankOf(after)
    const fitting = [...this.#byId.values()]
      .filter((one) => state === undefined || one.state === state || (state === 'unresolved' && one.state !== 'resolved'))
      .filter((one) => (kind === undefined || one.kind === kind) && (channel === undefined || one.channel === channel))
      .sort(inOrder)
      .filter((one) => begin === null || inOrder(begin, one) < 0)
    const incidents = fitting.slice(0, limit)
    return { incidents, next: fitting.length > limit ? cursorOf(incidents.at(-1)) : null }
  }

  /** A person takes note of it, and says why it may stay; it stays open until its cause is gone. Rejects with NOT_FOUND. */
  async acknowledge(id: number, by: string, why: string, at: Date): Promise<Incident> {
    const incident = this.get(id)
    const acknowledged: Incident = { ...incident, state: incident.state === 'resolved' ? 'resolved' : 'acknowledged', acknowledged: { by, why, at } }
    this.#log('info', 'incident acknowledged', { incident: id, code: incident.kind, channel: incident.channel, destination: incident.destination })
    await this.#write([this.#entry('acknowledged', at, acknowledged)])
    return acknowledged
  }

  /** Takes over what a look found: opens, continues and resolves. */
  async take(look: Look): Promise<void> {
    const at = look.at.getTime()
    this.#opened = this.#opened.filter((time) => at - time < HOUR)
    const entries: Entry[] = []
    const held: Cause[] = []
    for (const cause of look.causes) {
      if (this.#isOpen(cause)) entries.push(...this.#goOn(cause, look.at))
      else if (this.#mayOpen(cause, at)) entries.push(this.#openFor(cause, look.at))
      else held.push(cause)
    }
    this.#heldBack = new Set(held.map(causeKey))
    entries.push(...this.#summary(held, look))
    for (const incident of this.open()) if (!look.has(incident)) entries.push(...this.#resolve(incident, look))
    await this.#write(entries)
    await this.#forget(look.at)
  }

  close(): Promise<void> {
    return this.#file.close()
  }

  #isOpen(cause: Subject): boolean {
    const id = this.#current.get(causeKey(cause))
    return id !== undefined && this.#byId.get(id)?.state !== 'resolved'
  }

  /** Whether the cause may have an incident of its own: not too many have opened within the hour, and the summary does not speak for it. */
  #mayOpen(cause: Cause, at: number): boolean {
    if (ALWAYS.includes(cause.kind)) return true
    if (this.#heldBack === null || this.#heldBack.has(causeKey(cause)) || this.#opened.length >= this.#telling.hourly) return false
    this.#opened.push(at)
    return true
  }

  #openFor(cause: Cause, at: Date): Entry {
    const before = this.#byId.get(this.#current.get(causeKey(cause)) ?? -1)
    const continues = before?.resolvedAt && at.getTime() - before.resolvedAt.getTime() <= this.#telling.again ? before : null
    const incident: Incident = {
      ...(continues ?? { id: Math.max(0, ...this.#byId.keys()) + 1, openedAt: at, times: 0 }),
      ...cause, state: 'open', last: at, resolvedAt: null, acknowledged: null, times: (continues?.times ?? 0) + 1,
    }
    this.#log('warn', `incident opened: ${incident.what}`, { incident: incident.id, code: incident.kind, channel: incident.channel, destination: incident.destination, count: incident.count })
    return this.#entry('opened', at, incident)
  }

  /** New numbers hold at once, and are written now and then: a crash may cost the latest. */
  #goOn(cause: Cause, at: Date): Entry[] {
    const before = this.#byId.get(this.#current.get(causeKey(cause)) ?? -1)
    if (!before) return []
    const { count, what, because } = cause
    const incident: Incident = { ...before, count, what, because, last: at }
    this.#gone.delete(before.id)
    if (before.count !== count && at.getTime() - (this.#written.get(before.id) ?? 0) >= UPDATED) return [this.#entry('updated', at, incident)]
    this.#byId.set(incident.id, incident)
    return []
  }

  #summary(held: readonly Cause[], look: Look): Entry[] {
    if (held.length === 0) return []
    const channels = [...new Set(held.map(({ channel }) => channel ?? 'no channel'))].sort()
    const names = `${channels.slice(0, 10).join(', ')}${channels.length > 10 ? ` and ${channels.length - 10} more` : ''}`
    const what = `${held.length} more ${held.length === 1 ? 'thing is' : 'things are'} wrong than the ${this.#telling.hourly} that are told of within an hour, in ${names}.`
    const since = new Date(Math.min(...held.map((cause) => cause.since.getTime())))
    const cause: Cause = { kind: 'many', channel: null, destination: null, subject: null, since, count: held.length, what, because: null }
    look.find(cause)
    return this.#isOpen(cause) ? this.#goOn(cause, look.at) : [this.#openFor(cause, look.at)]
  }

  #resolve(incident: Incident, look: Look): Entry[] {
    const at = look.at.getTime()
    if (look.isUnsure(incident)) {
      this.#gone.delete(incident.id)
      return []
    }
    const gone = this.#gone.get(incident.id) ?? at
    this.#gone.set(incident.id, gone)
    const { grace, again } = this.#telling
    if (at - gone < Math.min(grace * 2 ** (incident.times - 1), Math.max(grace, again))) return []
    this.#gone.delete(incident.id)
    this.#log('info', `incident resolved: ${incident.what}`, { incident: incident.id, code: incident.kind, channel: incident.channel, destination: incident.destination, count: incident.count })
    return [this.#entry('resolved', look.at, { ...incident, state: 'resolved', resolvedAt: look.at })]
  }

  #entry(moment: Moment, at: Date, incident: Incident): Entry {
    this.#position += 1
    this.#remember(incident)
    this.#written.set(incident.id, at.getTime())
    return { position: this.#position, moment, at, incident }
  }

  #remember(incident: Incident): void {
    this.#byId.set(incident.id, incident)
    this.#current.set(causeKey(incident), incident.id)
  }

  /** What cannot be written holds all the same, and is written and given to channels later. */
  async #write(entries: readonly Entry[]): Promise<void> {
    this.#entries.push(...entries)
    try {
      await this.#file.append(entries)
      this.#publish()
    } catch (error) {
      this.#log('error', 'incidents could not be written down; they are kept in memory, and it is tried again', { error })
    }
  }

  #publish(): void {
    this.moments.set(this.#entries.flatMap((entry) => (isTold(entry) ? [momentOf(entry)] : [])))
  }

  /** Forgets what was resolved long ago, and each line that says no more than a later one. */
  async #forget(at: Date): Promise<void> {
    const since = at.getTime() - this.#telling.keep
    for (const { id, resolvedAt } of this.#byId.values()) {
      if (!resolvedAt || resolvedAt.getTime() >= since) continue
      this.#byId.delete(id)
      this.#written.delete(id)
    }
    for (const [key, id] of this.#current) if (!this.#byId.has(id)) this.#current.delete(key)
    const latest = new Map(this.#entries.map(({ incident, position }) => [incident.id, position]))
    const kept = this.#entries.filter((entry) => this.#byId.has(entry.incident.id) && (isTold(entry) || latest.get(entry.incident.id) === entry.position))
    if (kept.length === this.#entries.length) return
    this.#entries = kept
    this.#publish()
    await this.#file.compact(kept).catch((error: unknown) => this.#log('error', 'the log of incidents could not be written anew; the former one holds', { error }))
  }
}

const isTold = (entry: Entry): entry is Entry & { readonly moment: Exclude<Moment, 'updated'> } => entry.moment !== 'updated'

type Ranked = Pick<Incident, 'id' | 'state'>

const rank = ({ state }: Pick<Incident, 'state'>): number => (state === 'resolved' ? 1 : 0)
const inOrder = (a: Ranked, b: Ranked): number => rank(a) - rank(b) || b.id - a.id
const cursorOf = (incident: Ranked | undefined): string | null => (incident ? `${rank(incident)}-${incident.id}` : null)

const rankOf = (cursor: string): Ranked => {
  const [, group, id] = /^([01])-([0-9]{1,15})$/.exec(cursor) ?? []
  if (id === undefined) throw new ReferoError('USAGE', '`after` is not what `next` of a page said.')
  return { state: group === '1' ? 'resolved' : 'open', id: Number(id) }
}
