/** Fetches a patient's chart: who is known there, which documents there are, and each of them, fed to a channel as it comes. */
import { randomUUID } from 'node:crypto'
import type { Outcome, Tools } from '../../engine/contracts.js'
import { sentence } from '../../engine/errors.js'
import { ACTIONS } from '../../engine/formats/mime/soap/names.js'
import type { RegistryAnswer } from '../../engine/formats/mime/soap/registry.js'
import { discoveredIn, discoveryOf, type Ends, type Known } from './discovery.js'
import { type Ask, isRefusal, type Refusal } from './gateway.js'
import { keyOf, mailOf } from './mail.js'
import type { Subject } from './patient.js'
import { type DocumentEntry, foundIn, type Query, queryOf, retrievedIn, retrieveOf } from './query.js'

export interface Plan {
  readonly query: URL
  readonly retrieve: URL
  readonly discover: (Ends & { readonly url: URL }) | null
  readonly home: string | null // of the community that is asked by a number that we know
  readonly filter: Pick<Query, 'classCodes' | 'typeCodes' | 'formatCodes' | 'from'>
  readonly documents: number // at most
  readonly maximum: number // bytes of one document
  readonly total: number // bytes of all
  readonly feed: string
}

/** What came of it, for people and programs; counts alone. */
interface Report { what: 'fetched' | 'no documents' | 'not known there'; documents: number; left: number } // left: beyond the limits

const MOST_ANSWER = 10 * 1024 ** 2 // of a query or a discovery
const ENVELOPE = 1024 ** 2 // around a document, which is a third longer in base64
const MOST_KNOWN = 20
const NOT_KNOWN = new Set(['XDSUnknownPatientId', 'XDSPatientIdDoesNotMatch'])
const BUSY = /^XDS(?:Registry|Repository)(?:Busy|NotAvailable|OutOfResources)$|^XDSUnavailableCommunity$/

/** Asked again, it finds the same, and what was fed is there once. `at` is when the referral's event was received. */
export const fetchChart = async (subject: Subject, plan: Plan, ask: Ask, tools: Tools, at: Date): Promise<Outcome> => {
  const known = await whoIsKnown(subject, plan, ask, tools)
  if (isRefusal(known)) return known
  const refusals: Refusal[] = []
  const found = new Map<string, DocumentEntry>()
  for (const one of known) {
    const entries = await documentsOf(one, plan, ask, refusals)
    for (const entry of entries) found.set(keyOf('', entry), entry)
  }
  const newest = [...found.values()].sort((a, b) => (b.created ?? '').localeCompare(a.created ?? ''))
  const report: Report = { what: known.length === 0 ? 'not known there' : newest.length === 0 ? 'no documents' : 'fetched', documents: 0, left: 0 }
  let bytes = 0
  for (const entry of newest) {
    if (report.documents >= plan.documents || (entry.size ?? 0) > plan.maximum || bytes + (entry.size ?? 0) > plan.total) {
      report.left += 1
      continue
    }
    const came = await fetched(entry, subject, plan, ask, tools, at)
    if (isRefusal(came)) refusals.push(came)
    else {
      report.documents += 1
      bytes += came.bytes
    }
  }
  return outcomeOf(report, refusals)
}

/** By the numbers that we know; else, where that is wanted, by who the patient is. */
const whoIsKnown = async (subject: Subject, { discover, home }: Plan, ask: Ask, tools: Tools): Promise<readonly Known[] | Refusal> => {
  if (subject.ids.length > 0) return subject.ids.slice(0, MOST_KNOWN).map((patient) => ({ patient, home }))
  if (!discover) return { kind: 'refused', reason: 'the patient has no number whose system is in `ids`, and `discover` is not set', code: 'no-patient-id' }
  const question = discoveryOf(subject, discover, randomUUID(), tools.clock.now())
  if (question === null) return { kind: 'refused', reason: 'family name, birth date and sex are needed to ask who is known there', code: 'no-demographics' }
  const answer = await ask(discover.url, ACTIONS.discover, 'discover', question, MOST_ANSWER)
  if (isRefusal(answer)) return answer
  const discovered = discoveredIn(answer, subject)
  if (!discovered) return { kind: 'unavailable', reason: 'the answer to the patient discovery is none' }
  const { problem, busy, known, others } = discovered
  if (problem !== null) return { kind: busy ? 'unavailable' : 'refused', reason: `the patient discovery was answered ${problem}`, code: problem }
  if (others > 0) tools.log('warn', 'a patient discovery was answered with people of another name or birth date; they are passed over', { count: others })
  return known.slice(0, MOST_KNOWN)
}

