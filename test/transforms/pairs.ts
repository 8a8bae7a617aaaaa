/** Other people's pairs of a message and its bundle: what theirs says, and how much of it ours says too. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Bundle } from 'fhir/r4.js'
import { MessageFault } from '../../engine/errors.js'
import { openMappings } from '../../engine/mappings.js'
import { readCoverage } from '../../engine/v2-to-fhir/coverage-files.js'
import toFhir from '../../transforms/to-fhir/index.js'
import { message, ROOT, tools } from '../engine/v2-to-fhir/kit.js'

/** What is counted: resources by how many there are of a type, all else once a bundle and type of resource. */
export const KINDS = ['resource', 'identifier', 'name', 'date', 'code', 'reference', 'telecom', 'address', 'value'] as const
export type Kind = (typeof KINDS)[number]

/** "identifier Patient 10006579": its kind, the type of the resource and what it says. */
export type Fact = `${Kind} ${string}`

export interface Pair {
  readonly name: string // "ADT01-23"
  readonly type: string // "microsoft ADT^A01"
  readonly message: string // paths
  readonly expected: string
}

export const CORPORA = join(ROOT, '../shared/corpora')

/** Every pair of the corpus; none where there is no corpus. */
export const pairs = (): readonly Pair[] => {
  const index = join(CORPORA, 'v2-to-fhir/index.json')
  if (!existsSync(index)) return []
  return (JSON.parse(readFileSync(index, 'utf8')) as { source: string; type: string; msg: string; expected: string }[]).map(({ source, type, msg, expected }) => ({
    name: msg.replace(/^.*\/|\.hl7$/g, ''),
    type: `${source.startsWith('microsoft') ? 'microsoft' : 'reportstream'} ${type.replace('_', '^').split('^').slice(0, 2).join('^')}`,
    message: join(CORPORA, msg), expected: join(CORPORA, expected),
  }))
}

const { maps, names } = readCoverage(join(ROOT, 'mappings'), openMappings(join(ROOT, 'mappings')))
const steps = new Map<string, ReturnType<typeof toFhir.create>>()

/** Our bundle of a message, or null where no mapping is for its type. */
export const ours = async (pair: Pair): Promise<Bundle | null> => {
  const [, type = ''] = pair.type.split(' ')
  const at = maps.findIndex(({ messages }) => messages.includes(type))
  const name = names[at]
  if (name === undefined) return null
  const step = steps.get(name) ?? toFhir.create({ with: name, timezone: 'UTC' }, tools)
  steps.set(name, step)
  // The corpus has messages with a byte order mark, with line feeds, and with blanks at the ends of lines.
  const text = readFileSync(pair.message, 'utf8').replace(/^\uFEFF/, '').split(/[\r\n]+/).filter(Boolean).join('\r')
  const result = await attempt(() => step(message(Buffer.from(text))))
  if (result === null) return { resourceType: 'Bundle', type: 'collection' }
  return Array.isArray(result) ? ((result[0]?.body ?? null) as Bundle | null) : null
}

/** A message that its map refuses (some of the corpus are a header and one segment) has no facts. */
const attempt = async <Result>(run: () => Result | Promise<Result>): Promise<Result | null> => {
  try {
    return await run()
  } catch (error) {
    if (error instanceof MessageFault && error.fault.kind === 'required') return null
    throw error
  }
}

export const theirs = (pair: Pair): Bundle => JSON.parse(readFileSync(pair.expected, 'utf8').replace(/^\uFEFF/, '')) as Bundle

type Json = Readonly<Record<string, unknown>>

/** Extensions that only their makers know, and what a converter writes about itself. */
const PRIVATE = /reportstream\.cdc\.gov|example\.com/
const UNSAID = new Set(['id', 'text', 'request', 'fullUrl', 'resourceType', 'url', 'system', 'display', 'use', 'rank', 'version', 'lastUpdated', 'versionId', 'title', 'contentType', 'data'])

/** The facts of a bundle; where something is so several times, `~2` and so on mark the further ones. */
export const facts = (bundle: Bundle): ReadonlySet<Fact> => {
  const found = new Set<Fact>()
  const types = new Map<string, string>()
  const resources = (bundle.entry ?? []).flatMap(({ fullUrl, resource }) => (resource ? [{ fullUrl, resource }] : []))
  const counts = new Map<string, number>()
  for (const { fullUrl, resource } of resources) {
    if (fullUrl) types.set(fullUrl, resource.resourceType)
    types.set(`${resource.resourceType}/${resource.id}`, resource.resourceType)
    const count = (counts.get(resource.resourceType) ?? 0) + 1
    counts.set(resource.resourceType, count)
    found.add(`resource ${resource.resourceType}${count > 1 ? `~${count}` : ''}`)
  }
  for (const { resource } of resources) {
    if (resource.resourceType === 'OperationOutcome') continue
    walk(resource as unknown as Json, '', resource.resourceType, types, (kind, value) => found.add(`${kind} ${resource.resourceType} ${value}`))
  }
  return found
}

const walk = (value: unknown, key: string, path: string, types: ReadonlyMap<string, string>, say: (kind: Kind, value: string) => void): void => {
  if (Array.isArray(value)) {
    for (const item of value) walk(item, key, path, types, say)
    return
  }
  if (typeof value === 'object' && value !== null) {
    const held = value as Json
    if (PRIVATE.test(String(held.url ?? ''))) return
    if (typeof held.reference === 'string') say('reference', `${path.split('.').slice(1).join('.')} ${types.get(held.reference) ?? held.reference.split('/')[0]}`)
    for (const [name, part] of Object.entries(held)) {
      if (UNSAID.has(name) || (name === 'meta' && key === '')) continue
      walk(part, name === 'value' && /dentifier$|^requisition$/.test(key) ? 'identifier' : name, name.startsWith('_') ? path : `${path}.${name}`, types, say)
    }
    return
  }
  const kind = kindOf(key, value, path)
  if (kind) say(kind, kind === 'date' ? instant(String(value)) : String(value).trim().toLowerCase())
}

const DATE = /^\d{4}(-\d\d(-\d\d(T[\d:.]+(Z|[+-]\d\d:\d\d)?)?)?)?$/

const kindOf = (key: string, value: unknown, path: string): Kind | null => {
  if (key === 'reference' || value === null) return null
  if (key === 'identifier') return 'identifier'
  if (/\.(name|contact\.name)\.(family|given|suffix|prefix)$/.test(path) || (key === 'name' && typeof value === 'string')) return 'name'
  if (/\.telecom\.value$/.test(path)) return 'telecom'
  if (/\.address\.(line|city|state|postalCode|country|district)$/.test(path)) return 'address'
  if (typeof value === 'string' && DATE.test(value)) return 'date'
  return key === 'code' ? 'code' : 'value'
}

/** The same instant however it is written; a date as it is. */
const instant = (text: string): string => (text.length > 10 && !Number.isNaN(Date.parse(text)) ? new Date(text).toISOString().slice(0, 19) : text)
