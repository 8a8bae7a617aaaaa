/** XDR both ways over real HTTP: what is submitted by hand-written SOAP and what each is answered, and what our own submissions are answered. */
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import xdrDestination from '../../connectors/xdr/destination.js'
import xdrSource from '../../connectors/xdr/source.js'
import type { Reply } from '../../engine/contracts.js'
import { composeMail } from '../../engine/formats/mime/compose.js'
import { fieldsOf, rawValue } from '../../engine/formats/mime/fields.js'
import { type Mail, readMail } from '../../engine/formats/mime/mail.js'
import { writeSecurity } from '../../engine/formats/mime/soap/saml.js'
import { packageOf } from '../../engine/formats/mime/xdm/package.js'
import { type NewSubmission, writeFiles, writeXdm } from '../../engine/formats/mime/xdm/write.js'
import { keeping } from './http-tools.js'
import { gateway, multipart, post, serveTools, soap } from './soap-kit.js'
import { accepted, deliveryOf, failing, makeCertificates, never, rejected, testTools } from './tools.js'

const AT = new Date('2026-03-02T14:15:00Z')
const ACTION = 'urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-b'
const SOAP12 = `application/soap+xml; charset=utf-8; action="${ACTION}"`
const OUR = '1.3.6.1.4.1.99999'
const code = (one: string) => ({ code: one, scheme: '2.16.840.1.113883.6.1', display: `Code ${one}` })
const NOTE = Buffer.from('<ClinicalDocument xmlns="urn:hl7-org:v3"><title>Referral</title></ClinicalDocument>')
const PICTURE = Buffer.from([...Buffer.from('%PDF-1.4\r\n'), ...Array.from({ length: 256 }, (_, n) => n), 13, 10, 45, 45])
const document = { content: NOTE, contentType: 'text/xml', uniqueId: `${OUR}.4.1`, title: 'Referral', created: AT, language: 'en-US', classCode: code('57133-1'), typeCode: code('57133-1'), formatCode: code('urn:x'), confidentiality: code('N'), facilityType: code('1'), practiceSetting: code('2') }
const submission: NewSubmission = {
  uniqueId: `${OUR}.5.7`, sourceId: `${OUR}.1`, time: AT, contentType: code('57133-1'), author: { person: '1548291734^Bell^Ines', institution: 'Meadow', telecom: '^^Internet^ines.bell@direct.meadow.example' }, intendedRecipients: ['|^Rao^Anita|^^Internet^anita.rao@direct.heart.example'],
  patient: { id: { value: 'MRN-40077', authority: `${OUR}.9` }, name: 'Quillfeather^Odalys', birthDate: '19610409', sex: 'F' }, documents: [document, { ...document, uniqueId: `${OUR}.4.2`, contentType: 'application/pdf', content: PICTURE }],
}
const metadataOf = (one: NewSubmission = submission): string => (writeFiles(one)[0]?.content.toString() ?? '').replace(/^<\?xml.*\n/, '').replace(/<rim:Slot name="URI">.*?<\/rim:Slot>/g, '')
const idsOf = (metadata: string): readonly string[] => [...metadata.matchAll(/ExtrinsicObject id="([^"]+)"/g)].map(([, id = '']) => id)
const request = (metadata: string, documents: string): string => `<x:ProvideAndRegisterDocumentSetRequest xmlns:x="urn:ihe:iti:xds-b:2007">${metadata}${documents}</x:ProvideAndRegisterDocumentSetRequest>`
const [FIRST = '', SECOND = ''] = idsOf(metadataOf())
const inline = (id: string, content: Buffer): string => `<x:Document id="${id}">${content.toString('base64').replace(/(.{40})/g, '$1\n')}</x:Document>`
const include = (id: string, href: string): string => `<x:Document id="${id}"><xop:Include xmlns:xop="http://www.w3.org/2004/08/xop/include" href="${href}"/></x:Document>`
const both = inline(FIRST, NOTE) + inline(SECOND, PICTURE)
const whole = soap(ACTION, request(metadataOf(), both))

