/** Maps a FHIR bundle to an HL7 v2 message, by the rows that map it the other way. */
import type { Message } from '../contracts.js'
import { MessageFault } from '../errors.js'
import { buildMessage, type ComponentContent, type FieldContent, type RepetitionContent, type SegmentContent } from '../formats/hl7v2/view.js'
import { codeSystem } from './code-systems.js'
import type { Lookup, Written } from './datatype.js'
import type { FieldPath } from './field-path.js'
import { type Graph, type Json, graph } from './graph.js'
import type { FixedField, OutgoingMap, OutgoingSegment } from './outgoing-map.js'
import { type Fields, isEmpty, isFor, isLabelled, put, textAt, writeRows } from './rows-to-hl7v2.js'

export interface OutgoingSettings {
  readonly lookup: Lookup
  readonly version: string // MSH-12
}

/** The hl7v2 body of a bundle. Throws a MessageFault where it lacks the resource that the map starts from. */
export const toHl7v2 = (message: Message, map: OutgoingMap, { lookup, version }: OutgoingSettings): unknown => {
  const bundle = graph(message.body as Json)
  const request = bundle.resources.find(({ resourceType }) => resourceType === map.start)
  if (!request) throw new MessageFault({ kind: 'required', reason: `the bundle has no ${map.start} to make a message of`, location: 'Bundle.entry' })
  const header: Fields = new Map()
  for (const fixed of map.set) putFixed(header, fixed, { $n: 1, $next: 1 })
  const controlId = ((message.body as Json).identifier as { readonly value?: string } | undefined)?.value ?? message.header.controlId ?? `${message.channel}-${message.id}`
  const facts: readonly (readonly [number, Written])[] = [
    [7, `${message.receivedAt.toISOString().slice(0, 19).replace(/[-:T]/g, '')}+0000`],
    [9, messageType(request, map).split('^')], [10, controlId], [11, 'P'], [12, version], [18, 'UNICODE UTF-8'],
  ]
  for (const [field, value] of facts) if (!header.has(field)) header.set(field, [value])
  const last: Counts = new Map()
  const counts: Counts = new Map()
  const segments = map.segments.flatMap((each) => write(each, request, { bundle, lookup, last, counts }))
  return buildMessage([{ name: 'MSH', fields: contents(header) }, ...segments])
}

/** MSH-9: by status and event, by status, or by event; else the map's own. */
const messageType = ({ status, meta }: Json, { message, events }: OutgoingMap): string => {
  const tags = (meta as { readonly tag?: readonly { readonly system?: string; readonly code?: string }[] } | undefined)?.tag ?? []
  const tagged = tags.flatMap(({ system, code }) => (system === codeSystem('0003') && code ? [code] : []))
  const key = [...tagged.map((event) => `${status} ${event}`), String(status), ...tagged].find((each) => Object.hasOwn(events, each))
  return events[key ?? ''] ?? message
}

/** How many segments of a name there are. */
type Counts = Map<string, number>
interface Writing {
  readonly bundle: Graph
  readonly lookup: Lookup
  readonly last: Counts // the number of the last one in the message
  readonly counts: Counts // in the group that is being written
}

/** The segments that one entry of the map makes, each with its group behind it. */
const write = (outgoing: OutgoingSegment, from: Json, writing: Writing): readonly SegmentContent[] => {
  const { bundle, lookup, last, counts } = writing
  const { segment: name, after } = outgoing
  if (after && !after.some((each) => last.has(each))) return []
  const written = sources(outgoing, from, bundle).flatMap((resource) => {
    const fields: Fields = new Map()
    for (const { map, path } of outgoing.rows) for (const each of bundle.follow(resource, path)) writeRows(map, each, fields, lookup, bundle.whole)
    const group = (): readonly SegmentContent[] => outgoing.followed.flatMap((each) => write(each, resource, inGroup))
    const inGroup = { ...writing, counts: new Map() }
    if ((outgoing.rows.length > 0 && [...fields.values()].flat().every(isEmpty)) || (outgoing.needs && lacks(fields, outgoing.needs))) return group()
    const numbers = { $n: (counts.get(name) ?? 0) + 1, $next: (last.get(name) ?? 0) + 1 }
    const goesOn = outgoing.set.some(({ value }) => value.includes('$next'))
    counts.set(name, numbers.$n)
    last.set(name, goesOn ? numbers.$next : numbers.$n)
    for (const fixed of outgoing.set) putFixed(fields, fixed, numbers)
    return [{ name, fields: contents(fields) }, ...group()]
  })
  return written.length > 0 ? written : outgoing.otherwise.flatMap((each) => write(each, from, writing))
}

/** Whether a field has nothing at all, or nothing where the path says. */
const lacks = (fields: Fields, path: FieldPath): boolean =>
  path.component === null ? (fields.get(path.field ?? 0) ?? []).every(isEmpty) : textAt(fields, path) === ''

/** The resources that get a segment each: those that the map's own rows are for. */
const sources = ({ each, rows, split, only, unless }: OutgoingSegment, from: Json, bundle: Graph): readonly Json[] => {
  const own = rows.find(({ path }) => path.length === 0)?.map
  const found = bundle.follow(from, each).filter((resource) => (!own || resource.resourceType === own.to) && (!only || isFor(only, resource)) && !(unless && split === null && isFor(unless, resource)))
  if (split === null) return found
  return found.flatMap((resource) => [resource[split] ?? []].flat().filter((item) => !(unless && isLabelled(unless, split, item))).map((item) => ({ resourceType: resource.resourceType, [split]: [item] })))
}

const putFixed = (fields: Fields, { path, value }: FixedField, numbers: Readonly<Record<'$n' | '$next', number>>): void => {
  const text = value.replaceAll(/\$next|\$n/g, (one) => String(numbers[one as '$n' | '$next']))
  if (path.field !== null && !fields.has(path.field)) put(fields, path, text.includes('^') ? text.split('^') : text)
}

const contents = (fields: Fields): readonly FieldContent[] =>
  Array.from({ length: Math.max(...fields.keys()) }, (_, at) => fieldContent(fields.get(at + 1) ?? []))

const fieldContent = (repetitions: readonly Written[]): FieldContent => {
  const [only] = repetitions
  return repetitions.length === 1 && only !== undefined ? repetition(only) : { repetitions: repetitions.map(repetition) }
}
const repetition = (written: Written): RepetitionContent => (typeof written === 'string' ? written : written.map(component))
const component = (written: Written | undefined): ComponentContent => (written === undefined || typeof written === 'string' ? written ?? '' : written.map(subcomponent))
const subcomponent = (written: Written | undefined): string => (written === undefined || typeof written === 'string' ? written ?? '' : written.map(subcomponent).join(' '))
