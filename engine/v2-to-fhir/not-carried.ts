/** What a message says and its bundle does not: every field that holds something, and of which nothing was written. */
import type { Issue } from './outcome.js'
import type { Part } from './part.js'
import { type Node, everything, fieldParts } from './segment-tree.js'

/** The field and its repetition of an origin: `IN2[2]-3` of `IN2[2]-3.4.1`. */
export const fieldOrigin = (origin: string): string => {
  const component = origin.indexOf('.')
  return component < 0 ? origin : origin.slice(0, component)
}

/**
 * An issue for each such field, or for a repetition where others of its field were written. `told` are the origins of what was
 * written and of issues that are known; `ignored` the fields ("PID-1") that say nothing a bundle should carry.
 */
export const notCarried = (root: Node, told: Iterable<string>, ignored: ReadonlySet<string>): readonly Issue[] => {
  const known = new Set(Array.from(told, fieldOrigin))
  const issues: Issue[] = []
  for (const node of everything(root)) {
    for (let field = 1; field <= node.view.fields; field += 1) if (!ignored.has(`${node.name}-${field}`)) issues.push(...inField(node, field, known))
  }
  return issues
}

const inField = (node: Node, field: number, known: ReadonlySet<string>): readonly Issue[] => {
  const all = fieldParts(node, field)
  if (all.length === 0) return []
  const place = `${node.origin}-${field}`
  const parts = all.filter((part) => part.deleted || part.whole !== '')
  const silent = parts.filter(({ origin }) => !known.has(origin))
  const [first] = silent
  if (!first || known.has(place)) return []
  return silent.length === parts.length && silent.every(({ deleted }) => deleted === first.deleted) ? [{ ...issue(first), origin: place }] : silent.map(issue)
}

/** HL7's `""` is no value: it asks the receiver to delete its own. */
const issue = ({ origin, deleted }: Part): Issue =>
  ({ severity: 'information', origin, reason: deleted ? 'asks to delete a value, which is not carried' : 'is not carried' })
