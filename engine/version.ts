/** The version of the product, as package.json says it. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

let known: string | null = null

/** Such as "0.1.0". */
export function version(): string {
  if (known !== null) return known
  let folder = import.meta.dirname
  while (!existsSync(join(folder, 'package.json')) && dirname(folder) !== folder) folder = dirname(folder)
  known = (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string }).version
  return known
}
