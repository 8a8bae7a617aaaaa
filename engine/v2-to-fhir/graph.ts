/** The resources of a bundle, and the way from one to another along its references. */
import { isResource } from './r4.js'

export type Json = Readonly<Record<string, unknown>>

export interface Graph {
  readonly resources: readonly Json[]
  /** What is at a path from a resource: the resources its references lead to. A resource type leads to all of that type. */
  follow(from: Json, path: readonly string[]): readonly Json[]
  /** The resource that a reference leads to, with what that is part of, or whose role it is, in place of the reference. */
  whole(value: unknown): unknown
}

/** A place is part of a place, and a role is somebody's: what a field holds of resources beyond the first. */
const FURTHER = ['partOf', 'practitioner']
const DEEPEST = 8

/** The graph of a Bundle; another resource is one of itself alone. */
export const graph = (body: Json): Graph => {
  const entries = (body.resourceType === 'Bundle' ? (body.entry as readonly Json[] | undefined) ?? [] : [{ resource: body }])
  const byUrl = new Map<string, Json>()
  const resources: Json[] = []
  for (const { fullUrl, resource } of entries as readonly { readonly fullUrl?: string; readonly resource?: Json }[]) {
    if (!resource) continue
    resources.push(resource)
    if (fullUrl) byUrl.set(fullUrl, resource)
    byUrl.set(`${resource.resourceType}/${resource.id}`, resource)
  }
  const resolve = (value: unknown): Json | undefined => {
    if (typeof value === 'string') return byUrl.get(value)
    const held = value as Json
    return typeof held.reference === 'string' ? byUrl.get(held.reference) : held
  }
  const follow = (from: Json, path: readonly string[]): readonly Json[] => {
    const [step, ...rest] = path
    if (step === undefined) return [from]
    const held = from[step]
    const values: readonly unknown[] = held === undefined ? [] : Array.isArray(held) ? held : [held]
    const next = isResource(step) ? resources.filter(({ resourceType }) => resourceType === step) : values.map(resolve).filter((each) => each !== undefined)
    return next.flatMap((each) => follow(each, rest))
  }
  const whole = (value: unknown, depth = 0): unknown => {
    const held = typeof value === 'object' && value !== null ? resolve(value) : undefined
    if (!held || depth === DEEPEST) return value
    const further = FURTHER.filter((name) => held[name] !== undefined).map((name) => [name, whole(held[name], depth + 1)])
    return { ...held, ...Object.fromEntries(further) }
  }
  return { resources, follow, whole: (value) => whole(value) }
}

/** Whether a value has everything that a pattern has, lists in any order. */
export const matches = (value: unknown, pattern: unknown): boolean => {
  if (Array.isArray(pattern)) return Array.isArray(value) && pattern.every((wanted) => value.some((each) => matches(each, wanted)))
  if (Array.isArray(value)) return value.some((each) => matches(each, pattern))
  if (typeof pattern !== 'object' || pattern === null) return value === pattern
  return typeof value === 'object' && value !== null && Object.entries(pattern).every(([name, wanted]) => matches((value as Json)[name], wanted))
}
