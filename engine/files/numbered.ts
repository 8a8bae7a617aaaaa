/** The names that a file may get where its own is taken. */
import { parse } from 'node:path'

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
