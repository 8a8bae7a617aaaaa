/** What a canonical Bundle says of a referral, flat, and where each fact of it stands. */
import type { Bundle, Condition, QuestionnaireResponseItem, ServiceRequest } from 'fhir/r4.js'
import type { Coded, DocumentFacts, Identifier, ReferralFacts, Urgency } from '../contracts.js'
import { coverageFacts } from './coverage-facts.js'
import { compositionFacts, referenceFacts, reportFacts } from './document-facts.js'
import { findings } from './findings.js'
import { REFERENCE_SYSTEM, ownReference } from './own-reference.js'
import { patientFacts } from './patient-facts.js'
import { providerFacts } from './provider-facts.js'
import { type Located, type Paths, coded, codings, distinct, each, identifier, ownWords, pathsInto, said } from './reading.js'
import { type Placed, type View, isAbort, viewOf } from './view.js'

const URGENCIES: Readonly<Record<string, Urgency>> = { routine: 'routine', elective: 'routine', urgent: 'urgent', asap: 'asap', 'same day': 'asap', stat: 'stat', emergent: 'stat', emergency: 'stat' }
const REFERRAL = '3457005' // SNOMED CT "patient referral": says no more than that it is one
const ICD10 = 'http://hl7.org/fhir/sid/icd-10-cm'

/**
 * Reads a canonical Bundle. `paths` has the FHIRPath of every fact under its name here ("diagnoses[0]", "patient.birthDate", "referrer.npi",
 * "coverage[0].authorization"): `ServiceRequest.reasonCode[0].text`, or `Bundle.entry[7].resource…` where several resources are of that type.
 */
export const factsOf = (bundle: Bundle): ReferralFacts => {
  const places: Record<string, string> = {}
  const paths = pathsInto(places)
  const view = viewOf(bundle)
  const { request, task } = view
  const paid = coverageFacts(view)
  for (const [index, one] of paid.entries()) for (const [key, at] of Object.entries(one.paths)) paths.thing(`coverage[${index}].${key}`, at)
  const orders = request ? [request, ...view.further] : []
  const conditions = reasonConditions(view)
  return {
    placer: paths.one('placer', placers(view)),
    reference: paths.one('reference', ownReference(view)),
    authoredOn: paths.one('authoredOn', [...said(request?.resource.authoredOn, `${request?.at}.authoredOn`), ...said(task?.resource.authoredOn, `${task?.at}.authoredOn`)]),
    priority: paths.one('priority', priorities(view)),
    revoked: paths.one('revoked', withdrawal(view)) ?? false,
    services: paths.many('services', distinct(orders.flatMap(services), codeKey)),
    diagnoses: paths.many('diagnoses', distinct([...conditions.flatMap(diagnoses), ...orders.flatMap(({ resource, at }) => each(resource.reasonCode, `${at}.reasonCode`, icdFirst)), ...visitReasons(view, icdFirst)], codeKey)),
    reasons: paths.many('reasons', distinct([...orders.flatMap(({ resource, at }) => each(resource.reasonCode, `${at}.reasonCode`, ownWords)), ...conditions.flatMap(spelled), ...visitReasons(view, ownWords)])),
    notes: paths.many('notes', distinct(notes(view, orders, conditions))),
    findings: paths.many('findings', view.about('Observation').flatMap(findings)),
    documents: paths.many('documents', documents(view)),
    patient: patientFacts(view.patient, paid, paths),
    referrer: referrer(view, paths),
    wanted: wanted(view, paths),
    coverage: paths.many('coverage', paid),
    paths: places,
  }
}

/** The referrer's own number: of the request, else of its task; typed PLAC before one without a type. */
const placers = ({ request, task }: View): readonly Located<Identifier>[] => {
  const all = [request, task].flatMap((placed) => (placed ? each<NonNullable<ServiceRequest['identifier']>[number], Identifier>(placed.resource.identifier, `${placed.at}.identifier`, (found, at) => (found.use === 'old' ? [] : identifier(found, at))) : []))
  const untyped = all.filter(({ value }) => value.type !== 'PLAC' && value.type !== 'FILL' && value.system !== REFERENCE_SYSTEM)
  const requisition = request?.resource.requisition
  const group = requisition && (requisition.system || requisition.type) ? identifier(requisition, `${request.at}.requisition`) : [] // a bare one is the message's control id
  return [...all.filter(({ value }) => value.type === 'PLAC'), ...untyped, ...group]
}

