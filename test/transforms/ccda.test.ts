/** C-CDA read into the canonical referral, and written from it. */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Bundle, FhirResource, Provenance } from 'fhir/r4.js'
import t from 'tap'
import type { MappingDocument, Message, Tools } from '../../engine/contracts.js'
import { readYaml } from '../../engine/yaml-source.js'
import { canonical } from '../../referrals/canonical/canonical.js'
import { documentsOf } from '../../referrals/canonical/documents.js'
import { factsOf } from '../../referrals/canonical/facts.js'
import { settingsOf } from '../conformance/formats.js'
import { messageOf } from '../conformance/transforms.js'
import { fixture, pieces, ROOT, transformTools } from './tools.js'

const tools = transformTools()
const xml = tools.format('xml')
const stepOf = (name: string, settings: object, own: Tools = tools) => {
  const definition = pieces.transforms.get(name)
  if (!definition) throw new Error(`no step ${name}`)
  const step = definition.create(settingsOf(definition.settings, settings).settings, own)
  return async (message: Message): Promise<Message> => {
    const result = await step(message)
    const [one] = Array.isArray(result) ? result : []
    if (!one) throw new Error('nothing came out')
    return one as Message
  }
}
const read = async (message: Message, settings: object = {}): Promise<Bundle<FhirResource>> => (await stepOf('from-ccda', settings)(message)).body as Bundle<FhirResource>
const of = <Name extends FhirResource['resourceType']>(bundle: Bundle, name: Name) => (bundle.entry ?? []).map(({ resource }) => resource as FhirResource).filter((one): one is Extract<FhirResource, { resourceType: Name }> => one.resourceType === name)
const note = (change: (text: string) => string = (text) => text): Message => messageOf(xml, Buffer.from(change(xml.serialize(fixture('xml/referral-note.xml').body).toString())))
const PRACTICE = { oid: '1.3.6.1.4.1.99999.1', name: 'Heart Center', phone: '555-555-0100' }

t.test('a Referral Note is a referral, whatever its code says', async (t) => {
  t.equal(of(await read(note((text) => text.replace('57113-1', '11488-4'))), 'ServiceRequest').length, 1, 'its template decides, not the code of a consultation note')
  t.equal(of(await read(note((text) => text.replace('57113-1', '11488-4').replaceAll('10.20.22.1.14"', '10.20.22.1.99"'))), 'ServiceRequest').length, 0, 'its code does, where the template is not known')
  const { bundle, problems } = canonical(await read(note()))
  t.same(problems, [])
  if (!bundle) throw new Error('no bundle')
  const facts = factsOf(bundle)
  t.same(facts.placer, { system: 'urn:oid:1.3.6.1.4.1.99999.2.15', value: 'MFM-20260302-17', type: 'PLAC' })
  t.same([facts.priority, facts.authoredOn, facts.services.map(({ code }) => code)], ['urgent', '2026-03-02', ['183519002']])
  t.same(facts.reasons, ['Palpitations for three weeks;\nplease rule out atrial fibrillation.'])
  t.same(facts.diagnoses.map(({ system, code }) => [system, code]), [['http://hl7.org/fhir/sid/icd-10-cm', 'R00.2'], ['http://snomed.info/sct', '80313002']], 'what the act gives as its reason, not the problem list')
  const { patient, referrer, wanted } = facts
  t.same([patient.names[0]?.family, patient.names[0]?.given, patient.birthDate, patient.sex, patient.language], ['Quillfeather', ['Odalys', 'Wren'], '1961-04-09', 'female', 'es'])
  t.same(patient.names.slice(1).map(({ use, family, given }) => [use, family, given]), [['nickname', 'Quillfeather', ['Ody']], ['maiden', 'Thistlewood', ['Odalys']]])
  t.same([patient.identifiers, patient.phones, patient.emails], [[{ system: 'urn:oid:1.3.6.1.4.1.99999.2.9', value: 'MRN-40077', type: null }], ['+1-555-555-0133'], ['odalys.q@post.example']])
  t.same([referrer?.npi, referrer?.practice, referrer?.faxes, referrer?.directAddresses, referrer?.specialty?.code], ['1548291734', 'Meadow Family Medicine', ['555-555-0142'], ['ines.bell@direct.meadow.example'], '207Q00000X'])
  t.same([wanted?.npi, wanted?.name?.family, wanted?.practice], ['1326047890', 'Rao', 'Heart Center'])
  t.same(facts.coverage, [{ payer: 'Granite Mutual Health Plan', payerId: '60054', plan: null, memberId: 'ZXC-88120', group: 'GRP-12', authorization: null }])
  t.same(facts.findings, [{ what: { system: 'http://loinc.org', code: '2823-3', text: 'Potassium' }, value: '4.1 mmol/L' }])
  t.same(facts.documents.map(({ title, unread }) => [title, unread]), [['Referral to Cardiology', false]])
})

