/**
 * How well and how fast patients are matched. Run it with `npm run bench:match`; options: `--only febrl|household|speed`, `--charts n`, `--seed n`
 * (of the household set; 1, 2 and 3 unless told), `--json`. Exits with 1 where a figure misses what is demanded of it.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { openMappings } from '../../engine/mappings.js'
import { matchingSettings } from '../../referrals/patients/settings.js'
import { febrlBench, FIXED, type Rates } from './match-febrl.js'
import { householdBench } from './match-household.js'
import { speedBench } from './match-speed.js'

const { values } = parseArgs({ options: { only: { type: 'string' }, charts: { type: 'string' }, seed: { type: 'string' }, json: { type: 'boolean', default: false } } })
if (values.only !== undefined && !['febrl', 'household', 'speed'].includes(values.only)) throw new Error(`--only is febrl, household or speed, not ${values.only}`)
const settings = matchingSettings(openMappings(join(import.meta.dirname, '../../../mappings')).mapping)
const wanted = (part: string): boolean => values.only === undefined || values.only === part
const figures: Record<string, unknown[]> = { febrl: [], household: [], speed: [] }
const missed: string[] = []
const demand = (what: string, met: boolean): string => {
  if (!met) missed.push(what)
  return met ? '' : '  MISSED'
}
const say = (line: string): void => {
  if (!values.json) process.stdout.write(`${line}\n`)
}
const percent = (share: number): string => `${(share * 100).toFixed(2)} %`
const rates = ({ precision, recall, f1, wrong }: Rates): string => `precision ${precision.toFixed(4)} (${wrong} wrong)  recall ${recall.toFixed(4)}  F1 ${f1.toFixed(4)}`

if (wanted('febrl')) {
  for (const set of [1, 3] as const) {
    const found = await febrlBench(settings, set)
    if (!found) {
      say(`FEBRL ${set}: the set is not there`)
      continue
    }
    figures.febrl?.push(found)
    say(`${found.set} without soc_sec_id: ${found.records} records, ${found.pairs} pairs`)
    say(`  certain            ${rates(found.certain)}${demand(`${found.set} certain precision 1.0`, found.certain.wrong === 0)}`)
    say(`  certain, possible  ${rates(found.withPossible)}`)
    say(`  best F1            ${rates(found.best)}  at ${found.best.threshold} bits, picked on this very set${demand(`${found.set} best F1 0.995`, found.best.f1 >= 0.995)}`)
    say(`  fixed              ${rates(found.fixed)}  at ${FIXED} bits`)
    const { asked, certain, wrong, possible, none } = found.lookups
    say(`  duplicates looked up among the originals: ${asked}, certain ${percent(certain / asked)} (${wrong} wrong), possible ${percent(possible / asked)}, none ${percent(none / asked)}${demand(`${found.set} no look-up wrong`, wrong === 0)}`)
  }
}
if (wanted('household')) {
  for (const seed of values.seed ? [Number(values.seed)] : [1, 2, 3]) {
    const found = await householdBench(settings, Number(values.charts ?? 100_000), seed)
    figures.household?.push(found)
    say(`Households, seed ${seed}: ${found.charts} charts, ${found.queries} look-ups`)
    say(`  auto-write precision ${found.autoPrecision.toFixed(5)} (${found.wrong} wrong)${demand(`households ${seed} precision 0.9999`, found.autoPrecision >= 0.9999)}`)
    say(`  auto recall          ${percent(found.autoRecall)}${demand(`households ${seed} recall 93 %`, found.autoRecall >= 0.93)}`)
    say(`  review               ${percent(found.review)}${demand(`households ${seed} review 10 %`, found.review <= 0.1)}`)
    say(`  false none           ${percent(found.falseNone)}${demand(`households ${seed} false none 0.3 %`, found.falseNone <= 0.003)}`)
  }
}
if (wanted('speed')) {
  const found = await speedBench(settings, Number(values.charts ?? 1_000_000), Number(values.seed ?? 1))
  figures.speed?.push(found)
  say(`Speed: ${found.charts} charts, load ${found.load.toFixed(1)}`)
  say(`  built in ${found.buildSeconds.toFixed(0)} s, ${found.megabytes.toFixed(0)} MB${demand('build 3 min', found.buildSeconds < 180)}`)
  say(`  ${found.perSecond.toFixed(0)} look-ups/s (${found.perProcessorSecond.toFixed(0)} a second of processor time)  p50 ${found.p50.toFixed(2)} ms  p99 ${found.p99.toFixed(2)} ms  longest ${found.longest.toFixed(1)} ms${demand('look-ups 1,500/s and p99 10 ms', found.perSecond >= 1500 && found.p99 < 10)}`)
}
if (values.json) process.stdout.write(`${JSON.stringify({ ...figures, missed }, null, 2)}\n`)
else say(missed.length === 0 ? 'All demands are met.' : `Missed: ${missed.join('; ')}.`)
process.exitCode = missed.length === 0 ? 0 : 1
