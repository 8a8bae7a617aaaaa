/** The steps to-fhir and to-hl7v2 on referrals and orders: facts, origins, the way back, and other people's messages. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Bundle, Provenance } from 'fhir/r4.js'
import t from 'tap'
import type { Message } from '../../engine/contracts.js'
import { MessageFault } from '../../engine/errors.js'
import toFhir from '../../transforms/to-fhir/index.js'
import toHl7v2 from '../../transforms/to-hl7v2/index.js'
import { all, at, fhir, fixture, hl7v2, lines, message, one, ROOT, told, tools } from '../engine/v2-to-fhir/kit.js'

const step = toFhir.create({ with: 'referral', timezone: 'America/Chicago' }, tools)
const mapped = (bytes: Buffer): Message => {
  const result = step(message(bytes))
  if (!Array.isArray(result) || !result[0]) throw new Error('the step makes one message')
  return result[0] as Message
}
const bundleOf = (name: string): Bundle => mapped(fixture(`hl7v2/${name}.hl7`)).body as Bundle
const REFERRALS = readdirSync(join(ROOT, 'fixtures/hl7v2')).filter((name) => /^(ref|omg|orm)-/.test(name) && name.endsWith('.hl7')).map((name) => name.slice(0, -4))

/** The places that a bundle tells of. */
const issues = (bundle: Bundle, severity: string): readonly string[] =>
  all(bundle, 'OperationOutcome').flatMap(({ issue }) => issue.filter((each) => each.severity === severity).flatMap(({ expression }) => expression ?? []))

