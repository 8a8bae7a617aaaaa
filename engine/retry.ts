/** How long to wait before the next attempt: growing, bounded, and spread so that receivers are not flooded at once. */

export interface RetrySettings {
  readonly every: number // milliseconds before the second attempt
  readonly growth: number // how much longer each further wait is
  readonly longest: number // milliseconds; no wait is longer
  readonly jitter: number // 0 … 1: the share of a wait that chance takes off
  readonly attempts: number // Infinity never gives up
}

/** The wait in milliseconds after so many attempts, or null to give up. */
export function retryWait({ every, growth, longest, jitter, attempts }: RetrySettings, made: number, random: () => number = Math.random): number | null {
  if (made >= attempts) return null
  const wait = Math.min(every * growth ** Math.min(made - 1, 1000), longest)
  return Math.round(wait * (1 - jitter * random()))
}
