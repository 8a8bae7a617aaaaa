/** Two charts of one system are one, or are not after all, as a person says; every referral of theirs tells it. */
import { randomUUID } from 'node:crypto'
import { patientEvent } from '../assess.js'
import type { Changed, DeskParts } from '../change.js'
import { lookAgain } from '../charts.js'
import { type Cause, join, nameOf, part, type TwoCharts } from '../merged-charts.js'
import { type Decision, decide, notNow, unfit } from './decide.js'
import { matchOf } from './patient.js'
import { isSameChart, withoutRuledOut } from './ruled-out.js'

/** Merges the charts in the index, and looks at the referral's patient again; the other referrals of the merged chart follow. */
export async function merge(parts: DeskParts, decision: Decision, charts: TwoCharts): Promise<Changed> {
  const { survivor, merged } = charts
  const changed = await decide(parts, decision, async (before, { event, follows }) => {
    await refuseUnlike(parts, charts)
    await parts.patients.merge(survivor, merged)
    const { chart } = before.patient
    const facts = { merged, words: `Merged: ${nameOf(merged)} into ${nameOf(survivor)}.` }
    if (chart) return { news: [isSameChart(chart, merged) ? event('matched', { chart: survivor, ...facts }) : event('noted', facts)] }
    const match = withoutRuledOut(await matchOf(parts, before), before.patient.not)
    return { news: [event('noted', { words: facts.words }), patientEvent(match, before, follows, parts.rules())] }
  })
  await join(parts, charts, causeOf(parts, decision))
  return changed
}

/** Takes a merge back: the referrals that went with it come back, and those that came meanwhile are matched anew, or wait for a person. */
export async function unmerge(parts: DeskParts, { by, reason, command = randomUUID() }: Pick<Decision, 'by' | 'reason'> & { readonly command?: string }, charts: TwoCharts): Promise<{ readonly told: number }> {
  const { survivor, merged } = charts
  const found = await parts.patients.get(merged)
  if (found && !isSameChart(found, merged) && !isSameChart(found, survivor)) throw notNow(`It is merged into ${nameOf(found)}, not into ${nameOf(survivor)}.`)
  if (!found) throw unfit(`There is no ${nameOf(merged)} in the index of patients.`)
  const cause = causeOf(parts, { by, reason, command: `unmerge ${command}` })
  const { told, open } = await part(parts, charts, cause)
  await parts.patients.unmerge(survivor, merged)
  await lookAgain(parts, 'parted', open, cause)
  return { told }
}

const causeOf = ({ clock }: DeskParts, { command, by, reason }: Pick<Decision, 'command' | 'by' | 'reason'>): Cause => ({ command, by: { kind: 'person', name: by }, reason, at: clock.now().toISOString() })

async function refuseUnlike({ patients }: DeskParts, { survivor, merged }: TwoCharts): Promise<void> {
  if (survivor.source !== merged.source) throw unfit('The charts are of two systems; only charts of one system are merged.')
  if (survivor.id === merged.id) throw unfit('It is one chart already.')
  for (const key of [survivor, merged]) if (!(await patients.get(key))) throw unfit(`There is no ${nameOf(key)} in the index of patients.`)
}
