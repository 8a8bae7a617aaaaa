/** The `fax` destination: what each service is asked, what its answers mean, and what becomes of a fax afterwards. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import t, { type Test } from 'tap'
import destination from '../../connectors/fax/destination.js'
import type { Outcome } from '../../engine/contracts.js'
import { toFaxTiff } from '../../engine/documents/fax.js'
import { composeMail } from '../../engine/formats/mime/compose.js'
import { type Api, basic, faxTools, PDF, post, json, ROOT, running, simulatedApi, tiff, webServer } from './fax-kit.js'
import { deliveryOf, never } from './tools.js'

type Settings = Parameters<typeof destination.create>[0]
const TAG = '<letter.1@clinic.example>'
const mail = (to = '+16085550191@fax.invalid', content: Buffer | null = PDF): Promise<Buffer> => composeMail({
  messageId: TAG, date: new Date(0), to: [{ name: '', address: to }], subject: 'x', text: 'x',
  attachments: [{ filename: 'a.txt', type: 'application/pdf', content: Buffer.from('no pdf') }, ...(content ? [{ filename: 'letter.pdf', type: 'application/octet-stream', content }] : [])],
})
const sending = async (settings: Settings, payload: Buffer, tools = faxTools(''), signal = never): Promise<Outcome> => {
  const connector = destination.create(settings, tools)
  await connector.open()
  return connector.deliver(deliveryOf(payload), signal).finally(() => connector.close())
}
const responseOf = (outcome: Outcome): string => ('response' in outcome ? (outcome.response?.toString() ?? '') : JSON.stringify(outcome))

const SOAP = '<?xml version="1.0"?><e><b><SendFaxResponse><SendFaxResult>true</SendFaxResult><FaxJobId>9</FaxJobId></SendFaxResponse></b></e>'
const SERVICES: readonly [Settings, string | ((url: string) => string), RegExp][] = [
  [{ provider: 'documo', api: { key: 'k' } }, '{"messageId":"9"}', /name="faxNumber"\r\n\r\n\+16085550191\r\n[\s\S]*name="attachments"; filename="fax\.pdf"[\s\S]*name="tag"\r\n\r\n<letter\.1@clinic/],
  [{ provider: 'sinch', api: { project: 'p', user: 'u', password: 'w' }, callback: 'https://clinic.example/in' }, '{"id":"9"}', /name="callbackUrl"\r\n\r\nhttps:\/\/clinic\.example\/in/],
  [{ provider: 'phaxio', api: { user: 'u', password: 'w' } }, '{"success":true,"data":{"id":9}}', /name="to"\r\n\r\n\+16085550191/],
  [{ provider: 'telnyx', api: { key: 'k', connection: 'c' }, from: '+16085550100' }, '{"data":{"id":"9"}}', /"connection_id":"c","to":"\+16085550191","from":"\+16085550100","media_name":"letter\.1clinic\.example"/],
  [{ provider: 'westfax', api: { user: 'u', password: 'w', product: 'p' } }, '{"Success":true,"Result":"9"}', /name="Numbers1"\r\n\r\n6085550191/],
  [{ provider: 'srfax', api: { user: 'u', password: 'w', email: 'fax@clinic.example' } }, '{"Status":"Success","Result":"9"}', /action=Queue_Fax.*sToFaxNumber=16085550191/],
  [{ provider: 'etherfax', api: { user: 'u', password: 'w' } }, '{"JobId":"9"}', /"DialNumber":"16085550191","FaxImage":"JVBERi/],
  [{ provider: 'updox', api: { user: 'u', password: 'w', account: 'a' } }, '{"successful":true,"faxId":"9"}', /"accountId":"a"\},"faxNumber":"16085550191"/],
  [{ provider: 'concord', api: { user: 'u', password: 'w' } }, SOAP, /<RecipFaxNumber>\+16085550191<.*<FileData>JVBERi/],
  [{ provider: 'generic-json', api: { key: 'k' } }, '{"id":"9"}', /"to":"\+16085550191","tag":"<letter\.1@clinic\.example>","file":"JVBERi/],
  [{ provider: 'generic-multipart', api: { user: 'u', password: 'w' } }, '{"faxId":"9"}', /name="to"\r\n\r\n\+16085550191/],
]

for (const [settings, good, asked] of SERVICES) {
  t.test(`${settings.provider}: a fax is submitted once, and each answer means what it says`, async (t) => {
    const api = await simulatedApi(t)
    const with_ = { ...settings, api: { ...settings.api, base: api.url } }
    const tools = faxTools(t.testdir())
    const answers: [ReturnType<Api['answer']>, Outcome['kind']][] = [[{ body: good as string }, 'sent'], [{ body: 'rubbish' }, 'unknown'], [{ status: 400, body: '{}' }, 'refused'], [{ status: 401 }, 'unavailable'], [{ status: 503 }, 'unavailable'], [{ status: 302 }, 'refused'], [null, 'unknown']]
    for (const [answer, kind] of answers) {
      api.answer = ({ url }) => (url === '/media' ? { body: '{}' } : answer)
      api.calls.length = 0
      const outcome = await sending(with_, await mail(), tools)
      t.equal(outcome.kind, kind, `${JSON.stringify(answer).slice(0, 60)} ${JSON.stringify(outcome)}`)
      t.notMatch(JSON.stringify(outcome), /0191/, 'no number in a reason')
      if (kind === 'sent') t.equal(responseOf(outcome), `{"tracking":"${settings.provider}:9","stage":"queued"}`)
      if (kind === 'sent') t.match(api.calls.at(-1)?.body.toString('latin1'), asked)
    }
    t.equal((await sending({ ...with_, api: { ...settings.api, base: 'http://127.0.0.1:1' } }, await mail(), tools)).kind, 'unavailable')
  })
}

t.test('what cannot be faxed is refused, and nobody is asked', async (t) => {
  const api = await simulatedApi(t)
  const settings: Settings = { provider: 'documo', api: { key: 'k', base: api.url }, maximum: '1kB' }
  const table: [Buffer, RegExp][] = [
    [await mail('911@fax.invalid'), /no fax number/], [await mail('jane@heart.example'), /no fax number/], [await mail('+11115550191@fax.invalid'), /no fax number/],
    [await mail(undefined, null), /no document/], [await mail(undefined, Buffer.concat([PDF, Buffer.alloc(2000)])), /at most 1024/], [Buffer.from('{}'), /no MIME message/],
  ]
  for (const [payload, reason] of table) t.match(await sending(settings, payload), { kind: 'refused', reason })
  t.equal(api.calls.length, 0)
  t.throws(() => destination.create({ provider: 'telnyx', api: { key: 'k' } }, faxTools('')), /`telnyx` needs `api\.connection`/)
})

t.test('what became of a fax is polled, told once a change with its Message-ID, and given up on', async (t) => {
  const data = t.testdir()
  const api = await simulatedApi(t)
  let said = 'In Progress'
  api.answer = ({ body }) => {
    const action = new URLSearchParams(body.toString()).get('action')
    return { body: JSON.stringify({ Status: 'Success', Result: action === 'Queue_Fax' ? '9' : action === 'Get_FaxStatus' ? { SentStatus: said, ErrorCode: said === 'Failed' ? 'User Busy' : '', Pages: 2, ToFaxNumber: '16085550191', FileName: 'x|9' } : [] }) }
  }
  const account = { user: 'u', password: 'w', email: 'f@clinic.example', base: api.url }
  t.equal((await sending({ provider: 'srfax', api: account }, await mail(), faxTools(data))).kind, 'sent')
  const tools = faxTools(data)
  const { until, given } = await running(t, { provider: 'srfax', api: account, uncertainAfter: '1h' }, tools)
  await until(1)
  const next = async (): Promise<void> => { await tools.clock.asleep(60_000); tools.clock.advance(60_000) }
  await next()
  await tools.clock.asleep(60_000)
  t.equal(given.length, 1, 'the same again is not told again')
  said = 'Failed'
  await next()
  t.strictSame(await until(2), ['srfax:9:sending', 'srfax:9:failed'])
  const report = given[1]?.bytes.toString('latin1') ?? ''
  t.match(report, `Original-Envelope-Id: ${TAG}\r\n`)
  t.match(report, /Final-Recipient: fax; \+16085550191\r\nAction: failed\r\nStatus: 4\.0\.0\r\nDiagnostic-Code: x-fax; busy\r\nX-Refero-Pages: 2\r\n/)
  await tools.clock.asleep(60_000)
  t.strictSame(readdirSync(join(data, 'fax', 'sent', 'srfax')), [], 'and is no longer asked for')
  said = 'In Progress'
  t.equal((await sending({ provider: 'srfax', api: account }, await mail(), faxTools(data))).kind, 'sent')
  await next()
  await until(3)
  await tools.clock.asleep(60_000)
  tools.clock.advance(3_600_000)
  t.equal((await until(4)).at(-1), 'srfax:9:uncertain')
})

t.test('what a webhook tells of our fax names its Message-ID', async (t) => {
  const data = t.testdir()
  const [web, api] = [await webServer(t, data), await simulatedApi(t)]
  api.answer = () => ({ body: '{"messageId":"9"}' })
  await sending({ provider: 'documo', api: { key: 'k', base: api.url } }, await mail(), faxTools(data))
  const { until, given } = await running(t, { provider: 'documo', path: '/in', basic: { user: 'u', password: 'w' }, api: { key: 'k', base: api.url } }, faxTools(data, web))
  await post(`${web.url}/in`, json({ messageId: '9', direction: 'outbound', status: 'success', pagesComplete: 2 }, { ...basic('u', 'w'), 'x-webhook-event': 'fax.v1.outbound.complete' }))
  t.strictSame(await until(1), ['documo:9:delivered'])
  t.match(given[0]?.bytes.toString('latin1'), `In-Reply-To: ${TAG}\r\n`)
})

t.test('hylafax: the hooks post what was received and what became of a job', { skip: existsSync('/usr/bin/curl') ? false : 'curl is not installed' }, async (t) => {
  const data = t.testdir({ 'fax.tif': tiff(2), curl: 'user = "fax:right"\n', q1: 'jobid:9\nexternal:+16085550191\nnpages:2\nstatus:Busy signal detected\njobtag:x\n' })
  const web = await webServer(t, data)
  writeFileSync(join(data, 'refero'), `REFERO_URL=${web.url}/in\nREFERO_CURL=${join(data, 'curl')}\n`)
  const { until } = await running(t, { provider: 'hylafax', path: '/in', basic: { user: 'fax', password: 'right' } }, faxTools(data, web))
  const hook = async (name: string, ...words: string[]): Promise<void> => {
    const child = spawn(join(ROOT, 'fixtures/fax/hylafax', name), words, { env: { ...process.env, REFERO_SETTINGS: join(data, 'refero') }, stdio: 'ignore' })
    t.strictSame(await once(child, 'close'), [0, null])
  }
  await hook('refero-faxrcvd', join(data, 'fax.tif'), 'ttyS0', '00000012', '', '6085550191', 'HEART')
  t.strictSame(await until(1), ['hylafax:00000012'])
  await hook('refero-notify', join(data, 'q1'), 'failed', '0:10')
  t.strictSame(await until(2), ['hylafax:00000012', 'hylafax:9:failed'])
})

const unfit = ['hfaxd', 'faxq', 'faxmodem'].some((name) => !existsSync(`/usr/sbin/${name}`)) ? 'hylafax-server is not installed' : process.getuid?.() !== 0 ? 'hfaxd and faxq change their user, which only root may' : !existsSync('/usr/bin/curl') ? 'curl is not installed' : false

/** Stands in for faxsend and a modem: to …0192 the line is busy, else both pages arrive. Its exit status is what became of the job: 1 failed, 2 done. */
const MODEM = `#!/bin/sh
for job; do :; done
if grep -q '^number:.*0192$' "$job"; then sed -i 's/^status:.*/status:Busy signal detected/' "$job"; exit 1; fi
sed -i -e 's/^npages:.*/npages:2/' -e 's/^totpages:.*/totpages:2/' "$job"; exit 2
`

