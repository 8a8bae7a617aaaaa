/** There and back again: over generated messages, every value of a field that an outgoing map claims is in the second bundle as in the first. */
import type { Bundle } from 'fhir/r4.js'
import t from 'tap'
import type { Message } from '../../engine/contracts.js'
import { outgoingMap } from '../../engine/v2-to-fhir/outgoing-map.js'
import toFhir from '../../transforms/to-fhir/index.js'
import toHl7v2 from '../../transforms/to-hl7v2/index.js'
import { hl7v2, message, told, tools } from '../engine/v2-to-fhir/kit.js'
import { allClaims, type Random, type Shape, seeded, synthetic } from './synthetic.js'

const code = (random: Random): string => `${random.digits(4)}-${random.digits(1)}^${random.word()}^LN`
const number = (random: Random): string => `${random.digits(6)}^${random.word()}^1.3.6.1.4.1.99999.7^ISO`
const text = (random: Random): string => `${random.word()} ${random.word()}`
const PATIENT: Shape = { segment: 'PID', always: { 3: (random) => `${random.digits(7)}^^^LAKE&1.3.6.1.4.1.99999.1&ISO^MR`, 5: (random) => `${random.word()}^${random.word()}` }, never: [2, 4, 10, 12, 13, 14, 15, 16, 17, 18, 19, 21, 22, 24, 25, 26, 28, 29, 30, 31, 33, 34, 35, 40] }
const NOTE: Shape = { segment: 'NTE', always: { 3: text }, never: [2, 4] }

/** An observation of each type of value. */
const observation = (type: string, value: (random: Random) => string, unit = ''): Shape => ({
  segment: 'OBX', always: { 2: () => type, 3: code, 5: value, 6: () => unit, 11: (random) => random.pick(['F', 'P', 'C', 'W', 'X', 'D']) }, never: [4, 14, 15, 18, 19, 20, 21, 23, 24, 25, 29, 30, 33], followed: [NOTE],
})
const OBSERVATIONS: readonly Shape[] = [
  observation('NM', (random) => random.digits(3), 'mg/dL^^UCUM'), observation('SN', (random) => `${random.pick(['<', '>='])}^${random.digits(2)}`, 'pints'), observation('SN', (random) => `^1^:^${random.digits(2)}`),
  observation('ST', text, 'pints'), observation('CWE', code), observation('CWE', (random) => `${code(random)}~${code(random)}`), observation('NM', (random) => `${random.digits(2)}~${random.digits(2)}`, 'mg^^UCUM'),
  observation('DTM', () => '20260302081500-0600'), observation('TM', () => '081500'), observation('NR', (random) => `1^${random.digits(2)}`, 'mg^^UCUM'), observation('DR', () => '20260101^20260201'), observation('NM', () => 'amber'),
]

interface Case {
  readonly type: string // MSH-9
  readonly forth: string
  readonly back: string
  readonly shapes: readonly Shape[]
  readonly notKept?: Readonly<Record<string, string>> // fields that are claimed but not always kept, and why
}

const ORDER: Shape = { segment: 'ORC', always: { 1: (random) => random.pick(['NW', 'SC', 'CA', 'OK', 'HD']), 2: number }, never: [5, 10, 11, 14, 21, 22, 23, 24, 28], most: 2, followed: [
  { segment: 'TQ1', never: [2, 4, 5, 6, 8, 13, 14] }, { segment: 'OBR', always: { 4: code }, never: [2, 3, 5, 6, 16, 17, 27, 29, 53] }, NOTE, { segment: 'OBX', always: { 2: () => 'NM', 3: code, 5: (random) => random.digits(2), 6: () => 'mg^^UCUM', 11: () => 'F' }, never: [4, 15, 16, 18, 19, 23, 24, 25, 33], most: 2, followed: [NOTE] },
] }
const NUMBERS = 'a number is compared without its place: ORC and OBR repeat it'

