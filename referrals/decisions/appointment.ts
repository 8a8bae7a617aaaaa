/** What became of the appointment, as a person says: for practices whose EHR tells nothing. */
import type { Changed, DeskParts } from '../change.js'
import type { EventName } from '../desk-contracts.js'
import { type Decision, decide, unfit } from './decide.js'

export const WHATS = ['scheduled', 'rescheduled', 'cancelled', 'no-show', 'seen', 'not-seen'] as const
export interface AppointmentNews {
  readonly what: (typeof WHATS)[number]
  readonly start?: string // an instant: of the appointment, or of the visit
  readonly with?: string
  readonly at?: string // a place
  readonly id?: string
  readonly words?: string // why it was cancelled, moved or missed: told to the referrer
}

export const appointment = (parts: DeskParts, decision: Decision, news: AppointmentNews): Promise<Changed> => decide(parts, decision, (before, { at: now, event }) => {
  const start = news.start === undefined ? null : new Date(news.start).toISOString()
  if (start === null && (news.what === 'scheduled' || news.what === 'rescheduled')) throw unfit(`When is it? An appointment that is ${news.what} needs \`start\`.`)
  const reason = news.words === undefined ? {} : { reason: news.words }
  if (news.what === 'not-seen') return { news: [event('visit-cancelled', reason)] }
  if (news.what !== 'seen') {
    const name: EventName = news.what === 'cancelled' ? 'appointment-cancelled' : news.what
    const id = news.id ?? (name === 'scheduled' ? null : (before.appointment?.id ?? null))
    return { news: [event(name, { appointment: { id, start, with: news.with ?? null, at: news.at ?? null }, ...reason })] }
  }
  const when = start ?? now
  if (when > now) throw unfit('The visit lies in the future: nobody was seen then.')
  return { news: [{ ...event('seen', reason), at: when }] }
})
