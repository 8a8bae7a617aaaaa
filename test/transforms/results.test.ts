/** Results, orders and order statuses: what becomes of every kind of value, and what of those that are not as they should be. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Bundle, Observation } from 'fhir/r4.js'
import t from 'tap'
import type { Message } from '../../engine/contracts.js'
import { MessageFault } from '../../engine/errors.js'
import toFhir from '../../transforms/to-fhir/index.js'
import toHl7v2 from '../../transforms/to-hl7v2/index.js'
import { all, at, fixture, hl7v2, lines, message, one, ROOT, tools } from '../engine/v2-to-fhir/kit.js'

const step = (map: string): ((bytes: Buffer) => Message) => {
  const mapped = toFhir.create({ with: map, timezone: 'America/Chicago' }, tools)
  return (bytes) => {
    const result = mapped(message(bytes))
    if (!Array.isArray(result) || !result[0]) throw new Error('the step makes one message')
    return result[0] as Message
  }
}
const [results, orders, status] = ['results', 'orders', 'order-status'].map(step) as [ReturnType<typeof step>, ReturnType<typeof step>, ReturnType<typeof step>]
const bundleOf = (bytes: Buffer, map = results): Bundle => map(bytes).body as Bundle
const back = (sent: Message, name: string): string => {
  const result = toHl7v2.create({ with: name }, tools)(sent)
  if (!Array.isArray(result)) throw new Error('the step makes one message')
  return hl7v2.serialize((result[0] as Message).body).toString()
}
const head = ['MSH|^~\\&|LAB|L|EHR|E|20260302||ORU^R01|1|P|2.5.1', 'PID|1||5', 'OBR|1|||1^x^L|||20260302081500-0600||||||||||||||||||F']
const observed = (...fields: readonly string[]): Observation => one(bundleOf(lines(...head, `OBX|1|${fields.join('|')}`)), 'Observation')
const told = (bundle: Bundle): readonly string[] => all(bundle, 'OperationOutcome').flatMap(({ issue }) => issue.flatMap(({ expression }) => expression ?? []))

t.test('a panel is a report with its request, specimen and observations, each with its performers and notes', async (t) => {
  const bundle = bundleOf(fixture('hl7v2/oru-r01-panel.hl7'))
  const [panel, culture] = all(bundle, 'DiagnosticReport')
  t.match(panel, { status: 'final', identifier: [{ value: 'P-7001' }, { value: 'F-9001' }], code: { coding: [{ system: 'http://loinc.org', code: '24323-8' }, { code: 'CMP' }] }, effectiveDateTime: '2026-03-02T08:15:00-06:00', issued: '2026-03-02T14:00:00-06:00', category: [{ coding: [{ code: 'CH' }] }] })
  t.equal(panel?.result?.length, 16)
  t.match(culture, { status: 'unknown', _status: { extension: [{ valueString: 'ZZ' }] }, presentedForm: [{ url: /^urn:uuid:/ }] }, 'a status that nobody knows is told and kept')
  t.equal(at(bundle, culture?.presentedForm?.[0]?.url).resourceType, 'Binary')
  const [order, reflex] = all(bundle, 'ServiceRequest')
  t.equal(at(bundle, panel?.basedOn?.[0]?.reference), order)
  t.match(reflex, { intent: 'reflex-order', basedOn: [{ identifier: { value: 'P-7001' } }, { identifier: { value: 'F-9001' } }] })
  t.ok(reflex?.basedOn?.some(({ reference }) => reference && at(bundle, reference) === order), 'the parent order of the same message is pointed at')
  const [glucose, , , , bacteria] = all(bundle, 'Observation')
  t.match(glucose, { valueQuantity: { value: 182, code: 'mg/dL' }, referenceRange: [{ low: { value: 70, code: 'mg/dL' }, high: { value: 99 }, text: '70-99' }], interpretation: [{ coding: [{ code: 'H' }] }, { coding: [{ code: 'A' }] }], note: [{ text: 'Fasting state not known.' }] })
  const performers = (glucose?.performer ?? []).map(({ reference }) => at(bundle, reference))
  t.same(performers.map((each) => each.resourceType === 'PractitionerRole' && each.code?.[0]?.coding?.[0]?.code), ['responsibleObserver', 'MDIR'])
  t.match(performers[1]?.resourceType === 'PractitionerRole' && at(bundle, performers[1].organization?.reference), { name: 'Lakeview Laboratory', address: [{ city: 'Madison' }] })
  t.equal(at(bundle, glucose?.specimen?.reference), one(bundle, 'Specimen'))
  const ampicillin = all(bundle, 'Observation').find(({ code }) => code.coding?.[0]?.code === '18864-9')
  t.equal(at(bundle, ampicillin?.derivedFrom?.[0]?.reference), bacteria, 'OBR-26 leads to the observation that the susceptibilities are of')
  t.match(one(bundle, 'Specimen'), { identifier: [{ value: 'S-1' }, { value: 'S-2' }], collection: { collectedDateTime: '2026-03-02T08:15:00-06:00' }, receivedTime: '2026-03-02T09:00:00-06:00' })
  t.same(told(bundle), ['OBR[2]-25', 'NTE[1]-2', 'NTE[2]-2', 'OBX[13]-5'])
})

t.test('OBX-2 decides the element; what is not as it says stays readable', async (t) => {
  for (const [fields, wanted] of [
    [['NM', 'a', '', '-1.50', 'mg/dL^^UCUM'], { valueQuantity: { value: -1.5, code: 'mg/dL', system: 'http://unitsofmeasure.org' } }],
    [['NM', 'a', '', '5', 'pints'], { valueQuantity: { value: 5, unit: 'pints' } }],
    [['NM', 'a', '', '<=5', 'mg'], { valueQuantity: { value: 5, comparator: '<=', unit: 'mg' } }],
    [['NM', 'a', '', 'amber', 'mg'], { valueString: 'amber', extension: [{ url: 'urn:refero:unit' }] }],
    [['SN', 'a', '', '>^10', 'mg'], { valueQuantity: { value: 10, comparator: '>', unit: 'mg' } }],
    [['SN', 'a', '', '^1^:^128'], { valueRatio: { numerator: { value: 1 }, denominator: { value: 128 } } }],
    [['SN', 'a', '', '^2^-^4', 'mg'], { valueRange: { low: { value: 2, unit: 'mg' }, high: { value: 4, unit: 'mg' } } }],
    [['SN', 'a', '', '^3^+'], { valueString: '3 +' }],
    [['NR', 'a', '', '2^4', 'mg'], { valueRange: { low: { value: 2, unit: 'mg' } } }],
    [['ST', 'a', '', 'slight'], { valueString: 'slight' }],
    [['FT', 'a', '', 'one\\.br\\two'], { valueString: 'one\ntwo' }],
    [['TX', 'a', '', 'one~two'], { valueString: 'one\ntwo' }],
    [['CE', 'a', '', '1^x^L^LA1-1^y^LN'], { valueCodeableConcept: { coding: [{ code: '1' }, { system: 'http://loinc.org', code: 'LA1-1' }] } }],
    [['CNE', 'a', '', '112283007^E. coli^SCT'], { valueCodeableConcept: { coding: [{ system: 'http://snomed.info/sct' }] } }],
    [['DT', 'a', '', '20260228'], { valueDateTime: '2026-02-28' }],
    [['TS', 'a', '', '20260228101500-0500'], { valueDateTime: '2026-02-28T10:15:00-05:00' }],
    [['DTM', 'a', '', '202602281015'], { valueDateTime: '2026-02-28T10:15:00-06:00' }],
    [['TM', 'a', '', '1015'], { valueTime: '10:15:00' }],
    [['DR', 'a', '', '20260101^20260102'], { valuePeriod: { start: '2026-01-01', end: '2026-01-02' } }],
    [['VR', 'a', '', 'A^B'], { valueString: 'A-B' }],
    [['', 'a', '', '37.2', 'Cel^^UCUM'], { valueString: '37.2', extension: [{ url: 'urn:refero:unit', valueCodeableConcept: { coding: [{ code: 'Cel' }] } }] }],
    [['XPN', 'a', '', 'DOE^JO'], { valueString: 'DOE JO' }],
    [['RP', 'a', '', 'https://images.example/1^^IM^JPEG'], { extension: [{ valueAttachment: { url: 'https://images.example/1', contentType: 'image/jpeg' } }], derivedFrom: [{}] }],
  ] as const) t.match(observed(...fields), wanted, fields.join(' '))
  const codes = observed('CWE', 'a', '', '1^x^L~2^y^L')
  t.equal(codes.valueCodeableConcept, undefined)
  t.match(codes.component, [{ code: { coding: [{ code: 'a' }] }, valueCodeableConcept: { coding: [{ code: '1' }] } }, { valueCodeableConcept: { coding: [{ code: '2' }] } }])
  t.match(observed('NM', 'a', '', '1~2', 'mg', '0-3').component, [{ valueQuantity: { value: 1, unit: 'mg' }, referenceRange: [{ text: '0-3' }] }, { valueQuantity: { value: 2, unit: 'mg' } }])
  t.equal(observed('NM', 'a', '', '""').valueQuantity, undefined, 'HL7’s null is no value')
})

t.test('ranges say their limits only where they are plain', async (t) => {
  const range = (text: string): unknown => observed('NM', 'a', '', '1', 'mg', text).referenceRange
  t.same(range('5-10'), [{ low: { value: 5, unit: 'mg' }, high: { value: 10, unit: 'mg' }, text: '5-10' }])
  t.same(range('-5 - -1.5'), [{ low: { value: -5, unit: 'mg' }, high: { value: -1.5, unit: 'mg' }, text: '-5 - -1.5' }])
  t.same(range('>=10'), [{ low: { value: 10, unit: 'mg' }, text: '>=10' }])
  t.same(range('<5'), [{ text: '<5' }], '5 itself would be inside')
  t.same(range('negative'), [{ text: 'negative' }])
})

t.test('statuses, absence and times', async (t) => {
  const of = (code: string, value = ''): Observation => observed('NM', 'a', '', value, '', '', '', '', '', code)
  t.match(of('D'), { status: 'entered-in-error' })
  t.match(of('W', '5'), { status: 'entered-in-error', valueQuantity: { value: 5 }, _status: { extension: [{ valueCodeableConcept: { coding: [{ code: 'W' }] } }] } })
  t.match(of('X'), { status: 'cancelled', dataAbsentReason: { coding: [{ code: 'cannot-be-obtained' }] } })
  t.match(of('N'), { status: 'unknown', dataAbsentReason: { coding: [{ code: 'not-asked' }] } })
  t.match(of('C', '5'), { status: 'corrected' })
  t.equal(of('X', '5').dataAbsentReason, undefined, 'what has a value is not absent')
  t.equal(of('F').effectiveDateTime, '2026-03-02T08:15:00-06:00', 'OBR-7 where OBX-14 is empty')
  t.equal(observed('NM', 'a', '', '1', '', '', '', '', '', 'F', '', '', '20260301').effectiveDateTime, '2026-03-01')
})

t.test('the results of several patients, and of several orders, stay their own', async (t) => {
  const bundle = bundleOf(lines('MSH|^~\\&|LAB|L|EHR|E|20260302||ORU^R01|1|P|2.5.1', 'PID|1||A', 'OBR|1|P1||1^x^L', 'NTE|1||of the order', 'OBX|1|ST|a||1', 'NTE|1||of the result', 'OBR|2|P2||2^y^L', 'OBX|1|ST|b||2', 'PID|2||B', 'OBR|1|P3||3^z^L', 'OBX|1|ST|c||3'))
  const patient = (reference: string | undefined): unknown => (at(bundle, reference) as { identifier?: { value?: string }[] }).identifier?.[0]?.value
  t.same(all(bundle, 'Observation').map(({ subject, code }) => [code.coding?.[0]?.code, patient(subject?.reference)]), [['a', 'A'], ['b', 'A'], ['c', 'B']])
  t.same(all(bundle, 'DiagnosticReport').map(({ result, subject }) => [result?.length, patient(subject?.reference)]), [[1, 'A'], [1, 'A'], [1, 'B']])
  t.match(all(bundle, 'ServiceRequest').map(({ note }) => note?.map(({ text }) => text)), [['of the order'], undefined, undefined])
  t.match(all(bundle, 'Observation').map(({ note }) => note?.map(({ text }) => text)), [['of the result'], undefined, undefined])
})

t.test('back: ORU^R01 has every order with its observations, and OSU^O51 every order’s status', async (t) => {
  const text = back(results(fixture('hl7v2/oru-r01-panel.hl7')), 'oru-r01')
  for (const part of ['|ORU^R01^ORU_R01|', 'ORC|RE|P-7001^LAKESIDE', '\rOBX|2|SN|2160-0^Creatinine^LN||<^0.2|mg/dL^^UCUM|0.6-1.2|L^Low|||F|', '|15~18|mg/L^^UCUM|', '||||W|||', '^AP^PDF^Base64^JVBERi0xLjQgc3ludGhldGlj|', '\rSPM|1|S-1&LAKESIDE^S-2&LAKEVIEW||119297000^Blood specimen^SCT', '|P-7001&LAKESIDE^F-9001&LAKEVIEW', '77^SATO^KENJI|', '|512^MARSH^RUTH^^^DR']) t.match(text, part)
  const stands = bundleOf(fixture('hl7v2/osu-o51-status.hl7'), status)
  t.same(all(stands, 'Task').map((each) => each.status), ['in-progress', 'rejected', 'completed'])
  t.same(all(stands, 'ServiceRequest').map((each) => each.status), ['active', 'unknown', 'completed'])
  t.match(all(stands, 'Task')[1], { statusReason: { coding: [{ code: 'NOSPEC' }] } })
  const again = back(status(fixture('hl7v2/osu-o51-status.hl7')), 'osu-o51')
  for (const part of ['|OSU^O51^OSU_O51|', '\rORC|SC|P-7001^LAKESIDE^1.3.6.1.4.1.99999.1.7^ISO|F-9001', '||IP||||20260303100000-0600', '\rORC|UA|P-7002', 'NOSPEC^No specimen received^L']) t.match(again, part)
})

t.test('a prescription, its timing and its strength; a vaccination', async (t) => {
  const bundle = bundleOf(lines('MSH|^~\\&|EHR|L|PHA|E|20260302||ORM^O01|1|P|2.5.1', 'PID|1||5', 'ORC|NW|P1^EHR||||||||||7^RAO^A', 'RXO|1049502^oxycodone^RXNORM|1|2|TAB^tablet|||||||30|TAB|2', 'TQ1|1||BID^^^^|||7^d|20260302080000-0600||R', 'RXR|PO^Oral^HL70162'), orders)
  t.match(one(bundle, 'MedicationRequest'), { status: 'active', intent: 'original-order', priority: 'routine', dispenseRequest: { quantity: { value: 30 }, numberOfRepeatsAllowed: 2 }, dosageInstruction: [{ route: { coding: [{ code: 'PO' }] }, doseAndRate: [{ doseRange: { low: { value: 1 }, high: { value: 2 } } }], timing: { code: { coding: [{ code: 'BID' }] }, repeat: { frequency: 2, period: 1, periodUnit: 'd', boundsPeriod: { start: '2026-03-02T08:00:00-06:00' } } } }] })
  t.match(one(bundle, 'Medication'), { code: { coding: [{ code: '1049502' }] } })
  t.equal(all(bundle, 'ServiceRequest').length, 0, 'what is a prescription is no service')
  const given = bundleOf(lines('MSH|^~\\&|EHR|L|IIS|E|20260302||VXU^V04|1|P|2.5.1', 'PID|1||5', 'ORC|RE||F1^EHR', 'RXA|0|1|20260302||08^Hep B^CVX|0.5|mL^^UCUM||00^new^NIP001|7^RAO^A|||||LOT9|20270101|MSD^Merck^MVX|||CP|A'), step('vaccinations'))
  t.match(one(given, 'Immunization'), { status: 'completed', occurrenceDateTime: '2026-03-02', vaccineCode: { coding: [{ code: '08' }] }, doseQuantity: { value: 0.5, code: 'mL' }, lotNumber: 'LOT9', expirationDate: '2027-01-01', performer: [{ function: { coding: [{ code: 'AP' }] } }] })
})

t.test('who else has a part in an order or a result is told as a role, with its device', async (t) => {
  const bundle = bundleOf(lines(...head, 'PRT|1|AD||PO^Performing Organization^HL70912||||Bay Lab', 'OBX|1|NM|a||5', 'PRT|2|AD||RO^Responsible Observer^HL70912|7^RAO^ANITA|||||D-1^^2.51.1.1^ISO||||||D-1'))
  const [result] = all(bundle, 'Observation')
  const role = at(bundle, result?.performer?.[0]?.reference)
  t.match(role, { resourceType: 'PractitionerRole', code: [{ coding: [{ code: 'RO' }] }] })
  t.match(at(bundle, result?.device?.reference), { resourceType: 'Device' })
  t.match(at(bundle, one(bundle, 'ServiceRequest').performer?.[0]?.reference), { code: [{ coding: [{ code: 'PO' }] }] })
})

t.test('one TQ1 is a period, one that repeats a timing, several the times of each', async (t) => {
  const timed = (...timing: readonly string[]): unknown => one(bundleOf(lines('MSH|^~\\&|EHR|L|LAB|E|20260302||OML^O21|1|P|2.5.1', 'PID|1||5', 'ORC|NW|P1', ...timing, 'OBR|1|P1||1^x^L'), orders), 'ServiceRequest')
  t.match(timed('TQ1|1||||||20260302|20260304|S'), { priority: 'stat', occurrencePeriod: { start: '2026-03-02', end: '2026-03-04' } })
  t.match(timed('TQ1|1||Q6H||||20260302080000-0600|||||||4'), { occurrenceTiming: { code: { coding: [{ code: 'Q6H' }] }, repeat: { frequency: 1, period: 6, periodUnit: 'h', count: 4, boundsPeriod: { start: '2026-03-02T08:00:00-06:00' } } } })
  t.match(timed('TQ1|1||QD|||2^d||20260304080000-0600'), { occurrenceTiming: { repeat: { boundsPeriod: { start: '2026-03-02T08:00:00-06:00', end: '2026-03-04T08:00:00-06:00' } } } })
  t.match(timed('TQ1|1||||||20260302', 'TQ1|2||||||20260309'), { occurrenceTiming: { event: ['2026-03-02', '2026-03-09'] } })
})

t.test('other people’s results and orders are mapped or refused for a reason, and what is mapped is valid', async (t) => {
  const folders = [['ORU', results, 300], ['ORM', orders, 20], ['OML', orders, 5]] as const
  const there = folders.filter(([folder]) => existsSync(join(ROOT, '../shared/corpora/hl7v2', folder)))
  if (there.length === 0) return t.comment('skipped: there are no corpora beside the project')
  for (const [folder, map, least] of there) {
    const counts = { mapped: 0, refused: 0 }
    for (const name of readdirSync(join(ROOT, '../shared/corpora/hl7v2', folder)).sort().slice(0, 150)) {
      try {
        map(readFileSync(join(ROOT, '../shared/corpora/hl7v2', folder, name)))
        counts.mapped += 1
      } catch (error) {
        if (!(error instanceof MessageFault)) t.fail(`${folder}/${name}: ${error instanceof Error ? error.message : error}`)
        counts.refused += 1
      }
    }
    t.comment(`${folder}: ${counts.mapped} mapped and valid, ${counts.refused} refused`)
    t.ok(counts.mapped >= Math.min(least, 130) * 0.9 && counts.mapped > counts.refused, folder)
  }
})
