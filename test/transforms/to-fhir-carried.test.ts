/** What a bundle carries of its message: every field is in it, told by it, or named as one that need not be. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Bundle } from 'fhir/r4.js'
import t from 'tap'
import type { Message } from '../../engine/contracts.js'
import { MessageFault } from '../../engine/errors.js'
import { segments } from '../../engine/formats/hl7v2/view.js'
import { messageMap } from '../../engine/v2-to-fhir/message-map.js'
import toFhir from '../../transforms/to-fhir/index.js'
import { all, at, fhir, fixture, hl7v2, lines, message, one, ROOT, told as origins, tools } from '../engine/v2-to-fhir/kit.js'

const step = toFhir.create({ with: 'referral', timezone: 'America/Chicago' }, tools)
const mapped = (bytes: Buffer): Message => {
  const result = step(message(bytes))
  if (!Array.isArray(result) || !result[0]) throw new Error('the step makes one message')
  return result[0] as Message
}
const bundleOf = (bytes: Buffer): Bundle => mapped(bytes).body as Bundle
const told = (bundle: Bundle, severity?: string): readonly string[] =>
  all(bundle, 'OperationOutcome').flatMap(({ issue }) => issue.filter((each) => !severity || each.severity === severity).flatMap(({ expression }) => expression ?? []))

const { ignored } = messageMap('referral', tools)
const REFERRALS = readdirSync(join(ROOT, 'fixtures/hl7v2')).filter((name) => /^(ref|omg|orm)-/.test(name))

/** Every repetition of every field that holds something: "PID-3[2]" and its field, "PID-3". */
const filled = (bytes: Buffer): readonly { readonly place: string; readonly repetition: string; readonly field: string }[] => {
  const views = segments(hl7v2.parse(bytes))
  return views.flatMap((view) => Array.from({ length: view.fields }, (_, at) => at + 1).flatMap((field) => {
    const origin = views.filter(({ name }) => name === view.name).length > 1 ? `${view.name}[${view.index}]` : view.name
    const repetitions = view.repetitions(field)
    return repetitions.flatMap(({ text }, at) => (text.replace(/[\^&~\s]/g, '') === '' ? [] : [{ place: `${origin}-${field}`, repetition: `${origin}-${field}${repetitions.length > 1 ? `[${at + 1}]` : ''}`, field: `${view.name}-${field}` }]))
  }))
}

/** The fields of a message that its bundle passes over in silence. */
const silent = (bytes: Buffer): readonly string[] => {
  const bundle = bundleOf(bytes)
  const known = new Set([...origins(bundle).map(({ field }) => field), ...told(bundle)].flatMap((place) => [place, place.replace(/\.[\d.]+$/, '')]))
  return filled(bytes).filter(({ place, repetition, field }) => !known.has(repetition) && !known.has(place) && !ignored.has(field)).map(({ repetition }) => repetition)
}

t.test('every field of every referral is carried, told, or need not be', async (t) => {
  for (const name of REFERRALS) {
    const bytes = fixture(`hl7v2/${name}`)
    t.same(silent(bytes), [], `${name}: ${filled(bytes).length} fields, ${told(bundleOf(bytes), 'information').length} told`)
  }
})

t.test('nor is a field of other people’s referrals and orders passed over in silence', async (t) => {
  const folders = ['hl7v2/REF-RRI', 'hl7v2/OMG-OSU', 'hl7v2/ORM'].map((folder) => join(ROOT, '../shared/corpora', folder)).filter(existsSync)
  if (folders.length === 0) return t.comment('skipped: there are no corpora beside the project')
  const counts = { messages: 0, fields: 0, told: 0, cut: 0 }
  for (const path of folders.flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))) {
    const bytes = readFileSync(path)
    const bundle = attempt(bytes)
    if (!bundle) continue
    counts.messages += 1
    counts.fields += filled(bytes).filter(({ field }) => !ignored.has(field)).length
    counts.told += told(bundle, 'information').length
    // Where more is told than is listed, some places are only counted.
    if (told(bundle, 'information').length < 200) t.same(silent(bytes), [], path)
    else counts.cut += 1
  }
  t.comment(`${counts.messages} messages: of ${counts.fields} fields ${counts.told} are told; ${counts.cut} messages have more than is listed`)
})

/** The bundle of a message, or undefined where it is refused: whether rightly is tested elsewhere. */
const attempt = (bytes: Buffer): Bundle | undefined => {
  try {
    return bundleOf(bytes)
  } catch (error) {
    if (error instanceof MessageFault) return undefined
    throw error
  }
}

