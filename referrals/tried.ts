/** Why notices did not arrive, as the events of their referral tell it. */
import type { Notice, ReferralEvent } from './desk-contracts.js'
import { dutyOf } from './fold.js'

/** The last that was heard of why one failed; what had no way to go has no number in its event, and the same reason as others of its kind. */
export function failureOf(events: readonly ReferralEvent[], { id, kind }: Pick<Notice, 'id' | 'kind'>): string | null {
  const failed = events.filter(({ name, by, facts }) => name === 'notice-failed' || (name === 'noted' && by.kind === 'desk' && facts.reason !== undefined))
  const own = failed.findLast(({ facts }) => facts.notice?.id === id) ?? failed.findLast(({ name, facts }) => name === 'notice-failed' && facts.notice?.id === 0 && facts.notice.kind === kind)
  return own?.facts.reason ?? null
}

/** Why it did not arrive by the way that was the last, and by each that was tried before: for whoever must decide what is done now. */
export function whyAll(reason: string, events: readonly ReferralEvent[], notices: readonly Notice[], last: Notice): string {
  const before = notices.filter((one) => one.id < last.id && dutyOf(one) === dutyOf(last) && one.to === last.to && one.way !== null && last.tried.includes(one.way))
  const each = before.map((one) => `by ${one.way}: ${bare(failureOf(events, one) ?? 'it did not arrive')}`)
  return each.length === 0 ? reason : `${bare(reason)}. Tried before: ${each.join('; ')}.`
}

const bare = (sentence: string): string => sentence.replace(/[.\s]+$/, '')
