/** Moves a file to another folder under a name that is free there. */
import { copyFile, lstat, mkdir, open, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { namesLike } from '../../engine/files/numbered.js'

/** Whether something of any kind is there. */
export const exists = (path: string): Promise<boolean> => lstat(path).then(() => true, (error: NodeJS.ErrnoException) => {
  if (error.code === 'ENOENT') return false
  throw error
})

/** Moves the file, with the reason beside it where there is one. Never overwrites; a reader of `folder` sees it whole or not at all. */
export const moveTo = async (folder: string, file: string, name: string, reason: string | null): Promise<void> => {
  await mkdir(folder, { recursive: true })
  for (const candidate of namesLike(name)) {
    const target = join(folder, candidate)
    if (await exists(target)) continue
    if (reason !== null) await writeFile(`${target}.reason.txt`, `${reason}\n`)
    return rename(file, target).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EXDEV') throw error
      return copyAcross(file, join(folder, `.${name}.tmp`), target)
    })
  }
}

/** To another disk, where no rename leads. */
const copyAcross = async (file: string, temporary: string, target: string): Promise<void> => {
  await copyFile(file, temporary)
  const copy = await open(temporary, 'r+')
  await copy.sync().finally(() => copy.close())
  await rename(temporary, target)
  await rm(file)
}
