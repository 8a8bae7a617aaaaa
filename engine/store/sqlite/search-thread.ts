/** The thread of people's searches, and of the index that they use. */
import { workerData } from 'node:worker_threads'
import { openReader } from './reader.js'
import { serveThread } from './thread-server.js'

const { path } = workerData as { path: string }
serveThread(() => openReader(path) as unknown as Record<string, (...given: readonly unknown[]) => Promise<unknown>>)
