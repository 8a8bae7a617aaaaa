/** What a message says and its bundle does not: every field that holds something, and of which nothing was written. */
import type { Issue } from './outcome.js'
import type { Part } from './part.js'
import { type Node, everything, fieldParts } from './segment-tree.js'

/** The field and its repetition of an origin: `IN2[2]-3` of `IN2[2]-3.4.1`. */
export const fieldOrigin = (origin: string): string => origin.replace(/(-\d+(?:\[\d+\])?)[.\d]*$/, '$1')

/**
 * An issue for each such field, or for a repetition where others of its field were written. `told` are the origins of what was
 * written and of issues that are known; `ignored` the fields ("PID-1") that say nothing a bundle should carry.
 */
export const notCarried = (root: Node, told: Iterable<string>, ignored: ReadonlySet<string>): readonly Issue[] => {
  const known = new Set([...told].map(fieldOrigin))
  return everything(root).flatMap((node) => fields(node).filter((field) => !ignored.has(`${node.name}-${field}`)).flatMap((field) => inField(node, field, known)))
}

const fields = ({ view }: Node): readonly number[] => Array.from({ length: view.fields }, (_, at) => at + 1)

const inField = (node: Node, field: number, known: ReadonlySet<string>): readonly Issue[] => {
  const place = `${node.origin}-${field}`
  const parts = fieldParts(node, field).filter((part) => part.deleted || part.whole !== '')
  const silent = parts.filter(({ origin }) => !known.has(origin))
  const [first] = silent
  if (!first || known.has(place)) return []
  return silent.length === parts.length && silent.every(({ deleted }) => deleted === first.deleted) ? [{ ...issue(first), origin: place }] : silent.map(issue)
}

/** HL7's `""` is no value: it asks the receiver to delete its own. */
const issue = ({ origin, deleted }: Part): Issue =>
  ({ severity: 'information', origin, reason: deleted ? 'asks to delete a value, which is not carried' : 'is not carried' })
