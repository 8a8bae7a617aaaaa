/** What notifications lead to: what they name is fetched and given, what they leave out is noticed and made up for. */
import type { Tools } from '../../engine/contracts.js'
import { isTaken, missing, startingAt, take, tell } from './event-numbers.js'
import { Ended } from './exchange.js'
import type { Give } from './giving.js'
import { type Ask, fetchOne } from './looking.js'
import { nameOf, type Notification, readNotification, readResource, type Told } from './notification.js'
import type { Plan, Planned } from './source-settings.js'
import type { Spool, Waiting } from './spool.js'
import type { Subscribed } from './subscribing.js'

export interface Following {
  readonly base: string
  readonly plan: Planned
  readonly subscribed: ReadonlyMap<string, Subscribed>
  readonly ask: Ask
  readonly give: Give
  readonly spool: Spool
  readonly tools: Pick<Tools, 'log'>
  /** Looks for whatever changed. */
  readonly lookAll: () => Promise<void>
  /** Says that something was heard of a subscription, and whether it may not be active. */
  readonly heard: (name: string, troubled: boolean) => void
}

const MOST_TRIES = 4 // of a notification whose resource the server refuses; it may not show it yet

export const following = ({ base, plan, subscribed, ask, give, spool, tools, lookAll, heard }: Following) => {
  const tries = new Map<string, number>()
  const server = `${base.replace(/\/$/, '')}/`

  /** Gives what one event is about; 'look' where only a search can tell. */
  const bring = async ({ focus, unnamed, deleted }: Told, { resources }: Notification): Promise<'brought' | 'look'> => {
    if (focus === null && !unnamed) return 'look'
    const name = focus === null ? null : focus.includes(':') && !focus.startsWith(server) ? null : nameOf(focus)
    if (name === null || deleted) {
      if (!deleted) tools.log('warn', 'an event is about what has no address on this FHIR server, and was passed over')
      return 'brought'
    }
    const type = name.split('/', 1)[0] ?? ''
    const whole = resources.find(({ fullUrl, resource }) => `${resource.resourceType}/${String(resource.id)}` === name || nameOf(fullUrl) === name)
    if (whole && !plan.include.some((each) => each.startsWith(`${type}:`))) {
      await give(whole.resource)
      return 'brought'
    }
    const { resource, included } = await fetchOne(name, plan.include, base, ask)
    await give(resource, included)
    return 'brought'
  }

  /** Every event that was not taken before; what is gone from the server is nothing more to take. Resolves with whether one is refused. */
  const events = async (of: Plan, notification: Notification, last: boolean): Promise<boolean> => {
    const { known } = subscribed.get(of.name) as Subscribed
    let looked = false
    let refused = false
    for (const event of notification.told) {
      const number = of.numbered ? event.number : null
      if (number !== null && known.numbers && isTaken(known.numbers, number)) continue
      const how = await bring(event, notification).catch((error: unknown) => {
        if (!(error instanceof Ended) || error.outcome.kind !== 'refused') throw error
        if (error.outcome.code === '410') return 'brought' as const
        if (!last) throw error
        tools.log('error', 'an event is about what the server refuses to show; the notification was put aside', { ...(error.outcome.code && { code: error.outcome.code }) })
        refused = true
        return 'brought' as const
      })
      if (how === 'look' && !looked) {
        await lookAll()
        looked = true
      }
      if (number !== null && known.numbers) known.numbers = take(known.numbers, [number])
    }
    return refused
  }

  /** Brings the counter in step with what the server says of it. */
  const counted = async (of: Plan, { type, events: total, told }: Notification): Promise<void> => {
    const { known } = subscribed.get(of.name) as Subscribed
    if (!of.numbered) return
    if (type === 'handshake') known.numbers = known.numbers && known.numbers.upTo <= (total ?? 0) ? tell(known.numbers, total ?? 0) : startingAt(total ?? 0)
    const first = Math.min(...told.flatMap(({ number }) => number ?? []))
    known.numbers ??= startingAt(Number.isFinite(first) ? first - 1 : total ?? 0)
    const late = type === 'event-notification' || type === 'query-event' // and says what was so when it was sent
    if (total !== null && total < known.numbers.upTo && !late) {
      tools.log('warn', 'the server counts the events of a subscription anew; what may have been missed is looked for')
      known.numbers = startingAt(total)
      await lookAll()
    }
    if (total !== null) known.numbers = tell(known.numbers, total)
  }

  const one = async (of: Plan, bytes: Buffer, last: boolean): Promise<boolean> => {
    if (of.kind === 'classic') {
      heard(of.name, false)
      const resource = bytes.length === 0 ? null : readResource(bytes)
      if (resource === null || typeof resource.id !== 'string') await lookAll()
      else if (plan.include.some((each) => each.startsWith(`${resource.resourceType}:`))) await bring({ number: null, focus: `${resource.resourceType}/${resource.id}`, unnamed: false, deleted: false }, { type: '', subscription: null, status: null, events: null, told: [], resources: [] })
      else await give(resource)
      return false
    }
    const notification = readNotification(readResource(bytes))
    heard(of.name, notification.status === 'error' || notification.status === 'off')
    const { known } = subscribed.get(of.name) as Subscribed
    // What an earlier Subscription of ours still tells is worth having; its counter is another.
    const ours = notification.subscription === null || known.id === null || notification.subscription === known.id
    if (ours) await counted(of, notification)
    return events(ours ? of : { ...of, numbered: false }, notification, last)
  }

  return {
    /** Works on everything that waits, in order. Rejects where one must wait; it stays. */
    async drain(stopped: AbortSignal): Promise<void> {
      for (let next = await spool.first(); next !== null && !stopped.aborted; next = await spool.first()) {
        const { file, of, bytes }: Waiting = next
        const named = plan.subscriptions.find(({ name }) => name === of)
        const made = (tries.get(file) ?? 0) + 1
        if (!named) {
          tools.log('error', 'a notification is of a subscription that the channel has no more, and was put aside')
          await spool.aside(file)
          continue
        }
        const refused = await one(named, bytes, made >= MOST_TRIES).catch((error: unknown) => {
          if (error instanceof Ended && error.outcome.kind !== 'refused') throw error
          tries.set(file, made)
          if (made < MOST_TRIES) throw error
          tools.log('error', 'a notification cannot be worked on, and was put aside', { error })
          return true
        })
        await spool.save()
        tries.delete(file)
        await (refused ? spool.aside(file) : spool.done(file))
      }
    },
    /** Whether events are missing that were told of. */
    lacks: (name: string): boolean => {
      const numbers = subscribed.get(name)?.known.numbers ?? null
      return numbers !== null && missing(numbers) !== null
    },
    /** Makes up for what is missing: by `$events`, or else by looking for what changed. */
    async catchUp(of: Plan): Promise<void> {
      const { known } = subscribed.get(of.name) as Subscribed
      const range = known.numbers && missing(known.numbers)
      if (!known.numbers || !range) return
      const asked = await ask((session) => session.get(`Subscription/${known.id}/$events?eventsSinceNumber=${range.from}&eventsUntilNumber=${range.until}`, 'the missed events of a Subscription')).catch((error: unknown) => {
        if (error instanceof Ended && error.outcome.kind === 'refused') return null
        throw error
      })
      const notification = asked && readable(asked)
      if (notification) await events(of, notification, true)
      const left = missing(known.numbers)
      if (left && plan.searches.length > 0) await lookAll()
      if (left && plan.searches.length === 0) tools.log('error', 'events were missed that the server does not tell again; add `poll` to the channel, so that they can be looked for', { count: left.until - left.from + 1 })
      known.numbers = startingAt(known.numbers.told) // one that arrives after all is taken too
      await spool.save()
      tools.log('warn', 'events were missed, and made up for', { count: range.until - range.from + 1, state: left ? 'looked for' : 'told again' })
    },
  }
}

const readable = (given: Parameters<typeof readNotification>[0]): Notification | null => {
  try {
    return readNotification(given)
  } catch {
    return null
  }
}
