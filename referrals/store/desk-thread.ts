/** The thread that owns the desk's file: everything that keeps tables in it is served here, over one connection. */
import { workerData } from 'node:worker_threads'
import { serveThread } from '../../engine/store/sqlite/thread-server.js'
import type { Way } from '../contracts.js'
import { openProviderDirectory } from '../providers/sqlite-directory.js'
import { openDesk } from './desk-store.js'
import { type DeskFile, openDeskFile } from './file.js'

type Calls = Record<string, (...given: readonly unknown[]) => Promise<unknown>>

const { path, ways } = workerData as { readonly path: string; readonly ways?: readonly Way[] }

/** By the name that its calls begin with: "desk.commit". */
const SERVED: Readonly<Record<string, (file: DeskFile) => object>> = { desk: openDesk, providers: (file) => openProviderDirectory(file, ways ? { order: ways } : {}) }

serveThread(() => {
  const file = openDeskFile(path)
  const calls = Object.entries(SERVED).flatMap(([name, open]) => Object.entries(open(file) as Calls).map(([call, run]) => [`${name}.${call}`, run] as const))
  return { ...Object.fromEntries(calls), close: async () => file.close() }
})
