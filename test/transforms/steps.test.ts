/** The steps keep, set, translate and split, over HL7 v2, FHIR and JSON. */
import t from 'tap'
import type { Message, StepResult } from '../../engine/contracts.js'
import { codeTable } from '../../engine/code-table.js'
import { MessageFault } from '../../engine/errors.js'
import keep from '../../transforms/keep/index.js'
import set from '../../transforms/set/index.js'
import split from '../../transforms/split/index.js'
import translate from '../../transforms/translate/index.js'
import { fixture, transformTools } from './tools.js'

const tools = transformTools()
const referral = fixture('hl7v2/ref-i12-cardiology.hl7')
const bundle = fixture('fhir/referral-bundle.json')
const order = fixture('json/order.json')

type KeepSettings = Parameters<typeof keep.create>[0]

const result = (made: StepResult | Promise<StepResult>): StepResult => {
  if (made instanceof Promise) throw new Error('a promise')
  return made
}
const messages = (made: StepResult | Promise<StepResult>): readonly Message[] => {
  const settled = result(made)
  if ('filtered' in settled) throw new Error(settled.filtered)
  return settled
}
const read = (message: Message | undefined, path: string): readonly string[] => (message ? tools.format(message.format).read(message.body, path) : ['no message'])
const written = (message: Message, path: string, value: string | null): Message => ({ ...message, body: tools.format(message.format).write(message.body, path, value) })
const fault = (act: () => unknown): string => {
  try {
    act()
    return 'nothing'
  } catch (error) {
    if (error instanceof MessageFault) return `${error.fault.kind}: ${error.message}`
    throw error
  }
}
/** Why a message is filtered, or null if it is kept. */
const filtered = (settings: KeepSettings, message: Message): string | null => {
  const made = result(keep.create(settings, tools)(message))
  return 'filtered' in made ? made.filtered : null
}

t.test('keep: types are events or whole families', async (t) => {
  t.equal(filtered({ types: ['ORM^O01', 'REF^I12'] }, referral), null)
  t.equal(filtered({ types: ['REF'] }, referral), null)
  t.equal(filtered({ types: ['REF^I1'] }, referral), 'keep: the type is not REF^I1')
  t.equal(filtered({ types: ['ADT', 'ORM^O01'] }, referral), 'keep: the type is not ADT or ORM^O01')
  t.equal(filtered({ types: ['Bundle'] }, bundle), null)
})

t.test('keep: tests of values say what was expected and where, never what is there', async (t) => {
  const message = written(written(referral, 'PV1-2', 'O'), 'PID-5.1', 'EVERYWOMAN')
  for (const [test, expected] of [
    ['O', null], ['E', 'keep: PV1-2 is not E'], [['E', 'O'], null], [['E', 'I'], 'keep: PV1-2 is not E or I'],
    [{ not: 'E' }, null], [{ not: 'O' }, 'keep: PV1-2 is O'], [{ not: ['O', 'E'] }, 'keep: PV1-2 is O or E'],
    [{ matches: '^[OE]$' }, null], [{ matches: '^E' }, 'keep: PV1-2 does not match ^E'],
    [{ exists: true }, null], [{ exists: false }, 'keep: PV1-2 has something'],
  ] as const) t.equal(filtered({ where: { 'PV1-2': test as string } }, message), expected, JSON.stringify(test))
  t.equal(filtered({ where: { 'ZZZ-1': { exists: true } } }, message), 'keep: ZZZ-1 has nothing')
  t.equal(filtered({ where: { 'ZZZ-1': { not: 'T' } } }, message), null, 'nothing is not T')
  t.equal(filtered({ where: { 'PV1-2': 'O', 'PID-5.1': 'X' } }, message), 'keep: PID-5.1 is not X', 'all tests count')
  t.equal(filtered({ types: ['REF'], where: { 'PV1-2': 'E' } }, message), 'keep: PV1-2 is not E', 'and the types')
  t.equal(filtered({ where: { 'order.lines[*].code': 'ECHO' } }, order), null, 'one of several values is enough')
  t.equal(filtered({ where: { 'order.lines[*].code': { not: 'ECHO' } } }, order), 'keep: order.lines[*].code is ECHO', 'and not is for none of them')
  t.equal(filtered({ where: { 'order.urgent': false, 'order.lines[1].count': 2 } }, order), null, 'numbers and booleans are their text')
})

