/** How a change of a file is shown. */
import { createTwoFilesPatch } from 'diff'

/** A unified diff of a file; empty where nothing differs. */
export function diffOf(name: string, before: string | null, after: string | null): string {
  if (before === after) return ''
  return createTwoFilesPatch(before === null ? '/dev/null' : `a/${name}`, after === null ? '/dev/null' : `b/${name}`, before ?? '', after ?? '', undefined, undefined, { context: 3, timeout: 2_000 }) ?? ''
}
