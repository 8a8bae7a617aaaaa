/** The missing chart over real HTTP: a gateway by hand, what it is asked, what it answers, and what is fed of it. */
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import xca from '../../connectors/xca/destination.js'
import type { Inbound, Outcome, Reply } from '../../engine/contracts.js'
import { fieldsOf, rawValue } from '../../engine/formats/mime/fields.js'
import { attachmentsOf, contentOf, readMail } from '../../engine/formats/mime/mail.js'
import { randomOf } from '../referrals/routing/made.js'
import { type Answered, type Asked, gateway, multipart, soap } from './soap-kit.js'
import { accepted, deliveryOf, failing, makeCertificates, never, rejected, testTools } from './tools.js'

const ROOT = join(import.meta.dirname, '../../..')
const EVENT = readFileSync(join(ROOT, 'fixtures/fhir/notice-status.json'))
const SUMMARY = readFileSync(join(ROOT, 'fixtures/xml/summary-of-care.xml'))
const HOME = 'urn:oid:1.3.6.1.4.1.99998'
const PDF = Buffer.from([...Buffer.from('%PDF-1.4\r\n'), ...Array.from({ length: 256 }, (_, n) => n)])
type Settings = Parameters<typeof xca.create>[0]

const status = (word: string): string => `urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:${word}`
const problems = (codes: readonly string[]): string => (codes.length > 0 ? `<r:RegistryErrorList xmlns:r="urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0">${codes.map((code) => `<r:RegistryError errorCode="${code}" codeContext="Quillfeather" severity="urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:Error"/>`).join('')}</r:RegistryErrorList>` : '')
interface Listed { readonly id: string; readonly type?: string; readonly title?: string; readonly created?: string; readonly size?: number; readonly bare?: boolean }
const entry = ({ id, type = 'text/xml', title = 'Summary of Care', created = '20260210', size, bare }: Listed): string => [
  `<m:ExtrinsicObject id="urn:uuid:${id}" home="${HOME}" mimeType="${type}" objectType="urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1">`,
  ...[['creationTime', created], ['repositoryUniqueId', bare ? '' : '1.3.6.1.4.1.99998.2'], ['size', String(size ?? '')]].map(([name, value]) => (value ? `<m:Slot name="${name}"><m:ValueList><m:Value>${value}</m:Value></m:ValueList></m:Slot>` : '')),
  `<m:Name><m:LocalizedString value="${title}"/></m:Name><m:ExternalIdentifier identificationScheme="urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab" value="${id}"/></m:ExtrinsicObject>`,
].join('')
const found = (listed: readonly Listed[], word = 'Success', codes: readonly string[] = []): string => soap('urn:ihe:iti:2007:CrossGatewayQueryResponse', `<q:AdhocQueryResponse xmlns:q="urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0" status="${status(word)}">${problems(codes)}<m:RegistryObjectList xmlns:m="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0">${listed.map(entry).join('')}</m:RegistryObjectList></q:AdhocQueryResponse>`)
const given = (id: string, document: string, word = 'Success', codes: readonly string[] = [], type = 'text/xml'): string => soap('urn:ihe:iti:2007:CrossGatewayRetrieveResponse', `<x:RetrieveDocumentSetResponse xmlns:x="urn:ihe:iti:xds-b:2007"><r:RegistryResponse xmlns:r="urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0" status="${status(word)}">${problems(codes)}</r:RegistryResponse>${document ? `<x:DocumentResponse><x:HomeCommunityId>${HOME}</x:HomeCommunityId><x:RepositoryUniqueId>1.3.6.1.4.1.99998.2</x:RepositoryUniqueId><x:DocumentUniqueId>${id}</x:DocumentUniqueId><x:mimeType>${type}</x:mimeType><x:Document>${document}</x:Document></x:DocumentResponse>` : ''}</x:RetrieveDocumentSetResponse>`)
const included = '<i:Include xmlns:i="http://www.w3.org/2004/08/xop/include" href="cid:one%40gateway.test"/>'
const packed = (envelope: string, content: Buffer): Answered => multipart(envelope, [{ id: '<one@gateway.test>', content }])
const patients = (people: readonly { readonly family: string; readonly birth: string; readonly id: string }[], code = 'OK', more = ''): string => soap('urn:hl7-org:v3:PRPA_IN201306UV02:CrossGatewayPatientDiscovery', [
  `<PRPA_IN201306UV02 xmlns="urn:hl7-org:v3"><acknowledgement><typeCode code="${code === 'AE' ? 'AE' : 'AA'}"/></acknowledgement><controlActProcess>${more}`,
  ...people.map(({ family, birth, id }) => `<subject><registrationEvent><id nullFlavor="NA"/><subject1><patient><id root="1.3.6.1.4.1.99998.9" extension="${id}"/><patientPerson><name><given>Odalys</given><family>${family}</family></name><birthTime value="${birth}"/></patientPerson></patient></subject1><custodian><assignedEntity><id root="1.3.6.1.4.1.99998"/></assignedEntity></custodian></registrationEvent></subject>`),
  `<queryAck><queryResponseCode code="${code}"/></queryAck></controlActProcess></PRPA_IN201306UV02>`,
].join(''))