t.test('an accident, further policy numbers, the family doctor and the visit find their places', async (t) => {
  const bundle = bundleOf(fixture('hl7v2/ref-i12-accident.hl7'))
  const [accident] = all(bundle, 'Observation')
  t.match(accident, { code: { text: 'accident' }, effectiveDateTime: '2026-03-07T14:30:00-06:00', note: [{ text: 'Slipped on wet planks' }], component: [{ code: { text: 'place' }, valueString: 'Pier 4' }, { code: { text: 'related to the job' }, valueBoolean: true }, {}, {}, {}] })
  t.equal(one(bundle, 'ServiceRequest').supportingInfo?.length, 1)
  t.match(one(bundle, 'Patient'), { generalPractitioner: [{ display: 'HARBOR CLINIC' }, {}], meta: { lastUpdated: '2026-03-08T17:00:00-06:00' }, identifier: [{ value: 'H9001' }, { system: 'http://hl7.org/fhir/sid/us-medicare' }, { value: '01' }], name: [{ _use: { extension: [{ valueString: 'B' }] } }] })
  t.match(one(bundle, 'Patient').generalPractitioner?.map(({ reference }) => at(bundle, reference)), [{ identifier: [{ value: 'HB01' }] }, { resourceType: 'Practitioner', identifier: [{ value: '1497758544' }] }])
  t.match(one(bundle, 'Coverage'), { subscriberId: 'LSM7781203', identifier: [{ value: 'PPO2' }, { system: 'http://hl7.org/fhir/sid/us-medicare' }, { value: '01' }], policyHolder: { reference: /^urn:uuid:/ } })
  t.match(all(bundle, 'RelatedPerson').map(({ identifier }) => identifier?.map(({ value }) => value)), [['E-55', '999-64-1200'], ['E-55'], ['G9001', 'E-55']], 'the insured, the next of kin, the guarantor')
  t.match(one(bundle, 'Encounter'), { class: { system: 'http://terminology.hl7.org/CodeSystem/v2-0004', code: 'R' }, location: [{ status: 'completed' }, {}], participant: [{}, {}, {}, {}], reasonCode: [{ coding: [{ code: 'R07.9' }] }], hospitalization: { preAdmissionIdentifier: { value: 'PRE-7' } } })
  t.match(one(bundle, 'Condition').extension, [{}, { url: 'urn:refero:diagnosis-type' }].slice(1), 'an admitting diagnosis is no provisional one')
  t.same(told(bundle, 'information'), ['GT1-16', 'IN2-3', 'PV1-18', 'ZHB-1', 'ZHB-2', 'ZHB-3'])
})

t.test('what is told has a place and no content; so many are listed, the others counted', async (t) => {
  const many = lines('MSH|^~\\&|A|B|C|D|20260302||REF^I12|1|P|2.5.1', 'RF1|A', 'PID|1||5|||||||||||||||||||||||||||""', ...Array.from({ length: 150 }, () => 'ZZZ|Secret|Secret~Secret'))
  const [outcome] = all(bundleOf(many), 'OperationOutcome')
  t.equal(outcome?.issue.length, 201)
  t.match(outcome?.issue[0], { severity: 'information', diagnostics: 'PID-30 asks to delete a value, which is not carried.', expression: ['PID-30'] })
  t.match(outcome?.issue[1], { diagnostics: 'ZZZ[1]-1 is not carried.' })
  t.match(outcome?.issue[200], { diagnostics: '101 more places are not listed.' })
  t.notMatch(JSON.stringify(outcome), /Secret/)
})

t.test('a number that several segments repeat is there once, and came from all of them; another number is kept beside it', async (t) => {
  const order = (number: string): Buffer => lines('MSH|^~\\&|A|B|C|D|20260302||OMG^O19|1|P|2.5.1', 'PID|1||5', 'ORC|NW|P1^EHR||||||||||7^RAO^A', `OBR|1|${number}^EHR||1^x^L||||||||||||7^RAO^A`)
  t.match(one(bundleOf(order('P1')), 'ServiceRequest').identifier, [{ value: 'P1' }])
  t.equal(one(bundleOf(order('P1')), 'ServiceRequest').identifier?.length, 1)
  t.same(silent(order('P1')), [])
  t.match(one(bundleOf(order('P2')), 'ServiceRequest').identifier, [{ value: 'P1' }, { value: 'P2' }])
  t.equal(one(bundleOf(order('P1')), 'Practitioner').name?.length, 1)
})

t.test('the bundle is small: written without spaces, with one Provenance that says of every value where it came from', async (t) => {
  const { body } = mapped(fixture('hl7v2/ref-i12-cardiology.hl7'))
  const text = fhir.serialize(body).toString()
  t.equal(text, JSON.stringify(body))
  t.ok(text.length < 100_000, `${text.length} bytes`)
  t.same(fhir.parse(Buffer.from(text)), body, 'what is made is what would be read')
  t.match(all(body as Bundle, 'Provenance').filter(({ target }) => target.every(({ extension }) => extension)), { length: 1, 0: { agent: [{ who: { display: 'LAKESIDE FAMILY MEDICINE' } }], occurredDateTime: '2026-03-02T09:15:00-05:00', entity: [{ role: 'source', what: { identifier: { value: 'LFM20260302000117' }, display: 'REF^I12' } }] } })
})

t.test('segments that nothing maps do not break an order apart', async (t) => {
  const bundle = bundleOf(lines('MSH|^~\\&|A|B|C|D|20260302||OMG^O19|1|P|2.7', 'PID|1||5', 'ORC|NW|P1^EHR', 'PRT||AD||AD^Admitting^HL70912', 'ZOR|1', 'OBR|1|P1^EHR||1^x^L', 'ZOB|2', 'OBX|1|ST|1^y^L||z||||||F', 'ZOX|3', 'NTE|1||of the result'))
  t.equal(all(bundle, 'ServiceRequest').length, 1)
  t.match(one(bundle, 'ServiceRequest'), { identifier: [{ value: 'P1' }], code: { coding: [{ code: '1' }] }, supportingInfo: [{}] })
  t.match(one(bundle, 'Observation').note, [{ text: 'of the result' }])
})
