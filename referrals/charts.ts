/** Charts come, change, become one and two again: the index is told, and referrals that wait for their patient are looked at again. */
import type { Bundle, FhirResource, Patient } from 'fhir/r4.js'
import type { By, NewEvent } from './desk-contracts.js'
import { patientEvent } from './assess.js'
import { factsOf } from './canonical/facts.js'
import { change, type DeskParts } from './change.js'
import { applyChanges, changes } from './patients/changes.js'
import { type Cause, join, part } from './merged-charts.js'
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
  const cause: Cause = { command: given.command, by: { kind: 'channel', name: given.via }, at: given.at.toISOString() }
  let looked = 0
  const open: string[] = []
  for (const charts of unmerges) {
    const parted = await part(parts, charts, cause)
    looked += parted.told
    open.push(...parted.open)
  }
  await applyChanges(parts.patients, told)
  looked += await lookAgain(parts, 'parted', open, cause)
  for (const chart of puts) looked += await lookAgain(parts, chart.id, (await parts.store.find(expectedKeys(chart))).map(({ referral }) => referral), cause)
  for (const charts of merges) looked += await join(parts, charts, cause)
  return { put: puts.length, merged: merges.length, unmerged: unmerges.length, looked }
}

const patientsIn = (bundle: unknown): Bundle<FhirResource> | Patient => {
  const { resourceType } = (bundle ?? {}) as { resourceType?: unknown }
  if (resourceType !== 'Bundle' && resourceType !== 'Patient') throw new DeskRefusal('The patient index takes a FHIR Bundle or a Patient.')
  return bundle as Bundle<FhirResource> | Patient
}

const WAITING = new Set(['unmatched', 'uncertain', 'pending'])

/** Referrals of whom no chart was certain; `what` is part of the command. Returns how many were told something new. */
export async function lookAgain(parts: DeskParts, what: string, referrals: readonly string[], { command, by, reason, at }: Cause): Promise<number> {
  let looked = 0
  for (const referral of new Set(referrals)) {
    const changed = await change(parts, `${command} ${what} ${referral}`, async () => {
      const before = await parts.store.state(referral)
      const text = before && WAITING.has(before.patient.status) ? await parts.store.bundle(referral) : null
      if (!before || text === null) return null
      const match = withoutRuledOut(await parts.patients.match(factsOf(JSON.parse(text)).patient, before.route ? { sources: [before.route.ehr] } : {}), before.patient.not)
      if (match.grade === 'none' || (match.grade === 'possible' && before.patient.status === 'uncertain')) return null
      const event = (name: NewEvent['name'], facts: NewEvent['facts'] = {}): NewEvent => ({ name, at, by, facts, ...(reason !== undefined && { reason }) })
      return { before, news: [patientEvent(match, { route: before.route }, event, parts.rules())] }
    })
    if (changed) looked++
  }
  return looked
}
