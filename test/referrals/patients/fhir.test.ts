/** Patients in FHIR and HL7 v2: what of them becomes facts and charts, what messages change in the index, and $match. */
import t from 'tap'
import { messageOf } from '../../conformance/transforms.js'
import type { Chart } from '../../../referrals/contracts.js'
import { applyChanges, changes } from '../../../referrals/patients/changes.js'
import { chart, patientFacts, toFhir } from '../../../referrals/patients/from-fhir.js'
import { matchOperation } from '../../../referrals/patients/match-operation.js'
import { openPatientIndex } from '../../../referrals/patients/patient-index.js'
import toFhirStep from '../../../transforms/to-fhir/index.js'
import { chartOf, ROSA } from '../../conformance/patient-index.js'
import { fixture, transformTools } from '../../transforms/tools.js'
import { SETTINGS } from './settings.js'

const tools = transformTools()
const step = toFhirStep.create({ with: 'adt', timezone: 'America/Chicago' }, tools)
type Bundle = fhir4.Bundle<fhir4.FhirResource>
const mapped = async (message: Parameters<typeof step>[0]): Promise<Bundle> => {
  const made = await step(message)
  if ('filtered' in made) throw new Error(made.filtered)
  return made[0]?.body as Bundle
}
const adt = (event: string, ...segments: readonly string[]): Promise<Bundle> =>
  mapped(messageOf(tools.format('hl7v2'), Buffer.from([`MSH|^~\\&|ADT|PGV|REFERO|DESK|20260413101500||ADT^${event}|1|P|2.5.1`, `EVN|${event}|20260413101500`, ...segments].join('\r'))))