const documentsOf = async ({ patient, home }: Known, { query, filter }: Plan, ask: Ask, refusals: Refusal[]): Promise<readonly DocumentEntry[]> => {
  const answer = await ask(query, ACTIONS.query, `query ${patient.authority} ${patient.value} ${home ?? ''}`, queryOf({ patient, home, ...filter }), MOST_ANSWER)
  if (isRefusal(answer)) return refusing(refusals, answer)
  const found = foundIn(answer, home)
  if (!found) return refusing(refusals, { kind: 'unavailable', reason: 'the answer to the query is none' })
  if (found.said.status !== 'Success' && !(found.said.errors.length > 0 && found.said.errors.every(({ code }) => NOT_KNOWN.has(code)))) refusals.push(refusalOf(found.said, 'the query'))
  if (found.incomplete > 0) refusals.push({ kind: 'refused', reason: `${found.incomplete} entries do not say where their documents are`, code: 'XDSRegistryMetadataError' })
  return found.entries
}

const refusing = (refusals: Refusal[], one: Refusal): readonly DocumentEntry[] => {
  refusals.push(one)
  return []
}

const fetched = async (entry: DocumentEntry, { reference }: Subject, plan: Plan, ask: Ask, tools: Tools, at: Date): Promise<{ readonly bytes: number } | Refusal> => {
  const answer = await ask(plan.retrieve, ACTIONS.retrieve, `retrieve ${keyOf('', entry)} ${entry.repository}`, retrieveOf(entry), Math.ceil(plan.maximum * 1.4) + ENVELOPE)
  if (isRefusal(answer)) return answer
  const retrieved = retrievedIn(answer, entry)
  if (!retrieved) return { kind: 'unavailable', reason: 'the answer to a retrieval is none' }
  const { said, document } = retrieved
  if (!document) return said.status === 'Success' ? { kind: 'refused', reason: 'a retrieval was answered without its document', code: 'XDSDocumentUniqueIdError' } : refusalOf(said, 'a retrieval')
  if (document.content.length > plan.maximum) return { kind: 'refused', reason: `a document has more than ${plan.maximum} bytes`, code: 'too-large' }
  return fed(entry, reference, await mailOf(reference, entry, { type: document.type ?? entry.type ?? 'application/octet-stream', content: document.content }, plan.feed, at), document.content.length, plan.feed, tools)
}

const fed = async (entry: DocumentEntry, reference: string, bytes: Buffer, length: number, feed: string, tools: Tools): Promise<{ readonly bytes: number } | Refusal> => {
  try {
    const { verdict, reason } = await tools.feed(feed, { bytes, origin: `channel ${tools.channel}`, key: keyOf(reference, entry) })
    if (verdict === 'accepted') return { bytes: length }
    return { kind: verdict === 'error' ? 'unavailable' : 'refused', reason: reason ?? `the channel ${feed} did not take a document` }
  } catch (error) {
    return { kind: 'unavailable', reason: sentence(error) }
  }
}

const refusalOf = ({ status, errors }: RegistryAnswer, what: string): Refusal => {
  const codes = [...new Set(errors.map(({ code }) => code.replace(/[^\w.:-]/g, '')).filter(Boolean))]
  return { kind: codes.some((code) => BUSY.test(code)) ? 'unavailable' : 'refused', reason: `${what} was answered ${status}${codes.length > 0 ? `: ${codes.slice(0, 5).join(', ')}` : ''}`, code: codes[0] ?? status }
}

/** What was not answered is asked again, the whole with it; what was refused is for a person, and what came is kept. */
const outcomeOf = (report: Report, refusals: readonly Refusal[]): Outcome => {
  const response = Buffer.from(JSON.stringify(report))
  const [first] = [...refusals].sort((a, b) => (a.kind === b.kind ? 0 : a.kind === 'unavailable' ? -1 : 1))
  if (!first) return { kind: 'sent', response }
  const reason = `${[...new Set(refusals.map((one) => one.reason))].slice(0, 5).join('; ')} (${report.documents} documents were taken)`
  const code = first.code === undefined ? {} : { code: first.code }
  return first.kind === 'unavailable' ? { kind: 'unavailable', reason, ...code } : { kind: 'refused', reason, ...code, response }
}
