/** Results and orders as laboratories of different makers write them: every fact lands where the guide says, and none on somebody else. */
import t from 'tap'
import type { Bundle } from 'fhir/r4.js'
import type { Message } from '../../engine/contracts.js'
import toFhir from '../../transforms/to-fhir/index.js'
import { all, at, fixture, lines, message, one, tools } from '../engine/v2-to-fhir/kit.js'

const bundleOf = (bytes: Buffer, map = 'results'): Bundle => {
  const result = toFhir.create({ with: map, timezone: 'America/Chicago' }, tools)(message(bytes))
  if (!Array.isArray(result)) throw new Error('the step makes one message')
  return (result[0] as Message).body as Bundle
}
const reasons = (bundle: Bundle): readonly string[] => all(bundle, 'OperationOutcome').flatMap(({ issue }) => issue.map(({ diagnostics }) => diagnostics ?? ''))

t.test('microbiology: susceptibilities are of the culture’s organism, and under one ORC each request keeps its own number', async (t) => {
  const bundle = bundleOf(fixture('hl7v2/oru-r01-microbiology.hl7'))
  const [culture, susceptibility] = all(bundle, 'ServiceRequest')
  t.same(culture?.identifier?.map(({ value }) => value), ['P100', 'F100'])
  t.same(susceptibility?.identifier?.map(({ value }) => value), ['P100', 'F101'])
  t.same([culture?.status, susceptibility?.status], ['completed', 'completed'], 'final results complete what was asked for')
  t.equal(at(bundle, susceptibility?.basedOn?.[1]?.reference), culture)
  const [organism, comment, clavulanate, , ceftriaxone] = all(bundle, 'Observation')
  t.match(organism, { valueCodeableConcept: { coding: [{ system: 'http://snomed.info/sct', code: '112283007' }] } })
  t.match(comment, { valueString: 'Grew after 12 h\nsecond line', note: [{ text: 'Aerobic bottle only' }] })
  t.match(clavulanate, { valueQuantity: { value: 8, comparator: '<=', unit: 'ug/mL' }, interpretation: [{ coding: [{ code: 'S' }] }] })
  t.equal(at(bundle, clavulanate?.derivedFrom?.[0]?.reference), organism)
  t.equal(ceftriaxone?.status, 'corrected')
  t.same(all(bundle, 'Observation').map(({ basedOn }) => at(bundle, basedOn?.[0]?.reference)), [culture, culture, susceptibility, susceptibility, susceptibility])
  t.same(all(bundle, 'Practitioner').map(({ identifier, name }) => [identifier?.length, name?.length]).find(([ids]) => ids !== 1), undefined, 'who is named twice, once with less, is named once')
})

t.test('pathology: its lines, its PDF and its two pathologists; what cannot be read is told', async (t) => {
  const bundle = bundleOf(fixture('hl7v2/oru-r01-pathology.hl7'))
  const [text, document, hemoglobin, glucose, color, missing, broken] = all(bundle, 'Observation')
  t.match(text?.valueString, /^FINAL DIAGNOSIS:\nSigmoid colon: tubular adenoma\.\n+Size & margins: 4 mm$/)
  t.same(text?.performer?.map(({ display }) => display), ['Quest Lab', 'Path, Ann', 'Second, Sam'])
  const [reference] = all(bundle, 'DocumentReference')
  t.equal(at(bundle, document?.derivedFrom?.[0]?.reference), reference)
  t.match(reference?.content[0]?.attachment, { contentType: 'application/pdf', title: 'Report' })
  t.match(at(bundle, reference?.content[0]?.attachment.url), { resourceType: 'Binary', contentType: 'application/pdf' })
  t.match(hemoglobin, { code: { coding: [{ code: '718-7' }] }, valueQuantity: { value: 13.2, unit: 'g/dl' }, status: 'corrected' })
  t.equal(hemoglobin?.code.coding?.[0]?.system, undefined, 'a code without a system gets none')
  t.match(glucose, { valueQuantity: { value: 500, comparator: '>' }, interpretation: [{ coding: [{ code: 'HH' }] }] })
  t.match(color, { code: { text: 'Color' }, valueCodeableConcept: { text: 'Straw yellow' } })
  t.match(missing, { status: 'cancelled', dataAbsentReason: { coding: [{ code: 'cannot-be-obtained' }] } })
  t.match(broken, { valueQuantity: { _value: { extension: [{ valueString: '12..3' }] } } })
  const [order] = all(bundle, 'ServiceRequest')
  t.match(at(bundle, order?.requester?.reference), { identifier: [{ value: '99' }], name: [{ family: 'Smith' }] }, 'the first of two who ordered')
  t.same(order?.supportingInfo?.map((each) => at(bundle, each.reference)).map((each) => each.resourceType === 'Practitioner' && each.name?.[0]?.family), ['Smith', 'Jones'], 'and both stay two people')
  t.match(one(bundle, 'Specimen'), { type: { coding: [{ code: 'Colon' }] }, collection: { collectedDateTime: '2026-02-28T10:30:00-06:00' } })
  t.ok(reasons(bundle).some((each) => each === 'OBX[7]-5 is not a number.'))
})

