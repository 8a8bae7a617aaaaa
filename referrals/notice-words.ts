/** What a notice says, as values for letters: sentences around them are the letters' own. */
import type { NoticeKind, ReferralEvent, ReferralState } from './desk-contracts.js'
import type { TaskStanding } from './canonical/changes.js'
import type { Part } from './canonical/notice.js'
import { businessSystem, LIFE_CYCLE, type TaskStatus } from './life-cycle.js'
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

/** The parts of the letter, each a value or a few words. */
export function partsOf(kind: NoticeKind, state: ReferralState, { name, facts }: ReferralEvent, { practice, zone }: Pick<Rules, 'practice' | 'zone'>): readonly Part[] {
  const parts: Part[] = []
  const say = (part: Part['part'], text: string | null | undefined): void => {
    if (text) parts.push({ part, text })
  }
  const missing = kind === 'acknowledgement' || kind === 'information' || name === 'information-added' ? state.missing : []
  for (const { says } of missing) say('missing', says)
  if (missing.length > 0) say('how-to-answer', practice)
  if (kind === 'acknowledgement') for (const text of understood(state)) say('understood', text)
  if (kind !== 'acknowledgement' && kind !== 'referral') say('status', LIFE_CYCLE[name].says)
  say('reason', kind === 'referral' ? null : facts.reason)
  if (facts.appointment?.start) say('appointment', appointmentWords(facts.appointment, zone))
  if (kind === 'hand-off' && state.route) for (const text of [state.route.queue, state.route.location, state.route.practitioner, ...state.route.tasks]) say('item', text)
  if (facts.words && kind !== 'outcome' && kind !== 'referral' && name !== 'received') say('note', facts.words)
  return parts
}

const understood = ({ specialty, urgency, route }: ReferralState): readonly (string | null)[] => [
  specialty && `Specialty: ${specialty}`, `Urgency: ${urgency}`, route?.location ? `Location: ${route.location}` : null, route?.practitioner ? `With: ${route.practitioner}` : null,
]

const appointmentWords = ({ start, with: who, at }: NonNullable<ReferralEvent['facts']['appointment']>, zone: string): string => [start && timeWords(start, zone), who && `with ${who}`, at && `at ${at}`].filter(Boolean).join(' ')

/** As the practice's clocks show it, with the zone, for the referrer may be in another: Saturday, November 28, 2026 at 1:00 PM CST. */
const timeWords = (start: string, timeZone: string): string =>
  new Intl.DateTimeFormat('en-US', { weekday: 'long', year: 'numeric', month: 'long', day: 'numeric', hour: 'numeric', minute: '2-digit', timeZone, timeZoneName: 'short' }).format(new Date(start)).replaceAll('\u202f', ' ')

/** One line of a digest. */
export const lineOf = ({ reference }: ReferralState, { name, at, facts }: ReferralEvent, zone: string): string =>
  `${reference}: ${LIFE_CYCLE[name].says ?? name} (${at.slice(0, 10)})${facts.appointment?.start ? `, ${appointmentWords(facts.appointment, zone)}` : ''}${facts.reason ? `: ${facts.reason}` : ''}`
