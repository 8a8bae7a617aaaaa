/** The fhir format: what it refuses, what it says of it, and how Bundles are asked and written. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Fault } from '../../../engine/contracts.js'
import { MessageFault } from '../../../engine/errors.js'
import definition from '../../../engine/formats/fhir/index.js'
import { ROOT, transformTools } from '../../transforms/tools.js'

const fhir = transformTools().format('fhir')
const bytesOf = (resource: unknown): Buffer => Buffer.from(JSON.stringify(resource))
const bundleBytes = readFileSync(join(ROOT, 'fixtures/fhir/referral-bundle.json'))
const bundle = fhir.parse(bundleBytes)

const faultOf = (act: () => unknown): Fault | null => {
  try {
    act()
    return null
  } catch (error) {
    if (error instanceof MessageFault) return error.fault
    throw error
  }
}
const refusal = (resource: unknown): string => {
  const fault = faultOf(() => fhir.parse(bytesOf(resource)))
  return fault ? `${fault.kind} ${fault.location}: ${fault.reason}` : 'valid'
}

const request = { resourceType: 'ServiceRequest', status: 'active', intent: 'order', subject: { reference: 'Patient/1' } }
const observation = { resourceType: 'Observation', status: 'final', code: { text: 'weight' } }
const inBundle = (...resources: readonly unknown[]) => ({ resourceType: 'Bundle', type: 'collection', entry: resources.map((resource) => ({ resource })) })

t.test('a resource that is not FHIR R4 is refused with its path and without its values', async (t) => {
  t.equal(refusal(request), 'valid')
  const { subject: _, ...noSubject } = request
  for (const [resource, expected] of [
    [{ ...request, intent: undefined }, 'required ServiceRequest.intent: is required'],
    [noSubject, 'required ServiceRequest.subject: is required'],
    [{ ...request, status: 'actve' }, 'value ServiceRequest.status: must be one of draft, active, on-hold, revoked, completed, entered-in-error, unknown'],
    [{ ...request, prioritty: 'x' }, 'value ServiceRequest.prioritty: is not an element of FHIR R4 here'],
    [{ ...request, 'Jane Doe 1961': 1 }, 'value ServiceRequest: is not an element of FHIR R4 here'],
    [{ resourceType: 'Task', intent: 'order' }, 'required Task.status: is required'],
    [{ resourceType: 'Bundle' }, 'required Bundle.type: is required'],
    [{ ...observation, valueString: 'a', valueBoolean: true }, 'value Observation.value[x]: has more than one value, and may have one'],
    [{ ...observation, code: {} }, 'value Observation.code: is empty; leave out what has no value'],
    [{ ...observation, note: [] }, 'value Observation.note: is empty; leave out what has no value'],
    [{ ...observation, code: { text: '' } }, 'value Observation.code.text: is empty; leave out what has no value'],
    [{ ...observation, valueInteger: 1.5 }, 'value Observation.valueInteger: must be a whole number'],
    [{ resourceType: 'Patient', birthDate: '09/04/1961' }, 'value Patient.birthDate: is not a valid date'],
    [{ resourceType: 'Patient', name: { family: 'x' } }, 'value Patient.name: must be a list'],
    [{ resourceType: 'Patient', contained: [{ resourceType: 'Organisation' }] }, 'value Patient.contained[0].resourceType: must name a resource of FHIR R4'],
    [{ resourceType: 'MedicationRequest', status: 'active', intent: 'order', subject: { reference: 'x' } }, 'required MedicationRequest.medication[x]: is required'],
    [{ resourceType: 'Parameters', parameter: [{ name: 'a', resource: { resourceType: 'Patient', gender: 'f' } }] }, 'value Parameters.parameter[0].resource.gender: must be one of male, female, other, unknown'],
    [inBundle(request, { ...request, status: undefined }), 'required Bundle.entry[1].resource.status: is required'],
    [{ resourceType: 'Referral' }, 'value resource.resourceType: must name a resource of FHIR R4'],
  ] as const) t.equal(refusal(resource), expected)
})

t.test('a primitive may be absent where its extensions say why, and a list may have gaps', async (t) => {
  const why = { extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'unknown' }] }
  t.equal(refusal({ ...request, status: undefined, _status: why }), 'valid')
  t.equal(refusal({ resourceType: 'Patient', name: [{ given: [null, 'Wren'], _given: [why, null] }] }), 'valid')
})

t.test('limits and JSON itself', async (t) => {
  const small = (settings: { size?: string; entries?: number; depth?: number }) => definition.create(settings, transformTools())
  t.equal(faultOf(() => small({ size: '1kB' }).parse(bundleBytes))?.reason, 'is larger than 1024 bytes')
  t.equal(faultOf(() => small({ entries: 4 }).parse(bundleBytes))?.location, 'Bundle.entry')
  t.match(faultOf(() => small({ depth: 3 }).parse(bundleBytes))?.reason, /nested too deeply, at line \d+, column \d+/)
  t.match(faultOf(() => fhir.readHeader(Buffer.from('{"resourceType":"Patient","id":"a",\n "id":"b"}')))?.reason, /repeats a name of the same object, at line 2, column 2/)
  t.equal(faultOf(() => fhir.readHeader(Buffer.from('[]')))?.kind, 'unreadable')
  t.equal(refusal({ resourceType: 'Binary', contentType: 'text/plain', data: `${'AAAA    '.repeat(20_000)}!` }), 'value Binary.data: is not a valid base64Binary', 'and it does not take long')
  t.equal(refusal({ resourceType: 'Binary', contentType: 'text/plain', data: 'QUFB'.repeat(500_000) }), 'valid')
})

t.test('the header is what identifies the message to its sender', async (t) => {
  const header = (resource: unknown) => fhir.readHeader(bytesOf(resource))
  t.same(fhir.readHeader(bundleBytes), { controlId: 'R-2026-0117', type: 'Bundle' })
  t.same(header({ resourceType: 'Patient', id: 'p1' }), { controlId: 'p1', type: 'Patient' })
  t.same(header({ ...inBundle({ resourceType: 'MessageHeader', id: 'm1' }), id: 'b1' }), { controlId: 'm1', type: 'Bundle' })
  t.same(header({ ...inBundle(request), id: 'b1' }), { controlId: 'b1', type: 'Bundle' })
  t.same(header({ resourceType: 'Nonsense', id: 5 }), { controlId: null, type: null })
})

t.test('paths on a Bundle are asked of the resources of their type', async (t) => {
  for (const [path, values] of [
    ['ServiceRequest.priority', ['urgent']],
    ['Patient.name.family', ['Quillfeather', 'Thistlewood']],
    ['Patient.name[1].family', ['Thistlewood']],
    ["Patient.name.where(use = 'official').given", ['Odalys', 'Wren']],
    ['Patient.active', ['true']],
    ['Condition.code.coding.code', ['I48.0', 'E11.9']],
    ['Observation.valueQuantity.value', ['72.50']],
    ['Observation.value.unit', ['kg']],
    ['Observation.value.ofType(Quantity).unit', ['kg']],
    ['ServiceRequest.performer', ['{"display":"Cardiology"}']],
    ['Bundle.identifier.value', ['R-2026-0117']],
    ['identifier.value', ['R-2026-0117']],
    ['Bundle.entry.resource.ofType(Patient).gender', ['female']],
    ['Coverage.status', []],
  ] as const) t.same(fhir.read(bundle, path), values, path)
  t.same(fhir.read(fhir.parse(bytesOf(request)), 'ServiceRequest.subject.reference'), ['Patient/1'], 'and on a resource of itself')
  t.same(fhir.read(fhir.parse(bytesOf(request)), 'Patient.id'), [])
})

t.test('a test holds if it holds for some resource of each type that it names', async (t) => {
  for (const [expression, expected] of [
    ["ServiceRequest.priority in ('urgent' | 'stat')", true],
    ["ServiceRequest.priority in ('routine' | 'stat')", false],
    ["ServiceRequest.performer.display = 'Cardiology'", true],
    ['Patient.exists()', true],
    ['Coverage.exists()', false],
    ['Coverage.exists().not()', true],
    ["Condition.code.coding.code = 'E11.9'", true],
    ["Condition.code.coding.code = 'C43.9'", false],
    ["Patient.exists() and Condition.code.coding.code = 'I48.0'", true],
    ["Condition.code.coding.where(code = 'I48.0').exists() and Patient.name.where(family = 'Thistlewood').exists()", true],
    ["Bundle.entry.resource.ofType(Condition).count() = 2", true],
    ["%resource.type = 'collection'", true],
    ['Bundle.entry.resource.where($this is Patient).exists() and Bundle.entry[1].resource.as(Patient).exists()', true],
    ["Patient.name.where(family = 'Patient.name').exists()", false],
    ['Coverage.status', false],
  ] as const) t.equal(fhir.test?.(bundle, expression), expected, expression)
  t.equal(fhir.test?.(fhir.parse(bytesOf({ ...request, priority: 'stat' })), "ServiceRequest.priority = 'stat'"), true, 'and of a resource itself')
})

t.test('what cannot be asked says so without quoting the message', async (t) => {
  const said = (expression: string) => faultOf(() => fhir.test?.(bundle, expression))?.reason ?? 'nothing'
  t.equal(said('Patient.name.family'), '`Patient.name.family` is neither true nor false here: it gives 2 values; compare it, or end it with .exists()')
  t.equal(said("Patient.name.family & 'x' = 'y'"), "`Patient.name.family & 'x' = 'y'` cannot be asked of this message: it needs one value where there are several, or a value of another type")
  t.equal(said('Patient.nam('), "`Patient.nam(` is not FHIRPath: line 1, column 13: mismatched input '<EOF>'")
  t.match(fhir.checkPath('Patient.name.wher(x)'), /there is no function wher\(\)/)
  t.equal(fhir.checkPath('Pateint.name'), 'FHIR R4 has no resource called Pateint')
  t.equal(fhir.checkPath('ServiceRequest.prio'), 'ServiceRequest has no element `prio`')
  t.equal(fhir.checkPath('Observation.value'), null, 'a choice is named as FHIRPath names it')
  t.equal(fhir.checkPath('Observation.valueQuantity.value'), null, 'or as JSON does')
})

t.test('writing creates what is missing, removes what is left empty, and checks values', async (t) => {
  const after = (path: string, value: string | null) => {
    const written = fhir.write(bundle, path, value)
    fhir.parse(fhir.serialize(written))
    return fhir.read(written, path.split(/[.[]/)[0] ?? '').join()
  }
  t.match(after('Patient.name.family', 'Z'), /"family":"Z".*"family":"Z"/, 'a step without an index is every element')
  t.match(after('Patient.name[0].given', 'Z'), /"given":\["Z"\]/, 'the last step is the whole list')
  t.match(after('Patient.name[2].family', 'Z'), /Thistlewood"},{"family":"Z"}/)
  t.notMatch(after('Patient.name', null), /name/)
  t.notMatch(fhir.read(fhir.write(fhir.parse(bytesOf({ resourceType: 'Patient', contact: [{ name: { family: 'x' } }] })), 'Patient.contact.name.family', null), 'Patient').join(), /contact/)
  t.match(after('Patient.contact.name.family', 'Z'), /"contact":\[{"name":{"family":"Z"}}\]/)
  t.equal(after('Condition.code.text', 'x').match(/"text":"x"/g)?.length, 2, 'every resource of the type')
  t.notMatch(after('Observation.valueString', 'x'), /valueQuantity/, 'one of a choice replaces the other')
  const extended = fhir.parse(bytesOf({ resourceType: 'Patient', birthDate: '1961-04-09', _birthDate: { id: 'b' } }))
  t.notMatch(fhir.read(fhir.write(extended, 'Patient.birthDate', null), 'Patient').join(), /birthDate/, 'extensions go with the value')
  const refused = (path: string, value: string) => {
    const fault = faultOf(() => fhir.write(bundle, path, value))
    return `${fault?.kind} ${fault?.location}: ${fault?.reason}`
  }
  t.equal(refused('ServiceRequest.priority', 'urgnt'), 'value ServiceRequest.priority: must be one of routine, urgent, asap, stat')
  t.equal(refused('Patient.active', 'yes'), 'value Patient.active: must be a boolean, written as JSON')
  t.equal(refused('Patient.name[4].family', 'Z'), 'value Patient.name[4]: cannot be written: there are 2 so far')
  t.equal(refused('Coverage.status', 'active'), 'required Coverage: there is no such resource to write to')
  t.equal(refused('Patient.gender.x', 'Z'), 'internal Patient.gender: has no elements of its own')
  t.match(refused('Patient.name.where(true)', 'Z'), /can be read but not written/)
})

t.test('a changed body keeps the digits of its other numbers', async (t) => {
  const text = fhir.serialize(fhir.write(bundle, 'Observation.status', 'amended')).toString()
  t.match(text, /"value":72\.50,/)
  t.notMatch(text, /\n/, 'without spaces')
})

t.test('a Bundle is split into its resources', async (t) => {
  t.equal(fhir.split(bundle, 'entry').length, 5)
  t.same(fhir.split(bundle, 'Condition').flatMap((part) => fhir.read(part, 'Condition.code.coding.code')), ['I48.0', 'E11.9'])
  t.same(fhir.split(bundle, 'Coverage'), [])
})

t.test('it is answered by an OperationOutcome when done with, and not before', async (t) => {
  t.equal(fhir.acknowledge(bundleBytes, 'stored', 'accepted'), null)
  const reply = fhir.acknowledge(bundleBytes, 'done', 'rejected', { kind: 'required', reason: 'is required', location: 'ServiceRequest.subject' }) ?? Buffer.alloc(0)
  t.same(JSON.parse(reply.toString()), { resourceType: 'OperationOutcome', issue: [{ severity: 'error', code: 'required', diagnostics: 'is required', expression: ['ServiceRequest.subject'] }] })
  for (const verdict of ['accepted', 'error', 'rejected'] as const) t.doesNotThrow(() => fhir.parse(fhir.acknowledge(bundleBytes, 'done', verdict) ?? Buffer.alloc(0)))
})

t.test('what other programs make is read or refused with a place', async (t) => {
  const folder = join(ROOT, '../shared/corpora/v2-to-fhir/microsoft/expected')
  if (!existsSync(folder)) {
    t.comment('skipped: there are no public FHIR bundles beside the project')
    return
  }
  let valid = 0
  for (const name of readdirSync(folder)) {
    const bytes = readFileSync(join(folder, name))
    const fault = faultOf(() => t.ok(fhir.serialize(fhir.parse(bytes)).equals(bytes), name))
    if (fault) t.match(fault.location, /^Bundle\.entry\[\d+\]\.resource\./, name)
    else valid += 1
  }
  t.ok(valid > 60, `${valid} are valid`)
})
