/** Whether what is told of a patient is about one of their referrals, by where, with whom and what for. */
import type { ReferralState } from '../desk-contracts.js'
import type { News } from './news.js'

type Said = Pick<News, 'hints' | 'when'>
const NEAR = 36 * 3_600_000 // between an appointment and its visit or note, in milliseconds

/**
 * It names the referral's specialty, queue or practitioner, or the place or practitioner of its appointment. A site where several specialties
 * work, or the time of the appointment, is enough only where nothing else is said.
 */
export function fits(state: ReferralState, said: Said): boolean {
  const { appointment, route, specialty } = state
  const hints = said.hints.map(wordsOf).filter((words) => words.length > 0)
  const people = [route?.practitioner, appointment?.with].map(wordsOf)
  const places = [specialty, route?.queue, appointment?.at].map(wordsOf)
  if (hints.some((hint) => people.some((words) => within(words, hint, equal)) || places.some((words) => within(words, hint, short)))) return true
  const site = wordsOf(route?.location)
  return hints.length === 0 ? isNear(state, said) : hints.every((hint) => within(hint, site, equal))
}

/** It is told of the time of the referral's appointment. */
export const isNear = ({ appointment, stage }: ReferralState, { when }: Said): boolean =>
  Boolean(appointment?.start && when && ['scheduled', 'seen', 'reported'].includes(stage) && Math.abs(Date.parse(when) - Date.parse(appointment.start)) <= NEAR)

const within = (words: readonly string[], hint: readonly string[], same: (word: string, other: string) => boolean): boolean => words.length > 0 && words.every((word) => hint.some((other) => same(word, other)))

const TITLES = new Set(['dr', 'md', 'do', 'np', 'pa'])
const wordsOf = (text: string | null | undefined): readonly string[] => (text ?? '').toLowerCase().split(/[^\p{L}\p{N}]+/u).filter((word) => word.length > 1 && !TITLES.has(word))
const equal = (word: string, other: string): boolean => word === other
/** "CAR" and "CARD" are short for cardiology. */
const short = (word: string, other: string): boolean => word === other || (word.length > 4 && other.length >= 3 && word.startsWith(other)) || (other.length > 4 && word.length >= 3 && other.startsWith(word))
