/** Referrals by fax with the whole product and a fax service that is simulated over real HTTP: in by its webhook, read by a person, answered by fax, and the answer to that. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import t from 'tap'
import { barcodesOf } from '../../engine/documents/barcodes.js'
import { faxPages, faxTiff } from '../../engine/documents/fax.js'
import { preview } from '../../engine/documents/pages.js'
import { joinTiff } from '../../engine/documents/tiff-join.js'
import { segment } from '../demo/hl7.js'
import { person } from '../demo/people.js'
import { referral } from '../demo/referral.js'
import { openScene } from '../demo/scene.js'
import { tiff, TWO_PAGES } from '../connectors/fax-kit.js'
import { type Answer, ROOT, startProduct, until } from './product.js'

const [KEY, HOOK] = ['our-account', 'a-secret-of-some-length']
const [US, MEADOW, LAKESIDE] = ['+16085550191', '+16085550142', '+16085550177']

interface Sent { readonly id: string; readonly to: string; readonly file: Buffer }
/** The fax service: files of faxes that came, and what it was given to send. */
const service = { files: new Map<string, Buffer>(), fetched: [] as string[], sent: [] as Sent[], down: false, filesDown: false }
const server = createServer(async (request, response) => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  if (request.headers.authorization !== `Bearer ${KEY}`) return void response.writeHead(401).end()
  const [, id = ''] = /^\/faxes\/(.+)\/file$/.exec(request.url ?? '') ?? []
  if (request.method === 'GET') service.fetched.push(id)
  if (request.method === 'GET') return void (service.filesDown ? response.writeHead(503).end() : response.end(service.files.get(id)))
  if (service.down) return void response.writeHead(503).end()
  const { to, file } = JSON.parse(Buffer.concat(chunks).toString())
  service.sent.push({ id: `out-${service.sent.length + 1}`, to, file: Buffer.from(file, 'base64') })
  response.end(JSON.stringify({ id: service.sent.at(-1)?.id }))
}).listen(0, '127.0.0.1')
await new Promise((resolve) => server.once('listening', resolve))
t.teardown(() => server.close().closeAllConnections())

const folder = mkdtempSync(join(tmpdir(), 'refero-fax-'))
t.teardown(() => rmSync(folder, { recursive: true, force: true }))
cpSync(join(ROOT, 'channels'), join(folder, 'channels'), { recursive: true })
/** A copy of a file of the product that says something else. */
const own = (file: string, change: (text: string) => string): void => {
  mkdirSync(join(folder, file, '..'), { recursive: true })
  writeFileSync(join(folder, file), change(readFileSync(join(ROOT, file), 'utf8')))
}
own('mappings/fax/generic-json.yaml', (text) => text.replace(/^base: .*$/m, `base: http://127.0.0.1:${(server.address() as AddressInfo).port}`))
own('mappings/providers/ways.yaml', (text) => text.replace(/^ {2}fax: .*$/m, '  fax: { confirms: { by: delivered, within: 60m }, retry: { every: 1s, attempts: 2, hours: "Mon-Sun 00:00-24:00", zone: UTC } }'))
own('channels/loop-fax.yaml', (text) => text.replace('every: 10s', 'every: 100ms'))
const ENV = { REFERO_FAX_SERVICE: 'true', REFERO_FAX_PROVIDER: 'generic-json', REFERO_FAX_FROM: US, REFERO_SECRET_FAX_KEY: KEY, REFERO_SECRET_FAX_HOOK: HOOK, REFERO_DATA: join(folder, 'data'), REFERO_MAPPINGS: join(folder, 'mappings') }
const scene = await openScene(t, { folder, env: { ...ENV, REFERO_LOOP_FAX: 'true', REFERO_OUTBOUND_FAX: 'true' } })
const { product, reached } = scene
await scene.load()

