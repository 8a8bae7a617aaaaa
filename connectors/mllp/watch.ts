/** Tells when files change, so that a certificate can be exchanged while connections stay. */
import { statSync, watch, type FSWatcher } from 'node:fs'
import { dirname } from 'node:path'

const POLL = 30_000 // milliseconds: finds what the file system does not announce, such as a network drive or a mounted secret
const PAUSE = 200 // milliseconds after the last change: a certificate and its key are two files

/** Calls `changed` after any of `files` has changed, until the returned function is called. */
export function watchFiles(files: readonly string[], changed: () => void): () => void {
  if (files.length === 0) return () => {}
  let known = stamp(files)
  let pause: NodeJS.Timeout | undefined
  const look = (): void => {
    const now = stamp(files)
    if (now === known) return
    known = now
    changed()
  }
  const soon = (): void => {
    clearTimeout(pause)
    pause = setTimeout(look, PAUSE).unref()
  }
  const watchers = [...new Set(files.map((file) => dirname(file)))].flatMap((folder) => watchFolder(folder, soon))
  const poll = setInterval(look, POLL).unref()
  return () => {
    clearTimeout(pause)
    clearInterval(poll)
    for (const watcher of watchers) watcher.close()
  }
}

function watchFolder(folder: string, changed: () => void): FSWatcher[] {
  try {
    const watcher = watch(folder, { persistent: false }, changed)
    watcher.on('error', () => watcher.close()) // the poll goes on
    return [watcher]
  } catch {
    return [] // no watch is left, or the folder is gone: the poll finds the change
  }
}

const stamp = (files: readonly string[]): string =>
  files.map((file) => {
    const found = statSync(file, { throwIfNoEntry: false })
    return found ? `${found.ino} ${found.size} ${found.mtimeMs}` : ''
  }).join()
