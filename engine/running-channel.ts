/** One channel at work: its source, the worker of its steps, and the lanes of its destinations. */
import { Answers } from './answers.js'
import { buildChannel, type BuiltChannel, servicesNeeded } from './build-channel.js'
import type { Channel } from './channel.js'
import type { LoadedChannel } from './channel-loader.js'
import type { Inbound, Reply, SourceConnector } from './contracts.js'
import { AT_WORK, type Control } from './control.js'
import { DestinationLanes } from './destination-lanes.js'
import { sentence } from './errors.js'
import { Fates } from './fates.js'
import { receive, recover } from './message-flow.js'
import { conclude, notYet } from './replies.js'
import { revisionOf } from './revisions/snapshot.js'
import { tellChannel } from './telling.js'
import { TransformWorker } from './transform-worker.js'
import { toolsFor, type World } from './world.js'

const FIRST_PAUSE = 1_000 // milliseconds before a source that could not start is tried again
const LONGEST_PAUSE = 30_000
const START_WITHIN = 10_000 // milliseconds that others wait for a source to start
const LAST_WORDS = 1_000 // milliseconds

export type ChannelState = 'starting' | 'running' | 'failed' | 'paused' | 'stopping' | 'stopped'

export class RunningChannel {
  readonly #world: World
  readonly #feed: (channel: string, inbound: Inbound) => Promise<Reply>
  #loaded: LoadedChannel
  #control: Control
  #closing = new AbortController() // ends the tries to open the source
  #pause = new AbortController() // ends the pause between two of them
  #state: ChannelState = 'starting'
  #trouble: string | null = null
  #listening: string | null = null
  #channel: Channel | null = null
  #source: SourceConnector | null = null
  #transforms: TransformWorker | null = null
  #answers: Answers | null = null
  readonly #fates: Fates
  #destinations: readonly DestinationLanes[] = []
  #run: Promise<void> = Promise.resolve()
  #abandoned: readonly string[] = []

  constructor(loaded: LoadedChannel, world: World, feed: (channel: string, inbound: Inbound) => Promise<Reply>, control: Control = AT_WORK) {
    this.#loaded = loaded
    this.#world = world
    this.#feed = feed
    this.#control = control
    this.#fates = new Fates(this.name, world.store, world.clock)
  }

  get loaded(): LoadedChannel {
    return this.#loaded
  }

  get name(): string {
    return this.loaded.definition.name
  }

  get state(): ChannelState {
    return this.#state
  }

  /** What keeps it from working, in a sentence; null when nothing does. */
  get trouble(): string | null {
    return this.#trouble ?? this.#source?.trouble?.() ?? null
  }

  /** What waits for destinations that the channel had once and has no more, a sentence each. */
  get abandoned(): readonly string[] {
    return this.#abandoned
  }

  /** Where it listens, for people; null until it does. */
  get listening(): string | null {
    return this.#listening
  }

  /** Takes up a file in which nothing that runs is different: its description, tests and comments. */
  describe(loaded: LoadedChannel): void {
    this.#loaded = loaded
  }

  /** How many senders its source has now; null where it cannot tell. */
  get connections(): number | null {
    return this.#source?.connections?.() ?? null
  }

  /** Resolves when the first try to start has succeeded, failed or taken long; a channel that failed goes on trying. */
  start(): Promise<void> {
    return new Promise((tried) => {
      this.#run = this.#keepStarting(tried)
    })
  }

