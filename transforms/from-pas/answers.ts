/** Reads what a payer answers in a ClaimResponse of Da Vinci PAS: decisions, each with its number, visits and dates, and which request they answer. */
import type { Bundle, Claim, ClaimResponse, ClaimResponseItem, CodeableConcept, Coverage, Extension, FhirResource, Identifier, OperationOutcome, Organization, Patient, Period, Reference, ServiceRequest } from 'fhir/r4.js'
import { MessageFault } from '../../engine/errors.js'

/** One decision of the payer; `at` is where it stands, as a FHIR path. */
export interface PayerDecision {
  readonly action: string | null // X12 data element 306: A1, A3, A4…
  readonly number: string | null
  readonly visits: number | null
  readonly period: Period | null
  readonly reasons: readonly CodeableConcept[]
  readonly at: string
}

/** What is answered about one request. */
export interface Answer {
  readonly response: ClaimResponse | null // null: the payer could not read the request at all
  readonly asked: readonly Identifier[] // numbers of whoever asked: of the item, or of the whole where there is but one request
  readonly group: Identifier | null // the number that several requests share
  readonly theirs: readonly Identifier[] // numbers that the payer gave
  readonly decisions: readonly PayerDecision[]
  readonly errors: readonly string[] // in words
  readonly patient: Patient | null
  readonly insurer: Organization | null
  readonly coverage: Coverage | null
  readonly place: string // of the answer in what came
}

type Item = Pick<ClaimResponseItem, 'extension' | 'adjudication' | 'noteNumber'> & { readonly at: string; readonly asked: readonly Identifier[] }

/** Throws a MessageFault where there is no answer in it. */
export const answersOf = (body: unknown): readonly Answer[] => {
  const given = body as FhirResource
  const bundle = given.resourceType === 'Bundle' ? (given as Bundle<FhirResource>) : null
  const entries = bundle ? (bundle.entry ?? []).flatMap(({ fullUrl, resource }, index) => (resource ? [{ url: fullUrl ?? '', resource, at: `Bundle.entry[${index}].resource` }] : [])) : [{ url: '', resource: given, at: given.resourceType }]
  const responses = entries.flatMap(({ resource, at }) => (resource.resourceType === 'ClaimResponse' ? [{ resource, at }] : []))
  const said = entries.flatMap(({ resource }) => (resource.resourceType === 'OperationOutcome' ? wrong(resource) : []))
  if (responses.length === 0 && said.length === 0) throw new MessageFault({ kind: 'unsupported', reason: 'there is no ClaimResponse; a payer’s answer is one', location: 'ClaimResponse' })
  if (responses.length === 0) return [{ response: null, asked: [], group: bundle?.identifier ?? null, theirs: [], decisions: [], errors: said, patient: null, insurer: null, coverage: null, place: 'OperationOutcome' }]
  return responses.flatMap(({ resource, at }) => answersIn(resource, at, said, bundle?.identifier ?? null, finder(entries, resource)))
}

type Find = <Kind extends FhirResource>(type: Kind['resourceType'], reference: Reference | undefined, only?: true) => Kind | null

/** By reference, contained or in the bundle; where nothing is there by that name, `only` takes the only one of its type. */
const finder = (entries: readonly { readonly url: string; readonly resource: FhirResource }[], from: ClaimResponse): Find => <Kind extends FhirResource>(type: Kind['resourceType'], reference: Reference | undefined, only?: true) => {
  const name = reference?.reference
  const all = [...(from.contained ?? []).map((resource) => ({ url: `#${resource.id ?? ''}`, resource })), ...entries].filter(({ resource }) => resource.resourceType === type)
  const meant = name === undefined ? undefined : all.find(({ url, resource }) => url === name || url.endsWith(`/${name}`) || (resource.id !== undefined && (name === `${type}/${resource.id}` || name.endsWith(`/${type}/${resource.id}`))))
  return ((meant ?? (only && all.length === 1 ? all[0] : undefined))?.resource as Kind | undefined) ?? null
}

