/** Steps learn a message's format from the first message: this checks their paths then, once a format. */
import type { MessageFormat } from '../contracts.js'
import { MessageFault } from '../errors.js'

/** Throws a MessageFault (internal) if a format cannot use one of the paths. */
export const pathsChecker = (paths: readonly string[]): ((format: MessageFormat) => void) => {
  const checked = new Set<string>()
  return (format) => {
    if (checked.has(format.name)) return
    for (const path of paths) {
      const problem = format.checkPath(path)
      if (problem !== null) throw new MessageFault({ kind: 'internal', reason: `${format.name}: ${problem}` })
    }
    checked.add(format.name)
  }
}
