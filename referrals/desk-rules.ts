/** Makes the desk's rules of its settings and of the tables of triage and routing. */
import type { NoticeKind } from './desk-contracts.js'
import { nextTime } from './clock/digest-times.js'
import { deliveredBy, duties } from './clock/duties.js'
import type { DeskSettings } from './clock/settings.js'
import type { Rules } from './rules.js'

/** What the settings decide. */
type Settled = 'ehr' | 'duties' | 'dueOf' | 'tells' | 'nextDigest' | 'pairWindow' | 'echoes' | 'practice' | 'attempts' | 'zone'

/** `parts` are the settings and what other tables decide, such as `triage` and `route`. */
export const deskRules = ({ settings, ...tables }: { readonly settings: DeskSettings } & Omit<Rules, Settled>): Rules => ({
  ...tables,
  ehr: (name) => settings.ehrs.get(name) ?? null,
  duties: (state) => duties(state, settings),
  dueOf: (kind, from, urgency) => deliveredBy(owedAs(kind), from, { urgency }, settings),
  tells: (event) => settings.tell[event] ?? 'never',
  nextDigest: (now) => new Date(nextTime(settings.digest, settings.calendar.days, Date.parse(now))).toISOString(),
  pairWindow: settings.sameReferral,
  echoes: settings.echoes,
  practice: answerTo(settings.practice),
  attempts: settings.attempts,
  zone: settings.zone,
})

/** A digest carries news. */
const owedAs = (kind: NoticeKind): Exclude<NoticeKind, 'digest'> => (kind === 'digest' ? 'status' : kind)

/** How a referrer can answer, in words. */
const answerTo = ({ name, fax, email, phone, address }: DeskSettings['practice']): string => {
  const ways = [fax && `fax ${fax}`, email && `e-mail ${email}`, phone && `phone ${phone}`].filter(Boolean)
  const by = ways.length < 2 ? ways.join('') : `${ways.slice(0, -1).join(', ')} or ${ways.at(-1)}`
  return `Answer with the reference number by ${by}, to ${[name, address].filter(Boolean).join(', ')}.`
}
