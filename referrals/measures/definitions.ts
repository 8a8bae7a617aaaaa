/** What every measure counts, in words: who is in it, from when to when, and what is left out. */

/** What happened to a referral or did not; `open` is neither yet. */
export const RATES = [
  'acknowledged', 'contacted', 'scheduled', 'seen', 'reported', 'closed', 'declined', 'cancelled', 'unreachable', 'no-show', 'incomplete', 'matched', 'reviewed', 'pending', 'lost', 'overdue',
] as const
export const TIMES = ['acknowledge', 'outreach', 'schedule', 'visit', 'report', 'visit-to-report', 'close'] as const
export const DIMENSIONS = ['provider', 'specialty', 'payer', 'location', 'ehr', 'via', 'month', 'direction'] as const

export type RateName = (typeof RATES)[number]
export type TimeName = (typeof TIMES)[number]
export type Dimension = (typeof DIMENSIONS)[number]
export type Unit = 'minutes' | 'hours'

export interface Definition {
  readonly title: string
  readonly counts: string // the numerator, or where the time begins and ends
  readonly of: string // the denominator, or whose times they are
  readonly open: string // too young to judge
}

const ALL = 'all referrals received in the period'
const NEVER = 'none: what is known at receipt is judged at once'
const UNTIL = (days: string): string => `neither happened nor ended, and not \`days.${days}\` old`
const LATER = 'not ended, the patient not seen, and not `days.seen` old: it may still happen'

export const RATE_DEFINITIONS: Readonly<Record<RateName, Definition>> = {
  'acknowledged': { title: 'Acknowledged', counts: 'the acknowledgement was delivered to the referrer; outbound: the specialist acknowledged', of: ALL, open: UNTIL('acknowledged') },
  'contacted': { title: 'Contacted', counts: 'the patient was called or written to, could not be reached, has an appointment or was seen', of: ALL, open: UNTIL('contacted') },
  'scheduled': { title: 'Scheduled (conversion)', counts: 'an appointment was made, or the patient was seen without one', of: ALL, open: UNTIL('scheduled') },
  'seen': { title: 'Seen (completed)', counts: 'the patient was seen, or the consult note came', of: ALL, open: UNTIL('seen') },
  'reported': { title: 'Reported after the visit', counts: 'a signed consult note came and was not withdrawn', of: 'referrals whose patient was seen', open: 'not ended, and the visit not `days.reported` ago' },
  'closed': { title: 'Loop closed with a report', counts: 'the consult note was delivered to the referrer; outbound: the specialist’s report came', of: `${ALL}, without those that the referrer took back`, open: UNTIL('closed') },
  'declined': { title: 'Declined', counts: 'the referral ended as declined', of: ALL, open: LATER },
  'cancelled': { title: 'Cancelled', counts: 'the referrer took it back, or it was called off', of: ALL, open: LATER },
  'unreachable': { title: 'Unable to reach', counts: 'the patient was at some time given up as not to be reached', of: ALL, open: LATER },
  'no-show': { title: 'No-show', counts: 'the patient did not come to an appointment, even if later to another', of: 'referrals that had an appointment', open: LATER },
  'incomplete': { title: 'Missing information', counts: 'something that was needed was missing at some time', of: `inbound: ${ALL}`, open: 'not looked at yet' },
  'matched': { title: 'Matched by itself', counts: 'the chart was found without a person', of: 'referrals whose patient was looked for', open: NEVER },
  'reviewed': { title: 'Match decided by a person', counts: 'the first answer was uncertain and went to a person', of: 'referrals whose patient was looked for', open: NEVER },
  'pending': { title: 'No chart yet', counts: 'the first answer was that there is no chart', of: 'referrals whose patient was looked for', open: NEVER },
  'lost': { title: 'Leakage', counts: 'ended without a visit (declined, cancelled, closed), or no appointment within `days.scheduled`, or no visit within `days.seen` and no appointment still to come', of: ALL, open: 'not seen, and none of these yet' },
  'overdue': { title: 'A duty was overdue', counts: 'something owed was at some time said to be overdue', of: ALL, open: NEVER },
}

