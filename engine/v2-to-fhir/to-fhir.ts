/** Maps a message to FHIR as a message map says: a Bundle around its resources, with where every value came from. */
import type { Bundle, FhirResource } from 'fhir/r4.js'
import type { Message } from '../contracts.js'
import { MessageFault } from '../errors.js'
import { holds } from './condition.js'
import type { Lookup } from './datatype.js'
import { type Draft, settle } from './draft.js'
import type { FieldPath } from './field-path.js'
import { FORMS, type Form } from './forms.js'
import { link } from './links.js'
import { mend } from './mend.js'
import { merge } from './merge.js'
import type { MessageMap, ResourceMap } from './message-map.js'
import { notCarried } from './not-carried.js'
import { type Issue, operationOutcome } from './outcome.js'
import { type Id, type Made, ownResources } from './own-resources.js'
import type { Part } from './part.js'
import { fieldOf, provenance, sentAt } from './provenance.js'
import { type Refer, place, resourceBuilder } from './resource-builder.js'
import { applyRows, type Setting } from './rows-to-fhir.js'
import { stableId } from './stable-id.js'
import { type Node, chain, everything, near, parts, segmentTree, select, valuesNear } from './segment-tree.js'

/** One made of one segment (and of others, as its rows say). */
export interface Instance extends Made {
  readonly map: ResourceMap
  readonly node: Node
}

export interface Settings {
  readonly lookup: Lookup
  readonly timezone: string | undefined
  readonly mend?: boolean // take out what R4 does not allow, and tell of it
}

/** The Bundle of a message. Throws a MessageFault where the map is not for it, or what it requires is missing. */
export const toFhir = (message: Message, map: MessageMap, settings: Settings): Bundle => {
  const { controlId, type } = message.header
  const form: Form = FORMS[map.format]
  if (type === null || !map.messages.includes(type)) {
    throw new MessageFault({ kind: 'unsupported', reason: `this mapping is for ${map.messages.join(', ')}`, location: form.type })
  }
  const root = segmentTree(form.segments(message.body), map.groups)
  if (!root) throw new MessageFault({ kind: 'unreadable', reason: 'the message has no segments' })
  const [lacking] = missing(map.require, root)
  if (lacking) throw new MessageFault({ kind: 'required', reason: `the mapping needs it${alternatives(lacking)}, and the message does not have it`, location: lacking.first })
  const several = map.once.find((name) => select(root, name).length > 1)
  if (several) throw new MessageFault({ kind: 'unsupported', reason: `there is more than one ${several}; the message is to be split first, so that each part is about one patient` })
  const issues: Issue[] = missing(map.expect, root).map((each) => ({ severity: 'warning', origin: each.first, reason: `is not there${alternatives(each)}: what it would say is missing` }))
  const issue = ({ origin }: Part, reason: string): void => {
    if (!issues.some((known) => known.origin === origin && known.reason === reason)) issues.push({ severity: 'warning', origin, reason })
  }
  const from = sender(root, form)
  const id: Id = (...names) => stableId(message.channel, from, controlId ?? String(message.id), ...names)
  const own = ownResources(id)
  const instances = build(map, root, { ...settings, issue }, id, own.refer)
  const recorded = message.receivedAt.toISOString()
  link(instances)
  for (const instance of instances) defaults(instance, recorded)
  const all = merge([...instances, ...own.made.values()])
  const made = settings.mend ? mend(all, (origin, reason) => issues.push({ severity: 'warning', origin, reason })) : all
  const resources = made.map(({ fullUrl, builder }) => ({ fullUrl, resource: builder.json as unknown as FhirResource }))
  const told = [...made.flatMap(({ builder }) => builder.origins), ...issues].map(({ origin }) => origin)
  const outcome = operationOutcome([...issues, ...notCarried(root, told, map.ignored)])
  // A bundle that begins with a MessageHeader is a message (R4, bundle.html, bdl-12); its time is the message's own.
  const isMessage = resources[0]?.resource.resourceType === 'MessageHeader'
  return {
    resourceType: 'Bundle', ...(isMessage ? { type: 'message', timestamp: sentAt({ root, form, settings }, 'instant') ?? recorded } : { type: 'collection', timestamp: recorded }),
    ...(controlId ? { identifier: { value: controlId } } : {}),
    entry: [...resources, ...(outcome ? [{ fullUrl: id('issues'), resource: outcome }] : []), ...provenance(made, { controlId, type, recorded, root, form, id, settings })],
  }
}