/** What the service tells us. */
const tell = async (event: string, fax: object, key = HOOK, port = product.http): Promise<number> => (await fetch(`http://127.0.0.1:${port}/hooks/fax?key=${key}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ event, ...fax }) })).status
const receive = async (id: string, from: string, file: Buffer): Promise<void> => {
  service.files.set(id, file)
  if ((await tell('fax.received', { id, from, to: US, csid: 'MEADOW FAMILY MED' })) !== 200) throw new Error(product.output())
}
const sent = async (count: number): Promise<Sent> => {
  await until(() => service.sent.length >= count, () => `${service.sent.length} faxes were sent, not ${count}\n${product.output()}`)
  return service.sent[count - 1] as Sent
}
const page = async (words: string): Promise<Buffer> => sharp({ text: { text: words, width: 1200, dpi: 200 } }).flatten({ background: '#fff' }).extend({ top: 200, bottom: 1600, left: 250, right: 250, background: '#fff' }).png().toBuffer()
const written = async (...words: string[]): Promise<Buffer> => faxTiff((await Promise.all(words.map(async (one) => faxPages(await page(one))))).flat())
const get = async (path: string): Promise<Answer> => (await product.api(path)).body
const all = async (query = ''): Promise<readonly Answer[]> => (await get(`/api/referrals?limit=200${query}`)).referrals
const says = async (reference: string, words: RegExp): Promise<void> => {
  let said: readonly string[] = []
  await until(async () => {
    said = (await get(`/api/referrals/${reference}/timeline`)).events.map((one: { says: string }) => one.says)
    return said.some((one) => words.test(one))
  }, () => `${reference} does not say ${words} but ${said.join('\n')}`)
}
const decide = async (reference: string, what: string, body: object): Promise<Answer> => {
  const { status, body: answer } = await product.api(`/api/referrals/${reference}/${what}`, { by: 'dana', reason: 'read the fax', ...body })
  if (status !== 200) throw new Error(JSON.stringify(answer))
  return answer
}
const codesOf = async (fax: Buffer): Promise<string> => (await barcodesOf(fax)).map(({ text }) => text).join(' ')
/** As their machine sends it back: our cover sheet in the coarse resolution (204 × 98 dots an inch), not quite straight in the feeder, and a page of their own under it. */
const returned = async ({ file }: Sent, words: string): Promise<Buffer> => {
  const printed = await sharp(await preview(file, 1, { width: 1728 })).rotate(1.5, { background: '#fff' }).toBuffer()
  const coarse = sharp(printed).resize(1728, 1078, { fit: 'fill' }).greyscale().threshold(150).toColourspace('b-w').tiff({ compression: 'ccittfax4', bitdepth: 1, miniswhite: true, xres: 204 / 25.4, yres: 98 / 25.4, resolutionUnit: 'inch' })
  return joinTiff([await coarse.toBuffer(), await faxTiff(await faxPages(await page(words)))])
}
let reference = ''

t.test('a fax is fetched, opened once and acknowledged by fax, with the proof in the timeline', async (t) => {
  const file = await written('Referral to cardiology', 'Palpitations for six weeks')
  t.equal(await tell('fax.received', { id: 'in-1', from: MEADOW, to: US }, 'wrong'), 401)
  await receive('in-1', MEADOW, file)
  await receive('in-1', MEADOW, file)
  const acknowledgement = await sent(1)
  const found = await all('&hold=reading')
  t.equal(found.length, 1, 'the same fax twice is one referral')
  reference = found[0].reference
  t.ok(service.fetched.length >= 1)
  t.equal(acknowledgement.to, MEADOW)
  t.match(await codesOf(acknowledgement.file), reference)

  t.equal(await tell('fax.sending', { id: acknowledgement.id, direction: 'outbound', to: MEADOW }), 200)
  await says(reference, /Fax sending/)
  await tell('fax.delivered', { id: acknowledgement.id, direction: 'outbound', to: MEADOW, pages: 2 })
  await reached(reference, 'acknowledged')
  await says(reference, /by fax, as generic-json:out-\d+; Fax delivered, 2 pages/)
  t.match(await get(`/api/referrals/${reference}`), { notices: [{ kind: 'acknowledgement', way: 'fax', status: 'sent', proof: { stage: 'delivered', pages: 2, steps: [{ stage: 'queued' }, { stage: 'sending' }, { stage: 'delivered' }] } }] })
})

t.test('a person sees its pages and enters what they say; it is matched, routed and handed on, and what is missing is asked for by fax', async (t) => {
  const [document] = (await get(`/api/referrals/${reference}/documents`)).documents
  const pages = `/api/referrals/${reference}/documents/${document.id}/pages`
  t.match(await get(pages), { kind: 'tiff', pages: [{ page: 1, width: 1728, height: 2156, dpi: { x: 204, y: 196 } }, { page: 2 }] })
  const picture = await fetch(`http://127.0.0.1:${product.http}${pages}/2.png?width=600`, { headers: { authorization: `Bearer ${product.token}` } })
  t.match(await sharp(Buffer.from(await picture.arrayBuffer())).metadata(), { format: 'png', width: 600 })
  t.match(await product.api(`${pages}/9.png`), { status: 404, body: { message: /The document has 2 pages/ } })
  for (const wrong of ['0.png', '1.gif', '1.png?width=99999', '1.png?part=7']) t.match(await product.api(`${pages}/${wrong}`), { status: /^4/, body: { message: /./ } }, wrong)
  t.equal((await fetch(`http://127.0.0.1:${product.http}${pages}/1.png`)).status, 401)
  const { family, given, phone, street, city, zip } = person('HC1001')
  await decide(reference, 'read', { page: 1, values: {
    patient: { family, given, birthDate: '1958-04-17', sex: 'female', phone: `608${phone}`, address: street, city, state: 'WI', postalCode: zip }, referrer: { family: 'BELL', given: 'INES', npi: '1245319599', practice: 'MEADOW FAMILY MEDICINE' },
    number: 'MF-9001', reason: 'Palpitations', diagnoses: [{ code: 'I48.91', text: 'Atrial fibrillation' }], service: 'Cardiology consultation', urgency: 'urgent',
  } })
  t.match(await scene.inQueue('MF-9001'), { chart: { mrn: 'HC1001' } })
  const question = await sent(2)
  t.equal(question.to, MEADOW)
  t.match(await codesOf(question.file), reference)
  t.match(await scene.referral(reference), { holds: [] })
})

