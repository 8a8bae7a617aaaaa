/**
 * How many messages a second one core parses, reads 20 values of, changes 3 values in and writes: this format, and @medplum/core in the same run.
 * Run it with `npm run bench:hl7v2`; a first argument is the seconds for each figure (default 2).
 */
import { Hl7Message } from '@medplum/core'
import { type Body, serialize } from '../../engine/formats/hl7v2/body.js'
import { parse } from '../../engine/formats/hl7v2/parse.js'
import { read } from '../../engine/formats/hl7v2/read.js'
import { DEFAULT_READING } from '../../engine/formats/hl7v2/settings.js'
import { write } from '../../engine/formats/hl7v2/write.js'

const ADT = [
  'MSH|^~\\&|REGADT|HOSP|EHR|CLINIC|20260302091500-0500||ADT^A01^ADT_A01|MSG00001|P|2.5.1|||AL|NE|USA|UNICODE UTF-8',
  'EVN|A01|20260302091500-0500|||OP1^OPERATOR^ONE^^^^^^HOSP',
  'PID|1||1002003^^^HOSP&1.2.3.4&ISO^MR~900112233^^^USSSA^SS||TESTER^ALPHA^B^^^^L||19620814|F||2106-3^White^HL70005|12 SAMPLE ST^APT 3^SPRINGFIELD^IL^62701^USA^H||^PRN^PH^^1^217^5550100~^NET^Internet^alpha@example.org|^WPN^PH^^1^217^5550101|EN^English^HL70296|M^Married^HL70002||A000123^^^HOSP^AN||||H^Not Hispanic^HL70189',
  'PD1|||MAIN CLINIC^^12345|1548291735^CARE^PRIMARY^^^DR^^^NPI',
  'NK1|1|TESTER^BETA^^^^^L|SPO^Spouse^HL70063|12 SAMPLE ST^APT 3^SPRINGFIELD^IL^62701^USA|^PRN^PH^^1^217^5550102',
  'PV1|1|I|4W^401^1^HOSP^^^^^4W|R|||1548291735^ATTEND^ANN^^^DR^^^NPI|1987654321^REFER^ROB^^^DR^^^NPI||MED||||1|||1548291735^ATTEND^ANN^^^DR^^^NPI|IP|V0001^^^HOSP^VN|||||||||||||||||||||||||20260302090000-0500',
  'AL1|1|DA^Drug allergy^HL70127|70618^Penicillin^RXNORM|SV^Severe^HL70128|Hives',
  'DG1|1||I48.91^Unspecified atrial fibrillation^I10||20260302|A',
  'IN1|1|PPO1^PLAN ONE|PAY01|PAYER ONE|PO BOX 1^^SPRINGFIELD^IL^62702|||GRP100||||20260101|||PPO|TESTER^ALPHA|SEL^Self^HL70063|19620814',
].map(segment => `${segment}\r`).join('')

const ORU = [
  ...ADT.split('\r').slice(0, 3).map(segment => segment.replace('ADT^A01^ADT_A01', 'ORU^R01^ORU_R01')),
  'PV1|1|O|LAB^^^HOSP||||1548291735^ATTEND^ANN^^^DR^^^NPI',
  'ORC|RE|PL1001^EHR|FL2002^LAB||CM||||20260302080000-0500|||1548291735^ATTEND^ANN^^^DR^^^NPI',
  'OBR|1|PL1001^EHR|FL2002^LAB|24323-8^Comprehensive metabolic panel^LN|||20260302080000-0500|||||||||1548291735^ATTEND^ANN^^^DR^^^NPI||||||20260302090000-0500||CH|F',
  ...Array.from({ length: 28 }, (_, n) => `OBX|${n + 1}|NM|${2000 + n}-1^Analyte number ${n + 1} in serum or plasma^LN^L${n}^Local name ${n}^L||${(n * 3.7 + 1).toFixed(1)}|mmol/L^^UCUM|1.0-120.0|N|||F|||20260302085500-0500`),
].map(segment => `${segment}\r`).join('')

const READS = ['MSH-3', 'MSH-4', 'MSH-7', 'MSH-9.1', 'MSH-9.2', 'MSH-10', 'MSH-12', 'PID-3.1', 'PID-3[2].1', 'PID-3.4.2', 'PID-5.1', 'PID-5.2', 'PID-7', 'PID-8', 'PID-11.1', 'PID-11.3', 'PID-13.7', 'PV1-2', 'PV1-7.1', 'PV1-8.2']
const WRITES = [['MSH-5', 'NEWEHR'], ['PID-8', 'U'], ['PV1-10', 'CAR']] as const

const ours = (bytes: Buffer): number => {
  let body: Body = parse(bytes, DEFAULT_READING)
  let length = 0
  for (const path of READS) length += read(body, path)[0]?.length ?? 0
  for (const [path, value] of WRITES) body = write(body, path, value)
  return length + serialize(body).length
}

const LOCATIONS = READS.map(path => {
  const [, segment = '', field, repetition = 1, component = 1, subcomponent = 1] = /^(\w+)-(\d+)(?:\[(\d+)\])?(?:\.(\d+))?(?:\.(\d+))?$/.exec(path) ?? []
  return { segment, field: Number(field), repetition: Number(repetition) - 1, component: Number(component), subcomponent: Number(subcomponent) - 1 }
})
const CHANGES = WRITES.map(([path, value]) => ({ segment: path.slice(0, 3), field: Number(path.slice(4)), value }))

const medplum = (bytes: Buffer): number => {
  const message = Hl7Message.parse(bytes.toString('utf8'))
  let length = 0
  for (const { segment, field, repetition, component, subcomponent } of LOCATIONS) length += message.getSegment(segment)?.getField(field)?.getComponent(component, subcomponent, repetition)?.length ?? 0
  for (const { segment, field, value } of CHANGES) message.getSegment(segment)?.setField(field, value)
  return length + Buffer.from(message.toString(), 'utf8').length
}

const seconds = Number(process.argv[2] ?? 2)
/** The best of five stretches, which disturbs the figure least on a shared machine. */
const perSecond = (work: (bytes: Buffer) => number, bytes: Buffer): number => {
  let best = 0
  for (let stretch = 0; stretch < 5; stretch++) {
    const start = process.hrtime.bigint()
    const end = start + BigInt(Math.round((seconds / 5) * 1e9))
    let done = 0
    while (process.hrtime.bigint() < end) for (let n = 0; n < 100; n++, done++) work(bytes)
    best = Math.max(best, (done * 1e9) / Number(process.hrtime.bigint() - start))
  }
  return best
}

process.stdout.write('parse + 20 reads + 3 sets + serialise, messages a second on one core\n')
process.stdout.write(`${'message'.padEnd(14)}${'refero'.padStart(10)}${'medplum'.padStart(10)}${'ratio'.padStart(8)}\n`)
for (const [name, text] of [['ADT^A01', ADT], ['ORU^R01', ORU]] as const) {
  const bytes = Buffer.from(text)
  const [own, other] = [perSecond(ours, bytes), perSecond(medplum, bytes)]
  process.stdout.write(`${`${name} ${(bytes.length / 1000).toFixed(1)}kB`.padEnd(14)}${own.toFixed(0).padStart(10)}${other.toFixed(0).padStart(10)}${(own / other).toFixed(1).padStart(8)}\n`)
}
