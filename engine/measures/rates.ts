/** What happened between two looks at the measures, channel by channel: the lines of a live table. */
import { quantile } from './durations.js'

/** What /api/measures answers, as far as a table needs it. */
export interface Look {
  readonly at: string
  readonly channels: readonly LookedAt[]
}

interface LookedAt {
  readonly name: string
  readonly state: string
  readonly trouble: string | null
  readonly received: number
  readonly unreadable: number
  readonly errors: number
  readonly lastReceived: string | null
  readonly reply: { readonly counts: readonly number[] }
  readonly destinations: readonly {
    readonly attempts: Readonly<Record<'sent' | 'refused' | 'unavailable' | 'unknown', number>>
    readonly waiting: number
    readonly held: number
    readonly oldest: string | null
    readonly lastSent: string | null
    readonly delivery: { readonly counts: readonly number[] }
  }[]
}

/** Times are in milliseconds; null where nothing says anything. */
export interface Line {
  readonly channel: string
  readonly state: string
  readonly in: number | null // messages a second; null at the first look
  readonly out: number | null
  readonly waiting: number
  readonly held: number
  readonly errors: number // since the engine started: unreadable, failed in their steps, refused
  readonly oldest: number | null // age of what waits longest
  readonly p50: number | null // from arrival to sent since the look before, or since the engine started
  readonly p99: number | null
  readonly last: number | null // since the last arrival or delivery
  readonly trouble: string | null
}

/** Without a look before, the rates are unknown and the quantiles are those of all time; an engine that began anew counts as without. */
export function linesOf(now: Look, before: Look | null): readonly Line[] {
  const at = Date.parse(now.at)
  const seconds = before === null ? 0 : (at - Date.parse(before.at)) / 1000
  return now.channels.map((channel) => {
    const earlier = before?.channels.find(({ name }) => name === channel.name) ?? null
    const known = earlier !== null && seconds > 0 && channel.received >= earlier.received && sent(channel) >= sent(earlier) ? earlier : null
    const all = delivered(channel)
    const since = known === null ? all : all.map((count, n) => count - (delivered(known)[n] ?? 0))
    const counts = since.some((count) => count > 0) ? since : all
    const { name, state, trouble, lastReceived, destinations } = channel
    const oldest = earliest(destinations.map((destination) => destination.oldest))
    const last = latest([lastReceived, ...destinations.map(({ lastSent }) => lastSent)])
    return {
      channel: name, state, trouble,
      in: known && (channel.received - known.received) / seconds,
      out: known && (sent(channel) - sent(known)) / seconds,
      waiting: sum(destinations.map(({ waiting }) => waiting)), held: sum(destinations.map(({ held }) => held)),
      errors: channel.unreadable + channel.errors + sum(destinations.map(({ attempts }) => attempts.refused)),
      oldest: oldest === null ? null : Math.max(0, at - oldest), p50: quantile(counts, 0.5), p99: quantile(counts, 0.99), last: last === null ? null : Math.max(0, at - last),
    }
  })
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0)
const sent = ({ destinations }: LookedAt): number => sum(destinations.map(({ attempts }) => attempts.sent))
const delivered = ({ destinations, reply }: LookedAt): readonly number[] => reply.counts.map((_, n) => sum(destinations.map(({ delivery }) => delivery.counts[n] ?? 0)))
const times = (instants: readonly (string | null)[]): readonly number[] => instants.filter((one) => one !== null).map((one) => Date.parse(one))
const earliest = (instants: readonly (string | null)[]): number | null => (times(instants).length === 0 ? null : Math.min(...times(instants)))
const latest = (instants: readonly (string | null)[]): number | null => (times(instants).length === 0 ? null : Math.max(...times(instants)))
