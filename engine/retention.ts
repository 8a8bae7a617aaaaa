/** Forgets what the channels' `retain:` says may be forgotten, a bounded number of messages at a time, between the work of the day. */
import type { Clock, Log, MessageArchive } from './contracts.js'
import { Worker } from './worker.js'

const CHUNK = 200 // messages a transaction
const BREATH = 20 // milliseconds between two transactions, for the messages that arrive meanwhile

export interface Retained {
  readonly name: string
  readonly content: number // milliseconds
  readonly facts: number // milliseconds
}

/** A worker that sweeps every `interval` milliseconds; `channels` is asked anew each time. */
export function retentionWorker(archive: MessageArchive, channels: () => readonly Retained[], interval: number, clock: Clock, log: Log): Worker {
  const sweep = async (stopping: AbortSignal): Promise<number> => {
    for (const { name, content, facts } of channels()) {
      const now = clock.now().getTime()
      for (const [what, age] of [['content', content], ['facts', facts]] as const) {
        let count = 0
        for (let forgotten = CHUNK; forgotten >= CHUNK && !stopping.aborted; count += forgotten) {
          forgotten = await archive.expire(name, what, new Date(now - age), CHUNK)
          await clock.sleep(BREATH, stopping)
        }
        if (count > 0) log('info', `forgot the ${what} of messages as retain says`, { channel: name, count })
      }
    }
    if (!stopping.aborted) await archive.shrink()
    return interval
  }
  return new Worker(sweep, clock, (error) => log('error', 'retention could not use the store; it tries again', { error }))
}
