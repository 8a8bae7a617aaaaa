/** A referral that comes by XDR, and its patient's chart that is asked for by XCPD and XCA once it is matched, over real HTTP: the built product, a sender and an on-ramp. */
import { readFileSync } from 'node:fs'
import t from 'tap'
import { writeFiles } from '../../engine/formats/mime/xdm/write.js'
import { ask } from '../connectors/http-tools.js'
import { gateway, multipart, soap } from '../connectors/soap-kit.js'
import type { Person } from '../demo/people.js'
import { openScene } from '../demo/scene.js'
import { fixture, until } from './product.js'

const PROVIDE = 'urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-b'
const OUR = '1.3.6.1.4.1.99999'
const CHART: Person = { mrn: 'HC2001', family: 'QUILLFEATHER', given: 'ODALYS', sex: 'F', birthDate: '19610409', street: '17 LARKSPUR LANE APT 4', city: 'WILLOWMERE', zip: '44099', phone: '5550133' }
const [NOTE, SUMMARY] = [readFileSync(fixture('xml/referral-note.xml')), readFileSync(fixture('xml/summary-of-care.xml'))]

/** An on-ramp that knows the patient, and has one summary of hers. Once, it is busy when the summary is fetched. */
let busy = 1
const status = 'urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Success'
const onRamp = await gateway(t, ({ text }) => {
  if (/<PRPA_IN201305UV02/.test(text)) return { body: soap('urn:a', `<PRPA_IN201306UV02 xmlns="urn:hl7-org:v3"><acknowledgement><typeCode code="AA"/></acknowledgement><controlActProcess><subject><registrationEvent><subject1><patient><id root="${OUR}.3.9" extension="P-7719"/><patientPerson><name><family>Quillfeather</family></name><birthTime value="19610409"/></patientPerson></patient></subject1><custodian><assignedEntity><id root="1.3.6.1.4.1.99998"/></assignedEntity></custodian></registrationEvent></subject><queryAck><queryResponseCode code="OK"/></queryAck></controlActProcess></PRPA_IN201306UV02>`) }
  if (/AdhocQueryRequest/.test(text)) return { body: soap('urn:a', `<q:AdhocQueryResponse xmlns:q="urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0" status="${status}"><m:RegistryObjectList xmlns:m="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0"><m:ExtrinsicObject home="urn:oid:1.3.6.1.4.1.99998" mimeType="text/xml" objectType="urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1"><m:Slot name="repositoryUniqueId"><m:ValueList><m:Value>1.3.6.1.4.1.99998.2</m:Value></m:ValueList></m:Slot><m:Name><m:LocalizedString value="Summary of Care"/></m:Name><m:ExternalIdentifier identificationScheme="urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab" value="1.3.6.1.4.1.99998.3.1"/></m:ExtrinsicObject></m:RegistryObjectList></q:AdhocQueryResponse>`) }
  if (busy-- > 0) return { status: 503, body: 'later' }
  return multipart(soap('urn:a', `<x:RetrieveDocumentSetResponse xmlns:x="urn:ihe:iti:xds-b:2007"><r:RegistryResponse xmlns:r="urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0" status="${status}"/><x:DocumentResponse><x:DocumentUniqueId>1.3.6.1.4.1.99998.3.1</x:DocumentUniqueId><x:mimeType>text/xml</x:mimeType><x:Document><i:Include xmlns:i="http://www.w3.org/2004/08/xop/include" href="cid:one@gateway.test"/></x:Document></x:DocumentResponse></x:RetrieveDocumentSetResponse>`), [{ id: '<one@gateway.test>', content: SUMMARY }])
})
const scene = await openScene(t, { charts: [CHART], env: { REFERO_XDR: 'true', REFERO_XDR_TOKEN: 'let-me-in', REFERO_CHART: 'true', REFERO_CHART_URL: onRamp.url, REFERO_CHART_RETRY: '100ms' } })
const { product } = scene