const answersIn = (response: ClaimResponse, at: string, said: readonly string[], transaction: Identifier | null, find: Find): readonly Answer[] => {
  if (response.use !== 'preauthorization') throw new MessageFault({ kind: 'unsupported', reason: `the ClaimResponse is of a ${response.use}; an authorization is a preauthorization`, location: 'ClaimResponse.use' })
  const claim = find<Claim>('Claim', response.request, true)
  const insurer = find<Organization>('Organization', response.insurer)
  const whole = distinct([...(claim?.identifier ?? []), ...(response.request?.identifier ? [response.request.identifier] : [])])
  const own = (response.identifier ?? []).filter(({ value }) => value)
  const echoed = whole.length === 0 // where the request is not here, what the answer is called by is the number that it was asked with
  const numbers = distinct([...whole, ...(echoed ? own : [])])
  const items = itemsOf(response, at, claim, find)
  const groups = grouped(items, ({ asked }) => asked.map(({ value }) => value).join(' '))
  const several = groups.size > 1
  const common = {
    response, errors: [...(response.error ?? []).map(({ code }) => wordsOf(code)), ...said], patient: find<Patient>('Patient', response.patient, true), insurer,
    coverage: find<Coverage>('Coverage', response.insurance?.find(({ focal }) => focal)?.coverage ?? response.insurance?.[0]?.coverage ?? claim?.insurance?.[0]?.coverage, true),
  }
  const answer = (some: readonly Item[], place: string): Answer => ({
    ...common, place, asked: distinct([...(some[0]?.asked ?? []), ...(several ? [] : numbers)]), group: several ? (numbers[0] ?? transaction) : transaction,
    theirs: distinct([...(echoed ? [] : own), ...some.flatMap(({ extension }) => named(extension, 'administrationReferenceNumber').flatMap(({ valueString }) => (valueString ? [{ value: valueString }] : [])))]).filter(({ value }) => !numbers.some((one) => one.value === value)),
    decisions: decisionsOf(some, response, at),
  })
  return several ? [...groups.values()].map((some) => answer(some, some[0]?.at ?? at)) : [answer(items, at)]
}

/** Items that were asked for, and those that the payer added; each with the numbers that it was asked with. */
const itemsOf = (response: ClaimResponse, at: string, claim: Claim | null, find: Find): readonly Item[] => {
  const askedWith = (extension: readonly Extension[] | undefined, sequences: readonly number[]): readonly Identifier[] => {
    const asked = claim?.item?.filter(({ sequence }) => sequences.includes(sequence)) ?? []
    const requests = asked.flatMap((item) => named(item.extension, 'requestedService').flatMap(({ valueReference }) => find<ServiceRequest>('ServiceRequest', valueReference)?.identifier ?? []))
    return distinct([...[extension, ...asked.map((item) => item.extension)].flatMap((some) => named(some, 'itemTraceNumber').flatMap(({ valueIdentifier }) => valueIdentifier ?? [])), ...requests])
  }
  return [
    ...(response.item ?? []).map((item, index) => ({ ...item, at: `${at}.item[${index}]`, asked: askedWith(item.extension, [item.itemSequence]) })),
    ...(response.addItem ?? []).map((item, index) => ({ ...item, at: `${at}.addItem[${index}]`, asked: askedWith(item.extension, item.itemSequence ?? []) })),
  ]
}

