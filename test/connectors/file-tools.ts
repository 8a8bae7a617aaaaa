/** A folder on a real disk for a test of files. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { type TestTools, testTools } from './tools.js'

export interface Setting { readonly tools: TestTools; readonly folder: string; readonly data: string; put(name: string, text: string): Promise<void>; at(...path: string[]): string }

export const setUp = async (t: Test): Promise<Setting> => {
  const data = await mkdtemp(join(tmpdir(), 'refero-file-'))
  t.teardown(() => rm(data, { recursive: true, force: true }))
  const folder = join(data, 'in')
  await mkdir(folder)
  const at = (...path: string[]): string => join(folder, ...path)
  return { tools: testTools(data), data, folder, at, put: (name, text) => writeFile(at(name), text) }
}

/** Runs something as a user whom permissions bind, for root is not. */
export const bound = async (work: () => Promise<void>): Promise<void> => {
  const root = process.geteuid?.() === 0
  if (root) process.seteuid?.(65534)
  try {
    await work()
  } finally {
    if (root) process.seteuid?.(0)
  }
}