t.test('a cardiology referral has its patient, both providers, reasons, payer, authorization, results and notes', async (t) => {
  const bundle = bundleOf('ref-i12-cardiology')
  const request = one(bundle, 'ServiceRequest')
  t.match(request, {
    status: 'active', intent: 'order', priority: 'urgent', authoredOn: '2026-03-02T09:12:00-05:00', occurrencePeriod: { start: '2026-03-02', end: '2026-06-01' },
    identifier: [{ type: { coding: [{ code: 'PLAC' }] }, value: 'R2026-00117', system: 'urn:oid:1.3.6.1.4.1.99999.1.7' }],
    category: [{ coding: [{ system: 'http://snomed.info/sct', code: '3457005' }] }, { coding: [{ code: 'Med' }] }],
    code: { coding: [{ system: 'http://www.ama-assn.org/go/cpt', code: '99244' }] }, orderDetail: [{ coding: [{ code: 'WR' }] }], reasonCode: [{ text: 'New atrial fibrillation, evaluate and treat' }],
    note: [{ text: /^Palpitations for 3 weeks/ }, { text: 'Patient prefers mornings & needs a ride.' }],
  })
  t.match(one(bundle, 'Patient'), { birthDate: '1961-06-15', gender: 'female', name: [{ family: 'EVERYWOMAN', given: ['EVE', 'E'] }, { use: 'nickname' }], telecom: [{ use: 'home' }, { use: 'mobile' }, { system: 'email', use: 'home' }, { use: 'work', value: '(608) 5550119 x22' }], deceasedBoolean: false })
  t.equal(one(bundle, 'Patient').deceasedDateTime, undefined, 'HL7’s null gives no value')
  const requester = at(bundle, request.requester?.reference)
  if (requester.resourceType !== 'PractitionerRole') return t.fail('the requester is a role')
  t.match(at(bundle, requester.practitioner?.reference), { resourceType: 'Practitioner', name: [{ family: 'OKAFOR' }], identifier: [{ system: 'http://hl7.org/fhir/sid/us-npi', value: '1548291735' }, {}] })
  t.match(at(bundle, requester.organization?.reference), { name: 'LAKESIDE FAMILY MEDICINE', contact: [{ name: { family: 'ALVAREZ' } }] })
  t.match(requester.telecom, [{ system: 'phone' }, { system: 'fax', value: '(608) 5550143' }, { system: 'email', value: 'nokafor@direct.lakesidefm.example' }])
  t.match(at(bundle, request.performer?.[0]?.reference), { code: [{ coding: [{ code: 'RT' }] }] })
  t.same(request.reasonReference?.map(({ reference }) => at(bundle, reference)).map((reason) => reason.resourceType === 'Condition' && reason.code?.coding?.[0]?.code), ['I48.91', 'I10'])
  t.same(request.insurance?.map(({ reference }) => at(bundle, reference).resourceType), ['Coverage', 'ClaimResponse'])
  const coverage = one(bundle, 'Coverage')
  t.match(coverage, { subscriberId: 'GLH551920034', relationship: { coding: [{ code: 'self' }, {}] }, class: [{ value: 'GOLD' }, { value: 'GRP8812', name: 'Lakeside Schools' }], period: { start: '2026-01-01', end: '2026-12-31' } })
  t.equal(coverage.subscriber?.reference, coverage.beneficiary.reference, 'the insured is the patient')
  t.match(at(bundle, coverage.payor[0]?.reference), { name: 'Great Lakes Health Plan' })
  t.match(one(bundle, 'ClaimResponse'), { preAuthRef: 'A7730041', preAuthPeriod: { end: '2026-06-01' }, item: [{ adjudication: [{}, { category: { text: 'visits authorized' }, value: 4 }] }] })
  t.match(one(bundle, 'AllergyIntolerance'), { category: ['medication'], reaction: [{ severity: 'moderate', manifestation: [{ text: 'Hives' }] }] })
  t.match(one(bundle, 'DiagnosticReport'), { status: 'final', result: [{}, {}] })
  t.match(all(bundle, 'Observation')[0], { valueQuantity: { value: 4.1, code: 'mmol/L' }, status: 'final' })
  t.match(all(bundle, 'Observation')[1]?.note, [{ text: 'Read by referring physician\nTracing to follow by fax.' }])
  const task = one(bundle, 'Task')
  t.match(task, { status: 'requested', code: { coding: [{ code: 'fulfill' }] }, priority: 'urgent', authoredOn: '2026-03-02T09:12:00-05:00' })
  t.equal(at(bundle, task.focus?.reference), request)
  t.equal(at(bundle, task.for?.reference), one(bundle, 'Patient'))
  t.same(issues(bundle, 'warning'), [], 'nothing failed')
  t.same(issues(bundle, 'information'), ['PID-29', 'IN1-16', 'IN1-18', 'IN1-19', 'IN1-43', 'PR1-5', 'OBR-16', 'NTE[3]-2', 'NTE[4]-2'], 'what has no home is told')
})

t.test('whole bundles are as the fixtures have them', async (t) => {
  for (const name of ['ref-i12-minimal', 'omg-o19-360x']) t.same(bundleOf(name), JSON.parse(fixture(`fhir/${name}.json`).toString()), name)
})

t.test('a cancelled, a changed and a bare referral', async (t) => {
  const cancelled = bundleOf('ref-i14-cancel')
  t.equal(one(cancelled, 'ServiceRequest').status, 'revoked')
  t.equal(one(cancelled, 'Task').status, 'cancelled')
  const changed = one(bundleOf('ref-i13'), 'ServiceRequest')
  t.match(changed, { priority: 'stat', identifier: [{ type: { coding: [{ code: 'PLAC' }] } }, { type: { coding: [{ code: 'FILL' }] }, value: 'HC-2026-881' }] })
  const bare = bundleOf('ref-i12-minimal')
  t.match(one(bare, 'ServiceRequest'), { status: 'active', category: [{ coding: [{ code: '3457005' }] }] })
  t.equal(one(bare, 'Task').authoredOn, '2026-03-05T10:15:30-06:00', 'MSH-7 in the step’s time zone')
})

t.test('RF1-1 decides status: A and P are active, R and E revoked', async (t) => {
  for (const [code, status, task] of [['A', 'active', 'requested'], ['P', 'active', 'requested'], ['R', 'revoked', 'cancelled'], ['E', 'revoked', 'cancelled']] as const) {
    const bundle = mapped(lines('MSH|^~\\&|A|B|C|D|20260302||REF^I12|1|P|2.5.1', `RF1|${code}`, 'PID|1||5')).body as Bundle
    t.equal(one(bundle, 'ServiceRequest').status, status)
    t.equal(one(bundle, 'Task').status, task)
  }
})

