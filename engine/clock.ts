/** The real time. Tests pass one of their own. */
import type { Clock } from './contracts.js'

const LONGEST = 2 ** 31 - 1 // milliseconds a timer can hold

export const clock: Clock = {
  now: () => new Date(),
  sleep: (milliseconds, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve()
      const end = (): void => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', end)
        resolve()
      }
      const timer = setTimeout(end, Math.min(Math.max(milliseconds, 0), LONGEST))
      signal?.addEventListener('abort', end)
    }),
}
