/** Compares what two channels say, value by value: destinations by their names, lists of steps by what is in them. */
import { dataOf, type ExplainedValue, originWords } from './explain.js'

/** One setting that differs; undefined: it is not there. */
export interface Change {
  readonly path: string // `destinations.epic.to.mllp.port`, `steps[2].set.MSH-5`
  readonly before: unknown
  readonly after: unknown
  readonly from: string | null // where the new value comes from, in words; of what is gone, where it was
}

export interface ValueChanges {
  readonly settings: readonly Change[]
  readonly destinations: { readonly added: readonly string[]; readonly removed: readonly string[]; readonly renamed: readonly { readonly from: string; readonly to: string }[] }
}

type Data = Readonly<Record<string, unknown>>

/** What differs from `before` to `after`. A destination that only has another name is renamed. */
export const changesBetween = (before: readonly ExplainedValue[], after: readonly ExplainedValue[]): ValueChanges => {
  const { destinations: hadList, ...had } = dataOf(before, secretsNamed)
  const { destinations: hasList, ...has } = dataOf(after, secretsNamed)
  const [was, is] = [byName(hadList), byName(hasList)]
  const gone = [...was.keys()].filter((name) => !is.has(name))
  const come = [...is.keys()].filter((name) => !was.has(name))
  const renamed = come.flatMap((to) => {
    const from = gone.find((name) => nameless(was.get(name)) === nameless(is.get(to)))
    return from === undefined ? [] : [{ from, to }]
  })
  const where = new Places(before, after)
  const settings = [...compared(had, has, ''), ...[...is].flatMap(([name, data]) => (was.has(name) ? compared(was.get(name), data, `destinations.${name}`) : []))]
  return {
    settings: settings.map((change) => ({ ...change, from: where.of(change) })),
    destinations: {
      added: come.filter((name) => !renamed.some(({ to }) => to === name)),
      removed: gone.filter((name) => !renamed.some(({ from }) => from === name)),
      renamed,
    },
  }
}

/** A secret differs where its name does: its value is never looked at. */
const secretsNamed = ({ value, from }: ExplainedValue): unknown => (from.secrets.length > 0 ? from.secrets.map((name) => `\${secret:${name}}`).join('') : value)

const byName = (list: unknown): Map<string, Data> => new Map((Array.isArray(list) ? (list as Data[]) : []).map((data) => [String(data.name), data]))
const nameless = (data: Data | undefined): string => JSON.stringify({ ...data, name: null })

type Difference = Omit<Change, 'from'>

/** Plain data, compared key by key; a list of steps item by item, any other list as a whole. */
export const compared = (before: unknown, after: unknown, path: string): Difference[] => {
  if (same(before, after)) return []
  if (isRecord(before) && isRecord(after)) {
    return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((key) => compared(before[key], after[key], path ? `${path}.${key}` : key))
  }
  if (Array.isArray(before) && Array.isArray(after) && [...before, ...after].every(isRecord)) return steps(before, after, path)
  return [{ path, before, after }]
}

/** Steps that are the same in both, in order, stay; between them, steps of the same name are taken to have changed. */
const steps = (before: readonly Data[], after: readonly Data[], path: string): Difference[] => {
  const kept = common(before.map(text), after.map(text))
  const found: Difference[] = []
  let [b, a] = [0, 0]
  for (const [nextB, nextA] of [...kept, [before.length, after.length] as const]) {
    const out = before.slice(b, nextB)
    const into = after.slice(a, nextA)
    for (const [index, step] of into.entries()) {
      const here = `${path}[${a + index + 1}]`
      const match = out.findIndex((each) => Object.keys(each).join() === Object.keys(step).join())
      const [old] = match < 0 ? [] : out.splice(match, 1)
      found.push(...(old ? compared(old, step, here) : [{ path: here, before: undefined, after: step }]))
    }
    for (const step of out) found.push({ path: `${path}[${before.indexOf(step) + 1}]`, before: step, after: undefined })
    ;[b, a] = [nextB + 1, nextA + 1]
  }
  return found
}

/** The positions of the longest sequence that both lists have. */
const common = (before: readonly string[], after: readonly string[]): readonly (readonly [number, number])[] => {
  const longest = Array.from({ length: before.length + 1 }, () => new Array<number>(after.length + 1).fill(0))
  const at = (b: number, a: number): number => longest[b]?.[a] ?? 0
  for (let b = before.length - 1; b >= 0; b--) {
    for (let a = after.length - 1; a >= 0; a--) (longest[b] as number[])[a] = before[b] === after[a] ? at(b + 1, a + 1) + 1 : Math.max(at(b + 1, a), at(b, a + 1))
  }
  const found: [number, number][] = []
  for (let b = 0, a = 0; b < before.length && a < after.length;) {
    if (before[b] === after[a]) found.push([b++, a++])
    else if (at(b + 1, a) >= at(b, a + 1)) b++
    else a++
  }
  return found
}

const text = (value: unknown): string => JSON.stringify(value)
const same = (a: unknown, b: unknown): boolean => JSON.stringify(sorted(a)) === JSON.stringify(sorted(b))
const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted)
  if (!isRecord(value)) return value
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, sorted(value[key])]))
}
const isRecord = (value: unknown): value is Data => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Finds where the values of a change come from. */
class Places {
  readonly #before: ReadonlyMap<string, string>
  readonly #after: ReadonlyMap<string, string>

  constructor(before: readonly ExplainedValue[], after: readonly ExplainedValue[]) {
    this.#before = places(before)
    this.#after = places(after)
  }

  of({ path, after }: Difference): string | null {
    const [in_, key] = after === undefined ? [this.#before, path] : [this.#after, path]
    return in_.get(key) ?? [...in_].find(([each]) => each.startsWith(`${key}.`) || each.startsWith(`${key}[`))?.[1] ?? null
  }
}

const places = (values: readonly ExplainedValue[]): Map<string, string> => {
  const names = new Map(values.filter(({ path }) => path.length === 3 && path[0] === 'destinations' && path[2] === 'name').map(({ path, value }) => [path[1], String(value)]))
  return new Map(values.map(({ path, from }) => {
    const written = path.map((key, index) => (index === 1 && path[0] === 'destinations' ? `.${names.get(key)}` : typeof key === 'number' ? `[${key + 1}]` : index === 0 ? key : `.${key}`))
    return [written.join(''), originWords(from)]
  }))
}