  /** Takes one arrival as its source would: how one channel feeds another. */
  async receive(inbound: Inbound): Promise<Reply> {
    if (!this.#channel || this.#state === 'stopping' || this.#state === 'stopped') throw new Error(`channel ${this.name} is not running`)
    if (this.#control.channel) throw new Error(`channel ${this.name} is paused`)
    return receive(this.#channel, inbound)
  }

  /** One that could not start is tried again at once. */
  readonly tryAgain = (): void => this.#pause.abort()

  /** Looks for work again: after a replay, or a decision about what was held. */
  wake(message?: number): void {
    if (message !== undefined) this.#decided(message)
    this.#transforms?.wake()
    for (const destination of this.#destinations) destination.wake()
  }

  /** Opens or closes the source, and serves or rests each destination, as people ask; `hurry` cuts short what takes too long. */
  async obey(control: Control, hurry: Promise<void>): Promise<void> {
    const before = this.#control
    this.#control = control
    await Promise.all(this.#destinations.map((destination) => (control.destinations[destination.name] ? destination.stop(hurry) : destination.start())))
    if (control.channel && !before.channel) {
      await this.#close(hurry)
      this.#paused()
    } else if (!control.channel && before.channel) {
      this.#closing = new AbortController()
      this.#state = 'starting'
      await this.start()
    }
  }

  /** Answers what was taken, ends the deliveries under way, and closes; `hurry` cuts short what takes too long. */
  async stop(hurry: Promise<void>): Promise<void> {
    this.#state = 'stopping'
    const stopped = await this.#close(hurry)
    this.#answers?.close() // whoever still waits is told so, and has a moment to hear it
    await Promise.race([stopped(), this.#world.clock.sleep(LAST_WORDS)])
    await this.#transforms?.stop()
    await Promise.all(this.#destinations.map((destination) => destination.stop(hurry)))
    this.#state = 'stopped'
    tellChannel(this.#world.events, this.#world.clock.now(), this.name, 'stopped')
  }

  /** Takes nothing more. Resolves when all that was taken is answered, or at `hurry`; the function that it gives resolves at the true end. */
  async #close(hurry: Promise<void>): Promise<() => Promise<void>> {
    this.#closing.abort()
    await Promise.race([this.#run, hurry]) // a source that hangs in its start is closed once that ends
    const open = this.#listening !== null && this.#source
    const stopped = open ? this.#stopSource(open) : Promise.resolve()
    await Promise.race([stopped, hurry])
    this.#listening = null
    this.#source = null
    return () => stopped
  }

  async #stopSource(source: SourceConnector): Promise<void> {
    await source.stop().catch((error: unknown) => this.#world.log('warn', 'a source did not stop cleanly', { channel: this.name, error }))
  }

  #paused(): void {
    this.#state = 'paused'
    this.#trouble = null
    tellChannel(this.#world.events, this.#world.clock.now(), this.name, 'paused')
  }

  async #keepStarting(tried: () => void): Promise<void> {
    const { clock, log, events } = this.#world
    const closing = this.#closing.signal
    for (let pause = FIRST_PAUSE; !closing.aborted; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
      try {
        await this.#startOnce(closing, tried)
        return tried()
      } catch (error) {
        if (closing.aborted) break
        this.#state = 'failed'
        this.#trouble = sentence(error)
        tellChannel(events, clock.now(), this.name, 'failed', this.#trouble)
        log('error', 'channel could not start; it is tried again', { channel: this.name, error, wait: pause })
        tried()
        this.#pause = new AbortController()
        closing.addEventListener('abort', this.tryAgain)
        await clock.sleep(pause, this.#pause.signal)
        closing.removeEventListener('abort', this.tryAgain)
      }
    }
    tried()
  }

  /** What stands is kept over a retry: a source that cannot listen yet does not hold up what waits to be delivered. */
  async #startOnce(closing: AbortSignal, tried: () => void): Promise<void> {
    const tools = toolsFor(this.#world, this.loaded.file, this.#feed, (...asked) => this.#fates.fate(...asked), this.name)
    for (const service of servicesNeeded(this.loaded.definition, this.#world.pieces)) tools.service(service)
    const built = this.#channel && this.#source ? null : buildChannel(this.loaded.definition, this.#world.pieces, tools)
    if (built && !this.#channel) await this.#startWork(built)
    if (built) this.#source = built.source
    if (this.#control.channel) this.#paused()
    else await this.#open(this.#channel as unknown as Channel, this.#source as unknown as SourceConnector, closing, tried)
  }

  async #open(channel: Channel, source: SourceConnector, closing: AbortSignal, tried: () => void): Promise<void> {
    const { clock, log, events } = this.#world
    const started = new AbortController()
    void clock.sleep(START_WITHIN, started.signal).then(() => {
      if (started.signal.aborted || closing.aborted) return
      this.#trouble = `its source has not started within ${START_WITHIN / 1000} s`
      tellChannel(events, clock.now(), this.name, 'failed', this.#trouble)
      log('error', 'a source takes long to start; the others do not wait for it', { channel: this.name, wait: START_WITHIN })
      tried()
    })
    try {
      const listening = await source.start((inbound, early) => receive(channel, inbound, early))
      if (closing.aborted) return await this.#closeLate(source, listening)
      this.#listening = listening
    } finally {
      started.abort()
    }
    this.#state = 'running'
    this.#trouble = null
    tellChannel(events, clock.now(), this.name, 'started')
    log('debug', 'channel started', { channel: this.name, address: this.#listening ?? undefined })
  }

  /** It was told to close while it opened: `close` stops it if it still waits, and else it is stopped here. */
  async #closeLate(source: SourceConnector, listening: string): Promise<void> {
    if (this.#source === source) this.#listening = listening
    else await this.#stopSource(source)
  }

  #decided(message: number): void {
    this.#answers?.decided(message)
    this.#fates.decided(message)
  }

  async #startWork(built: BuiltChannel): Promise<void> {
    const { store, clock, log, events } = this.#world
    const answers = new Answers(clock, built.acknowledgeWithin)
    const channel: Channel = {
      ...built, store, clock, log, events,
      revision: revisionOf(this.loaded),
      arrived: () => this.#transforms?.wake(),
      queued: (deliveries) => {
        for (const { destination, hash } of deliveries) this.#destinations.find(({ name }) => name === destination)?.wake(hash)
      },
      reply: (id, bytes) => answers.reply(id, () => conclude(channel, id, bytes), (reason) => notYet(channel.format, bytes, reason)),
      decided: (id) => this.#decided(id),
    }
    await recover(channel)
    for (const { name, lanes } of channel.destinations) await store.spread(channel.name, name, lanes)
    this.#abandoned = (await store.depth(channel.name))
      .filter(({ destination, waiting }) => waiting > 0 && !channel.destinations.some(({ name }) => name === destination))
      .map(({ destination, waiting }) => `channel ${channel.name}: ${waiting} deliveries wait for ${destination}, which is no destination any more; name it again, or skip them`)
    this.#answers = answers
    this.#channel = channel
    this.#transforms = new TransformWorker(channel)
    this.#transforms.start()
    this.#destinations = channel.destinations.map((destination) => new DestinationLanes(channel, destination))
    for (const destination of this.#destinations) if (!this.#control.destinations[destination.name]) destination.start()
  }
}
