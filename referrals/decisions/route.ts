/** Where a referral goes, as a person says: over whatever the table says, and where the table says nothing. */
import { patientEvent } from '../assess.js'
import type { Changed, DeskParts } from '../change.js'
import type { Route } from '../contracts.js'
import { type Decision, decide, unfit } from './decide.js'
import { matchOf } from './patient.js'
import { withoutRuledOut } from './ruled-out.js'

export type Wanted = Pick<Route, 'ehr'> & Partial<Route>

/** What is not said stays as it is while the EHR is the same. In another EHR the patient is looked for among its charts. */
export const reroute = (parts: DeskParts, decision: Decision, wanted: Wanted): Promise<Changed> => decide(parts, decision, async (before, { event }) => {
  const rules = parts.rules()
  if (!rules.ehr(wanted.ehr)) throw unfit(`No EHR is called \`${wanted.ehr}\`; see \`ehrs:\` in mappings/desk/desk.yaml.`)
  const same = before.route?.ehr === wanted.ehr ? before.route : null
  const route: Route = { location: null, practitioner: null, queue: null, tasks: [], ...same, ...wanted }
  const routed = event('routed', { route, words: before.route ? `A person sent it there instead of ${placeOf(before.route)}.` : 'A person chose it.' })
  const settled = (await parts.store.notices(before.id))
    .filter(({ kind, status }) => (kind === 'hand-off' || kind === 'referral') && status === 'failed').map((notice) => ({ notice, status: 'superseded' as const, fate: notice.fate }))
  if (same || before.patient.chart?.source === wanted.ehr || before.direction === 'outbound') return { news: [routed], settled }
  const match = withoutRuledOut(await matchOf(parts, { id: before.id, route }), before.patient.not)
  const patient = patientEvent(match, { route }, event, rules)
  return { news: before.holds.patient ? [routed, patient] : [patient, routed], settled } // nothing is handed on before both are decided
})

export const placeOf = ({ ehr, location, practitioner, queue }: Route): string => [ehr, location, practitioner, queue].filter(Boolean).join(', ')