const kindOf = ({ text }: Asked): 'discover' | 'query' | 'retrieve' => (/PRPA_IN201305UV02 /.test(text) ? 'discover' : /AdhocQueryRequest/.test(text) ? 'query' : 'retrieve')
const wantedIn = ({ text }: Asked): string => /DocumentUniqueId>([^<]+)</.exec(text)?.[1] ?? ''

const asking = async (t: Test, answer: (asked: Asked) => Answered | null, { reply = accepted, settings = {} }: { reply?: Reply | Error | ((inbound: Inbound) => Reply); settings?: Partial<Settings> } = {}) => {
  const fed: Inbound[] = []
  const tools = testTools('', async (channel, inbound) => {
    t.equal(channel, 'missing-chart-in')
    fed.push(inbound)
    if (reply instanceof Error) throw reply
    return typeof reply === 'function' ? reply(inbound) : reply
  })
  const { url, asked } = await gateway(t, answer)
  const destination = xca.create({ query: `${url}/query`, retrieve: `${url}/retrieve`, feed: 'missing-chart-in', ids: { 'urn:example:mrn': '1.3.6.1.4.1.99999.9' }, ...settings }, tools)
  await destination.open()
  t.teardown(() => destination.close())
  const deliver = (payload: string | Buffer = EVENT, signal = never): Promise<Outcome> => destination.deliver(deliveryOf(payload), signal)
  return { fed, asked, tools, deliver, url }
}
const mailIn = (inbound: Inbound | undefined) => {
  const mail = readMail(inbound?.bytes ?? Buffer.alloc(0), { size: 1e8, header: 1e6, parts: 100, depth: 5 })
  return { header: (name: string) => fieldsOf(mail, name).map(rawValue)[0], documents: attachmentsOf(mail).map(({ filename, type, part }) => ({ filename, type, content: contentOf(part) })) }
}
const reportOf = (outcome: Outcome): unknown => ('response' in outcome && outcome.response ? JSON.parse(outcome.response.toString()) : null)

