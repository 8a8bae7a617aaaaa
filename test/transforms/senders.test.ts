/** Messages as EHRs of different makes write them: what they say lands where the guide says, and one wrong value holds nothing up. */
import type { Bundle } from 'fhir/r4.js'
import t from 'tap'
import toFhir from '../../transforms/to-fhir/index.js'
import { all, at, message, one, tools } from '../engine/v2-to-fhir/kit.js'

const bundleOf = (map: string, ...segments: readonly string[]): Bundle => {
  const result = toFhir.create({ with: map, timezone: 'America/Chicago' }, tools)(message(Buffer.from(segments.join('\r'))))
  if (!Array.isArray(result) || !result[0]) throw new Error('the step makes one message')
  return result[0].body as Bundle
}
const warnings = (bundle: Bundle): readonly string[] => all(bundle, 'OperationOutcome').flatMap(({ issue }) => issue.filter(({ severity }) => severity === 'warning').map(({ diagnostics }) => diagnostics ?? ''))
const header = (type: string): string => `MSH|^~\\&|EPIC|LAKESIDE^2.16.840.1.113883.19.7^ISO|REFERO|HEART|20260310104500-0500||${type}|M-1|P|2.5.1`
const PATIENT = 'PID|1||M100^^^LAKESIDE&2.16.840.1.113883.19.7.1&ISO^MR||DOE^JO^Q||19700102|F|||1 LAKE ST^^MADISON^WI^53703^USA^H||^PRN^PH^^^608^5550111|||||ACC-9^^^LAKESIDE'

t.test('an appointment: who sent it, whom it is with and where, whom to ask, and whose account it is', (t) => {
  const bundle = bundleOf('appointment', header('SIU^S12^SIU_S12'),
    'SCH|A-1^EPIC|F-2^CADENCE||||NEW^New visit|ROUTINE|OFFICE|30|MIN|^^^20260401090000-0500|77^ODAY^KIM|^WPN^PH^^^608^5550120|4 ELM ST^^MADISON^WI^53703|^^^LAKESIDE|78^ROW^LEE||||79^TYPE^ANN||^^^LAKESIDE|||Booked',
    PATIENT, 'NK1|1|DOE^SAM|SPO^Spouse^HL70063||^PRN^PH^^^608^5550199', 'PV1|1|O|CLINIC^12||||1234567893^RAO^ANITA^^^DR^MD^^NPI^^^^NPI', 'DG1|1||I48.0^Paroxysmal atrial fibrillation^I10',
    'RGS|1|A', 'AIS|1|A|99213^Office visit^C4|20260401090000-0500|||30|MIN', 'AIG|1|A|ECHO-2^Echo machine^L^ECHO-2B|EQUIP^Equipment^L', 'AIL|1|A|CLINIC^12^^LAKESIDE', 'AIP|1|A|1234567893^RAO^ANITA^^^^^^NPI^^^^^^^^^^20200101^20291231^FACC|D^Doctor^L')
  t.equal(bundle.type, 'message')
  t.match(one(bundle, 'MessageHeader'), { eventCoding: { code: 'S12' }, source: { name: 'EPIC' } })
  t.match(at(bundle, one(bundle, 'MessageHeader').sender?.reference), { resourceType: 'Organization', name: 'LAKESIDE' })
  const appointment = one(bundle, 'Appointment')
  t.equal(at(bundle, one(bundle, 'MessageHeader').focus?.[0]?.reference), appointment)
  t.match(appointment, { status: 'booked', start: '2026-04-01T09:00:00-05:00', end: '2026-04-01T09:30:00-05:00', minutesDuration: 30 })
  const placer = all(bundle, 'Practitioner').find(({ identifier }) => identifier?.[0]?.value === '77')
  t.match(placer, { telecom: [{ value: /608/ }], address: [{ line: ['4 ELM ST'] }] })
  t.ok(appointment.participant.some(({ actor }) => at(bundle, actor?.reference) === placer), 'whom to ask takes part')
  t.same(all(bundle, 'PractitionerRole').map(({ practitioner }) => at(bundle, practitioner?.reference)).filter((person) => person === placer).length, 1, 'and works where SCH-15 says')
  t.match(all(bundle, 'Practitioner').find(({ name }) => name?.[0]?.period), { name: [{ family: 'RAO', suffix: ['FACC'], period: { start: '2020-01-01', end: '2029-12-31' } }] })
  t.match(one(bundle, 'ServiceRequest'), { code: { coding: [{ code: '99213' }] }, performer: [{}, {}], locationReference: [{}] })
  t.equal(at(bundle, one(bundle, 'ServiceRequest').encounter?.reference), one(bundle, 'Encounter'))
  t.match(one(bundle, 'Account'), { status: 'active', identifier: [{ value: 'ACC-9' }] })
  t.equal(at(bundle, one(bundle, 'Encounter').account?.[0]?.reference), one(bundle, 'Account'))
  t.equal(at(bundle, one(bundle, 'Encounter').diagnosis?.[0]?.condition.reference), one(bundle, 'Condition'))
  t.match(one(bundle, 'Patient').contact, [{ name: { family: 'DOE' } }])
  t.match(all(bundle, 'Device').find(({ identifier }) => identifier), { identifier: [{ value: 'ECHO-2' }, { value: 'ECHO-2B' }] })
  t.same(warnings(bundle), [])
  t.end()
})

