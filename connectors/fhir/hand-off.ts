/** Writes a referral to an EHR, in an order that may be begun again after any crash: what is there is found, and nothing is made twice. */
import { type Evidence, type Write, withoutData } from './evidence.js'
import { Ended, type Resource, type Server } from './exchange.js'
import { findPatient, refused, token } from './patient.js'
import { type Identifier, list, type Referral, referenceText } from './referral.js'
import { type About, appointmentDraft, communicationDraft, coverageDrafts, type Draft, documentDrafts, OUR_SYSTEM, ownNumber, patientDraft, requestDraft, summaryDraft, taskDraft } from './resources.js'
import type { Kind, Settings } from './settings.js'
import { fitsPdf, summary, summaryPdf, summaryText } from './summary.js'

/** Everything done so far, also where the hand-off ends before its end. */
export interface Progress { patient: string | null; readonly writes: Write[]; readonly leftOut: { what: string; why: string }[] }

export const DEFAULTS = { write: ['serviceRequest', 'task', 'document'] as readonly Kind[], document: { type: '57133-1', as: 'pdf' }, search: true } as const

/** Throws Ended where it cannot go on; what `progress` holds is written all the same. */
export const handOff = async (server: Server, referral: Referral, settings: Settings, progress: Progress): Promise<void> => {
  const { search = DEFAULTS.search } = settings
  const write: readonly Kind[] = settings.write ?? DEFAULTS.write
  if (referral.request.status === 'revoked' || referral.request.status === 'entered-in-error') throw refused('the referral is taken back; this destination only hands referrals over')
  const wanted = (kind: Kind): boolean => write.includes(kind)
  const put = (draft: Draft, about: string | null, more: Pick<Write, 'words' | 'note'> = {}): Promise<string> => putOne(server, referral, draft, about, search, progress, more)

  const patient = await patientOf(server, referral, settings, progress)
  progress.patient = patient
  const written = new Map([[referral.patient, patient]])

  if (wanted('coverage')) for (const { source, draft } of coverageDrafts(referral, written)) written.set(source, await put(draft, patient))

  const documents: string[] = []
  if (wanted('document')) {
    documents.push(await putSummary(referral, settings, patient, put))
    for (const { role, resource, source, contentType } of documentDrafts(referral, written)) {
      if (settings.document?.accepts && !settings.document.accepts.includes(contentType)) progress.leftOut.push({ what: role, why: `the server takes no ${contentType || 'documents of unknown type'}` })
      else {
        const reference = await put({ role, resource }, patient)
        documents.push(reference)
        if (source) written.set(source, reference)
      }
    }
  }
  const request = wanted('serviceRequest') ? await put(requestDraft(referral, written, documents), patient) : null
  if (request) written.set(referral.request, request)
  const about: About = { patient, request, documents }
  if (wanted('task')) await put(taskDraft(referral, written, about, settings.task?.owner), patient)
  if (wanted('appointment')) await put(appointmentDraft(referral, about), patient)
  if (wanted('communication')) await put(communicationDraft(referral, about, summaryText(summary(referral)), settings.communication?.recipient), patient)
}

const patientOf = async (server: Server, referral: Referral, settings: Settings, progress: Progress): Promise<string> => {
  const found = await findPatient(server, referral, settings.patient)
  if ('existing' in found) {
    const reference = `Patient/${String(found.existing.id)}`
    progress.writes.push({ role: 'patient', type: 'Patient', how: 'found', reference, sent: null, returned: found.existing })
    return reference
  }
  const draft = patientDraft(referral)
  const also = found.by.map(({ system, value }) => token(system, value))
  return putOne(server, referral, draft, null, settings.search ?? DEFAULTS.search, progress, {}, also)
}