const priorities = ({ request, task }: View): readonly Located<Urgency>[] => {
  const stated = [request, task].flatMap((placed) => said(placed?.resource.priority, `${placed?.at}.priority`)) as readonly Located<Urgency>[]
  const concepts = request ? [...each(request.resource.orderDetail, `${request.at}.orderDetail`, coded), ...each(request.resource.category, `${request.at}.category`, coded)] : []
  const inWords = concepts.flatMap(({ value, at }) => [value.text, value.code].flatMap((word) => URGENCIES[word?.trim().toLowerCase() ?? ''] ?? []).slice(0, 1).map((urgency) => ({ value: urgency, at })))
  return [...stated, ...inWords]
}

/** What takes the referral back: its own status, its task's, or a task that asks to give it up. */
const withdrawal = (view: View): readonly Located<true>[] => {
  const { request, task } = view
  const aborts = view.of('Task').filter((placed) => {
    const focus = isAbort(placed.resource) && placed.resource.status !== 'rejected' ? view.follow(placed.resource.focus, placed) : null
    return focus !== null && (focus === request || focus === task)
  })
  return [
    ...(request && ['revoked', 'entered-in-error'].includes(request.resource.status) ? [`${request.at}.status`] : []),
    ...(task && ['cancelled', 'entered-in-error'].includes(task.resource.status) ? [`${task.at}.status`] : []),
    ...aborts.map(({ at }) => `${at}.code`),
  ].map((at) => ({ value: true, at }))
}

/** What is asked for: the service, its details, the kind of performer, and the category where it says more than "referral". */
const services = ({ resource, at }: Placed<ServiceRequest>): readonly Located<Coded>[] => [
  ...coded(resource.code, `${at}.code`),
  ...each(resource.orderDetail, `${at}.orderDetail`, coded),
  ...coded(resource.performerType, `${at}.performerType`),
  ...each(resource.category, `${at}.category`, coded).filter(({ value }) => value.code !== REFERRAL),
]

/** Conditions that are the reason, the primary one first; where no request names one, all that came along. */
const reasonConditions = (view: View): readonly Placed<Condition>[] => {
  const named = (view.request ? [view.request, ...view.further] : []).flatMap((order) => (order.resource.reasonReference ?? []).flatMap((reference) => view.follow(reference, order) ?? []))
  const of = named.filter((placed): placed is Placed<Condition> => placed.resource.resourceType === 'Condition')
  const all = of.length > 0 || view.request?.resource.reasonCode?.length ? [...new Set(of)] : view.about('Condition')
  const rank = ({ resource }: Placed<Condition>): number => resource.extension?.find(({ url }) => url === 'urn:refero:diagnosis-priority')?.valueInteger ?? Number.MAX_SAFE_INTEGER
  return all.filter(({ resource }) => !resource.verificationStatus?.coding?.some(({ code }) => code === 'refuted' || code === 'entered-in-error')).sort((a, b) => rank(a) - rank(b))
}

const icdFirst = (concept: Condition['code'], at: string): readonly Located<Coded>[] => {
  const all = codings(concept, at)
  return [...all.filter(({ value }) => value.system === ICD10), ...all.filter(({ value }) => value.system !== ICD10)]
}
const diagnoses = ({ resource, at }: Placed<Condition>): readonly Located<Coded>[] => {
  const codes = icdFirst(resource.code, `${at}.code`)
  return codes.length > 0 ? codes : said(resource.code?.text, `${at}.code.text`).map((one) => ({ value: { system: null, code: null, text: one.value }, at: one.at }))
}
/** What a coded diagnosis was called by whoever wrote it. */
const spelled = ({ resource, at }: Placed<Condition>): readonly Located<string>[] => (resource.code?.coding?.length ? ownWords(resource.code, `${at}.code`) : [])

/** Why the patient was seen where the referral was made (PV2-3). */
const visitReasons = <Value>(view: View, read: (concept: Condition['code'], at: string) => readonly Located<Value>[]): readonly Located<Value>[] => {
  const visit = view.request && view.follow(view.request.resource.encounter, view.request)
  return visit?.resource.resourceType === 'Encounter' ? each(visit.resource.reasonCode, `${visit.at}.reasonCode`, read) : []
}

