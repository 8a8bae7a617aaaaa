/** One channel at work: its source, the worker of its steps, and the lanes of its destinations. */
import { Answers } from './answers.js'
import { buildChannel, type BuiltChannel } from './build-channel.js'
import type { LoadedChannel } from './channel-loader.js'
import type { Inbound, Reply, SourceConnector } from './contracts.js'
import { sentence } from './errors.js'
import { Lane } from './lane.js'
import type { Channel } from './channel.js'
import { receive, recover } from './message-flow.js'
import { conclude, notYet } from './replies.js'
import { tellChannel } from './telling.js'
import { TransformWorker } from './transform-worker.js'
import { toolsFor, type World } from './world.js'

const FIRST_PAUSE = 1_000 // milliseconds before a source that could not start is tried again
const LONGEST_PAUSE = 30_000
const LAST_WORDS = 1_000 // milliseconds

export type ChannelState = 'starting' | 'running' | 'failed' | 'stopping' | 'stopped'

export class RunningChannel {
  readonly loaded: LoadedChannel
  readonly #world: World
  readonly #feed: (channel: string, inbound: Inbound) => Promise<Reply>
  readonly #stopping = new AbortController()
  #state: ChannelState = 'starting'
  #trouble: string | null = null
  #listening: string | null = null
  #channel: Channel | null = null
  #source: SourceConnector | null = null
  #transforms: TransformWorker | null = null
  #answers: Answers | null = null
  readonly #lanes: Lane[][] = []
  #run: Promise<void> = Promise.resolve()
  #abandoned: readonly string[] = []

  constructor(loaded: LoadedChannel, world: World, feed: (channel: string, inbound: Inbound) => Promise<Reply>) {
    this.loaded = loaded
    this.#world = world
    this.#feed = feed
  }

  get name(): string {
    return this.loaded.definition.name
  }

  get state(): ChannelState {
    return this.#state
  }

  /** What keeps it from working, in a sentence; null when nothing does. */
  get trouble(): string | null {
    return this.#trouble
  }

  /** What waits for destinations that the channel had once and has no more, a sentence each. */
  get abandoned(): readonly string[] {
    return this.#abandoned
  }

  /** Where it listens, for people; null until it does. */
  get listening(): string | null {
    return this.#listening
  }

  /** Resolves when the first try to start has succeeded or failed; a channel that failed goes on trying. */
  start(): Promise<void> {
    return new Promise((tried) => {
      this.#run = this.#keepStarting(tried)
    })
  }

  /** Takes one arrival as its source would: how one channel feeds another. */
  async receive(inbound: Inbound): Promise<Reply> {
    if (!this.#channel || this.#state === 'stopping' || this.#state === 'stopped') throw new Error(`channel ${this.name} is not running`)
    return receive(this.#channel, inbound)
  }

  /** Looks for work again: after a replay, or a decision about what was held. */
  wake(message?: number): void {
    if (message !== undefined) this.#answers?.decided(message)
    this.#transforms?.wake()
    for (const lane of this.#lanes.flat()) lane.wake()
  }

  /** Answers what was taken, ends the deliveries under way, and closes; `hurry` cuts short what takes too long. */
  async stop(hurry: Promise<void>): Promise<void> {
    this.#state = 'stopping'
    this.#stopping.abort()
    await this.#run
    if (this.#listening !== null && this.#source) {
      const stopped = this.#stopSource(this.#source)
      await Promise.race([stopped, hurry])
      this.#answers?.close() // whoever still waits is told so, and has a moment to hear it
      await Promise.race([stopped, this.#world.clock.sleep(LAST_WORDS)])
    }
    await this.#transforms?.stop()
    await Promise.all(this.#lanes.flat().map((lane) => lane.stop(hurry)))
    this.#listening = null
    this.#state = 'stopped'
    tellChannel(this.#world.events, this.#world.clock.now(), this.name, 'stopped')
  }

  async #stopSource(source: SourceConnector): Promise<void> {
    await source.stop().catch((error: unknown) => this.#world.log('warn', 'a source did not stop cleanly', { channel: this.name, error }))
  }

  async #keepStarting(tried: () => void): Promise<void> {
    const { clock, log, events } = this.#world
    for (let pause = FIRST_PAUSE; !this.#stopping.signal.aborted; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
      try {
        await this.#startOnce()
        tellChannel(events, clock.now(), this.name, 'started')
        log('debug', 'channel started', { channel: this.name, address: this.#listening ?? undefined })
        return tried()
      } catch (error) {
        this.#state = 'failed'
        this.#trouble = sentence(error)
        tellChannel(events, clock.now(), this.name, 'failed', this.#trouble)
        log('error', 'channel could not start; it is tried again', { channel: this.name, error, wait: pause })
        tried()
        await clock.sleep(pause, this.#stopping.signal)
      }
    }
  }

  /** What stands is kept over a retry: a source that cannot listen yet does not hold up what waits to be delivered. */
  async #startOnce(): Promise<void> {
    if (!this.#channel) {
      const built = buildChannel(this.loaded.definition, this.#world.pieces, toolsFor(this.#world, this.loaded.file, this.#feed))
      await this.#startWork(built)
    }
    const channel = this.#channel as unknown as Channel
    this.#listening = await (this.#source as SourceConnector).start((inbound, early) => receive(channel, inbound, early))
    this.#state = 'running'
    this.#trouble = null
  }

  async #startWork(built: BuiltChannel): Promise<void> {
    const { store, clock, log, events } = this.#world
    const answers = new Answers(clock, built.acknowledgeWithin)
    this.#answers = answers
    const channel: Channel = {
      ...built, store, clock, log, events,
      arrived: () => this.#transforms?.wake(),
      queued: (deliveries) => {
        for (const { destination, hash, lanes } of deliveries) this.#lanesOf(destination)?.[hash === null ? 0 : hash % lanes]?.wake()
      },
      reply: (id, bytes) => answers.reply(id, () => conclude(channel, id, bytes), (reason) => notYet(channel.format, bytes, reason)),
      decided: (id) => answers.decided(id),
    }
    await recover(channel)
    for (const { name, lanes } of channel.destinations) await store.spread(channel.name, name, lanes)
    this.#abandoned = (await store.depth(channel.name))
      .filter(({ destination, waiting }) => waiting > 0 && !channel.destinations.some(({ name }) => name === destination))
      .map(({ destination, waiting }) => `channel ${channel.name}: ${waiting} deliveries wait for ${destination}, which is no destination any more; name it again, or skip them`)
    for (const destination of channel.destinations) {
      const lanes: Lane[] = []
      const settled = (): void => {
        for (const lane of lanes) if (lane.blocked) lane.wake()
      }
      for (let n = 0; n < destination.lanes; n++) lanes.push(new Lane(channel, destination, n, settled))
      this.#lanes.push(lanes)
    }
    this.#channel = channel
    this.#source = built.source
    this.#transforms = new TransformWorker(channel)
    this.#transforms.start()
    for (const lane of this.#lanes.flat()) lane.start()
  }

  #lanesOf(destination: string): readonly Lane[] | undefined {
    return this.#lanes[this.#channel?.destinations.findIndex(({ name }) => name === destination) ?? -1]
  }
}
