/** Direct Context: what a mail says of its patient and purpose, read with its place, told where it is malformed, and written where a document goes alone. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Bundle, DocumentReference, FhirResource, OperationOutcome, Patient, ServiceRequest } from 'fhir/r4.js'
import t from 'tap'
import { contextOf, readContext, writeContext } from '../../engine/formats/mime/context.js'
import { attachmentsOf, type Mail } from '../../engine/formats/mime/mail.js'
import { evidenceOf } from '../../engine/v2-to-fhir/evidence.js'
import { factsOf } from '../../referrals/canonical/facts.js'
import { canonical } from '../../referrals/canonical/canonical.js'
import { messageOf } from '../conformance/transforms.js'
import { randomOf } from '../referrals/routing/made.js'
import { pieces, ROOT, transformTools } from './tools.js'

const tools = transformTools()
const mime = tools.format('mime')
const step = (name: string, settings: object) => pieces.transforms.get(name)?.create(settings, tools) ?? t.fail('there is no such step')
const run = async (name: string, settings: object, format: string, bytes: Buffer): Promise<readonly unknown[]> => {
  const result = await (step(name, settings) as (message: unknown) => unknown)(messageOf(tools.format(format), bytes))
  if (!Array.isArray(result)) throw new Error((result as { filtered: string }).filtered)
  return result.map(({ body }: { body: unknown }) => body)
}
const unpack = async (bytes: Buffer): Promise<readonly Bundle[]> => (await run('unpack', { sender: 'direct' }, 'mime', bytes)) as readonly Bundle[]
const fixture = (path: string): Buffer => readFileSync(join(ROOT, 'fixtures', path))
const all = <Kind extends FhirResource>(bundle: Bundle | undefined, type: Kind['resourceType']): readonly Kind[] => (bundle?.entry ?? []).flatMap(({ resource }) => (resource?.resourceType === type ? [resource as Kind] : []))
const problems = (bundle: Bundle | undefined): string => all<OperationOutcome>(bundle, 'OperationOutcome').flatMap(({ issue }) => issue.map(({ diagnostics, expression }) => `${expression?.join() ?? ''} ${diagnostics ?? ''}`)).join(' ')
const mail = (metadata: string, more = ''): Buffer => Buffer.from(`From: ines.bell@direct.meadow.example\r\nTo: referrals@direct.heart.example\r\nMessage-ID: <c1@direct.meadow.example>\r\nX-Direct-Context: <c@x>\r\n${more}MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nPlease see her.\r\n--b\r\nContent-Type: text/plain; name=metadata.txt\r\nContent-ID: <c@x>\r\n\r\n${metadata}\r\n--b--\r\n`)

t.test('what nobody has read is about the patient whom the context names, and each value says where it stands', async (t) => {
  const [bundle, ...more] = await unpack(fixture('mime/direct-context.eml'))
  t.equal(more.length, 0)
  t.match(all<Patient>(bundle, 'Patient'), [{ name: [{ family: 'Quillfeather', given: ['Odalys'] }], birthDate: '1958-04-17', gender: 'female', address: [{ postalCode: '53704' }], identifier: [{ system: 'urn:oid:1.3.6.1.4.1.99999.3.5', value: 'MF1001' }, { value: '77204' }] }])
  t.match(all<DocumentReference>(bundle, 'DocumentReference').map(({ content }) => content[0]?.attachment.contentType), ['text/plain', 'application/pdf'])
  t.notMatch(JSON.stringify(bundle), Buffer.from('version: 1.1').toString('base64'), 'the context itself is no document')
  t.match(all<ServiceRequest>(bundle, 'ServiceRequest')[0]?.subject.reference, /^urn:uuid:/)
  const facts = factsOf(canonical(bundle as Bundle).bundle as Bundle)
  t.match(facts.patient, { names: [{ family: 'Quillfeather' }], birthDate: '1958-04-17' })
  t.match(JSON.stringify(evidenceOf(bundle as Bundle)), /metadata\.txt:patient\.surname/)
})

t.test('a malformed context is told, what of it is right is read, and the mail is never lost', async (t) => {
  const [wrong] = await unpack(mail('version: 1.0\r\ntype: bad/report\r\npurpose: fun\r\npatient-id: MF1\r\npatient: Name=X; surname=Quillfeather; dateOfBirth=4/17/1958'))
  t.match(all<Patient>(wrong, 'Patient'), [{ name: [{ family: 'Quillfeather' }] }])
  t.notOk(all<Patient>(wrong, 'Patient')[0]?.birthDate)
  for (const said of [/type is none that is known/, /purpose is none/, /patient-id that is not OID:number/, /attribute that is not known/, /dateOfBirth is not YYYY-MM-DD/]) t.match(problems(wrong), said)
  t.notMatch(problems(wrong), /Quillfeather|4\/17|fun|MF1/, 'no content in it')
  const [empty] = await unpack(mail('nothing of the kind'))
  t.match(problems(empty), /it has no fields/)
  t.same(all(empty, 'Patient'), [])
  const [missing] = await unpack(Buffer.from(mail('version: 1.0').toString().replace('X-Direct-Context: <c@x>', 'X-Direct-Context: <other@x>')))
  t.match(problems(missing), /that is not in the mail/)
  t.equal(all(missing, 'DocumentReference').length, 2, 'what nothing names is a document')
})

t.test('an encapsulated HL7 v2 message is read as one', async (t) => {
  const order = fixture('hl7v2/omg-o19-360x.hl7').toString('base64')
  const [bundle] = await unpack(Buffer.from(mail('version: 1.0\r\nid: <1@x>\r\nencapsulation: hl7v2').toString().replace(/\r\n--b--/, `\r\n--b\r\nContent-Type: application/x-direct-encapsulated+hl7v2; name=order.dat\r\nContent-Transfer-Encoding: base64\r\n\r\n${order}\r\n--b--`)))
  t.ok(all<ServiceRequest>(bundle, 'ServiceRequest')[0]?.identifier?.length)
  t.equal(problems(bundle), '')
})

t.test('what a program writes beside its documents is none, and alone opens nothing', async (t) => {
  const machine = 'Auto-Submitted: auto-generated\r\n'
  const [bundle] = await unpack(Buffer.concat([Buffer.from(machine), fixture('mime/direct-context.eml')]))
  t.same(all<DocumentReference>(bundle, 'DocumentReference').map(({ content }) => content[0]?.attachment.contentType), ['application/pdf'])
  await t.rejects(unpack(mail('version: 1.0', machine)), /neither text nor a document/)
})

t.test('a note that goes as a document alone has its context, and is read back', async (t) => {
  const render = { letter: 'auto', disclose: 'all', from: 'referrals@direct.heart.example', practice: { name: 'Heart Center' }, direct: { form: 'ccda', oid: '1.3.6.1.4.1.99999.1' } }
  const [sent] = (await run('render', render, 'fhir', fixture('fhir/notice-outcome.json'))) as readonly Mail[]
  const found = contextOf(sent as Mail)
  t.same(found?.problems, [])
  t.match(found?.context, { type: 'general/report', purpose: 'treatment', id: /^<[0-9a-f-]{36}@direct\.heart\.example>$/, patient: { surname: /./, dateOfBirth: /^\d{4}-\d\d-\d\d$/ } })
  t.same(attachmentsOf(sent as Mail).map(({ filename }) => filename).slice(0, 2), ['consultation-note.xml', 'metadata.txt'])
  const [packaged] = (await run('render', { ...render, direct: { ...render.direct, form: '360x' } }, 'fhir', fixture('fhir/notice-outcome.json'))) as readonly Mail[]
  t.equal(contextOf(packaged as Mail), null, 'a package says it itself')
  const context = { id: '<1@x>', patientIds: [{ authority: '1.2.3', value: '9' }], patient: { surname: 'O;Neil\r\npurpose: research', givenName: 'Zoë' }, type: 'general/order', purpose: 'treatment' }
  t.match(readContext(writeContext(context).toString()), { problems: [], context: { ...context, patient: { surname: 'O Neil purpose: research', givenName: 'Zoë' } } })
})

t.test('whatever stands in a context, it is told or read', (t) => {
  const random = randomOf(20260302)
  const PIECES = ['version: 1.1', '\r\n', ' ', ':', ';', '=', 'patient: surname=X', 'patient-id: 1.2:3', '\0', '\ufeff', 'type: radiology/report', 'é', '\n ', 'id:']
  for (let n = 0; n < 2000; n++) {
    const text = Array.from({ length: Math.floor(random() * 12) }, () => PIECES[Math.floor(random() * PIECES.length)]).join('')
    const { context, problems } = readContext(text)
    t.ok(context !== null || problems.length > 0)
  }
  t.end()
})

const CORPUS = join(ROOT, '../shared/corpora/direct/messages')
t.test('the public samples', existsSync(CORPUS) ? {} : { skip: 'the corpora are not here' }, (t) => {
  const read = (name: string) => contextOf(mime.parse(readFileSync(join(CORPUS, name))) as Mail)
  for (const form of ['Base64', 'Binary', 'Default', 'EightBit', 'QuotedPrintable', 'SevenBit']) {
    t.match(read(`ContextSimple1.txt${form}`), { problems: [], context: { type: 'radiology/report', purpose: 'research', patientIds: [{ value: '123456' }, { authority: '2.16.840.1.113883.19.888888', value: '75774' }], patient: { surname: 'Doe', middleName: 'Jacob', postalCode: '12345' } } }, form)
  }
  t.match(read('ContextHL7.Default.txtBase64')?.context, { encapsulation: 'hl7v2', id: '<2142848@direct.example.com>' })
  t.match(read('ContextMissing.eml')?.problems, [/not in the mail/])
  t.match(read('ContextUnparsablePatient.eml'), { problems: [/attribute that is not known/], context: { patient: { surname: 'Doe' } } })
  t.match(read('ContextUnparsableType.eml'), { problems: [/type is none/], context: { type: null } })
  t.match(read('ContextSimple1.txtUUEncode')?.problems, [/./], 'an encoding that nobody reads')
  t.equal(read('NoDirectContextHeader.eml'), null)
  t.end()
})
