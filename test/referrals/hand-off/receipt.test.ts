/** Write receipts: what became of each field, by what was really sent and really answered. */
import { mkdtempSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import fhirDestination from '../../../connectors/fhir/destination.js'
import type { Bundle } from 'fhir/r4.js'
import type { Message } from '../../../engine/contracts.js'
import { openMappings } from '../../../engine/mappings.js'
import { withRoute } from '../../../referrals/canonical/changes.js'
import type { FieldReceipt, Readers, Receipt } from '../../../referrals/hand-off/receipt-contracts.js'
import { lintFields, readFields } from '../../../referrals/hand-off/receipt-fields.js'
import { receipt } from '../../../referrals/hand-off/receipt.js'
import toFhir from '../../../transforms/to-fhir/index.js'
import toHl7v2 from '../../../transforms/to-hl7v2/index.js'
import { fhirServer, type Resource } from '../../connectors/fhir-server.js'
import { deliveryOf, never, testTools } from '../../connectors/tools.js'
import { fixture, ROOT, transformTools } from '../../transforms/tools.js'

const tools = transformTools()
const [hl7v2, fhir] = [tools.format('hl7v2'), tools.format('fhir')]
const readers: Readers = { read: (message, path) => hl7v2.read(hl7v2.parse(message), path), evaluate: (resource, expression) => fhir.read(resource, expression) }
const fields = readFields(tools)
const AT = '2026-03-02T14:15:00.000Z'

const [made] = (await toFhir.create({ with: 'referral' }, tools)(fixture('hl7v2/ref-i12-cardiology.hl7'))) as readonly Message[]
const REFERRAL = structuredClone(made) as Message<{ entry: { resource: Resource }[] }>
const bundle = REFERRAL.body
const resourceOf = (type: string): Resource => bundle.entry.find(({ resource }) => resource.resourceType === type)?.resource ?? { resourceType: type }
;(resourceOf('ServiceRequest').identifier as unknown[]).push({ type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0203', code: 'FILL' }] }, system: 'urn:refero:referral', value: 'R-7K3M-9QX4' })
;(resourceOf('Patient').identifier as unknown[]).push({ system: 'urn:charts', value: 'M-100' })

const sentAs = async (map: string): Promise<Buffer> => {
  const [message] = (await toHl7v2.create({ with: map }, tools)(REFERRAL)) as readonly Message[]
  return hl7v2.serialize(message?.body)
}
const hl7Receipt = async (map: string, response: string | null): Promise<Receipt> =>
  receipt({ bundle, sent: { format: 'hl7v2', payload: await sentAs(map) }, response: response === null ? null : Buffer.from(response), profile: 'epic', at: AT }, fields, readers)
const of = ({ fields: all }: Receipt, name: string): readonly FieldReceipt[] => all.filter(({ field }) => field === name)
const state = (made: Receipt, name: string): string => of(made, name).map((each) => each.state).join(' ')
const answer = (code: string, more = '', about = 'LFM20260302000117'): string => `MSH|^~\\&|EPIC|PGV|REFERO||20260302||RRI^I12^RRI_I12|A1|P|2.5.1\rMSA|${code}|${about}\r${more}`

t.test('REF^I12: every field that went along says where it stands, and only what the answer repeats is written', async (t) => {
  const made = await hl7Receipt('ref-i12', answer('AA', 'RF1|A|U||||R2026-00117^CLINICOS|||||HC-881^HC\rPID|1||774411^^^LFM^MR||EVERYWOMAN^EVE||19610615|F\r'))
  t.match(made, { where: 'REF^I12 LFM20260302000117: accepted (AA)', ehr: 'epic', at: AT })
  const expected: [string, string, string | null][] = [
    ['priority', 'written', 'RF1-2.1 = U'], ['referrer\'s number', 'written', 'RF1-6.1 = R2026-00117'], ['patient\'s family name', 'written', 'PID-5.1 = EVERYWOMAN'], ['birth date', 'written', 'PID-7 = 19610615'], ['sex', 'written', 'PID-8 = F'],
    ['reason', 'accepted-not-confirmed', 'RF1-10.2 = New atrial fibrillation, evaluate and treat'], ['requested service', 'accepted-not-confirmed', 'PR1-3.1 = 99244'], ['referrer\'s NPI', 'accepted-not-confirmed', 'PRD-7.1 = 1548291735'],
    ['referrer\'s name', 'accepted-not-confirmed', 'PRD-2.1 = OKAFOR'], ['referrer\'s fax', 'accepted-not-confirmed', 'PRD-5 = (608)555-0143^WPN^FX^^^608^5550143^^^^^(608) 5550143'], ['payer', 'accepted-not-confirmed', 'AUT-3 = Great Lakes Health Plan'],
    ['member id', 'accepted-not-confirmed', 'IN1-36 = GLH551920034'], ['authorization number', 'accepted-not-confirmed', 'AUT-6.1 = A7730041'], ['reference number', 'accepted-not-confirmed', 'RF1-11.1 = R-7K3M-9QX4'], ['document', 'not-there', null],
  ]
  for (const [name, is, became] of expected) t.match(of(made, name), [{ state: is, became }], name)
  t.strictSame(of(made, 'diagnosis').map(({ value, became }) => [value, became]), [['I48.91', 'DG1-3.1 = I48.91'], ['I10', 'DG1-3.1 = I10']])
  t.strictSame(of(made, 'note').map(({ became }) => became?.slice(0, 12)), ['NTE-3 = Palp', 'NTE-3 = Pati'], 'each note is looked for by itself')
  t.strictSame(of(made, 'patient\'s phone').map((each) => each.state), Array(3).fill('accepted-not-confirmed'))
  t.strictSame(made.ids, [{ kind: 'their referral number', value: 'HC-881', at: 'RF1-11.1' }])
})

t.test('ORM^O01 and OMG^O19 carry the same fields elsewhere, and say what they have no place for', async (t) => {
  for (const map of ['orm-o01', 'omg-o19']) {
    const made = await hl7Receipt(map, answer('AA', 'ORC|OK|R2026-00117|FILL-77\rOBR|1||FILL-77|99244\r'))
    t.match(of(made, 'priority'), [{ became: 'TQ1-9.1 = U' }], map)
    t.match(of(made, 'requested service'), [{ became: 'OBR-4.1 = 99244', state: 'written' }])
    t.match(of(made, 'reason'), [{ became: 'OBR-31.2 = New atrial fibrillation, evaluate and treat' }])
    t.match(of(made, 'referrer\'s NPI'), [{ became: 'ORC-12.1 = 1548291735' }])
    t.match(of(made, 'authorization number'), [{ state: 'not-carried' }])
    t.strictSame(made.ids, [{ kind: 'filler number', value: 'FILL-77', at: 'ORC-3.1' }])
  }
})

t.test('the queue, location, practitioner and tasks of our route go along in every message, a note each, and the receipt says what became of each', async (t) => {
  const route = { queue: 'CARD-EP', location: 'Main St', practitioner: 'Dr Rao', tasks: ['Call the patient', 'Ask for the ECG'] }
  const routed = { ...REFERRAL, body: withRoute(bundle as unknown as Bundle, route) }
  for (const map of ['ref-i12', 'orm-o01', 'omg-o19']) {
    const [message] = (await toHl7v2.create({ with: map }, tools)(routed)) as readonly Message[]
    const payload = hl7v2.serialize(message?.body)
    const notes = payload.toString().split('\r').filter((line) => /^NTE\|\d+\|[^|]*\|(Queue|Location|Practitioner|Task): /.test(line))
    t.strictSame(notes.map((line) => line.split('|')[3]), ['Queue: CARD-EP', 'Location: Main St', 'Practitioner: Dr Rao', 'Task: Call the patient', 'Task: Ask for the ECG'], map)
    t.strictSame(notes.map((line) => Number(line.split('|')[1]) - Number(notes[0]?.split('|')[1])), [0, 1, 2, 3, 4], 'numbered on from the notes of the referral')
    const became = (response: string, sent = payload): Receipt => receipt({ bundle: routed.body, sent: { format: 'hl7v2', payload: sent }, response: Buffer.from(response), profile: 'epic', at: AT }, fields, readers)
    const made = became(answer('AA', 'NTE|1||Queue: CARD-EP\r'))
    t.match(of(made, 'our queue'), [{ value: 'CARD-EP', state: 'written', became: 'NTE-3 = Queue: CARD-EP' }])
    t.match(of(made, 'our location'), [{ value: 'Main St', state: 'accepted-not-confirmed', became: 'NTE-3 = Location: Main St' }])
    t.match(of(made, 'our practitioner'), [{ value: 'Dr Rao', state: 'accepted-not-confirmed' }])
    t.match(of(made, 'our task').map(({ value }) => value), ['Call the patient', 'Ask for the ECG'])
    t.notOk(of(made, 'note').some(({ value }) => value?.startsWith('Queue')), 'what we add is no note of the referrer')
    t.match(of(became(answer('AA'), Buffer.from(payload.toString().replace('Queue: CARD-EP', 'Queue: OTHER'))), 'our queue'), [{ state: 'not-carried' }], 'another queue is not ours')
  }
  t.match(of(await hl7Receipt('ref-i12', answer('AA')), 'our queue'), [{ state: 'not-there' }], 'where nothing was routed, nothing is missed')
})

t.test('an answer that changes a field, refuses, is another’s or never came is told as that', async (t) => {
  t.match(of(await hl7Receipt('ref-i12', answer('AA', 'RF1||R^Routine\r')), 'priority'), [{ state: 'different', became: 'RF1-2.1 = R', value: 'urgent' }])
  const refused = await hl7Receipt('ref-i12', answer('AR'))
  t.match(refused.where, /refused \(AR\)/)
  t.equal(state(refused, 'priority'), 'not-carried')
  t.notOk(refused.fields.some((each) => each.state === 'written' || each.state === 'accepted-not-confirmed'), 'nothing counts as taken')
  for (const [response, words] of [[null, /no answer came/], [answer('AA', '', 'OTHER'), /not about this message/], ['', /no answer/], ['nonsense', /no answer came/]] as const) {
    const made = await hl7Receipt('ref-i12', response)
    t.match(made.where, words)
    t.match(of(made, 'priority'), [{ state: 'accepted-not-confirmed', note: /may not have been taken/ }])
    t.notOk(made.fields.some((each) => each.state === 'written'))
  }
})

t.test('a message that says something else than the referral is caught', async (t) => {
  const payload = Buffer.from((await sentAs('ref-i12')).toString().replace('RF1|P^Pending^HL70283|U|', 'RF1|P^Pending^HL70283|R|').replace('I48.91^', 'I48.0^').replace('|19610615|F|', '|19610516|F|'))
  const made = receipt({ bundle, sent: { format: 'hl7v2', payload }, response: Buffer.from(answer('AA')), profile: 'epic', at: AT }, fields, readers)
  t.match(of(made, 'priority'), [{ state: 'different', became: 'RF1-2.1 = R', note: 'the message says otherwise' }])
  t.match(of(made, 'birth date'), [{ state: 'different', became: 'PID-7 = 19610516' }])
  t.match(of(made, 'diagnosis')[0], { value: 'I48.91', state: 'not-carried' })
})

const EVE: Resource = { resourceType: 'Patient', id: 'eve', identifier: [{ system: 'urn:charts', value: 'M-100' }], name: [{ family: 'Newname', given: ['Eve'] }], birthDate: '1961-06-15', telecom: [{ system: 'phone', value: '608-555-0117' }] }
const fhirReceipt = async (t: Test, knobs: (server: Awaited<ReturnType<typeof fhirServer>>) => void = () => {}): Promise<Receipt> => {
  const server = await fhirServer(t)
  server.resources.push(structuredClone(EVE))
  knobs(server)
  const destination = fhirDestination.create({ base: server.base, auth: 'none', patient: { system: 'urn:charts' }, write: ['serviceRequest', 'task', 'document', 'coverage'] }, testTools(''))
  const payload = fhir.serialize(bundle)
  const outcome = await destination.deliver(deliveryOf(payload), never)
  return receipt({ bundle, sent: { format: 'fhir', payload }, response: ('response' in outcome ? outcome.response : null) ?? null, profile: 'generic-fhir', at: AT }, fields, readers)
}

t.test('FHIR: what the server shows is written, in a resource or in the summary', async (t) => {
  const made = await fhirReceipt(t)
  t.match(made.where, /^Patient\/eve \(was there\), Coverage\/1, DocumentReference\/2 \(summary\), ServiceRequest\/3, Task\/4$/)
  t.match(made.ids, [{ kind: 'Patient', value: 'Patient/eve' }, {}, {}, { kind: 'ServiceRequest', value: 'ServiceRequest/3' }, {}])
  const expected: [string, string, string | RegExp][] = [
    ['priority', 'written', 'ServiceRequest.priority = urgent'], ['reason', 'written', /^ServiceRequest\.reasonCode\.text/], ['requested service', 'written', 'ServiceRequest.code.coding.code = 99244'], ['reference number', 'written', /R-7K3M-9QX4/],
    ['referrer\'s NPI', 'written', 'ServiceRequest.requester.identifier.value = 1548291735'], ['referrer\'s name', 'written', /^ServiceRequest\.requester\.display/], ['referring practice', 'written', /^ServiceRequest\.requester\.display/], ['member id', 'written', 'Coverage.subscriberId = GLH551920034'],
    ['referrer\'s fax', 'written', /^summary \(DocumentReference\/2\)$/], ['authorization number', 'written', /ServiceRequest\.insurance\.display = Authorization A7730041/],
    ['birth date', 'written', 'Patient.birthDate = 1961-06-15'], ['patient\'s family name', 'different', 'Patient.name.family = Newname'],
  ]
  for (const [name, is, became] of expected) t.match(of(made, name), [{ state: is, became }], name)
  t.equal(state(made, 'diagnosis'), 'written written')
  t.match(of(made, 'patient\'s phone').map((each) => each.became), ['Patient.telecom.where(system=\'phone\').value = 608-555-0117', null, null], 'numbers that the chart does not have are not told of')
})

t.test('FHIR: a server that drops or changes a field is caught', async (t) => {
  const made = await fhirReceipt(t, (server) => {
    server.changes = ({ reasonCode: _, requester: __, ...resource }) => ({ ...resource, ...(resource.resourceType === 'ServiceRequest' && { priority: 'routine' }), ...(resource.resourceType === 'Coverage' && { subscriberId: 'OTHER' }) })
  })
  t.match(of(made, 'priority'), [{ state: 'different', became: 'ServiceRequest.priority = routine', note: 'the server has another value' }])
  t.match(of(made, 'referrer\'s Direct address'), [{ state: 'not-carried', note: /has a place for it/ }])
  t.match(of(made, 'referrer\'s NPI'), [{ state: 'written', became: /summary/ }], 'what the request lost, the summary still says')
  t.match(of(made, 'member id')[0], { state: 'written', became: /summary|insurance/ })
})

t.test('FHIR: a hand-off that ended on its way, or an answer that cannot be read, proves only what it shows', async (t) => {
  const made = await fhirReceipt(t, (server) => { server.fault = ({ method, path }) => (method === 'POST' && path === 'ServiceRequest' ? { status: 422, body: { resourceType: 'OperationOutcome', issue: [{ severity: 'error', code: 'invalid' }] } } : null) })
  t.match(made.where, /^Patient\/eve \(was there\), Coverage\/1, DocumentReference\/2 \(summary\); then it ended: ServiceRequest was answered 422/)
  t.match(of(made, 'priority'), [{ state: 'written', became: /summary/ }])
  const nothing = receipt({ bundle, sent: { format: 'fhir', payload: Buffer.from('{}') }, response: Buffer.from('ok'), profile: 'x', at: AT }, fields, readers)
  t.match(nothing.where, /nothing was written/)
  t.ok(nothing.fields.every((each) => each.state === 'not-carried' || each.state === 'not-there'))
})

t.test('a document sent by mail or fax says what it says', async (t) => {
  const made = receipt({ bundle, sent: { format: 'mime', payload: Buffer.alloc(0), words: 'Patient: EVERYWOMAN, EVE\nPriority: urgent\nFax: 608-555-0143' }, response: null, profile: 'nextgen-office', at: AT }, fields, readers)
  t.match(made.where, /as a document/)
  t.strictSame([state(made, 'priority'), state(made, 'patient\'s family name'), state(made, 'referrer\'s fax'), state(made, 'member id')], ['accepted-not-confirmed', 'accepted-not-confirmed', 'accepted-not-confirmed', 'not-carried'])
})

t.test('an empty referral has nothing to tell, and the fields themselves are checked', async (t) => {
  const made = receipt({ bundle: null, sent: { format: 'mime', payload: Buffer.alloc(0) }, response: null, profile: 'x', at: AT }, fields, readers)
  t.ok(made.fields.length === fields.length && made.fields.every((each) => each.state === 'not-there'))
  const folder = mkdtempSync(join(tmpdir(), 'refero-receipts-'))
  mkdirSync(join(folder, 'receipts'))
  const text = readFileSync(join(ROOT, 'mappings/receipts/fields.yaml'), 'utf8')
  for (const [from, to, sentence] of [['of: request, ', 'of: requst, ', /fields\.yaml:5:\d+: .*did you mean `request`/], ['RF1-2.1', 'RF1.2', /a path of HL7 v2/], ['field: note,', 'field: reason,', /`reason` is there already/], ['Task.priority', 'priority', /FHIRPath that begins with the type/]] as const) {
    writeFileSync(join(folder, 'receipts/fields.yaml'), text.replace(from, to))
    t.match(lintFields(openMappings(folder).mapping('receipts/fields')).join('\n'), sentence)
  }
  for (const { hl7v2: paths } of fields) for (const path of Object.values(paths).flat()) t.equal(hl7v2.checkPath(path), null)
  for (const { path, fhir: landed } of fields) for (const expression of [path, ...landed]) t.doesNotThrow(() => fhir.read({ resourceType: 'Basic' }, expression), expression)
})
