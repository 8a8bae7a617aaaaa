/** Reads the rows of a segment map backwards: what a resource says, as the fields of a segment. */
import { demands } from './condition.js'
import type { Lookup, Use, Written } from './datatype.js'
import { type Step, urlOf } from './element-path.js'
import type { FieldPath } from './field-path.js'
import { type Json, matches } from './graph.js'
import { isPrimitive } from './r4.js'
import type { Row, SegmentMap } from './segment-map.js'

/** What a reference leads to, with what that refers to in turn; a reference that leads nowhere as it stands. */
export type Whole = (value: unknown) => unknown

interface Ways {
  readonly lookup: Lookup
  readonly whole: Whole
  readonly fits: (value: unknown, row: Row) => boolean
}

/** Fields by number, each with its repetitions. */
export type Fields = Map<number, Written[]>

interface Value {
  readonly place: string // where it stands in the resource; a value is written once
  readonly value: unknown
}

/** Writes what a resource says into fields. Fields that are there already stay. */
export const writeRows = (map: SegmentMap, resource: Json, fields: Fields, lookup: Lookup, whole: Whole = (value) => value): void => {
  if (resource.resourceType !== map.to) return
  const used = new Set<string>()
  const rows = map.rows.filter(({ oneWay, datatype, field }) => !oneWay && datatype?.write && field.segment === map.segment)
  // Rows for one kind of value (an identifier's type, a number's use) take theirs before the row that takes what is left.
  const narrow = rows.filter(({ fill }) => Object.keys(fill).length > 0)
  const full = new Set(fields.keys())
  for (const row of [...narrow, ...rows.filter((each) => !narrow.includes(each))]) writeRow(row, map, resource, fields, full, used, { lookup, whole, fits: matchesFill })
  for (const row of narrow.filter(({ fill }) => Object.keys(fill).every((name) => name === 'use'))) writeRow(row, map, resource, fields, full, used, { lookup, whole, fits: () => true })
}

/** Whether a resource has every fixed value that a map gives to its whole segment: a guarantor is a RelatedPerson with that role. */
export const isFor = ({ to, rows, segment }: SegmentMap, resource: Json): boolean =>
  resource.resourceType === to && rows.filter(({ fixed, field }) => fixed !== undefined && field.text === segment)
    .every(({ element, fixed }) => element.steps.some(({ label }) => label !== null) || matches(resource[element.steps[0]?.name ?? ''], fixed))

const matchesFill = (value: unknown, { fill }: Row): boolean => Object.keys(fill).length === 0 || matches(value, fill)

const writeRow = (row: Row, map: SegmentMap, resource: Json, fields: Fields, full: ReadonlySet<number>, used: Set<string>, { lookup, whole, fits }: Ways): void => {
  const { field, element, datatype, table } = row
  if (field.field === null || full.has(field.field) || !datatype?.write || !belongs(row, map, resource)) return
  // An element that has one value adds no repetition to a field that an earlier row has filled.
  if (field.component === null && fields.has(field.field) && element.steps.every(({ list }) => !list) && !(element.type === 'Quantity' && field.field === 6)) return
  const use: Use = { target: row.as ?? element.type, table, lookup, timezone: undefined, issue: () => {} }
  const before = fields.get(field.field)?.length ?? 0
  for (const { place, value } of valuesAt(resource, element.steps, map, row)) {
    // The unit of a quantity is in a field of its own.
    const key = element.type === 'Quantity' && field.field === 6 ? `${place} unit` : place
    if (used.has(key) || !fits(value, row) || !demanded(row, fields) || isFixed(value, row, map)) continue
    if (row.each && fields.has(field.field)) return // said once for all
    const led = row.as ? ledTo(whole(value), row.as) : value
    const written = led === undefined ? undefined : datatype.write(led, use)
    if (written === undefined || isEmpty(written) || !put(fields, field, written, before)) continue
    used.add(key)
    for (const { path, values } of sameSegment(row)) put(fields, path, values[0] ?? '')
    const units = row.span?.units
    if (units?.segment === field.segment && units.field !== null && !fields.has(units.field)) put(fields, units, MINUTES)
  }
}

/** Amounts of time are written in these. */
const MINUTES: Written = ['min', 'minute', 'UCUM']

/** What a reference leads to where it can be of the type that the row makes: an AIP is no place, and of a role it is the person. */
const ledTo = (value: unknown, as: string): unknown => {
  const { resourceType, type, reference, practitioner } = value as { readonly resourceType?: unknown; readonly type?: unknown; readonly reference?: unknown; readonly practitioner?: unknown }
  const found = resourceType ?? (typeof type === 'string' ? type : /^(?:.*\/)?([A-Z]\w+)\/[^/]+$/.exec(String(reference ?? ''))?.[1])
  if (found === undefined || found === as) return value
  return found === 'PractitionerRole' && as === 'Practitioner' ? practitioner ?? value : undefined
}

/** Whether an item of a list is one that a label of a map stands for: a participant who is the contact that SCH-12 names. */
export const isLabelled = ({ rows }: SegmentMap, list: string, item: unknown): boolean => {
  const telling = rows.filter(({ element: { steps: [first, ...rest] }, fixed, oneWay }) => fixed !== undefined && !oneWay && rest.length === 1 && first?.name === list && first.label !== null)
  return telling.some(({ element }) => telling.filter((each) => each.element.steps[0]?.label === element.steps[0]?.label)
    .every(({ element: { steps }, fixed }) => matches((item as Json)[steps[1]?.name ?? ''], fixed)))
}