t.test('a document: its blank lines, its own codes, what was agreed to, and who ordered', (t) => {
  const bundle = bundleOf('document', header('MDM^T02^MDM_T02'), 'EVN|T02|20260310104500-0500|||C6^WOOD^KATE', PATIENT, 'PV1|1|I|W1^2^3',
    'ORC|RE|P-1^EPIC|F-1^LAB||||||20260310||| 1234567893^RAO^ANITA|||||||||LAKESIDE CARDIOLOGY', 'OBR|1|P-1^EPIC|F-1^LAB|34117-2^History and physical^LN',
    'TXA|1|CN|TX|20260310101500-0500||||||||D-1|||||LA||UN', 'CON|1|001^Release^L||CF-1|Release of records||||||A||20260309||||||||||||1',
    'OBX|1|TX|11488-4^Consult^LN||Dear colleague,||||||F', 'OBX|2|TX|11488-4^Consult^LN||||||||F', 'OBX|3|TX|11488-4^Consult^LN||thank you.||||||F')
  const document = one(bundle, 'DocumentReference')
  t.equal(Buffer.from(document.content[0]?.attachment.data ?? '', 'base64').toString(), 'Dear colleague,\n\nthank you.')
  t.match(document, { docStatus: 'final', _docStatus: { extension: [{ valueCodeableConcept: { coding: [{ code: 'LA' }] } }] }, status: 'current', _status: { extension: [{ valueCodeableConcept: { coding: [{ code: 'UN' }] } }] } })
  t.match(one(bundle, 'Consent'), { status: 'active', dateTime: '2026-03-09', policyRule: { text: 'Release of records' }, category: [{ coding: [{ code: '001' }] }] })
  t.equal(at(bundle, one(bundle, 'Consent').performer?.[0]?.reference), one(bundle, 'Patient'))
  const role = one(bundle, 'PractitionerRole')
  t.equal(at(bundle, one(bundle, 'ServiceRequest').requester?.reference), role)
  t.match(at(bundle, role.organization?.reference), { name: 'LAKESIDE CARDIOLOGY' })
  t.equal(one(bundle, 'Encounter').status, 'in-progress')
  t.ok(all(bundle, 'Provenance').some(({ agent }) => agent.some(({ who }) => (at(bundle, who.reference) as { identifier?: { value?: string }[] } | undefined)?.identifier?.[0]?.value === 'C6')), 'who entered it')
  t.same(warnings(bundle), [])
  t.end()
})

