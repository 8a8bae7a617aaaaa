/** Waits for the desk to change, and leaves nothing behind that still waits. */
import type { Clock } from '../../engine/contracts.js'
import type { Desk } from '../../referrals/desk.js'

/** How long a channel of the desk trusts in hints before it looks at the tables again, in milliseconds. */
export const LONGEST_WAIT = 30_000

/** Resolves once the desk has changed since `turn`, after LONGEST_WAIT, or when the signal aborts. */
export async function untilChanged(desk: Pick<Desk, 'changed'>, clock: Clock, turn: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  const over = new AbortController()
  const end = (): void => over.abort('over')
  signal.addEventListener('abort', end)
  await Promise.race([desk.changed(turn, over.signal), clock.sleep(LONGEST_WAIT, over.signal)])
  end() // the one that has not ended would wait on, one more with each change
  signal.removeEventListener('abort', end)
}