/** Add a message type here: its maps, and the shape of its segments. */
const CASES: readonly Case[] = [
  { type: 'REF^I12^REF_I12', forth: 'referral', back: 'ref-i12', shapes: [{ segment: 'RF1', always: { 1: (random) => random.pick(['A', 'P', 'R', 'E']), 6: number }, never: [11] }, { segment: 'PRD', always: { 1: () => 'RP', 2: (random) => `${random.word()}^${random.word()}` }, never: [4, 7, 10, 11, 14] }, PATIENT, { segment: 'DG1', always: { 3: code }, never: [2, 4, 15, 16, 17, 20], most: 2 }, { segment: 'PR1', always: { 1: () => '1', 3: code }, never: [4, 5] }, NOTE] },
  { type: 'ORM^O01^ORM_O01', forth: 'referral', back: 'orm-o01', shapes: [PATIENT, ORDER], notKept: { 'ORC-2': NUMBERS } },
  { type: 'OMG^O19^OMG_O19', forth: 'referral', back: 'omg-o19', shapes: [PATIENT, ORDER], notKept: { 'ORC-2': NUMBERS } },
  { type: 'ORU^R01^ORU_R01', forth: 'results', back: 'oru-r01', shapes: [PATIENT, { segment: 'ORC', always: { 1: () => 'RE', 2: number, 3: number }, never: [4, 5, 9, 14, 16, 21, 22, 23, 24, 28, 29, 38], most: 2, followed: [{ segment: 'OBR', always: { 4: code, 25: (random) => random.pick(['F', 'P', 'C', 'X']) }, never: [2, 3, 5, 6, 8, 9, 10, 13, 14, 15, 16, 29, 31, 39, 46, 53] }, NOTE, ...OBSERVATIONS, { segment: 'SPM', always: { 2: (random) => `${random.digits(4)}&${random.word()}^${random.digits(4)}&${random.word()}`, 4: code }, never: [3, 20, 21, 32] }] }] },
  { type: 'OSU^O51^OSU_O51', forth: 'order-status', back: 'osu-o51', shapes: [PATIENT, { segment: 'ORC', always: { 1: (random) => random.pick(['SC', 'OK', 'UA']), 2: number, 5: (random) => random.pick(['IP', 'CM', 'CA', 'HD', 'SC']) }, never: [10, 11, 14, 15, 21, 22, 23, 24, 28, 29, 38], most: 3, followed: [NOTE] }] },
]

/** What is at a path like "name[0].family". */
const valueAt = (held: unknown, path: string): unknown =>
  path.split(/[.[\]]+/).filter(Boolean).reduce<unknown>((at, key) => (at as Readonly<Record<string, unknown>> | undefined)?.[key], held)

/** Every plain value of a bundle that a field says (of those `claimed`), as "Observation.valueQuantity.value 5", and the field. Which resource a reference leads to is its own business. */
const facts = (bundle: Bundle, claimed?: ReadonlySet<string>): ReadonlyMap<string, string> => {
  const resources = new Map((bundle.entry ?? []).map(({ fullUrl, resource }) => [fullUrl, resource]))
  return new Map(told(bundle).flatMap(({ url, path, field: placed }) => {
    const field = placed.replace(/\[\d+\]/g, '')
    if (claimed && !claimed.has(field)) return []
    const held = resources.get(url)
    const value = valueAt(held, path)
    return value === undefined || typeof value === 'object' || path.endsWith('.reference') ? [] : [[`${held?.resourceType}.${path.replace(/\[\d+\]/g, '')} ${value}`, field] as const]
  }))
}

for (const [index, { type, forth, back, shapes, notKept = {} }] of CASES.entries()) {
  t.test(`${type.slice(0, 7)} keeps what ${back} claims`, async (t) => {
    const [there, again] = [toFhir.create({ with: forth }, tools), toHl7v2.create({ with: back, version: '2.5.1' }, tools)]
    const map = outgoingMap(back, tools)
    const claimed = allClaims(map)
    const one = (result: unknown): Message => (result as readonly Message[])[0] as Message
    let compared = 0
    for (let seed = 1; seed <= 25; seed += 1) {
      const sent = synthetic(map, shapes, seeded(seed * 100 + index), `MSH|^~\\&|SYNTH|LAKE|EHR|E|20260302081500-0600||${type}|S${seed}|P|2.5.1`)
      const first = one(there(message(Buffer.from(sent))))
      const returned = hl7v2.serialize(one(again(first)).body)
      const second = facts(one(there(message(returned))).body as Bundle)
      const wanted = facts(first.body as Bundle, claimed)
      compared += wanted.size
      const lost = [...wanted].filter(([fact, field]) => !second.has(fact) && !(field in notKept)).map(([fact, field]) => `${field}: ${fact}`)
      if (lost.length > 0) {
        t.same(lost, [], `seed ${seed}\n${sent.replaceAll('\r', '\n')}\n${returned.toString().replaceAll('\r', '\n')}`)
        break
      }
    }
    t.ok(compared > 300, `${compared} values compared`)
  })
}

