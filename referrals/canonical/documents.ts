/** Documents that came back: consult notes and reports of a feedback message, each with its content, and whether it was signed. */
import type { Attachment, Bundle, DiagnosticReport, DocumentReference, FhirResource, Identifier, Observation, Reference } from 'fhir/r4.js'
import type { Coded } from '../contracts.js'
import { compositionFacts, observedAttachment, referenceFacts, reportFacts, withContent } from './document-facts.js'
import { observedValue } from './findings.js'
import { coded } from './reading.js'
import { digestOf } from './stable-id.js'
import { type Placed, type View, viewOf } from './view.js'
import { aloneWith } from './alone.js'

export interface ReturnedDocument {
  readonly id: string // "system|value", "|value", or "sha256:…" of what has no number
  readonly title: string | null
  readonly type: Coded | null
  readonly contentType: string | null
  readonly date: string | null
  readonly status: string // as it says: preliminary, final, amended, corrected, entered-in-error, superseded; "unknown"
  readonly signed: boolean // final, and not taken back: only then it may be sent on
  readonly withdrawn: boolean
  readonly replaces: string | null // id of the document that it takes the place of
  readonly appends: string | null // id of the document that it adds to
  readonly text: string | null
  readonly attachments: readonly { readonly title: string | null; readonly contentType: string | null; readonly data: string | null; readonly url: string | null }[] // data: Base64
  readonly resources: readonly FhirResource[] // a DocumentReference with its content in it, and the report and findings that belong to it
}

const SIGNED = new Set(['final', 'amended', 'corrected', 'appended']) // CompositionStatus and DiagnosticReportStatus; HL7 v2 TXA-17 AU and LA, OBR-25 F and C
const WITHDRAWN = new Set(['entered-in-error', 'superseded', 'cancelled'])
const UNSIGNED_PART = new Set(['preliminary', 'registered'])

/** Of MDM messages one document, of results one for each report, of FHIR one for each DocumentReference, DiagnosticReport or Composition that stands for itself. */
export const documentsOf = (bundle: Bundle): readonly ReturnedDocument[] => {
  const view = viewOf(bundle)
  const reports = view.of('DiagnosticReport')
  const parts = new Set(reports.flatMap((report) => partsOf(view, report)))
  return [
    ...view.of('DocumentReference').filter((one) => !parts.has(one as Placed)).map((one) => ofReference(view, one)),
    ...reports.map((one) => ofReport(view, one)),
    ...view.of('Composition').map((placed) => {
      const { resource } = placed
      const text = compositionFacts(placed).text
      return made(idOf(resource.identifier ? [resource.identifier] : [], text), compositionFacts(placed), { status: resource.status, signed: SIGNED.has(resource.status), date: resource.date, replaces: related(view, placed, resource.relatesTo?.map(({ code, targetIdentifier, targetReference }) => ({ code, target: targetReference ?? { ...(targetIdentifier ? { identifier: targetIdentifier } : {}) } }))), attachments: [], more: [placed] }, resource.subject)
    }),
  ]
}

/** Whether two ids are of one document: a number whose system is not told may be that number of any system. */
export const sameDocument = (one: string, other: string): boolean => {
  const [system, value] = split(one)
  const [otherSystem, otherValue] = split(other)
  return value === otherValue && (system === otherSystem || !system || !otherSystem)
}
const split = (id: string): readonly [string, string] => [id.slice(0, Math.max(0, id.lastIndexOf('|'))), id.slice(id.lastIndexOf('|') + 1)]

interface Standing {
  readonly status: string
  readonly signed: boolean
  readonly date: string | undefined
  readonly replaces: { readonly replaces: string | null; readonly appends: string | null }
  readonly attachments: readonly Attachment[]
  readonly more: readonly Placed[]
}

