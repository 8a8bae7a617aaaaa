/** What is given to the engine: each version of a resource once, alone or with what comes along. */
import { createHash } from 'node:crypto'
import type { Receive } from '../../engine/contracts.js'
import { Ended, type Resource } from './exchange.js'

const MOST_REMEMBERED = 50_000 // beyond that the store alone knows what is twice
const DEEPEST = 3 // references that are followed to what comes along

export type Give = (resource: Resource, beside?: readonly Resource[]) => Promise<void>

/** Rejects with `Ended` where the engine cannot keep it now. What it rejects is kept there for a person. */
export const giving = (receive: Receive, base: string): Give => {
  const server = base.replace(/\/$/, '')
  const given = new Set<string>()
  return async (resource, beside = []) => {
    const key = `fhir:${server}:${resource.resourceType}/${String(resource.id)}/_history/${versionOf(resource)}`
    if (given.has(key)) return
    const along = besides(resource, beside)
    const entry = [resource, ...along].map((each) => ({ fullUrl: `${server}/${each.resourceType}/${String(each.id)}`, resource: each }))
    const body = along.length === 0 ? resource : { resourceType: 'Bundle', type: 'collection', entry }
    const { verdict } = await receive({ bytes: Buffer.from(JSON.stringify(body)), origin: server, key }).catch(() => ({ verdict: 'error' as const }))
    if (verdict === 'error') throw new Ended({ kind: 'unavailable', reason: 'the engine could not keep a message' })
    if (given.size >= MOST_REMEMBERED) given.clear()
    given.add(key)
  }
}

/** The server's own version; of one that has none, what it holds. */
const versionOf = (resource: Resource): string => {
  const { versionId } = (resource.meta ?? {}) as { readonly versionId?: unknown }
  return typeof versionId === 'string' && versionId !== '' ? versionId : `sha256-${createHash('sha256').update(JSON.stringify(resource)).digest('hex')}`
}

/** Of `others`, what the resource refers to, and what that refers to. */
const besides = (resource: Resource, others: readonly Resource[]): readonly Resource[] => {
  const found = new Set<Resource>()
  let from: readonly Resource[] = [resource]
  for (let depth = 0; depth < DEEPEST && from.length > 0; depth++) {
    const names = new Set(from.flatMap(references))
    from = others.filter((other) => other !== resource && !found.has(other) && names.has(`${other.resourceType}/${String(other.id)}`))
    for (const each of from) found.add(each)
  }
  return [...found]
}

const references = (value: unknown): readonly string[] => {
  if (Array.isArray(value)) return value.flatMap(references)
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, each]) => (name === 'reference' && typeof each === 'string' ? [each.split('/').filter((step) => step !== '').slice(-2).join('/')] : references(each)))
}
