/** Explains a channel: every value that holds, and where it comes from: the file, a profile, the environment, a default. */
import { stringify } from 'yaml'
import { ChannelFile, type ChannelPiece, Destination } from '../channel-definition.js'
import type { LoadedChannel } from '../channel-loader.js'
import { isSecret } from '../check/check-secrets.js'
import type { Keys } from '../schema-errors.js'

/** Where one value comes from. */
export interface ValueOrigin {
  readonly kind: 'file' | 'profile' | 'default'
  readonly place: string | null // file:line:column; null of a default
  readonly variables: readonly string[] // of the environment
  readonly unset: boolean // a variable is not set, and the default written beside it holds
  readonly secrets: readonly string[] // names, never values
  readonly fields: readonly { readonly field: string; readonly place: string; readonly given: boolean }[] // of the profile
}

/** One value that holds. A secret’s is masked. */
export interface ExplainedValue {
  readonly path: Keys // as the file would have it with every short form spelled out
  readonly value: unknown // text, a number, true, false, null; [] or {} where there is nothing in it
  readonly from: ValueOrigin
}

/** What stands for a secret. */
export const MASK = '********'

/** Every value of a channel, in the order of a channel file; its tests are left out: they do not run. */
export const explainChannel = ({ definition, yaml }: LoadedChannel): readonly ExplainedValue[] => {
  const values: ExplainedValue[] = []
  const origin = (keys: Keys): ValueOrigin => {
    const scalar = yaml.scalar(keys)
    const { file, line, column, used } = yaml.position(keys)
    const kind = scalar || isDestinationName(keys) ? (used ? 'profile' : 'file') : 'default'
    const { variables = [], secrets = [], defaulted = false, filled = [] } = scalar ?? {}
    return { kind, place: kind === 'default' ? null : `${file}:${line}:${column}`, variables: [...new Set(variables)], unset: defaulted, secrets: [...new Set(secrets)], fields: filled }
  }
  /** `path`: where it is shown; `keys`: where it is read. */
  const add = (value: unknown, path: Keys, keys: Keys): void => {
    if (value === undefined) return
    if (typeof value === 'object' && value !== null && Object.keys(value).length > 0) {
      for (const [key, child] of Object.entries(value)) add(child, [...path, Array.isArray(value) ? Number(key) : key], [...keys, Array.isArray(value) ? Number(key) : key])
      return
    }
    const from = origin(keys)
    const name = String(path.findLast((key) => typeof key === 'string') ?? '')
    const hidden = from.secrets.length > 0 || (typeof value === 'string' && value !== '' && isSecret(name, value))
    values.push({ path, value: hidden ? MASK : value, from })
  }
  const piece = ({ name, settings, keys }: ChannelPiece, path: Keys, always = true): void => {
    if (always || Object.keys(settings).length > 0) add(settings, [...path, name], keys)
    else add(name, path, keys)
  }
  const steps = (list: readonly ChannelPiece[], path: Keys): void => {
    if (list.length === 0) add([], path, path)
    for (const [index, step] of list.entries()) piece(step, [...path, index])
  }
  const destination = (index: number): void => {
    const at: Keys = ['destinations', index]
    const one = definition.destinations[index]
    if (!one) return
    for (const key of Object.keys(Destination.properties)) {
      const path = [...at, key]
      if (key === 'to') piece(one.to, path)
      else if (key === 'steps') steps(one.steps, path)
      else if (key === 'partition') {
        if (!one.partition) continue
        add(one.partition.by, [...path, 'by'], yaml.scalar(path) ? path : [...path, 'by'])
        add(one.partition.lanes, [...path, 'lanes'], [...path, 'lanes'])
      } else add((one as unknown as Readonly<Record<string, unknown>>)[key], path, path)
    }
  }
  for (const key of Object.keys(ChannelFile.properties)) {
    if (key === 'source') piece(definition.source, [key])
    else if (key === 'format') piece(definition.format, [key], false)
    else if (key === 'steps') steps(definition.steps, [key])
    else if (key === 'destinations') definition.destinations.forEach((_, index) => { destination(index) })
    else if (key !== 'tests') add((definition as unknown as Readonly<Record<string, unknown>>)[key], [key], [key])
  }
  return values
}

