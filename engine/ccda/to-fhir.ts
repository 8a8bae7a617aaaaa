/** Maps a C-CDA document to FHIR: a Bundle around its resources, with the XPath of every value. */
import type { Bundle, FhirResource } from 'fhir/r4.js'
import type { Message } from '../contracts.js'
import { MessageFault } from '../errors.js'
import { placesFrom, placesIn } from '../formats/xml/select.js'
import { type Place, type XmlDocument, attributeOf, elementsOf, inside, rootPlace } from '../formats/xml/tree.js'
import { serializeXml } from '../formats/xml/write.js'
import { type Draft, settle } from '../v2-to-fhir/draft.js'
import type { Lookup } from '../v2-to-fhir/datatype.js'
import { mend } from '../v2-to-fhir/mend.js'
import { merge } from '../v2-to-fhir/merge.js'
import { type Issue, operationOutcome } from '../v2-to-fhir/outcome.js'
import { type Id, type Made, ownResources } from '../v2-to-fhir/own-resources.js'
import { type Refer, type ResourceBuilder, place, resourceBuilder } from '../v2-to-fhir/resource-builder.js'
import { stableId } from '../v2-to-fhir/stable-id.js'
import type { Use } from './datatype.js'
import { kept } from './kept-document.js'
import type { CcdaMap, DocumentKind, ResourceMap, Row, Selector } from './map.js'
import { provenance } from './provenance.js'

/** A resource and the element that it was made of. */
interface Instance extends Made { readonly map: ResourceMap; readonly at: Place }

export interface Settings {
  readonly lookup: Lookup
  readonly timezone: string | undefined
  readonly as: DocumentKind | undefined // undefined: as the map says of the document's kind
  readonly mend?: boolean
}

/** The Bundle of a document. Throws a MessageFault where it is no ClinicalDocument. */
export const ccdaToFhir = (message: Message, map: CcdaMap, settings: Settings): Bundle => {
  const document = message.body as XmlDocument
  const root = rootPlace(document)
  if (root.element.local !== 'ClinicalDocument') throw new MessageFault({ kind: 'unsupported', reason: 'this is no CDA document: its root element must be ClinicalDocument', location: root.xpath })
  const kind = kindOf(root, map)
  const as = settings.as ?? kind?.as ?? map.otherwise
  const issues: Issue[] = []
  const issue = (origin: string, reason: string): void => {
    if (!issues.some((known) => known.origin === origin && known.reason === reason)) issues.push({ severity: 'warning', origin, reason })
  }
  if (!kind) issue('/ClinicalDocument', 'has no template and no code of a kind of document that is known')
  const { controlId } = message.header
  const id: Id = (...names) => stableId(message.channel, controlId ?? String(message.id), ...names)
  const people = ownResources(id)
  const sections = sectionsOf(root, map)
  const use: Omit<Use, 'target' | 'table'> = { lookup: settings.lookup, timezone: settings.timezone, issue, narrative: narrativeOf(root) }
  const instances = build(map, as, { document, sections, use, id, refer: people.refer })
  const recorded = message.receivedAt.toISOString()
  const whole = kept(root, serializeXml(document), { id, builder: (type) => resourceBuilder(type, people.refer), instances })
  link(instances)
  for (const one of instances) defaults(one, recorded)
  const all = merge([...instances, ...whole, ...people.made.values()])
  const made = settings.mend ? mend(all, issue) : all
  const resources = made.map(({ fullUrl, builder }) => ({ fullUrl, resource: builder.json as unknown as FhirResource }))
  const outcome = operationOutcome([...issues, ...unread(sections, instances)])
  return {
    resourceType: 'Bundle', type: 'collection', timestamp: recorded, ...(controlId ? { identifier: { value: controlId } } : {}),
    entry: [...resources, ...(outcome ? [{ fullUrl: id('issues'), resource: outcome }] : []), ...provenance(made, root, { controlId, recorded, id, use })],
  }
}