t.test('360X: nothing but OIDs, a reason in words, a requested-by date', async (t) => {
  const bundle = bundleOf('omg-o19-360x')
  const request = one(bundle, 'ServiceRequest')
  t.match(request, {
    identifier: [{ type: { coding: [{ code: 'PLAC' }] }, system: 'urn:oid:1.3.6.1.4.1.99999.10.21.15', value: '889342' }], code: { coding: [{ system: 'http://loinc.org', code: '57133-1' }] },
    reasonCode: [{ text: 'Rule out headache' }], occurrencePeriod: { end: '2026-03-28T23:59:59+00:00' }, status: 'active',
  })
  t.equal(request.identifier?.length, 1, 'OBR-2 is not a second number')
  const role = at(bundle, request.requester?.reference)
  t.match(role.resourceType === 'PractitionerRole' && at(bundle, role.practitioner?.reference), { name: [{ family: 'Abara', suffix: ['III'], prefix: ['MD'] }], identifier: [{ system: 'urn:oid:1.3.6.1.4.1.99999.10.21.10', value: '34225PC' }] })
})

t.test('each order is a request with its own task, reasons and observations, and all have one requisition', async (t) => {
  const bundle = bundleOf('omg-o19-two-orders')
  const [echo, tracing] = all(bundle, 'ServiceRequest')
  t.match(echo, { status: 'active', priority: 'routine', requisition: { value: 'NC-5570' }, reasonReference: [{}], supportingInfo: [{}] })
  t.match(tracing, { status: 'revoked', priority: 'stat', requisition: { value: 'NC-5570' }, note: [{ text: 'No longer needed.' }], extension: [{ url: /businessEvent$/ }, { valueCodeableConcept: { text: 'Done last week' } }] })
  t.equal(tracing?.reasonReference, undefined, 'the diagnosis belongs to the first order')
  t.equal(echo?.note, undefined, 'the note belongs to the second')
  t.same(all(bundle, 'Task').map(({ status, focus }) => [status, at(bundle, focus?.reference)]), [['requested', echo], ['cancelled', tracing]])
})

t.test('an order in the words of 2.3.1: priority, dates and group number in old places', async (t) => {
  const bundle = bundleOf('orm-o01-echo')
  t.match(one(bundle, 'ServiceRequest'), { priority: 'asap', requisition: { type: { coding: [{ code: 'PGN' }] }, value: 'GRP90' }, occurrencePeriod: { start: '2026-03-11', end: '2026-04-11' }, authoredOn: '2026-03-11T10:12:00-05:00', reasonCode: [{ coding: [{ code: 'R01.1' }] }] })
  t.match(one(bundle, 'Observation'), { valueQuantity: { value: 150, comparator: '>' }, note: [{ text: 'Taken sitting.' }] })
})

t.test('a document keeps its bytes; a pointer keeps its address', async (t) => {
  const bundle = bundleOf('ref-i12-document')
  const [letter, images] = all(bundle, 'DocumentReference')
  const binary = at(bundle, letter?.content[0]?.attachment.url)
  t.match(binary, { resourceType: 'Binary', contentType: 'application/pdf' })
  t.match(binary.resourceType === 'Binary' && Buffer.from(binary.data ?? '', 'base64').toString(), /^%PDF-1\.4/)
  t.match(images?.content[0]?.attachment, { url: 'https://images.westside.example/study/5512', contentType: 'image/jpeg' })
})

t.test('other character sets and Z-segments do no harm', async (t) => {
  const bundle = bundleOf('ref-i12-latin1')
  t.match(one(bundle, 'Patient').name, [{ family: 'GARCÍA', given: ['NÚRIA'] }])
  t.match(one(bundle, 'ServiceRequest').note, [{ text: 'Müdigkeit seit März' }])
})

