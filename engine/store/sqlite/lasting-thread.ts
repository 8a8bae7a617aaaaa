/** A thread that is opened anew when it has ended by itself: for one that keeps nothing, such as that of the searches, which one search too large may end. */
import type { Thread } from './thread-client.js'

/** Opens it, and again at the first call after it has ended. What was under way then is rejected: whoever asked may ask again. */
export async function lasting(open: () => Promise<Thread>): Promise<Thread> {
  let thread = await open()
  let opening: Promise<Thread> | null = null
  let closed = false

  const alive = (): Promise<Thread> => {
    opening ??= open().then((next) => {
      thread = next
      return next
    }).finally(() => {
      opening = null
    })
    return opening
  }
  return {
    call: async (name, given) => (thread.ended && !closed ? await alive() : thread).call(name, given),
    get ended() {
      return closed
    },
    close: async () => {
      closed = true
      await opening?.catch(() => {}) // what could not be opened need not be closed
      await thread.close()
    },
  }
}
