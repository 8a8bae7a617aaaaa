/** Message maps, mappings/fields/<name>.yaml: which segments make which resources, and who points at whom. */
import { type Static, Type } from 'typebox'
import { type MapTools, madeOnce } from './made-once.js'
import { type Condition, condition } from './condition.js'
import { type ElementPath, elementPath } from './element-path.js'
import { type FieldPath, fieldPath } from './field-path.js'
import type { FormName } from './forms.js'
import { check, didYouMean } from './mapping-errors.js'
import { isResource, resourceTypes } from './r4.js'
import { type SegmentMap, segmentMap } from './segment-map.js'
import type { Groups } from './segment-tree.js'

const Words = Type.Union([Type.String(), Type.Array(Type.String(), { minItems: 1 })])
const Where = Type.Record(Type.String(), Words) // { PRD-1: RP }

/**
 * Who is pointed at: a resource's name, or one of which something holds (`where`), or only if something holds here (`when`), or one
 * of the whole message that says in a field what we say in another (`same: { SPM-2.1: OBX-33.1 }`, theirs first).
 */
const Target = Type.Union([Type.String(), Type.Object({
  to: Type.String(), where: Type.Optional(Where), when: Type.Optional(Type.String()), same: Type.Optional(Type.Record(Type.String(), Type.String())),
}, { additionalProperties: false })])
const Targets = Type.Union([Target, Type.Array(Target, { minItems: 1 })])

const ResourceFields = {
  segment: Type.Optional(Words), // selectors: PRD, /NTE, OBR/OBX; the first that is there, by group
  where: Type.Optional(Where),
  when: Type.Optional(Type.String()), // a condition
  each: Type.Optional(Type.Boolean()), // one resource for every such segment, not only the first
  to: Type.Optional(Type.String()), // the resource, where no row says it
  rows: Type.Optional(Type.Record(Type.String(), Words)), // segment (seen from this one): its map
  set: Type.Optional(Type.Record(Type.String(), Type.Unknown())), // what is so where no row says otherwise
  needs: Type.Optional(Words), // made only where one of these is
}

/** The content of a message map. In a resource, every other key is a FHIR path and its value who it points at. */
export const MessageMapFile = Type.Object({
  format: Type.Optional(Type.Enum(['hl7v2', 'x12'], { default: 'hl7v2', description: 'What is mapped.' })),
  messages: Type.Array(Type.String({ pattern: '^[A-Z0-9]{3}\\^(?:[A-Z0-9]{3}|[a-z]{4,20})$' }), { minItems: 1 }),
  groups: Type.Optional(Type.Record(Type.String(), Type.Array(Type.String()))),
  require: Type.Optional(Type.Array(Type.String())), // PID, PID-3, or one of RF1|ORC
  expect: Type.Optional(Type.Array(Type.String())), // the same, and the bundle tells that it is missing
  once: Type.Optional(Type.Array(Type.String(), { description: 'Segments that a message may have once: one with more is to be split before.' })),
  ignore: Type.Optional(Type.Record(Type.String(), Type.Array(Type.String()), { description: 'Fields that a bundle need not carry, by the reason why.' })),
  resources: Type.Record(Type.String(), Type.Object(ResourceFields, { additionalProperties: Targets })),
}, { additionalProperties: false })

export interface Link {
  readonly element: ElementPath
  readonly to: readonly LinkTarget[] // in order of preference
}

export interface LinkTarget {
  readonly name: string
  readonly where: readonly FieldTest[] // of the segment pointed at
  readonly when: Condition | null // of the segment that points
  readonly same: readonly { readonly theirs: FieldPath; readonly ours: FieldPath }[]
}

export interface FieldTest {
  readonly path: FieldPath
  readonly values: readonly string[]
}

export interface ResourceMap {
  readonly name: string
  readonly type: string
  readonly selectors: readonly string[]
  readonly where: readonly FieldTest[]
  readonly when: Condition | null
  readonly each: boolean
  readonly rows: readonly { readonly selector: string; readonly map: SegmentMap }[]
  readonly set: readonly { readonly element: ElementPath; readonly value: unknown }[]
  readonly needs: readonly string[]
  readonly links: readonly Link[]
}

export interface MessageMap {
  readonly format: FormName
  readonly messages: readonly string[]
  readonly groups: Groups
  readonly require: readonly (readonly FieldPath[])[] // of each one at least
  readonly expect: readonly (readonly FieldPath[])[] // of each one at least, or the bundle tells
  readonly once: readonly string[]
  readonly ignored: ReadonlySet<string> // "PID-1"
  readonly resources: readonly ResourceMap[]
}

const RESERVED = Object.keys(ResourceFields)

/** Reads `mappings/fields/<name>.yaml` and the segment maps it names. Throws a sentence with file:line:column. */
export const messageMap = (name: string, tools: MapTools): MessageMap => read(tools.mapping(`fields/${name}`), tools)

