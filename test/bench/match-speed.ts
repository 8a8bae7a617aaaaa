/** The matching bench's speed: a million charts in a file, built and looked up. */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PatientFacts } from '../../referrals/contracts.js'
import { openPatientIndex } from '../../referrals/patients/patient-index.js'
import type { MatchingSettings } from '../../referrals/patients/settings.js'
import { asChart, household, onForm, type Person, town } from './match-people.js'

export interface SpeedFigures {
  readonly charts: number; readonly buildSeconds: number; readonly megabytes: number; readonly lookups: number
  readonly perSecond: number; readonly perProcessorSecond: number; readonly p50: number; readonly p99: number; readonly longest: number; readonly load: number // milliseconds; load of the last minute
}
const LOOKUPS = 10_000
const WARM = 500
const AT_A_TIME = 100_000

/** Look-ups are counted by the clock, and by processor time, which a shared machine disturbs less. */
export const speedBench = async (settings: MatchingSettings, charts: number, seed: number): Promise<SpeedFigures> => {
  const place = town(seed)
  const folder = mkdtempSync(join(tmpdir(), 'refero-match-'))
  try {
    const index = openPatientIndex(join(folder, 'patients.db'), settings)
    const queries: PatientFacts[] = []
    let spent = 0
    for (let made = 0; made < charts;) {
      const people: Person[] = []
      while (people.length < Math.min(AT_A_TIME, charts - made)) people.push(...household(place))
      const some = people.slice(0, charts - made).map((who, n) => asChart(who, made + n))
      made += some.length
      const from = performance.now()
      await index.put(some)
      spent += performance.now() - from
      for (let n = 0; n < (LOOKUPS + WARM) * some.length / charts; n++) queries.push(onForm(place, people[Math.floor(place.next() * some.length)] as Person))
    }
    for (const facts of queries.splice(0, WARM)) await index.match(facts)
    const times: number[] = []
    const [start, processor] = [performance.now(), process.cpuUsage()]
    for (const facts of queries) {
      const from = performance.now()
      await index.match(facts)
      times.push(performance.now() - from)
    }
    const seconds = (performance.now() - start) / 1000
    const { user, system } = process.cpuUsage(processor)
    await index.close()
    times.sort((a, b) => a - b)
    const at = (share: number): number => times[Math.floor(share * (times.length - 1))] ?? 0
    return {
      charts, buildSeconds: spent / 1000, megabytes: statSync(join(folder, 'patients.db')).size / 1e6, lookups: times.length,
      perSecond: times.length / seconds, perProcessorSecond: times.length / ((user + system) / 1e6), p50: at(0.5), p99: at(0.99), longest: at(1), load: loadavg()[0] ?? 0,
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
