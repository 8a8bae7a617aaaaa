/** The desk's own settings, mappings/desk/desk.yaml: who the practice is, when it works, what is told, and what is owed by when. */
import type { MappingDocument } from '../../engine/contracts.js'
import { problemLine } from '../../engine/problem.js'
import { type Hours, readHours } from '../../engine/watch/hours.js'
import { duration } from '../../engine/units.js'
import type { Direction } from '../contracts.js'
import type { Duty, EventName, Hold, Stage } from '../desk-contracts.js'
import type { Ehr } from '../rules.js'
import { readTimes } from './digest-times.js'
import { readHolidays } from './holidays.js'
import { lintDesk } from './settings-lint.js'
import type { DeskFile, DutyFile, OWED_NOTICES } from './settings-schema.js'
import { readSpan, type Span, type Spans } from './span.js'
import { type Calendar, calendar } from './working-time.js'
import { zoneDays } from './zone-days.js'

export type OwedNotice = (typeof OWED_NOTICES)[number]

/** What somebody has to do by when, as a row of the file says it. */
export interface DutyRow {
  readonly kind: string
  readonly stages: readonly Stage[] // either these or `holds` are none
  readonly holds: readonly Hold[]
  readonly unless: readonly Hold[]
  readonly direction: Direction | null // null: both
  readonly from: DutyFile['from'] | null // null: when the stage or the hold began
  readonly within: Spans
  readonly owedBy: Duty['owedBy']
  readonly again: readonly Span[] // after it was due
  readonly do: string | null // null: `says` at all times
  readonly says: string
}

export interface DeskSettings {
  readonly practice: DeskFile['practice']
  readonly calendar: Calendar
  readonly zone: string
  readonly digest: Hours // each time is the beginning of a span
  readonly ehrs: ReadonlyMap<string, Ehr>
  readonly sameReferral: number // milliseconds
  readonly echoes: { readonly within: number; readonly most: number; readonly since: number } // milliseconds, mails, milliseconds
  readonly attempts: number
  readonly tell: Readonly<Partial<Record<EventName, 'at-once' | 'digest' | 'never'>>>
  readonly notices: Readonly<Record<OwedNotice, Spans>>
  readonly noticesAgain: readonly Span[]
  readonly duties: readonly DutyRow[]
}

const MOST_TOLD = 20

/** Throws what is wrong with it, one sentence a line, each at file:line:column. */
export const readDesk = (document: MappingDocument): DeskSettings => {
  const errors = lintDesk(document).filter(({ severity }) => severity === 'error')
  if (errors.length > 0) throw new Error([...errors.slice(0, MOST_TOLD).map(problemLine), ...(errors.length > MOST_TOLD ? [`and ${errors.length - MOST_TOLD} more`] : [])].join('\n'))
  const { practice, zone, hours, holidays, ehrs, sameReferral, echoes, attempts, tell, digest, notices, noticesAgain, duties } = document.value as DeskFile
  return {
    practice, zone, attempts, tell, sameReferral: duration(sameReferral), echoes: { within: duration(echoes.within), most: echoes.most, since: duration(echoes.since) }, digest: readTimes(digest),
    calendar: calendar(zoneDays(zone), readHours(hours), readHolidays(holidays).holidays),
    ehrs: new Map(Object.entries(ehrs).map(([name, ehr]) => [name, { name, ...ehr }])),
    notices: Object.fromEntries(Object.entries(notices).map(([kind, within]) => [kind, spansOf(within)])) as Record<OwedNotice, Spans>,
    noticesAgain: noticesAgain.map(readSpan),
    duties: Object.entries(duties).map(([kind, { stages = [], holds = [], unless = [], direction = null, from = null, within, again = [], owedBy, do: todo = null, says }]) => ({
      kind, stages, holds, unless, direction, from, within: spansOf(within), owedBy, again: again.map(readSpan), do: todo, says,
    })),
  }
}

const spansOf = (within: DutyFile['within']): Spans => {
  const { stat, asap, urgent, routine } = typeof within === 'string' ? { stat: within, asap: within, urgent: within, routine: within } : within
  return { stat: readSpan(stat), asap: readSpan(asap), urgent: readSpan(urgent), routine: readSpan(routine) }
}
