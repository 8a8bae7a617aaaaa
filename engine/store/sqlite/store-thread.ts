/** The thread that owns the store's file: what changes it, and what the engine itself asks. */
import { workerData } from 'node:worker_threads'
import { openWritingStore, type SqliteStoreOptions } from './sqlite-store.js'
import { serveThread } from './thread-server.js'

const { path, options } = workerData as { path: string; options: SqliteStoreOptions }
serveThread(() => openWritingStore(path, options) as unknown as Record<string, (...given: readonly unknown[]) => Promise<unknown>>)