const ofReference = (view: View, placed: Placed<DocumentReference>): ReturnedDocument => {
  const { resource } = placed
  const content = (resource.content ?? []).map(({ attachment, ...rest }) => ({ ...rest, attachment: withContent(view, attachment, placed) }))
  const attachments = content.map(({ attachment }) => attachment).filter(({ data, url }) => data || url)
  const status = resource.status === 'current' ? (resource.docStatus ?? 'unknown') : resource.status
  const kept = alternate((resource as { _status?: Coding })._status) === 'UN' // TXA-19: not available for care, whatever TXA-17 says
  const facts = referenceFacts(view, placed)
  const id = idOf([...(resource.masterIdentifier ? [resource.masterIdentifier] : []), ...(resource.identifier ?? [])], ...attachments.map(({ data, url }) => data ?? url ?? ''))
  const findings = (resource.context?.related ?? []).flatMap((reference) => view.follow(reference, placed) ?? []).filter((one) => one.resource.resourceType === 'Observation')
  const standing = { status, signed: SIGNED.has(status) && !kept, date: resource.date, replaces: related(view, placed, resource.relatesTo), attachments, more: findings }
  const { replaces, appends } = standing.replaces
  const relatesTo = resource.relatesTo?.map(({ code, target }) => ({ code, target: { ...(identifierOf(code === 'appends' ? appends : code === 'signs' ? null : replaces) ?? { display: 'not named' }), ...target } }))
  return { ...made(id, facts, standing, resource.subject), resources: aloneWith([{ ...placed, resource: { ...resource, content, ...(relatesTo ? { relatesTo } : {}) } }, ...findings]) }
}

/** A report is signed where it says so, or where it says nothing and all of its results are final; never where one is preliminary. */
const ofReport = (view: View, placed: Placed<DiagnosticReport>): ReturnedDocument => {
  const { resource } = placed
  const parts = partsOf(view, placed)
  const results = parts.flatMap((part) => (part.resource.resourceType === 'Observation' ? [part.resource] : []))
  const attachments = [...(resource.presentedForm ?? []), ...results.flatMap((one) => observedAttachment(one) ?? [])].map((one) => withContent(view, one, placed)).filter(({ data, url }) => data || url)
  const distinct = [...new Map(attachments.map((one) => [one.data ?? one.url, one])).values()]
  const allFinal = results.length > 0 && results.every(({ status }) => SIGNED.has(status) || WITHDRAWN.has(status)) && results.some(({ status }) => SIGNED.has(status))
  const status = resource.status === 'unknown' && allFinal ? 'final' : resource.status
  const facts = reportFacts(view, placed)
  const text = [facts.text, ...results.flatMap(line)].filter(Boolean).join('\n') || null
  const filler = [...(resource.identifier ?? [])].sort((a, b) => Number(typeOf(b) === 'FILL') - Number(typeOf(a) === 'FILL'))
  const standing = { status, signed: SIGNED.has(status) && !results.some((one) => UNSIGNED_PART.has(one.status)), date: resource.issued ?? resource.effectiveDateTime, replaces: { replaces: null, appends: null }, attachments: distinct, more: [placed, ...parts.filter(({ resource: part }) => part.resourceType === 'Observation')] }
  return made(idOf(filler, text, ...distinct.map(({ data, url }) => data ?? url ?? '')), { ...facts, text, contentType: distinct[0]?.contentType ?? (text ? 'text/plain' : null) }, standing, resource.subject)
}

/** The observations of a report, and the documents that its observations were taken from. */
const partsOf = (view: View, report: Placed<DiagnosticReport>): readonly Placed[] => {
  const results = (report.resource.result ?? []).flatMap((reference) => view.follow(reference, report) ?? [])
  const from = results.flatMap((one) => (one.resource.resourceType === 'Observation' ? (one.resource.derivedFrom ?? []).flatMap((reference) => view.follow(reference, one) ?? []) : []))
  return [...results, ...from.filter(({ resource }) => resource.resourceType === 'DocumentReference')]
}