t.test('answers belong to the request, what is observed of a specimen is about it, and a scan has no specimen', async (t) => {
  const head = ['MSH|^~\\&|LAB|L|EHR|E|20260302||ORU^R01|1|P|2.5.1', 'PID|1||5']
  const bundle = bundleOf(lines(...head, 'OBR|1|||1^x^L|||20260302|||||||||||||||||LAB|F', 'OBX|1|ST|FAST^Fasting||yes||||||F||||||||||||||||||QST', 'OBX|2|NM|GLU^Glucose||5||||||F',
    'SPM|1|S1&LAB^S2&LAB||BLD^Blood', 'OBX|1|NM|VOL^Volume||3|mL|||||F'))
  const [answer] = all(bundle, 'Observation').filter(({ code }) => code.coding?.[0]?.code === 'FAST')
  t.same(one(bundle, 'ServiceRequest').supportingInfo?.map(({ reference }) => at(bundle, reference)), [answer])
  t.same(one(bundle, 'DiagnosticReport').result?.map(({ reference }) => at(bundle, reference)).map((each) => each.resourceType === 'Observation' && each.code.coding?.[0]?.code), ['GLU'])
  const volume = all(bundle, 'Observation').find(({ code }) => code.coding?.[0]?.code === 'VOL')
  t.equal(at(bundle, volume?.focus?.[0]?.reference), one(bundle, 'Specimen'))
  t.same(all(bundleOf(lines(...head, 'OBR|1|||1^x^L|||20260302|||||||||||||||||RAD|F')), 'Specimen'), [])
})

t.test('an order without a patient, and a message without an order, are mapped and told', async (t) => {
  const control = bundleOf(lines('MSH|^~\\&|A|B|C|D|20260302||ORM^O01|1|P|2.3', 'ORC|NW|1', 'OBR|1|1||QC^Control^L'), 'orders')
  t.match(one(control, 'ServiceRequest'), { code: { coding: [{ code: 'QC' }] }, subject: { display: 'not named' } })
  t.ok(reasons(control).includes('PID is not there: what it would say is missing.'))
  const empty = bundleOf(lines('MSH|^~\\&|A|B^LA-ELR^ISO|C^LA-ELR^ISO|D|20260302||ORU^R01|1|P|2.5.1'))
  t.match(one(empty, 'MessageHeader'), { destination: [{ _endpoint: { extension: [{ valueString: 'LA-ELR' }] } }] }, 'what is no address is kept beside the empty one')
  t.ok(reasons(empty).includes('PID is not there (or OBR): what it would say is missing.'))
})

t.test('blanks that R4 does not have cost no value, and a code that is none costs no result', async (t) => {
  const bundle = bundleOf(lines('MSH|^~\\&|A|B|C|D|20260302||ORU^R01|1|P|2.5.1', 'PID|1||5', 'OBR|1|||1^x^L', 'OBX|1|CE|A  B^Two blanks^L||X^Bad\\X0B\\display^L||||||F', 'OBX|2|ST|C^c^L||Good\u00a0value||||||F'))
  const [first, second] = all(bundle, 'Observation')
  t.match(first, { code: { coding: [{ display: 'Two blanks', _code: { extension: [{ valueString: 'A  B' }] } }] }, valueCodeableConcept: { coding: [{ code: 'X', display: 'Bad display' }] }, status: 'final' })
  t.match(second, { valueString: 'Good value' })
  t.ok(reasons(bundle).some((each) => each.startsWith('OBX[1]-5.2 cannot be Observation.valueCodeableConcept.coding[0].display')))
})