const PATIENT: fhir4.Patient = {
  resourceType: 'Patient', id: 'p1', active: true,
  identifier: [
    { system: 'urn:oid:1.2.3', value: 'M100', type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0203', code: 'MR' }] } },
    { value: 'T-9', type: { coding: [{ code: 'PI' }] }, assigner: { display: 'MEADOW' } },
    { value: 'W55501234', type: { coding: [{ code: 'MB' }] } }, { system: 'urn:empty' },
  ],
  name: [{ use: 'official', family: 'Quintero', given: ['Rosa', 'Elena'], suffix: ['Jr', 'MD'] }, { use: 'maiden', text: 'Rosa Elena Hale' }, { text: 'Hale, Rosa' }, {}],
  birthDate: '1971-04-23', gender: 'female', deceasedDateTime: '2026-01-01', multipleBirthInteger: 2,
  address: [{ line: ['18 Larch Street', 'Apt 2'], city: 'Fairview', state: 'IL', postalCode: '62704' }, { text: '1 Elm St, Fairview IL' }, {}],
  telecom: [{ system: 'phone', value: '217-555-0143' }, { system: 'email', value: 'rosa.q@mail.example' }, { system: 'fax', value: '217-555-0144' }, { value: '217-555-0145' }],
  communication: [{ language: { coding: [{ code: 'en' }] } }, { preferred: true, language: { coding: [{ code: 'es' }] } }],
}

t.test('a Patient says its facts', async (t) => {
  t.same(patientFacts(PATIENT), {
    identifiers: [{ system: 'urn:oid:1.2.3', value: 'M100', type: 'MR' }, { system: 'MEADOW', value: 'T-9', type: 'PI' }],
    names: [{ family: 'Quintero', given: ['Rosa', 'Elena'], suffix: 'Jr MD', use: 'official' }, { family: 'Hale', given: ['Rosa', 'Elena'], suffix: null, use: 'maiden' }, { family: 'Hale', given: ['Rosa'], suffix: null, use: null }],
    birthDate: '1971-04-23', sex: 'female',
    addresses: [{ lines: ['18 Larch Street', 'Apt 2'], city: 'Fairview', state: 'IL', postalCode: '62704' }, { lines: ['1 Elm St, Fairview IL'], city: null, state: null, postalCode: null }],
    phones: ['217-555-0143', '217-555-0145'], emails: ['rosa.q@mail.example'], memberIds: ['W55501234'], birthOrder: 2, deceased: true, language: 'es',
  })
})

t.test('a Patient that is not what it should be still says what it can', async (t) => {
  const odd = { resourceType: 'Patient', identifier: 'M1', name: [null, 'Rosa', { family: 7, given: 'Rosa' }], birthDate: 1971, gender: 'F', telecom: [{ system: 'phone' }], address: {}, communication: [{}] } as unknown as fhir4.Patient
  t.match(patientFacts(odd), { identifiers: [], names: [], birthDate: null, sex: null, phones: [], addresses: [], language: null })
  t.equal(chart('epic-main', odd), null)
})

t.test('a chart is called by its medical record number, and there and back nothing is lost', async (t) => {
  t.match(chart('epic-main', PATIENT), { source: 'epic-main', id: 'M100', active: true })
  t.equal(chart('epic-main', { resourceType: 'Patient', id: 'p1', identifier: [{ value: 'x', type: { coding: [{ code: 'DL' }] } }] })?.id, 'p1')
  t.equal(chart('epic-main', { resourceType: 'Patient', active: false, identifier: [{ value: 'N7' }] })?.active, false)
  for (const one of [chartOf('M100'), chartOf('M100', { deceased: true, birthOrder: 1, active: false, sex: null, birthDate: null, names: [], phones: [], language: null, identifiers: [{ system: 'MEADOW', value: 'M100', type: 'MR' }] })] satisfies readonly Chart[]) {
    t.same(chart('epic-main', JSON.parse(JSON.stringify(toFhir(one)))), one)
  }
})

t.test('HL7 v2: a registration puts a chart, a merge leads from the old to the new one', async (t) => {
  const registered = changes('meadow', await mapped(fixture('hl7v2/adt-a01.hl7')))
  t.equal(registered.puts.length, 1)
  t.same([registered.merges, registered.unmerges, registered.skipped], [[], [], []])
  const merged = changes('meadow', await mapped(fixture('hl7v2/adt-a40.hl7')))
  t.same(merged.puts.map(({ id }) => id), ['M5501'], 'the old one is not put: the merge says less of it than its chart')
  t.same(merged.merges, [{ survivor: { source: 'meadow', id: 'M5501' }, merged: { source: 'meadow', id: 'M0044' } }])
  const newborn = changes('meadow', await mapped(fixture('hl7v2/adt-a28-newborn.hl7')))
  t.match(newborn.puts, [{ id: 'N7001', birthOrder: 2, names: [{ family: 'HALVORSEN', given: ['BABY GIRL'] }] }])
})

t.test('HL7 v2: every event that concerns the index', async (t) => {
  const PID = 'PID|1||M1^^^PGV^MR||QUINTERO^ROSA||19710423|F|||18 LARCH ST^^FAIRVIEW^IL^62704||2175550143'
  for (const event of ['A01', 'A04', 'A08', 'A28', 'A31']) t.match(changes('pgv', await adt(event, PID, 'PV1|1|O')).puts, [{ id: 'M1', birthDate: '1971-04-23', phones: ['2175550143'] }], event)
  t.same(changes('pgv', await adt('A11', PID, 'PV1|1|O')).puts, [], 'a cancelled visit says nothing new')
  t.match(changes('pgv', await adt('A18', PID, 'MRG|M0^^^PGV^MR', 'PV1|1|O')).merges, [{ survivor: { id: 'M1' }, merged: { id: 'M0' } }])
  t.match(changes('pgv', await adt('A47', PID, 'MRG|M0^^^PGV^MR')), { puts: [{ id: 'M1' }], merges: [{ survivor: { id: 'M1' }, merged: { id: 'M0' } }] })
  t.match(changes('pgv', await adt('A08', 'PID|1||||QUINTERO^ROSA', 'PV1|1|O')), { puts: [], skipped: [/neither a medical record number/] })
})

t.test('FHIR: a Patient, a bundle of them, links and an unlink', async (t) => {
  t.match(changes('epic-main', PATIENT).puts, [{ id: 'M100' }])
  const old: fhir4.Patient = { resourceType: 'Patient', id: 'p0', active: false, link: [{ type: 'replaced-by', other: { reference: 'Patient/p1' } }] }
  const both: Bundle = { resourceType: 'Bundle', type: 'collection', entry: [{ fullUrl: 'https://ehr.example/fhir/Patient/p1', resource: PATIENT }, { resource: old }] }
  t.same(changes('epic-main', both).puts.map(({ id }) => id), ['M100'])
  t.match(changes('epic-main', both), { merges: [{ survivor: { id: 'M100' }, merged: { id: 'p0' } }] })
  t.match(changes('epic-main', { ...PATIENT, link: [{ type: 'replaces', other: { reference: 'Patient/p7' } }, { type: 'seealso', other: { reference: 'Patient/p8' } }] }).merges, [{ merged: { id: 'p7' } }])
  const unlink: Bundle = { ...both, entry: [{ resource: { resourceType: 'MessageHeader', eventCoding: { code: 'A37' }, source: { endpoint: 'urn:x' } } }, ...both.entry ?? []] }
  t.match(changes('epic-main', unlink), { merges: [], unmerges: [{ merged: { id: 'p0' } }] })
  const apart: Bundle = { resourceType: 'Bundle', type: 'collection', entry: [unlink.entry?.[0] ?? {}, ...['M1', 'M2'].map((value) => ({ resource: { ...PATIENT, identifier: [{ value }] } }))] }
  t.match(changes('epic-main', apart).unmerges, [{ survivor: { id: 'M1' }, merged: { id: 'M2' } }, { survivor: { id: 'M2' }, merged: { id: 'M1' } }], 'of HL7 v2 nothing says which was merged into which')
  t.same(changes('epic-main', { resourceType: 'Bundle', type: 'collection' }), { puts: [], merges: [], unmerges: [], skipped: [] })

  const index = openPatientIndex(':memory:', SETTINGS)
  await applyChanges(index, changes('epic-main', both))
  t.equal((await index.get({ source: 'epic-main', id: 'p0' }))?.id, 'M100')
  await index.close()
})

t.test('$match: who is certain, probable, possible, and nobody', async (t) => {
  const index = openPatientIndex(':memory:', SETTINGS)
  await index.put([chartOf('M100')])
  const ask = (resource: fhir4.Patient, ...more: fhir4.ParametersParameter[]) => matchOperation(index, { resourceType: 'Parameters', parameter: [{ name: 'resource', resource }, ...more] })
  const rosa = toFhir({ ...ROSA, identifiers: [], source: 'x', id: 'x', active: true })
  const GRADE = 'http://hl7.org/fhir/StructureDefinition/match-grade'
  t.match(await ask(rosa), { status: 200, body: { resourceType: 'Bundle', type: 'searchset', total: 1, entry: [{ resource: { resourceType: 'Patient', id: 'M100' }, search: { mode: 'match', extension: [{ url: GRADE, valueCode: 'certain' }] } }] } })
  const probable = { ...rosa, birthDate: '1971' }
  t.match(await ask(probable), { body: { total: 1, entry: [{ search: { extension: [{ valueCode: 'probable' }] } }] } })
  t.match(await ask({ ...rosa, name: [{ family: 'Quintero', given: ['Ines'] }] }), { body: { total: 1, entry: [{ search: { extension: [{ valueCode: 'possible' }] } }] } })
  t.same(await ask(probable, { name: 'onlyCertainMatches', valueBoolean: true }), { status: 200, body: { resourceType: 'Bundle', type: 'searchset', total: 0 } })
  await index.put([chartOf('M200')])
  t.match(await ask(rosa, { name: 'count', valueInteger: 1 }), { body: { total: 1, entry: [{ search: { extension: [{ valueCode: 'probable' }] } }] } })
  t.match(await matchOperation(index, rosa, ['nobody']), { status: 200, body: { total: 0 } })

  for (const [body, says] of [
    [null, /must be a Parameters/], [{ resourceType: 'Observation' }, /must be a Parameters/], [{ resourceType: 'Parameters' }, /must hold a Patient/],
    [{ resourceType: 'Parameters', parameter: [{ name: 'resource', resource: { resourceType: 'Person' } }] }, /must hold a Patient/], [{ resourceType: 'Parameters', parameter: [{ name: 'patient' }] }, /`patient` is not known/],
    [{ resourceType: 'Parameters', parameter: [{ name: 'resource', resource: rosa }, { name: 'count', valueInteger: 0 }] }, /valueInteger above 0/],
    [{ resourceType: 'Parameters', parameter: [{ name: 'resource', resource: rosa }, { name: 'onlyCertainMatches', valueString: 'yes' }] }, /valueBoolean/],
  ] as const) t.match(await matchOperation(index, body), { status: 400, body: { resourceType: 'OperationOutcome', issue: [{ severity: 'error', diagnostics: says }] } })
  t.match(await ask({ resourceType: 'Patient' }), { status: 422, body: { issue: [{ code: 'required', diagnostics: /nothing to go by/ }] } })
  await index.close()
})
