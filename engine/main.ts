/** Joins the parts into a running engine: store, web server, channels, and the look-out for changed files. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { referralRoutes } from '../referrals/api/routes.js'
import { type OpenDesk, openDesk } from '../referrals/open-desk.js'
import { type Configuration, ownSettings, shippedMappings } from '../config/loader.js'
import { channelRoutes } from './api/channels.js'
import { createWebServer } from './api/server.js'
import { hasToken, newToken } from './api/token.js'
import { clock } from './clock.js'
import type { Log } from './contracts.js'
import { type ChannelStatus, Engine } from './engine.js'
import { Events } from './events.js'
import { readRunnable } from './installation.js'
import { openMappings } from './mappings.js'
import type { Problem } from './problem.js'
import { findPieces } from './registry.js'
import { reloadWorker } from './reload.js'
import { Changes } from './revisions/changes.js'
import { disk } from './revisions/disk.js'
import { History } from './revisions/history.js'
import { clearStaged } from './revisions/staged.js'
import { Undertakings } from './revisions/undertaking.js'
import { Wishes } from './revisions/wishes.js'
import { openSqliteStore } from './store/sqlite/sqlite-store.js'
import { openThreadedStore } from './store/sqlite/threaded-store.js'
import { duration, size } from './units.js'
import { Watching } from './watch/watching.js'

/** What is worth telling a person while the engine starts and runs. */
export interface Told {
  token(token: string): void
  web(address: string): void
  channel(status: ChannelStatus): void
  problems(problems: readonly Problem[]): void
  tables(problems: readonly Problem[]): void // of what others than channels read
}

export interface RunningEngine {
  readonly engine: Engine
  /** Answers what was taken, ends what is under way, and closes; within the configured time. False: the time was too short for all. */
  stop(): Promise<boolean>
}

export async function startEngine(configuration: Configuration, log: Log, told: Told): Promise<RunningEngine> {
  const { settings } = configuration
  const pieces = await findPieces()
  mkdirSync(settings.data, { recursive: true })
  const store = await openThreadedStore(join(settings.data, 'messages.db'))
  let referrals: OpenDesk | null = null
  try {
    const web = createWebServer(settings.data, { body: size(settings.limits.message), requests: settings.limits.requests, openMetrics: settings.metrics.open })
    const kept = join(settings.data, 'revisions')
    const history = new History(kept, disk)
    const undertakings = new Undertakings(kept, history, disk)
    const wishes = new Wishes(history, disk)
    await clearStaged(kept)
    await undertakings.recover()
    const read = await readRunnable(configuration, pieces)
    const opened = settings.referrals.open ? await openDesk(settings.data, read.mappings, clock, log) : null
    referrals = opened
    const services = opened ? { get referrals() { return opened.now() } } : {}
    const watching = new Watching(settings.watch, settings.data, clock, log)
    const world = { pieces, mappings: read.mappings, store, clock, log, events: new Events((error) => log('error', 'a listener to events failed', { error })), dataFolder: settings.data, serve: web.serve, watching, services }
    const engine = new Engine(world, duration(settings.retention.every), wishes.controlOf)
    const changes = new Changes({ configuration, engine, history, undertakings, wishes, openStore: () => openSqliteStore(':memory:'), told }, read)
    told.web(await web.open(engine, settings.http, [channelRoutes(changes), ...(opened ? [referralRoutes(opened.desk)] : [])]))
    if (!hasToken(settings.data)) told.token(newToken(settings.data))
    told.problems(read.problems)
    const alsoWrong = (problems: readonly Problem[]): void => {
      told.tables(problems)
      engine.alsoWrong(problems)
    }
    alsoWrong(opened?.problems ?? [])
    await changes.take(read)
    const reload = reloadWorker([settings.channels, ...new Set([settings.mappings, ownSettings(settings).mappings]), settings.secrets], async () => {
      await changes.reload()
      alsoWrong((await opened?.take(openMappings(ownSettings(settings).mappings, shippedMappings()))) ?? [])
    }, clock, log)
    reload.start()
    watching.start(engine, engine.world)
    return {
      engine,
      stop: async () => {
        await reload.stop()
        await watching.stop()
        const all = await engine.stop(duration(settings.stop.within) * SHARE)
        await web.close()
        await opened?.close()
        await store.close()
        return all
      },
    }
  } catch (error) {
    await referrals?.close()
    await store.close()
    throw error
  }
}

/** Of the time to stop, what the deliveries under way may take; the rest is for closing. */
const SHARE = 0.6
