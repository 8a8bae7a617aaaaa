/** The step `unpack`: what mails, faxes and uploads carry becomes referrals, and what nobody has read yet says so. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Bundle, DocumentReference, FhirResource, OperationOutcome, Organization, PractitionerRole, ServiceRequest } from 'fhir/r4.js'
import t from 'tap'
import { attachmentsOf, contentOf, type Mail } from '../../engine/formats/mime/mail.js'
import { composeMail, type Enclosure, type NewMail } from '../../engine/formats/mime/compose.js'
import { writeXdm } from '../../engine/formats/mime/xdm/write.js'
import { canonical } from '../../referrals/canonical/canonical.js'
import { factsOf } from '../../referrals/canonical/facts.js'
import { messageOf } from '../conformance/transforms.js'
import { randomOf } from '../referrals/routing/made.js'
import { fixture, pieces, ROOT, transformTools } from './tools.js'

const tools = transformTools()
const definition = pieces.transforms.get('unpack')
const step = (settings: object = {}) => definition?.create(settings, tools) ?? t.fail('there is no such step')
const FROM = { name: 'Meadow Family Medicine', address: 'office@meadow.example' }
const TO = { name: '', address: 'referrals@heart.example' }
const PDF = Buffer.from('%PDF-1.4\n%%EOF\n')
const file = (path: string): Buffer => readFileSync(join(ROOT, 'fixtures', path))
const enclosure = (filename: string, type: string, content: Buffer): Enclosure => ({ filename, type, content })
const mail = async (more: Partial<NewMail> = {}): Promise<Buffer> => composeMail({ messageId: '<one@meadow.example>', date: new Date('2026-03-02T14:00:00Z'), from: FROM, to: [TO], subject: 'Referral', ...more })
const opened = async (bytes: Buffer, settings: object = {}): Promise<readonly Bundle[]> => {
  const result = await (step(settings) as (message: unknown) => unknown)(messageOf(tools.format('mime'), bytes))
  if (!Array.isArray(result)) throw new Error((result as { filtered: string }).filtered)
  return result.map(({ body }: { body: unknown }) => body as Bundle)
}
const all = <Kind extends FhirResource>(bundle: Bundle | undefined, type: Kind['resourceType']): readonly Kind[] => (bundle?.entry ?? []).flatMap(({ resource }) => (resource?.resourceType === type ? [resource as Kind] : []))
const unread = (bundle: Bundle | undefined): readonly DocumentReference[] => all<DocumentReference>(bundle, 'DocumentReference').filter(({ meta }) => meta?.tag?.some(({ code }) => code === 'unread'))
const problems = (bundle: Bundle | undefined): string => all<OperationOutcome>(bundle, 'OperationOutcome').flatMap(({ issue }) => issue.map(({ diagnostics }) => diagnostics)).join(' ')

t.test('a C-CDA in a mail is a referral; the letter and the PDF beside it are kept whole and marked unread', async (t) => {
  const [bundle, ...more] = await opened(file('mime/referral-ccda.eml'), { sender: 'direct' })
  t.equal(more.length, 0)
  t.match(unread(bundle).map(({ content }) => content[0]?.attachment), [{ contentType: 'text/plain', title: 'Referral' }, { contentType: 'application/pdf', title: 'ecg.pdf' }])
  t.ok(Buffer.from(unread(bundle)[1]?.content[0]?.attachment.data ?? '', 'base64').toString('latin1').startsWith('%PDF-1.4'), 'byte for byte')
  const facts = factsOf(canonical(bundle).bundle as Bundle)
  t.equal(facts.patient.names[0]?.family, 'Quillfeather')
  t.ok(facts.referrer?.directAddresses.includes('ines.bell@direct.meadow.example'), 'the sender is a way back to the requester')
  t.equal(facts.documents.length, 3)
})

t.test('a fax is a referral that somebody must read, and its number is the way back', async (t) => {
  const [bundle] = await opened(await mail({ from: { name: 'MEADOW FAM MED', address: '+16085550142@fax.invalid' }, to: [{ name: '', address: '+16085550191@fax.invalid' }], subject: 'Fax of 3 pages', headers: { 'X-Refero-Kind': 'fax' }, attachments: [enclosure('fax.tif', 'application/octet-stream', Buffer.from('II*\0rest'))] }))
  t.match(unread(bundle).map(({ content }) => content[0]?.attachment.contentType), ['image/tiff'])
  t.match(all<Organization>(bundle, 'Organization'), [{ name: 'MEADOW FAM MED', telecom: [{ system: 'fax', value: '+16085550142' }] }])
  const { bundle: whole } = canonical(bundle)
  t.same(factsOf(whole as Bundle).referrer?.faxes, ['+16085550142'])
})

t.test('an HL7 v2 order and the document beside it in an XDM package are one referral', async (t) => {
  const code = { code: '57133-1', scheme: '2.16.840.1.113883.6.1', display: 'Referral note' }
  const document = (content: Buffer, contentType: string, uniqueId: string) => ({ content, contentType, uniqueId, title: 'Referral', created: new Date('2026-03-02T14:00:00Z'), language: 'en-US', classCode: code, typeCode: code, formatCode: code, confidentiality: code, facilityType: code, practiceSetting: code })
  const zip = await writeXdm({
    uniqueId: '1.2.3.1', sourceId: '1.2.3.2', time: new Date('2026-03-02T14:00:00Z'), contentType: code, author: { institution: 'Meadow' }, intendedRecipients: [],
    patient: { id: { value: 'T719', authority: '1.2.3.4' }, name: 'Quillfeather^Odalys', birthDate: '19610309', sex: 'F' },
    documents: [document(file('hl7v2/omg-o19-360x.hl7'), 'x-application/hl7-v2+er7', '1.2.3.5'), document(PDF, 'application/pdf', '1.2.3.6')],
  })
  const bundles = await opened(await mail({ attachments: [enclosure('xdm.zip', 'application/zip', zip)] }))
  t.equal(bundles.length, 1)
  t.ok(all<ServiceRequest>(bundles[0], 'ServiceRequest')[0]?.identifier?.length, 'the order is read')
  t.match(unread(bundles[0]).map(({ content }) => content[0]?.attachment), [{ contentType: 'application/pdf', title: 'Referral' }])
  t.notMatch(problems(bundles[0]), /attachment\[0\]/, 'the package is whole')
})

t.test('two patients in one mail are two referrals, and what cannot be told apart is a third that a person looks at', async (t) => {
  const other = Buffer.from(file('xml/referral-note.xml').toString('utf8').replaceAll('Quillfeather', 'Marshgrove').replace(/(<birthTime value=")\d+/, '$119590704'))
  const bundles = await opened(await mail({ text: 'Both attached.', attachments: [enclosure('a.xml', 'text/xml', file('xml/referral-note.xml')), enclosure('b.xml', 'text/xml', other), enclosure('scan.pdf', 'application/pdf', PDF)] }))
  t.equal(bundles.length, 3)
  t.same(bundles.map((bundle) => unread(bundle).length), [0, 0, 2], 'nobody knows whose the scan is')
})

t.test('two documents of one patient are one referral', async (t) => {
  const bundles = await opened(await mail({ attachments: [enclosure('a.xml', 'text/xml', file('xml/referral-note.xml')), enclosure('b.xml', 'text/xml', Buffer.from(`${file('xml/referral-note.xml')}\n`)), enclosure('c.xml', 'text/xml', file('xml/referral-note.xml'))] }))
  t.equal(bundles.length, 1)
  t.equal(all<DocumentReference>(bundles[0], 'DocumentReference').length, 2, 'what is there twice, byte for byte, is there once')
})

t.test('a message forwarded by our own staff comes from who wrote it', async (t) => {
  const inner = await mail({ text: 'Please see Mr Fenwick.', attachments: [enclosure('letter.pdf', 'application/pdf', PDF)] })
  const outer = await mail({ messageId: '<two@heart.example>', from: { name: 'Front desk', address: 'desk@heart.example' }, subject: 'FW: Referral', attachments: [enclosure('forwarded.eml', 'message/rfc822', inner)] })
  const [bundle] = await opened(outer, { ours: ['heart.example'] })
  t.match(all<Organization>(bundle, 'Organization'), [{ name: 'Meadow Family Medicine', telecom: [{ value: 'office@meadow.example' }] }])
  t.equal(unread(bundle).length, 2, 'its letter and its text')
  const [from] = await opened(outer)
  t.match(all<Organization>(from, 'Organization'), [{ name: 'Front desk' }], 'without `ours`, from whoever sent it')
  for (const header of ['---------- Forwarded message ---------\nFrom: Ines Bell <ines.bell@meadow.example>\nDate: Mon, 2 Mar 2026\nSubject: Referral', 'From: "Ines Bell" [mailto:ines.bell@meadow.example]\nSent: Monday\nTo: Front desk\nSubject: Referral', '> *De:* Ines Bell <ines.bell@meadow.example>\n> *Enviado:* lunes\n> *Asunto:* Paciente']) {
    const [inline] = await opened(await mail({ messageId: '<three@heart.example>', from: { name: 'Front desk', address: 'desk@heart.example' }, subject: 'FW: Referral', text: `See below.\n\n${header}\n\nPlease see Mr Fenwick.` }), { ours: ['heart.example'] })
    t.match(all<Organization>(inline, 'Organization'), [{ name: 'Ines Bell', telecom: [{ value: 'ines.bell@meadow.example' }] }], header)
  }
  const [stranger] = await opened(await mail({ text: 'From: Ines Bell <ines.bell@meadow.example>\nSubject: x\n\nPlease see Mr Fenwick.', from: { name: 'Somebody', address: 'x@elsewhere.example' } }), { ours: ['heart.example'] })
  t.match(all<Organization>(stranger, 'Organization'), [{ name: 'Somebody' }], 'what anybody else passes on is theirs')
})

t.test('a reply says which referral it is about: by its address, its subject, or what a bar code said', async (t) => {
  const numbers = async (more: Partial<NewMail>) => (await opened(await mail({ text: 'Here it is.', ...more }))).flatMap((one) => all<ServiceRequest>(one, 'ServiceRequest').flatMap(({ identifier }) => identifier?.map(({ value }) => value) ?? []))
  t.same(await numbers({ subject: 'Re: We have your referral R-7K3M-9QX4' }), ['R-7K3M-9QX4'])
  t.same(await numbers({ to: [{ name: '', address: 'referrals+r-7k3m-9qx4@heart.example' }] }), ['R-7K3M-9QX4'])
  t.same(await numbers({ headers: { 'X-Refero-Reference': 'R-7K3M-9QX4' }, subject: 'R-2222-2222' }), ['R-7K3M-9QX4'], 'the bar code before the subject')
  t.same(await numbers({ subject: 'R-7K3M-9QX4 and R-2222-2222' }), [], 'of two, neither by guess')
})

const notice = async (kind: string, settings: object = {}): Promise<Buffer> => {
  const render = pieces.transforms.get('render')?.create({ letter: 'auto', as: ['text'], disclose: 'all', from: 'referrals@direct.heart.example', to: 'ines.bell@direct.meadow.example', practice: { name: 'Heart Center' }, ...settings }, tools)
  const made = await render?.(fixture(`fhir/notice-${kind}.json`))
  const [letter] = Array.isArray(made) ? made : []
  if (!letter) throw new Error('no letter was written')
  return (letter.body as Mail).raw
}
const x360 = { direct: { form: '360x', oid: '1.3.6.1.4.1.99999.1' } }

t.test('what we write by 360X is read as what it is, with the same referral number', async (t) => {
  const numbers = (bundle: Bundle | undefined) => [...all<ServiceRequest>(bundle, 'ServiceRequest').flatMap(({ identifier }) => identifier ?? []), ...all<DocumentReference>(bundle, 'DocumentReference').flatMap(({ context }) => context?.related?.flatMap(({ identifier }) => identifier ?? []) ?? [])].map(({ value }) => value)
  for (const [kind, take] of [['referral', 'referrals'], ['withdrawal', 'referrals'], ['status', 'answers'], ['outcome', 'answers']] as const) {
    const bytes = await notice(kind, x360)
    const [bundle] = await opened(bytes, { take, sender: 'direct' })
    t.ok(numbers(bundle).includes('MFM-20260302-17'), `${kind}: ${numbers(bundle).join()}`)
    await t.rejects(opened(bytes, { take: take === 'answers' ? 'referrals' : 'answers', sender: 'direct' }), { message: /it carries no/ }, kind)
  }
  const [request] = await opened(await notice('referral', x360), { take: 'referrals', sender: 'direct' })
  const facts = factsOf(canonical(request).bundle as Bundle)
  t.notOk(facts.revoked)
  t.match([...all<Organization>(request, 'Organization'), ...all<PractitionerRole>(request, 'PractitionerRole')].flatMap(({ telecom }) => telecom?.filter(({ value }) => value === 'referrals@direct.heart.example') ?? []), [{ extension: [{ valueBoolean: true }, { url: 'urn:refero:way', valueCode: '360x' }] }], 'who sends 360X is answered by it')
  const [taken] = await opened(await notice('withdrawal', x360), { take: 'referrals', sender: 'direct' })
  t.ok(factsOf(canonical(taken).bundle as Bundle).revoked, 'a cancellation takes the referral back')
  const [note] = await opened(await notice('outcome', x360), { take: 'answers', sender: 'direct' })
  t.equal(all<DocumentReference>(note, 'DocumentReference')[0]?.docStatus, 'final')
})

t.test('without 360X a note goes as the bare document, and is read as the answer', async (t) => {
  const bytes = await notice('outcome', { direct: { form: 'ccda', oid: '1.3.6.1.4.1.99999.1' } })
  const [note] = await opened(bytes, { take: 'answers', sender: 'direct' })
  t.equal(all<DocumentReference>(note, 'DocumentReference')[0]?.content[0]?.attachment.contentType, 'application/hl7-cda+xml')
})

t.test('our own cover sheet on a fax says which referral it is about', async (t) => {
  const fax = await notice('information', { as: ['fax'], to: '+16085550142@fax.invalid' })
  const pdf = Buffer.concat(attachmentsOf(tools.format('mime').parse(fax) as Mail).map(({ part }) => contentOf(part)))
  const [bundle] = await opened(await mail({ from: { name: '', address: '+16085550142@fax.invalid' }, headers: { 'X-Refero-Kind': 'fax' }, attachments: [enclosure('fax.pdf', 'application/pdf', pdf)] }))
  t.same(all<ServiceRequest>(bundle, 'ServiceRequest')[0]?.identifier?.map(({ value }) => value), ['R-7K3M-9QX4'])
})

t.test('answers and referrals are taken apart', async (t) => {
  const answer = await mail({ attachments: [enclosure('status.hl7', 'text/plain', file('hl7v2/rri-i12-rejected.hl7'))] })
  t.equal((await opened(answer, { take: 'answers' })).length, 1)
  await t.rejects(opened(answer, { take: 'referrals' }), { message: 'unpack: it carries no referrals' })
  await t.rejects(opened(file('mime/referral-ccda.eml'), { take: 'answers' }), { message: 'unpack: it carries no answers' })
})

t.test('what cannot be read, opened or taken says so, and the rest is kept', async (t) => {
  const [bundle] = await opened(await mail({
    text: 'Four files.',
    attachments: [
      enclosure('broken.xml', 'text/xml', Buffer.from('<ClinicalDocument xmlns="urn:hl7-org:v3"><title>')), enclosure('broken.zip', 'application/zip', Buffer.from('PK\x03\x04rubbish')),
      enclosure('invoice.pdf.exe', 'application/pdf', Buffer.from('MZ')), enclosure('empty.pdf', 'application/pdf', Buffer.alloc(0)), enclosure('other.hl7', 'text/plain', Buffer.from('MSH|^~\\&|A|B|C|D|20260302||DFT^P03|1|P|2.5.1\rPID|1||1\r')),
    ],
  }))
  t.same(unread(bundle).map(({ content }) => content[0]?.attachment.title), ['Referral', 'broken.xml', 'broken.zip', 'other.hl7'])
  t.match(problems(bundle), /attachment\[0\] cannot be read: .*attachment\[1\] cannot be opened: .*attachment\[2\] is a program, and is not taken\. attachment\[3\] is empty\./)
  t.match(problems(bundle), /of a type that mappings\/intake\/contents\.yaml does not name \(DFT\^P03\)/)
})

t.test('a mail with nothing in it is refused, and why is said', async (t) => {
  await t.rejects(opened(await mail({ text: ' \n' })), { message: /there is neither text nor a document in it/ })
})

t.test('a logo of a signature is no document; a photograph is', async (t) => {
  const logo = 'Content-Type: image/png\r\nContent-ID: <logo>\r\nContent-Disposition: inline\r\n\r\n\x89PNG\r\n\x1a\nsmall'
  const photo = 'Content-Type: image/jpeg\r\nContent-Disposition: attachment; filename="card.jpg"\r\n\r\n\xff\xd8\xffphoto'
  const bytes = Buffer.from(`From: office@meadow.example\r\nMessage-ID: <three@meadow.example>\r\nContent-Type: multipart/related; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>See card <img src="cid:logo"></p>\r\n--b\r\n${logo}\r\n--b\r\n${photo}\r\n--b--\r\n`, 'latin1')
  const [bundle] = await opened(bytes)
  t.same(unread(bundle).map(({ content }) => content[0]?.attachment.contentType), ['text/html', 'image/jpeg'])
})

t.test('whatever comes, it answers with bundles, a reason or a fault', async (t) => {
  const next = randomOf(7)
  const random = (below: number): number => Math.floor(next() * below)
  const sources = readdirSync(join(ROOT, 'fixtures/mime')).map((name) => file(`mime/${name}`))
  const counts = { bundles: 0, faults: 0 }
  for (let round = 0; round < 300; round++) {
    const bytes = Buffer.from(sources[random(sources.length)] as Buffer)
    for (let change = random(8); change >= 0; change--) {
      const at = random(bytes.length)
      if (random(3) === 0) bytes.copy(bytes, at, random(bytes.length))
      else bytes[at] = random(256)
    }
    try {
      counts.bundles += (await opened(bytes)).length
    } catch (error) {
      counts.faults += 1
      if (!/MessageFault/.test((error as Error).constructor.name)) t.fail(`round ${round}: ${(error as Error).stack}`)
    }
  }
  t.ok(counts.bundles > 100, `${counts.bundles} bundles and ${counts.faults} faults`)
})

const CORPUS = join(ROOT, '../shared/corpora/direct')
t.test('public XDM packages and Direct messages are opened', { skip: existsSync(CORPUS) ? false : 'the public corpora are not here' }, async (t) => {
  for (const name of readdirSync(join(CORPUS, 'xdm'))) {
    const bundles = await opened(await mail({ attachments: [enclosure(name, 'application/zip', readFileSync(join(CORPUS, 'xdm', name)))] }))
    t.ok(bundles.length > 0, `${name}: ${bundles.length} with ${bundles.map((one) => one.entry?.length).join()} entries`)
  }
  for (const name of readdirSync(join(CORPUS, 'messages'))) {
    const bytes = readFileSync(join(CORPUS, 'messages', name))
    try {
      t.ok((await opened(bytes)).length > 0, name)
    } catch (error) {
      t.ok(/MessageFault/.test((error as Error).constructor.name), `${name}: ${(error as Error).message}`)
    }
  }
})

t.test('every mail among the fixtures is given to the desk as something that it can take, or refused in words', async (t) => {
  for (const name of readdirSync(join(ROOT, 'fixtures/mime'))) {
    const message = fixture(`mime/${name}`)
    t.equal(message.format, 'mime')
    const bundles = await opened(file(`mime/${name}`)).catch((error: Error): readonly Bundle[] => {
      t.ok(error.message, `${name}: ${error.message}`)
      return []
    })
    for (const bundle of bundles) if (all(bundle, 'ServiceRequest').length > 0) t.ok(canonical(bundle).bundle, name)
  }
})

t.test('a submission by XDR is its documents, with the titles that its metadata give them, and METADATA.XML is none', async (t) => {
  const [bundle, ...more] = await opened(file('mime/xdr-referral.eml'), { sender: 'direct' })
  t.equal(more.length, 0)
  t.same(all<DocumentReference>(bundle, 'DocumentReference').map(({ content }) => content[0]?.attachment.title), ['Referral to Cardiology', 'ECG of 2 March'])
  t.match(unread(bundle).map(({ content }) => content[0]?.attachment.contentType), ['application/pdf'])
  t.equal(problems(bundle), '')
  const damaged = file('mime/xdr-referral.eml').toString().replace('DOC00002.PDF', 'DOC00009.PDF')
  const [other] = await opened(Buffer.from(damaged.replace('DOC00002.PDF', 'DOC00009.PDF')))
  t.match(problems(other), /DOC00009\.PDF is not in the metadata.*DOC00002\.PDF, which is not in the package/s, 'what the metadata do not name is taken all the same')
  t.equal(unread(other).length, 1)
  const broken = await opened(await mail({ attachments: [enclosure('METADATA.XML', 'text/xml', Buffer.from('<torn')), enclosure('a.pdf', 'application/pdf', PDF)] }))
  t.match(unread(broken[0]).map(({ content }) => content[0]?.attachment.title), ['a.pdf'])
})

t.test('as an addition, everything belongs to the referral that the mail names, and nothing is a referral of its own', async (t) => {
  const [bundle, ...more] = await opened(file('mime/xca-summary.eml'), { as: 'addition' })
  t.equal(more.length, 0)
  t.same((bundle?.entry ?? []).map(({ resource }) => resource?.resourceType), ['ServiceRequest', 'Patient', 'DocumentReference'])
  t.match(all<ServiceRequest>(bundle, 'ServiceRequest')[0], { identifier: [{ system: 'urn:refero:referral', value: 'R-7K3M-9QX4' }] })
  t.equal(unread(bundle).length, 0)
  t.ok(canonical(bundle).bundle, 'the desk can read it')
  const note = enclosure('a.xml', 'text/xml', file('xml/referral-note.xml'))
  const [one, ...others] = await opened(await mail({ subject: 'R-7K3M-9QX4', attachments: [note, enclosure('a.pdf', 'application/pdf', PDF)] }), { as: 'addition' })
  t.equal(others.length, 0)
  t.notOk(all<ServiceRequest>(one, 'ServiceRequest')[0]?.requester, 'also of a Referral Note')
  t.match(unread(one).map(({ content }) => content[0]?.attachment.contentType), ['application/pdf'])
  await t.rejects(opened(file('mime/xca-unnamed.eml'), { as: 'addition' }), /no reference number of ours/)
  await t.rejects(opened(await mail({ subject: 'R-7K3M-9QX4 and R-2B8C-4DFG', attachments: [note] }), { as: 'addition' }), /several reference numbers/)
  const somebody = enclosure('b.xml', 'text/xml', Buffer.from(file('xml/referral-note.xml').toString().replaceAll('Quillfeather', 'Thornbury')))
  await t.rejects(opened(await mail({ subject: 'R-7K3M-9QX4', attachments: [note, somebody] }), { as: 'addition' }), /several patients/)
  t.throws(() => step({ as: 'addition', take: 'answers' }), /makes neither/)
})
