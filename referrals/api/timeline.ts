/** What happened to a referral, each event in a sentence, with everything it rests on. */
import { nameOf } from '../merged-charts.js'
import { placeOf } from '../decisions/route.js'
import type { EventFacts, ReferralEvent } from '../desk-contracts.js'
import { LIFE_CYCLE } from '../life-cycle.js'

export const timelineOf = (events: readonly ReferralEvent[]) => events.map(({ sequence, at, recordedAt, name, by, reason, applied, because, facts }) => ({
  sequence, at, recordedAt, name, says: says({ name, facts }), by, reason, applied, because, why: whyOf(facts), facts,
}))

const says = ({ name, facts }: Pick<ReferralEvent, 'name' | 'facts'>): string => {
  const plain = name.replaceAll('-', ' ')
  const headline = LIFE_CYCLE[name].says ?? `${plain.charAt(0).toUpperCase()}${plain.slice(1)}`
  const detail = DETAILS.flatMap((of) => of(facts) ?? [])
  return `${headline}${detail.length > 0 ? `: ${detail.join('; ')}` : ''}.`
}

const DETAILS: readonly ((facts: EventFacts) => string | null | undefined)[] = [
  ({ via }) => via && `through ${via}`,
  ({ provider }) => provider && `${provider.name} (provider ${provider.id})`,
  ({ chart }) => chart && nameOf(chart),
  ({ route }) => route && placeOf(route),
  ({ row }) => row && `by ${row}`,
  ({ urgency }) => urgency,
  ({ specialty }) => specialty,
  ({ missing }) => (missing?.length ? missing.map(({ says: item }) => item).join(', ') : null),
  ({ appointment }) => appointment && ([appointment.start, appointment.with && `with ${appointment.with}`, appointment.at && `at ${appointment.at}`, appointment.id && `number ${appointment.id}`].filter(Boolean).join(' ') || null),
  ({ attempt }) => attempt && `attempt ${attempt.number}, by ${attempt.how}`,
  ({ notice }) => notice && `${notice.kind}${notice.way === null ? '' : ` by ${notice.way}`}${notice.doubtful ? ', perhaps twice' : ''}`,
  ({ duty }) => duty && `${duty.kind}, due ${duty.due}, reminder ${duty.level}${duty.skipped?.length ? ` (${duty.skipped.join(', ')} not said: nothing ran)` : ''}`,
  ({ documents }) => (documents?.length ? `${documents.length} document${documents.length > 1 ? 's' : ''}` : null),
  ({ identifiers }) => (identifiers?.length ? `known there as ${identifiers.map(({ kind, value }) => `${kind} ${value.slice(value.indexOf('|') + 1)}`).join(', ')}` : null),
  ({ reason }) => bare(reason),
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
