/** Keeps a line of the log that repeats itself from filling the disk: the same about the same channel and destination is written a few times a minute, then counted. */
import type { Log } from './contracts.js'

type Level = Parameters<Log>[0]
type Facts = Readonly<Record<string, unknown>>
export type WriteLine = (at: Level, event: string, facts: Facts) => void

/** How often the same is written within a minute: few enough for a disk that is full, enough to see what it is about. */
const FEW = 10
const MINUTE = 60_000
/** How many different lines are counted; more than these are written as they come. */
const MOST = 10_000

interface Line { readonly at: Level; readonly event: string; readonly facts: Facts; count: number }

export class Repetitions {
  readonly #write: WriteLine
  readonly #lines = new Map<string, Line>()
  #timer: NodeJS.Timeout | null = null

  constructor(write: WriteLine) {
    this.#write = write
  }

  /** Writes the line, or counts it. Only warnings and errors repeat themselves without anybody having asked for it. */
  take(at: Level, event: string, facts: Facts): void {
    if (at !== 'warn' && at !== 'error') {
      this.#write(at, event, facts)
      return
    }
    const { channel, destination, error, code } = facts
    const key = JSON.stringify([at, event, channel, destination, error, code])
    const line = this.#lines.get(key)
    if (line) line.count++
    else if (this.#lines.size < MOST) this.#lines.set(key, { at, event, facts: known({ channel, destination, error, code }), count: 1 })
    if ((line?.count ?? 1) <= FEW) this.#write(at, event, facts)
    this.#timer ??= setTimeout(() => this.tell(), MINUTE).unref()
  }

  /** Says of each line how often it was left out, and begins to count anew. */
  tell(): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    for (const { at, event, facts, count } of this.#lines.values()) if (count > FEW) this.#write(at, `${event}; this was left out so many times within a minute`, { ...facts, count: count - FEW })
    this.#lines.clear()
  }
}

const known = (facts: Facts): Facts => Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined))