/** Items with the same decision and number are one; an answer that says nothing of items is one as a whole. */
const decisionsOf = (items: readonly Item[], response: ClaimResponse, at: string): readonly PayerDecision[] => {
  const all = items.map((item): PayerDecision => {
    const review = [...item.adjudication.flatMap(({ extension }) => named(extension, 'reviewAction')), ...named(item.extension, 'reviewAction')].flatMap(({ extension }) => extension ?? [])
    const detail = named(item.extension, 'authorizedDetail', 'authorizedItemDetail').flatMap(({ extension }) => named(extension, 'quantity'))
    const notes = (response.processNote ?? []).filter(({ number }) => number !== undefined && item.noteNumber?.includes(number)).map(({ text }) => ({ text }))
    return {
      at: item.at, action: actionOf(review), number: named(review, 'number')[0]?.valueString ?? null,
      visits: detail.map(({ valueQuantity }) => valueQuantity).find((one) => isVisits(one?.code ?? one?.unit))?.value ?? null,
      period: named(item.extension, 'preAuthPeriod')[0]?.valuePeriod ?? response.preAuthPeriod ?? named(item.extension, 'authorizedDate')[0]?.valuePeriod ?? null,
      reasons: [...named(review, 'reasonCode').flatMap(({ valueCodeableConcept }) => valueCodeableConcept ?? []), ...notes],
    }
  }).filter(({ action, number }) => action !== null || number !== null)
  const review = [...named(response.extension, 'reviewAction'), ...(response.adjudication ?? []).flatMap(({ extension }) => named(extension, 'reviewAction'))].flatMap(({ extension }) => extension ?? [])
  const whole: PayerDecision = { at, action: actionOf(review) ?? (response.outcome === 'queued' ? 'A4' : null), number: named(review, 'number')[0]?.valueString ?? response.preAuthRef ?? null, visits: null, period: response.preAuthPeriod ?? null, reasons: named(review, 'reasonCode').flatMap(({ valueCodeableConcept }) => valueCodeableConcept ?? []) }
  if (all.length === 0) return [whole]
  const alike = grouped(all.map((one) => ({ ...one, number: one.number ?? (one.action !== null && REFUSES.has(one.action) ? null : whole.number) })), ({ action, number }) => `${action} ${number}`)
  return [...alike.values()].flatMap((some) => (some[0] ? [{ ...some[0], visits: some.some(({ visits }) => visits !== null) ? some.reduce((sum, { visits }) => sum + (visits ?? 0), 0) : null, reasons: some.flatMap(({ reasons }) => reasons) }] : []))
}
/** Not certified, pended, contact payer: what is decided so has no number of its own. */
const REFUSES = new Set(['A3', 'A4', 'CT'])

/** Of reviewAction: `code` in earlier versions of the guide, the URL of its own extension in later ones. */
const actionOf = (review: readonly Extension[]): string | null => named(review, 'code', 'reviewActionCode').flatMap(({ valueCodeableConcept }) => valueCodeableConcept?.coding ?? []).find(({ code }) => code)?.code ?? null

/** X12 data element 673 VS, UCUM {visit}; a number without a unit is one of visits. */
const isVisits = (unit: string | undefined): boolean => unit === undefined || /^(VS|\{?visits?\}?)$/i.test(unit)

/** Extensions by the last word of their URL: `…/extension-itemPreAuthPeriod` and `preAuthPeriod` are one. */
const named = (extensions: readonly Extension[] | undefined, ...names: readonly string[]): readonly Extension[] => (extensions ?? []).filter(({ url }) => {
  const last = url.slice(url.lastIndexOf('/') + 1).replace(/^extension-/, '')
  return names.some((name) => last === name || last.replace(/^item(?=[A-Z])/, '').toLowerCase() === name.toLowerCase())
})

const wordsOf = ({ text, coding }: CodeableConcept): string => text ?? coding?.find(({ display }) => display)?.display ?? `code ${coding?.find(({ code }) => code)?.code ?? 'not said'}`

const wrong = ({ issue }: OperationOutcome): readonly string[] =>
  issue.filter((one) => one?.severity === 'error' || one?.severity === 'fatal').map(({ details, diagnostics, code }) => details?.text ?? diagnostics ?? details?.coding?.[0]?.display ?? code)

const grouped = <One>(all: readonly One[], by: (one: One) => string): ReadonlyMap<string, readonly One[]> => {
  const groups = new Map<string, readonly One[]>()
  for (const one of all) groups.set(by(one), [...(groups.get(by(one)) ?? []), one])
  return groups
}

const distinct = (all: readonly Identifier[]): readonly Identifier[] => [...new Map(all.filter(({ value }) => value?.trim()).map((one) => [`${one.system ?? ''}|${one.value}`, one])).values()]
