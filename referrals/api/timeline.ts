/** What happened to a referral, each event in a sentence, with everything it rests on. */
import { nameOf } from '../merged-charts.js'
import { placeOf } from '../decisions/route.js'
import type { EventFacts, EventName, NoticeKind, ReferralEvent } from '../desk-contracts.js'
import type { Receipt } from '../hand-off/receipt-contracts.js'
import { LIFE_CYCLE } from '../life-cycle.js'
import { appointmentWords, timeWords } from '../notice-words.js'

/** `zone` is that of the practice's clocks; `name` says who is meant where the words have an id alone. */
export const timelineOf = (events: readonly ReferralEvent[], zone: string, name: (text: string) => string = (text) => text) => events.map(({ sequence, at, recordedAt, name: event, by, reason, applied, because, facts }) => ({
  sequence, at, recordedAt, name: event, says: name(says(event, facts, zone)), by, reason, applied, because, why: whyOf(facts).map(name), facts,
}))

const says = (event: EventName, facts: EventFacts, zone: string): string => {
  const { attempt, ...rest } = facts
  const shown = attempt && !(event === 'unable-to-reach' && facts.reason) ? facts : rest // the reason tells of all attempts
  const detail = DETAILS.flatMap((of) => of(shown, zone) ?? [])
  return `${headlineOf(event, facts)}${detail.length > 0 ? `: ${detail.join('; ')}` : ''}.`
}

const headlineOf = (event: EventName, { notice, receipt, words }: EventFacts): string => {
  const told = notice && (DELIVERED.has(event) || (event === 'noted' && !words)) ? TOLD[notice.kind] : undefined
  const plain = event.replaceAll('-', ' ')
  if (notice?.staff && DELIVERED.has(event)) return `A letter was written for staff to send, ${NAMES[notice.kind] ?? notice.kind}`
  return told ?? (receipt ? 'What the EHR made of it' : (HEADLINES[event] ?? LIFE_CYCLE[event].says ?? `${plain.charAt(0).toUpperCase()}${plain.slice(1)}`)) + (notice && !told ? `, ${NAMES[notice.kind] ?? notice.kind}` : '')
}

/** Events that are the delivery of a notice. */
const DELIVERED: ReadonlySet<EventName> = new Set(['acknowledged', 'status-sent', 'outcome-sent', 'handed-off', 'written-back', 'sent'])
const TOLD: Partial<Record<NoticeKind, string>> = {
  'acknowledgement': 'The referrer was told that it is here', 'information': 'The referrer was asked for what is missing', 'status': 'The other side was told where it stands', 'digest': 'The other side was told where it stands',
  'outcome': 'The consult note was sent to the referrer', 'hand-off': 'Handed over', 'withdrawal': 'Taken back from whoever had it', 'referral': 'Sent to the specialist', 'report': 'The report was written to the EHR',
}
const NAMES: Partial<Record<NoticeKind, string>> = {
  'acknowledgement': 'the acknowledgement', 'information': 'the question for what is missing', 'status': 'the news', 'digest': 'the news', 'outcome': 'the consult note', 'hand-off': 'the hand-over', 'withdrawal': 'the withdrawal', 'referral': 'the referral', 'report': 'the report',
}
const HEADLINES: Partial<Record<EventName, string>> = {
  'match-uncertain': 'It is not certain whose referral it is', 'patient-pending': 'The patient has no chart yet', 'route-uncertain': 'It is not certain where it goes', 'handed-off': 'Handed over', 'notice-failed': 'It could not be delivered',
  'acknowledged-by-them': 'The specialist acknowledged it',
}
const WAYS: Readonly<Record<string, string>> = { '360x': '360X', direct: 'Direct', hl7: 'HL7', fhir: 'FHIR', email: 'e-mail', portal: 'the portal', file: 'a file' }

const receiptWords = (receipt: Receipt | undefined): string | null => {
  if (!receipt) return null
  const said = receipt.fields.filter(({ state }) => state !== 'not-there')
  const lost = said.filter(({ state }) => state === 'not-carried' || state === 'different')
  const names = [...new Set(lost.map(({ field }) => field))].join(', ')
  return lost.length === 0 ? `all ${said.length} values went along` : `${lost.length} of ${said.length} values did not go along or were changed (${names})`
}

const DETAILS: readonly ((facts: EventFacts, zone: string) => string | null | undefined)[] = [
  ({ via }) => via && `through ${via}`,
  ({ provider }) => provider && `${provider.name} (provider ${provider.id})`,
  ({ chart }) => chart && nameOf(chart),
  ({ route }) => route && placeOf(route),
  ({ row }) => row && `by ${row}`,
  ({ urgency }) => urgency,
  ({ specialty }) => specialty,
  ({ missing }) => (missing?.length ? missing.map(({ says: item }) => item).join(', ') : null),
  ({ appointment }, zone) => appointment && ([appointmentWords(appointment, zone), appointment.id && `number ${appointment.id}`].filter(Boolean).join(', ') || null),
  ({ attempt }) => attempt && `attempt ${attempt.number}, by ${attempt.how}`,
  ({ notice }) => notice && ([notice.way !== null && `by ${notice.staff && notice.way === 'file' ? 'post' : (WAYS[notice.way] ?? notice.way)}`, notice.as && `as ${notice.as}`, notice.doubtful && 'perhaps twice'].filter(Boolean).join(', ') || null),
  ({ duty }, zone) => duty && `${duty.kind.replaceAll('-', ' ')}, due ${timeWords(duty.due, zone)}, reminder ${duty.level}${duty.skipped?.length ? ` (${duty.skipped.join(', ')} not said: nothing ran)` : ''}`,
  ({ documents }) => (documents?.length ? `${documents.length} document${documents.length > 1 ? 's' : ''}` : null),
  ({ identifiers }) => (identifiers?.length ? `known there as ${identifiers.map(({ kind, value }) => `${kind} ${value.slice(value.indexOf('|') + 1)}`).join(', ')}` : null),
  ({ receipt }) => receiptWords(receipt as Receipt | undefined),
  ({ reason, words }) => (reason !== undefined && words?.includes(reason.replace(/\.$/, '')) ? null : bare(reason)),
  ({ words }) => bare(words),
  ({ waits }) => bare(waits),
]

const bare = (sentence: string | undefined): string | undefined => sentence?.replace(/\.$/, '')

/** The evidence, with the very words of the referral, and the charts that were compared. */
const whyOf = ({ evidence = [], candidates = [], not = [] }: EventFacts): readonly string[] => [
  ...evidence.map(({ says: words, quote, at }) => `${words}${quote ? ` “${quote}”` : ''}${at ? ` (${at})` : ''}`),
  ...candidates.map(({ chart, score, says: words }) => `${nameOf(chart)}, ${Math.round(score * 100)} %: ${words.join('; ') || 'nothing speaks against it'}`),
  ...not.map((chart) => `ruled out: ${nameOf(chart)}`),
]