export const TIME_DEFINITIONS: Readonly<Record<TimeName, Definition & { readonly unit: Unit }>> = {
  'acknowledge': { title: 'Time to acknowledge', unit: 'minutes', counts: 'from receipt to the acknowledgement delivered; outbound: to that of the specialist', of: 'those acknowledged', open: 'left out' },
  'outreach': { title: 'Time to first outreach', unit: 'hours', counts: 'from receipt to the first of: contacted, unable to reach, scheduled', of: 'those of which one is known', open: 'left out' },
  'schedule': { title: 'Time to schedule', unit: 'hours', counts: 'from receipt until the first appointment was made (not until it takes place)', of: 'those with an appointment', open: 'left out' },
  'visit': { title: 'Time to visit', unit: 'hours', counts: 'from receipt to the first visit', of: 'those seen', open: 'left out' },
  'report': { title: 'Time to report', unit: 'hours', counts: 'from receipt until the consult note that holds came', of: 'those reported', open: 'left out' },
  'visit-to-report': { title: 'Visit to report', unit: 'hours', counts: 'from the first visit until the consult note came', of: 'those seen and reported', open: 'left out' },
  'close': { title: 'Time to close the loop', unit: 'hours', counts: 'from receipt until the consult note was delivered to the referrer; outbound: until it came', of: 'those whose loop is closed', open: 'left out' },
}

export const DIMENSION_WORDS: Readonly<Record<Dimension, string>> = {
  provider: 'the referrer; outbound: the specialist', specialty: 'what the referral needs, as triage found', payer: 'the first coverage’s payer', location: 'where it was routed', ehr: 'the EHR it was routed to',
  via: 'the channel or door it first came by', month: 'the month of receipt on the practice’s clocks', direction: 'inbound or outbound',
}

/** What holds for all of them. */
export const NOTES = [
  'A referral belongs to the period and the month in which it was received, on the practice’s clocks; what happened to it later counts there.',
  'A rate is numerator / denominator; the denominator leaves out what is open. `ofReceived` is the numerator of all that were received: the plain conversion.',
  'Of events that happened more than once, the first counts. An event that its sender dates before the receipt takes no time.',
  'Times are whole seconds, told in minutes or hours to two places. Median and 90th percentile are exact, as PERCENTILE.INC of a spreadsheet gives them.',
  'Referrals of one provider under several records are counted together once the records are merged.',
] as const

export interface Definitions {
  readonly rates: readonly (Definition & { readonly name: RateName })[]
  readonly times: readonly (Definition & { readonly name: TimeName; readonly unit: Unit })[]
  readonly dimensions: readonly { readonly name: Dimension; readonly is: string }[]
  readonly notes: readonly string[]
}
/** As /api/measures?definitions answers. */
export const definitions = (): Definitions => ({
  rates: RATES.map((name) => ({ name, ...RATE_DEFINITIONS[name] })), times: TIMES.map((name) => ({ name, ...TIME_DEFINITIONS[name] })), dimensions: DIMENSIONS.map((name) => ({ name, is: DIMENSION_WORDS[name] })), notes: NOTES,
})

/** The same for people, as the README prints it. */
export const definitionsTable = (): string => [
  '| measure | counts | of | open |', '|---|---|---|---|',
  ...RATES.map((name) => row(name, RATE_DEFINITIONS[name])),
  ...TIMES.map((name) => row(`${name} (${TIME_DEFINITIONS[name].unit})`, TIME_DEFINITIONS[name])),
].join('\n')

const row = (name: string, { title, counts, of, open }: Definition): string => `| ${title}: \`${name}\` | ${counts} | ${of} | ${open} |`