t.test('keep: FHIRPath, where the format has it', async (t) => {
  t.equal(filtered({ where: "ServiceRequest.priority in ('urgent' | 'stat')" }, bundle), null)
  t.equal(filtered({ where: "ServiceRequest.priority = 'stat'" }, bundle), "keep: not ServiceRequest.priority = 'stat'")
  t.equal(fault(() => filtered({ where: 'Patient.exists()' }, referral)), 'internal: hl7v2 has no expressions; write paths and values: `where: { path: value }`')
})

t.test('keep: regular expressions that could take long are refused when the step is made', async (t) => {
  for (const pattern of ['(a+)+$', '(a|b)*c', '(a?){30}', '.*.*.*x', '(\\w)\\1', '(?:x(a|b))+', '(', 'a'.repeat(201)]) {
    t.throws(() => keep.create({ where: { 'PID-3': { matches: pattern } } }, tools), /`PID-3`: /, pattern.slice(0, 20))
  }
  const long = written(referral, 'PID-5.1', 'A'.repeat(200_000))
  for (const pattern of ['^[A-Z]', '^\\d+-\\d+-\\d+$', '(?:AB)?A', '[+*(]|A', '^A{3,}B?A*$', '\\p{Lu}']) t.doesNotThrow(() => filtered({ where: { 'PID-5.1': { matches: pattern } } }, long), pattern)
})

t.test('a path that the format does not have is a fault that says what to write', async (t) => {
  t.match(fault(() => keep.create({ where: { 'PID.3': 'x' } }, tools)(referral)), /^internal: hl7v2: "PID\.3" is not how a path is written; write PID-3$/)
  t.match(fault(() => set.create({ 'PID-3': { from: 'PV1' } }, tools)(referral)), /^internal: hl7v2: "PV1" names a segment and no field/)
  t.match(fault(() => translate.create({ path: 'PV1_10', with: 'hospital-service' }, tools)(referral)), /^internal: hl7v2: .*PV1-10/)
})

t.test('set: values, other places and nothing, in order', async (t) => {
  const [message] = messages(set.create({ 'MSH-5': 'EHR', 'ZRF-1': { from: 'MSH-5' }, 'ZRF-2': { from: 'ZZZ-9' }, 'ZRF-3': 12, 'ZRF-4': true, 'PID-8': null }, tools)(referral))
  t.same(['MSH-5', 'ZRF-1', 'ZRF-2', 'ZRF-3', 'ZRF-4', 'PID-8'].map((path) => read(message, path).join()), ['EHR', 'EHR', '', '12', 'true', ''])
  t.same(read(referral, 'MSH-5').length, 1, 'the message before is as it was')
  t.equal(message?.header, referral.header)
  t.same(read(messages(set.create({ 'ServiceRequest.priority': 'stat' }, tools)(bundle))[0], 'ServiceRequest.priority'), ['stat'])
  t.same(read(messages(set.create({ 'order.by': { from: 'patient.name[0].family' } }, tools)(order))[0], 'order.by'), ['Quillfeather'])
  t.equal(fault(() => set.create({ 'ServiceRequest.priority': 'now' }, tools)(bundle)), 'value: ServiceRequest.priority: must be one of routine, urgent, asap, stat')
})