t.test('negation, nullFlavor, status and references to the narrative are understood', async (t) => {
  const bundle = await read(note())
  t.same(of(bundle, 'Condition').map(({ code, verificationStatus, clinicalStatus }) => [code?.text ?? code?.coding?.[0]?.display, verificationStatus?.coding?.[0]?.code, clinicalStatus?.coding?.[0]?.code]), [['Palpitations', undefined, undefined], ['Type 2 diabetes', undefined, 'active'], ['Asthma', 'refuted', undefined]])
  t.same(of(bundle, 'Condition')[1]?.code?.coding?.map(({ code }) => code), ['E11.9'], 'what is OTH has its translation')
  t.match(of(bundle, 'MedicationStatement')[0], { status: 'active', dosage: [{ text: 'Metformin 500 mg twice a day' }], effectivePeriod: { start: '2011-05' } })
  t.match(of(bundle, 'AllergyIntolerance')[0], { code: { coding: [{ code: '70618' }] }, category: ['medication'], reaction: [{ manifestation: [{ coding: [{ display: 'Hives' }] }] }] })
  t.notOk(of(bundle, 'Patient')[0]?.extension?.some(({ url }) => url.endsWith('us-core-ethnicity')), 'asked, but unknown, is no ethnicity')
  t.same(of(bundle, 'Patient')[0]?.extension?.[0]?.extension?.map(({ url, valueCoding, valueString }) => [url, valueCoding?.code ?? valueString]), [['ombCategory', '2106-3'], ['ombCategory', '2028-9'], ['text', 'White']])
  const none = await read(note((text) => text.replace(/<observation classCode="OBS" moodCode="EVN">(\s*<templateId root="2.16.840.1.113883.10.20.22.4.7"\/>)/, '<observation negationInd="true">$1').replace(/<code code="70618"[^>]*>/, '<code nullFlavor="NA"/>')))
  t.equal(of(none, 'AllergyIntolerance')[0]?.code?.coding?.[0]?.code, '716186003', 'no known allergy')
})

t.test('every value has the XPath that it was read from', async (t) => {
  const message = note()
  const bundle = await read(message)
  const resources = new Map((bundle.entry ?? []).map(({ fullUrl, resource }) => [fullUrl, resource]))
  let traced = 0
  for (const { reference, extension = [] } of (of(bundle, 'Provenance')[0] as Provenance).target) {
    for (const { valueString = '' } of extension) {
      const [path = '', origin = '', ...rest] = valueString.split(' ')
      t.equal(rest.filter((one) => Number.isNaN(Number(one))).length, 0, valueString)
      t.equal(origin.includes('@') ? xml.read(message.body, origin).length : xml.split(message.body, origin).length, 1, `${origin} is one place of the document`)
      const value = path.match(/\w+/g)?.reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], resources.get(reference ?? ''))
      t.not(value, undefined, `${path} is in ${reference}`)
      if (/(?:family|given\[\d\]|line\[\d\]|city|description)$/.test(path) || /@(?:extension|displayName)$/.test(origin)) t.equal(xml.read(message.body, origin)[0]?.replace(/\s+/g, ' ').trim(), value, valueString)
      traced += 1
    }
  }
  t.ok(traced > 120, `${traced} values`)
})

