/** Every datatype by a table: what is written in HL7 v2, what it becomes in FHIR, and what is written back. */
import t from 'tap'
import type { Use } from '../../../engine/v2-to-fhir/datatype.js'
import { DATATYPES } from '../../../engine/v2-to-fhir/datatypes/index.js'
import { settle } from '../../../engine/v2-to-fhir/draft.js'
import { fieldPart } from '../../../engine/v2-to-fhir/part.js'
import { segments } from '../../../engine/formats/hl7v2/view.js'
import { hl7v2, lines, tools } from './kit.js'

interface Read { readonly value: unknown; readonly beside: unknown; readonly issues: readonly string[]; readonly origins: readonly string[] }

const read = (type: string, target: string, text: string, more: Partial<Use> = {}): Read => {
  const body = hl7v2.parse(lines('MSH|^~\\&|A|B|C|D|2026||ADT^A01|1|P|2.5.1', `ZZZ|${text}`))
  const views = segments(body)[1]?.repetitions(1) ?? []
  const parts = views.map((view, index) => fieldPart(view, `ZZZ-1${views.length > 1 ? `[${index + 1}]` : ''}`))
  const issues: string[] = []
  const use: Use = { target, table: undefined, lookup: tools.table, timezone: undefined, issue: (part, reason) => issues.push(`${part.origin} ${reason}`), ...more }
  const datatype = DATATYPES[type]
  const [first] = parts
  const settled = settle(datatype?.readAll ? datatype.readAll(parts, use) : first && datatype?.read(first, use), 'ZZZ-1')
  return { value: settled?.value, beside: settled?.beside, issues, origins: (settled?.origins ?? []).map(({ path, origin }) => `${path}=${origin}`) }
}
const written = (type: string, target: string, value: unknown, table?: string): unknown =>
  DATATYPES[type]?.write?.(value, { target, table: table === undefined ? undefined : tools.table(table), lookup: tools.table, timezone: undefined, issue: () => {} })

const V2 = 'http://terminology.hl7.org/CodeSystem/v2-'
const NPI = 'http://hl7.org/fhir/sid/us-npi'

t.test('dates and times keep their precision and their offset', async (t) => {
  for (const [text, value] of [
    ['2026', '2026'], ['202603', '2026-03'], ['20260302', '2026-03-02'], ['2026030209-0500', '2026-03-02T09:00:00-05:00'], ['202603020915-0500', '2026-03-02T09:15:00-05:00'],
    ['20260302091530+0000', '2026-03-02T09:15:30+00:00'], ['20260302091530.1234+0530', '2026-03-02T09:15:30.1234+05:30'], ['20240229', '2024-02-29'], ['20260302091530-0000', '2026-03-02T09:15:30+00:00'],
  ] as const) t.equal(read('DTM', 'dateTime', text).value, value, text)
  t.equal(read('date', 'date', '19610615083000').value, '1961-06-15', 'a date has no time')
  t.equal(read('DTM', 'instant', '20260302091530-0500').value, '2026-03-02T09:15:30-05:00')
})

t.test('a time without an offset gets that of the time zone, or only its date is taken', async (t) => {
  const inChicago = (text: string): unknown => read('DTM', 'dateTime', text, { timezone: 'America/Chicago' }).value
  t.equal(inChicago('202601150900'), '2026-01-15T09:00:00-06:00', 'winter')
  t.equal(inChicago('202607150900'), '2026-07-15T09:00:00-05:00', 'summer')
  t.equal(inChicago('202603080130'), '2026-03-08T01:30:00-06:00', 'before the clocks go forward')
  t.equal(inChicago('202603080330'), '2026-03-08T03:30:00-05:00', 'after')
  t.equal(inChicago('202611010130'), '2026-11-01T01:30:00-05:00', 'the first of the doubled hour')
  t.equal(inChicago('202611010330'), '2026-11-01T03:30:00-06:00')
  const without = read('DTM', 'dateTime', '202601150900')
  t.equal(without.value, '2026-01-15')
  t.match(without.issues[0], /ZZZ-1 has a time without an offset/)
  t.equal(read('DTM', 'instant', '202601150900').value, undefined, 'an instant is not guessed')
})

