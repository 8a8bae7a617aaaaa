/** Charts come and change: the index is told, and referrals that wait for their patient are looked at again. */
import type { Bundle, FhirResource, Patient } from 'fhir/r4.js'
import type { Chart, ChartKey } from './contracts.js'
import type { By, Key, NewEvent } from './desk-contracts.js'
import { patientEvent } from './assess.js'
import { factsOf } from './canonical/facts.js'
import { change, type DeskParts } from './change.js'
import { applyChanges, changes } from './patients/changes.js'
import { withoutRuledOut } from './decisions/ruled-out.js'
import { DeskRefusal } from './refusal.js'
import { expectedKeys } from './expected.js'

export interface ChartsGiven {
  readonly command: string
  readonly bundle: unknown
  readonly ehr: string // whose charts they are
  readonly by: By
  readonly via: string
  readonly at: Date
}
export interface ChartsTaken { readonly put: number; readonly merged: number; readonly unmerged: number; readonly looked: number } // looked: referrals that were matched anew

export async function takeCharts(parts: DeskParts, given: ChartsGiven): Promise<ChartsTaken> {
  const told = changes(given.ehr, patientsIn(given.bundle))
  const { puts, merges, unmerges, skipped } = told
  if (puts.length + merges.length + unmerges.length === 0 && skipped[0] !== undefined) throw new DeskRefusal(`${skipped[0]}.`)
  await applyChanges(parts.patients, told)
  let looked = 0
  for (const chart of puts) looked += await lookAgain(parts, chart, given)
  for (const { survivor, merged } of merges) looked += await follow(parts, survivor, merged, given)
  return { put: puts.length, merged: merges.length, unmerged: unmerges.length, looked }
}

const patientsIn = (bundle: unknown): Bundle<FhirResource> | Patient => {
  const { resourceType } = (bundle ?? {}) as { resourceType?: unknown }
  if (resourceType !== 'Bundle' && resourceType !== 'Patient') throw new DeskRefusal('The patient index takes a FHIR Bundle or a Patient.')
  return bundle as Bundle<FhirResource> | Patient
}

const WAITING = new Set(['unmatched', 'uncertain', 'pending'])

/** Referrals for somebody of this name and birth date of whom no chart was certain. */
async function lookAgain(parts: DeskParts, chart: Chart, { command, at, via }: ChartsGiven): Promise<number> {
  const found = new Set((await parts.store.find(expectedKeys(chart))).map(({ referral }) => referral))
  let looked = 0
  for (const referral of found) {
    const changed = await change(parts, `${command} ${chart.id} ${referral}`, async () => {
      const before = await parts.store.state(referral)
      const text = before && WAITING.has(before.patient.status) ? await parts.store.bundle(referral) : null
      if (!before || text === null) return null
      const match = withoutRuledOut(await parts.patients.match(factsOf(JSON.parse(text)).patient, before.route ? { sources: [before.route.ehr] } : {}), before.patient.not)
      if (match.grade === 'none' || (match.grade === 'possible' && before.patient.status === 'uncertain')) return null
      const event = (name: NewEvent['name'], facts: NewEvent['facts'] = {}): NewEvent => ({ name, at: at.toISOString(), by: { kind: 'channel', name: via }, facts })
      return { before, news: [patientEvent(match, { route: before.route }, event, parts.rules())] }
    })
    if (changed) looked++
  }
  return looked
}

/** Referrals of a chart that was merged into another are of that other now. */
async function follow(parts: DeskParts, survivor: ChartKey, merged: ChartKey, { command, at, via }: ChartsGiven): Promise<number> {
  const found = await parts.store.find([{ kind: 'patient', value: `${merged.source}|${merged.id}` } satisfies Key])
  for (const { referral } of found) {
    await change(parts, `${command} merge ${merged.id} ${referral}`, async () => {
      const before = await parts.store.state(referral)
      if (before?.patient.chart?.id !== merged.id || before.patient.chart.source !== merged.source) return null
      return { before, news: [{ name: 'matched', at: at.toISOString(), by: { kind: 'channel', name: via }, facts: { chart: survivor, words: `Chart ${merged.id} was merged into ${survivor.id} in ${merged.source}.` } }] }
    })
  }
  return found.length
}