const read = madeOnce((file, tools): MessageMap => {
  const value = check(MessageMapFile, file)
  const names = Object.keys(value.resources)
  const load = (map: string): SegmentMap => segmentMap(tools.mapping(`fields/segments/${map}`), tools)
  const resources = Object.entries(value.resources).map(([resource, entry]) => {
    const at = <T>(keys: readonly (string | number)[], read: () => T): T => {
      try {
        return read()
      } catch (error) {
        const sentence = error instanceof Error ? error.message : String(error)
        // A segment map has said its own place already.
        throw /^\S+:\d+:\d+: /.test(sentence) ? error : new Error(`${file.place('resources', resource, ...keys)}: ${sentence}.`)
      }
    }
    return resourceMap(resource, entry, names, load, at)
  })
  const ignored = new Set(Object.entries(value.ignore ?? {}).flatMap(([reason, fields]) => fields.map((text, at) => {
    const path = fieldPath(text)
    if (path?.field && path.component === null && !path.fromTop) return text
    throw new Error(`${file.place('ignore', reason, at)}: "${text}" is not a whole field, like PID-1.`)
  })))
  const needed = (key: 'require' | 'expect'): readonly (readonly FieldPath[])[] => (value[key] ?? []).map((text, at) => text.split('|').map((each) => {
    const path = fieldPath(each)
    if (!path) throw new Error(`${file.place(key, at)}: "${each}" is not a segment or a field, like PID or PID-3.`)
    return path
  }))
  return { format: value.format ?? 'hl7v2', messages: value.messages, groups: value.groups ?? {}, once: value.once ?? [], ignored, resources, require: needed('require'), expect: needed('expect') }
})

type Entry = Static<typeof MessageMapFile>['resources'][string]
type At = <T>(keys: readonly (string | number)[], read: () => T) => T

const resourceMap = (name: string, entry: Entry, names: readonly string[], load: (map: string) => SegmentMap, at: At): ResourceMap => {
  const rows = Object.entries(entry.rows ?? {}).flatMap(([selector, maps]) => list(maps).map((map) => ({ selector, map: at(['rows', selector], () => load(map)) })))
  const type = at(['to'], () => typeOf(entry.to, rows.map(({ map }) => map)))
  const known = (key: string, wanted: string): string => at([key], () => {
    if (!names.includes(wanted)) throw new Error(`no resource here is called "${wanted}"; there are ${names.join(', ')}${didYouMean(wanted, names)}`)
    return wanted
  })
  const tests = (where: Static<typeof Where> | undefined, ...keys: readonly string[]): readonly FieldTest[] =>
    Object.entries(where ?? {}).map(([path, values]) => ({ path: at([...keys, path], () => fieldOf(path)), values: list(values) }))
  const target = (key: string, wanted: Static<typeof Target>): LinkTarget => typeof wanted === 'string'
    ? { name: known(key, wanted), where: [], when: null, same: [] }
    : {
      name: known(key, wanted.to), where: at([key], () => tests(wanted.where, key)), when: wanted.when === undefined ? null : at([key], () => condition(wanted.when ?? '')),
      same: at([key], () => Object.entries(wanted.same ?? {}).map(([theirs, ours]) => ({ theirs: fieldOf(theirs), ours: fieldOf(ours) }))),
    }
  const links = Object.entries(entry).filter(([key]) => !RESERVED.includes(key)).map(([key, wanted]): Link => ({
    element: at([key], () => linkPath(key, type)), to: [wanted as Static<typeof Target>].flat().map((each) => target(key, each)),
  }))
  return {
    name, type, rows, links,
    selectors: list(entry.segment ?? 'MSH'),
    where: tests(entry.where, 'where'),
    when: entry.when === undefined ? null : at(['when'], () => condition(entry.when ?? '')),
    each: entry.each ?? false,
    set: Object.entries(entry.set ?? {}).map(([path, value]) => ({ element: at(['set', path], () => elementPath(path, type)), value })),
    needs: list(entry.needs).map((each) => known('needs', each)),
  }
}

const list = (words: string | readonly string[] | undefined): readonly string[] => (words === undefined ? [] : typeof words === 'string' ? [words] : words)

const fieldOf = (text: string): FieldPath => {
  const path = fieldPath(text)
  if (!path || path.field === null) throw new Error(`"${text}" is not a field, like PRD-1`)
  return path
}

const typeOf = (to: string | undefined, maps: readonly SegmentMap[]): string => {
  const types = [...new Set([...(to ? [to] : []), ...maps.map((map) => map.to)])]
  const [type] = types
  if (!type) throw new Error('the resource needs rows, or `to:` with the name of a FHIR resource')
  if (types.length > 1) throw new Error(`the rows make ${types.join(' and ')}; one resource is of one type`)
  if (!isResource(type)) throw new Error(`FHIR R4 has no resource "${type}"${didYouMean(type, resourceTypes())}`)
  return type
}

/** A key that is not one of the language's own is a FHIR path to something that can point at a resource. */
const linkPath = (key: string, type: string): ElementPath => {
  let element: ElementPath
  try {
    element = elementPath(key, type)
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : error}; a resource here has ${RESERVED.join(', ')} and FHIR paths${didYouMean(key, RESERVED)}`)
  }
  if (['Reference', 'url', 'uri'].includes(element.type)) return element
  throw new Error(`${key} is a ${element.type} and cannot point at a resource`)
}
