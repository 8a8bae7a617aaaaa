/** Looks at the files that channels are made of, and says when they have changed and come to rest. */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock, Log } from './contracts.js'
import { Worker } from './worker.js'

const EVERY = 500 // milliseconds; polling works on every file system, network folders too

/** A worker that calls `changed` once after each change below the folders; a file that is still being written is waited for. */
export function reloadWorker(folders: readonly string[], changed: () => Promise<void>, clock: Clock, log: Log): Worker {
  let applied = fingerprint(folders)
  let before = applied
  const look = async (): Promise<number> => {
    const now = fingerprint(folders)
    const rested = now === before
    before = now
    if (now !== applied && rested) {
      await changed()
      applied = now
    }
    return EVERY
  }
  return new Worker(look, clock, (error) => log('error', 'changed files could not be read; they are looked at again', { error }))
}

function fingerprint(folders: readonly string[]): string {
  const parts: string[] = []
  for (const folder of folders) collect(folder, parts)
  return parts.join('\n')
}

function collect(folder: string, parts: string[]): void {
  const facts = statSync(folder, { throwIfNoEntry: false })
  if (facts?.isFile()) parts.push(`${folder}:${facts.mtimeMs}:${facts.size}:${facts.ino}`)
  for (const entry of listing(folder)) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) collect(path, parts)
    else {
      const facts = statSync(path, { throwIfNoEntry: false })
      if (facts) parts.push(`${path}:${facts.mtimeMs}:${facts.size}:${facts.ino}`)
    }
  }
}

function listing(folder: string): readonly { name: string; isDirectory(): boolean }[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))
  } catch {
    return []
  }
}