t.test('translate: a code of the table, another column, another place', async (t) => {
  const cardiac = written(referral, 'PV1-10', 'CAR')
  const after = (settings: Parameters<typeof translate.create>[0], message = cardiac) => messages(translate.create(settings, tools)(message))[0]
  t.same(read(after({ path: 'PV1-10', with: 'hospital-service' }), 'PV1-10'), ['cardiology'])
  const named = after({ path: 'PV1-10', with: 'hospital-service', to: 'ZRF-1', column: 'display' })
  t.same([read(named, 'ZRF-1'), read(named, 'PV1-10')], [['Cardiac Service'], ['CAR']])
  t.same(read(after({ path: 'PV1-10', with: 'hospital-service', column: 'nothing' }), 'PV1-10'), [])
  const unknown = written(referral, 'PV1-10', 'XYZ')
  t.same(read(after({ path: 'PV1-10', with: 'hospital-service', unknown: 'keep', to: 'ZRF-1' }, unknown), 'ZRF-1'), ['XYZ'])
  t.same(read(after({ path: 'PV1-10', with: 'hospital-service', unknown: 'empty' }, unknown), 'PV1-10'), [])
  t.equal(fault(() => after({ path: 'PV1-10', with: 'hospital-service' }, unknown)), 'value: PV1-10: the code table `hospital-service` does not have this code')
  t.equal(after({ path: 'ZZZ-1', with: 'hospital-service' }), cardiac, 'where nothing is, nothing is done')
  t.equal(fault(() => after({ path: 'order.lines[*].code', with: 'hospital-service' }, order)), 'value: order.lines[*].code: has 2 values, and one can be translated; name which one')
  t.throws(() => translate.create({ path: 'PV1-10', with: 'hospital-servise' }, tools), /did you mean/)
})

t.test('split: a message of each part, with the header of the whole', async (t) => {
  const two = fixture('hl7v2/omg-o19-two-orders.hl7')
  const parts = messages(split.create({ by: 'OBR' }, tools)(two))
  t.equal(parts.length, 2)
  t.ok(parts.every(({ header, id }) => header === two.header && id === two.id))
  t.equal(messages(split.create({ by: 'entry' }, tools)(bundle)).length, 5)
  t.equal(messages(split.create({ by: 'order.lines' }, tools)(order)).length, 2)
  t.same(split.create({ by: 'Coverage' }, tools)(bundle), { filtered: 'split: the message has no `Coverage`' })
})

t.test('code tables: what is looked up, and what is wrong with one and where', async (t) => {
  const table = (value: unknown) => codeTable({ value, place: (...keys) => `codes/x.yaml:${keys.join('/')}` })
  const gender = table({ from: 'v2-0001', to: 'http://hl7.org/fhir/administrative-gender', rows: [['F', 'female', 'Female'], ['A', 'other'], ['O', 'other', 'Other']] })
  t.same(gender.lookup('F'), { code: 'female', display: 'Female', system: 'http://hl7.org/fhir/administrative-gender' })
  t.same(gender.lookup('A'), { code: 'other', system: 'http://hl7.org/fhir/administrative-gender' })
  t.same([gender.reverse('other'), gender.reverse('none'), gender.lookup('constructor')], ['A', undefined, undefined])
  t.same(table({ from: 'x', to: 'y', columns: ['code', 'system'], rows: [['a', 'b', 'z']] }).lookup('a'), { code: 'b', system: 'z' })
  for (const [value, message] of [
    [null, /a code table must be object/],
    [{ from: 'x' }, /must have required properties rows/],
    [{ from: 'x', rows: [['a', 1]] }, /^codes\/x\.yaml:rows\/0\/1: rows\[1\]\[2\] must be text; put numbers, true, false and dates in quotes\.$/],
    [{ from: 'x', rows: [['a', 'b'], ['a', 'c']] }, /^codes\/x\.yaml:rows\/1\/0: the code "a" has a row already/],
    [{ from: 'x', rows: [['a', 'b', 'c', 'd']] }, /3 cells after its code, but there are 2 columns: code, display\.$/],
    [{ from: 'x', rows: [], colums: [] }, /colums is not known here; a code table has from, to, columns and rows\.$/],
  ] as const) t.throws(() => table(value), { message })
})
