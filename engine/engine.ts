/** All channels together: each starts, changes and stops on its own, and this knows how every one of them fares. */
import type { LoadedChannel, Problem } from './channel-loader.js'
import type { Inbound, Reply } from './contracts.js'
import { type Asked, askedSentence, AT_WORK, type Control } from './control.js'
import { vacate } from './vacate.js'
import { retentionWorker } from './retention.js'
import { watchStore } from './store-health.js'
import { revisionOf } from './revisions/snapshot.js'
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
  readonly revision: string // as the history names it
  readonly asked: Asked | null // by whom it is paused or stopped
  readonly destinations: readonly { readonly name: string; readonly asked: Asked | null }[]
}

/** What people have asked of each channel, by its name. */
export type Controls = (channel: string) => Control

export class Engine {
  #world: World
  readonly #storeTrouble: () => string | null
  readonly #channels = new Map<string, RunningChannel>()
  readonly #disabled = new Map<string, LoadedChannel>()
  readonly #halted = new Map<string, LoadedChannel>() // stopped by a person
  readonly #controls: Controls
  readonly #retention: Worker
  #problems: readonly Problem[] = []
  #alsoWrong: readonly Problem[] = []
  #started = false
  #changing: Promise<unknown> = Promise.resolve()

  /** `sweep`: milliseconds between two looks at what may be forgotten. */
  constructor(world: World, sweep: number, controls: Controls = () => AT_WORK) {
    this.#controls = controls
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
    for (const [name, { file }] of this.#halted) if (!broken.has(file)) this.#halted.delete(name)
    const starting: Promise<void>[] = []
    for (const loaded of channels) {
      const { name, enabled } = loaded.definition
      if (!enabled) this.#disabled.set(name, loaded)
      else if (this.#controls(name).channel?.state === 'stopped') this.#halted.set(name, loaded)
      else if (this.#channels.has(name)) this.#channels.get(name)?.describe(loaded)
      else starting.push(this.#start(loaded).then(told))
    }
    for (const loaded of this.#halted.values()) vacate(loaded, this.#world)
    await Promise.all(starting)
  }

  /** Does what has been asked of a channel since it was last looked at; resolves when it is done, or a source has been tried. */
  obey(name: string): Promise<void> {
    const change = this.#changing.then(() => this.#obey(name))
    this.#changing = change.catch(() => {})
    return change
  }

  async #obey(name: string): Promise<void> {
    const control = this.#controls(name)
    const [running, halted] = [this.#channels.get(name), this.#halted.get(name)]
    if (running && control.channel?.state === 'stopped') {
      await this.#within(CHANGE_DEADLINE, (hurry) => this.#stop(running, hurry))
      this.#halted.set(name, running.loaded)
      vacate(running.loaded, this.#world)
    } else if (running) await this.#within(CHANGE_DEADLINE, (hurry) => running.obey(control, hurry))
    else if (halted && control.channel?.state !== 'stopped') {
      this.#halted.delete(name)
      await this.#start(halted)
    }
  }

  async #start(loaded: LoadedChannel): Promise<ChannelStatus> {
    const control = this.#controls(loaded.definition.name)
    const channel = new RunningChannel(loaded, this.#world, (to, inbound) => this.feed(to, inbound), control)
    this.#channels.set(channel.name, channel)
    if (control.channel) vacate(loaded, this.#world)
    await channel.start()
    return this.#statusOf(channel)
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
    return this.#channels.get(name)?.loaded ?? this.#halted.get(name) ?? this.#disabled.get(name)
  }

  status(): readonly ChannelStatus[] {
    const still = (channels: ReadonlyMap<string, LoadedChannel>, state: 'disabled' | 'stopped'): ChannelStatus[] => [...channels.values()].map((loaded) => this.#describe(loaded, { state, listening: null, trouble: null }))
    const all = [...[...this.#channels.values()].map((channel) => this.#statusOf(channel)), ...still(this.#disabled, 'disabled'), ...still(this.#halted, 'stopped')]
    return all.sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** What people have paused or stopped, and who and why, a sentence each. */
  resting(): readonly string[] {
    return this.status().flatMap(({ name, asked, destinations }) => [
      ...(asked ? [`channel ${name} is ${askedSentence(asked)}`] : []),
      ...destinations.flatMap((destination) => (destination.asked ? [`destination ${destination.name} of channel ${name} is ${askedSentence(destination.asked)}`] : [])),
    ])
  }

  /** What is wrong with the store now, in a sentence; null when nothing is. */
  get storeTrouble(): string | null {
    return this.#storeTrouble()
  }

  /** What waits and for what, a sentence each: deliveries that a person must decide on, or whose receiver does not take them. */
  async waiting(): Promise<readonly string[]> {
    const sentences = [...this.#channels.keys(), ...this.#halted.keys()].sort().map(async (name) => {
      const depth = await this.#world.store.depth(name)
      return depth.flatMap(({ destination, waiting, held, oldest }) => [
        ...(held > 0 ? [`channel ${name}: ${held} held for ${destination}, and what is behind waits: replay or skip`] : []),
        ...(waiting > 0 ? [`channel ${name}: ${waiting} on the way to ${destination}, the oldest received ${oldest?.toISOString() ?? 'just now'}`] : []),
      ])
    })
    const known = new Set([...this.#channels.keys(), ...this.#halted.keys(), ...this.#disabled.keys()])
    const gone = (await this.#world.store.queues(null)).filter(({ channel, waiting, held }) => !known.has(channel) && waiting + held > 0)
    const left = gone.map(({ channel, destination, waiting, held }) => `channel ${channel}: ${waiting + held} left for ${destination}, and no channel file is for it: bring it back, or skip them`)
    return [...(await Promise.all(sentences)).flat(), ...left]
  }

  /** What keeps channel files from running as they are. */
  get problems(): readonly Problem[] {
    return this.#problems
  }

  /** How many senders a channel has now; null where its source cannot tell. */
  connections(name: string): number | null {
    return this.#channels.get(name)?.connections ?? null
  }

  /** Says what is wrong with files that others than channels read; it holds until it is said again. Channels that could not start are tried again: they may have waited for one. */
  alsoWrong(problems: readonly Problem[]): void {
    this.#alsoWrong = problems
    for (const channel of this.#channels.values()) channel.tryAgain()
  }

  get otherProblems(): readonly Problem[] {
    return this.#alsoWrong
  }

  /** Everything that is wrong now, a sentence each; none when the engine is ready. */
  troubles(): readonly string[] {
    const channels = [...this.#channels.values()].filter(({ state }) => state !== 'running' && state !== 'paused')
    const store = this.#storeTrouble()
    return [
      ...(store === null ? [] : [store]),
      ...[...this.#problems, ...this.#alsoWrong].map(({ file, line, column, message }) => `${file}:${line}:${column}: ${message}`),
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

  #statusOf({ loaded, state, listening, trouble }: RunningChannel): ChannelStatus {
    return this.#describe(loaded, { state, listening, trouble })
  }

  #describe(loaded: LoadedChannel, facts: Pick<ChannelStatus, 'state' | 'listening' | 'trouble'>): ChannelStatus {
    const { name, description, destinations } = loaded.definition
    const { channel, destinations: resting } = this.#controls(name)
    return { name, description, ...facts, revision: revisionOf(loaded), asked: channel, destinations: destinations.map((each) => ({ name: each.name, asked: resting[each.name] ?? null })) }
  }

  async #stop(channel: RunningChannel, hurry: Promise<void>): Promise<void> {
    await channel.stop(hurry)
    this.#channels.delete(channel.name)
  }
}

const CHANGE_DEADLINE = 5_000 // milliseconds a channel that is replaced has to end the delivery under way