const opened = async (t: Test, { reply = accepted, ...settings }: Partial<Parameters<typeof xdrSource.create>[0]> & { reply?: Reply | Error } = {}) => {
  const tools = testTools('')
  const kept = keeping(reply instanceof Error ? accepted : reply)
  const source = xdrSource.create({ path: '/xdr', token: 'let-me-in', ...settings }, tools)
  await source.start(reply instanceof Error ? () => Promise.reject(reply) : kept.receive)
  t.teardown(() => source.stop())
  const url = `${await serveTools(t, tools)}/xdr`
  return { ...kept, tools, url, source, send: (type: string, body: string | Buffer) => post(url, type, body, { authorization: 'Bearer let-me-in' }) }
}
const mailIn = (bytes: Buffer | undefined): Mail => readMail(bytes ?? Buffer.alloc(0), { size: 1e8, header: 1e6, parts: 100, depth: 5 })
const header = (mail: Mail, name: string): string | undefined => fieldsOf(mail, name).map(rawValue)[0]

t.test('what is submitted in a package or inline becomes a mail of its documents byte for byte, with their metadata', async (t) => {
  const { taken, send } = await opened(t)
  const address = '<d:metadata-level xmlns:d="urn:direct:addressing">XDS</d:metadata-level><d:addressBlock xmlns:d="urn:direct:addressing" S:mustUnderstand="1"><d:from>mailto:desk@direct.meadow.example</d:from><d:to>mailto:intake@direct.heart.example</d:to></d:addressBlock>'
  const packed = multipart(soap(ACTION, request(metadataOf(), include(FIRST, 'cid:a%2Bb@sender.test') + include(SECOND, 'cid:second')), address), [{ id: '<a+b@sender.test>', content: NOTE }, { id: 'second', content: PICTURE }])
  const answer = await send(packed.type, packed.body)
  t.equal(answer.status, 200)
  t.match(answer.headers['content-type'], /^multipart\/related/, 'asked in a package, answered in one')
  t.match(answer.text, /RelatesTo>urn:uuid:11111111-2222-4333-8444-555555555555</)
  t.match(answer.text, /<wsa:Action env:mustUnderstand="true">urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-bResponse</)
  t.match(answer.text, /RegistryResponse[^>]*ResponseStatusType:Success/)
  const plain = await send(SOAP12, whole)
  t.match(plain.headers['content-type'], /^application\/soap\+xml/)
  t.match(plain.text, /ResponseStatusType:Success/)
  for (const [at, inbound] of taken.entries()) {
    const mail = mailIn(inbound.bytes)
    const { documents = [], problems, submission: set } = (await packageOf(mail)) ?? { documents: [], problems: ['none'] }
    t.same(problems, [])
    t.same(documents.map(({ content, intact, listed, path }) => [content, intact, listed, path]), [[NOTE, true, true, 'DOC00001.XML'], [PICTURE, true, true, 'DOC00002.PDF']])
    t.equal(set?.uniqueId, `${OUR}.5.7`)
    t.same(documents[0]?.patientInfo[1], 'PID-5|Quillfeather^Odalys')
    t.equal(header(mail, 'x-refero-kind'), 'xdr')
    t.match(header(mail, 'from'), at === 0 ? 'desk@direct.meadow.example' : 'ines.bell@direct.meadow.example')
    t.match(header(mail, 'to'), at === 0 ? 'intake@direct.heart.example' : 'anita.rao@direct.heart.example')
    t.match(header(mail, 'message-id'), `<${OUR}.5.7@xdr.invalid>`)
  }
  t.equal(taken[0]?.key, taken[1]?.key, 'the same submission twice is one arrival, however it was framed')
  const other = Buffer.from('<ClinicalDocument/>')
  const changed = metadataOf({ ...submission, documents: [{ ...document, content: other }] })
  await send(SOAP12, soap(ACTION, request(changed, inline(FIRST, other))))
  t.equal(taken.length, 3)
  t.not(taken[2]?.key, taken[0]?.key, 'an id used for other documents loses neither')
})