t.test('the whole document is kept as it came, and an unstructured body is a document that nobody has read', async (t) => {
  const message = fixture('xml/unstructured-document.xml')
  const bundle = await read(message)
  const facts = factsOf(canonical(bundle).bundle as Bundle)
  t.same(facts.documents.map(({ contentType, unread, text }) => [contentType, unread, text?.includes('JVBER') ?? false]), [['application/hl7-cda+xml', false, false], ['application/pdf', true, false]])
  const [whole, body] = of(bundle, 'DocumentReference')
  t.ok(Buffer.from(whole?.content[0]?.attachment.data ?? '', 'base64').equals(xml.serialize(message.body)))
  t.equal(body?.content[0]?.attachment.data, 'JVBERi0xLjQKJWVuZAo=')
  t.same([facts.patient.names[0]?.family, facts.patient.birthDate], ['Quillfeather', '1961-04-09'])
})

t.test('a Consultation Note answers the request that it names, and is no referral unless it is said to be', async (t) => {
  const made = await stepOf('to-ccda', { document: 'consultation-note', practice: PRACTICE })(await stepOf('from-ccda', {})(note()))
  const bundle = await read(messageOf(xml, xml.serialize(made.body)))
  t.same(of(bundle, 'ServiceRequest'), [])
  t.match(of(bundle, 'DocumentReference')[0], { docStatus: 'final', context: { related: [{ identifier: { system: 'urn:oid:1.3.6.1.4.1.99999.2.15', value: 'MFM-20260302-17' } }] } })
  t.match(documentsOf(bundle), [{ signed: true, withdrawn: false, type: { code: '11488-4' } }])
  t.equal(of(await read(messageOf(xml, xml.serialize(made.body)), { as: 'referral' }), 'ServiceRequest').length, 1)
})

t.test('a Referral Note that is written says again what was read', async (t) => {
  const first = await stepOf('from-ccda', {})(note())
  const made = await stepOf('to-ccda', { document: 'referral-note', practice: PRACTICE })(first)
  t.ok(xml.serialize(made.body).equals(xml.serialize((await stepOf('to-ccda', { document: 'referral-note', practice: PRACTICE })(first)).body)), 'the same each time')
  const [before, after] = [first.body, await read(messageOf(xml, xml.serialize(made.body)))].map((one) => factsOf(canonical(one).bundle as Bundle))
  if (!before || !after) throw new Error('not read')
  for (const key of ['placer', 'priority', 'diagnoses', 'reasons', 'findings'] as const) t.same(after[key], before[key], key)
  t.same({ ...after.patient, memberIds: [] }, { ...before.patient, memberIds: [] })
  for (const key of ['npi', 'name', 'practice', 'faxes', 'directAddresses', 'specialty'] as const) t.same(after.referrer?.[key], before.referrer?.[key], key)
  t.same([after.wanted?.npi, after.wanted?.practice], [before.wanted?.npi, before.wanted?.practice])

  const refs = xml.read(made.body, '//text/reference/@value')
  const ids = new Set(xml.read(made.body, '//*/@ID'))
  t.ok(refs.length > 4 && refs.every((one) => ids.has(one.slice(1))), 'every entry has its words in the narrative')
})

t.test('what a template requires and the referral lacks is refused, and names what', async (t) => {
  const without = async (document: string, change: (text: string) => string) => stepOf('to-ccda', { document, practice: PRACTICE })(await stepOf('from-ccda', {})(note(change)))
  await t.rejects(without('consultation-note', (text) => text.replace(/<id root="1.3.6.1.4.1.99999.2.15"[^>]*>/, '')), /the note answers no request/)
  await t.rejects(without('referral-note', (text) => text.replace(/<informationRecipient>\s*<intendedRecipient>[\s\S]*?<\/intendedRecipient>\s*<\/informationRecipient>/, '')), /nobody is named/)
  await t.rejects(without('referral-note', (text) => text.replace(/<family>Quillfeather<\/family>|<family qualifier="BR">Thistlewood<\/family>|<given[^>]*>(?:Odalys|Wren|Ody)<\/given>/g, '')), /the patient has no name/)
  await t.rejects(stepOf('to-ccda', { document: 'referral-note', practice: PRACTICE })(fixture('hl7v2/ref-i12-cardiology.hl7')), /takes FHIR/)
})

