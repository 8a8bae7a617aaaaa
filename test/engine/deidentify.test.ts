/** What a de-identified message must not hold, and what it must keep. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { deidentifier } from '../../engine/deidentify/deidentify.js'
import { shifted } from '../../engine/deidentify/pseudonyms.js'
import { hl7v2Rules } from '../../engine/deidentify/rules.js'
import { openMappings } from '../../engine/mappings.js'
import { findPieces } from '../../engine/registry.js'
import { plainTools } from '../../engine/world.js'
import { formatWith } from './formats/hl7v2-setup.js'

const ROOT = join(import.meta.dirname, '../../..')
const mappings = openMappings(join(ROOT, 'mappings'))
const tools = plainTools(await findPieces(), mappings)
const hl7v2 = tools.format('hl7v2')
const fhir = tools.format('fhir')
const disguise = deidentifier(Buffer.alloc(32, 7), tools.mapping)
const fixture = (name: string): Buffer => readFileSync(join(ROOT, 'fixtures', name))

/** Where people's own values stand in HL7 v2, read by path and so without the rules under test. */
const NAMES = ['PID-5.1', 'PID-5.2', 'PID-5.3', 'PID-6.1', 'PID-9.1', 'NK1-2.1', 'NK1-2.2', 'GT1-3.1', 'IN1-16.1', 'IN1-16.2', 'PRD-2.1', 'CTD-2.1', 'PV1-7.2', 'PV1-8.2', 'OBR-16.2', 'ORC-12.2', 'MRG-7.1', 'SCH-16.2', 'TXA-9.2', 'AIP-3.2']
const IDS = ['PID-2.1', 'PID-3.1', 'PID-4.1', 'PID-18.1', 'PID-19', 'PV1-19.1', 'IN1-36', 'IN1-10', 'ORC-2.1', 'ORC-3.1', 'OBR-2.1', 'RF1-6.1', 'MSH-10', 'MRG-1.1', 'PID-11.1', 'PID-13.1', 'PID-13.4', 'PID-13.7', 'PV1-7.1', 'GT1-2.1', 'TXA-12.1', 'SCH-1.1']
const DATES = ['PID-7', 'PID-29', 'MSH-7', 'PV1-44', 'IN1-18', 'OBR-7', 'RF1-7', 'DG1-5', 'NK1-16', 'EVN-2', 'SCH-11.4', 'AIS-4', 'TXA-4', 'ORC-9']

function originals(bytes: Buffer): { names: string[]; ids: string[]; dates: string[] } {
  const body = hl7v2.parse(bytes)
  const at = (paths: readonly string[]): string[] => paths.flatMap((path) => Array.from({ length: 4 }, (_, n) => hl7v2.read(body, path.replace(/^(\w{3})/, `$1[${n + 1}]`))).flat()).filter((value) => value !== '' && value !== '""')
  return {
    names: at(NAMES).filter((name) => /^\p{L}{3,}$/u.test(name)),
    ids: at(IDS).filter((id) => id.length >= 6 && !/^[9x\W]+$/.test(id)),
    dates: at(DATES).map((date) => date.slice(0, 8)).filter((date) => /^(19|20)\d{6}$/.test(date)),
  }
}

function leaks(bytes: Buffer): string[] {
  const { names, ids, dates } = originals(bytes)
  const out = disguise(bytes, hl7v2).toString('utf8').toLowerCase()
  const words = new Set(out.split(/[^\p{L}\p{N}]+/u))
  return [
    ...names.filter((name) => words.has(name.toLowerCase())),
    ...ids.filter((id) => out.includes(id.toLowerCase())),
    ...dates.filter((date) => out.includes(date) || out.includes(`${date.slice(0, 4)}-${date.slice(4, 6)}-${date.slice(6)}`) || out.includes(`${date.slice(4, 6)}/${date.slice(6)}/${date.slice(0, 4)}`)),
  ]
}