t.test('they fax our cover sheet back with the card: it comes to the same referral, unread', async (t) => {
  const question = await sent(2)
  await tell('fax.delivered', { id: question.id, direction: 'outbound', to: MEADOW, pages: 2 })
  await tell('fax.sending', { id: question.id, direction: 'outbound', to: MEADOW })
  await says(reference, /asked for what is missing: .*by fax, as generic-json:out-\d+; Fax delivered/)
  await receive('in-2', MEADOW, await returned(question, 'Prairie Mutual  PM4471902'))
  await reached(reference, 'information-added')
  t.equal((await all()).length, 1)
  t.match(await scene.referral(reference), { holds: [{ hold: 'reading' }] })
  await decide(reference, 'read', { page: 2, values: { coverage: { payer: 'Prairie Mutual', memberId: 'PM4471902' } } })
  t.match(await scene.referral(reference), { holds: [], missing: [] })
  t.notOk((await scene.timeline(reference)).some(({ facts }) => /question for.*Fax sending/.test(facts.words ?? '')), 'a status that is late changes nothing')
})

t.test('a busy line is tried again; what fails for good goes the next way, and where there is none a person is asked', async (t) => {
  const item = await scene.inQueue('MF-9001')
  await scene.ehr.book(item, new Date(Math.floor(Date.now() / 60_000) * 60_000 + 4 * 86_400_000))
  const [first, after] = [await sent(3), service.sent.length]
  await tell('fax.failed', { id: first.id, direction: 'outbound', to: MEADOW, reason: 'Line busy' })
  await says(reference, /Fax failed: busy; it is tried again at/)
  const second = await sent(after + 1)
  t.equal(second.to, MEADOW)
  await tell('fax.failed', { id: second.id, direction: 'outbound', to: MEADOW, reason: 'The number is not in service' })
  await says(reference, /Fax failed: the number is not in service/)
  t.match(await scene.referral(reference), { holds: [{ hold: 'notice' }] })
  t.equal(service.sent.length, after + 1)
})