t.test('what cannot be mapped is kept readable and listed, without its value', async (t) => {
  const bundle = mapped(lines('MSH|^~\\&|A|B|C|D|20260302||REF^I12|1|P|2.5.1', 'RF1|ZZ|WHENEVER', `PID|1||5||DOE^J||19XX|Q${'|'.repeat(22)}Maybe`)).body as Bundle
  t.match(one(bundle, 'Patient'), { gender: 'unknown', _gender: { extension: [{ valueString: 'Q' }] }, _birthDate: { extension: [{ valueString: '19XX' }] }, _deceasedBoolean: { extension: [{ valueString: 'Maybe' }] } })
  t.match(one(bundle, 'ServiceRequest'), { status: 'active', _priority: { extension: [{ valueString: 'WHENEVER' }] } })
  const told = one(bundle, 'OperationOutcome').issue.map(({ diagnostics }) => diagnostics).join(' ')
  for (const place of ['RF1-1', 'RF1-2', 'PID-7', 'PID-8', 'PID-30']) t.match(told, place)
  t.notMatch(told, /WHENEVER|19XX|Maybe/)
})

t.test('what is not for the mapping is refused in its sender’s terms', async (t) => {
  const fault = (bytes: Buffer, format = 'hl7v2'): unknown => {
    try {
      return step({ ...message(bytes), format })
    } catch (error) {
      return error instanceof MessageFault ? error.fault : error
    }
  }
  t.match(fault(fixture('hl7v2/adt-a03.hl7')), { kind: 'unsupported', location: 'MSH-9', reason: /REF\^I12/ })
  t.match(fault(lines('MSH|^~\\&|A|B|C|D|20260302||REF^I12|1|P|2.5.1', 'RF1|A')), { kind: 'required', location: 'PID' })
  t.match(fault(fixture('hl7v2/ref-i13.hl7'), 'fhir'), { kind: 'unsupported' })
  t.throws(() => toFhir.create({ with: 'referral', timezone: 'Mars/Olympus' }, tools), { message: /"Mars\/Olympus" is not a time zone/ })
  t.throws(() => toFhir.create({ with: 'referal' }, tools), { message: /fields\/referal/ })
})

t.test('the same message gives the same bundle; another sender’s gives other ids', async (t) => {
  t.same(bundleOf('ref-i12-cardiology'), bundleOf('ref-i12-cardiology'))
  const urls = (bytes: Buffer): readonly (string | undefined)[] => ((mapped(bytes).body as Bundle).entry ?? []).map(({ fullUrl }) => fullUrl)
  const bytes = fixture('hl7v2/ref-i13.hl7')
  const other = urls(Buffer.from(bytes.toString().replace('LAKESIDE FAMILY MEDICINE', 'NORTHSIDE')))
  t.equal(new Set(urls(bytes)).size, urls(bytes).length, 'no id twice')
  t.notOk(urls(bytes).some((url) => other.includes(url)))
})

/** The paths of all plain values of a resource. */
const leaves = (value: unknown, path = ''): readonly string[] => {
  if (Array.isArray(value)) return value.flatMap((item, index) => (item === null ? [] : leaves(item, `${path}[${index}]`)))
  if (typeof value !== 'object' || value === null) return [path]
  return Object.entries(value).flatMap(([name, part]) => leaves(part, path ? `${path}.${name.replace(/^_/, '')}` : name.replace(/^_/, '')))
}
/** A Provenance of single values; the others are about the message. */
const isOfValues = ({ target }: Provenance): boolean => target.every(({ extension }) => extension !== undefined)

/** What the engine adds itself: links, what an extension is, and what the message map sets. */
const OWN = /^resourceType$|reference$|\.url$|^content\[0\]\.attachment\.url$/
const SET: Readonly<Record<string, RegExp>> = {
  ServiceRequest: /^(status|intent)$/, Task: /^(status|intent|code\.)/, Encounter: /^(status|class\.)/, Coverage: /^(status|payor)/, Patient: /^gender$/,
  MessageHeader: /^source\.endpoint|^destination/, Provenance: /^(recorded|agent)/, Account: /^status$/,
  ClaimResponse: /^(status|use|outcome|type\.|insurer)/, Observation: /^(status|code\.text)$/, DiagnosticReport: /^(status|code\.text)$/, DocumentReference: /^status$/,
}

