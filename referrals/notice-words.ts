/** What a notice says, as values for letters: sentences around them are the letters' own. */
import type { NoticeKind, ReferralEvent, ReferralState } from './desk-contracts.js'
import { routeParts, type TaskStanding } from './canonical/changes.js'
import type { Part } from './canonical/notice.js'
import { businessSystem, ENDS, LIFE_CYCLE, type TaskStatus } from './life-cycle.js'
import type { Rules } from './rules.js'

/** The subject line: it carries the reference number, so that whatever answers it finds its referral. */
export const topicOf = (kind: NoticeKind, { reference }: ReferralState, event: ReferralEvent): string => `Referral ${reference}: ${saysOf(kind, event)}`

const saysOf = (kind: NoticeKind, { name }: ReferralEvent): string => SAYS[kind] ?? (LIFE_CYCLE[name].says ?? name.replaceAll('-', ' ')).toLowerCase()
const SAYS: Partial<Record<NoticeKind, string>> = { 'acknowledgement': 'received', 'hand-off': 'to be worked on', 'referral': 'new', 'withdrawal': 'cancelled', 'report': 'consult note' }

/** The Task as the event that is told says it on the wire; where that says nothing, as the stage does. Who speaks HL7 v2 reads table 0283 first. */
export function standingOf({ stage }: ReferralState, { name, at, facts }: ReferralEvent, hl7: boolean): TaskStanding {
  const [status, business, words] = LIFE_CYCLE[name].task ?? STANDING[stage] ?? DEFAULT
  const coded = { system: businessSystem(business), code: business, text: words }
  const answer = LIFE_CYCLE[name].v2?.answer ?? ANSWERS[stage] ?? 'P'
  const answered = { system: 'http://terminology.hl7.org/CodeSystem/v2-0283', code: answer, text: ANSWER_WORDS[answer] ?? null }
  return { status, businessStatus: hl7 ? [answered, coded] : [coded], statusReason: facts.reason ?? null, lastModified: at }
}
/** HL7 v2 table 0283, of RF1-1. */
const ANSWER_WORDS: Readonly<Record<string, string>> = { A: 'Accepted', P: 'Pending', R: 'Rejected' }
const ANSWERS: Partial<Record<ReferralState['stage'], string>> = { accepted: 'A', contacted: 'A', scheduled: 'A', rebooking: 'A', seen: 'A', reported: 'A', closed: 'A', declined: 'R', cancelled: 'R' }
const DEFAULT: readonly [TaskStatus, string, string] = ['received', '2.0', 'Created']
const STANDING: Partial<Record<ReferralState['stage'], readonly [TaskStatus, string, string]>> = Object.fromEntries(
  (['accepted', 'declined', 'contacted', 'unable-to-reach', 'scheduled', 'seen', 'reported', 'closed', 'cancelled'] as const).map((stage) => [stage, LIFE_CYCLE[stage].task ?? DEFAULT]),
)

/** Of notices whose event says in words why it was decided so: for the history, not for the letter. */
const OWN_WORDS: ReadonlySet<NoticeKind> = new Set(['outcome', 'hand-off', 'referral'])

/** The parts of the letter, each a value or a few words. */
export function partsOf(kind: NoticeKind, state: ReferralState, { name, facts }: ReferralEvent, { practice, zone }: Pick<Rules, 'practice' | 'zone'>): readonly Part[] {
  const parts: Part[] = []
  const say = (part: Part['part'], text: string | null | undefined): void => {
    if (text) parts.push({ part, text })
  }
  const missing = kind === 'acknowledgement' || kind === 'information' || name === 'information-added' ? state.missing : []
  if (name === 'information-added' && ENDS.includes(state.stage)) say('stays', state.stage)
  if (kind === 'acknowledgement' && state.holds.reading) say('reading', 'It is being read.')
  for (const { says } of missing) say('missing', says)
  if (missing.length > 0) say('how-to-answer', practice)
  if (kind === 'acknowledgement' || kind === 'hand-off' || kind === 'referral') {
    say('specialty', state.specialty)
    say('urgency', state.urgency)
  }
  if (kind !== 'acknowledgement' && kind !== 'referral') say('status', LIFE_CYCLE[name].says)
  say('reason', kind === 'referral' ? null : facts.reason)
  if (facts.appointment?.start) say('appointment', appointmentWords(facts.appointment, zone))
  const { route } = state
  if (kind === 'hand-off' && route) for (const { part, text } of routeParts(route)) say(part, text)
  if (kind === 'acknowledgement' && route) for (const { part, text } of routeParts({ ...route, queue: null, tasks: [] })) say(part, text) // ours, and nobody else's
  if (!OWN_WORDS.has(kind) && name !== 'received') say('note', facts.words)
  return parts
}

/** Saturday, November 28, 2026 at 1:00 PM CST with Dr Rao at Main St. */
export const appointmentWords = ({ start, with: who, at }: NonNullable<ReferralEvent['facts']['appointment']>, zone: string): string => [start && timeWords(start, zone), who && `with ${who}`, at && `at ${at}`].filter(Boolean).join(' ')

/** As the practice's clocks show it, with the zone, for the referrer may be in another: Saturday, November 28, 2026 at 1:00 PM CST. */
export const timeWords = (start: string, zone: string): string => clockOf(zone).format(new Date(start)).replaceAll('\u202f', ' ')

/** To make one takes many times as long as to use it. */
const clocks = new Map<string, Intl.DateTimeFormat>()
const clockOf = (timeZone: string): Intl.DateTimeFormat => {
  const made = clocks.get(timeZone) ?? new Intl.DateTimeFormat('en-US', { weekday: 'long', year: 'numeric', month: 'long', day: 'numeric', hour: 'numeric', minute: '2-digit', timeZone, timeZoneName: 'short' })
  clocks.set(timeZone, made)
  return made
}

/** One line of a digest: which, of whom, and where it stands. Its moments are instants, which letters write in their language and zone. */
export const lineOf = ({ reference }: ReferralState, { name, at, facts }: ReferralEvent, patient: string | null): string => {
  const { appointment, reason } = facts
  const visit = [appointment?.start, appointment?.with, appointment?.at].filter(Boolean).join(', ')
  return `${reference}${patient ? ` (${patient})` : ''}: ${[LIFE_CYCLE[name].says ?? name, visit || at, reason].filter(Boolean).join(', ')}`
}