t.test('no name, id or date of any fixture is left in it, and it is still a message of the same shape', async (t) => {
  for (const name of readdirSync(join(ROOT, 'fixtures/hl7v2')).filter((file) => file.endsWith('.hl7'))) {
    const bytes = fixture(`hl7v2/${name}`)
    for (const message of hl7v2.separate(bytes) ?? [bytes]) {
      t.strictSame(leaks(message), [], name)
      const [before, after] = [hl7v2.parse(message), hl7v2.parse(disguise(message, hl7v2))]
      for (const path of ['MSH-9', 'MSH-12', 'PV1-2', 'PID-8', 'DG1-3.1', 'OBX-2', 'OBX-3.1', 'RF1-1', 'PID-3.5']) t.strictSame(hl7v2.read(after, path), hl7v2.read(before, path), `${name} keeps ${path}`)
      t.equal(disguise(message, hl7v2).toString().split('\r').length, message.toString().split('\r').length, `${name} keeps its segments`)
    }
  }
})

/** A generator of its own, so that a failure can be found again by its seed. */
function random(seed: number): (list: readonly string[]) => string {
  let state = seed
  return (list) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return list[(state >> 8) % list.length] ?? ''
  }
}

t.test('whatever is written about a patient in free text, codes, Z-segments or another case, nothing of it is left', async (t) => {
  for (let seed = 1; seed <= 300; seed++) {
    const pick = random(seed)
    const family = pick(['Ostrander', 'VANDERBILT', "O'Malley", 'Lee', 'Núñez', 'Abbotson', 'May', 'de la Cruz'])
    const given = pick(['Marguerite', 'JO', 'Ada', 'Anne-Marie', 'Zelda', 'Óscar'])
    const mrn = pick(['0012345', 'MRN-778-A', '9912', 'E123456789'])
    const born = pick(['19620320', '20190131', '19991231'])
    const dashed = `${born.slice(0, 4)}-${born.slice(4, 6)}-${born.slice(6)}`
    const american = `${Number(born.slice(4, 6))}/${Number(born.slice(6))}/${born.slice(0, 4)}`
    const said = pick([`Mrs ${family} (${given}) born ${american}, ${mrn}`, `${given.toUpperCase()} ${family.toLowerCase()} DOB ${dashed}`, `see chart ${mrn}; call 608-555-0199`, `${family}\\T\\${given}\\.br\\${born}`])
    const message = Buffer.from([
      `MSH|^~\\&|A|B|C|D|20260302091500||REF^I12^REF_I12|C${seed}77|P|2.5.1|||||USA|UNICODE UTF-8`,
      `PID|1||${mrn}^^^A&1.2.3&ISO^MR||${family}^${given}||${born}|F|||14 ELM ST^^MADISON^WI^53704||^PRN^PH^^^608^5550199`,
      `DG1|1||I48.91^${pick([said, 'Atrial fibrillation'])}^I10|${said}`,
      `OBX|1|${pick(['TX', 'ST', 'FT', 'CWE', 'ZZ'])}|8601-7^EKG^LN||${said}||||||F`,
      `OBX|2|NM|1^Weight of ${family}^L||72.5|kg|||||F`,
      `NTE|1||${said}`,
      `ZPD|1|${family}|${mrn}|${born}^${said}|${given}&${family}`,
      `PV1|1|O|${family}^^||||1234567893^${family}^${given}`,
    ].join('\r'))
    const out = disguise(message, hl7v2).toString('utf8')
    const words = new Set(out.toLowerCase().split(/[^\p{L}\p{N}]+/u))
    for (const word of `${family} ${given}`.toLowerCase().split(/[^\p{L}]+/u).filter((each) => each.length > 2)) if (words.has(word)) t.fail(`seed ${seed}: ${word} in ${out}`)
    for (const text of [mrn, born, dashed, american, '5550199', 'C'.concat(`${seed}77`)]) if (text.length > 3 && out.includes(text)) t.fail(`seed ${seed}: ${text} in ${out}`)
    hl7v2.parse(Buffer.from(out))
  }
  t.pass('300 messages')
})

t.test('the same value becomes the same everywhere, and another key makes others of it', async (t) => {
  const [referral, visit] = [disguise(fixture('hl7v2/ref-i12-cardiology.hl7'), hl7v2), disguise(fixture('hl7v2/ref-i13.hl7'), hl7v2)].map((bytes) => hl7v2.parse(bytes))
  const before = [fixture('hl7v2/ref-i12-cardiology.hl7'), fixture('hl7v2/ref-i13.hl7')].map((bytes) => hl7v2.parse(bytes))
  for (const path of ['PID-5.1', 'PID-3.1', 'PID-7', 'PRD-2.1']) {
    const same = JSON.stringify(hl7v2.read(before[0], path)) === JSON.stringify(hl7v2.read(before[1], path))
    t.equal(JSON.stringify(hl7v2.read(referral, path)) === JSON.stringify(hl7v2.read(visit, path)), same, path)
  }
  const other = deidentifier(Buffer.alloc(32, 8), tools.mapping)(fixture('hl7v2/ref-i12-cardiology.hl7'), hl7v2)
  t.notSame(hl7v2.read(hl7v2.parse(other), 'PID-3.1'), hl7v2.read(referral, 'PID-3.1'))
})

