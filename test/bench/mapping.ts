/**
 * How many messages a second one core turns into FHIR, from the parsed message to a body that is checked and written, and how large the bundles are.
 * Run it with `npm run bench:mapping`; a first argument is the seconds for each figure (default 2).
 */
import type { MessageFormat } from '../../engine/contracts.js'
import toFhir from '../../transforms/to-fhir/index.js'
import { fixture, transformTools } from '../transforms/tools.js'

const CASES = [
  ['REF', 'referral', 'ref-i12-cardiology'], ['REF minimal', 'referral', 'ref-i12-minimal'], ['ORU', 'results', 'oru-r01-panel'], ['ADT', 'adt', 'adt-a01'], ['SIU', 'appointment', 'siu-s13-two-services'],
] as const

const seconds = Number(process.argv[2] ?? 2)
/** CPU time, the best of five stretches, which disturbs the figure least on a shared machine. */
const perSecond = async (work: () => Promise<unknown>): Promise<number> => {
  const spent = (): number => process.cpuUsage().user / 1e6
  let best = 0
  for (let stretch = 0; stretch < 5; stretch++) {
    const start = spent()
    let done = 0
    while (spent() - start < seconds / 5) for (let n = 0; n < 20; n++, done++) await work()
    best = Math.max(best, done / (spent() - start))
  }
  return best
}

const tools = transformTools()
const fhir: MessageFormat = tools.format('fhir')
process.stdout.write('HL7 v2 to FHIR, checked and written: messages a second on one core\n')
process.stdout.write(`${'message'.padEnd(24)}${'bytes'.padStart(8)}${'a second'.padStart(10)}${'ms'.padStart(8)}${'bundle'.padStart(9)}\n`)
for (const [name, map, file] of CASES) {
  const message = fixture(`hl7v2/${file}.hl7`)
  const step = toFhir.create({ with: map, timezone: 'America/Chicago' }, tools)
  const run = async (): Promise<number> => {
    const made = await step(message)
    return 'filtered' in made ? 0 : made.reduce((length, { body }) => length + fhir.serialize(body).length, 0)
  }
  const bytes = await run()
  const rate = await perSecond(run)
  process.stdout.write(`${name.padEnd(24)}${String(tools.format('hl7v2').serialize(message.body).length).padStart(8)}${rate.toFixed(0).padStart(10)}${(1000 / rate).toFixed(2).padStart(8)}${String(bytes).padStart(9)}\n`)
}