/** A spool of HylaFAX as Debian's has it, in a folder that its user may enter, whose scheduler tells our hook. */
const spoolFor = (t: Test, url: string): string => {
  const spool = mkdtempSync(join(tmpdir(), 'refero-hylafax-'))
  t.teardown(() => rmSync(spool, { recursive: true, force: true }))
  for (const folder of ['archive', 'bin', 'client', 'config', 'dev', 'docq', 'doneq', 'etc', 'info', 'log', 'pollq', 'recvq', 'sendq', 'status', 'tmp']) mkdirSync(join(spool, folder))
  for (const from of ['/var/spool/hylafax/bin', '/var/spool/hylafax/etc', '/etc/hylafax']) if (existsSync(from)) cpSync(from, join(spool, from.endsWith('bin') ? 'bin' : 'etc'), { recursive: true })
  for (const hook of ['refero-notify', 'refero-faxrcvd']) cpSync(join(ROOT, 'fixtures/fax/hylafax', hook), join(spool, 'bin', hook))
  const files: [string, string, number][] = [
    ['etc/hosts.hfaxd', '127.0.0.1\nlocalhost\n', 0o600], ['etc/config', 'NotifyCmd: bin/refero-notify\nSendFaxCmd: bin/modem\n', 0o644], ['bin/modem', MODEM, 0o755],
    ['etc/refero', `REFERO_URL=${url}\nREFERO_CURL=etc/refero.curl\n`, 0o644], ['etc/refero.curl', 'user = "fax:right"\n', 0o600],
  ]
  for (const [name, text, mode] of files) { writeFileSync(join(spool, name), text); chmodSync(join(spool, name), mode) }
  chmodSync(spool, 0o755)
  execFileSync('chown', ['-R', 'uucp', spool])
  return spool
}