t.test('every value of every referral says where it came from, and every origin leads to a value', async (t) => {
  for (const name of REFERRALS) {
    const bundle = bundleOf(name)
    const origins = new Map<string, string>()
    for (const { url, path, origin, field } of told(bundle)) {
      t.match(field, /^[A-Z][A-Z0-9]{2}(\[\d+\])?(-\d+(\[\d+\])?)?$/)
      origins.set(`${url} ${path}`, origin)
    }
    const values = new Set<string>()
    for (const { fullUrl, resource } of bundle.entry ?? []) {
      if (!resource || (resource.resourceType === 'Provenance' && isOfValues(resource as Provenance)) || resource.resourceType === 'OperationOutcome') continue
      for (const path of leaves(resource)) {
        values.add(`${fullUrl} ${path}`)
        if (!origins.has(`${fullUrl} ${path}`) && !OWN.test(path) && !SET[resource.resourceType]?.test(path)) t.fail(`${name}: ${resource.resourceType}.${path} has no origin`)
      }
    }
    for (const [place, origin] of origins) if (!values.has(place)) t.fail(`${name}: ${origin} leads to ${place}, where nothing is`)
    t.ok(origins.size > 10, `${name}: ${origins.size} values`)
  }
})

t.test('the origins are exact: the component, the repetition, the occurrence', async (t) => {
  const bundle = bundleOf('ref-i12-cardiology')
  const origin = (type: string, path: string, nth = 0): string | undefined => {
    const entry = (bundle.entry ?? []).filter(({ resource }) => resource?.resourceType === type)[nth]
    return told(bundle).find((each) => each.url === entry?.fullUrl && each.path === path)?.origin
  }
  t.equal(origin('Patient', 'name[0].family'), 'PID-5[1].1.1')
  t.equal(origin('Patient', 'identifier[0].system'), 'PID-3[1].4.2')
  t.equal(origin('Patient', 'birthDate'), 'PID-7')
  t.equal(origin('Observation', 'valueString', 1), 'OBX[2]-5')
  t.equal(origin('Condition', 'code.coding[0].code', 1), 'DG1[2]-3.1')
})

const facts = (bytes: Buffer, paths: readonly string[]): Readonly<Record<string, readonly string[]>> =>
  Object.fromEntries(paths.map((path) => [path, everywhere(hl7v2.parse(bytes), path)]))
/** The values at a path in every segment of its name, in whatever order. */
const everywhere = (body: unknown, path: string): readonly string[] =>
  Array.from({ length: 9 }, (_, index) => hl7v2.read(body, path.replace(/^(\w{3})/, `$1[${index + 1}]`))).flat().filter((value) => value !== '').sort()
const back = (bytes: Buffer, name: string): Buffer => {
  const result = toHl7v2.create({ with: name, version: '2.5.1' }, tools)(mapped(bytes))
  if (!Array.isArray(result)) throw new Error('the step makes one message')
  return hl7v2.serialize((result[0] as Message).body)
}