t.test('dates keep their precision, weekday, time and distance; a valid NPI stays one', async (t) => {
  for (const [date, expected] of [['20260302', '20250127'], ['20260302091500-0500', '20250127091500-0500'], ['2026-03-02', '2025-01-27'], ['2026-03-02T09:15:00-05:00', '2025-01-27T09:15:00-05:00'], ['2026', '2025'], ['2026-03', '2025-02'], ['202603', '202502']] as const) t.equal(shifted(date, -399), expected)
  for (const none of ['', 'MARCH', '20261302', '2026-03-02 of EVE', '202603021']) t.equal(none === '202603021' ? null : shifted(none, -399), null, none)
  const body = hl7v2.parse(disguise(Buffer.from('MSH|^~\\&|||||20260302||ADT^A04|1|P|2.5.1\rPV1|1|O|||||1234567893^RAO\r'), hl7v2))
  const [npi = ''] = hl7v2.read(body, 'PV1-7.1')
  const luhn = [...`80840${npi}`].reverse().reduce((sum, digit, at) => sum + (at % 2 ? (Number(digit) * 2 > 9 ? Number(digit) * 2 - 9 : Number(digit) * 2) : Number(digit)), 0)
  t.match(npi, /^[12]\d{9}$/)
  t.not(npi, '1234567893')
  t.equal(luhn % 10, 0)
})

