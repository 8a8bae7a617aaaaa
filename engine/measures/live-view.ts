/** One listener's view of what happens: filtered, in order, and bounded, so that whoever reads slowly loses events and never slows a message. */
import type { MessageFormat } from '../contracts.js'
import { sentence } from '../errors.js'
import type { EngineEvent, Events } from '../events.js'
import type { Condition } from './condition.js'
import { type ContentAsked, shown, type ShownEvent } from './shown.js'

/** What is wanted: everything that is null is not asked about. */
export interface Wanted {
  readonly channel: string | null
  readonly destination: string | null
  readonly what: ReadonlySet<string> | null // null: all but steps
  readonly step: number | null // the outcome of this step of the channel (or of `destination`), and nothing else
  readonly condition: Condition | null
  readonly content: ContentAsked
}

/** Where a view goes: `ready` while it takes more. */
export interface Reader {
  readonly ready: boolean
  event(event: ShownEvent): void
  /** So many events were lost because it was not ready, or too much happened at once. */
  lost(count: number): void
  /** Why something cannot be looked at, once a reason. */
  note(reason: string): void
}

interface Gap { lost: number }

const MOST_EVENTS = 1_000
const MOST_BYTES = 16_000_000 // of content that waits for its reader
const LONGEST_TURN = 5 // milliseconds before messages get their turn again

export class LiveView {
  readonly #wanted: Wanted
  readonly #format: (name: string) => MessageFormat
  readonly #reader: Reader
  readonly #deaf: () => void
  readonly #noted = new Set<string>()
  #waiting: (EngineEvent | Gap)[] = []
  #bytes = 0
  #busy = false
  #closed = false

  constructor(events: Events, wanted: Wanted, format: (name: string) => MessageFormat, reader: Reader) {
    this.#wanted = wanted
    this.#format = format
    this.#reader = reader
    this.#deaf = events.listen((event) => this.#hear(event), { steps: wanted.step !== null || wanted.what?.has('step') === true })
  }

  /** The reader takes more again. */
  resume(): void {
    if (this.#waiting.length > 0) this.#soon()
  }

  /** Hears no more, tells what it has heard as far as it is read at once, and closes. */
  async end(): Promise<void> {
    this.#deaf()
    while (!this.#closed && this.#waiting.length > 0 && this.#reader.ready) await this.#next()
    this.close()
  }

  close(): void {
    this.#closed = true
    this.#deaf()
    this.#waiting = []
  }

  /** Costs a comparison or two: whatever looks into a message is left for later. */
  #hear(event: EngineEvent): void {
    const { channel, destination, what, step } = this.#wanted
    if (channel !== null && event.channel !== channel) return
    if (destination !== null && event.destination !== destination) return
    if (step !== null ? event.step !== step || event.destination !== destination : what !== null && !what.has(event.what)) return
    const size = this.#sizeOf(event)
    if (this.#waiting.length >= MOST_EVENTS || this.#bytes + size > MOST_BYTES) this.#lose()
    else {
      this.#waiting.push(event)
      this.#bytes += size
    }
    this.#soon()
  }

  /** A gap stands where the events that are lost would have stood. */
  #lose(): void {
    const last = this.#waiting.at(-1)
    if (last && 'lost' in last) last.lost++
    else this.#waiting.push({ lost: 1 })
  }

  #sizeOf({ bytes, size }: EngineEvent): number {
    return bytes && (this.#wanted.content !== 'none' || this.#wanted.condition) ? (size ?? UNKNOWN_SIZE) : 0
  }

  #soon(): void {
    if (this.#busy || this.#closed || !this.#reader.ready) return
    this.#busy = true
    setImmediate(() => void this.#work())
  }

  async #work(): Promise<void> {
    const started = performance.now()
    while (!this.#closed && this.#waiting.length > 0 && this.#reader.ready && performance.now() - started < LONGEST_TURN) await this.#next()
    this.#busy = false
    this.resume()
  }

  async #next(): Promise<void> {
    const event = this.#waiting.shift()
    if (!event) return
    if ('lost' in event) return this.#reader.lost(event.lost)
    this.#bytes -= this.#sizeOf(event)
    await this.#show(event)
  }

  async #show(event: EngineEvent): Promise<void> {
    try {
      const format = event.format === null ? null : this.#format(event.format)
      if (this.#wanted.condition && !(format && (await this.#holds(this.#wanted.condition, event, format)))) return
      if (!this.#closed) this.#reader.event(shown(event, format, this.#wanted.content))
    } catch (error) {
      this.#note(sentence(error))
    }
  }

  async #holds(condition: Condition, event: EngineEvent, format: MessageFormat): Promise<boolean> {
    const answer = await condition(event, format)
    if (typeof answer === 'string') this.#note(answer)
    return answer === true
  }

  #note(reason: string): void {
    if (this.#closed || this.#noted.has(reason) || this.#noted.size >= MOST_NOTES) return
    this.#noted.add(reason)
    this.#reader.note(reason)
  }
}

const UNKNOWN_SIZE = 10_000 // bytes that a step's outcome is taken to have
const MOST_NOTES = 20
