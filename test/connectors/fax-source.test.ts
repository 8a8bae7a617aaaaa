/** The `fax` source with every service's own events over real HTTP: taken once, whatever comes in which order, and nothing lost. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import source from '../../connectors/fax/source.js'
import { addressesOf, fieldsOf, rawValue } from '../../engine/formats/mime/fields.js'
import { attachmentsOf, contentOf, type Mail, readMail } from '../../engine/formats/mime/mail.js'
import { type Api, faxTools, form, json, PDF, type Posted, post, publicKey, running, type Settings, signed, simulatedApi, tiff, TWO_PAGES, webServer } from './fax-kit.js'
import { AT, b64, FROM, type Made, PASSWORD, type Service, SERVICES } from './fax-services.js'
import { accepted, failing, rejected } from './tools.js'

const LIMITS = { size: 1e8, header: 1e6, parts: 100, depth: 10 }
const mailOf = (bytes: Buffer): Mail => readMail(bytes, LIMITS)
const header = (mail: Mail, name: string): string | undefined => fieldsOf(mail, name).map(rawValue)[0]
const documentOf = (mail: Mail): Buffer | undefined => attachmentsOf(mail).map(({ part }) => contentOf(part))[0]
const reportOf = (bytes: Buffer): string => bytes.toString('latin1').replace(/\r\n/g, '\n')

for (const [name, service] of Object.entries(SERVICES)) {
  t.test(`${name}: received, duplicated, out of order, failed though complete, and what became of ours`, async (t) => {
    const data = t.testdir()
    const [web, api] = [await webServer(t, data), await simulatedApi(t)]
    const file = tiff(3)
    api.answer = service.api(file)
    const settings = { ...service.settings, api: { ...service.settings.api, base: api.url } } as Settings
    const { until, given, tools } = await running(t, settings, faxTools(data, web))
    const send = async (id: string, made: Made): Promise<boolean> => {
      const posted = service.event(id, made, file)
      if (posted === null) return false
      t.match(await post(`${web.url}/in`, posted), { status: 200 }, `${made} is answered`)
      return true
    }
    await send('41', 'received')
    t.strictSame(await until(1), [`${name}:41`])
    const mail = mailOf(given[0]?.bytes ?? Buffer.alloc(0))
    t.ok(documentOf(mail)?.equals(file), 'the document is what was sent, byte for byte')
    t.equal(header(mail, 'X-Refero-Kind'), 'fax')
    t.equal(header(mail, 'X-Refero-Fax'), `${name}:41`)
    t.equal(header(mail, 'X-Refero-Pages'), '3')
    t.equal(header(mail, 'Message-ID'), `<${name}.41@fax.invalid>`)
    if (name !== 'westfax') t.equal(fieldsOf(mail, 'from').flatMap(addressesOf)[0]?.address, `${FROM}@fax.invalid`)
    await send('41', 'received')
    t.strictSame((await until(2)).slice(1), [`${name}:41`], 'again it is the same arrival')
    t.ok(given[1]?.bytes.equals(given[0]?.bytes ?? Buffer.alloc(0)), 'and the same bytes')

    let count = 2
    const expected: [Made, string, RegExp][] = [
      ['delivered', `${name}:52:delivered`, /\nFinal-Recipient: fax; \S+\nAction: delivered\nStatus: 2\.0\.0\n/],
      ['sending', `${name}:52:${name === 'hylafax' ? 'queued' : 'sending'}`, /\nX-Refero-Stage: (sending|queued)\n/],
      ['busy', `${name}:52:failed`, /\nAction: failed\nStatus: 4\.0\.0\nDiagnostic-Code: x-fax; busy\n/],
      ['inbound failed', `${name}:52:inbound-failed`, /\nX-Refero-Direction: inbound\n[\s\S]*\nAction: failed\nStatus: 5/],
    ]
    for (const [made, key, says] of expected) {
      if (!(await send('52', made))) continue
      count += 1
      t.equal((await until(count)).at(-1), key, `${made}, in no order`)
      t.match(reportOf(given.at(-1)?.bytes ?? Buffer.alloc(0)), says)
      t.match(reportOf(given.at(-1)?.bytes ?? Buffer.alloc(0)), `X-Refero-Kind: fax-status\nX-Refero-Fax: ${name}:52\n`)
    }
    t.notMatch(JSON.stringify(tools.events), /0191|Heart/, 'no number and no name in the log')
  })

  t.test(`${name}: a wrong proof, none, too large, empty and a wrong type`, async (t) => {
    const data = t.testdir()
    const [web, api] = [await webServer(t, data), await simulatedApi(t)]
    const settings = { ...service.settings, maximum: '64kB', api: { ...service.settings.api, base: api.url } } as Settings
    const { until, given } = await running(t, settings, faxTools(data, web))
    const good = service.event('1', 'received', tiff(1)) as Posted
    t.match(await post(`${web.url}/in`, service.wrong(good)), { status: 401 })
    const { authorization: _, 'x-signature': __, 'x-phaxio-signature': ___, 'telnyx-signature-ed25519': ____, ...bare } = good.headers
    t.match(await post(`${web.url}/in`, { ...good, headers: bare, query: '', body: Buffer.from('{}') }), { status: 401 })
    t.match(await post(`${web.url}/in`, { ...good, body: Buffer.alloc(400_000) }), { status: 413 })
    t.equal(given.length, 0)
    const table: [string, Buffer, RegExp][] = [['7', Buffer.alloc(0), /its file is empty/], ['8', Buffer.from('MZ this is a program'), /neither TIFF nor PDF/], ...(service.fetched ? [['9', tiff(1, 70_000), /more than 65536 bytes/] as [string, Buffer, RegExp]] : [])]
    for (const [id, file, why] of table) {
      api.answer = service.api(file)
      const event = service.event(id, 'received', file) as Posted
      const before = given.length
      t.match(await post(`${web.url}/in`, event), { status: 200 })
      await until(before + 1)
      t.equal(given.at(-1)?.key, `${name}:${id}:inbound-failed`)
      t.match(reportOf(given.at(-1)?.bytes ?? Buffer.alloc(0)), why)
    }
    const aside = readdirSync(join(data, 'fax', 'received', 'test', 'aside'))
    t.ok(aside.some((one) => one.endsWith('.document')) && aside.some((one) => one.endsWith('.reason.txt')), 'kept with the reason')
  })
}

t.test('a service that is down while its file is fetched is asked again, after a crash too', async (t) => {
  const data = t.testdir()
  const [web, api] = [await webServer(t, data), await simulatedApi(t)]
  const service = SERVICES.documo as Service
  const settings = { ...service.settings, api: { key: 'k', base: api.url } }
  api.answer = () => null
  const tools = faxTools(data, web)
  const first = await running(t, settings, tools)
  t.match(await post(`${web.url}/in`, service.event('70', 'received', PDF) as Posted), { status: 200 })
  await tools.clock.asleep(5000)
  api.answer = () => ({ status: 503 })
  tools.clock.advance(5000)
  await tools.clock.asleep(10_000)
  t.equal(first.given.length, 0)
  await first.connector.stop()
  t.match(await post(`${web.url}/in`, service.event('71', 'received', PDF) as Posted), { status: 503 }, 'nothing is acknowledged while it does not run')
  api.answer = service.api(PDF)
  const second = await running(t, settings, faxTools(data, web))
  t.strictSame(await second.until(1), ['documo:70'], 'what was answered before the crash goes on after it')
  await second.connector.stop()
  t.strictSame(readdirSync(join(data, 'fax', 'received', 'test', 'waiting')), [], 'and is done with')
})

t.test('what cannot be fetched for long is told of; a host that is not the service’s is not asked', async (t) => {
  const data = t.testdir()
  const [web, api] = [await webServer(t, data), await simulatedApi(t)]
  const other = await simulatedApi(t)
  api.answer = () => ({ status: 404 })
  const tools = faxTools(data, web)
  const { until, given } = await running(t, { provider: 'telnyx', path: '/in', publicKey, api: { key: 'k', base: api.url }, giveUp: '5s' }, tools)
  await post(`${web.url}/in`, signed(json({ data: { event_type: 'fax.received', payload: { fax_id: 'x', direction: 'inbound', media_url: `${other.url}/secret` } } }), AT))
  await tools.clock.asleep(5000)
  tools.clock.advance(5000)
  t.strictSame(await until(1), ['telnyx:x:inbound-failed'])
  t.match(reportOf(given[0]?.bytes ?? Buffer.alloc(0)), /could not be fetched: answered 404/)
  t.equal(other.calls.length, 0)
})

t.test('an engine that cannot keep a fax gets it again; what its channel rejects is kept there', async (t) => {
  const data = t.testdir()
  const web = await webServer(t, data)
  const tools = faxTools(data, web)
  const service = SERVICES['generic-multipart'] as Service
  const { until } = await running(t, service.settings, tools, (given) => (given === 1 ? failing : given === 2 ? rejected : accepted))
  t.match(await post(`${web.url}/in`, service.event('1', 'received', PDF) as Posted), { status: 200 })
  await tools.clock.asleep(5000)
  tools.clock.advance(5000)
  t.strictSame(await until(2), ['generic-multipart:1', 'generic-multipart:1'])
})

t.test('a signature that is old, of another key, or of another body is refused, and so is a flood', async (t) => {
  const data = t.testdir()
  const web = await webServer(t, data)
  await running(t, { provider: 'telnyx', path: '/in', publicKey, api: { key: 'k' }, rate: { requests: 4, within: '1m' } }, faxTools(data, web))
  const posted = json({ data: { event_type: 'fax.media.processed', payload: { fax_id: 'x' } } })
  t.match(await post(`${web.url}/in`, signed(posted, new Date(AT.getTime() - 301_000))), { status: 401 })
  t.match(await post(`${web.url}/in`, signed(posted, new Date(AT.getTime() + 301_000))), { status: 401 })
  t.match(await post(`${web.url}/in`, signed(posted, new Date(AT.getTime() - 299_000))), { status: 200 })
  t.match(await post(`${web.url}/in`, posted), { status: 401 })
  t.match(await post(`${web.url}/in`, signed(posted, AT)), { status: 429 })
})

t.test('events that cannot be read are put aside with the reason: rubbish of every kind', async (t) => {
  const data = t.testdir()
  const web = await webServer(t, data)
  const tools = faxTools(data, web)
  const { connector } = await running(t, { provider: 'generic-multipart', path: '/in', token: 'token' }, tools)
  let seed = 7
  const random = (below: number): number => { seed = (seed * 1103515245 + 12345) % 2147483648; return seed % below }
  const whole = form({ event: 'received', faxId: '9' }, PDF).body
  for (let n = 0; n < 60; n++) {
    const body = Buffer.from(whole)
    for (let flips = random(30); flips > 0; flips--) body[random(body.length)] = random(256)
    const type = ['multipart/form-data; boundary=xx', 'multipart/form-data', 'application/json', 'application/x-www-form-urlencoded', 'text/plain; charset=nonsense'][random(5)] ?? ''
    t.match(await post(`${web.url}/in`, { headers: { authorization: 'Bearer token', 'content-type': type }, body: body.subarray(0, 1 + random(body.length)) }), { status: 200 })
  }
  const [waiting, aside] = ['waiting', 'aside'].map((name) => join(data, 'fax', 'received', 'test', name)) as [string, string]
  while (readdirSync(waiting).length > 0) await new Promise(setImmediate)
  await connector.stop()
  t.ok(readdirSync(aside).filter((one) => one.endsWith('.event')).length > 20, 'with their reasons')
  t.notOk(tools.events.some(({ level }) => level === 'error'), 'nothing else went wrong')
})

t.test('srfax and etherfax: a fax is acknowledged to the service only once the engine has it', async (t) => {
  const unread = new Set(['a'])
  const acknowledged: string[] = []
  const table: [Settings, Api['answer']][] = [
    [{ provider: 'srfax', api: { user: 'u', password: 'w' } }, ({ body }) => {
      const form = new URLSearchParams(body.toString())
      if (form.get('access_pwd') !== 'w') return { body: '{"Status":"Failed","Result":"Invalid Access Code / Password"}' }
      const action = form.get('action')
      if (action === 'Get_Fax_Inbox') return { body: JSON.stringify({ Status: 'Success', Result: [...unread].map((id) => ({ FileName: `2026|${id}`, ReceiveStatus: 'Ok', EpochTime: 1772460000, CallerID: '6085550191', RemoteID: 'HEART', Pages: '1', ViewedStatus: 'N' })) }) }
      if (action === 'Retrieve_Fax') return { body: JSON.stringify({ Status: 'Success', Result: b64(PDF) }) }
      if (action === 'Update_Viewed_Status') { acknowledged.push(form.get('sFaxDetailsID') ?? ''); unread.delete(form.get('sFaxDetailsID') ?? '') }
      return { body: '{"Status":"Success","Result":""}' }
    }],
    [{ provider: 'etherfax', api: { user: 'u', password: 'w' } }, ({ url, body }) => {
      if (url === '/inbox/next') { const [id] = unread; return { body: id === undefined ? '' : JSON.stringify({ JobId: id, CallingNumber: '6085550191', FaxImage: b64(PDF), PagesReceived: 1 }) } }
      if (url === '/inbox/received') { const { JobId } = JSON.parse(body.toString()); acknowledged.push(JobId); unread.delete(JobId) }
      return { body: '{}' }
    }],
  ]
  for (const [settings, answer] of table) {
    unread.clear()
    unread.add('a')
    acknowledged.length = 0
    const api = await simulatedApi(t)
    api.answer = answer
    const tools = faxTools(t.testdir())
    const { until, given, connector } = await running(t, { ...settings, api: { ...settings.api, base: api.url } }, tools, (count) => (count === 1 ? failing : accepted))
    await until(1)
    await tools.clock.asleep(60_000)
    t.strictSame(acknowledged, [], 'the engine could not keep it')
    tools.clock.advance(60_000)
    t.strictSame(await until(2), [`${settings.provider}:a`, `${settings.provider}:a`])
    await tools.clock.asleep(60_000)
    t.strictSame(acknowledged, ['a'])
    t.equal(fieldsOf(mailOf(given[1]?.bytes ?? Buffer.alloc(0)), 'from').flatMap(addressesOf)[0]?.address, '+16085550191@fax.invalid')
    await connector.stop()
  }
})

t.test('folder: faxes with what is beside them or in their names; what is none goes to failed', async (t) => {
  const data = t.testdir()
  const folder = join(data, 'in')
  mkdirSync(folder, { recursive: true })
  const tools = faxTools(data)
  const { until, given, connector } = await running(t, { provider: 'folder', folder, sidecar: 'xml', names: '^(?<id>\\w+)\\.', poll: '1s', settle: '0s' }, tools)
  await tools.clock.asleep(1000)
  writeFileSync(join(folder, 'F1.tif'), tiff(2))
  writeFileSync(join(folder, 'F1.xml'), '<Fax><CallerID>608 555 0191</CallerID><DNIS>6085550100</DNIS></Fax>')
  writeFileSync(join(folder, 'F2.pdf'), 'no pdf')
  writeFileSync(join(folder, 'F2.xml'), '<Fax/>')
  writeFileSync(join(folder, 'F3.pdf'), PDF)
  writeFileSync(join(folder, 'F3.xml'), '<Fax')
  writeFileSync(join(folder, 'F4.pdf'), PDF)
  writeFileSync(join(folder, 'F5.pdf'), TWO_PAGES)
  writeFileSync(join(folder, 'F5.xml'), '<Fax/>')
  tools.clock.advance(1000)
  t.strictSame(await until(3), ['folder:F1', 'folder:F2:inbound-failed', 'folder:F5'])
  t.equal(header(mailOf(given[2]?.bytes ?? Buffer.alloc(0)), 'X-Refero-Pages'), '2', 'pages of a PDF are counted too')
  t.equal(fieldsOf(mailOf(given[0]?.bytes ?? Buffer.alloc(0)), 'from').flatMap(addressesOf)[0]?.address, '+16085550191@fax.invalid')
  await tools.clock.asleep(1000)
  await connector.stop()
  t.equal(readdirSync(join(folder, 'failed')).filter((one) => one.includes('F3')).length, 3, 'with its reason')
  t.ok(readdirSync(folder).includes('F4.pdf'), 'which waits for what its fax server writes beside it')
})

t.test('settings that cannot work are refused in sentences', async (t) => {
  const table: [Settings, RegExp][] = [
    [{ provider: 'documo', path: '/in', api: { key: 'k' } }, /whoever calls must be known: `documo` needs `basic` or `secret`/],
    [{ provider: 'documo', path: '/in', basic: PASSWORD }, /`documo` needs `api.key`/],
    [{ provider: 'documo', basic: PASSWORD, api: { key: 'k' } }, /needs the `path`/],
    [{ provider: 'telnyx', path: '/in', publicKey: 'x'.repeat(40), api: { key: 'k' } }, /no Ed25519 key/],
    [{ provider: 'telnyx', path: '/in', basic: PASSWORD, api: { key: 'k' } }, /`basic` is no way in which `telnyx`/],
    [{ provider: 'srfax', path: '/in', api: { user: 'u', password: 'w' } }, /calls nobody; leave `path` out/],
    [{ provider: 'folder' }, /`folder` is missing/],
  ]
  for (const [settings, says] of table) t.throws(() => source.create(settings, faxTools('')), says)
})
