/** Applies the rows of one segment map to one segment. */
import { MessageFault } from '../errors.js'
import { holds } from './condition.js'
import type { Datatype, Use } from './datatype.js'
import { type Draft, own } from './draft.js'
import type { FieldPath } from './field-path.js'
import type { Part } from './part.js'
import { type ResourceBuilder, place } from './resource-builder.js'
import type { Row, SegmentMap } from './segment-map.js'
import { type Span, spanAt } from './span.js'
import { type Node, conditionText, fieldParts, near, partsOf, placedParts, valuesNear } from './segment-tree.js'

/** What all rows of one message share. */
export type Setting = Pick<Use, 'lookup' | 'timezone' | 'issue'>

/** Writes into a resource what the rows find. Returns whether any value of the message was written, fixed values aside. */
export const applyRows = (map: SegmentMap, node: Node, builder: ResourceBuilder, setting: Setting): boolean => {
  let found = false
  for (const row of map.rows) found = applyRow(row, node, builder, setting) || found
  return found
}

const applyRow = (row: Row, node: Node, builder: ResourceBuilder, setting: Setting): boolean => {
  const { field, element, datatype, table, span } = row
  const isOwn = field.segment === node.name && !field.fromTop
  // Most fields of most messages are empty: nothing is to be asked then.
  if (isOwn && field.field !== null && !row.required && fieldParts(node, field.field).length === 0) return false
  // A row of another segment than the one at hand (MSH), or of all of a name (`/OBX-5`), is looked for from here.
  const elsewhere = isOwn && !datatype?.blanks ? null : placedParts(node, field, datatype?.blanks)
  const there = elsewhere ? elsewhere.map(({ part }) => part) : partsOf(node, field)
  if (field.field !== null && !row.required && !there.some(({ text, whole }) => text !== '' || whole !== '')) return false
  const segmentOf = (part: Part): Node => elsewhere?.find((each) => each.part === part)?.at ?? node
  const told = row.when ? there.filter((part) => rowHolds(row, node, part, segmentOf(part))) : there
  if (row.required && told.every((part) => part.whole === '')) {
    throw new MessageFault({ kind: 'required', reason: `the mapping needs a value here for ${builder.json.resourceType}.${element.text}`, location: field.text })
  }
  if (field.field === null) return fixed(row, node, builder)
  const values = told.filter((part) => part.whole !== '')
  if (values.length === 0) return false
  const spanOf = (part: Part): Span | undefined => (span ? spanAt(span, segmentOf(part)) : undefined)
  const use: Use = { ...setting, target: element.type, table, spanOf }
  if (!datatype) {
    for (const part of values) place(builder, element, row.fixed, part.origin, source(part, node))
    return false
  }
  if (datatype.readAll) {
    const [first, ...others] = values
    const known = builder.origins.length
    if (!first || place(builder, element, filled(datatype.readAll(datatype.blanks ? told : values, use), row), first.origin, source(first, node)) !== 'placed') return false
    sharedBy(others, builder, known)
    return true
  }
  if (row.each) return forEach(row.each, values[0], row, node, builder, use)
  // An element that does not repeat takes the first value that can be read.
  let placed = false
  for (const [at, part] of values.entries()) {
    if (placed && single(row)) {
      setting.issue(part, `is left out: ${element.text === '$this' ? builder.json.resourceType : element.text} takes one value, and another came first`)
      break
    }
    const outcome = place(builder, element, filled(row.as ? ownResource(row.as, datatype, part, use) : datatype.read(part, span ? { ...use, span: spanOf(part) } : use), row), part.origin, source(part, node))
    placed = placed || outcome === 'placed'
    if (outcome === 'taken' && at > 0) break
  }
  return placed
}

/** A value that becomes a resource of its own; who has a role is one more. */
const ownResource = (as: string, datatype: Datatype, part: Part, use: Use): Draft | undefined => {
  const reference = datatype.read(part, { ...use, target: 'Reference' }) as { readonly display?: Draft } | undefined
  const draft = datatype.read(part, { ...use, target: as === 'PractitionerRole' ? 'Practitioner' : as })
  if (draft === undefined) return undefined
  return as === 'PractitionerRole' ? own(as, { practitioner: own('Practitioner', draft, reference?.display) }, reference?.display) : own(as, draft, reference?.display)
}

/** One value, written into the item of every repetition of another field. */
const forEach = (each: FieldPath, value: Part | undefined, row: Row, node: Node, builder: ResourceBuilder, use: Use): boolean => {
  if (!value) return false
  return partsOf(node, each).filter(({ whole }) => whole !== '')
    .map((part) => place(builder, row.element, filled(row.datatype?.read(value, use), row), value.origin, source(part, node))).includes('placed')
}

/** One value made of several repetitions came from each of them. */
const sharedBy = (others: readonly Part[], { origins }: ResourceBuilder, from: number): void => {
  const [made, ...rest] = origins.slice(from)
  if (!made) return
  for (const { origin } of others) if (![made, ...rest].some((each) => each.origin.startsWith(origin))) origins.push({ ...made, origin })
}

/** A condition on the row's own segment is asked of the one that the value stands in, on its own field of the repetition at hand. */
const rowHolds = ({ when, field }: Row, node: Node, part: Part, at: Node): boolean => {
  if (!when) return true
  const around = valuesNear(node)
  const within = valuesNear(at)
  const values = (path: FieldPath, all: boolean): readonly string[] => (path.segment === field.segment && !path.fromTop ? within(path, all) : around(path, all))
  return holds(when, (path, all = false) => {
    if (all || path.segment !== field.segment || path.field !== field.field || path.fromTop || field.component !== null) return values(path, all)
    const own = path.component === null ? part : part.part(path.component)
    return [conditionText(path.subcomponent === null ? own : own.part(path.subcomponent))]
  })
}

/** A fixed value of a segment: it counts where the segment is there. */
const fixed = (row: Row, node: Node, builder: ResourceBuilder): boolean => {
  const there = row.field.segment === node.name ? node : near(node, row.field.segment)[0]
  if (there && (!row.when || holds(row.when, valuesNear(node)))) place(builder, row.element, row.fixed, there.origin, `${node.origin} 1`)
  return false
}

/** An element that does not repeat; a resource itself is one thing: two people are not one Practitioner. */
const single = ({ element }: Row): boolean => element.steps.every(({ list }) => !list)

/** Rows that share a label share an item for the same segment and repetition, whichever field they read. */
const source = (part: Part, node: Node): string => `${node.origin} ${/\[(\d+)\](?:\.[\d.]+)?$/.exec(part.origin.slice(node.origin.length))?.[1] ?? '1'}`

/** The draft with what the row fills in where the message says nothing. */
const filled = (draft: Draft | undefined, { fill }: Row): Draft | undefined => {
  if (draft === undefined || Object.keys(fill).length === 0 || typeof draft !== 'object' || 'kind' in draft || Array.isArray(draft)) return draft
  const given = Object.fromEntries(Object.entries(draft).filter(([, value]) => value !== undefined))
  return Object.keys(given).length === 0 ? undefined : { ...fill, ...given }
}
