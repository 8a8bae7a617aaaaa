/** The embedded desk store in a thread of its own: neither the wait for the disk nor a search holds up a socket. */
import { openThread, type Thread } from '../../engine/store/sqlite/thread-client.js'
import type { Way } from '../contracts.js'
import type { DeskStore } from '../desk-contracts.js'
import type { ProviderDirectory } from '../providers/directory.js'

const DESK: readonly Exclude<keyof DeskStore, 'close'>[] = [
  'commit', 'done', 'state', 'find', 'bundle', 'events', 'documents', 'search', 'openNotices', 'notice', 'notices', 'takeNotice', 'settleNotice', 'gather', 'due', 'nextDue',
  'stream', 'position', 'moveTo', 'lastPosition', 'addStray', 'strays', 'stray', 'settleStray', 'proof', 'proofs', 'putProof', 'proofsDue', 'sentAs', 'keepEarly', 'early', 'earlyOfSent', 'forgetEarly',
]

const PROVIDERS: readonly Exclude<keyof ProviderDirectory, 'close'>[] = ['recognise', 'add', 'get', 'search', 'update', 'merge', 'history', 'learn', 'failing']

/** What lies in the desk's file; closing the store closes both. */
export interface ThreadedDeskFile { readonly store: DeskStore; readonly providers: ProviderDirectory }

/** As openSqliteDeskStore; rejects with what that throws. `ways` is the order of ways back. Calls of one turn of the event loop travel, and are committed, together. */
export const openThreadedDeskFile = async (path: string, ways?: readonly Way[]): Promise<ThreadedDeskFile> => {
  const thread = await openThread(new URL('./desk-thread.js', import.meta.url), { path, ways }, path)
  return {
    store: { ...servedBy<DeskStore>(thread, 'desk', DESK), close: thread.close },
    providers: { ...servedBy<ProviderDirectory>(thread, 'providers', PROVIDERS), close: async () => undefined },
  }
}

/** As openThreadedDeskFile, for the referrals alone. */
export const openThreadedDeskStore = async (path: string): Promise<DeskStore> => (await openThreadedDeskFile(path)).store

/** The calls of what the thread serves under a name. */
const servedBy = <Served>(thread: Thread, name: string, calls: readonly (keyof Served & string)[]): Omit<Served, 'close'> =>
  Object.fromEntries(calls.map((call) => [call, (...given: readonly unknown[]) => thread.call(`${name}.${call}`, given)])) as unknown as Omit<Served, 'close'>