t.test('a patient with a number that the gateway knows: the documents are found, fetched and fed byte for byte, each once', async (t) => {
  const answer = (asked: Asked): Answered => (kindOf(asked) === 'query' ? { body: found([{ id: '1.2.1' }, { id: '1.2.2', type: 'application/pdf', title: 'ECG/of: 10 &quot;Feb&quot;', created: '20260211' }]) } : wantedIn(asked) === '1.2.1' ? packed(given('1.2.1', included), SUMMARY) : { body: given('1.2.2', PDF.toString('base64').replace(/(.{40})/g, '$1\n'), 'Success', [], 'application/pdf') })
  const { fed, asked, deliver } = await asking(t, answer, { settings: { home: HOME, since: '2y', classCodes: ['34133-9^^2.16.840.1.113883.6.1', "it's^^1.2"], token: 'let-me-in' } })
  const outcome = await deliver()
  t.equal(outcome.kind, 'sent')
  t.same(reportOf(outcome), { what: 'fetched', documents: 2, left: 0 })
  t.match(asked.map(({ url }) => url), ['/query', '/retrieve', '/retrieve'])
  const [query, retrieve] = asked
  t.match(query?.type, /^application\/soap\+xml.*action="urn:ihe:iti:2007:CrossGatewayQuery"/)
  t.match(query?.headers.authorization, 'Bearer let-me-in')
  t.match(query?.text, `<rim:AdhocQuery id="urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d" home="${HOME}">`)
  t.match(query?.text, "'MRN-40077^^^&amp;1.3.6.1.4.1.99999.9&amp;ISO'")
  t.match(query?.text, "('urn:oasis:names:tc:ebxml-regrep:StatusType:Approved')")
  t.match(query?.text, /\('34133-9\^\^2\.16\.840\.1\.113883\.6\.1','it(?:'|&apos;){2}s\^\^1\.2'\)/)
  t.match(query?.text, /ServiceStopTimeFrom"><rim:ValueList><rim:Value>'20240302'</)
  t.match(retrieve?.text, `<xdsb:HomeCommunityId>${HOME}</xdsb:HomeCommunityId><xdsb:RepositoryUniqueId>1.3.6.1.4.1.99998.2</xdsb:RepositoryUniqueId><xdsb:DocumentUniqueId>1.2.2<`, 'the newest first')
  const mails = fed.map(mailIn)
  t.match(mails.map(({ documents }) => documents), [[{ filename: 'ECG of 10 Feb.pdf', type: 'application/pdf', content: PDF }], [{ filename: 'Summary of Care.xml', type: 'text/xml', content: SUMMARY }]])
  t.match(mails.map(({ header }) => [header('x-refero-kind'), header('x-refero-reference')]), [['xca', 'R-7K3M-9QX4'], ['xca', 'R-7K3M-9QX4']])
  t.match(fed.map(({ key }) => key), [`xca:R-7K3M-9QX4:${HOME}:1.2.2`, `xca:R-7K3M-9QX4:${HOME}:1.2.1`])
  await deliver()
  t.same(fed.slice(2).map(({ key, bytes }) => [key, bytes]), fed.slice(0, 2).map(({ key, bytes }) => [key, bytes]), 'asked again, also after a crash, it is the same arrival')
})

t.test('what a gateway answers is what became of the question; what came is kept in any case', async (t) => {
  const fault = (code: string, subcode = '', http = 500): Answered => ({ status: http, body: soap('urn:a', `<S:Fault><S:Code><S:Value>S:${code}</S:Value>${subcode ? `<S:Subcode><S:Value>${subcode}</S:Value></S:Subcode>` : ''}</S:Code><S:Reason><S:Text>Quillfeather</S:Text></S:Reason></S:Fault>`) })
  const one = found([{ id: '1.2.1' }])
  const whole = packed(given('1.2.1', included), SUMMARY)
  type Row = readonly [name: string, query: Answered | null, retrieve: Answered | null | ((id: string) => Answered | null), outcome: object, fed: number]
  const table: readonly Row[] = [
    ['nothing found', { body: found([]) }, null, { kind: 'sent', response: /no documents/ }, 0],
    ['not known there', { body: found([], 'Failure', ['XDSUnknownPatientId']) }, null, { kind: 'sent' }, 0],
    ['a query that is refused', { body: found([], 'Failure', ['XDSStoredQueryMissingParam']) }, null, { kind: 'refused', code: 'XDSStoredQueryMissingParam', reason: /^the query was answered Failure: XDSStoredQueryMissingParam \(0 documents/ }, 0],
    ['a busy registry', { body: found([], 'Failure', ['XDSRegistryBusy']) }, null, { kind: 'unavailable', code: 'XDSRegistryBusy' }, 0],
    ['some communities did not answer', { body: found([{ id: '1.2.1' }], 'PartialSuccess', ['XDSUnavailableCommunity']) }, whole, { kind: 'unavailable', code: 'XDSUnavailableCommunity', reason: /1 documents were taken/ }, 1],
    ['an entry without a place', { body: found([{ id: '1.2.1' }, { id: '1.2.2', bare: true }]) }, whole, { kind: 'refused', code: 'XDSRegistryMetadataError' }, 1],
    ['one document of two', { body: found([{ id: '1.2.1' }, { id: '1.2.2' }]) }, (id) => (id === '1.2.1' ? whole : { body: given(id, '', 'Failure', ['XDSDocumentUniqueIdError']) }), { kind: 'refused', code: 'XDSDocumentUniqueIdError', reason: /1 documents were taken/ }, 1],
    ['the other one later', { body: found([{ id: '1.2.1' }, { id: '1.2.2' }]) }, (id) => (id === '1.2.1' ? whole : { status: 503, body: 'later' }), { kind: 'unavailable', code: '503' }, 1],
    ['a document with a warning about others', { body: one }, packed(given('1.2.1', included, 'PartialSuccess', ['XDSRepositoryError']), SUMMARY), { kind: 'sent' }, 1],
    ['another document than was asked for', { body: one }, packed(given('9.9.9', included), SUMMARY), { kind: 'refused', code: 'XDSDocumentUniqueIdError' }, 0],
    ['a part that did not come', { body: one }, { body: given('1.2.1', included) }, { kind: 'refused' }, 0],
    ['an empty document', { body: one }, { body: given('1.2.1', ' ') }, { kind: 'refused' }, 0],
    ['a document that is too large', { body: one }, packed(given('1.2.1', included), Buffer.alloc(70_000, 'x')), { kind: 'refused', code: 'too-large' }, 0],
    ['an answer that is far too large', { body: one }, packed(given('1.2.1', included), Buffer.alloc(2_000_000, 'x')), { kind: 'refused', code: 'too-large' }, 0],
    ['Sender', fault('Sender', '', 400), null, { kind: 'refused', code: 'Sender', reason: /^answered the SOAP fault Sender/ }, 0],
    ['Receiver', fault('Receiver'), null, { kind: 'unavailable' }, 0],
    ['credentials that do not hold', fault('Sender', 'wsse:FailedAuthentication', 400), null, { kind: 'unavailable', code: 'FailedAuthentication' }, 0],
    ['401', { status: 401, body: '' }, null, { kind: 'unavailable', code: '401' }, 0], ['500', { status: 500, body: 'oops' }, null, { kind: 'unavailable', code: '500' }, 0], ['404', { status: 404, body: '' }, null, { kind: 'refused', code: '404' }, 0],
    ['a deferred answer', { status: 202, body: '' }, null, { kind: 'refused', code: '202', reason: /deferred answers are not taken/ }, 0],
    ['no SOAP', { body: 'hello' }, null, { kind: 'unavailable' }, 0], ['something else', { body: soap('urn:a', '<a/>') }, null, { kind: 'unavailable' }, 0],
    ['the answer to another question', { body: one.replace('<a:MessageID>', '<a:RelatesTo>urn:uuid:other</a:RelatesTo><a:MessageID>') }, null, { kind: 'unavailable', reason: /another request/ }, 0],
    ['a hang-up', null, null, { kind: 'unavailable' }, 0], ['a document type', { body: `<!DOCTYPE a [<!ENTITY b "c">]>${one.replace(/^<\?xml.*?\?>/, '')}` }, null, { kind: 'unavailable' }, 0],
  ]
  for (const [name, query, retrieve, expected, count] of table) {
    const { fed, deliver } = await asking(t, (asked) => (kindOf(asked) === 'query' ? query : typeof retrieve === 'function' ? retrieve(wantedIn(asked)) : retrieve), { settings: { maximum: '64kB' } })
    const outcome = await deliver()
    t.match({ ...outcome, response: JSON.stringify(reportOf(outcome)) }, expected, name)
    t.notMatch(JSON.stringify({ ...outcome, response: '' }), /Quillfeather/, name)
    t.equal(fed.length, count, name)
  }
})

t.test('limits hold back the rest and say so; what the channel did not keep is not called fetched', async (t) => {
  const answer = (asked: Asked): Answered => (kindOf(asked) === 'query' ? { body: found([{ id: '1.2.1', created: '20250101' }, { id: '1.2.2', size: 10_000_000 }, { id: '1.2.3' }, { id: '1.2.4' }]) } : packed(given(wantedIn(asked), included), SUMMARY))
  const few = await asking(t, answer, { settings: { documents: 2, maximum: '1MB' } })
  t.same(reportOf(await few.deliver()), { what: 'fetched', documents: 2, left: 2 })
  t.match(few.fed.map(({ key }) => key?.split(':').at(-1)), ['1.2.3', '1.2.4'], 'the newest, without the one that is too large by its metadata')
  t.match(await (await asking(t, answer, { reply: failing })).deliver(), { kind: 'unavailable' })
  t.match(await (await asking(t, answer, { reply: new Error('no channel') })).deliver(), { kind: 'unavailable', reason: /no channel/ })
  t.match(await (await asking(t, answer, { reply: rejected })).deliver(), { kind: 'refused', reason: /PID-3/ })
  const ending = new AbortController()
  const slow = await asking(t, () => { ending.abort(); return null })
  t.match(await slow.deliver(EVENT, ending.signal), { kind: 'unavailable' }, 'a deadline is no answer')
})

t.test('a patient whose number is not known there is asked for by name, birth date and sex, and nobody else is taken', async (t) => {
  const settings: Partial<Settings> = { ids: {}, discover: { sender: '1.3.6.1.4.1.99999.1', receiver: '1.3.6.1.4.1.99998.1', home: '1.3.6.1.4.1.99999' } }
  const answer = (people: string, listed = [{ id: '1.2.1' }]) => (asked: Asked): Answered => ({ discover: { body: people }, query: { body: found(listed) }, retrieve: packed(given('1.2.1', included), SUMMARY) })[kindOf(asked)]
  const her = { family: 'QUILLFEATHER', birth: '19610409', id: 'P-7719' }
  const { asked, fed, tools, deliver } = await asking(t, answer(patients([{ ...her, family: 'Quillfether', id: 'X' }, her, { ...her, birth: '19610904', id: 'Y' }])), { settings })
  t.same(reportOf(await deliver()), { what: 'fetched', documents: 1, left: 0 })
  const [discover, query, ...more] = asked
  t.match(discover?.type, /action="urn:hl7-org:v3:PRPA_IN201305UV02:CrossGatewayPatientDiscovery"/)
  t.match(discover?.text, /livingSubjectAdministrativeGender><value code="F"\/>.*<value value="19610409"\/>.*<family>Quillfeather<\/family><given>Odalys<\/given><given>Wren<.*<streetAddressLine>17 Larkspur Lane</)
  t.match(query?.text, `home="${HOME}"`)
  t.match(query?.text, "'P-7719^^^&amp;1.3.6.1.4.1.99998.9&amp;ISO'")
  t.equal(more.length, 1, 'nobody of another name or birth date is asked about')
  t.equal(fed.length, 1)
  t.match(tools.events, [{ level: 'warn', facts: { count: 2 } }])
  const issue = (code: string): string => `<reasonOf><detectedIssueEvent><code code="ActAdministrativeDetectedIssueCode"/><mitigatedBy><detectedIssueManagement><code code="${code}"/></detectedIssueManagement></mitigatedBy></detectedIssueEvent></reasonOf>`
  const table: readonly (readonly [string, string, object])[] = [
    ['nobody', patients([], 'NF'), { kind: 'sent', response: /not known there/ }], ['somebody else', patients([{ ...her, birth: '1961' }]), { kind: 'sent', response: /not known there/ }],
    ['busy', patients([], 'AE', issue('ResponderBusy')), { kind: 'unavailable', code: 'ResponderBusy' }], ['not answered', patients([], 'QE', issue('AnswerNotAvailable')), { kind: 'refused', code: 'AnswerNotAvailable' }],
    ['something else', soap('urn:a', '<a/>'), { kind: 'unavailable' }],
  ]
  for (const [name, people, expected] of table) {
    const outcome = await (await asking(t, answer(people), { settings })).deliver()
    t.match({ ...outcome, response: JSON.stringify(reportOf(outcome)) }, expected, name)
  }
  const text = EVENT.toString()
  for (const [payload, reason] of [['no JSON', /no FHIR Bundle/], [text.replace('"birthDate"', '"born"'), /birth date/], [text.replace('urn:refero:referral', 'urn:other'), /no reference number/]] as const) {
    t.match(await deliver(payload), { kind: 'refused', reason })
  }
  const numbered = await asking(t, answer(patients([])), { settings: { ...settings, ids: { 'urn:example:mrn': '1.2.3' } } })
  await numbered.deliver()
  t.notOk(numbered.asked.some((one) => kindOf(one) === 'discover'), 'with a number of theirs nobody is searched for')
  t.match(await (await asking(t, answer(patients([])), { settings: { ids: { 'urn:other': '1.2.3' } } })).deliver(), { kind: 'refused', code: 'no-patient-id' })
})

t.test('each request says who asks and what for; settings that contradict are refused', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'refero-xca-'))
  makeCertificates(folder, ['heart', 'other'])
  const saml = { issuer: 'CN=heart', subject: 'Heart Center', organization: 'Heart Center', role: { code: '224608005', display: 'Administrative healthcare staff' }, cert: join(folder, 'heart.pem'), key: readFileSync(join(folder, 'heart.key'), 'utf8') }
  const { asked, deliver } = await asking(t, () => ({ body: found([]) }), { settings: { saml } })
  t.match(await deliver(), { kind: 'sent' })
  t.match(asked[0]?.text, /<wsse:Security.*<saml2:Issuer>CN=heart<.*<ds:SignatureValue>.*PurposeOfUse[^>]*code="TREATMENT"/)
  const settings = { query: 'https://on-ramp.example/xca', feed: 'in', ids: { a: '1.2' } }
  await t.rejects(xca.create({ ...settings, saml: { ...saml, cert: join(folder, 'other.pem') } }, testTools('')).open(), /`saml.cert` and `saml.key`/)
  t.throws(() => xca.create({ query: settings.query, feed: 'in' }, testTools('')), /`ids`, `discover`/)
  t.throws(() => xca.create({ ...settings, query: 'https://a:b@on-ramp.example/' }, testTools('')), /`basic`/)
  t.throws(() => xca.create({ ...settings, query: 'http://on-ramp.example/', tls: {} }, testTools('')), /https/)
  t.match(await xca.create(settings, testTools('')).deliver(deliveryOf(EVENT), never), { kind: 'unavailable' })
})

t.test('answers that are torn and scrambled never do more than fail', async (t) => {
  const random = randomOf(38)
  const scrambled = (text: string): Buffer => {
    const bytes = Buffer.from(text)
    for (let n = 0; n < 1 + random() * 8; n++) bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256)
    return random() < 0.3 ? bytes.subarray(0, Math.floor(random() * bytes.length)) : bytes
  }
  const discover = { sender: '1.3.6.1.4.1.99999.1', receiver: '1.3.6.1.4.1.99998.1', home: '1.3.6.1.4.1.99999' }
  const whole = { discover: patients([{ family: 'Quillfeather', birth: '19610409', id: 'P-7719' }]), query: found([{ id: '1.2.1' }]), retrieve: given('1.2.1', SUMMARY.toString('base64')) }
  const { deliver } = await asking(t, (asked) => ({ body: random() < 0.6 ? scrambled(whole[kindOf(asked)]) : whole[kindOf(asked)] }), { settings: { ids: {}, discover } })
  for (let n = 0; n < 200; n++) {
    const { kind } = await deliver()
    if (!['sent', 'refused', 'unavailable'].includes(kind)) t.fail(kind)
  }
})
