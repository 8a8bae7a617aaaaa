/** The segments of a message in their groups: what belongs to what, and where a path leads from a segment. */
import type { SegmentView } from '../formats/hl7v2/view.js'
import type { FieldPath } from './field-path.js'
import { emptyPart, type Part, fieldPart } from './part.js'

export interface Node {
  readonly name: string
  readonly view: SegmentView
  readonly origin: string // "OBX[2]", or "PID" where it is the only one
  readonly parent: Node | null
  readonly children: Node[]
  readonly fields: Map<number, readonly Part[]> // those that were asked for
  readonly lists: { everything?: readonly Node[]; chain?: readonly Node[] } // once they were asked for
}

/** Which segments belong to one that they follow: `{ OBR: [NTE, OBX], OBX: [NTE] }`. */
export type Groups = Readonly<Record<string, readonly string[]>>

/** The tree of a message; its root is the first segment, to which everything belongs that is in no group. A Z-segment that no group names ends none. */
export const segmentTree = (segments: readonly SegmentView[], groups: Groups): Node | null => {
  const counts = new Map<string, number>()
  for (const { name } of segments) counts.set(name, (counts.get(name) ?? 0) + 1)
  const [first, ...others] = segments
  if (!first) return null
  const node = (view: SegmentView, parent: Node | null): Node =>
    ({ name: view.name, view, origin: view.origin ?? ((counts.get(view.name) ?? 0) > 1 ? `${view.name}[${view.index}]` : view.name), parent, children: [], fields: new Map(), lists: {} })
  const root = node(first, null)
  const nodes = [root]
  let open = root
  const named = new Set(Object.entries(groups).flat(2))
  for (const view of others) {
    if (view.name.startsWith('Z') && !named.has(view.name)) {
      const own = node(view, open)
      nodes.push(own)
      open.children.push(own)
      continue
    }
    let owner = (view.above === undefined ? undefined : nodes[view.above]) ?? open
    while (view.above === undefined && owner.parent && !groups[owner.name]?.includes(view.name)) owner = owner.parent
    open = node(view, owner)
    nodes.push(open)
    owner.children.push(open)
  }
  return root
}

/** A node and everything in its group, in the order of the message. */
export const everything = (node: Node): readonly Node[] => (node.lists.everything ??= [node, ...node.children.flatMap(everything)])

/** A node and what it belongs to, up to the root. */
export const chain = (node: Node): readonly Node[] => (node.lists.chain ??= node.parent ? [node, ...chain(node.parent)] : [node])

/** The segments that a selector of a message map names: `PRD` anywhere, `/NTE` in no group, `OBR/OBX` in that group. */
export const select = (root: Node, selector: string): readonly Node[] => {
  const names = selector.split('/')
  const [last, group] = [names.at(-1), names.at(-2)]
  return everything(root).filter((node) => node.name === last && (group === undefined || (group === '' ? node.parent === root : node.parent?.name === group)))
}

/** The segments that a selector names seen from a segment: itself, of its group, of what it belongs to; `/NTE` in no group, `/PID/NTE` in that one. */
export const near = (node: Node, selector: string): readonly Node[] => {
  const [first = '', second] = selector.split('/')
  if (first === '') return select(chain(node).at(-1) ?? node, selector)
  if (second !== undefined) return near(node, first).flatMap((each) => each.children.filter(({ name }) => name === second))
  if (node.name === first) return [node]
  const own = node.children.filter(({ name }) => name === first)
  return own.length > 0 ? own : chain(node).filter(({ name }) => name === first)
}

/** The nearest segments of a path's name: the segment itself, of its group, then of what it belongs to. */
const nearest = (node: Node, path: FieldPath): readonly Node[] => {
  if (path.fromTop) return select(chain(node).at(-1) ?? node, path.segment)
  for (const each of chain(node)) {
    if (each.name === path.segment) return [each]
    const own = each.children.filter(({ name }) => name === path.segment)
    if (own.length > 0) return own
  }
  return []
}

/** The repetitions of the field at a path, each narrowed to the component the path names. */
export const parts = (node: Node, path: FieldPath): readonly Part[] => nearest(node, path).flatMap((each) => partsOf(each, path))

/** The same, each with the segment that it stands in; with `blanks` an empty one for a segment that has none. */
export const placedParts = (node: Node, path: FieldPath, blanks = false): readonly { readonly part: Part; readonly at: Node }[] =>
  nearest(node, path).flatMap((at) => {
    const found = partsOf(at, path)
    return (found.length === 0 && blanks ? [emptyPart(`${at.origin}-${path.field}`)] : found).map((part) => ({ part, at }))
  })

/** The repetitions of a field, the same parts each time. */
export const fieldParts = (node: Node, field: number): readonly Part[] => {
  const known = node.fields.get(field)
  if (known) return known
  const views = node.view.repetitions(field)
  const made = views.map((view, at) => fieldPart(view, `${node.origin}-${field}${views.length > 1 ? `[${at + 1}]` : ''}`))
  node.fields.set(field, made)
  return made
}

/** The same in one segment. */
export const partsOf = (node: Node, { field, component, subcomponent }: FieldPath): readonly Part[] => {
  if (field === null) return []
  const whole = fieldParts(node, field)
  if (component === null) return whole
  return whole.map((each) => {
    const part = each.part(component)
    return subcomponent === null ? part : part.part(subcomponent)
  })
}

/** The values that a condition sees: of a field its first component, of a segment its name; with `all` also of its like beside it. */
export const valuesNear = (node: Node) => (path: FieldPath, all = false): readonly string[] => {
  if (path.field !== null) return parts(node, path).map(conditionText)
  const found = nearest(node, path)
  return (all && found[0] === node ? node.parent?.children.filter(({ name }) => name === node.name) ?? found : found).map(({ name }) => name)
}

/** A field that holds anything exists, even where its first component is empty. */
export const conditionText = (part: Part): string => part.text || part.whole
