/** The patient index in a thread of its own: neither the wait for the disk nor a search holds up a socket. */
import { openThread } from '../../engine/store/sqlite/thread-client.js'
import type { PatientIndex } from '../contracts.js'
import type { MatchingSettings } from './settings.js'

const CALLS = ['put', 'merge', 'unmerge', 'get', 'match', 'count'] as const satisfies readonly (keyof PatientIndex)[]

/** As openPatientIndex; rejects with what that throws. */
export const openThreadedPatientIndex = async (path: string, settings: MatchingSettings): Promise<PatientIndex> => {
  const thread = await openThread(new URL('./index-thread.js', import.meta.url), { path, settings }, path)
  const calls = Object.fromEntries(CALLS.map(name => [name, (...given: readonly unknown[]) => thread.call(name, given)])) as unknown as Omit<PatientIndex, 'close'>
  return { ...calls, close: () => thread.close() }
}