const code = (one: string, display: string) => ({ code: one, scheme: '2.16.840.1.113883.6.1', display })
const [metadata] = writeFiles({
  uniqueId: `${OUR}.5.70`, sourceId: `${OUR}.2`, time: new Date('2026-03-02T14:15:00Z'), contentType: code('57133-1', 'Referral note'), author: { person: '1548291734^Bell^Ines', institution: 'Meadow Family Medicine' }, intendedRecipients: [],
  patient: { id: { value: 'MRN-40077', authority: `${OUR}.2.9` }, name: 'Quillfeather^Odalys', birthDate: '19610409', sex: 'F' },
  documents: [{ content: NOTE, contentType: 'text/xml', uniqueId: `${OUR}.4.70`, title: 'Referral to Cardiology', created: new Date('2026-03-02T14:15:00Z'), language: 'en-US', classCode: code('57133-1', 'Referral note'), typeCode: code('57133-1', 'Referral note'), formatCode: code('urn:x', 'C-CDA'), confidentiality: code('N', 'Normal'), facilityType: code('1', 'Clinic'), practiceSetting: code('2', 'Family Medicine') }],
})
const objects = (metadata?.content.toString() ?? '').replace(/^<\?xml.*\n/, '')
const id = /ExtrinsicObject id="([^"]+)"/.exec(objects)?.[1] ?? ''
const submission = (document: Buffer): string => soap(PROVIDE, `<x:ProvideAndRegisterDocumentSetRequest xmlns:x="urn:ihe:iti:xds-b:2007">${objects}<x:Document id="${id}">${document.toString('base64')}</x:Document></x:ProvideAndRegisterDocumentSetRequest>`, '<d:addressBlock xmlns:d="urn:direct:addressing"><d:from>mailto:ines.bell@direct.meadow.example</d:from><d:to>mailto:referrals@direct.heart.example</d:to></d:addressBlock>')
const provide = (token = 'let-me-in') => ask(`http://127.0.0.1:${product.http}/xdr`, submission(NOTE), { headers: { 'content-type': `application/soap+xml; charset=utf-8; action="${PROVIDE}"`, authorization: `Bearer ${token}` } })
const referrals = async (): Promise<readonly { reference: string }[]> => (await product.api('/api/referrals')).body.referrals

t.test('a submission is a referral with a reference number, once, and its sender is told Success', async (t) => {
  await scene.load()
  t.equal((await provide('wrong')).status, 401)
  for (const time of ['first', 'second']) {
    const answer = await provide()
    t.equal(answer.status, 200, time)
    t.match(answer.text, /RegistryResponse[^>]*ResponseStatusType:Success/, time)
  }
  await until(async () => (await referrals()).length > 0, product.output)
  const [{ reference = '' } = {}, ...more] = await referrals()
  t.match(reference, /^R-[0-9A-Z]{4}-[0-9A-Z]{4}$/)
  t.equal(more.length, 0, 'sent twice, it is one')
  t.match((await scene.reached(reference, 'received')).facts, { via: 'referrals-xdr' })
  const ways = (await product.api('/api/providers')).body.providers.flatMap((one: { ways: { way: string; address: string }[] }) => one.ways)
  t.ok(ways.some(({ way, address }: { way: string; address: string }) => way === 'direct' && address === 'ines.bell@direct.meadow.example'), 'the sender can be answered by Direct')
})

t.test('once it is matched, the chart is asked for and attached to it, once, although the on-ramp was busy at first', async (t) => {
  const [{ reference = '' } = {}] = await referrals()
  await scene.reached(reference, 'matched')
  const { facts } = await scene.reached(reference, 'information-added')
  t.match(facts, { via: 'missing-chart-in', words: /^Added: .*\bdocuments?\b/ })
  await until(async () => (await product.api('/api/messages?channel=missing-chart&status=sent')).body.messages.length === 1, product.output)
  t.match(onRamp.asked.map(({ text }) => /<(PRPA_IN201305UV02|query:AdhocQueryRequest|xdsb:RetrieveDocumentSetRequest)/.exec(text)?.[1]), ['PRPA_IN201305UV02', 'query:AdhocQueryRequest', 'xdsb:RetrieveDocumentSetRequest', 'PRPA_IN201305UV02', 'query:AdhocQueryRequest', 'xdsb:RetrieveDocumentSetRequest'])
  t.equal((await referrals()).length, 1, 'a summary is no referral')
  t.equal((await scene.timeline(reference)).filter(({ name }) => name === 'information-added').length, 1)
  t.match(await scene.referral(reference), { patient: { status: 'matched' }, missing: [], holds: {} })
  t.notMatch(product.output(), /Quillfeather/i)
})
