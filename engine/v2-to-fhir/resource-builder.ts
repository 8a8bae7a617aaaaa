/** Builds one resource, value by value, remembering where each came from. */
import { isDeepStrictEqual } from 'node:util'
import { type ElementPath, type Step, urlOf } from './element-path.js'
import { type Draft, type Origin, type Own, type Settled, assign, below, detached, settle } from './draft.js'
import { isPrimitive } from './r4.js'

type Json = Record<string, unknown>

export interface ResourceBuilder {
  readonly json: Json
  readonly origins: Origin[] // paths from the resource: "name[0].family"
  /** The list items that labels stand for, by path, label and source. */
  readonly items: Map<string, number>
  /** Makes a resource of its own, and says how it is referred to. */
  readonly refer: Refer
}

/** `origin` is that of what the draft says without one of its own: that a place is an instance. */
export type Refer = (own: Own, origin: string) => Draft | undefined

export const resourceBuilder = (type: string, refer: Refer): ResourceBuilder => ({ json: { resourceType: type }, origins: [], items: new Map(), refer })

/** Types whose parts may come from several rows; everything else is taken whole from the first row that has it. */
const JOINED = new Set(['Quantity', 'Period', 'Range', 'Ratio', 'Attachment', 'Timing', 'Timing_Repeat', 'Annotation', 'Meta'])

/**
 * Writes a draft at a path. Lists get an item each time, or share one by label and `source` (a segment and its repetition).
 * What is there already stays. Returns 'empty' where the draft has nothing, 'taken' where another value was first.
 */
export const place = (builder: ResourceBuilder, path: ElementPath, draft: Draft | undefined, origin: string, source: string): 'placed' | 'empty' | 'taken' => {
  const settled = settle(detached(draft, (own) => builder.refer(own, origin)), origin)
  if (!settled) return 'empty'
  const last = path.steps.at(-1)
  if (!last) return join(builder, builder.json, settled, '')
  let at = ''
  let container = builder.json
  for (const step of path.steps) {
    if (step === last) break
    const entered = enter(builder, container, step, at, source)
    container = entered.container
    at = entered.at
  }
  return write(builder, container, last, at, settled, source)
}

/** The container of the next step, made where it is not there yet. */
const enter = (builder: ResourceBuilder, container: Json, step: Step, at: string, source: string): { container: Json; at: string } => {
  const path = at ? `${at}.${step.name}` : step.name
  const name = isPrimitive(step.type) ? `_${step.name}` : step.name
  if (!step.list) {
    container[name] ??= {}
    return { container: container[name] as Json, at: path }
  }
  container[name] ??= []
  const list = container[name] as Json[]
  const index = itemOf(builder, list, step, path, source)
  return { container: list[index] as Json, at: `${path}[${index}]` }
}

const itemOf = (builder: ResourceBuilder, list: Json[], step: Step, path: string, source: string): number => {
  // A label that is the segment's own name stands for one item of the whole segment, `*` for one of all segments, others for one a repetition.
  const whole = step.label !== null && /^[A-Z][A-Z0-9]{2}$/.test(step.label)
  const key = `${path} ${step.label} ${step.label === '*' ? '' : whole ? source.split(' ')[0] : source}`
  const known = step.label === null ? undefined : builder.items.get(key)
  if (known !== undefined) return known
  list.push(step.name === 'extension' && step.label ? { url: urlOf(step.label) } : {})
  builder.items.set(key, list.length - 1)
  return list.length - 1
}

const write = (builder: ResourceBuilder, container: Json, step: Step, at: string, settled: Settled, source: string): 'placed' | 'taken' => {
  const path = at ? `${at}.${step.name}` : step.name
  if (!step.list) {
    const there = container[step.name]
    if (there !== undefined && JOINED.has(step.type)) return join(builder, there as Json, settled, path)
    if (there !== undefined || (settled.beside && container[`_${step.name}`] !== undefined)) return 'taken'
    assign(container, step.name, settled)
    builder.origins.push(...below(path, settled.origins))
    return 'placed'
  }
  container[step.name] ??= []
  const list = container[step.name] as unknown[]
  // Messages repeat an order's number in several segments: the same identifier is there once, and came from all of them.
  const same = step.type === 'Identifier' ? list.findIndex((item) => isDeepStrictEqual(item, settled.value)) : -1
  if (same >= 0) {
    builder.origins.push(...below(`${path}[${same}]`, settled.origins))
    return 'placed'
  }
  if (step.label !== null && settled.value && typeof settled.value === 'object' && !Array.isArray(settled.value)) {
    const index = itemOf(builder, list as Json[], step, path, source)
    return join(builder, list[index] as Json, settled, `${path}[${index}]`)
  }
  append(builder, container, list, step.name, path, settled)
  return 'placed'
}

/** Adds one value, or several where the draft is a list itself. */
const append = (builder: ResourceBuilder, container: Json, list: unknown[], name: string, path: string, settled: Settled): void => {
  const several = Array.isArray(settled.value)
  const values: readonly unknown[] = several ? (settled.value as unknown[]) : [settled.value ?? null]
  const first = list.length
  const origins = settled.origins.map((origin) =>
    several ? { ...origin, path: origin.path.replace(/^\[(\d+)\]/, (_, index: string) => `[${first + Number(index)}]`) } : { ...origin, path: `[${first}]${origin.path}` })
  list.push(...values)
  if (settled.beside) {
    container[`_${name}`] ??= []
    const besides = container[`_${name}`] as unknown[]
    while (besides.length < first) besides.push(null)
    besides.push(...(several ? (settled.beside as unknown as unknown[]) : [settled.beside]))
  }
  builder.origins.push(...below(path, origins))
}

/** Adds what is not there yet; the lists of the resource itself get longer. */
const join = (builder: ResourceBuilder, into: Json, settled: Settled, path: string): 'placed' | 'taken' => {
  const value = (settled.value ?? {}) as Json
  const written = new Map<string, (index: number) => number>() // the names written, and where the items of their lists are now
  for (const [name, part] of Object.entries(value)) {
    const there = into[name]
    if (there !== undefined && !(path === '' && Array.isArray(there) && Array.isArray(part))) continue
    const list = Array.isArray(there) ? [...there] : null
    const places = list && (part as readonly unknown[]).map((item) => {
      const same = list.findIndex((known) => saysAll(known, item))
      return same < 0 ? list.push(item) - 1 : same
    })
    written.set(name.replace(/^_/, ''), (index) => places?.[index] ?? index)
    into[name] = list ?? part
  }
  for (const origin of settled.origins) {
    const [, name = '', index, rest = ''] = /^\.([A-Za-z]+)(?:\[(\d+)\])?(.*)$/.exec(origin.path) ?? []
    const moved = written.get(name)
    if (!moved) continue
    const item = index === undefined ? '' : `[${moved(Number(index))}]`
    builder.origins.push({ ...origin, path: `${path ? `${path}.` : ''}${name}${item}${rest}` })
  }
  return written.size > 0 ? 'placed' : 'taken'
}

/** What says all that another says: the same number without its authority, the same name without its degree. */
const saysAll = (known: unknown, item: unknown): boolean => {
  if (typeof known !== 'object' || typeof item !== 'object' || known === null || item === null || Array.isArray(item)) return isDeepStrictEqual(known, item)
  return Object.entries(item).every(([name, part]) => isDeepStrictEqual((known as Json)[name], part))
}