t.test('set ids count the segments of a name in their group, from whatever they are made, and orders through the message', async (t) => {
  const order = (n: number): string[] => [
    `ORC|NW|P${n}`, `OBR|${n}|P${n}||93000^ECG^C4`, 'NTE|1||One', 'NTE|2||Two', 'DG1|1||I10^^I10', 'DG1|2||I48.0^^I10', 'OBX|1|NM|8867-4^Heart rate^LN||96|/min|||||F', 'NTE|1||Sitting', 'NTE|2||Tired',
    'OBX|2|NM|8480-6^Systolic^LN||120|mm[Hg]|||||F', 'OBX|3|ED|11506-3^Note^LN||^TEXT^^Base64^SGk=||||||F',
  ]
  const numbers = (back: string, from: unknown): string => {
    const [made] = toHl7v2.create({ with: back }, tools)(from as Message) as readonly Message[]
    return hl7v2.serialize(made?.body).toString().split('\r').filter((line) => /^(OBR|NTE|DG1|OBX|PV1)/.test(line)).map((line) => line.split('|').slice(0, 2).join('')).join(' ')
  }
  const [orders] = toFhir.create({ with: 'referral' }, tools)(message(Buffer.from(['MSH|^~\\&|A|B|C|D|20260302||ORM^O01^ORM_O01|1|P|2.5.1', 'PID|1||M1^^^L^MR||DOE^JO', ...order(1), ...order(2)].join('\r')))) as readonly Message[]
  for (const back of ['orm-o01', 'omg-o19']) {
    t.equal(numbers(back, orders), 'OBR1 NTE1 NTE2 DG11 DG12 OBX1 NTE1 NTE2 OBX2 OBX3 OBR2 NTE1 NTE2 DG11 DG12 OBX1 NTE1 NTE2 OBX2 OBX3', `${back}: the document is the third OBX of its order`)
  }
  const [referral] = toFhir.create({ with: 'referral' }, tools)(message(Buffer.from([
    'MSH|^~\\&|A|B|C|D|20260302||REF^I12^REF_I12|1|P|2.5.1', 'RF1|P|R||||R1', 'PRD|RP|OKAFOR^NKECHI||||F^Fax^HL70185|1548291735^NPI', 'PID|1||M1^^^L^MR||DOE^JO', 'OBR|1|||24323-8^CMP^LN', 'OBX|1|NM|8867-4^Heart rate^LN||96|/min|||||F',
    'OBX|2|ED|11506-3^Note^LN||^TEXT^^Base64^SGk=||||||F',
  ].join('\r')))) as readonly Message[]
  t.equal(numbers('ref-i12', referral), 'OBR1 OBX1 OBX2 PV11')
  const [noted] = toFhir.create({ with: 'referral' }, tools)(message(Buffer.from(['MSH|^~\\&|A|B|C|D|20260302||REF^I12^REF_I12|1|P|2.5.1', 'RF1|P|R||||R1', 'PRD|RP|OKAFOR^NKECHI', 'PID|1||M1^^^L^MR||DOE^JO', 'OBR|1|||24323-8^CMP^LN', 'OBX|1|NM|8867-4^Heart rate^LN||96|/min|||||F', 'NTE|1||Sitting', 'PV1|1|O', 'NTE|1||Of the referral'].join('\r')))) as readonly Message[]
  const withoutVisit = structuredClone(noted) as Message<Bundle>
  withoutVisit.body.entry = (withoutVisit.body.entry ?? []).filter(({ resource }) => resource?.resourceType !== 'Encounter')
  t.equal(numbers('ref-i12', withoutVisit), 'OBR1 OBX1 NTE1 PV11 NTE1', 'a visit that says nothing keeps the notes of the referral from those of the observation')
  const [again] = toHl7v2.create({ with: 'ref-i12' }, tools)(referral as Message) as readonly Message[]
  t.same(hl7v2.read(again?.body, 'PRD-6'), ['F^Fax^HL70185'], 'and how the referrer wants to be reached goes along')
})
