/** Which rows of HL7's v2-to-FHIR guide our mapping files carry: the same field, to the same element, of the same resource, reached the same way. */
import { type ElementPath, urlOf } from './element-path.js'
import type { GuideRow, GuideStep, Hop } from './guide-rows.js'
import type { LinkTarget, MessageMap, ResourceMap } from './message-map.js'
import type { Row } from './segment-map.js'

/** What the files of mappings/guide/ say about rows that no row of ours carries. */
export interface Remark {
  readonly map: string // "PID[Patient]"
  readonly field: string // "PID-35", or * for all
  readonly attribute: string // as the guide writes it, or * for all
  readonly reason: string
}

export interface Coverage {
  readonly segment: string
  readonly rows: number
  readonly carried: number
  readonly byEngine: number // of those carried: what the engine does itself, without a row
  readonly leftOut: readonly { readonly row: GuideRow; readonly reason: string | null }[]
}

/** One entry a segment of the guide, in its order. `engine` are the remarks on what the engine carries itself. */
export const coverage = (guide: readonly GuideRow[], maps: readonly MessageMap[], engine: readonly Remark[], leftOut: readonly Remark[]): readonly Coverage[] => {
  const segments = [...new Set(guide.map(({ segment }) => segment))].filter((segment) => /^[A-Z][A-Z0-9]{2}$/.test(segment))
  return segments.map((segment) => {
    const rows = guide.filter((row) => row.segment === segment)
    const missing = rows.filter((row) => !maps.some((map) => carries(map, row)))
    const others = missing.filter((row) => !engine.some((remark) => isAbout(remark, row)))
    return {
      segment, rows: rows.length, carried: rows.length - others.length, byEngine: missing.length - others.length,
      leftOut: others.map((row) => ({ row, reason: leftOut.find((remark) => isAbout(remark, row))?.reason ?? null })),
    }
  })
}

/** The remarks that are about no row that needs one: what they speak of is carried by now, or is not in the guide. */
export const stale = (guide: readonly GuideRow[], maps: readonly MessageMap[], remarks: readonly Remark[]): readonly Remark[] =>
  remarks.filter((remark) => !guide.some((row) => isAbout(remark, row) && !maps.some((map) => carries(map, row))))

const isAbout = ({ map, field, attribute }: Remark, row: GuideRow): boolean =>
  row.map === map && (field === '*' || row.field === field) && (attribute === '*' || row.attribute === attribute)

/** Whether a message map has a resource of the row's type from which the row's hops lead to the element that its field fills. */
export const carries = (map: MessageMap, row: GuideRow): boolean =>
  map.resources.some((resource) => row.hops[0]?.types.includes(resource.type) === true && reaches(map, resource, row, row.hops))

const reaches = (map: MessageMap, resource: ResourceMap, row: GuideRow, [hop, next, ...further]: readonly Hop[]): boolean => {
  if (!hop) return false
  const own = resource.rows.flatMap(({ map: { rows } }) => rows.filter(({ field }) => field.segment === row.segment))
  if (!next) return own.some((each) => fills(each, row, hop)) || isSet(resource, row, hop) || isLinked(map, resource, row, hop)
  const made = own.some((each) => each.as !== null && next.types.includes(each.as) && further.length === 0 && reads(each, row) && sameSteps(stepsOf(each.element), hop.path))
  return made || resource.links.some(({ element, to }) => sameSteps(stepsOf(element), hop.path)
    && to.some((target) => map.resources.some((each) => each.name === target.name && next.types.includes(each.type)
      && (reaches(map, each, row, [next, ...further]) || (further.length === 0 && saysSame(target, row))))))
}

/** Whether a row of ours reads the guide's field, or a component of it; a fixed value of the whole segment reads none. */
const reads = ({ field }: Row, row: GuideRow): boolean => row.field === (field.field === null ? field.segment : `${field.segment}-${field.field}`)

/** Whether a row of ours fills the element of a hop from the guide's field, with the value that the guide assigns if it does. */
const fills = (own: Row, row: GuideRow, { path }: Hop): boolean => {
  if (!reads(own, row)) return false
  const steps = stepsOf(own.element)
  const shared = Math.min(steps.length, path.length)
  if (!sameSteps(steps.slice(0, shared), path.slice(0, shared))) return false
  if (path.at(-1)?.name === 'extension') return steps.length >= path.length
  const rest = path.slice(shared)
  if (row.fixed !== null) return [own.fixed, own.fill].some((value) => has(value, rest, row.fixed ?? ''))
  return own.datatype !== null || has(own.fixed, rest, null)
}

/** What a resource `set`s, and that it is made at all, counts for rows that are about the whole segment. */
const isSet = ({ set, selectors }: ResourceMap, row: GuideRow, { path }: Hop): boolean =>
  row.field === row.segment && selectors.some((selector) => selector.split('/').at(-1) === row.segment)
  && (path.length === 0 || set.some(({ element, value }) => { const steps = stepsOf(element); return sameSteps(steps, path.slice(0, steps.length)) && has(value, path.slice(steps.length), row.fixed) }))

/** A reference of which the guide does not say to what: a link to a resource that reads the field. */
const isLinked = (map: MessageMap, { links }: ResourceMap, row: GuideRow, { path }: Hop): boolean =>
  links.some(({ element, to }) => sameSteps(path.at(-1)?.name === 'extension' ? stepsOf(element).slice(0, path.length) : stepsOf(element), path)
    && to.some((target) => saysSame(target, row) || map.resources.some((each) =>
      each.name === target.name && each.rows.some(({ map: { rows } }) => rows.some((own) => own.field.field !== null && reads(own, row))))))

/** A link by equal numbers reads the field that has ours. */
const saysSame = ({ same }: LinkTarget, row: GuideRow): boolean => same.some(({ ours }) => `${ours.segment}-${ours.field}` === row.field)

/** Whether a value has something at the rest of a path: the literal that is wanted, or anything. */
const has = (value: unknown, rest: readonly GuideStep[], wanted: string | null): boolean => {
  if (Array.isArray(value)) return value.some((each) => has(each, rest, wanted))
  const [step, ...further] = rest
  if (value === undefined || value === null) return false
  if (!step) return wanted === null || (typeof value === 'object' ? Object.values(value).some((each) => has(each, [], wanted)) : lastPart(String(value)) === lastPart(wanted))
  return typeof value === 'object' && has((value as Readonly<Record<string, unknown>>)[step.name], further, wanted)
}

const stepsOf = ({ steps }: ElementPath): readonly GuideStep[] => steps.map(({ name, label }) => ({ name, url: name === 'extension' && label !== null ? urlOf(label) : null }))

const sameSteps = (one: readonly GuideStep[], other: readonly GuideStep[]): boolean =>
  one.length === other.length && one.every(({ name, url }, at) => name === other[at]?.name && (name !== 'extension' || (url !== null && lastPart(url) === lastPart(other[at]?.url ?? ''))))

/** The guide writes URLs in several ways: `http://www.hl7.org/fhir/extension-x`, `…/R4/extension-x.html`, `…/StructureDefinition/x`. */
const lastPart = (url: string): string => (/^(?:https?:|urn:)/.test(url) ? (url.split('/').at(-1) ?? url) : url).replace(/^extension-|\.html$|\.$/g, '').toLowerCase()