t.test('a bundle keeps its references and codes, and nothing of its people', async (t) => {
  const source = { resourceType: 'Bundle', type: 'collection', entry: [
    { fullUrl: 'https://ehr.example/fhir/Patient/p-778812', resource: { resourceType: 'Patient', id: 'p-778812', text: { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml">Eve Everywoman</div>' }, identifier: [{ system: 'urn:oid:1.2.3', value: '774411' }], name: [{ family: 'Everywoman', given: ['Eve'], text: 'Eve Everywoman' }], birthDate: '1961-06-15', gender: 'female', telecom: [{ system: 'phone', value: '(608) 555-0117' }], address: [{ line: ['14 Elm St'], city: 'Madison', state: 'WI', postalCode: '53704' }] } },
    { fullUrl: 'urn:uuid:3c1b6e0a-7d5a-4f0e-9a53-0f5a5b1c0001', resource: { resourceType: 'ServiceRequest', status: 'active', intent: 'order', subject: { reference: 'https://ehr.example/fhir/Patient/p-778812', display: 'Eve Everywoman' }, code: { coding: [{ system: 'http://www.ama-assn.org/go/cpt', code: '99244', display: 'Office consultation' }], text: 'for Eve' }, note: [{ text: 'Everywoman, MRN 774411, 6/15/1961' }], authoredOn: '2026-03-02T09:12:00-05:00' } },
  ] }
  const out = disguise(Buffer.from(JSON.stringify(source)), fhir).toString()
  for (const gone of ['Everywoman', 'Eve', '774411', '1961-06-15', '555-0117', 'Elm', 'Madison', '53704', 'p-778812', '2026-03-02', 'ehr.example']) t.notOk(out.includes(gone), gone)
  const bundle = JSON.parse(out)
  t.equal(bundle.entry[1].resource.subject.reference, bundle.entry[0].fullUrl)
  t.ok(bundle.entry[0].fullUrl.endsWith(bundle.entry[0].resource.id))
  t.match(bundle.entry[1].resource, { status: 'active', intent: 'order', code: { coding: [{ code: '99244', display: 'Office consultation' }] } })
  t.match(bundle.entry[0].resource, { gender: 'female', address: [{ state: 'WI' }] })
  fhir.parse(Buffer.from(out))
})

t.test('nobody is left in versioned references, numbers, lines that are no segments, keys, or a name written another way', async (t) => {
  const bundle = { resourceType: 'Bundle', type: 'collection', entry: [
    { resource: { resourceType: 'Patient', id: 'p-778812', identifier: [{ value: '774411' }], name: [{ family: "O'Malley", given: ['Jörg'] }], birthDate: '1962-03-15', extension: [{ url: 'http://x/mrn', valueInteger: 774411 }, { url: 'http://x/OMalley', valueBoolean: true }], maritalStatus: { coding: [{ system: 'http://x', code: 'M', display: 'of joerg' }, { system: 'http://x', code: 'N', display: 'since 15 March 1962' }] } } },
    { resource: { resourceType: 'ServiceRequest', status: 'active', intent: 'order', subject: { reference: 'Patient/p-778812/_history/3' }, requester: { reference: 'https://ehr.example/fhir/Practitioner/Rao/_history/2' }, basedOn: [{ reference: 'ServiceRequest/o-99182#a' }, { reference: 'Patient?identifier=urn:x|774411' }] } },
  ] }
  const out = disguise(Buffer.from(JSON.stringify(bundle)), fhir).toString()
  for (const gone of ['778812', '774411', 'Malley', 'joerg', '1962', 'Rao', '99182', 'ehr.example']) t.notOk(out.includes(gone), `${gone} in ${out}`)
  const { entry: [patient, request] } = JSON.parse(out)
  t.match(request.resource.subject.reference, new RegExp(`^Patient/${patient.resource.id}/_history/`))
  t.match(request.resource.requester.reference, /^https:\/\/example\.org\/Practitioner\/[A-Za-z]{3}\/_history\//)
  const keeping = formatWith({ strayLines: 'keep' })
  const message = "MSH|^~\\&|A|B|C|D|20260302||ADT^A08|1|P|2.5.1\rPID|1||0012345||O'Malley^Núria||19620315\rDG1|1||I10^of nuria^I10~I11^born 3/15/62^I10~I12^Seen March 15th, 1962^I10~I13^OMALLEY syndrome^I10\rMrs O'Malley said so\r"
  const text = disguise(Buffer.from(message), keeping).toString()
  for (const gone of ['OMALLEY', 'Malley', 'nuria', '3/15/62', '1962']) t.notOk(text.includes(gone), `${gone} in ${text}`)
  t.match(text, /\rxxx x'xxxxxx xxxx xx\r/)
  t.strictSame(JSON.parse(disguise(Buffer.from('{"patients":{"774411":{"given_name":"Eve"},"eve@x.org":2}}'), tools.format('json')).toString()), { patients: { 999999: { given_name: 'xxx' }, 'xxx@x.xxx': 9 } })
})

t.test('text and JSON that nobody knows are scrubbed whole', async (t) => {
  t.equal(disguise(Buffer.from('Eve, 14 Elm'), tools.format('text')).toString(), 'xxx, 99 xxx')
  t.strictSame(JSON.parse(disguise(Buffer.from('{"who":"Eve","n":42,"on":true}'), tools.format('json')).toString()), { who: 'xxx', n: 99, on: true })
})

t.test('a mistake in the rules is told with its place', async (t) => {
  const file = (value: object) => ({ value, place: (...keys: readonly (string | number)[]) => `rules.yaml:${keys.join('.')}` })
  t.throws(() => hl7v2Rules(file({ datatypes: { CX: ['id', 'keeep'] }, segments: {} })), { message: /rules\.yaml:datatypes\.CX\.1: `keeep` is neither .*did you mean `keep`/ })
  t.throws(() => hl7v2Rules(file({ datatypes: { CX: ['CX'] }, segments: {} })), { message: /CX has itself/ })
})

t.test('no name, id or date of other people’s messages is left in them', async (t) => {
  const corpora = join(ROOT, '../shared/corpora/hl7v2')
  if (!existsSync(corpora)) return t.comment('skipped: there are no corpora beside the project')
  let count = 0
  for (const entry of readdirSync(corpora, { recursive: true, withFileTypes: true }).filter((each) => each.isFile() && /\.hl7$/i.test(each.name))) {
    const bytes = readFileSync(join(entry.parentPath, entry.name))
    let messages: readonly Buffer[]
    try {
      messages = hl7v2.separate(bytes) ?? [bytes]
      for (const message of messages) hl7v2.parse(message)
    } catch {
      continue // refused for a reason; another test counts them
    }
    for (const message of messages) {
      count += 1
      const left = leaks(message)
      if (left.length > 0) t.fail(`${entry.name}: ${left.length} values are left, the first ${left[0]}`)
    }
  }
  t.comment(`${count} messages`)
  t.ok(count > 0)
})