t.test('what is no date is kept readable beside the empty element, and reported', async (t) => {
  for (const text of ['20260230', '19XX0101', '2026030225', '20261301', 'yesterday', '202603020915+2500', '00000101']) {
    const { value, beside, issues } = read('DTM', 'dateTime', text)
    t.equal(value, undefined, text)
    t.same(beside, { extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/originalText', valueString: text }] })
    t.equal(issues.length, 1)
  }
  t.equal(read('TM', 'time', '2561').value, undefined)
  t.equal(read('TM', 'time', '0915').value, '09:15:00')
})

t.test('identifiers: CX, EI, EIP, PLN', async (t) => {
  const type = (code: string, display: string): object => ({ coding: [{ system: `${V2}0203`, code, display }] })
  for (const [name, text, value] of [
    ['CX', '774411^^^LFM&1.2.3.4&ISO^MR', { type: type('MR', 'Medical record number'), system: 'urn:oid:1.2.3.4', value: '774411', assigner: { display: 'LFM' } }],
    ['CX', '774411^^^&1.2.3.4&ISO^MRN', { type: type('MRN', 'Medical record number'), system: 'urn:oid:1.2.3.4', value: '774411' }],
    ['CX', '5^^^LOCAL', { value: '5', assigner: { display: 'LOCAL' } }],
    ['CX', '5^^^X&2b2c1a52-2f3c-4a8e-9a77-0d6f0c1c3b11&UUID', { value: '5', system: 'urn:uuid:2b2c1a52-2f3c-4a8e-9a77-0d6f0c1c3b11', assigner: { display: 'X' } }],
    ['CX', '999-71-4321^^^SSA^SS', { type: type('SS', 'Social Security number'), system: 'http://hl7.org/fhir/sid/us-ssn', value: '999-71-4321' }],
    ['CX', '5^^^^Chart', { type: { text: 'Chart' }, value: '5' }],
    ['EI', 'R1^CLINICOS^1.2.3^ISO', { value: 'R1', system: 'urn:oid:1.2.3', assigner: { display: 'CLINICOS' } }],
    ['EI', '889342^^1.2.3.4^ISO', { value: '889342', system: 'urn:oid:1.2.3.4' }],
    ['EIP', 'P1&EHR^F1&LAB', { value: 'P1', assigner: { display: 'EHR' } }],
    ['EIP', 'P1^EHR', { value: 'P1', assigner: { display: 'EHR' } }],
    ['PLN', '1548291735^NPI', { type: type('NPI', 'National provider identifier'), system: NPI, value: '1548291735' }],
    ['PLN', '1548291735^^^NPI^NPI', { type: type('NPI', 'National provider identifier'), system: NPI, value: '1548291735' }],
    ['PLN', 'GL7^GL^WI^20271231', { type: { coding: [{ system: `${V2}0338`, code: 'GL' }] }, value: 'GL7', period: { end: '2027-12-31' }, assigner: { display: 'WI' } }],
  ] as const) t.same(read(name, 'Identifier', text).value, value, `${name} ${text}`)
  t.equal(read('CX', 'Identifier', '""').value, undefined, 'HL7’s null is no value')
  t.equal(read('CX', 'Identifier', '^^^LFM').value, undefined, 'an authority alone is no identifier')
})

t.test('people and organizations: XPN, XCN, XON', async (t) => {
  t.same(read('XPN', 'HumanName', 'EVERYWOMAN^EVE^E^JR^MS^MD^L').value, { use: 'official', family: 'EVERYWOMAN', given: ['EVE', 'E'], prefix: ['MS'], suffix: ['JR', 'MD'], _suffix: [null, { extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/iso21090-EN-qualifier', valueCode: 'AC' }] }] })
  t.same(read('XPN', 'HumanName', 'van Beethoven&van&Beethoven^Ludwig').value, { family: 'van Beethoven', given: ['Ludwig'], _family: { extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/humanname-own-prefix', valueString: 'van' }, { url: 'http://hl7.org/fhir/StructureDefinition/humanname-own-name', valueString: 'Beethoven' }] } })
  t.equal(read('XPN', 'HumanName', '^^^^^^L').value, undefined)
  t.same(read('XCN', 'Reference', '1548291735^OKAFOR^NKECHI^^^DR^MD^^NPI^L^^^NPI').value, { identifier: { type: { coding: [{ system: `${V2}0203`, code: 'NPI', display: 'National provider identifier' }] }, system: NPI, value: '1548291735' }, display: 'OKAFOR, NKECHI' })
  t.same(read('XCN', 'Practitioner', '^Doe^Ann').value, { name: [{ family: 'Doe', given: ['Ann'] }] })
  t.same(read('XON', 'Organization', 'NORTH CLINIC^L^^^^NC&1.2.3&ISO^XX^^^NC01').value, { name: 'NORTH CLINIC', identifier: [{ type: { coding: [{ system: `${V2}0203`, code: 'XX', display: 'Organization identifier' }] }, system: 'urn:oid:1.2.3', value: 'NC01', assigner: { display: 'NC' } }] })
  t.same(read('PL', 'Reference', '4W^412^A^HEART CENTER').value, { display: 'Bed A, Room 412, 4W, HEART CENTER' })
})

t.test('addresses and telecommunication: XAD, XTN', async (t) => {
  t.same(read('XAD', 'Address', '14 ELM ST&ELM ST&14^APT 2^MADISON^WI^53704^USA^H^^DANE').value, { use: 'home', line: ['14 ELM ST', 'APT 2'], city: 'MADISON', district: 'DANE', state: 'WI', postalCode: '53704', country: 'USA' })
  t.equal(read('XAD', 'Address', '^^^^^^H').value, undefined, 'a use alone is no address')
  for (const [text, value] of [
    ['(608)555-0155', { system: 'phone', value: '(608)555-0155' }],
    ['^PRN^PH^^1^608^5550117^22', { system: 'phone', value: '+1 (608) 5550117 x22', use: 'home' }],
    ['^WPN^FX^^^608^5550143', { system: 'fax', value: '(608) 5550143', use: 'work' }],
    ['^PRN^CP^^^608^5550118', { system: 'phone', value: '(608) 5550118', use: 'mobile' }],
    ['^NET^Internet^eve@example.org', { system: 'email', value: 'eve@example.org' }],
    ['^WPN^PH^^^^^^^^^(626)555-1234', { system: 'phone', value: '(626)555-1234', use: 'work' }],
    ['^^Internet^rao@direct.heart.example', { extension: [{ url: 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-direct', valueBoolean: true }], system: 'email', value: 'rao@direct.heart.example' }],
  ] as const) t.same(read('XTN', 'ContactPoint', text).value, value, text)
  for (const [number, expected] of [
    ['(608) 5550143', '(608)555-0143^PRN^PH^^^608^5550143^^^^^(608) 5550143'], ['608-555-0143', '(608)555-0143^PRN^PH^^^608^5550143^^^^^608-555-0143'], ['+1 608.555.0143 ext. 22', '(608)555-0143X22^PRN^PH^^1^608^5550143^22^^^^+1 608.555.0143 ext. 22'],
    ['tel:+16085550143', '(608)555-0143^PRN^PH^^1^608^5550143^^^^^tel:+16085550143'], ['555-0143', '555-0143^PRN^PH'], ['+44 20 7946 0123', '+44 20 7946 0123^PRN^PH'], ['108-555-0143', '108-555-0143^PRN^PH'], ['ask for Kim', 'ask for Kim^PRN^PH'],
  ] as const) {
    const back = (written('XTN', 'ContactPoint', { system: 'phone', use: 'home', value: number }) as string[]).join('^')
    t.equal(back.replace(/\^+$/, ''), expected, `${number}: area code and number apart, where it is a number of North America`)
    t.match(read('XTN', 'ContactPoint', back).value, { value: number }, 'and back as it was written')
  }
})

t.test('coded values: CWE in its forms, tables, local systems', async (t) => {
  for (const [text, value] of [
    ['I48.91^Unspecified atrial fibrillation^I10', { coding: [{ system: 'http://hl7.org/fhir/sid/icd-10-cm', code: 'I48.91', display: 'Unspecified atrial fibrillation' }] }],
    ['57133-1^^LN', { coding: [{ system: 'http://loinc.org', code: '57133-1' }] }],
    ['^Rule out headache^', { text: 'Rule out headache' }],
    ['A^Apple^LN^B^Banana^SCT^1^2^Fruit', { coding: [{ system: 'http://loinc.org', version: '1', code: 'A', display: 'Apple' }, { system: 'http://snomed.info/sct', version: '2', code: 'B', display: 'Banana' }], text: 'Fruit' }],
    ['M^Married^HL70002', { coding: [{ system: `${V2}0002`, code: 'M', display: 'Married' }] }],
    ['M^Married^HL7002', { coding: [{ system: `${V2}0002`, code: 'M', display: 'Married' }] }],
    ['X1^Own^99LOC', { coding: [{ _system: { extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/originalText', valueString: '99LOC' }] }, code: 'X1', display: 'Own' }] }],
    ['99244^Visit^C4', { coding: [{ system: 'http://www.ama-assn.org/go/cpt', code: '99244', display: 'Visit' }] }],
  ] as const) {
    t.same(read('CWE', 'CodeableConcept', text).value, value, text)
    const back = written('CWE', 'CodeableConcept', value)
    t.same(read('CWE', 'CodeableConcept', (back as string[]).join('^')).value, value, `${text} and back`)
  }
  const gender = tools.table('administrative-gender')
  t.equal(read('code', 'code', 'F', { table: gender }).value, 'female')
  t.equal(written('code', 'code', 'other', 'administrative-gender'), 'O')
  const unknown = read('code', 'code', 'Q7', { table: gender })
  t.equal(unknown.value, undefined)
  t.match(unknown.beside, { extension: [{ valueString: 'Q7' }] })
  t.same(unknown.issues, ['ZZZ-1 has a code that the table does not have'])
})

t.test('text, numbers and amounts', async (t) => {
  t.equal(read('TX', 'string', 'one\\.br\\two \\T\\ three~four').value, 'one\ntwo & three\nfour')
  t.equal(read('ST', 'string', 'unescaped^part').value, 'unescaped part')
  t.equal(read('NM', 'decimal', '-4.10').value, -4.1)
  t.equal(read('NM', 'positiveInt', '0').value, undefined)
  t.match(read('NM', 'Quantity', '>5').value, { value: 5, comparator: '>' }, 'as laboratories write it')
  t.equal(read('boolean', 'boolean', 'N').value, false)
  t.same(read('MO', 'Money', '100^USD').value, { value: 100, currency: 'USD' })
  t.same(read('CQ', 'Quantity', '2.5^mg&&UCUM').value, { value: 2.5, unit: 'mg', system: 'http://unitsofmeasure.org', code: 'mg' })
  t.same(read('SN', 'Quantity', '>=^3').value, { value: 3, comparator: '>=' })
  t.same(read('SN', 'Ratio', '^1^:^128').value, { numerator: { value: 1 }, denominator: { value: 128 } })
  t.same(read('SN', 'Range', '^2^-^3').value, { low: { value: 2 }, high: { value: 3 } })
  t.same(read('NR', 'Range', '1^2').value, { low: { value: 1 }, high: { value: 2 } })
  t.same(read('DR', 'Period', '20260301^20260302').value, { start: '2026-03-01', end: '2026-03-02' })
})

t.test('documents: base64 is kept, other encodings become base64', async (t) => {
  const hello = Buffer.from('hello').toString('base64')
  t.same(read('ED', 'Attachment', `^AP^PDF^Base64^${hello}`).value, { contentType: 'application/pdf', data: hello })
  t.same(read('ED', 'Attachment', `^application^pdf^Base64^${hello}`).value, { contentType: 'application/pdf', data: hello })
  t.same(read('ED', 'Attachment', '^TEXT^^A^hello').value, { contentType: 'text/plain', data: hello })
  t.same(read('ED', 'Attachment', '^IM^JPEG^Hex^68656C6C6F').value, { contentType: 'image/jpeg', data: hello })
  t.equal(read('ED', 'Attachment', '^AP^PDF^Base64^not base64!').issues.length, 1)
  t.same(read('RP', 'Attachment', 'https://a.example/b^PACS^image^JPEG').value, { contentType: 'image/jpeg', url: 'https://a.example/b' })
})

t.test('race and ethnicity become the US Core extensions, from all repetitions', async (t) => {
  const { value, issues } = read('race', 'Extension', '2106-3^White^CDCREC~2028-9^Asian^HL70005~ZZ^Other people^L')
  t.match(value, { url: 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-race', extension: [{ url: 'ombCategory', valueCoding: { code: '2106-3' } }, { url: 'ombCategory', valueCoding: { code: '2028-9' } }, { url: 'text', valueString: 'White, Asian, Other people' }] })
  t.equal(issues.length, 1)
  t.match(read('ethnicity', 'Extension', 'N').value, { extension: [{ valueCoding: { code: '2186-5' } }, { valueString: 'Not Hispanic or Latino' }] })
})

t.test('every leaf knows the component that it came from', async (t) => {
  t.same(read('CX', 'Identifier', '774411^^^LFM&1.2.3.4&ISO^MR~other').origins, [
    '.type.coding[0].system=ZZZ-1[1].5', '.type.coding[0].code=ZZZ-1[1].5', '.type.coding[0].display=ZZZ-1[1].5', '.system=ZZZ-1[1].4.2', '.value=ZZZ-1[1].1', '.assigner.display=ZZZ-1[1].4.1'])
})

t.test('no datatype throws, whatever it is given', async (t) => {
  const junk = ['""', '^^^^', '&&&', '^^^&&', 'A^B^C^D^E^F^G^H^I^J^K^L^M^N^O', 'A&B&C&D^E&F&G', '\\X00\\', '-1', '9'.repeat(400), '  ', '^^^^^^^^^^^^^^^^^^^^x']
  for (const [name, datatype] of Object.entries(DATATYPES)) {
    for (const target of datatype.makes) for (const text of junk) t.doesNotThrow(() => read(name, target, text), `${name} to ${target}`)
  }
})
