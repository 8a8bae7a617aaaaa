/** Reads YAML 1.2 as plain data and remembers the line and column of everything in it. */
import { type Alias, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument, type Scalar, type YAMLMap } from 'yaml'
import { type Problem, shown } from './problem.js'
import type { Keys } from './schema-errors.js'
import { hasSubstitutes, type Sources, substitute } from './substitute.js'

/** How a scalar is written, and what was put into it. */
export interface ScalarSource {
  readonly text: string // without quotes
  readonly value: unknown // as read
  readonly plain: boolean // without quotes in the file
  readonly variables: readonly string[]
  readonly secrets: readonly string[]
  readonly defaulted: boolean
  readonly unresolved: boolean
  readonly filled?: readonly FilledField[] // the fields of a profile that its value is made of
}

/** A field of a profile, and where its value is written; `given`: by who uses the profile, else it is the field’s default. */
export interface FilledField {
  readonly field: string
  readonly place: string
  readonly given: boolean
}

export interface Position {
  readonly file: string // as shown to people
  readonly line: number // from 1
  readonly column: number // from 1
  readonly used?: { readonly line: number; readonly column: number } // where the channel’s own file uses the profile that this lies in
}

export interface YamlSource {
  readonly file: string // as shown to people
  readonly value: unknown // undefined where there are problems that leave nothing to read
  readonly problems: readonly Problem[]
  /** Of what the keys lead to, or of the nearest thing around it that there is; `key`: of the last key itself. */
  position(keys: Keys, at?: 'key' | 'value'): Position
  /** The same as `file:line:column`. */
  place(...keys: Keys): string
  /** Every scalar by its keys. */
  scalars(): Iterable<readonly [Keys, ScalarSource]>
  scalar(keys: Keys): ScalarSource | undefined
}

export interface YamlLimits {
  readonly characters: number
  readonly nodes: number // after aliases are followed
}

const DEPTH = 64
const CHANNEL_LIMITS: YamlLimits = { characters: 1024 ** 2, nodes: 50_000 }

/** Reads one document. `sources`: where `${…}` comes from; without it `${…}` is only text. */
export const readYaml = (path: string, text: string, sources: Sources | null, limits = CHANNEL_LIMITS): YamlSource => {
  const file = shown(path)
  const counter = new LineCounter()
  const problems: Problem[] = []
  const scalars = new Map<string, readonly [Keys, ScalarSource]>()
  const aliases = new Map<Alias, Node>()
  let root: Node | null = null
  let value: unknown

  const at = (offset: number): { line: number; column: number } => {
    const { line, col } = counter.linePos(offset)
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }
  const report = (offset: number, rule: string, message: string, hint = ''): void => {
    problems.push({ file, ...at(offset), rule, message, hint, severity: 'error' })
  }
  const target = (node: unknown): unknown => (isAlias(node) ? aliases.get(node) : node)

  const position: YamlSource['position'] = (keys, which = 'value') => {
    let node: unknown = root
    let offset = root?.range?.[0] ?? 0
    for (const [index, key] of keys.entries()) {
      const inside = target(node)
      if (isMap(inside)) {
        const pair = pairOf(inside, String(key))
        if (!pair) break
        const start = (pair.key as Node).range?.[0] ?? offset
        node = pair.value
        offset = (which === 'key' && index === keys.length - 1) || isNothing(node) ? start : ((node as Node).range?.[0] ?? start)
      } else if (isSeq(inside) && typeof key === 'number' && key < inside.items.length) {
        node = inside.items[key]
        offset = (node as Node).range?.[0] ?? offset
      } else break
    }
    return { file, ...at(offset) }
  }

  const content = text.replace(/^\uFEFF/, '')
  if (content.length > limits.characters) report(0, 'yaml', `The file is too long: it has ${content.length} characters, and ${limits.characters} are allowed.`)
  else if (/[\uE000-\uE07F]/.test(content)) report(0, 'yaml', 'The file has characters of a private use area (U+E000 to U+E07F), which no standard defines.', 'Remove them.')
  else {
    try {
      const document = parseDocument(sources ? veil(content) : content, { version: '1.2', schema: 'core', merge: false, uniqueKeys: false, stringKeys: true, prettyErrors: false, lineCounter: counter })
      const [wrong] = [...document.errors, ...document.warnings] // what follows the first is mostly its consequence
      if (wrong) report(wrong.pos[0], 'yaml', ...sentenceOf(wrong.code, unveil(wrong.message)))
      root = document.contents as Node | null
      if (problems.length === 0 && (root === null || (isScalar(root) && root.value === null))) report(0, 'yaml', 'The file is empty.')
      else if (problems.length === 0) value = convert()
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      report(0, 'yaml', TOO_DEEP)
    }
  }

  function convert(): unknown {
    const anchors = new Map<string, Node>()
    let nodes = 0
    const visit = (node: unknown, keys: Keys): unknown => {
      if (++nodes > limits.nodes) throw new Stop(node, `The file has more than ${limits.nodes} values once its aliases are followed.`)
      if (keys.length > DEPTH) throw new Stop(node, TOO_DEEP)
      if (isAlias(node)) {
        const anchored = anchors.get(node.source)
        if (!anchored) throw new Stop(node, `There is no anchor \`&${node.source}\` before this.`)
        aliases.set(node, anchored)
        return visit(anchored, keys)
      }
      if (isScalar(node)) {
        if (node.anchor) anchors.set(node.anchor, node)
        return scalarValue(node, keys)
      }
      if (isSeq(node)) {
        const items = node.items.map((item, index) => visit(item, [...keys, index]))
        if (node.anchor) anchors.set(node.anchor, node)
        return items
      }
      if (isMap(node)) {
        const found = mapValue(node, keys)
        if (node.anchor) anchors.set(node.anchor, node)
        return found
      }
      return null
    }
    const mapValue = (map: YAMLMap, keys: Keys): Record<string, unknown> => {
      const lines = new Map<string, number>()
      const found: Record<string, unknown> = {}
      for (const { key, value: child } of map.items) {
        const name = keyText(key)
        const offset = (key as Node | null)?.range?.[0] ?? map.range?.[0] ?? 0
        const before = lines.get(name)
        if (before !== undefined) report(offset, 'yaml', `\`${name}\` is written twice; the first is on line ${before}.`, 'Remove one.')
        else if (name === '__proto__') report(offset, 'yaml', '`__proto__` cannot be used as a name.')
        else {
          if (sources && hasSubstitutes(name)) report(offset, 'variable', 'A variable cannot be used as a name.', 'Write the name itself.')
          lines.set(name, at(offset).line)
          found[name] = visit(child, [...keys, name])
        }
      }
      return found
    }
    const scalarValue = (node: Scalar, keys: Keys): unknown => {
      const plain = node.type === 'PLAIN'
      const written = unveil(plain && node.source !== undefined ? node.source : String(node.value))
      const done = sources && hasSubstitutes(written) ? substitute(written, plain, sources) : null
      for (const { rule, message, hint } of done?.wrong ?? []) report(node.range?.[0] ?? 0, rule, message, hint)
      const { variables = [], secrets = [], defaulted = false, wrong = [] } = done ?? {}
      const result = done ? done.value : typeof node.value === 'string' ? unveil(node.value) : node.value
      scalars.set(keys.join('\0'), [keys, { text: written, value: result, plain, variables, secrets, defaulted, unresolved: wrong.length > 0 }])
      return result
    }
    try {
      return visit(root, [])
    } catch (error) {
      if (!(error instanceof Stop)) throw error
      report((error.node as Node | null)?.range?.[0] ?? 0, 'yaml', error.message)
      return undefined
    }
  }

  return {
    file, value, problems, position,
    place: (...keys) => {
      const { line, column } = position(keys)
      return `${file}:${line}:${column}`
    },
    scalars: () => scalars.values(),
    scalar: keys => scalars.get(keys.join('\0'))?.[1],
  }
}