/** Control ids are unique to a sender only. */
const sender = (root: Node, form: Form): string => form.sender.map((place) => fieldOf(root, place)?.text ?? '').join('|')

interface Missing {
  readonly first: string
  readonly others: readonly string[] // that would have done as well
}

/** Of which paths not one is there. */
const missing = (needed: MessageMap['require'], root: Node): readonly Missing[] => {
  const there = (path: FieldPath): boolean => (path.field === null ? select(root, path.segment).length > 0 : parts(root, path).some((part) => part.whole !== ''))
  return needed.flatMap((paths) => {
    const [first, ...others] = paths.map(({ text }) => text)
    return first === undefined || paths.some(there) ? [] : [{ first, others }]
  })
}

const alternatives = ({ others }: Missing): string => (others.length > 0 ? ` (or ${others.join(', ')})` : '')

/** Makes the resources, those that others need first. */
const build = (map: MessageMap, root: Node, setting: Setting, id: Id, refer: Refer): readonly Instance[] => {
  const made = new Map<string, readonly Instance[]>()
  const make = (name: string): readonly Instance[] => {
    const known = made.get(name)
    const resource = map.resources.find((each) => each.name === name)
    if (known || !resource) return known ?? []
    made.set(name, [])
    const needed = resource.needs.flatMap(make)
    const nodes = nodesOf(resource, root).filter((node) => resource.needs.length === 0 || needed.some((each) => shares(each.node, node)))
    const instances: Instance[] = []
    for (const node of nodes) {
      const builder = resourceBuilder(resource.type, refer)
      const found = resource.rows.map(({ selector, map: rows }) => near(node, selector).map((each) => applyRows(rows, each, builder, setting)).some(Boolean)).some(Boolean)
      if (!found && resource.needs.length === 0 && resource.set.length === 0) continue
      instances.push({ map: resource, node, builder, fullUrl: id(name, String(instances.length + 1)) })
      if (!resource.each) break
    }
    made.set(name, instances)
    return instances
  }
  return map.resources.flatMap(({ name }) => make(name))
}

/** Two segments of one group: one belongs to the other, or they are the same. */
const shares = (one: Node, other: Node): boolean => chain(one).includes(other) || chain(other).includes(one)

/** The segments that a resource is made of: of its selectors the first one in each group. */
const nodesOf = ({ selectors, where, when }: ResourceMap, root: Node): readonly Node[] => {
  const taken: Node[] = []
  for (const selector of selectors) {
    taken.push(...select(root, selector).filter((node) => !taken.some((earlier) => everything(node).includes(earlier))))
  }
  return taken.filter((node) => {
    const values = valuesNear(node)
    return where.every(({ path, values: wanted }) => values(path).some((value) => wanted.includes(value))) && (!when || holds(when, values))
  })
}

/** What is so where no row says otherwise, `$received` being when the message came. Its origin is nobody's: it is not recorded. */
const defaults = ({ map, node, builder }: Instance, received: string): void => {
  const known = builder.origins.length
  for (const { element, value: said } of map.set) {
    const [first] = element.steps
    const value = said === '$received' ? received : settle(said as Draft, '')?.value
    // A value that could not be read leaves its text beside the empty element; the default still fills the element.
    if (first && element.steps.length === 1 && builder.json[first.name] === undefined) builder.json[first.name] = first.list && !Array.isArray(value) ? [value] : value
    else if (element.steps.length > 1) place(builder, element, value as string, '', `${node.origin} 1`)
  }
  builder.origins.splice(known)
}
