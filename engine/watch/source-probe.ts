/** Looks at the sources of channels: whether something arrives when it should, and whether anybody is connected. */
import type { MessageArchive } from '../contracts.js'
import type { EngineView, WatchedChannel } from './engine-view.js'
import { ALWAYS, type Hours, openTime, readHours } from './hours.js'
import { instantIn } from './incident.js'
import type { Look } from './look.js'
import { lasting } from './settings.js'
import type { Traffic } from './traffic.js'

const SETTLING = 300_000 // milliseconds that senders have to come back after the engine has started

export class SourceProbe {
  readonly #engine: EngineView
  readonly #archive: Pick<MessageArchive, 'search'>
  readonly #traffic: Traffic
  readonly #zone: string
  readonly #seen = new Map<string, Date>() // since when each channel has been running
  readonly #connected = new Map<string, Date>() // when somebody was last connected

  /** `zone`: where a channel says none. */
  constructor(engine: EngineView, archive: Pick<MessageArchive, 'search'>, traffic: Traffic, zone: string) {
    this.#engine = engine
    this.#archive = archive
    this.#traffic = traffic
    this.#zone = zone
  }

  async look(channels: readonly WatchedChannel[], look: Look): Promise<void> {
    for (const channel of channels) await this.#lookAt(channel, look)
    for (const name of this.#seen.keys()) if (!channels.some((channel) => channel.name === name)) this.#seen.delete(name)
  }

  async #lookAt({ name, state, trouble, loaded: { definition: { watch } } }: WatchedChannel, look: Look): Promise<void> {
    if (state === 'paused' || state === 'stopped') return // a person wants it silent
    const about = (kind: string) => (one: { kind: string; channel: string | null; destination: string | null }): boolean => one.kind === kind && one.channel === name && one.destination === null
    if (state !== 'running') {
      this.#seen.delete(name)
      look.unsure(about('silent'))
      look.unsure(about('disconnected'))
      return
    }
    const first = this.#seen.get(name) ?? look.at
    if (!this.#seen.has(name) && !(await this.#remembers(name, look))) {
      look.unsure(about('silent')) // the store is what is wrong, and is told of as such
      return
    }
    const hours = watch.hours === undefined ? ALWAYS : readHours(watch.hours)
    const zone = watch.zone ?? this.#zone
    const open = (from: Date, enough: number): number => openTime(hours, zone, from, look.at, enough)
    const arrival = this.#traffic.arrival(name)

    const silent = lasting(watch.silent)
    if (silent !== null) {
      const since = arrival ?? first
      const quiet = open(since, silent)
      if (quiet >= silent && open(first, SETTLING) >= Math.min(silent, SETTLING)) {
        const what = `Channel ${name} has received nothing since ${instantIn(zone, since)}: longer than ${watch.silent}${within(hours, watch.hours)}.`
        look.find({ kind: 'silent', channel: name, destination: null, since, count: 1, what })
      } else look.unsure((one) => about('silent')(one) && since <= one.since)
    }

    const disconnected = lasting(watch.disconnected)
    const connections = this.#engine.connections(name)
    if (disconnected === null || connections === null) return
    if (connections > 0) this.#connected.set(name, look.at)
    const since = latest(this.#connected.get(name), arrival, first)
    if (connections === 0 && open(since, disconnected) >= disconnected) {
      const what = `Nobody has been connected to channel ${name} since ${instantIn(zone, since)}: longer than ${watch.disconnected}${within(hours, watch.hours)}.`
      look.find({ kind: 'disconnected', channel: name, destination: null, since, count: 1, what, because: trouble })
    } else if (connections === 0 && !this.#connected.has(name)) look.unsure((one) => about('disconnected')(one) && (arrival === null || arrival <= one.since))
  }

  /** What the store knows of the time before the engine started; false where it cannot be asked. */
  async #remembers(name: string, look: Look): Promise<boolean> {
    try {
      const [last] = await this.#archive.search({ channel: name, limit: 1 })
      if (last) this.#traffic.arrived(name, last.receivedAt)
    } catch {
      return false
    }
    this.#seen.set(name, look.at)
    return true
  }
}

const within = (hours: Hours, written: string | undefined): string => (hours === ALWAYS ? '' : ` of its hours (${written})`)

const latest = (...times: readonly (Date | null | undefined)[]): Date => new Date(Math.max(...times.map((time) => time?.getTime() ?? 0)))