const putSummary = async (referral: Referral, { document = {} }: Settings, patient: string, put: (draft: Draft, about: string, more: Pick<Write, 'words' | 'note'>) => Promise<string>): Promise<string> => {
  const { type, as } = { ...DEFAULTS.document, ...document }
  const sections = summary(referral)
  const words = summaryText(sections)
  const pdf = as === 'pdf' && fitsPdf(words)
  if (as === 'pdf' && !pdf && document.accepts && !document.accepts.includes('text/plain')) throw refused('the summary holds letters that a PDF of the standard fonts cannot show, and the server takes no text')
  const bytes = pdf ? await summaryPdf(sections) : Buffer.from(words)
  return put(summaryDraft(referral, patient, type, pdf ? 'application/pdf' : 'text/plain; charset=utf-8', bytes), patient, { words, ...(as === 'pdf' && !pdf && { note: 'written as text: it holds letters that a PDF of the standard fonts cannot show' }) })
}

/** Finds what has our number, or creates it; `about` is the patient whom it must be about. Resolves with what the server calls it. */
const putOne = async (server: Server, referral: Referral, { role, resource }: Draft, about: string | null, search: boolean, progress: Progress, more: Pick<Write, 'words' | 'note'>, also: readonly string[] = []): Promise<string> => {
  const type = resource.resourceType
  const number = ownNumber(referral, role)
  const ours = token(OUR_SYSTEM, number)
  const keep = (how: Write['how'], reference: string, returned: Resource | null, note?: string): string => {
    if (about && returned && !isAbout(returned, about)) throw refused(`the ${type} there that has our number is about another patient; a person must look`)
    progress.writes.push({ role, type, how, reference, sent: withoutData(resource) as Resource, returned: withoutData(returned) as Resource | null, ...more, ...(note && { note }) })
    return reference
  }
  const found = search ? await lookFor(server, type, number, ours) : null
  if (found) return keep('found', `${type}/${String(found.id)}`, found)

  const condition = `identifier=${[ours, ...also].map(inHeader).join(',')}`
  const { status, resource: said, location } = await server.create(resource, condition, { bundle: referral.resources })
  const returned = said ?? (location ? await server.read(location) : null)
  const reference = location ?? (search ? await lookFor(server, type, number, ours).then((later) => (later ? `${type}/${String(later.id)}` : null)) : null)
  if (!reference) throw new Ended({ kind: 'unknown', reason: `${type} was taken, but the server does not say where it is` })
  const kept = !returned || list<Identifier>(returned.identifier).some(({ value }) => value === number)
  return keep(status === 200 ? 'found' : 'created', reference, returned, kept ? undefined : 'the server did not keep our number: a repetition could not find it, and would write it again')
}

const lookFor = async (server: Server, type: string, number: string, ours: string): Promise<Resource | null> => {
  const found = await server.search(type, { identifier: ours })
  const having = found.filter(({ identifier }) => list<Identifier>(identifier).some(({ value }) => value === number))
  if (having.length < found.length) throw refused(`the server answers a search of ${type} by identifier with others that do not have it: what is written could not be found again`)
  if (having.length > 1) throw refused(`several ${type} resources there have our number; a person must look`)
  return having[0] ?? null
}

/** A resource that names a patient must name this one; absolute references count by their end. */
const isAbout = ({ subject, for: whom, beneficiary, participant }: Resource, patient: string): boolean => {
  const named = [subject, whom, beneficiary, ...list<{ actor?: unknown }>(participant).map(({ actor }) => actor)].map((each) => referenceText(each).replace(/\/_history\/.*$/, '')).filter((text) => /(^|\/)Patient\//.test(text))
  return named.every((text) => text === patient || text.endsWith(`/${patient}`))
}

/** A header holds what a query would; `:`, `/` and `|` are left to be read. */
const inHeader = (text: string): string => encodeURIComponent(text).replace(/%3A/g, ':').replace(/%2F/g, '/').replace(/%7C/g, '|')

export const evidence = (server: string, number: string, at: Date, { patient, writes, leftOut }: Progress, ended: Ended | null): Evidence =>
  ({ kind: 'fhir-hand-off', server, at: at.toISOString(), number, patient, writes, leftOut, ended: ended && { reason: ended.message, answer: ended.answer } })
