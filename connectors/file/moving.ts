/** Moves a file to another folder under a name that is free there. */
import { copyFile, lstat, mkdir, open, rename, rm, writeFile } from 'node:fs/promises'
import { join, parse } from 'node:path'

const MOST_OF_ONE_NAME = 10_000

/** `adt.hl7`, `adt-2.hl7`, `adt-3.hl7`… */
export const numbered = (name: string, n: number): string => {
  const { name: stem, ext } = parse(name)
  return n === 1 ? name : `${stem}-${n}${ext}`
}

/** The names to try, in order; throws once there are far too many of one name. */
export function* namesLike(name: string): Generator<string> {
  for (let n = 1; n <= MOST_OF_ONE_NAME; n++) yield numbered(name, n)
  throw Object.assign(new Error('There are too many files of one name.'), { code: 'EEXIST' })
}

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
