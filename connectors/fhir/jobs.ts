/** What is to be done, one thing at a time: each job says when it is due again, and is tried again later where it fails. */
import type { Clock } from '../../engine/contracts.js'

const FIRST_WAIT = 1_000 // milliseconds after a failure
const LONGEST_WAIT = 300_000

export interface Job {
  /** Resolves with the milliseconds until it is due again; null where only `wake` makes it so. */
  readonly run: () => Promise<number | null>
  /** Hears of a failure, and how often it failed in a row. */
  readonly failed: (error: unknown, times: number) => void
}

export interface Jobs {
  add(name: string, job: Job): void
  /** Makes a job due; one that failed keeps its pause unless `hurry` is said. */
  wake(name: string, hurry?: boolean): void
  /** Runs what is due until the signal aborts. */
  run(signal: AbortSignal): Promise<void>
  stop(): void
}

interface Standing extends Job { at: number; times: number; woken: boolean }

export const jobsBy = (clock: Clock): Jobs => {
  const jobs = new Map<string, Standing>()
  let pause = new AbortController()
  const now = (): number => clock.now().getTime()

  const once = async (job: Standing): Promise<void> => {
    job.woken = false
    try {
      const wait = await job.run()
      job.times = 0
      job.at = job.woken ? now() : wait === null ? Number.POSITIVE_INFINITY : now() + wait
    } catch (error) {
      job.times += 1
      job.at = now() + Math.min(FIRST_WAIT * 2 ** (job.times - 1), LONGEST_WAIT)
      job.failed(error, job.times)
    }
  }

  return {
    add: (name, job) => void jobs.set(name, { ...job, at: now(), times: 0, woken: false }),
    wake(name, hurry = false) {
      const job = jobs.get(name)
      if (!job) return
      job.woken = true
      if (job.times > 0 && !hurry) return
      job.at = Math.min(job.at, now())
      pause.abort()
    },
    async run(signal) {
      while (!signal.aborted) {
        pause = new AbortController()
        for (const job of jobs.values()) if (job.at <= now() && !signal.aborted) await once(job)
        const next = Math.min(...[...jobs.values()].map(({ at }) => at))
        if (!signal.aborted && !pause.signal.aborted && next > now()) await clock.sleep(Math.min(next - now(), 3_600_000), pause.signal)
      }
    },
    stop: () => pause.abort(),
  }
}
