/** Looks at the steps and the destinations of channels: what waits, what is held, what is refused, what cannot be reached. */
import type { MessageArchive, QueueState } from '../contracts.js'
import { duration } from '../units.js'
import type { WatchedChannel } from './engine-view.js'
import { type IncidentKind, instantIn, some, span, type Subject } from './incident.js'
import type { Look } from './look.js'
import { lasting, type Times } from './settings.js'
import type { Traffic } from './traffic.js'

type Archive = Pick<MessageArchive, 'queues' | 'search'>

/** How many messages that are stuck before the steps are counted. */
const COUNTED = 100
const KINDS: readonly IncidentKind[] = ['oldest', 'depth', 'held', 'disconnected']

export class DestinationProbe {
  readonly #archive: Archive
  readonly #traffic: Traffic
  readonly #zone: string
  readonly #oldest: number
  readonly #stuck = new Map<string, number>() // the message that had waited longest for its steps at the look before, by channel

  /** `oldest`: milliseconds that a delivery may wait where its channel says nothing. */
  constructor(archive: Archive, traffic: Traffic, zone: string, oldest: string) {
    this.#archive = archive
    this.#traffic = traffic
    this.#zone = zone
    this.#oldest = duration(oldest)
  }

  /** `known`: the names of all channels that have a file, watched or not. */
  async look(channels: readonly WatchedChannel[], known: readonly string[], look: Look): Promise<void> {
    for (const channel of channels) {
      this.#lookAtFailures(channel, look)
      await this.#lookBeforeSteps(channel, look)
    }
    let queues: readonly QueueState[]
    try {
      queues = await this.#archive.queues(null)
    } catch {
      look.unsure(({ kind, destination }) => destination !== null && KINDS.includes(kind)) // the store is what is wrong, and is told of as such
      return
    }
    const byName = new Map(channels.map((channel) => [channel.name, channel]))
    for (const queue of queues) {
      const channel = byName.get(queue.channel)
      if (channel) this.#lookAtQueue(channel, queue, look)
      else if (!known.includes(queue.channel)) this.#lookAtRest(queue, look)
    }
  }

  /** What was taken and has not been through the steps: no queue tells of it, and its sender was told that it is kept. */
  async #lookBeforeSteps({ name, loaded: { definition: { watch } } }: WatchedChannel, look: Look): Promise<void> {
    const about = { kind: 'oldest', channel: name, destination: null, subject: null } as const
    const longest = lasting(watch.oldest) ?? this.#oldest
    try {
      const stuck = await this.#archive.search({ channel: name, status: 'received', until: new Date(look.at.getTime() - longest), limit: COUNTED })
      const oldest = stuck.at(-1)
      const before = this.#stuck.get(name)
      if (oldest) this.#stuck.set(name, oldest.id)
      else this.#stuck.delete(name)
      if (!oldest || before === undefined || before !== oldest.id) return // what is being replayed is old, and goes on
      const since = oldest.receivedAt
      const count = `${stuck.length === COUNTED ? 'at least ' : ''}${some(stuck.length, 'message has', 'messages have')}`
      look.find({ ...about, since, count: stuck.length, what: `${count} not been through the steps of channel ${name}, one since ${instantIn(this.#zone, since)}: longer than ${span(longest)}.` })
    } catch {
      look.unsure((one) => same(one, about))
    }
  }

  /** What waits in a channel that has no file any more, which nobody else would tell of. */
  #lookAtRest({ channel, destination, waiting, held, oldest }: QueueState, look: Look): void {
    if (waiting + held === 0) return
    const what = `${some(waiting + held, 'delivery waits', 'deliveries wait')} for ${destination} in channel ${channel}, which no channel file is for: bring it back, or skip them.`
    look.find({ kind: 'oldest', channel, destination, since: oldest ?? look.at, count: waiting + held, what })
  }

  #lookAtQueue({ name, loaded: { definition: { watch } } }: WatchedChannel, { destination, waiting, held, oldest, head }: QueueState, look: Look): void {
    const about = { channel: name, destination, because: this.#reason(head) }
    const waits = `${some(waiting, 'delivery waits', 'deliveries wait')} for ${destination} in channel ${name}`
    if (held > 0) {
      look.find({ ...about, because: null, kind: 'held', since: look.at, count: held, what: `${some(held, 'delivery is', 'deliveries are')} held for ${destination} in channel ${name}, and what is behind waits.` })
    }
    const age = oldest && waiting > 0 ? look.at.getTime() - oldest.getTime() : 0
    const longest = lasting(watch.oldest) ?? this.#oldest
    if (oldest && waiting > 0 && age >= longest) {
      look.find({ ...about, kind: 'oldest', since: oldest, count: waiting, what: `${waits}, the oldest since ${instantIn(this.#zone, oldest)}: longer than ${span(longest)}.` })
    }
    if (watch.depth !== undefined && waiting >= watch.depth) {
      look.find({ ...about, kind: 'depth', since: look.at, count: waiting, what: `${waits}: ${watch.depth} or more is too many.` })
    }
    const disconnected = lasting(watch.disconnected)
    if (disconnected === null) return
    if (waiting === 0 && held === 0) this.#traffic.rested(name, destination)
    const reach = this.#traffic.reach(name, destination)
    if (reach?.unavailableSince && look.at.getTime() - reach.unavailableSince.getTime() >= disconnected) {
      look.find({ ...about, kind: 'disconnected', since: reach.unavailableSince, count: waiting, what: `${destination} in channel ${name} cannot be reached since ${instantIn(this.#zone, reach.unavailableSince)}; ${some(waiting, 'delivery waits', 'deliveries wait')}.` })
    } else if (reach === null || reach.unavailableSince) look.unsure((one) => same(one, { channel: name, destination, kind: 'disconnected', subject: null }))
  }

  /** Why the head still waits, in the connector's own words: what a receiver says may quote a message, and stays in the history. */
  #reason(head: QueueState['head']): string | null {
    if (!head?.reason?.startsWith('unavailable: ')) return null
    return `The last attempt, at message ${head.message}: ${head.reason.slice('unavailable: '.length)}.`
  }

  #lookAtFailures({ name, loaded: { definition: { watch, destinations } } }: WatchedChannel, look: Look): void {
    const check = (kind: 'refused' | 'errors', limit: Times | undefined, destination: string | null, what: (count: number) => string): void => {
      if (limit === undefined) return
      const about = { kind, channel: name, destination, subject: null }
      const found = this.#traffic.failures(name, destination).tooOften(limit, look.at, this.#traffic.started)
      if (found) look.find({ ...about, ...found, what: `${what(found.count)} ${typeof limit === 'number' ? 'one after the other' : `within ${limit.within}`}.` })
      else if (found === null) look.unsure((one) => same(one, about))
    }
    check('errors', watch.errors, null, (count) => `${some(count, 'message was', 'messages were')} unreadable or failed in the steps of channel ${name},`)
    for (const { name: destination } of destinations) {
      check('refused', watch.refused, destination, (count) => `${destination} in channel ${name} has refused ${some(count, 'delivery', 'deliveries')}`)
    }
  }
}

const same = (a: Subject, b: Subject): boolean => a.kind === b.kind && a.channel === b.channel && a.destination === b.destination && a.subject === b.subject