t.test('while the service is down nothing is lost: the referral is here, and its answer waits', async (t) => {
  const before = service.sent.length
  service.down = true
  await receive('in-3', '+16085550188', await written('Another referral'))
  await until(async () => (await all()).length === 2, product.output)
  await until(async () => (await get('/api/messages?channel=loop-fax&status=queued')).messages.length === 1, product.output)
  service.down = false
  t.equal((await sent(before + 1)).to, '+16085550188')
  t.equal((await all()).length, 2)
})

t.test('our own order goes to a specialist by fax, and what they fax back on its cover comes to it, and is no new referral', async (t) => {
  const before = service.sent.length
  await product.api('/api/providers', { by: 'dana', reason: 'asked how they want to be answered', npi: '1990000030', name: { family: 'Lindqvist', given: ['Alex'] }, ways: [{ way: 'fax', address: LAKESIDE }] })
  const order = referral({ number: 'HC-7101', patient: person('HC1010'), wanted: segment('PRD', { 1: 'RT^Provider^HL70286', 2: 'LINDQVIST^ALEX^^^DR^MD', 7: '1990000030^NPI' }), diagnosis: ['N18.31', 'Chronic kidney disease, stage 3a'], words: 'Falling eGFR', service: '99244^Nephrology consultation^C4' })
  t.match(await scene.ehr.order(order, scene.outboundPort), /MSA\|AA\|/)
  const fax = await sent(before + 1)
  t.equal(fax.to, LAKESIDE)
  const [ours] = await all('&direction=outbound')
  t.match(await codesOf(fax.file), ours.reference)
  await tell('fax.delivered', { id: fax.id, direction: 'outbound', to: LAKESIDE, pages: 3 })
  await reached(ours.reference, 'delivered')
  const count = (await all()).length
  await receive('in-4', LAKESIDE, await returned(fax, 'Diabetic nephropathy'))
  await reached(ours.reference, 'information-added')
  t.equal((await all()).length, count)
  t.match(await scene.referral(ours.reference), { direction: 'outbound', holds: [{ hold: 'reading' }] })
  t.ok((await get(`/api/referrals/${ours.reference}/documents`)).documents.some(({ parts }: Answer) => parts[0].contentType === 'image/tiff'), 'and their fax is kept with it')
})

t.test('a number that is not in service: the next way is tried, and the timeline says both', async (t) => {
  const before = service.sent.length
  await receive('in-5', '+16085550166', await written('Referral of a neighbour'))
  t.equal((await sent(before + 1)).to, '+16085550166')
  const [{ reference: theirs }] = await all('&hold=reading')
  const { family, given, phone, street, city, zip } = person('HC1002')
  await decide(theirs, 'read', { page: 1, values: {
    patient: { family, given, birthDate: '1956-09-02', sex: 'male', phone: `608${phone}`, address: street, city, state: 'WI', postalCode: zip }, number: 'HP-77', reason: 'Chest pain on effort', diagnoses: [{ code: 'I20.9', text: 'Angina pectoris' }], service: 'Cardiology consultation',
    referrer: { family: 'OKAFOR', given: 'ADA', npi: '1990000048', practice: 'HILL PRACTICE', fax: '608-555-0166', email: 'ada.okafor@hill.example' },
  } })
  const question = await sent(before + 2)
  t.equal(question.to, '+16085550166')
  await tell('fax.failed', { id: question.id, direction: 'outbound', to: '+16085550166', reason: 'The number is not in service' })
  const mail = await scene.mailAbout('the question by e-mail', ({ to }) => to.includes('ada.okafor@hill.example'))
  t.match(mail.subject, theirs)
  await says(theirs, /Fax failed: the number is not in service/)
  t.equal(service.sent.length, before + 2, 'by fax it is not sent again')
})