t.test('an order of an old version: how much and how often, what is charged, which study, where it is done', (t) => {
  const bundle = bundleOf('orders', header('ORM^O01').replace('2.5.1', '2.3'), PATIENT, 'PV1|1|I|W1^2^3', 'IN1|1|HMO^Plan|77|BLUE SHIELD||||G-1||||20260101||||DOE^JO|SEL',
    'ORC|NW|P-1^EPIC|||||2&tab^BID&08:00:00^D10^20260311^20260321||20260310|||1234567893^RAO^ANITA|||||||||||||||||O', 'OBR|1|P-1^EPIC||93306^Echocardiogram^C4',
    'FT1|1|T-5||20260310||CG|93306^Echocardiogram^C4|||1|250&USD||CARD^Cardiology||||||I48.0^AFib^I10|1234567893^RAO^ANITA|||||93306^Echocardiogram^C4', 'CTI|TRIAL-7^NCI|2^Phase 2', 'BLG||CH|ACC-77')
  t.match(one(bundle, 'ServiceRequest'), {
    status: 'active', quantityQuantity: { value: 2, unit: 'tab' }, locationCode: [{ coding: [{ code: 'OF' }] }],
    occurrenceTiming: { repeat: { timeOfDay: ['08:00:00'], duration: 10, durationUnit: 'd', boundsPeriod: { start: '2026-03-11', end: '2026-03-21' } } },
  })
  t.match(one(bundle, 'ChargeItem'), { status: 'unknown', code: { coding: [{ code: '93306' }] }, quantity: { value: 1 }, priceOverride: { value: 250, currency: 'USD' }, occurrenceDateTime: '2026-03-10' })
  t.equal(at(bundle, one(bundle, 'ChargeItem').service?.[0]?.reference), one(bundle, 'Procedure'))
  t.match(one(bundle, 'ResearchStudy'), { status: 'active', identifier: [{ value: 'TRIAL-7' }] })
  t.same(all(bundle, 'Account').map(({ identifier }) => identifier?.[0]?.value), ['ACC-9', 'ACC-77'])
  t.equal(at(bundle, one(bundle, 'Coverage').subscriber?.reference), one(bundle, 'Patient'))
  t.match(one(bundle, 'PractitionerRole'), { code: [{ coding: [{ code: 'OP' }] }] })
  t.same(warnings(bundle), [])
  t.end()
})

t.test('a referral: the practice’s telephone is PRD-13, who may treat is RF1-19 and RF1-20, and the request stays first', (t) => {
  const bundle = bundleOf('referral', header('REF^I12^REF_I12'), 'SFT|Maker|9.1|Sender|77', 'RF1|P|R|MED|||R-1^EPIC|20260310||20260310||||||||||HEART CENTER^^^^^^^^^55|1234567893^RAO^ANITA',
    'PRD|RP|OKAFOR^NKECHI|||||1548291735^NPI|||LAKESIDE FAMILY MEDICINE|9 OAK ST^^MADISON^WI^53703||^WPN^PH^^^608^5550142', PATIENT, 'PV1|1|O|CLINIC')
  t.equal(bundle.type, 'collection')
  t.equal(bundle.entry?.[0]?.resource?.resourceType, 'ServiceRequest')
  t.match(all(bundle, 'Organization').find(({ name }) => name === 'LAKESIDE FAMILY MEDICINE'), { telecom: [{ value: /608/ }], address: [{ line: ['9 OAK ST'] }] })
  t.same(one(bundle, 'ServiceRequest').performer?.map(({ reference }) => at(bundle, reference)?.resourceType), ['Organization', 'Practitioner'])
  t.equal(at(bundle, one(bundle, 'MessageHeader').focus?.[0]?.reference), one(bundle, 'ServiceRequest'))
  t.match(one(bundle, 'MessageHeader').source, { software: 'Sender', version: '9.1' })
  t.same(warnings(bundle), [])
  t.end()
})

t.test('what R4 does not allow is taken out and told; the rest of the message goes on', (t) => {
  const bundle = bundleOf('orders', header('ORM^O01'), PATIENT, 'ORC|NW|P-1', 'OBR|1|P-1||93306  TTE^Echo^L', 'DG1|1||I48.0^AFib^I10')
  t.match(one(bundle, 'Condition').code, { coding: [{ code: 'I48.0' }] })
  t.match(one(bundle, 'ServiceRequest').code, { coding: [{ display: 'Echo' }] })
  t.same(warnings(bundle), ['OBR-4.1 cannot be ServiceRequest.code.coding[0].code, which is not a valid code.'], 'without the value')
  t.end()
})

t.test('two patients in one message keep their own visits and contacts', (t) => {
  const bundle = bundleOf('adt', header('ADT^A40^ADT_A39'), 'EVN||20260310', 'PID|1||1^^^X^MR||DOE^JO', 'NK1|1|DOE^SAM', 'MRG|2^^^X^MR', 'PV1|1|I|W1', 'PID|2||3^^^X^MR||ROE^AL', 'MRG|4^^^X^MR', 'PV1|1|O|W2')
  const [doe, roe] = all(bundle, 'Patient').filter(({ name }) => name)
  t.same(all(bundle, 'Encounter').map(({ subject }) => at(bundle, subject?.reference)), [doe, roe])
  t.equal(doe?.contact?.length, 1)
  t.equal(roe?.contact, undefined)
  t.end()
})