/** The kind of a document: by its template, and only where none is known by its code, which samples of HL7's own have wrong. */
const kindOf = (root: Place, { documents }: CcdaMap): CcdaMap['documents'][number] | undefined => {
  const values = (name: string, attribute: string): readonly string[] => elementsOf(root.element).filter(({ local }) => local === name).flatMap((one) => attributeOf(one, attribute)?.trim() ?? [])
  const [templates, codes] = [values('templateId', 'root'), values('code', 'code')]
  return documents.find(({ template }) => templates.includes(template)) ?? documents.find(({ loinc }) => loinc.some((one) => codes.includes(one)))
}

type Sections = readonly { readonly name: string | null; readonly place: Place }[]

/** All sections, those in others too, by the names of the map; a template before a code. */
const sectionsOf = (root: Place, map: CcdaMap): Sections => {
  const found: { name: string | null; place: Place }[] = []
  const walk = (above: Place): void => {
    for (const component of inside(above)) {
      if (component.element.local !== 'component' && component.element.local !== 'structuredBody') continue
      for (const one of inside(component)) {
        if (one.element.local === 'structuredBody') walk(one)
        if (one.element.local !== 'section') continue
        found.push({ name: nameOf(one, map), place: one })
        walk(one)
      }
    }
  }
  walk(root)
  return found
}

const nameOf = ({ element }: Place, { sections }: CcdaMap): string | null => {
  const own = elementsOf(element)
  const templates = own.filter(({ local }) => local === 'templateId').map((one) => attributeOf(one, 'root'))
  const code = own.filter(({ local }) => local === 'code').map((one) => attributeOf(one, 'code'))[0] ?? ''
  return (sections.find((one) => one.templates.some((template) => templates.includes(template))) ?? sections.find(({ loinc }) => loinc.includes(code)))?.name ?? null
}

/** Elements by their `ID`; of several with one, the first. */
const narrativeOf = (root: Place): Use['narrative'] => {
  let known: Map<string, Place> | null = null
  return (id) => {
    if (!known) {
      known = new Map()
      const walk = (at: Place): void => {
        const own = attributeOf(at.element, 'ID') ?? ''
        if (own && !known?.has(own)) known?.set(own, at)
        for (const one of inside(at)) walk(one)
      }
      walk(root)
    }
    return known.get(id)
  }
}

interface Context { readonly document: XmlDocument; readonly sections: Sections; readonly use: Omit<Use, 'target' | 'table'>; readonly id: Id; readonly refer: Refer }

const build = (map: CcdaMap, as: DocumentKind, context: Context): readonly Instance[] => map.resources.filter((one) => one.as === null || one.as === as).flatMap((resource) => {
  const found = resource.at.flatMap((selector) => select(selector, null, context))
  const instances: Instance[] = []
  for (const at of found) {
    const builder = resourceBuilder(resource.type, context.refer)
    const written = resource.rows.map(({ selector, rows }) => select(selector, at, context).map((one) => apply(rows, one, builder, context.use)).some(Boolean)).some(Boolean)
    if (!written && resource.rows.length > 0 && !resource.at.some(({ fromRoot }) => fromRoot)) continue
    instances.push({ map: resource, at, builder, fullUrl: context.id(resource.name, String(instances.length + 1)) })
    if (!resource.each) break
  }
  return instances
})

const select = ({ section, path, fromRoot }: Selector, at: Place | null, { document, sections }: Context): readonly Place[] => {
  if (section !== null) return sections.filter(({ name }) => name === section).flatMap((one) => (path ? placesFrom(one.place, path) : [one.place]))
  if (fromRoot && path) return placesIn(document, path)
  return at ? (path ? placesFrom(at, path) : [at]) : []
}

