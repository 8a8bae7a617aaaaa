/** Two charts become one, or two again: their referrals go along, come back, and tell it. */
import { change, type DeskParts } from './change.js'
import type { ChartKey } from './contracts.js'
import { isSameChart } from './decisions/ruled-out.js'
import type { By, Key, NewEvent, ReferralEvent, ReferralState } from './desk-contracts.js'

export interface TwoCharts { readonly survivor: ChartKey; readonly merged: ChartKey }
/** By whose word, and what makes it one command. */
export interface Cause { readonly command: string; readonly by: By; readonly reason?: string; readonly at: string }

type Said = Pick<NewEvent, 'name' | 'facts'>

export const nameOf = ({ source, id }: ChartKey): string => `chart ${id} of ${source}`

/** Referrals of the merged chart are the survivor's now; those of the survivor say so, that they may be told apart again. Returns how many were told. */
export const join = (parts: DeskParts, charts: TwoCharts, cause: Cause): Promise<number> => {
  const { survivor, merged } = charts
  const words = `Merged: ${nameOf(merged)} into ${nameOf(survivor)}.`
  return each(parts, [merged, survivor], `${cause.command} merge ${merged.id}`, cause, ({ patient: { chart } }, events) => {
    if (chart && isSameChart(chart, merged)) return { name: 'matched', facts: { chart: survivor, merged, words } }
    const { way, joined } = wayOf(events)
    const known = [...way, ...joined].some((key) => isSameChart(key, merged))
    return chart && isSameChart(chart, survivor) && !known ? { name: 'noted', facts: { merged, words } } : null
  })
}

/**
 * What went along comes back, and what was the survivor's before stays. Whose a referral is that was matched while the two were one, a person must say.
 * Which of them survived does not matter, for HL7 v2 does not say it. To be asked before the index parts them: of a merge that it does not know, only
 * what went along by it comes back. Returns how many were told, and those that wait for a person.
 */
export async function part(parts: DeskParts, { survivor, merged }: TwoCharts, cause: Cause): Promise<{ readonly told: number; readonly open: readonly string[] }> {
  const [kept, gone] = await Promise.all([parts.patients.get(survivor), parts.patients.get(merged)])
  const one = kept && gone && isSameChart(kept, gone) ? kept : null
  const both = (key: ChartKey | undefined): boolean => key !== undefined && (isSameChart(key, survivor) || isSameChart(key, merged))
  const open: string[] = []
  const words = `Two again: ${nameOf(merged)} and ${nameOf(survivor)}.`
  const told = await each(parts, [survivor, merged, ...(one ? [one] : [])], `${cause.command} part ${[merged.id, survivor.id].sort().join(' ')}`, cause, ({ patient: { chart } }, events) => {
    if (chart === null) return null
    const { way, joined } = wayOf(events)
    const before = way.find((key, step) => both(key) && both(way[step + 1]))
    if (before) return { name: 'matched', facts: { chart: before, apart: isSameChart(before, merged) ? survivor : merged, words: `${words} This referral was of ${nameOf(before)} before they were merged.` } }
    if (!one || !isSameChart(chart, one)) return null
    if (joined.some(both)) return { name: 'noted', facts: { words: `${words} This referral was of ${nameOf(chart)} before they were merged, and stays there.` } }
    return { name: 'match-uncertain', facts: { apart: merged, reason: `${words} This referral was matched while they were one: see whose it is.` } }
  }, (referral) => open.push(referral))
  return { told, open }
}

/** The charts that a referral has been of, each merged into the next, and those that were merged into the last ones. */
const wayOf = (events: readonly ReferralEvent[]): { readonly way: readonly ChartKey[]; readonly joined: readonly ChartKey[] } => {
  let way: readonly ChartKey[] = []
  let joined: readonly ChartKey[] = []
  for (const { name, applied, facts: { chart, merged, apart } } of events) {
    if (!applied) continue
    if (name === 'noted' && merged) joined = [...joined, merged]
    if (name !== 'matched' || !chart) continue
    const last = way.at(-1)
    if (merged && last && isSameChart(last, merged)) way = [...way, chart]
    else if (apart && way.some((key) => isSameChart(key, chart))) way = way.slice(0, way.findIndex((key) => isSameChart(key, chart)) + 1)
    else [way, joined] = [[chart], []]
  }
  return { way, joined }
}

/** Says something of every referral of these charts, once; null: nothing of this one. */
async function each(parts: DeskParts, charts: readonly ChartKey[], command: string, { by, reason, at }: Cause, say: (state: ReferralState, events: readonly ReferralEvent[]) => Said | null, uncertain: (referral: string) => void = () => undefined): Promise<number> {
  const found = await parts.store.find(charts.map(({ source, id }): Key => ({ kind: 'patient', value: `${source}|${id}` })))
  let told = 0
  for (const referral of new Set(found.map((one) => one.referral))) {
    const changed = await change(parts, `${command} ${referral}`, async () => {
      const before = await parts.store.state(referral)
      const said = before && say(before, await parts.store.events(referral))
      return before && said && { before, news: [{ ...said, at, by, ...(reason !== undefined && { reason }) }] }
    })
    if (changed?.repeated === false) told++
    if (changed?.state.patient.status === 'uncertain') uncertain(referral)
  }
  return told
}
