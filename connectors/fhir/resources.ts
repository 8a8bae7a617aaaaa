/** The resources that a hand-off writes, made of the referral: each with a number of its own by which it is found again. */
import { createHash } from 'node:crypto'
import type { Resource } from './exchange.js'
import { conceptWords, type Identifier, list, nameWords, type Referral } from './referral.js'
import { besideWords } from './summary.js'

export const OUR_SYSTEM = 'urn:refero:referral'
/** What has been written so far, by the resource of the bundle that it is made of: "Patient/1". */
export type Written = ReadonlyMap<Resource, string>
export interface Draft { readonly role: string; readonly resource: Resource }

const own = (number: string, role: string): Identifier => ({ system: OUR_SYSTEM, value: `${number}/${role}` })
export const ownNumber = ({ number }: Referral, role: string): string => `${number}/${role}`
const shortHash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16)

/** A resource fit for a server that knows nothing of the bundle: references lead to what was written, or say in words and by identifier whom they mean. `there` is said of the server's own. */
const draft = (referral: Referral, role: string, resource: Resource, written: Written, there: object = {}): Draft => {
  const { id: _, meta: __, text: ___, ...rest } = resource
  const cleaned = cleanValue(rest, referral, written) as Resource
  return { role, resource: { ...cleaned, ...there, identifier: [...list<Identifier>(cleaned.identifier), own(referral.number, role)] } }
}

const cleanValue = (value: unknown, referral: Referral, written: Written): unknown => {
  if (Array.isArray(value)) {
    const kept = value.map((each) => cleanValue(each, referral, written)).filter((each) => each !== undefined)
    return kept.length > 0 ? kept : undefined
  }
  if (typeof value !== 'object' || value === null) return value
  const { reference, url } = value as { readonly reference?: unknown; readonly url?: unknown }
  if (typeof url === 'string' && url.startsWith('urn:refero:')) return undefined // an extension of ours
  if (typeof reference === 'string') return pointing(reference, value as { readonly display?: unknown }, referral, written)
  const entries = Object.entries(value).map(([name, each]) => [name, cleanValue(each, referral, written)] as const).filter(([, each]) => each !== undefined)
  return entries.length > 0 ? Object.fromEntries(entries) : undefined
}

const pointing = (reference: string, { display }: { readonly display?: unknown }, referral: Referral, written: Written): unknown => {
  const target = referral.follow(reference)
  const there = target && written.get(target)
  if (there) return { reference: there, ...(typeof display === 'string' && { display }) }
  if (!target) return typeof display === 'string' ? { display } : undefined
  const person = target.resourceType === 'PractitionerRole' ? referral.follow(target.practitioner) : target
  const words = target.resourceType === 'PractitionerRole' ? [nameWords(person), nameWords(referral.follow(target.organization))].filter(Boolean).join(', ') : besideWords(target)
  const identifiers = list<Identifier>(person?.identifier)
  const identifier = identifiers.find(({ system }) => system === 'http://hl7.org/fhir/sid/us-npi') ?? identifiers.find(({ system, value }) => system && value)
  if (!words && !identifier) return undefined
  return { type: person?.resourceType ?? target.resourceType, ...(identifier && { identifier: { system: identifier.system, value: identifier.value } }), ...(words && { display: words }) }
}

// ── One function a kind ─────────────────────────────────────────────────────────────────

export const patientDraft = (referral: Referral): Draft => draft(referral, 'patient', referral.patient, new Map())

export const coverageDrafts = (referral: Referral, written: Written): readonly { readonly source: Resource; readonly draft: Draft }[] =>
  list<unknown>(referral.request.insurance).flatMap((each) => referral.follow(each) ?? []).filter(({ resourceType }) => resourceType === 'Coverage')
    .map((source) => ({ source, draft: draft(referral, `coverage-${shortHash(`${conceptOf(source, referral)}|${String(source.subscriberId)}`)}`, source, written) }))

const conceptOf = (coverage: Resource, { follow }: Referral): string => list<unknown>(coverage.payor).map((each) => nameWords(follow(each))).join('+')

/** The request itself; the diagnoses that stand in resources of their own become codes of it. */
export const requestDraft = (referral: Referral, written: Written, documents: readonly string[]): Draft => {
  const { request, follow } = referral
  const conditions = list<unknown>(request.reasonReference).flatMap((each) => follow(each) ?? []).filter(({ resourceType, code }) => resourceType === 'Condition' && code)
  const { reasonReference: _, encounter: __, supportingInfo, ...rest } = request
  const made = draft(referral, 'service-request', { ...rest, supportingInfo: list<unknown>(supportingInfo).filter((each) => follow(each)?.resourceType !== 'DocumentReference') }, written)
  const beside = [...list(made.resource.supportingInfo), ...documents.map((reference) => ({ reference }))]
  const reasons = [...list(made.resource.reasonCode), ...conditions.map(({ code }) => code)]
  return { ...made, resource: { ...made.resource, status: request.status ?? 'active', intent: request.intent ?? 'order', ...(beside.length > 0 && { supportingInfo: beside }), ...(reasons.length > 0 && { reasonCode: reasons }) } }
}