/** Writes what the rows find from an element; whether anything was. */
const apply = (rows: readonly Row[], at: Place, builder: ResourceBuilder, use: Omit<Use, 'target' | 'table'>): boolean => {
  let written = false
  for (const row of rows) {
    const found = placesFrom(at, row.path).filter(({ element }) => row.path.attribute === null || element.attributes.has(row.path.attribute))
    for (const one of found) {
      const origin = row.path.attribute === null ? one.xpath : `${one.xpath}/@${row.path.attribute}`
      const read = row.datatype ? filled(row.datatype.read(one, { ...use, target: row.element.type, table: row.table }), row) : row.fixed
      const draft = read !== undefined && row.options.confidence !== undefined ? unsure(read, row.options.confidence, origin) : read
      if (place(builder, row.element, draft, origin, at.xpath) === 'placed') written = true
    }
  }
  return written
}

/** What a row says of its own where the document says nothing. */
const filled = (draft: Draft | undefined, { options: { type, use } }: Row): Draft | undefined => {
  if (draft === undefined || (!type && !use) || typeof draft !== 'object' || Array.isArray(draft) || 'kind' in draft) return draft
  const given = draft as { readonly [name: string]: Draft | undefined }
  return { ...given, ...(type && !given.type ? { type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0203', code: type }] } } : {}), ...(use && !given.use ? { use } : {}) }
}

const unsure = (draft: Draft, confidence: number, origin: string): Draft => {
  if (typeof draft === 'string' || typeof draft === 'number' || typeof draft === 'boolean') return { kind: 'leaf', value: draft, origin, confidence }
  if (Array.isArray(draft)) return draft.map((one) => unsure(one as Draft, confidence, origin))
  if ('kind' in draft) return draft.kind === 'leaf' ? { ...draft, confidence } as Draft : draft as Draft
  return Object.fromEntries(Object.entries(draft).map(([name, part]) => [name, part === undefined ? undefined : unsure(part as Draft, confidence, origin)]))
}

/** Points resources at one another: at those of their own element or above or below it, else at those of the whole document. Links have no origin. */
const link = (instances: readonly Instance[]): void => {
  for (const from of instances) for (const { element, to } of from.map.links) {
    const found = to.map((name) => targets(from, instances.filter((one) => one.map.name === name))).filter((all) => all.length > 0)
    const chosen = element.steps.some(({ list }) => list) ? found.flat() : (found[0] ?? []).slice(0, 1)
    const known = from.builder.origins.length
    for (const [index, { fullUrl }] of chosen.entries()) place(from.builder, element, { reference: fullUrl }, '', String(index))
    from.builder.origins.splice(known)
  }
}

const targets = (from: Instance, candidates: readonly Instance[]): readonly Instance[] => {
  const isWithin = (inner: Place, outer: Place): boolean => inner.element === outer.element || (inner.above !== null && isWithin(inner.above, outer))
  const inSection = ({ map }: Instance): boolean => map.at.every(({ section }) => section !== null)
  const near = candidates.filter((one) => one !== from && inSection(one) && inSection(from) && (isWithin(one.at, from.at) || isWithin(from.at, one.at)))
  return near.length > 0 ? near : candidates.filter((one) => one !== from && (!inSection(one) || !inSection(from)))
}

/** What is so where no row says otherwise, `$received` being when the document came. */
const defaults = ({ map, builder, at }: Instance, received: string): void => {
  const known = builder.origins.length
  for (const { element, value: said } of map.set) {
    const [first] = element.steps
    const value = said === '$received' ? received : settle(said as Draft, '')?.value
    if (first && element.steps.length === 1) builder.json[first.name] ??= first.list && !Array.isArray(value) ? [value] : value
    else place(builder, element, value as string, '', at.xpath)
  }
  builder.origins.splice(known)
}

/** Sections with entries of which nothing was written: what they say stands in the document alone. */
const unread = (sections: Sections, instances: readonly Instance[]): readonly Issue[] => {
  const told = new Set(instances.flatMap(({ builder }) => builder.origins.flatMap(({ origin }) => (origin.includes('/entry') ? [origin.slice(0, origin.indexOf('/entry'))] : []))))
  return sections.filter(({ place: { element, xpath } }) => elementsOf(element).some(({ local }) => local === 'entry') && !told.has(xpath))
    .map(({ place: { xpath } }) => ({ severity: 'information', origin: xpath, reason: 'has entries that nothing maps; they are read in the document' }))
}
