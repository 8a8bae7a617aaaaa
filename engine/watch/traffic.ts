/** What the events of the engine tell of each channel and destination: when something last arrived, what fails again and again, who cannot be reached. */
import type { EngineEvent, Events } from '../events.js'
import { duration } from '../units.js'
import type { Times } from './settings.js'

/** How often in a row something went wrong, and when it last did. */
export class Failures {
  since: Date | null = null // of the first one in the row
  inRow = 0
  wentWell = false // since the engine has started
  readonly #times: Date[] = [] // the latest, oldest first

  bad(at: Date, most: number): void {
    if (this.inRow === 0) this.since = at
    this.inRow += 1
    this.#times.push(at)
    if (this.#times.length > most) this.#times.splice(0, this.#times.length - most)
  }

  good(): void {
    this.wentWell = true
    this.inRow = 0
  }

  /** Whether it is too often: null where that cannot be told yet, since what was before the engine `started` is not known. */
  tooOften(limit: Times, now: Date, started: Date): { readonly count: number; readonly since: Date } | null | false {
    if (typeof limit === 'number') {
      if (this.since && this.inRow >= limit) return { count: this.inRow, since: this.since }
      return this.inRow === 0 && this.wentWell ? false : null
    }
    const within = duration(limit.within)
    const recent = this.#times.filter((at) => now.getTime() - at.getTime() <= within)
    const [first] = recent
    if (first && recent.length >= limit.count) return { count: recent.length, since: first }
    return now.getTime() - started.getTime() >= within ? false : null
  }
}

/** What a channel watches of what goes wrong. */
type Limits = (channel: string) => { readonly refused?: Times | undefined; readonly errors?: Times | undefined } | undefined

/** How a destination was met since the engine has started; null where it was not tried. */
export interface Reach { readonly unavailableSince: Date | null }

const MOST = 100 // times that are remembered where nobody counts within a time

export class Traffic {
  readonly started: Date
  readonly #arrivals = new Map<string, Date>()
  readonly #failures = new Map<string, Failures>()
  readonly #reach = new Map<string, Reach>()
  readonly #limits: Limits

  constructor(started: Date, limits: Limits) {
    this.started = started
    this.#limits = limits
  }

  /** Listens until the returned function is called. */
  listen(events: Events): () => void {
    return events.listen((event) => this.#hear(event))
  }

  arrival(channel: string): Date | null {
    return this.#arrivals.get(channel) ?? null
  }

  /** Says when something last arrived before the engine started; what is known since holds. */
  arrived(channel: string, at: Date): void {
    if ((this.#arrivals.get(channel)?.getTime() ?? 0) < at.getTime()) this.#arrivals.set(channel, at)
  }

  /** Of a destination, or with null of the steps of the channel. */
  failures(channel: string, destination: string | null): Failures {
    const key = keyOf(channel, destination)
    const known = this.#failures.get(key) ?? new Failures()
    this.#failures.set(key, known)
    return known
  }

  reach(channel: string, destination: string): Reach | null {
    return this.#reach.get(keyOf(channel, destination)) ?? null
  }

  /** Nothing waits for it: that it could not be reached is of no importance any more. */
  rested(channel: string, destination: string): void {
    this.#reach.set(keyOf(channel, destination), { unavailableSince: null })
  }

  #hear({ what, channel, destination, at }: EngineEvent): void {
    switch (what) {
      case 'received':
      case 'duplicate':
        this.arrived(channel, at)
        break
      case 'unreadable':
        this.arrived(channel, at)
        this.failures(channel, null).bad(at, most(this.#limits(channel)?.errors))
        break
      case 'error':
        this.failures(channel, null).bad(at, most(this.#limits(channel)?.errors))
        break
      case 'transformed':
        this.failures(channel, null).good()
        break
      case 'filtered':
        if (destination === null) this.failures(channel, null).good()
        break
      case 'sent':
      case 'refused':
        if (destination === null) break
        this.#reach.set(keyOf(channel, destination), { unavailableSince: null })
        if (what === 'sent') this.failures(channel, destination).good()
        else this.failures(channel, destination).bad(at, most(this.#limits(channel)?.refused))
        break
      case 'unavailable':
        if (destination === null) break
        this.#reach.set(keyOf(channel, destination), { unavailableSince: this.reach(channel, destination)?.unavailableSince ?? at })
    }
  }
}

const keyOf = (channel: string, destination: string | null): string => `${channel}/${destination ?? ''}`

const most = (limit: Times | undefined): number => (typeof limit === 'object' ? limit.count : MOST)
