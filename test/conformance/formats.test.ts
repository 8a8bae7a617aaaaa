/** Every format found on disk, against the suite of formats.ts. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { openMappings } from '../../engine/mappings.js'
import { findPieces } from '../../engine/registry.js'
import { connectorTools } from './connectors.js'
import { type FormatCase, formatConformance } from './formats.js'

const ROOT = join(import.meta.dirname, '../../..')

/** The fixtures of a folder, that of the laws first. */
const fixtures = (folder: string, first: string): ReadonlyMap<string, Buffer> =>
  new Map([first, ...readdirSync(join(ROOT, 'fixtures', folder)).filter((name) => name !== first)].map((name) => [name, readFileSync(join(ROOT, 'fixtures', folder, name))]))

const CASES: Readonly<Record<string, FormatCase>> = {
  hl7v2: {
    messages: fixtures('hl7v2', 'ref-i12-cardiology.hl7'),
    places: [['MSH-5', 'EHR'], ['PID-5.1', 'A|B^C&D~E\\F'], ['PID-3[1].4.2', '1.2.3'], ['ZRF-1', 'new']],
    part: 'PRD',
    secret: 'EVERYWOMAN',
  },
  fhir: {
    messages: fixtures('fhir', 'referral-bundle.json'),
    places: [['ServiceRequest.priority', 'stat'], ['Patient.name[0].family', '"Ωmega"'], ['Patient.active', 'false'], ['Observation.valueQuantity.value', '80.10'], ['Patient.telecom.value', '555'], ['Bundle.identifier.value', 'X'], ['Patient.maritalStatus', '{"text":"x"}']],
    part: 'entry',
    secret: 'Quillfeather',
  },
  json: {
    messages: fixtures('json', 'order.json'),
    places: [['order.id', 'X'], ['order.weight', '80.10'], ['order.lines[1].code', '"\n'], ['order.urgent', 'true'], ['new.list[0].name', 'x'], ['patient["a.b"]', 'x'], ['order.lines', '[{"code":1}]']],
    part: 'order.lines',
    secret: 'Quillfeather',
  },
  x12: {
    messages: new Map([...fixtures('x12', '278-request.x12')].filter(([name]) => name !== '278-batch.x12')),
    places: [['2000E/UM-2', 'R'], ['NM1*IL-3', 'Zoë'], ['2000E/HI-1.2', 'I10'], ['MSG-1', 'said: "yes"'], ['ISA-13', '000000042'], ['2010B/PER-4', '6085550199']],
    part: '2000E',
    secret: 'EVERYWOMAN',
  },
  table: {
    messages: new Map([['row', readFileSync(join(ROOT, 'fixtures/table/list-row.csv'))]]),
    places: [['Member ID', 'X'], ['Notes', 'one, "two"\nthree'], ['DOB', '06/16/1961'], ['Payer', 'Zoë Health']],
    part: 'row',
    secret: 'QUILLFEATHER',
  },
  mime: {
    messages: fixtures('mime', 'referral-with-pdf.eml'),
    places: [['Subject', 'Überweisung für Zoë'], ['X-Refero-Reference', 'R-7K3M-9QX4'], ['From.address', 'desk@heart.example'], ['To', 'Zoë Bell <zoe@meadow.example>'], ['Message-ID', '<2@x.example>']],
    part: 'attachment',
    secret: 'Quillfeather',
  },
  xml: {
    messages: fixtures('xml', 'referral-note.xml'),
    places: [['ClinicalDocument/title', 'Überweisung <&> "Zoë"'], ["ClinicalDocument/recordTarget/patientRole/id[@root='1.2.3']/@extension", "N'7"], ['ClinicalDocument/recordTarget/patientRole/patient/sdtc:deceasedInd/@value', 'false'], ['ClinicalDocument/versionNumber/@value', '2'], ["ClinicalDocument/recordTarget/patientRole/patient/name[@use='P']/given", 'Ody\nWren']],
    part: 'ClinicalDocument/component/structuredBody/component',
    secret: 'Quillfeather',
  },
  text: { messages: new Map([['lines', Buffer.from('one\r\ntwo\n\nSECRETWORD')], ['bytes', Buffer.from([0, 255, 10])]]), places: [], part: 'line', secret: 'SECRETWORD' },
}

const { formats } = await findPieces()
const mappings = openMappings(join(ROOT, 'mappings'))
const tools = { ...connectorTools().tools, mapping: mappings.mapping, table: mappings.table }
for (const [name, definition] of formats) {
  const known = CASES[name]
  if (known) formatConformance(t, definition, known, tools)
  else t.fail(`the format ${name} has no row in ${import.meta.filename}: give it messages, places and a part`)
}