const notes = (view: View, orders: readonly Placed<ServiceRequest>[], conditions: readonly Placed<Condition>[]): readonly Located<string>[] => {
  const written = [...orders, ...(view.task ? [view.task] : []), ...conditions].flatMap(({ resource, at }) => each(resource.note, `${at}.note`, ({ text }, place) => said(text, `${place}.text`)))
  return [
    ...written, ...orders.flatMap(({ resource, at }) => said(resource.patientInstruction, `${at}.patientInstruction`)), ...said(view.task?.resource.description, `${view.task?.at}.description`),
    ...view.about('QuestionnaireResponse').flatMap(({ resource, at }) => answers(resource.item, `${at}.item`)),
  ]
}

/** "Question: answer" for what was asked and has no other home. */
const answers = (items: readonly QuestionnaireResponseItem[] | undefined, at: string): readonly Located<string>[] => each(items, at, (item, place) => [
  ...each(item.answer, `${place}.answer`, (answer, where) => {
    const value = answer.valueString ?? answer.valueCoding?.display ?? answer.valueCoding?.code ?? answer.valueDate ?? answer.valueDateTime ?? (answer.valueBoolean === undefined ? undefined : answer.valueBoolean ? 'yes' : 'no') ?? answer.valueInteger?.toString() ?? answer.valueDecimal?.toString() ?? answer.valueQuantity?.value?.toString()
    return [...said(value, where).map((one) => ({ ...one, value: item.text ? `${item.text.replace(/[:?\s]*$/, '')}: ${one.value}` : one.value })), ...answers(answer.item, `${where}.item`)]
  }),
  ...answers(item.item, `${place}.item`),
])

const documents = (view: View): readonly Located<DocumentFacts>[] => [
  ...view.about('DocumentReference').filter(({ resource }) => resource.status !== 'entered-in-error').map((placed) => ({ value: referenceFacts(view, placed), at: placed.at })),
  ...view.about('DiagnosticReport').filter(({ resource }) => resource.status !== 'entered-in-error').map((placed) => ({ value: reportFacts(view, placed), at: placed.at })),
  ...view.about('Composition').filter(({ resource }) => resource.status !== 'entered-in-error').map((placed) => ({ value: compositionFacts(placed), at: placed.at })),
]

/** Who refers: the requester, else who asks for the task, else the visit's referrer, else whoever sent the message. A primary care provider who is only named is none of these. */
const referrer = (view: View, paths: Paths): ReferralFacts['referrer'] => {
  const { request, task } = view
  const visit = request && view.follow(request.resource.encounter, request)
  const participants = visit?.resource.resourceType === 'Encounter' ? (visit.resource.participant ?? []) : []
  const index = participants.findIndex(({ type }) => type?.some(({ coding }) => coding?.some(({ code }) => code === 'REF')))
  const header = view.of('MessageHeader')[0]
  return (request && providerFacts(view, request.resource.requester, request, `${request.at}.requester`, 'referrer', paths))
    ?? (task && providerFacts(view, task.resource.requester, task, `${task.at}.requester`, 'referrer', paths))
    ?? (visit && index >= 0 ? providerFacts(view, participants[index]?.individual, visit, `${visit.at}.participant[${index}].individual`, 'referrer', paths) : null)
    ?? (header && request && !fromAPatient(view) ? providerFacts(view, header.resource.sender, header, `${header.at}.sender`, 'referrer', paths) : null)
}
const fromAPatient = ({ request, follow }: View): boolean => ['Patient', 'RelatedPerson'].includes((request && follow(request.resource.requester, request))?.resource.resourceType ?? '')

/** Whom the form names: the performer, else the task's owner, else only a kind of performer. */
const wanted = (view: View, paths: Paths): ReferralFacts['wanted'] => {
  const { request, task } = view
  for (const [index, reference] of (request?.resource.performer ?? []).entries()) {
    const found = providerFacts(view, reference, request as Placed, `${request?.at}.performer[${index}]`, 'wanted', paths)
    if (found) return found
  }
  return task && providerFacts(view, task.resource.owner, task, `${task.at}.owner`, 'wanted', paths)
}

/** A code once, whatever it is called; words once. */
const codeKey = ({ system, code, text }: Coded): string => (code ? `${system}|${code}` : `|${text}`)