t.test('what cannot be taken is answered in SOAP’s words, or in a registry’s, and nothing is handed over', async (t) => {
  const { taken, send } = await opened(t, { maximum: '200kB' })
  const full = metadataOf()
  const bare = full.replace(/<rim:Classification[^>]*f0306f51[\s\S]*?<\/rim:Classification>/, '')
  const one = (change: (text: string) => string): string => change(whole)
  const laughs = `<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>${whole.replace(/^<\?xml.*?\?>/, '')}`
  const torn = multipart(whole, [])
  const table: [string, string, string | Buffer, number, RegExp][] = [
    ['no envelope', SOAP12, '<a/>', 400, /no SOAP Envelope/],
    ['no XML', SOAP12, 'nothing', 400, /cannot be read/],
    ['empty', SOAP12, '', 400, /cannot be read/],
    ['another type', 'application/json', '{}', 400, /content type/],
    ['a document type', SOAP12, laughs, 400, /document type/],
    ['a wrong character set', SOAP12, Buffer.concat([Buffer.from(whole.slice(0, 200)), Buffer.from([0xff, 0xfe]), Buffer.from(whole.slice(200))]), 400, /bytes are not utf-8/],
    ['SOAP 1.1', 'text/xml; charset=utf-8', whole.replace('http://www.w3.org/2003/05/soap-envelope', 'http://schemas.xmlsoap.org/soap/envelope/'), 500, /schemas\.xmlsoap\.org[\s\S]*SupportedEnvelope[\s\S]*VersionMismatch/],
    ['a wrong envelope', SOAP12, one((text) => text.replace('2003/05/soap-envelope', '2003/05/other')), 500, /VersionMismatch/],
    ['another action', SOAP12, one((text) => text.replaceAll(ACTION, 'urn:ihe:iti:2007:RegisterDocumentSet-b')), 400, /env:Sender<[\s\S]*wsa:ActionNotSupported/],
    ['no action', SOAP12, one((text) => text.replace(/<a:Action.*?<\/a:Action>/, '')), 400, /MessageAddressingHeaderRequired/],
    ['no message id', SOAP12, one((text) => text.replace(/<a:MessageID.*?<\/a:MessageID>/, '')), 400, /MessageAddressingHeaderRequired/],
    ['an answer elsewhere', SOAP12, one((text) => text.replace('addressing/anonymous<', 'addressing/elsewhere<')), 400, /anonymous/],
    ['what must be understood', SOAP12, soap(ACTION, '<x/>', '<q:Lock xmlns:q="urn:q" S:mustUnderstand="true"/>'), 500, /NotUnderstood xmlns:block="urn:q" qname="block:Lock"[\s\S]*env:MustUnderstand/],
    ['security without `saml`', SOAP12, soap(ACTION, '<x/>', '<w:Security xmlns:w="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd" S:mustUnderstand="1"/>'), 500, /env:MustUnderstand/],
    ['no body', SOAP12, soap(ACTION, ''), 400, /Body is empty/],
    ['another body', SOAP12, soap(ACTION, '<x:Other xmlns:x="urn:ihe:iti:xds-b:2007"/>'), 400, /ProvideAndRegisterDocumentSetRequest/],
    ['a wrong namespace', SOAP12, soap(ACTION, request(full, both).replace('xds-b:2007', 'xds-b:2008')), 400, /ProvideAndRegisterDocumentSetRequest/],
    ['a wrong boundary', torn.type.replace('2d9a', '2d9b'), torn.body, 400, /no parts/],
    ['no boundary', 'multipart/related; type="application/xop+xml"', torn.body, 400, /no boundary/],
    ['a wrong start', torn.type.replace('main@', 'other@'), torn.body, 400, /`start`/],
    ['no metadata', SOAP12, soap(ACTION, request('', both)), 200, /Failure[\s\S]*errorCode="XDSMissingDocumentMetadata"/],
    ['no document for an entry', SOAP12, soap(ACTION, request(full, inline(FIRST, NOTE))), 200, /errorCode="XDSMissingDocument"[^>]*ExtrinsicObject\[2\]/],
    ['no entry for a document', SOAP12, soap(ACTION, request(full, both + inline('other', NOTE))), 200, /errorCode="XDSMissingDocumentMetadata"[^>]*Document\[3\]/],
    ['a part that did not come', SOAP12, soap(ACTION, request(full, inline(FIRST, NOTE) + include(SECOND, 'cid:nowhere'))), 200, /errorCode="XDSMissingDocument"[^>]*did not come/],
    ['no base64', SOAP12, soap(ACTION, request(full, `${inline(FIRST, NOTE)}<x:Document id="${SECOND}">!!</x:Document>`)), 200, /not in base64/],
    ['an empty document', SOAP12, soap(ACTION, request(full, `${inline(FIRST, NOTE)}<x:Document id="${SECOND}"/>`)), 200, /errorCode="XDSMissingDocument"[^>]*empty/],
    ['a wrong hash', SOAP12, soap(ACTION, request(full.replace(/(name="hash">.*?<rim:Value>)..../, '$10000'), both)), 200, /XDSRepositoryMetadataError"[^>]*SHA-1/],
    ['a wrong size', SOAP12, soap(ACTION, request(full.replace(/(name="size">.*?<rim:Value>)\d+/, '$11'), both)), 200, /XDSRepositoryMetadataError"[^>]*size/],
    ['no type code', SOAP12, soap(ACTION, request(bare, both)), 200, /XDSRepositoryMetadataError"[^>]*XDSDocumentEntry\.typeCode is missing/],
    ['no submission id', SOAP12, soap(ACTION, request(full.replace(/<rim:ExternalIdentifier[^>]*96fdda7c[\s\S]*?<\/rim:ExternalIdentifier>/, ''), both)), 200, /XDSSubmissionSet\.uniqueId/],
    ['one id for two', SOAP12, soap(ACTION, request(full.replaceAll(`${OUR}.4.2`, `${OUR}.4.1`), both)), 200, /XDSRegistryDuplicateUniqueIdInMessage/],
    ['two patients', SOAP12, soap(ACTION, request(full.replace(/(58a6f841[^>]*value=")MRN-40077/, '$1MRN-40078'), both)), 200, /XDSPatientIdDoesNotMatch/],
    ['too large', SOAP12, Buffer.alloc(201 * 1024, 'x'), 413, /at most/],
  ]
  for (const [name, type, body, status, text] of table) {
    const answer = await send(type, body)
    t.equal(answer.status, status, name)
    t.match(answer.text, text, name)
    t.notMatch(answer.text, /Quillfeather/, name)
  }
  t.equal(taken.length, 0)
  const { patient: _, ...unnamed } = submission
  const minimal = soap(ACTION, request(metadataOf(unnamed), both))
  t.match((await send(SOAP12, minimal)).text, /XDSDocumentEntry\.patientId is missing/)
  t.match((await send(SOAP12, minimal.replace('</S:Header>', '<d:metadata-level xmlns:d="urn:direct:addressing">minimal</d:metadata-level></S:Header>'))).text, /Success/)
  t.match((await (await opened(t, { require: 'minimal' })).send(SOAP12, minimal)).text, /Success/)
})

t.test('who may not send is refused; what the store could not keep is not acknowledged', async (t) => {
  const { url, taken } = await opened(t)
  t.equal((await post(url, SOAP12, whole)).status, 401)
  t.equal((await post(url, SOAP12, whole, { authorization: 'Bearer wrong' })).status, 401)
  t.equal(taken.length, 0)
  for (const reply of [failing, new Error('Quillfeather')]) {
    const answer = await (await opened(t, { reply })).send(SOAP12, whole)
    t.equal(answer.status, 503)
    t.match(answer.text, /Failure[\s\S]*XDSRegistryBusy/)
    t.notMatch(answer.text, /Quillfeather/)
  }
  t.match((await (await opened(t, { reply: rejected })).send(SOAP12, whole)).text, /Failure[\s\S]*XDSRepositoryError/)
  const limited = await opened(t, { rate: { requests: 1, within: '1m' } })
  t.equal((await limited.send(SOAP12, whole)).status, 200)
  t.equal((await limited.send(SOAP12, whole)).status, 429)
  t.throws(() => xdrSource.create({ path: '/xdr' }, testTools('')), /nobody would be asked/)
  t.throws(() => xdrSource.create({ path: '/xdr', saml: { required: true } }, testTools('')), /nobody would be asked/)
})

t.test('SAML assertions hold now, here, and by their signature, or are refused', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'refero-xdr-'))
  makeCertificates(folder, ['issuer', 'stranger'])
  const pem = (name: string): string => readFileSync(join(folder, name), 'utf8')
  const identity = { issuer: 'CN=on-ramp', subject: 'Ines Bell', organization: 'Meadow & Sons', role: { code: '112247003', display: 'Medical doctor' }, purpose: 'TREATMENT', audience: 'https://heart.example/xdr', key: pem('issuer.key'), certificate: pem('issuer.pem') }
  const now = new Date()
  const with_ = (block: string): string => soap(ACTION, request(metadataOf(), both), block.replaceAll('env:', 'S:'))
  const saml = { required: true, anchors: pem('issuer.pem'), audience: 'https://heart.example/xdr' }
  const { taken, tools, send } = await opened(t, { saml })
  tools.clock.advance(now.getTime() - tools.clock.now().getTime())
  const block = writeSecurity(identity, '_one', now)
  t.match((await send(SOAP12, with_(block))).text, /Success/)
  const mail = mailIn(taken[0]?.bytes)
  t.same(['', '-Issuer', '-Subject', '-Organization', '-Role', '-Purpose'].map((name) => header(mail, `x-refero-saml${name}`)), ['verified', 'CN=on-ramp', 'Ines Bell', 'Meadow & Sons', '112247003', 'TREATMENT'])
  t.match((await send(SOAP12, with_(block.replace('<saml2:Subject>', '<!-- c --><saml2:Subject>').replace('Version="2.0"', "Version = '2.0' ")))).text, /Success/, 'what canonical form makes the same')
  const later = (minutes: number) => writeSecurity(identity, '_one', new Date(now.getTime() + minutes * 60_000))
  const table: [string, string, RegExp][] = [
    ['none', '', /SecurityTokenUnavailable/], ['altered', block.replace('Ines Bell', 'Ines Ball'), /digest differs/], ['over', later(-10), /not hold any more/], ['early', later(10), /not hold yet/],
    ['a stranger’s', writeSecurity({ ...identity, key: pem('stranger.key'), certificate: pem('stranger.pem') }, '_one', now), /none of the anchors/], ['a stranger’s key under our certificate', writeSecurity({ ...identity, key: pem('stranger.key') }, '_one', now), /not by the certificate/],
    ['for others', writeSecurity({ ...identity, audience: 'https://other.example' }, '_one', now), /another audience/], ['unsigned', block.replace(/<ds:Signature [\s\S]*<\/ds:Signature>/, ''), /not signed once/],
    ['signed over another', block.replace('URI="#_one"', 'URI="#_two"'), /over something else/], ['SHA-1', block.replace('xmldsig-more#ecdsa-sha256', 'xmldsig-more#ecdsa-sha1'), /SHA-256 or longer/], ['two', block.replace('</wsse:Security>', `${/<saml2:Assertion[\s\S]*<\/saml2:Assertion>/.exec(block)?.[0]}</wsse:Security>`), /more than one/],
  ]
  for (const [name, one, text] of table) {
    const answer = await send(SOAP12, with_(one))
    t.equal(answer.status, 400, name)
    t.match(answer.text, text, name)
  }
  t.equal(taken.length, 2)
  const open = await opened(t, { saml: {} })
  open.tools.clock.advance(now.getTime() - open.tools.clock.now().getTime())
  await open.send(SOAP12, with_(block.replace('Ines Bell', 'Ines Ball')))
  t.equal(header(mailIn(open.taken[0]?.bytes), 'x-refero-saml'), 'unverified')
})

t.test('our own submissions arrive whole: of a package, of what came by XDR, and of plain attachments', async (t) => {
  const { taken, url, tools, source } = await opened(t)
  const destination = xdrDestination.create({ url, sourceId: `${OUR}.1`, institution: 'Heart Center', token: 'let-me-in', metadata: 'minimal' }, tools)
  await destination.open()
  const mail = (attachments: Parameters<typeof composeMail>[0]['attachments']) => composeMail({ messageId: '<one@heart.example>', date: AT, from: { name: 'Heart', address: 'intake@direct.heart.example' }, to: [{ name: '', address: 'ines.bell@direct.meadow.example' }], subject: 'x', text: 'y', attachments: attachments ?? [] })
  const zip = await writeXdm({ ...submission, patient: submission.patient as NonNullable<NewSubmission['patient']> })
  const plain = await mail([{ filename: 'a.xml', type: 'text/xml', content: NOTE }, { filename: 'b.pdf', type: 'application/pdf', content: PICTURE }])
  for (const payload of [await mail([{ filename: 'p.zip', type: 'application/zip', content: zip }]), plain, plain]) {
    const outcome = await destination.deliver(deliveryOf(payload), never)
    t.match(outcome, { kind: 'sent' })
    t.match(JSON.parse(outcome.kind === 'sent' ? (outcome.response?.toString() ?? '') : '{}'), { tracking: /^xdr:[\d.]+$/, stage: 'accepted' })
  }
  t.equal(taken[1]?.key, taken[2]?.key)
  const again = await destination.deliver(deliveryOf(taken[0]?.bytes ?? ''), never)
  t.equal(again.kind, 'sent', 'what came is passed on')
  t.equal(taken[0]?.key, taken[3]?.key)
  for (const inbound of taken) {
    const got = mailIn(inbound.bytes)
    t.same((await packageOf(got))?.documents.map(({ content, intact }) => [content, intact]), [[NOTE, true], [PICTURE, true]])
    t.match([header(got, 'from'), header(got, 'to')], [/intake@direct.heart.example/, inbound === taken[3] ? /direct/ : /ines.bell@direct.meadow.example/])
  }
  for (const payload of ['no mail', await mail([])]) t.match(await destination.deliver(deliveryOf(payload), never), { kind: 'refused' })
  const strict = xdrDestination.create({ url, sourceId: `${OUR}.1`, institution: 'Heart Center', token: 'let-me-in' }, tools)
  await strict.open()
  t.match(await strict.deliver(deliveryOf(plain), never), { kind: 'refused', reason: /name the patient/ })
  const note = readFileSync(join(import.meta.dirname, '../../../fixtures/xml/referral-note.xml'))
  t.match(await strict.deliver(deliveryOf(await mail([{ filename: 'c.xml', type: 'text/xml', content: note }])), never), { kind: 'sent' }, 'a C-CDA says whom it is about')
  const foreign = xdrDestination.create({ url, sourceId: `${OUR}.1`, institution: 'Heart Center', token: 'wrong', metadata: 'minimal' }, tools)
  await foreign.open()
  t.match(await foreign.deliver(deliveryOf(plain), never), { kind: 'unavailable', code: '401' })
  await source.stop()
  for (const one of [destination, strict, foreign]) await one.close()
})

t.test('what a registry answers is what became of a submission', async (t) => {
  const response = (status: string, errors = '') => `<r:RegistryResponse xmlns:r="urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0" status="urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:${status}"><r:RegistryErrorList>${errors}</r:RegistryErrorList></r:RegistryResponse>`
  const problem = (name: string, context = 'x', severity = 'Error') => `<r:RegistryError errorCode="${name}" codeContext="${context}" severity="urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:${severity}"/>`
  const fault = (name: string) => `<S:Fault><S:Code><S:Value>S:${name}</S:Value></S:Code><S:Reason><S:Text xml:lang="en">Quillfeather</S:Text></S:Reason></S:Fault>`
  const answer = (body: string, status = 200) => ({ status, body: soap('urn:a', body) })
  const table: [Parameters<typeof gateway>[1] extends (asked: never) => infer Answer ? Answer : never, object, number?][] = [
    [answer(response('Success')), { kind: 'sent' }],
    [answer(response('Success', problem('XDSExtraMetadataNotSaved', 'x', 'Warning'))), { kind: 'sent' }],
    [answer(response('Failure', problem('XDSPatientIdDoesNotMatch', 'Quillfeather MRN-40077 is not known'))), { kind: 'refused', code: 'XDSPatientIdDoesNotMatch', reason: /^answered Failure: XDSPatientIdDoesNotMatch \(… … is not known\)$/ }],
    [answer(response('PartialSuccess', problem('XDSRepositoryError'))), { kind: 'refused', reason: /PartialSuccess/ }],
    [answer(response('Failure', problem('XDSRegistryBusy')), 503), { kind: 'unavailable', code: 'XDSRegistryBusy' }],
    [answer(response('Failure', problem('XDSDuplicateUniqueIdInRegistry'))), { kind: 'refused' }],
    [answer(response('Failure', problem('XDSDuplicateUniqueIdInRegistry'))), { kind: 'sent' }, 2],
    [answer(fault('Sender'), 400), { kind: 'refused', code: 'Sender', reason: /^answered the SOAP fault Sender$/ }],
    [answer(fault('Receiver'), 500), { kind: 'unknown' }],
    [answer('<a/>'), { kind: 'unknown' }], [{ body: 'hello' }, { kind: 'unknown' }], [{ body: soap('urn:a', response('Success'), '', 'urn:uuid:other') }, { kind: 'unknown', reason: /another request/ }],
    [{ status: 503, body: 'later' }, { kind: 'unavailable' }], [{ status: 500, body: 'oops' }, { kind: 'refused' }], [null, { kind: 'unknown' }],
  ]
  const zip = await writeXdm({ ...submission, patient: submission.patient as NonNullable<NewSubmission['patient']> })
  const payload = await composeMail({ messageId: '<one@heart.example>', date: AT, to: [], subject: 'x', attachments: [{ filename: 'p.zip', type: 'application/zip', content: zip }] })
  for (const [given, expected, attempts = 1] of table) {
    const { url, asked } = await gateway(t, () => given)
    const destination = xdrDestination.create({ url, sourceId: `${OUR}.1`, institution: 'Heart Center', basic: { user: 'a', password: 'b' } }, testTools(''))
    await destination.open()
    t.match(await destination.deliver(deliveryOf(payload, { attempts }), never), expected)
    t.match(asked[0]?.headers.authorization, /^Basic/)
    await destination.close()
  }
  const nobody = xdrDestination.create({ url: 'http://127.0.0.1:9/', sourceId: `${OUR}.1`, institution: 'Heart Center' }, testTools(''))
  t.match(await nobody.deliver(deliveryOf(payload), never), { kind: 'unavailable' })
  await nobody.open()
  t.match(await nobody.deliver(deliveryOf(payload), never), { kind: 'unavailable' })
  await nobody.close()
})

t.test('random damage is answered, never a crash', async (t) => {
  const { send, tools } = await opened(t)
  const packed = multipart(soap(ACTION, request(metadataOf(), include(FIRST, 'cid:first') + include(SECOND, 'cid:second'))), [{ id: '<first>', content: NOTE }, { id: '<second>', content: PICTURE }])
  const handler = tools.served.get('/xdr')
  let seed = 11
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff
    return (seed >> 8) % below
  }
  const seen = new Map<number, number>()
  for (let n = 0; n < 600; n++) {
    const bytes = Buffer.from(n % 5 === 0 ? packed.body.subarray(0, random(packed.body.length)) : packed.body)
    if (bytes.length > 0) for (let hit = 0; hit < n % 4; hit++) bytes[random(bytes.length)] = random(256)
    const type = n % 7 === 0 ? packed.type.slice(0, random(packed.type.length)) : packed.type
    const answer = await handler?.({ method: 'POST', path: '/xdr', headers: { 'content-type': type, authorization: 'Bearer let-me-in' }, body: bytes, remote: `127.0.0.${n % 200}:1` })
    seen.set(answer?.status ?? 0, (seen.get(answer?.status ?? 0) ?? 0) + 1)
  }
  t.same([...seen.keys()].filter((status) => ![200, 400, 500].includes(status)), [])
  t.same(tools.events.filter(({ level }) => level === 'error'), [])
  t.match((await send(packed.type, packed.body)).text, /Success/)
})
