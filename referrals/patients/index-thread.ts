/** The thread that owns the patient index's file. */
import { workerData } from 'node:worker_threads'
import { serveThread } from '../../engine/store/sqlite/thread-server.js'
import { openPatientIndex } from './patient-index.js'
import type { MatchingSettings } from './settings.js'

const { path, settings } = workerData as { readonly path: string; readonly settings: MatchingSettings }
serveThread(() => openPatientIndex(path, settings) as unknown as Record<string, (...given: readonly unknown[]) => Promise<unknown>>)
