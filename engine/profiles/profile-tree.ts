/** Channel data as a tree in which everything knows the file that it comes from: how profiles and channel files become one. */
import type { Keys } from '../schema-errors.js'
import type { Position, ScalarSource, YamlSource } from '../yaml-source.js'

/** Where a part of the tree is written; `used`: the keys of the `uses` in the channel file that brought it. */
export interface Origin {
  readonly yaml: YamlSource
  readonly keys: Keys
  readonly used?: Keys
}

export type Tree =
  | { readonly kind: 'scalar'; readonly from: Origin; readonly value: unknown; readonly source: ScalarSource | undefined }
  | { readonly kind: 'list'; readonly from: Origin; readonly items: readonly Tree[] }
  | { readonly kind: 'map'; readonly from: Origin; readonly entries: ReadonlyMap<string, Tree> }

/** The tree of what a file says at these keys. */
export const treeOf = (yaml: YamlSource, value: unknown, keys: Keys = [], used?: Keys): Tree => {
  const from: Origin = { yaml, keys, ...(used && { used }) }
  if (Array.isArray(value)) return { kind: 'list', from, items: value.map((item, index) => treeOf(yaml, item, [...keys, index], used)) }
  if (typeof value === 'object' && value !== null) return { kind: 'map', from, entries: new Map(Object.entries(value).map(([key, child]) => [key, treeOf(yaml, child, [...keys, key], used)])) }
  return { kind: 'scalar', from, value, source: yaml.scalar(keys) }
}

/** Settings whose one key names a piece: another name is another piece, not a second key. */
const PIECES = new Set(['source', 'format', 'to'])

/**
 * `over` laid on `base`: maps merge key by key, `destinations` by their names, and everything else that `over` says replaces what `base` says.
 * Nothing (`null`) in `over` takes away what `base` has there.
 */
export const merged = (base: Tree, over: Tree): Tree => {
  if (base.kind !== 'map' || over.kind !== 'map') return over
  const entries = new Map(base.entries)
  for (const [key, above] of over.entries) {
    const below = base.entries.get(key)
    if (!below) entries.set(key, above)
    else if (above.kind === 'scalar' && above.value === null) entries.delete(key)
    else if (key === 'destinations') entries.set(key, byName(below, above))
    else if (PIECES.has(key) && nameOf(below) !== nameOf(above)) entries.set(key, above)
    else entries.set(key, merged(below, above))
  }
  return { kind: 'map', from: over.from, entries }
}

const byName = (base: Tree, over: Tree): Tree => {
  if (base.kind !== 'list' || over.kind !== 'list') return over
  const named = (name: unknown) => (tree: Tree): boolean => name !== undefined && destinationName(tree) === name
  const below = base.items.map(item => {
    const above = over.items.find(named(destinationName(item)))
    return above ? merged(item, above) : item
  })
  return { kind: 'list', from: over.from, items: [...below, ...over.items.filter(item => !base.items.some(named(destinationName(item))))] }
}

const destinationName = (tree: Tree): unknown => {
  const name = tree.kind === 'map' ? tree.entries.get('name') : undefined
  return name?.kind === 'scalar' ? name.value : undefined
}
const nameOf = (tree: Tree): unknown => (tree.kind === 'map' && tree.entries.size === 1 ? [...tree.entries.keys()][0] : null)

/** The same without some keys of a map. */
export const without = (tree: Tree, ...keys: readonly string[]): Tree =>
  tree.kind === 'map' ? { ...tree, entries: new Map([...tree.entries].filter(([key]) => !keys.includes(key))) } : tree

/** The same with one key of a map set. */
export const withEntry = (tree: Tree, key: string, child: Tree): Tree =>
  tree.kind === 'map' ? { ...tree, entries: new Map([...tree.entries, [key, child]]) } : tree

/** The tree as plain data. */
const dataOf = (tree: Tree): unknown => {
  if (tree.kind === 'scalar') return tree.value
  if (tree.kind === 'list') return tree.items.map(dataOf)
  return Object.fromEntries([...tree.entries].map(([key, child]) => [key, dataOf(child)]))
}

/** The tree as a source that is read like one file, `own`; what comes from a profile keeps its place there. */
export const sourceOf = (tree: Tree, own: YamlSource): YamlSource => {
  const scalars = new Map<string, readonly [Keys, ScalarSource]>()
  const collect = (node: Tree, keys: Keys): void => {
    if (node.kind === 'scalar') {
      if (node.source) scalars.set(keys.join('\0'), [keys, node.source])
    } else if (node.kind === 'list') for (const [index, item] of node.items.entries()) collect(item, [...keys, index])
    else for (const [key, child] of node.entries) collect(child, [...keys, key])
  }
  collect(tree, [])
  const position = (keys: Keys, at: 'key' | 'value' = 'value'): Position => {
    let node = tree
    let known = 0
    for (const key of keys) {
      const next: Tree | undefined = node.kind === 'list' ? node.items[Number(key)] : node.kind === 'map' ? node.entries.get(String(key)) : undefined
      if (!next) break
      node = next
      known += 1
    }
    const { yaml, keys: written, used } = node.from
    const place = yaml.position([...written, ...keys.slice(known)], at)
    return used ? { ...place, used: own.position(used) } : place
  }
  return {
    file: own.file, value: dataOf(tree), problems: own.problems, position,
    place: (...keys) => {
      const { file, line, column } = position(keys)
      return `${file}:${line}:${column}`
    },
    scalars: () => scalars.values(),
    scalar: keys => scalars.get(keys.join('\0'))?.[1],
  }
}