/** A destination that a profile brings has a name that is written nowhere. */
const isDestinationName = (keys: Keys): boolean => keys.length === 3 && keys[0] === 'destinations' && keys[2] === 'name'

/** Where a value comes from, in words: `channels/a.yaml:4 ← REFERO_MLLP_PORT`. */
export const originWords = ({ kind, place, variables, unset, secrets, fields }: ValueOrigin): string => {
  const through = [
    ...fields.map(({ field, place: where, given }) => `with.${field}${given ? ` at ${withoutColumn(where)}` : ' by default'}`),
    ...variables.map((name) => (unset ? `${name}, not set` : name)),
    ...secrets.map((name) => `secret ${name}`),
  ]
  return [kind === 'default' || place === null ? 'default' : withoutColumn(place), ...through].join(' ← ')
}

const withoutColumn = (place: string): string => place.replace(/:\d+$/, '')

/** The channel as YAML, a comment beside each value that says where it comes from. */
export const explainedYaml = (values: readonly ExplainedValue[]): readonly string[] => {
  const lines = mapLines(nested(values), 0, '')
  const column = Math.min(WIDEST, Math.max(0, ...lines.filter(({ comment }) => comment).map(({ text }) => text.length)))
  return lines.map(({ text, comment }) => (comment ? `${text.padEnd(column)}  # ${comment}` : text))
}

const WIDEST = 64 // characters before the comments; longer values push theirs out

/** The same as plain data, each value as `of` gives it. */
export const dataOf = (values: readonly ExplainedValue[], of: (value: ExplainedValue) => unknown): Readonly<Record<string, unknown>> => {
  const data = (node: Nested | ExplainedValue): unknown => {
    if (!(node instanceof Map)) return of(node)
    const entries = [...node].map(([key, child]) => [key, data(child)] as const)
    return typeof entries[0]?.[0] === 'number' ? entries.map(([, child]) => child) : Object.fromEntries(entries)
  }
  return data(nested(values)) as Readonly<Record<string, unknown>>
}

type Nested = Map<string | number, Nested | ExplainedValue>
interface Line { readonly text: string; readonly comment: string }

const nested = (values: readonly ExplainedValue[]): Nested => {
  const root: Nested = new Map()
  for (const value of values) {
    let node = root
    for (const key of value.path.slice(0, -1)) {
      const next = node.get(key)
      const below: Nested = next instanceof Map ? next : new Map()
      node.set(key, below)
      node = below
    }
    node.set(value.path.at(-1) ?? '', value)
  }
  return root
}

const mapLines = (map: Nested, indent: number, first: string): Line[] =>
  [...map].flatMap(([key, child], index) => {
    const start = `${index === 0 ? first : ' '.repeat(indent)}${written(key)}:`
    if (!(child instanceof Map)) return [{ text: `${start} ${written(child.value)}`, comment: originWords(child.from) }]
    const isList = typeof [...child.keys()][0] === 'number'
    return [{ text: start, comment: '' }, ...(isList ? listLines(child, indent + 2) : mapLines(child, indent + 2, ' '.repeat(indent + 2)))]
  })

const listLines = (list: Nested, indent: number): Line[] =>
  [...list.values()].flatMap((item) => {
    const dash = `${' '.repeat(indent)}- `
    if (!(item instanceof Map)) return [{ text: `${dash}${written(item.value)}`, comment: originWords(item.from) }]
    return typeof [...item.keys()][0] === 'number' ? [{ text: dash.trimEnd(), comment: '' }, ...listLines(item, indent + 2)] : mapLines(item, indent + 2, dash)
  })

const written = (value: unknown): string => {
  const text = stringify(value, { lineWidth: 0 }).trimEnd()
  return text.includes('\n') ? JSON.stringify(value) : text
}