const KEPT: Readonly<Record<string, readonly string[]>> = {
  'ref-i12': ['MSH-9.1', 'MSH-9.2', 'MSH-10', 'RF1-1', 'RF1-2.1', 'RF1-3', 'RF1-4', 'RF1-5', 'RF1-6', 'RF1-7', 'RF1-8', 'RF1-9', 'RF1-10', 'RF1-11', 'AUT-2.1', 'AUT-3', 'AUT-4', 'AUT-5', 'AUT-6', 'AUT-8.1', 'AUT-9', 'PRD-1', 'PRD-2', 'PRD-3', 'PRD-7', 'PRD-8', 'CTD-2',
    'PID-3', 'PID-5', 'PID-6', 'PID-7', 'PID-8', 'PID-10', 'PID-11', 'PID-15', 'PID-16', 'PID-18', 'PID-22', 'PID-24', 'PID-30', 'NK1-2', 'NK1-4', 'GT1-3', 'GT1-8', 'GT1-9', 'IN1-2.1', 'IN1-3', 'IN1-4', 'IN1-5', 'IN1-8', 'IN1-9', 'IN1-12', 'IN1-13', 'IN1-17', 'IN1-18', 'IN1-22', 'IN1-36', 'IN1-43',
    'DG1-3.1', 'DG1-3.2', 'DG1-3.3', 'DG1-4', 'DG1-5', 'DG1-6.1', 'DG1-15', 'AL1-2.1', 'AL1-3', 'AL1-4.1', 'AL1-5', 'AL1-6', 'PR1-1', 'PR1-3.1', 'OBR-2', 'OBR-3', 'OBR-4', 'OBR-7', 'OBR-22', 'OBR-24', 'OBR-25', 'OBX-2', 'OBX-3', 'OBX-5.1', 'OBX-5.5', 'OBX-6', 'OBX-7', 'OBX-8', 'OBX-11', 'OBX-14', 'NTE-3', 'PV1-2.1', 'PV1-7.1', 'PV1-8.1', 'PV1-19', 'PV1-44', 'IN1-10.1', 'IN1-11', 'IN1-44', 'IN2-1.1', 'IN2-2.1', 'IN2-6.1', 'IN2-34.1', 'ACC-1', 'ACC-2.1', 'ACC-3', 'ACC-5', 'ACC-6', 'ACC-8', 'ACC-9', 'ACC-10', 'ACC-13', 'GT1-2.1', 'GT1-12', 'GT1-13', 'GT1-14', 'GT1-19.1', 'GT1-36.1', 'NK1-8', 'PD1-3.1', 'PD1-4.1', 'PD1-6.1', 'PD1-14',
    'PV1-3.9', 'PV1-5.1', 'PV1-13.1', 'PV1-15.1', 'PV1-17.1', 'PV1-52.1', 'PV2-3.1', 'PV2-9', 'PV2-13.1', 'AUT-7.1'],
  'omg-o19': ['MSH-9', 'MSH-10', 'PID-3.1', 'PID-3.4.2', 'PID-5', 'PID-7', 'PID-8', 'ORC-1', 'ORC-2', 'ORC-12.1', 'ORC-12.2', 'ORC-12.3', 'ORC-16', 'TQ1-8', 'OBR-2', 'OBR-4', 'OBR-31.1', 'OBR-31.2', 'DG1-3', 'OBX-2', 'OBX-3', 'OBX-5', 'NTE-3'],
  'orm-o01': ['MSH-9', 'MSH-10', 'PID-3', 'PID-5', 'PID-7', 'PID-8', 'PID-11', 'ORC-1', 'ORC-2', 'ORC-12.1', 'ORC-22', 'OBR-2', 'OBR-4', 'OBR-5', 'OBR-31', 'DG1-3.1', 'DG1-4', 'OBX-2', 'OBX-3', 'OBX-5', 'OBX-11', 'NTE-3', 'IN1-4', 'IN1-17.1', 'IN1-36'],
}

t.test('there and back: every fact that the way back claims is the same', async (t) => {
  for (const name of REFERRALS) {
    const map = name.startsWith('ref') ? 'ref-i12' : name.startsWith('omg') ? 'omg-o19' : 'orm-o01'
    const bytes = fixture(`hl7v2/${name}.hl7`)
    const returned = back(bytes, map)
    const paths = KEPT[map] ?? []
    const [sent, got] = [facts(bytes, paths), facts(returned, paths)]
    // Precision may grow by zeroes and defaults may be said aloud: what was sent must be there.
    for (const path of paths) {
      const missing = (sent[path] ?? []).filter((value) => value !== '' && !got[path]?.includes(value))
      if (missing.length > 0) t.same({ [path]: got[path] }, { [path]: sent[path] }, `${name} keeps ${path}`)
    }
    // And what came back means the same referral.
    const again = mapped(returned).body as Bundle
    const { note, supportingInfo: _, ...first } = one(bundleOf(name), 'ServiceRequest')
    t.match(one(again, 'ServiceRequest'), { status: first.status, ...(first.priority ? { priority: first.priority } : {}), ...(first.code ? { code: first.code } : {}), ...(first.reasonCode ? { reasonCode: first.reasonCode } : {}), identifier: first.identifier?.map(({ assigner, ...each }) => ({ ...each, ...(assigner ? { assigner: { display: assigner.display } } : {}) })) }, `${name} is the same request`)
  }
})

