/** The mapping language: what it can say, and how it says what is wrong. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import type { Tools } from '../../../engine/contracts.js'
import { condition, holds } from '../../../engine/v2-to-fhir/condition.js'
import { messageMap } from '../../../engine/v2-to-fhir/message-map.js'
import { outgoingMap } from '../../../engine/v2-to-fhir/outgoing-map.js'
import { segmentMap } from '../../../engine/v2-to-fhir/segment-map.js'
import { toFhir } from '../../../engine/v2-to-fhir/to-fhir.js'
import { all, at, document, lines, message, one, ROOT, tools, withFiles } from './kit.js'

t.test('conditions combine and, or, brackets and every test', async (t) => {
  const values: Readonly<Record<string, readonly string[]>> = { 'PID-3': ['1', '2'], 'PID-7': ['19610615083000'], 'OBX-2': ['NM'], 'ORC-1': ['NM'] }
  const ask = (text: string): boolean => holds(condition(text), (path) => values[path.text] ?? [])
  for (const text of ['PID-3 exists', 'PID-4 empty', 'PID-3 repeats', 'OBX-2 is NM', 'OBX-2 one of ST|NM', 'OBX-2 not one of ST|TX', 'OBX-2 is not ST', 'PID-7 longer than 8', 'PID-4 exists or PID-3 exists',
    'PID-4 exists and PID-9 exists or PID-3 exists', '(PID-3 exists or PID-4 exists) and OBX-2 is NM', 'PID-4 is not "A B"', 'OBX-2 same as ORC-1']) t.ok(ask(text), text)
  for (const text of ['PID-3 empty', 'PID-4 exists', 'OBX-2 repeats', 'OBX-2 is ST', 'PID-3 exists and PID-4 exists', '(PID-3 exists or PID-4 exists) and OBX-2 is ST', 'OBX-2 longer than 2', 'PID-3 same as OBX-2', 'PID-4 same as PID-9']) t.notOk(ask(text), text)
})

t.test('a broken condition says what is wrong and what is allowed', async (t) => {
  for (const [text, sentence] of [
    ['PID-3 exist', /cannot ask "exist"; allowed are exists, empty, .*did you mean "exists"/], ['pid-3 exists', /needs a field, like PID-3/], ['(PID-3 exists', /"\(" without its "\)"/],
    ['PID-3 exists also', /goes on with "also" where and, or/], ['PID-3 is', /needs a value at its end/], ['PID-7 longer than many', /needs a number/], ['', /needs a field/],
  ] as const) t.throws(() => condition(text), { message: sentence })
})

t.test('a broken segment map says file:line:column, the row’s mistake and the nearest word', async (t) => {
  const read = (...rows: readonly string[]): unknown => segmentMap(document('mappings/fields/segments/pid.yaml', ['to: Patient', 'rows:', ...rows.map((row) => `  - ${row}`), ''].join('\n')), tools)
  for (const [row, sentence] of [
    ['[ PID-8, gendr, code ]', /^mappings\/fields\/segments\/pid\.yaml:3:14: Patient has no element "gendr"; did you mean "gender"/],
    ['[ PID-8, gender, cod ]', /pid\.yaml:3:22: there is no datatype "cod"; allowed are CE, .*did you mean "code"/],
    ['[ PID-5, gender, XPN ]', /pid\.yaml:3:22: XPN cannot become gender, which is a code; it becomes HumanName/],
    ['[ PID8, gender, code ]', /pid\.yaml:3:7: the first cell is a field, like PID-5/],
    ['[ PID-8, gender, code, { tabel: x } ]', /pid\.yaml:3:37: a row has no option "tabel"; allowed are when, table.*did you mean "table"/],
    ['[ PID-8, gender, code, { table: administrative-gendr } ]', /pid\.yaml:3:\d+: no code table is called `administrative-gendr`.*administrative-gender/],
    ['[ PID-8, gender, code, { when: PID-8 exist } ]', /pid\.yaml:3:\d+: the condition "PID-8 exist"/],
    ['[ PID-8, gender, {} ]', /pid\.yaml:3:22: the row needs a datatype/],
    ['[ PID-8, "gender[x]", code ]', /pid\.yaml:3:14: gender of Patient does not repeat/],
    ['[ PID, gender, code ]', /pid\.yaml:3:7: a datatype needs a field/],
    ['[ PID-8, gender ]', /pid\.yaml:3:5: rows\[1\]/],
  ] as const) t.throws(() => read(row), { message: sentence }, row)
  t.throws(() => read('[ PID-8, gender, code ]', '[ PV1-2, gender, code ]'), { message: /pid\.yaml:4:7: this file maps PID; a row of PV1 belongs in a file of its own/ })
  t.throws(() => segmentMap(document('a.yaml', 'to: Pateint\nrows: [[PID-8, gender, code]]\n'), tools), { message: /^a\.yaml:1:5: FHIR R4 has no resource "Pateint"; did you mean "Patient"/ })
  t.throws(() => segmentMap(document('a.yaml', 'to: Patient\nrow: []\n'), tools), { message: /^a\.yaml:.*(rows|"row")/ })
})

t.test('a broken message map says file:line:column and the nearest word', async (t) => {
  const read = (text: string): unknown => messageMap('own', withFiles({ 'fields/own': text }))
  const head = 'messages: [ADT^A01]\nresources:\n  patient: { segment: PID, rows: { PID: pid } }\n'
  for (const [text, sentence] of [
    [`${head}  visit: { segment: PV1, rows: { PV1: pv1 }, subject: pateint }\n`, /^mappings\/fields\/own\.yaml:4:\d+: no resource here is called "pateint"; .*did you mean "patient"/],
    [`${head}  visit: { segment: PV1, rows: { PV1: pv1 }, subjct: patient }\n`, /own\.yaml:4:\d+: Encounter has no element "subjct"; did you mean "subject"/],
    [`${head}  visit: { segment: PV1, rows: { PV1: pv1 }, status: patient }\n`, /own\.yaml:4:\d+: status is a code and cannot point at a resource/],
    [`${head}  visit: { segment: PV1, rows: { PV1: pv11 } }\n`, /own\.yaml:4:\d+: no mapping is called `fields\/segments\/pv11`.*pv1/],
    [`${head}  visit: { segment: PV1, when: PV1-2 sits, rows: { PV1: pv1 } }\n`, /own\.yaml:4:\d+: the condition "PV1-2 sits"/],
    [`${head}  visit: { segment: PV1, rows: { PV1: [pv1, pid] } }\n`, /own\.yaml:4:\d+: the rows make Encounter and Patient/],
    [`${head}require: [pid]\n`, /own\.yaml:4:11: "pid" is not a segment or a field/],
    [`${head}ignore: { why: [PID-3.1] }\n`, /own\.yaml:4:\d+: "PID-3\.1" is not a whole field, like PID-1/],
    [`${head}resource: {}\n`, /own\.yaml:4:11: "resource" is not known here; allowed are format, messages, groups, require, expect, once, ignore, resources; did you mean "resources"/],
    ['messages: [ADT]\nresources: {}\n', /own\.yaml:1:12: messages\[1\]/],
  ] as const) t.throws(() => read(text), { message: sentence }, text)
  t.throws(() => outgoingMap('own', withFiles({ 'fields/own': 'message: ADT^A01^ADT_A01\nsegments:\n  - { segment: PID, rows: { pv1: . } }\n' })), { message: /own\.yaml:3:\d+: pv1 maps PV1, not PID/ })
  t.throws(() => outgoingMap('own', withFiles({ 'fields/own': 'message: ADT^A01^ADT_A01\nsegments:\n  - { segment: PID, rows: { pid: . }, set: { PV1-1: "1" } }\n' })), { message: /own\.yaml:3:\d+: "PV1-1" is not a field of PID/ })
})

t.test('another message is another file: an admission with rows of the same segments', async (t) => {
  const own = withFiles({
    'fields/admission': 'messages: [ADT^A04]\nrequire: [PID-3]\nresources:\n  patient: { segment: PID, rows: { PID: pid }, set: { active: true } }\n  visit: { segment: PV1, rows: { PV1: pv1 }, set: { status: in-progress }, subject: patient }\n  alert: { segment: ZAL, each: true, rows: { ZAL: zal }, subject: patient }\n',
    'fields/segments/zal': 'to: Flag\nrows:\n  - [ ZAL, status, { value: active } ]\n  - [ ZAL-1, code, CWE, { required: true } ]\n  - [ ZAL-2.1, "extension[urn:own:rank].valueInteger", NM ]\n',
  })
  const map = messageMap('admission', own)
  const settings = { lookup: tools.table, timezone: undefined }
  const bundle = toFhir(message(lines('MSH|^~\\&|A|B|C|D|20260302||ADT^A04|1|P|2.5.1', 'PID|1||5', 'PV1|1|O', 'ZAL|F1^Falls^L|2^x')), map, settings)
  t.equal(one(bundle, 'Encounter').class.code, 'AMB')
  t.match(one(bundle, 'Flag'), { status: 'active', code: { coding: [{ code: 'F1' }] }, extension: [{ url: 'urn:own:rank', valueInteger: 2 }] })
  t.throws(() => toFhir(message(lines('MSH|^~\\&|A|B|C|D|20260302||ADT^A04|1|P|2.5.1', 'PID|1||5', 'ZAL||2')), map, settings), { message: /^ZAL-1: the mapping needs a value here for Flag\.code/ })
  t.throws(() => toFhir(message(lines('MSH|^~\\&|A|B|C|D|20260302||ADT^A04|1|P|2.5.1', 'PID|1')), map, settings), { message: /^PID-3: the mapping needs it/ })
})

t.test('who is pointed at is the one of the own group', async (t) => {
  const map = messageMap('results', withFiles({
    'fields/results': 'messages: [ORU^R01]\ngroups: { OBR: [OBX] }\nresources:\n  order: { segment: OBR, each: true, rows: { OBR: obr-order }, set: { status: active, intent: order } }\n  result: { segment: OBX, each: true, rows: { OBX: obx }, basedOn: order }\n',
  }))
  const bundle = toFhir(message(lines('MSH|^~\\&|A|B|C|D|20260302||ORU^R01|1|P|2.5.1', 'OBR|1|A1', 'OBX|1|ST|1||one', 'OBR|2|A2', 'OBX|1|ST|1||two')), map, { lookup: tools.table, timezone: undefined })
  t.same(all(bundle, 'Observation').map(({ valueString, basedOn }) => [valueString, basedOn?.map(({ reference }) => at(bundle, reference))]), [['one', [all(bundle, 'ServiceRequest')[0]]], ['two', [all(bundle, 'ServiceRequest')[1]]]])
})

t.test('every mapping file that is shipped can be read', async (t) => {
  const files = (folder: string): readonly string[] => readdirSync(join(ROOT, 'mappings', folder)).filter((name) => name.endsWith('.yaml')).map((name) => name.slice(0, -5))
  for (const name of files('fields/segments')) t.doesNotThrow(() => segmentMap(tools.mapping(`fields/segments/${name}`), tools), name)
  for (const name of files('fields')) t.doesNotThrow(() => ('messages' in (tools.mapping(`fields/${name}`).value as object) ? messageMap(name, tools) : outgoingMap(name, tools)), name)
  for (const name of files('codes')) t.doesNotThrow(() => tools.table(name), name)
})

t.test('a map is made once however many channels use it, and each is told what it reads; another file beneath it makes another map', async (t) => {
  const noting = (): { readonly read: string[]; readonly noted: Tools } => {
    const read: string[] = []
    return { read, noted: { ...tools, mapping: (path) => { read.push(path); return tools.mapping(path) }, table: (name) => { read.push(name); return tools.table(name) } } }
  }
  const [one, other] = [noting(), noting()]
  const map = messageMap('referral', one.noted)
  t.equal(messageMap('referral', other.noted), map)
  t.same([...new Set(other.read)].sort(), [...new Set(one.read)].sort())
  t.ok(other.read.includes('fields/segments/pid') && other.read.some((name) => !name.startsWith('fields/')), 'segment maps and code tables')
  const changed = messageMap('referral', withFiles({ 'fields/segments/pid': 'to: Patient\nrows: [[PID-8, gender, code]]\n' }))
  t.not(changed, map)
  t.equal(changed.resources.find(({ name }) => name === 'patient')?.rows[0]?.map.rows.length, 1)
})

t.test('a place in a mapping file is told as long as anybody may ask', async (t) => {
  const document = tools.mapping('fields/referral')
  const place = document.place('messages')
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  await new Promise((resolve) => setImmediate(resolve))
  collect()
  t.match(place, /referral\.yaml:\d+:\d+$/)
  t.equal(document.place('messages'), place)
})
