/** Writes the answer to a file beside others of its kind: whole or not at all. */
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** `<name>.answer` in the folder; one that is there already is replaced, for it answers the same file. Rejects with the system's error. */
export const writeAnswer = async (folder: string, name: string, answer: Buffer): Promise<void> => {
  const unfinished = join(folder, `.${name}.tmp`)
  await writeFile(unfinished, answer, { flush: true })
  await rename(unfinished, join(folder, `${name}.answer`))
}