t.test('hylafax: jobs go through Debian’s hfaxd and faxq, whose hook tells what became of them; only the modem is not real', { skip: unfit }, async (t) => {
  const data = t.testdir()
  const web = await webServer(t, data)
  const spool = spoolFor(t, `${web.url}/in`)
  const daemon = (name: string, ...words: string[]) => {
    const child = spawn(`/usr/sbin/${name}`, [...words, '-q', spool], { stdio: 'ignore' })
    t.teardown(() => child.kill('SIGKILL'))
    return child
  }
  const run = async (name: string, ...words: string[]): Promise<boolean> => (await once(spawn(name, words, { cwd: spool, stdio: 'ignore' }), 'close'))[0] === 0
  const free = createServer().listen(0, '127.0.0.1')
  await once(free, 'listening')
  const { port } = free.address() as AddressInfo
  free.close()
  const server = daemon('hfaxd', '-d', '-l', '127.0.0.1', '-i', String(port))
  const up = await new Promise<boolean>((resolve) => {
    server.on('exit', () => resolve(false))
    const look = (): void => void connect({ port, host: '127.0.0.1' }, function (this: { destroy(): void }) { this.destroy(); resolve(true) }).on('error', () => { if (server.exitCode === null) setImmediate(look) })
    look()
  })
  t.ok(up, 'hfaxd listens')
  const page = await sharp({ create: { width: 850, height: 1100, channels: 3, background: '#fff' } }).png().toBuffer()
  const document = await toFaxTiff([page, page])
  const send = async (to: string): Promise<Outcome> => sending({ provider: 'hylafax', api: { host: '127.0.0.1', port, user: 'refero' } }, await mail(`${to}@fax.invalid`, document), faxTools(data))
  t.match(await send('+16085550191'), { kind: 'unavailable', reason: /hfaxd answered 460 to the job$/ }, 'while no scheduler runs')

  const scheduler = daemon('faxq', '-D')
  const ready = (): Promise<boolean> => run('/usr/sbin/faxmodem', '-q', spool, 'ttyS9') // fails until the scheduler reads its FIFO
  while (scheduler.exitCode === null && !(await ready()));
  const { until, given } = await running(t, { provider: 'hylafax', path: '/in', basic: { user: 'fax', password: 'right' } }, faxTools(data, web))
  const told = async (outcome: Outcome, count: number): Promise<string> => {
    t.equal(outcome.kind, 'sent')
    while (given.length < count) await ready() // a modem is asked for its state after each job
    return (await until(count)).at(-1)?.replace(JSON.parse(responseOf(outcome)).tracking, 'ours') ?? ''
  }
  t.equal(await told(await send('+16085550191'), 1), 'ours:delivered')
  t.match(given[0]?.bytes.toString('latin1'), new RegExp(`Original-Envelope-Id: ${TAG}\r\n[\\s\\S]*Final-Recipient: fax; \\+16085550191\r\n[\\s\\S]*X-Refero-Pages: 2\r\n`))
  t.equal(await told(await send('+16085550192'), 2), 'ours:failed')
  t.match(given[1]?.bytes.toString('latin1'), /Action: failed\r\nStatus: 4\.0\.0\r\nDiagnostic-Code: x-fax; busy\r\n/)

  writeFileSync(join(spool, 'recvq/fax000000007.tif'), document)
  t.ok(await run(join(spool, 'bin/refero-faxrcvd'), 'recvq/fax000000007.tif', 'ttyS9', '000000007', '', '6085550191', 'HEART'), 'as faxgetty calls it, in the spool')
  t.equal((await until(3)).at(-1), 'hylafax:000000007')
})