t.test('a bundle of somebody else’s making becomes a message too, and one without a request is refused', async (t) => {
  const bundle = {
    resourceType: 'Bundle', type: 'collection', entry: [
      { fullUrl: 'urn:uuid:6f1c2ac4-8d3e-4b11-9a55-2f3d0b1f5c01', resource: { resourceType: 'ServiceRequest', status: 'active', intent: 'order', priority: 'stat', code: { text: 'See soon | today' }, subject: { reference: 'urn:uuid:6f1c2ac4-8d3e-4b11-9a55-2f3d0b1f5c02' } } },
      { fullUrl: 'urn:uuid:6f1c2ac4-8d3e-4b11-9a55-2f3d0b1f5c02', resource: { resourceType: 'Patient', name: [{ text: 'Jo Doe' }], gender: 'female' } },
    ],
  }
  const asMessage = (body: unknown): Message => ({ ...message(fixture('hl7v2/ref-i13.hl7')), format: 'fhir', body: fhir.parse(Buffer.from(JSON.stringify(body))) })
  const send = toHl7v2.create({ with: 'ref-i12' }, tools)
  const [sent] = (await send(asMessage(bundle))) as readonly Message[]
  t.same(facts(hl7v2.serialize(sent?.body), ['RF1-2', 'PR1-3.2', 'PID-5.1', 'PID-8', 'MSH-12']), { 'RF1-2': ['S'], 'PR1-3.2': ['See soon | today'], 'PID-5.1': ['Jo Doe'], 'PID-8': ['F'], 'MSH-12': ['2.5.1'] })
  t.throws(() => send(asMessage({ resourceType: 'Patient' })), { message: /no ServiceRequest/ })
  t.throws(() => send(message(fixture('hl7v2/ref-i13.hl7'))), { message: /to-hl7v2 takes FHIR/ })
})

t.test('other people’s referrals and orders are mapped or refused for a reason, and what is mapped is valid', async (t) => {
  const corpora = join(ROOT, '../shared/corpora')
  const folders = ['hl7v2/REF-RRI', 'hl7v2/OMG-OSU', 'hl7v2/ORM', 'v2-to-fhir/microsoft/msg'].map((folder) => join(corpora, folder)).filter(existsSync)
  if (folders.length === 0) return t.comment('skipped: there are no corpora beside the project')
  const counts = { mapped: 0, refused: 0, issues: 0 }
  for (const folder of folders) {
    for (const name of readdirSync(folder).filter((file) => !folder.endsWith('msg') || /^(REF|OMG|ORM)/.test(file))) {
      try {
        const bundle = mapped(readFileSync(join(folder, name))).body as Bundle
        counts.mapped += 1
        counts.issues += issues(bundle, 'warning').length > 0 ? 1 : 0
        t.ok(all(bundle, 'ServiceRequest').length > 0, `${name} has a request`)
      } catch (error) {
        if (!(error instanceof MessageFault) || error.fault.location === undefined || error.fault.location.startsWith('Bundle')) t.fail(`${name}: ${error instanceof Error ? error.message : error}`)
        counts.refused += 1
      }
    }
  }
  t.comment(`${counts.mapped} mapped and valid, ${counts.refused} refused with a reason, ${counts.issues} with something that could not be mapped`)
  t.ok(counts.mapped > counts.refused)
})