/** Ends a conversion that must not go on. */
class Stop extends Error {
  constructor(readonly node: unknown, message: string) {
    super(message)
  }
}

const TOO_DEEP = `The file is nested more than ${DEPTH} levels deep.`

/** `key:` with nothing after it, which has no place of its own. */
const isNothing = (node: unknown): boolean => !node || (isScalar(node) && node.source === '')

const keyText = (key: unknown): string =>
  isScalar(key) ? unveil(key.type === 'PLAIN' && key.source !== undefined ? key.source : String(key.value)) : ''

const pairOf = (map: YAMLMap, key: string): Pair | undefined => map.items.find(pair => keyText(pair.key) === key)

/** `{ port: ${PORT:2575} }` is no YAML: inside `${…}` each character is replaced by one of a private use area until it has been read. */
export const veil = (text: string): string =>
  text.replace(/\$\{[^{}"'\\\r\n]*\}/g, whole => `$${[...whole.slice(1)].map(each => (each < '\x80' ? String.fromCharCode(each.charCodeAt(0) + 0xe000) : each)).join('')}`)
/** The text that was veiled. */
export const unveil = (text: string): string => text.replace(/[\uE000-\uE07F]/g, each => String.fromCharCode(each.charCodeAt(0) - 0xe000))

/** The library's errors that people meet most, in our words. */
const sentenceOf = (code: string, message: string): [message: string, hint: string] => {
  const said = `${message.replace(/\.$/, '')}.`
  switch (code) {
    case 'TAB_AS_INDENT': return ['A line is indented with a tab.', 'Indent with spaces.']
    case 'BAD_INDENT': return ['The indentation does not fit what is around it.', 'Give the entries of one list or mapping the same indentation.']
    case 'MULTIPLE_DOCS': return ['The file has several documents.', 'Remove what begins with `---`, or make a file of each.']
    case 'TAG_RESOLVE_FAILED': return ['A tag (`!name`) cannot be used here.', 'Remove it.']
    case 'NON_STRING_KEY': return ['A name must be text.', '']
    case 'BLOCK_AS_IMPLICIT_KEY': return ['There is a second `: ` on the line.', 'Quote a text that has `: ` in it.']
    case 'UNEXPECTED_TOKEN': return ['This does not belong to what is before it.', 'Check the indentation, and quote a text that has `: ` or ` #` in it.']
    case 'MISSING_CHAR': return message.includes('quote') ? ['A quote is opened and never closed.', 'Close it.'] : [said, 'Close each `[` and `{`, and put commas between what is in them.']
    default: return message.startsWith('Maximum call stack') ? [TOO_DEEP, ''] : [said, '']
  }
}
