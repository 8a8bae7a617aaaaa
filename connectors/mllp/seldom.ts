/** Keeps a sender that errs a thousand times a second from filling the log. */
import type { Clock, Log } from '../../engine/contracts.js'

const QUIET = 60_000 // milliseconds between two lines of one event of one address
const REMEMBERED = 1000

/** A log that says an event of an address at most once a minute, with how often it has happened since (`count`). */
export function seldom(log: Log, clock: Clock): Log {
  const said = new Map<string, { at: number; count: number }>()
  return (level, event, facts) => {
    const key = `${event} ${String(facts?.address)}`
    const now = clock.now().getTime()
    const last = said.get(key)
    if (last && now - last.at < QUIET) {
      last.count += 1
      return
    }
    if (said.size >= REMEMBERED) said.clear()
    said.set(key, { at: now, count: 0 })
    log(level, event, last && last.count > 0 ? { ...facts, count: last.count + 1 } : facts)
  }
}
