/** A clock on which hours pass in seconds: time stands while anything is under way, and then goes on to when somebody next wants to wake. */
import type { Clock } from '../../engine/contracts.js'

export interface PassingClock extends Clock {
  /** Lets so much time pass, and everybody do in it what they would have done. */
  pass(milliseconds: number): Promise<void>
  /** As `contacted`: what is called is under way until it has been answered. */
  watched<Target extends object>(target: Target): Target
}

const ROUNDS = 25 // turns of the event loop in which nothing begins: everybody sleeps, or waits for the outside

export function passingClock(start: string): PassingClock {
  let now = Date.parse(start)
  let [begun, underWay] = [0, 0]
  const sleepers = new Set<{ readonly until: number; readonly wake: () => void }>()
  const quiet = async (): Promise<void> => {
    for (let rounds = 0, seen = begun; rounds < ROUNDS; rounds++) {
      await new Promise((next) => setImmediate(next))
      if (underWay > 0 || seen !== begun) rounds = 0
      seen = begun
    }
  }
  return {
    now: () => new Date(now),
    sleep: (milliseconds, signal) => new Promise((resolve) => {
      if (signal?.aborted) return resolve()
      const wake = (): void => {
        sleepers.delete(sleeper)
        signal?.removeEventListener('abort', wake)
        resolve()
      }
      const sleeper = { until: now + Math.max(1, milliseconds), wake }
      sleepers.add(sleeper)
      signal?.addEventListener('abort', wake)
    }),
    pass: async (milliseconds) => {
      const end = now + milliseconds
      for (await quiet(); ; await quiet()) {
        const next = Math.min(end, ...[...sleepers].map(({ until }) => until))
        if (next >= end && now === end) return
        now = Math.max(now, next)
        for (const { until, wake } of [...sleepers]) if (until <= now) wake()
      }
    },
    watched: (target) => new Proxy(target, {
      get: (object, key) => {
        const value = Reflect.get(object, key) as unknown
        if (typeof value !== 'function') return value
        return async (...given: unknown[]) => {
          begun++
          underWay++
          try {
            return await value.apply(object, given)
          } finally {
            underWay--
          }
        }
      },
    }),
  }
}