/** A value is of a field only where the resource has what the map adds to it for that field: of a role with the director's code. */
const belongs = ({ field }: Row, map: SegmentMap, resource: Json): boolean => map.rows.every(({ fixed, when, field: other, element: { steps } }) =>
  fixed === undefined || when !== null || other.text !== field.text || steps.length !== 1 || steps[0]?.label !== null || matches(resource[steps[0].name], fixed))

/** What the map itself adds to an element is not a fact of the segment. */
const isFixed = (value: unknown, { element }: Row, map: SegmentMap): boolean =>
  map.rows.some(({ fixed, element: other }) => typeof fixed === 'object' && other.text === element.text && matches(value, fixed))

/** What the row's condition asks of other fields of the segment. */
const sameSegment = ({ when, field }: Row) => (when ? demands(when).filter(({ path }) => path.segment === field.segment && path.field !== field.field) : [])

/** Whether those fields are empty or say so already. */
const demanded = (row: Row, fields: Fields): boolean => sameSegment(row).every(({ path, values }) => {
  const said = textAt(fields, path)
  return said === '' || values.includes(said)
})

/** The first component, or the one the path names, of a field's first repetition. */
export const textAt = (fields: Fields, { field, component }: FieldPath): string => firstText(at(fields.get(field ?? 0)?.[0], component ?? 1))

const at = (written: Written | undefined, component: number): Written | undefined => (typeof written === 'string' || written === undefined ? (component === 1 ? written : undefined) : written[component - 1])
const firstText = (written: Written | undefined): string => (written === undefined || typeof written === 'string' ? written ?? '' : firstText(written[0]))

/** Adds a repetition, unless one of those `before` is the same text, or a component to the first one. Returns false where the component has a value. */
export const put = (fields: Fields, { field, component, subcomponent }: FieldPath, value: Written, before = Number.POSITIVE_INFINITY): boolean => {
  if (field === null || value === '') return false
  const repetitions = fields.get(field) ?? []
  fields.set(field, repetitions)
  if (component === null) {
    if (typeof value === 'string' && repetitions.slice(0, before).some((each) => each === value)) return false
    repetitions.push(value)
    return true
  }
  const first = typeof repetitions[0] === 'string' ? [repetitions[0]] : [...(repetitions[0] ?? [])]
  while (first.length < component) first.push('')
  if (!isEmpty(first[component - 1])) return false
  const [only] = typeof value === 'string' ? [value] : value
  first[component - 1] = subcomponent === null ? value : [...Array<string>(subcomponent - 1).fill(''), only]
  repetitions[0] = first
  return true
}

export const isEmpty = (written: Written | undefined): boolean => written === undefined || (typeof written === 'string' ? written === '' : written.every(isEmpty))

/** The values at a path, with the items of labelled lists that the row's label stands for. */
const valuesAt = (resource: Json, steps: readonly Step[], map: SegmentMap, row: Row): readonly Value[] => {
  let found: readonly Value[] = [{ place: '', value: resource }]
  steps.forEach((step, depth) => {
    const beside = isPrimitive(step.type) && depth < steps.length - 1
    found = found.flatMap(({ place, value }) => {
      const held = (value as Json)[beside ? `_${step.name}` : step.name]
      const items = held === undefined ? [] : Array.isArray(held) ? held : [held]
      return items.flatMap((item: unknown, index) => (item !== null && labelled(item, step, depth, map, row) ? [{ place: `${place}.${step.name}[${index}]`, value: item }] : []))
    })
  })
  return found
}

/** An extension is known by its URL; another labelled item by the fixed values that the map writes under the same label. */
const labelled = (item: unknown, step: Step, depth: number, map: SegmentMap, row: Row): boolean => {
  if (step.label === null) return true
  if (step.name === 'extension') return (item as Json).url === urlOf(step.label)
  return map.rows.every(({ fixed, element, oneWay }) => {
    const shared = element.steps[depth]
    if (fixed === undefined || oneWay || shared?.label !== step.label || shared.name !== step.name) return true
    if (element.steps.slice(0, depth).some(({ name }, index) => name !== row.element.steps[index]?.name)) return true
    const rest = element.steps.slice(depth + 1)
    // What is under a label of its own further down is not said of every item.
    if (rest.some(({ name, label }, index) => label !== null && name !== 'extension' && row.element.steps[depth + 1 + index]?.label !== label)) return true
    return rest.length === 0 || reached(item, rest).some((value) => matches(value, fixed))
  })
}

/** What the rest of a path leads to in an item; of extensions those with the URL. */
const reached = (item: unknown, [step, ...rest]: readonly Step[]): readonly unknown[] => {
  if (!step) return [item]
  const held = (item as Json)[step.name]
  const found = (Array.isArray(held) ? held : [held]).filter((each: unknown) => each !== undefined && each !== null && (step.name !== 'extension' || step.label === null || (each as Json).url === urlOf(step.label)))
  return found.flatMap((each: unknown) => reached(each, rest))
}