/** A finding in a line, as it is read out: "Potassium: 4.1 mmol/L (3.5-5.1) N". */
const line = (observation: Observation): readonly string[] => {
  const value = observedValue(observation)
  if (value === null || WITHDRAWN.has(observation.status)) return []
  const name = coded(observation.code, '')[0]?.value.text
  const range = observation.referenceRange?.[0]?.text
  const mark = observation.interpretation?.[0]?.coding?.[0]?.code
  return value.includes('\n') ? [[name, value].filter(Boolean).join('\n')] : [`${name ? `${name}: ` : ''}${value}${range ? ` (${range})` : ''}${mark && mark !== 'N' ? ` ${mark}` : ''}`]
}

const made = (id: string, facts: ReturnType<typeof referenceFacts>, standing: Standing, subject: DocumentReference['subject']): ReturnedDocument => {
  const { status, signed, attachments, date } = standing
  const content = [...(facts.text && !attachments.some(({ contentType }) => contentType?.startsWith('text/')) ? [{ contentType: 'text/plain; charset=utf-8', data: Buffer.from(facts.text).toString('base64'), ...(facts.title ? { title: facts.title } : {}) }] : []), ...attachments]
  const [system, value] = split(id)
  const reference: DocumentReference = {
    resourceType: 'DocumentReference', masterIdentifier: { ...(system ? { system } : {}), value }, status: status === 'superseded' ? 'superseded' : WITHDRAWN.has(status) ? 'entered-in-error' : 'current',
    ...(signed ? { docStatus: status === 'final' ? 'final' : 'amended' } : WITHDRAWN.has(status) ? {} : { docStatus: 'preliminary' }),
    ...(facts.type ? { type: { ...(facts.type.code ? { coding: [{ ...(facts.type.system ? { system: facts.type.system } : {}), code: facts.type.code, ...(facts.type.text ? { display: facts.type.text } : {}) }] } : {}), ...(facts.type.text ? { text: facts.type.text } : {}) } } : {}),
    ...(subject ? { subject } : {}), ...(date && date.length > 10 ? { date } : {}), content: (content.length > 0 ? content : [{ title: facts.title ?? 'not sent' }]).map((attachment) => ({ attachment })),
  }
  return {
    id, title: facts.title, type: facts.type, contentType: facts.contentType, date: date ?? null, status, signed, withdrawn: WITHDRAWN.has(status), ...standing.replaces, text: facts.text,
    attachments: attachments.map(({ title, contentType, data, url }) => ({ title: title ?? null, contentType: contentType ?? null, data: data ?? null, url: url ?? null })),
    resources: aloneWith([{ url: '', at: '', resource: reference }, ...standing.more]),
  }
}

const related = (view: View, from: Placed, relations: readonly { readonly code: string; readonly target: Reference }[] | undefined): Standing['replaces'] => {
  const target = (codes: readonly string[]): string | null => {
    const relation = relations?.find(({ code }) => codes.includes(code))
    if (!relation) return null
    const there = view.follow(relation.target, from)?.resource
    const identifier = there?.resourceType === 'DocumentReference' ? there.masterIdentifier : relation.target.identifier
    return identifier ? idOf([identifier]) : (relation.target.reference ?? null)
  }
  return { replaces: target(['replaces', 'transforms']), appends: target(['appends']) }
}

const identifierOf = (id: string | null): { readonly identifier: Identifier } | null => {
  const [system, value] = split(id ?? '')
  return value ? { identifier: { ...(system ? { system } : {}), value } } : null
}

const idOf = (identifiers: readonly Identifier[], ...content: readonly (string | null)[]): string => {
  const identifier = identifiers.find(({ value }) => value)
  return identifier ? `${identifier.system ?? ''}|${identifier.value}` : `sha256:${digestOf(...content.map((one) => one ?? ''))}`
}

interface Coding { readonly extension?: readonly { readonly valueCodeableConcept?: { readonly coding?: readonly { readonly code?: string }[] } }[] }
const alternate = (element: Coding | undefined): string | undefined => element?.extension?.[0]?.valueCodeableConcept?.coding?.[0]?.code
const typeOf = ({ type }: Identifier): string | undefined => type?.coding?.[0]?.code
