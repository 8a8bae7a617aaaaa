/** Two charts of one system are one, or are not after all, as a person says; every referral of theirs tells it. */
import { randomUUID } from 'node:crypto'
import { patientEvent } from '../assess.js'
import { change, type Changed, type DeskParts } from '../change.js'
import type { ChartKey } from '../contracts.js'
import type { Key, NewEvent } from '../desk-contracts.js'
import { type Decision, decide, notNow, unfit } from './decide.js'
import { matchOf, nameOf } from './patient.js'
import { isSameChart, withoutRuledOut } from './ruled-out.js'

export interface TwoCharts { readonly survivor: ChartKey; readonly merged: ChartKey }

/** Merges the charts in the index, and looks at the referral's patient again; the other referrals of the merged chart follow. */
export async function merge(parts: DeskParts, decision: Decision, { survivor, merged }: TwoCharts): Promise<Changed> {
  const changed = await decide(parts, decision, async (before, { event, follows }) => {
    await refuseUnlike(parts, { survivor, merged })
    await parts.patients.merge(survivor, merged)
    const match = withoutRuledOut(await matchOf(parts, before), before.patient.not)
    const words = wordsOf({ survivor, merged })
    const known = before.patient.chart !== null
    if (known) return { news: [isSameChart(before.patient.chart as ChartKey, merged) ? event('matched', { chart: survivor, words }) : event('noted', { words })] }
    return { news: [event('noted', { words }), patientEvent(match, before, follows, parts.rules())] }
  })
  await each(parts, merged, decision, (chart) => (isSameChart(chart, merged) ? { name: 'matched', facts: { chart: survivor, words: wordsOf({ survivor, merged }) } } : null))
  return changed
}

/** Takes a merge back. Whose the referrals are that went with it is for people to say: each of them tells it. */
export async function unmerge(parts: DeskParts, { by, reason, command = randomUUID() }: Pick<Decision, 'by' | 'reason'> & { readonly command?: string }, { survivor, merged }: TwoCharts): Promise<{ readonly told: number }> {
  const found = await parts.patients.get(merged)
  if (found && !isSameChart(found, merged) && !isSameChart(found, survivor)) throw notNow(`It is merged into ${nameOf(found)}, not into ${nameOf(survivor)}.`)
  if (!found) throw unfit(`There is no ${nameOf(merged)} in the index of patients.`)
  await parts.patients.unmerge(survivor, merged)
  const words = `Two again: ${nameOf(merged)} and ${nameOf(survivor)}. See whose this referral is.`
  const told = await Promise.all([survivor, merged].map((chart) => each(parts, chart, { command: `unmerge ${command}`, by, reason }, () => ({ name: 'noted', facts: { words } }))))
  return { told: told.reduce((sum, count) => sum + count, 0) }
}

const wordsOf = ({ survivor, merged }: TwoCharts): string => `Merged: ${nameOf(merged)} into ${nameOf(survivor)}.`

async function refuseUnlike({ patients }: DeskParts, { survivor, merged }: TwoCharts): Promise<void> {
  if (survivor.source !== merged.source) throw unfit('The charts are of two systems; only charts of one system are merged.')
  if (survivor.id === merged.id) throw unfit('It is one chart already.')
  for (const key of [survivor, merged]) if (!(await patients.get(key))) throw unfit(`There is no ${nameOf(key)} in the index of patients.`)
}

/** Says something of every referral of a chart, once; null: nothing of this one. */
async function each(parts: DeskParts, chart: ChartKey, { command, by, reason }: Pick<Decision, 'command' | 'by' | 'reason'>, say: (now: ChartKey) => Pick<NewEvent, 'name' | 'facts'> | null): Promise<number> {
  const found = await parts.store.find([{ kind: 'patient', value: `${chart.source}|${chart.id}` } satisfies Key])
  let told = 0
  for (const { referral } of found) {
    const changed = await change(parts, `${command} ${referral}`, async () => {
      const before = await parts.store.state(referral)
      const said = before?.patient.chart ? say(before.patient.chart) : null
      return before && said && { before, news: [{ ...said, at: parts.clock.now().toISOString(), by: { kind: 'person', name: by }, reason }] }
    })
    if (changed?.repeated === false) told++
  }
  return told
}