export interface Attached { readonly role: string; readonly source: Resource | null; readonly resource: Resource; readonly contentType: string }

/** The documents of the bundle, with what their Binaries hold inside. Where one is the same again it has the same number. */
export const documentDrafts = (referral: Referral, written: Written): readonly Attached[] =>
  referral.resources.filter(({ resourceType }) => resourceType === 'DocumentReference').map((source) => {
    const content = list<{ readonly attachment?: Readonly<Record<string, unknown>> }>(source.content).map((each) => ({ ...each, attachment: withData(each.attachment ?? {}, referral) }))
    const known = (source.masterIdentifier ?? list<Identifier>(source.identifier)[0]) as Identifier | undefined
    const role = `document-${shortHash(known?.value ? `${known.system ?? ''}|${known.value}` : JSON.stringify(content))}`
    const made = draft(referral, role, { ...source, content, context: undefined }, written)
    return { role, source, resource: { ...made.resource, status: source.status ?? 'current' }, contentType: String(content[0]?.attachment.contentType ?? '') }
  })

const withData = (attachment: Readonly<Record<string, unknown>>, { follow }: Referral): Readonly<Record<string, unknown>> => {
  const binary = typeof attachment.url === 'string' ? follow(attachment.url) : null
  if (binary?.resourceType !== 'Binary') return attachment
  const { url: _, ...rest } = attachment
  return { ...rest, contentType: attachment.contentType ?? binary.contentType, data: binary.data }
}

export const summaryDraft = (referral: Referral, patient: string, loinc: string, contentType: string, bytes: Buffer): Draft =>
  draft(referral, 'summary', {
    resourceType: 'DocumentReference', status: 'current', docStatus: 'final', type: { coding: [{ system: 'http://loinc.org', code: loinc }], text: 'Referral' }, ...dated(referral.request.authoredOn),
    description: `Referral ${referral.number}`, content: [{ attachment: { contentType, title: `Referral ${referral.number}`, data: bytes.toString('base64') } }],
  }, new Map(), { subject: { reference: patient } })

/** An instant has a time and a zone; what has none is left out. */
const dated = (when: unknown): object => (typeof when === 'string' && /T.*(Z|[+-]\d\d:\d\d)$/.test(when) ? { date: when } : {})

/** What is written about others that were written: as the server calls them. */
export interface About { readonly patient: string; readonly request: string | null; readonly documents: readonly string[] }

export const taskDraft = (referral: Referral, written: Written, about: About, owner?: string): Draft => {
  const { request } = referral
  const given = referral.resources.find(({ resourceType, focus }) => resourceType === 'Task' && referral.follow(focus) === request)
  const { encounter: _, focus: __, ...rest } = given ?? { resourceType: 'Task' }
  const input = about.documents.map((reference) => ({ type: { text: 'document' }, valueReference: { reference } }))
  return draft(referral, 'task', {
    ...rest, resourceType: 'Task', status: given?.status ?? 'requested', intent: given?.intent ?? 'order', priority: given?.priority ?? request.priority,
    code: given?.code ?? { coding: [{ system: 'http://hl7.org/fhir/CodeSystem/task-code', code: 'fulfill' }] }, description: given?.description ?? headline(referral),
    authoredOn: given?.authoredOn ?? request.authoredOn, requester: given?.requester ?? request.requester,
  }, written, { for: { reference: about.patient }, ...(about.request && { focus: { reference: about.request } }), ...(owner && { owner: { reference: owner } }), ...(input.length > 0 && { input }) })
}

/** A wish for an appointment: proposed, with no time but the span in which the referral holds. */
export const appointmentDraft = (referral: Referral, about: About): Draft => {
  const { code, reasonCode, occurrencePeriod } = referral.request
  return draft(referral, 'appointment', {
    resourceType: 'Appointment', status: 'proposed', reasonCode, description: headline(referral), ...(code !== undefined && { serviceType: [code] }), ...(occurrencePeriod !== undefined && { requestedPeriod: [occurrencePeriod] }),
  }, new Map(), { participant: [{ actor: { reference: about.patient }, required: 'required', status: 'needs-action' }], ...(about.request && { basedOn: [{ reference: about.request }] }) })
}

export const communicationDraft = (referral: Referral, about: About, words: string, recipient: readonly string[] = []): Draft =>
  draft(referral, 'communication', { resourceType: 'Communication', status: 'completed', priority: referral.request.priority, payload: [{ contentString: words }] }, new Map(), {
    subject: { reference: about.patient }, ...(about.request && { about: [{ reference: about.request }] }), ...(recipient.length > 0 && { recipient: recipient.map((reference) => ({ reference })) }),
  })

const headline = ({ request, number }: Referral): string => ['Referral', number, conceptWords(request.code) || conceptWords(list<unknown>(request.reasonCode)[0])].filter(Boolean).join(' ')
