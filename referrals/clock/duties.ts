/** What is owed in a state, by whom and by when: by its stage, by what waits for a person, and by what is not delivered yet. Pure. */
import type { Duty, Hold, NoticeKind, ReferralState } from '../desk-contracts.js'
import { ENDS } from '../life-cycle.js'
import type { DeskSettings, DutyRow, OwedNotice } from './settings.js'
import type { Span } from './span.js'
import { addWorking } from './working-time.js'

/** The earliest due first. At its end a referral owes only what others have not been told yet, and what has come since or is left over. */
export const duties = (state: ReferralState, settings: DeskSettings): readonly Duty[] => {
  const owed: Duty[] = []
  const held = ENDS.includes(state.stage) ? AFTER : null
  for (const row of settings.duties) owed.push(...ofRow(row, state, settings, held))
  for (const [key, since] of Object.entries(state.toTell)) owed.push(delivery(key, since, state, settings))
  return owed.sort((a, b) => (a.due < b.due ? -1 : a.due > b.due ? 1 : 0))
}

/** What waits at an end too, beside what is owed to others. */
const AFTER: readonly Hold[] = ['late', 'appointment']

/** By when a notice that is given out at `from` (an ISO instant) must have been delivered. */
export const deliveredBy = (kind: OwedNotice, from: string, { urgency }: Pick<ReferralState, 'urgency'>, { notices, calendar }: DeskSettings): string =>
  instant(addWorking(Date.parse(from), notices[kind][urgency], calendar))

function ofRow(row: DutyRow, state: ReferralState, settings: DeskSettings, held: readonly Hold[] | null): readonly Duty[] {
  if (row.direction !== null && row.direction !== state.direction) return []
  if (row.unless.some((hold) => state.holds[hold])) return []
  if (held === null && row.stages.includes(state.stage)) return [duty(row, beginOf(row, state), state, settings)]
  return row.holds.flatMap((hold) => (state.holds[hold] && (held?.includes(hold) ?? true) ? [duty(row, state.holds[hold].since, state, settings, hold)] : []))
}

function duty({ kind, owedBy, within, again, do: todo, says }: DutyRow, since: string, state: ReferralState, { calendar }: DeskSettings, hold: Hold | null = null): Duty {
  const id = hold === null || hold === kind ? `${kind}:${since}` : `${kind}:${hold}:${since}`
  const due = addWorking(Date.parse(since), within[state.urgency], calendar)
  return { id, kind, owedBy, since, due: instant(due), next: nextOf(due, state.overdue[id] ?? 0, again, calendar), do: words(todo ?? says), says: words(says) }

  function words(sentence: string): string {
    return hold === null ? sentence : `${sentence} ${state.holds[hold]?.reason ?? ''}`.trim()
  }
}

function delivery(key: string, since: string, state: ReferralState, settings: DeskSettings): Duty {
  const kind = key === 'hand-on' ? (state.direction === 'outbound' ? 'referral' : 'hand-off') : (key.slice(0, key.indexOf(':')) as OwedNotice)
  const id = `${key}:${since}`
  const due = deliveredBy(kind, since, state, settings)
  return { id, kind, owedBy: 'desk', since, due, next: nextOf(Date.parse(due), state.overdue[id] ?? 0, settings.noticesAgain, settings.calendar), do: `Deliver the ${WORDS[kind]}.`, says: `Not delivered yet: the ${WORDS[kind]}.` }
}

const WORDS: Readonly<Record<Exclude<NoticeKind, 'digest'>, string>> = {
  'acknowledgement': 'acknowledgement to the referrer', 'information': 'request for what is missing', 'status': 'news for the referrer', 'outcome': 'consult note to the referrer',
  'hand-off': 'hand-off to the EHR', 'withdrawal': 'withdrawal', 'referral': 'referral to the specialist', 'report': 'consult note to the EHR',
}

/** `said`: how often it was said to be overdue. */
function nextOf(due: number, said: number, again: readonly Span[], calendar: DeskSettings['calendar']): string | null {
  if (said === 0) return instant(due)
  const span = again[said - 1]
  return span === undefined ? null : instant(addWorking(due, span, calendar))
}

/** What a row's time counts from; nothing that lies before a referral was reopened. */
function beginOf({ from }: DutyRow, { since, times, appointment, lastTold, receivedAt }: ReferralState): string {
  if (from === null || from === undefined) return since
  if (from === 'appointment') return begins(appointment?.start ?? null) ?? since
  const event = from === 'last-told' ? (lastTold ?? receivedAt) : (times[from] ?? since)
  return times.reopened !== undefined && times.reopened > event ? times.reopened : event
}

/** A time without a zone is taken for UTC: a day's patience does not hang on it. Nothing where it is no time of our calendar. */
const begins = (start: string | null): string | null => {
  if (start === null) return null
  const time = Date.parse(/T[0-9:.]+$/.test(start) ? `${start}Z` : start)
  return time > 0 && time < YEAR_9000 ? instant(time) : null
}
const YEAR_9000 = Date.UTC(9000, 0)

const instant = (time: number): string => new Date(time).toISOString()
