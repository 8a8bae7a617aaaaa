/** Reads secrets: a file each in the folder of secrets, or else a variable of the environment. */
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { secretVariable } from '../engine/substitute.js'

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/
const LARGEST = 1024 ** 2 // bytes

/** Looks a secret up each time it is asked for, so that a new one holds without a restart. One trailing line end is no part of it. */
export const secretsOf = (folder: string, environment: Readonly<Record<string, string | undefined>>) => (name: string): string | undefined => {
  if (!NAME.test(name)) return undefined
  const path = join(folder, name)
  const file = statSync(path, { throwIfNoEntry: false })
  if (file?.isFile() && file.size <= LARGEST) return readFileSync(path, 'utf8').replace(/\r?\n$/, '')
  return environment[secretVariable(name)]
}
