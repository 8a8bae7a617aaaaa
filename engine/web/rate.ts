/** How many requests one address may send in a span of time. */
import type { Clock } from '../contracts.js'

const MOST_ADDRESSES = 10_000

/** Says of each request whether its address is within the limit; counts afresh in each span. */
export const rateLimit = (requests: number, milliseconds: number, clock: Clock): ((remote: string) => boolean) => {
  const counts = new Map<string, number>()
  let until = 0
  return (remote) => {
    const now = clock.now().getTime()
    if (now >= until || counts.size > MOST_ADDRESSES) {
      counts.clear()
      until = now + milliseconds
    }
    const address = withoutPort(remote)
    const count = (counts.get(address) ?? 0) + 1
    counts.set(address, count)
    return count <= requests
  }
}

/** `10.0.0.7:50412`, `[::1]:50412`, `10.0.0.7` and `::1` without their ports. */
const withoutPort = (remote: string): string => /^\[(.*)\]/.exec(remote)?.[1] ?? (remote.split(':').length === 2 ? remote.replace(/:.*/, '') : remote)
