/** All channels together: each starts, changes and stops on its own, and this knows how every one of them fares. */
import type { LoadedChannel, Problem } from './channel-loader.js'
import type { Inbound, Reply } from './contracts.js'
import { retentionWorker } from './retention.js'
import { watchStore } from './store-health.js'
import { RunningChannel, type ChannelState } from './running-channel.js'
import { duration } from './units.js'
import type { Worker } from './worker.js'
import type { World } from './world.js'

export interface ChannelStatus {
  readonly name: string
  readonly description: string
  readonly state: ChannelState | 'disabled'
  readonly listening: string | null
  readonly trouble: string | null
  readonly revision: string
}

export class Engine {
  #world: World
  readonly #storeTrouble: () => string | null
  readonly #channels = new Map<string, RunningChannel>()
  readonly #disabled = new Map<string, LoadedChannel>()
  readonly #retention: Worker
  #problems: readonly Problem[] = []
  #started = false
  #changing: Promise<unknown> = Promise.resolve()

  /** `sweep`: milliseconds between two looks at what may be forgotten. */
  constructor(world: World, sweep: number) {
    const { store, trouble } = watchStore(world.store)
    this.#world = { ...world, store }
    this.#storeTrouble = trouble
    const retained = (): { name: string; content: number; facts: number }[] =>
      [...this.#channels.values()].map(({ loaded: { definition } }) => ({ name: definition.name, content: duration(definition.retain.content), facts: duration(definition.retain.facts) }))
    this.#retention = retentionWorker(store, retained, sweep, world.clock, world.log)
  }

  /**
   * Makes the running channels be these. Only what changed restarts; a file with problems keeps the revision of it that
   * runs. Resolves when every new channel has started or failed its first try; `told` hears of each as it does.
   */
  apply(channels: readonly LoadedChannel[], problems: readonly Problem[], told: (channel: ChannelStatus) => void = () => {}, mappings = this.#world.mappings): Promise<void> {
    if (!this.#started) this.#retention.start()
    this.#started = true
    const change = this.#changing.then(() => {
      this.#world = { ...this.#world, mappings }
      return this.#apply(channels, problems, told)
    })
    this.#changing = change.catch(() => {})
    return change
  }

  async #apply(channels: readonly LoadedChannel[], problems: readonly Problem[], told: (channel: ChannelStatus) => void): Promise<void> {
    this.#problems = problems.filter(({ severity }) => severity === 'error')
    const broken = new Set(this.#problems.map(({ file }) => file))
    const wanted = new Map(channels.map((channel) => [channel.definition.name, channel]))
    const gone = [...this.#channels.values()].filter(({ name, loaded }) => {
      const next = wanted.get(name)
      return next ? next.revision !== loaded.revision : !broken.has(loaded.file)
    })
    await this.#within(CHANGE_DEADLINE, (hurry) => Promise.all(gone.map((channel) => this.#stop(channel, hurry))))
    this.#disabled.clear()
    const starting: Promise<void>[] = []
    for (const loaded of channels) {
      const { name, enabled } = loaded.definition
      if (!enabled) this.#disabled.set(name, loaded)
      else if (!this.#channels.has(name)) {
        const channel = new RunningChannel(loaded, this.#world, (to, inbound) => this.feed(to, inbound))
        this.#channels.set(name, channel)
        starting.push(channel.start().then(() => told(statusOf(channel))))
      }
    }
    await Promise.all(starting)
  }

  get world(): World {
    return this.#world
  }

  /** Gives a message to a channel by name; rejects with a sentence if it cannot take it. */
  async feed(name: string, inbound: Inbound): Promise<Reply> {
    const channel = this.#channels.get(name)
    if (!channel) throw new Error(`no running channel is called ${name}`)
    return channel.receive(inbound)
  }

  /** Says that a channel may have work again, and one of its messages an answer, after a replay or a decision. */
  wake(name: string, message: number): void {
    this.#channels.get(name)?.wake(message)
  }

  channel(name: string): LoadedChannel | undefined {
    return this.#channels.get(name)?.loaded ?? this.#disabled.get(name)
  }

  status(): readonly ChannelStatus[] {
    const running = [...this.#channels.values()].map(statusOf)
    const disabled = [...this.#disabled.values()].map(({ definition, revision }) => ({ name: definition.name, description: definition.description, state: 'disabled' as const, listening: null, trouble: null, revision }))
    return [...running, ...disabled].sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** What waits and for what, a sentence each: deliveries that a person must decide on, or whose receiver does not take them. */
  async waiting(): Promise<readonly string[]> {
    const sentences = [...this.#channels.keys()].sort().map(async (name) => {
      const depth = await this.#world.store.depth(name)
      return depth.flatMap(({ destination, waiting, held, oldest }) => [
        ...(held > 0 ? [`channel ${name}: ${held} held for ${destination}, and what is behind waits: replay or skip`] : []),
        ...(waiting > 0 ? [`channel ${name}: ${waiting} on the way to ${destination}, the oldest received ${oldest?.toISOString() ?? 'just now'}`] : []),
      ])
    })
    return (await Promise.all(sentences)).flat()
  }

  /** Everything that is wrong now, a sentence each; none when the engine is ready. */
  troubles(): readonly string[] {
    const channels = [...this.#channels.values()].filter(({ state }) => state !== 'running')
    const store = this.#storeTrouble()
    return [
      ...(store === null ? [] : [store]),
      ...this.#problems.map(({ file, line, column, message }) => `${file}:${line}:${column}: ${message}`),
      ...channels.map(({ name, state, trouble }) => `channel ${name} is ${state}${trouble ? `: ${trouble}` : ''}`),
      ...[...this.#channels.values()].flatMap(({ abandoned }) => abandoned),
    ]
  }

  /** Stops everything; resolves when all is answered and stored, or soon after `deadline` milliseconds, and then with false. */
  async stop(deadline: number): Promise<boolean> {
    await this.#changing
    return this.#within(deadline, (hurry) => Promise.all([this.#retention.stop(), ...[...this.#channels.values()].map((channel) => this.#stop(channel, hurry))]))
  }

  async #within(milliseconds: number, stopping: (hurry: Promise<void>) => Promise<unknown>): Promise<boolean> {
    const over = new AbortController()
    let inTime = true
    await stopping(this.#world.clock.sleep(milliseconds, over.signal).then(() => {
      inTime = over.signal.aborted
    }))
    over.abort()
    return inTime
  }

  async #stop(channel: RunningChannel, hurry: Promise<void>): Promise<void> {
    await channel.stop(hurry)
    this.#channels.delete(channel.name)
  }
}

const CHANGE_DEADLINE = 5_000 // milliseconds a channel that is replaced has to end the delivery under way

const statusOf = ({ name, loaded, state, listening, trouble }: RunningChannel): ChannelStatus => ({ name, description: loaded.definition.description, state, listening, trouble, revision: loaded.revision })
