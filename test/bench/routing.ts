/**
 * How many referrals a second one core routes by a table of 150 rows, with the reasons and the near misses; the table and the referrals are made from a seed.
 * Run it with `npm run bench:routing`; a first argument is the seconds for each figure (default 2), a second one the number of rows.
 */
import type { ReferralFacts, Triage } from '../../referrals/contracts.js'
import { route } from '../../referrals/routing/route.js'
import { routingTable } from '../../referrals/routing/table.js'
import { madeReferral, madeTable, randomOf } from '../referrals/routing/made.js'

const seconds = Number(process.argv[2] ?? 2)
const rows = Number(process.argv[3] ?? 150)
const random = randomOf(7)
const table = routingTable({ text: madeTable(random, rows), file: 'made.csv' })
const given: readonly (readonly [ReferralFacts, Triage])[] = Array.from({ length: 5000 }, () => madeReferral(random))

/** CPU time, the best of five stretches, which disturbs the figure least on a shared machine. */
const spent = (): number => process.cpuUsage().user / 1e6
let [best, total, taken, near] = [0, 0, 0, 0]
for (let stretch = 0; stretch < 5; stretch++) {
  const start = spent()
  let done = 0
  while (spent() - start < seconds / 5) {
    for (const [facts, triage] of given) {
      const routing = route(table, facts, triage)
      if (routing.route) taken++
      near += routing.nearMisses.length
      done++
      total++
    }
  }
  best = Math.max(best, done / (spent() - start))
}
process.stdout.write(`routing: ${Math.round(best)} referrals a second on one core, ${table.rows.length} rows, ${table.filters.length} columns of conditions, with reasons and ${(near / Math.max(1, total)).toFixed(1)} near misses each; ${Math.round(100 * taken / Math.max(1, total))} % were taken by one row\n`)
