/** Looks at the engine again and again, and turns what is wrong into incidents. */
import { join, resolve } from 'node:path'
import type { Clock, Log, Tools } from '../contracts.js'
import { duration } from '../units.js'
import { Worker } from '../worker.js'
import type { World } from '../world.js'
import { CertificateProbe } from './certificate-probe.js'
import { DestinationProbe } from './destination-probe.js'
import { type EngineView, watchedChannels } from './engine-view.js'
import { zoneNamed } from './hours.js'
import { Incidents } from './incidents.js'
import { lookAtChannels, lookAtDisk, lookAtSearch, lookAtStore } from './installation-probe.js'
import { Look } from './look.js'
import { aborted } from './moments.js'
import type { WatchSettings } from './settings.js'
import { SourceProbe } from './source-probe.js'
import { Traffic } from './traffic.js'

export class Watching {
  readonly incidents: Incidents
  readonly #settings: WatchSettings
  readonly #folder: string
  readonly #clock: Clock
  readonly #log: Log
  #engine: EngineView | null = null
  #pieces: World['pieces'] | null = null
  #worker: Worker | null = null
  #unlisten: () => void = () => {}
  #begin: () => void = () => {}
  readonly #started = new Promise<void>((resolve) => {
    this.#begin = resolve
  })

  /** Reads the incidents that are kept in the data folder; watches nothing yet. */
  constructor(settings: WatchSettings, dataFolder: string, clock: Clock, log: Log) {
    this.#settings = settings
    this.#folder = dataFolder
    this.#clock = clock
    this.#log = log
    const { grace, again, hourly, keep } = settings
    this.incidents = new Incidents(join(dataFolder, 'incidents.jsonl'), { grace: duration(grace), again: duration(again), hourly, keep: duration(keep) }, log)
  }

  /** Begins to watch; the first look is at once. */
  start(engine: EngineView, { events, store, pieces }: Pick<World, 'events' | 'store' | 'pieces'>): void {
    const zone = zoneNamed(this.#settings.zone)
    const traffic = new Traffic(this.#clock.now(), (channel) => engine.channel(channel)?.definition.watch)
    const sources = new SourceProbe(engine, store, traffic, zone)
    const destinations = new DestinationProbe(store, traffic, zone, this.#settings.oldest)
    const certificates = new CertificateProbe(zone, this.#settings.certificate)
    const round = async (): Promise<number> => {
      const look = new Look(this.#clock.now())
      const channels = watchedChannels(engine)
      lookAtStore(engine, look)
      await lookAtSearch(store, look)
      lookAtChannels(engine, look)
      await lookAtDisk(this.#settings.disk, this.#folder, look)
      await sources.look(channels, look)
      await destinations.look(channels, engine.status().map(({ name }) => name), look)
      await certificates.look(channels, look)
      await this.incidents.take(look)
      return duration(this.#settings.every)
    }
    this.#engine = engine
    this.#pieces = pieces
    this.#unlisten = traffic.listen(events)
    this.#worker = new Worker(round, this.#clock, (error) => this.#log('error', 'watching failed; it is tried again', { error }))
    this.#worker.start()
    this.#begin()
  }

  async stop(): Promise<void> {
    this.#unlisten()
    await this.#worker?.stop()
    await this.incidents.close()
  }

  /** For the pieces of the channel in `file`: the moments of all incidents but those about itself or about what it feeds, which would go round for ever. */
  momentsFor(file: string): Tools['incidents'] {
    return async (after, signal) => {
      await Promise.race([this.#started, aborted(signal)]) // before, nobody knows what feeds what
      return this.incidents.moments.after(after, signal, () => {
        const own = this.#fedBy(file)
        return ({ channel }) => channel === null || !own.has(channel)
      })
    }
  }

  #fedBy(file: string): ReadonlySet<string> {
    const found = new Set<string>()
    const definitions = (this.#engine?.status() ?? []).flatMap(({ name }) => this.#engine?.channel(name) ?? [])
    const follow = (name: string): void => {
      if (found.has(name)) return
      found.add(name)
      const loaded = definitions.find(({ definition }) => definition.name === name)
      for (const { to } of loaded?.definition.destinations ?? []) {
        const next = this.#pieces?.destinations.get(to.name)?.leadsTo?.(to.settings) ?? null
        if (next !== null) follow(next)
      }
    }
    for (const { definition, file: other } of definitions) if (resolve(other) === resolve(file)) follow(definition.name)
    return found
  }
}
