/** Pairs that deceive a matcher, each looked up among other people. */
import t from 'tap'
import { openPatientIndex } from '../../../referrals/patients/patient-index.js'
import { asChart, household, town } from '../../bench/match-people.js'
import { facts, HOSTILE } from './hostile.js'
import { SETTINGS } from './settings.js'

const place = town(11)
const OTHERS = Array.from({ length: 60 }, () => household(place)).flat().map(asChart)

for (const [number, [why, charts, form, right]] of HOSTILE.entries()) {
  t.test(`${right}: ${why} (${form.split('|')[0]?.trim()})`, async (t) => {
    const index = openPatientIndex(':memory:', SETTINGS)
    await index.put([...OTHERS, ...[charts].flat().map((text, at) => ({ ...facts(text), source: 'epic-main', id: `${number}-${at}`, active: true }))])
    const { grade, reasons, candidates } = await index.match(facts(form))
    t.ok(right.split(' or ').includes(grade), `it is ${grade}: ${JSON.stringify([reasons, candidates[0]?.compared.map(({ says, weight }) => `${says} ${weight.toFixed(1)}`)])}`)
    await index.close()
  })
}