t.test('a mistake in a map is told with its line, and the nearest word', async (t) => {
  const broken = (path: string, from: string, to: string): Tools => ({ ...tools, mapping: (name: string): MappingDocument => {
    if (name !== path) return tools.mapping(name)
    const text = readFileSync(join(ROOT, `mappings/${path}.yaml`), 'utf8').replace(from, to)
    const source = readYaml(`${path}.yaml`, text, null, { characters: 1e6, nodes: 1e5 })
    return { value: source.value, place: source.place }
  } })
  for (const [path, from, to, says] of [
    ['ccda/rows/patient', 'birthDate, TS', 'birthdate, TS', /rows\/patient\.yaml:\d+:\d+: .*birthDate/], ['ccda/rows/patient', 'name, PN', 'name, PM', /no datatype "PM"/], ['ccda/rows/patient', 'patient/name,', '"patient/name[",', /is no path/],
    ['ccda/to-fhir', 'at: $plan', 'at: $pan', /no section is called "pan".*did you mean "plan"/], ['ccda/to-fhir', 'encounter: visit', 'encounter: vist', /did you mean "visit"/],
  ] as const) t.throws(() => stepOf('from-ccda', {}, broken(path, from, to)), { message: says }, `${from} → ${to}`)
  t.throws(() => stepOf('to-ccda', { document: 'consultation-note', practice: PRACTICE }, broken('ccda/required/us-realm-header', 'ClinicalDocument/title', '"ClinicalDocument/["')), { message: /us-realm-header\.yaml:\d+:\d+/ })
})

t.test('damaged documents are read or refused, never a crash', async (t) => {
  const whole = xml.serialize(fixture('xml/referral-note.xml').body).toString()
  const tags = whole.match(/<[a-zA-Z:]+(?: [^>]*)?\/>|="[^"]*"/g) ?? []
  const step = stepOf('from-ccda', {})
  let seed = 5
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff
    return (seed >> 8) % below
  }
  for (let n = 0; n < 150; n++) {
    let text = whole
    for (let hit = 0; hit < 4; hit++) text = text.replace(tags[random(tags.length)] ?? '', ['', '=""', '="\u00a0x y"', '="99999999999999"', '<x/>'][random(5)] ?? '')
    try {
      await step(messageOf(xml, Buffer.from(text)))
    } catch (error) {
      if ((error as Error).name !== 'MessageFault') t.fail(`${n}: ${(error as Error).stack}`)
    }
  }
  t.pass('all were read or refused')
})

const SAMPLES = join(ROOT, '../shared/corpora/ccda')
t.test('documents of others are read, with their patients', { skip: existsSync(SAMPLES) ? false : 'the samples of HL7 and of Microsoft’s converter are not here' }, async (t) => {
  for (const name of readdirSync(SAMPLES, { recursive: true, encoding: 'utf8' }).filter((one) => one.endsWith('.xml'))) {
    const bytes = readFileSync(join(SAMPLES, name))
    const [patient] = of(await read(messageOf(xml, bytes)), 'Patient')
    const text = bytes.toString('utf8').replace(/<!--[\s\S]*?-->/g, '')
    const [, birth = ''] = /<birthTime value="(\d{8})/.exec(text) ?? []
    const [, sex = ''] = /<administrativeGenderCode[^>]*\bcode="([FM])"/.exec(text) ?? []
    const [, family = ''] = /<recordTarget>[\s\S]*?<family[^>]*>([^<]*)</.exec(text) ?? []
    t.same([patient?.name?.[0]?.family ?? '', patient?.birthDate?.replaceAll('-', '') ?? '', patient?.gender === 'female' ? 'F' : patient?.gender === 'male' ? 'M' : ''], [family.trim(), birth, sex], name)
  }
})