t.test('what cannot be drawn is a referral all the same, and its pages say why; pages of a PDF are drawn', async (t) => {
  const huge = tiff(1)
  for (const at of [20, 32]) huge.writeUInt32LE(60_000, at) // width and height
  for (const [id, from, file] of [['in-6', '+16085550155', huge], ['in-7', '+16085550156', TWO_PAGES]] as const) {
    const before = service.sent.length
    await receive(id, from, file)
    t.equal((await sent(before + 1)).to, from)
  }
  const pagesOf = async (from: string): Promise<string> => {
    const whole = await Promise.all((await all('&hold=reading')).map(({ reference: one }) => get(`/api/referrals/${one}`)))
    const { reference: found } = whole.find((one) => JSON.stringify(one).includes(from))
    return `/api/referrals/${found}/documents/${(await get(`/api/referrals/${found}/documents`)).documents[0].id}/pages`
  }
  const bomb = await pagesOf('+16085550155')
  for (const path of [bomb, `${bomb}/1.png`]) t.match(await product.api(path), { status: 422, body: { message: /cannot be shown: page 1 is 60000 × 60000 pixels large, and at most 50000000 are taken/ } })
  const pdf = await pagesOf('+16085550156')
  t.match(await get(pdf), { kind: 'pdf', pages: [{ page: 1, width: 612, height: 792, dpi: { x: 72, y: 72 } }, { page: 2 }] })
  const picture = await fetch(`http://127.0.0.1:${product.http}${pdf}/2.webp?width=300`, { headers: { authorization: `Bearer ${product.token}` } })
  t.match(picture.headers.get('cache-control'), 'no-store')
  t.match(await sharp(Buffer.from(await picture.arrayBuffer())).metadata(), { format: 'webp', width: 300, height: 388 })
})

t.test('a fax that the service says was received, and was not, opens nothing and is told to staff', async (t) => {
  const count = (await all()).length
  t.equal(await tell('fax.received', { id: 'in-8', direction: 'inbound', status: 'failed', from: MEADOW, to: US, reason: 'poor line' }), 200)
  const told = join(folder, 'data/fax-not-received')
  await until(() => existsSync(told) && readdirSync(told).some((name) => name.endsWith('.eml')), product.output)
  t.match(readFileSync(join(told, readdirSync(told).filter((name) => name.endsWith('.eml'))[0] ?? ''), 'latin1'), /X-Refero-Fax: generic-json:in-8[\s\S]*A fax to us was not received whole/)
  t.equal((await all()).length, count)
})

t.test('an engine that dies between its answer and the fetching goes on where it was, and each fax is one referral', async (t) => {
  const home = mkdtempSync(join(tmpdir(), 'refero-fax-'))
  t.teardown(() => rmSync(home, { recursive: true, force: true }))
  mkdirSync(join(home, 'channels'))
  cpSync(join(ROOT, 'channels/referrals-fax-service.yaml'), join(home, 'channels/referrals-fax-service.yaml'))
  const env = { ...ENV, REFERO_DATA: join(home, 'data') }
  const first = await startProduct(t, { folder: home, env })
  service.filesDown = true
  const ids = ['in-10', 'in-11', 'in-12']
  for (const [n, id] of ids.entries()) {
    service.files.set(id, await written(`Referral number ${n}`))
    t.equal(await tell('fax.received', { id, from: `+1608555013${n}`, to: US }, HOOK, first.http), 200)
  }
  await until(() => ids.every((id) => service.fetched.includes(id)), first.output)
  await first.stop('SIGKILL')
  service.filesDown = false
  const second = await startProduct(t, { folder: home, env })
  const headers = { authorization: `Bearer ${first.token}` }
  await until(async () => (await second.api('/api/referrals', undefined, headers)).body.referrals.length === ids.length, second.output)
  t.equal(await tell('fax.received', { id: 'in-10', from: '+16085550130', to: US }, HOOK, second.http), 200)
  await until(() => readdirSync(join(home, 'data/fax/received/referrals-fax-service/waiting')).length === 0, second.output)
  t.equal((await second.api('/api/referrals', undefined, headers)).body.referrals.length, ids.length)
})
