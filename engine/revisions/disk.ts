/** How the history writes: each file whole and durable, or not at all. */
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Encoding } from './snapshot.js'

/** One operation at a time; a crash leaves what was there before or what is there after, never a part. */
export interface Disk {
  write(path: string, content: string, encoding?: Encoding): Promise<void>
  /** Does nothing where there is no such file. */
  remove(path: string): Promise<void>
}

export const disk: Disk = {
  async write(path, content, encoding = 'utf8') {
    const folder = dirname(path)
    await mkdir(folder, { recursive: true })
    const temporary = join(folder, `.${basename(path)}.new`) // a name that no look-out for changed files takes for a channel
    const file = await open(temporary, 'w', 0o640)
    try {
      await file.writeFile(content, encoding)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
    await settle(folder)
  },
  async remove(path) {
    await rm(path, { force: true })
    await settle(dirname(path))
  },
}

/** Makes the names in a folder as durable as what they name. */
async function settle(folder: string): Promise<void> {
  const opened = await open(folder, 'r')
  try {
    await opened.sync()
  } finally {
    await opened.close()
  }
}
