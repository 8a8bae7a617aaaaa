/** Outgoing maps, mappings/fields/<message>.yaml: which segments a FHIR bundle becomes, in which order, from which resources. */
import { Type, type Static } from 'typebox'
import { type MapTools, madeOnce } from './made-once.js'
import { type FieldPath, fieldPath } from './field-path.js'
import { check, didYouMean } from './mapping-errors.js'
import { elementOf, isResource, resourceTypes } from './r4.js'
import { type SegmentMap, segmentMap } from './segment-map.js'

const Segment = Type.Cyclic({
  Segment: Type.Object({
    segment: Type.String({ pattern: '^[A-Z][A-Z0-9]{2}$' }),
    each: Type.Optional(Type.String({ description: 'One segment for every resource at this path, seen from the request or the segment above: `reasonReference`, `requester.practitioner`; `RelatedPerson` for all of that type.' })),
    split: Type.Optional(Type.String({ description: 'One segment for every item of this list of the resource.' })),
    rows: Type.Record(Type.String(), Type.Union([Type.String(), Type.Array(Type.String())]), { description: 'Segment map: the path, or several, from the resource to the one that it reads, "." for itself. Without any, the segment is always there.' }),
    set: Type.Optional(Type.Record(Type.String(), Type.String(), { description: 'Fixed values; `$n` counts the segments of its name in its group, `$next` goes on from the last one in the message.' })),
    needs: Type.Optional(Type.String({ description: 'Left out where this field stays empty.' })),
    only: Type.Optional(Type.String({ description: 'Only for resources that have the fixed values of this map: a guarantor is a RelatedPerson with that role.' })),
    unless: Type.Optional(Type.String({ description: 'Not for resources that have the fixed values of this map; of `split` not for the items that its labels stand for.' })),
    after: Type.Optional(Type.Array(Type.String({ pattern: '^[A-Z][A-Z0-9]{2}$' }), { minItems: 1, description: 'Only where the message has one of these segments already.' })),
    otherwise: Type.Optional(Type.Array(Type.Ref('Segment'), { description: 'What is made where this makes no segment.' })),
    followed: Type.Optional(Type.Array(Type.Ref('Segment'), { description: 'The segments of its group.' })),
  }, { additionalProperties: false }),
}, 'Segment')

/** The content of an outgoing map. */
export const OutgoingMapFile = Type.Object({
  message: Type.String({ pattern: '^[A-Z0-9]{3}\\^[A-Z0-9]{3}\\^[A-Z0-9_]+$', description: 'MSH-9.' }),
  start: Type.Optional(Type.String({ description: 'The resource that the message is about, where paths start: ServiceRequest, unless another is named here.' })),
  events: Type.Optional(Type.Record(Type.String(), Type.String({ pattern: '^[A-Z0-9]{3}\\^[A-Z0-9]{3}\\^[A-Z0-9_]+$' }), { description: 'MSH-9 by that resource’s status and the event of table 0003 that it is tagged with (`cancelled S16`), by its status (`cancelled`) or by the event (`S13`): the first of these that is here.' })),
  set: Type.Optional(Type.Record(Type.String(), Type.String())),
  segments: Type.Array(Segment, { minItems: 1 }),
}, { additionalProperties: false })

export interface FixedField {
  readonly path: FieldPath
  readonly value: string
}

export interface OutgoingSegment {
  readonly segment: string
  readonly each: readonly string[]
  readonly split: string | null
  readonly rows: readonly { readonly map: SegmentMap; readonly path: readonly string[] }[]
  readonly set: readonly FixedField[]
  readonly needs: FieldPath | null
  readonly only: SegmentMap | null
  readonly unless: SegmentMap | null
  readonly after: readonly string[] | null
  readonly followed: readonly OutgoingSegment[]
  readonly otherwise: readonly OutgoingSegment[]
}

export interface OutgoingMap {
  readonly message: string
  readonly start: string
  readonly events: Readonly<Record<string, string>>
  readonly set: readonly FixedField[]
  readonly segments: readonly OutgoingSegment[]
}

type Entry = Static<typeof Segment>
type Keys = readonly (string | number)[]

/** Reads `mappings/fields/<name>.yaml`. Throws a sentence with file:line:column. */
export const outgoingMap = (name: string, tools: MapTools): OutgoingMap => read(tools.mapping(`fields/${name}`), tools)

const read = madeOnce((file, tools): OutgoingMap => {
  const { message, start = 'ServiceRequest', events = {}, set, segments } = check(OutgoingMapFile, file)
  if (!isResource(start)) throw new Error(`${file.place('start')}: FHIR R4 has no resource "${start}"${didYouMean(start, resourceTypes())}.`)
  const load = (map: string): SegmentMap => segmentMap(tools.mapping(`fields/segments/${map}`), tools)
  const field = (text: string, segment: string, ...keys: Keys): FieldPath => {
    const path = fieldPath(text)
    if (path?.segment === segment && path.field !== null) return path
    throw new Error(`${file.place(...keys)}: "${text}" is not a field of ${segment}, like ${segment}-3.`)
  }
  const fixed = (values: Readonly<Record<string, string>> | undefined, segment: string, ...keys: Keys): readonly FixedField[] =>
    Object.entries(values ?? {}).map(([text, value]) => ({ path: field(text, segment, ...keys, text), value }))
  const segmentOf = (entry: Entry, ...keys: Keys): OutgoingSegment => ({
    segment: entry.segment,
    each: steps(entry.each),
    split: entry.split ?? null,
    rows: Object.entries(entry.rows).flatMap(([map, paths]) => {
      const loaded = load(map)
      if (loaded.segment !== entry.segment) throw new Error(`${file.place(...keys, 'rows', map)}: ${map} maps ${loaded.segment}, not ${entry.segment}.`)
      if (entry.split !== undefined && [paths].flat().includes('.') && !elementOf(loaded.to, entry.split)?.list) throw new Error(`${file.place(...keys, 'split')}: ${loaded.to}.${entry.split} is no list.`)
      return [paths].flat().map((path) => ({ map: loaded, path: steps(path) }))
    }),
    set: fixed(entry.set, entry.segment, ...keys, 'set'),
    needs: entry.needs === undefined ? null : field(entry.needs, entry.segment, ...keys, 'needs'),
    only: entry.only === undefined ? null : load(entry.only),
    unless: entry.unless === undefined ? null : load(entry.unless),
    after: entry.after ?? null,
    followed: (entry.followed ?? []).map((each, at) => segmentOf(each as Entry, ...keys, 'followed', at)),
    otherwise: (entry.otherwise ?? []).map((each, at) => segmentOf(each as Entry, ...keys, 'otherwise', at)),
  })
  return { message, start, events, set: fixed(set, 'MSH', 'set'), segments: segments.map((entry, at) => segmentOf(entry, 'segments', at)) }
})

const steps = (path: string | undefined): readonly string[] => (path === undefined || path === '.' ? [] : isResource(path) ? [path] : path.split('.'))
