/** The embedded desk store in a thread of its own: neither the wait for the disk nor a search holds up a socket. */
import { openThread, type Thread } from '../../engine/store/sqlite/thread-client.js'
import type { DeskStore } from '../desk-contracts.js'

const DESK: readonly Exclude<keyof DeskStore, 'close'>[] = [
  'commit', 'done', 'state', 'find', 'bundle', 'events', 'documents', 'search', 'openNotices', 'notice', 'notices', 'settleNotice', 'gather', 'due', 'nextDue',
  'stream', 'position', 'moveTo', 'lastPosition', 'addStray', 'strays', 'settleStray',
]

/** As openSqliteDeskStore; rejects with what that throws. Calls of one turn of the event loop travel, and are committed, together. */
export const openThreadedDeskStore = async (path: string): Promise<DeskStore> => {
  const thread = await openThread(new URL('./desk-thread.js', import.meta.url), { path }, path)
  return { ...servedBy<DeskStore>(thread, 'desk', DESK), close: thread.close }
}

/** The calls of what the thread serves under a name. */
const servedBy = <Served>(thread: Thread, name: string, calls: readonly (keyof Served & string)[]): Omit<Served, 'close'> =>
  Object.fromEntries(calls.map((call) => [call, (...given: readonly unknown[]) => thread.call(`${name}.${call}`, given)])) as unknown as Omit<Served, 'close'>
