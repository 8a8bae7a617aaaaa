/** The matching bench's speed: a million charts in a file, built and looked up through the index's own thread. */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { openPatientIndex } from '../../referrals/patients/patient-index.js'
import type { MatchingSettings } from '../../referrals/patients/settings.js'
import { asChart, household, onForm, type Person, town } from './match-people.js'

export interface SpeedFigures {
  readonly charts: number; readonly buildSeconds: number; readonly megabytes: number; readonly lookups: number
  readonly perSecond: number; readonly p50: number; readonly p99: number; readonly longest: number; readonly load: number // milliseconds; load of the last minute
}
const LOOKUPS = 10_000
const AT_A_TIME = 100_000

export const speedBench = async (settings: MatchingSettings, charts: number, seed: number): Promise<SpeedFigures> => {
  const place = town(seed)
  const people: Person[] = []
  while (people.length < charts) people.push(...household(place))
  people.length = charts
  const folder = mkdtempSync(join(tmpdir(), 'refero-match-'))
  try {
    const index = openPatientIndex(join(folder, 'patients.db'), settings)
    let spent = 0
    for (let at = 0; at < charts; at += AT_A_TIME) {
      const some = people.slice(at, at + AT_A_TIME).map((who, n) => asChart(who, at + n))
      const from = performance.now()
      await index.put(some)
      spent += performance.now() - from
    }
    const queries = Array.from({ length: LOOKUPS + 500 }, () => onForm(place, people[Math.floor(place.next() * charts)] as Person))
    for (const facts of queries.splice(0, 500)) await index.match(facts)
    const times: number[] = []
    const start = performance.now()
    for (const facts of queries) {
      const from = performance.now()
      await index.match(facts)
      times.push(performance.now() - from)
    }
    const seconds = (performance.now() - start) / 1000
    await index.close()
    times.sort((a, b) => a - b)
    const at = (share: number): number => times[Math.floor(share * (times.length - 1))] ?? 0
    return {
      charts, buildSeconds: spent / 1000, megabytes: statSync(join(folder, 'patients.db')).size / 1e6, lookups: LOOKUPS,
      perSecond: LOOKUPS / seconds, p50: at(0.5), p99: at(0.99), longest: at(1), load: loadavg()[0] ?? 0,
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
