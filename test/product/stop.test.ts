/** How the product starts and stops when something is in the way: with a sentence, an exit code, an answer for whoever waits, and in time. */
import { createServer } from 'node:http'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { framed, freePort, refero, sendRaw, startProduct, until, writeChannels } from './product.js'

const message = (id: string, type = 'ADT^A01', more = ''): string => `MSH|^~\\&|A|B|C|D|20260302||${type}|${id}|P|2.5.1\rPID|1||${id}\r${more}`

t.test('an engine whose web port is taken says so, names the setting, and ends', async (t) => {
  const other = createServer().listen(0, '127.0.0.1')
  await new Promise((listening) => other.once('listening', listening))
  t.teardown(() => other.close())
  const folder = mkdtempSync(join(tmpdir(), 'refero-stop-'))
  writeChannels(folder, {})
  const ended = await refero(['serve', '--channels', join(folder, 'channels')], { cwd: folder, env: { REFERO_HTTP_PORT: String((other.address() as AddressInfo).port) } })
  t.match(ended, { code: 2, err: /cannot listen[\s\S]*REFERO_HTTP_PORT/ })
  t.notMatch(ended.out, /token/, 'the token is not shown by an engine that does not run')
})

t.test('SIGTERM ends in time although senders wait for a delivery, and each is told that its message is kept', async (t) => {
  const [mllp, down] = [await freePort(), await freePort()]
  const waiting = (name: string, source: string): string => `name: ${name}
description: for a test
source: ${source}
format: hl7v2
acknowledge: delivered
acknowledgeWithin: 60s
destinations: [ { name: out, to: { mllp: { host: 127.0.0.1, port: ${down} } } } ]
`
  const product = await startProduct(t, {
    channels: { 'by-mllp': waiting('by-mllp', `{ mllp: { host: 127.0.0.1, port: ${mllp} } }`), 'by-http': waiting('by-http', '{ http: { path: /slow } }') },
    env: { REFERO_STOP_WITHIN: '2s' },
  })
  const overMllp = sendRaw(mllp, framed(message('1')))
  const overHttp = fetch(`http://127.0.0.1:${product.http}/slow`, { method: 'POST', body: message('2') })
  await until(async () => (await product.api('/api/messages')).body.messages.filter(({ deliveries }: { deliveries: unknown[] }) => deliveries.length > 0).length === 2)
  t.match((await product.api('/ready')).body, { ready: true, waiting: [/by-http: 1 on the way to out/, /by-mllp: 1 on the way to out/] }, '/ready says what waits')
  t.equal(await product.stop(), 0)
  t.match(await overMllp, /MSA\|AE\|1[\s\S]*kept/)
  t.equal((await overHttp).status, 503)
})

t.test('a failed step answers AE and says where, a duplicate gets the same, even when the content has been forgotten', async (t) => {
  const port = await freePort()
  const product = await startProduct(t, {
    env: { REFERO_RETENTION_EVERY: '100ms' },
    channels: {
      strict: `name: strict
description: for a test
source: { mllp: { host: 127.0.0.1, port: ${port} } }
format: hl7v2
acknowledge: transformed
retain: { content: 0s }
steps: [ { translate: { path: PV1-10, with: hospital-service } } ]
destinations: [ { name: out, to: { file: { folder: "\${REFERO_DATA}/out" } } } ]
`,
    },
  })
  t.match(await sendRaw(port, framed(message('1', 'ADT^A01', 'PV1|1|O||||||||NOT-A-SERVICE\r'))), /MSA\|AE\|1[\s\S]*\rERR\|[^\r]*PV1/)
  t.match(await sendRaw(port, framed(message('2', 'ADT^A01', 'PV1|1|O||||||||CAR\r'))), /MSA\|AA\|2/)
  await until(async () => (await product.api('/api/messages/2')).body.content === null)
  t.match(await sendRaw(port, framed(message('2', 'ADT^A01', 'PV1|1|O||||||||CAR\r'))), /MSA\|AA\|2/, 'the duplicate of what has been forgotten')
  t.equal((await product.api('/api/messages')).body.messages.length, 2)
})

t.test('a held delivery is named, and skipping it answers the sender who waits', async (t) => {
  const port = await freePort()
  const refusing = await freePort()
  const product = await startProduct(t, {
    channels: {
      refuser: `name: refuser\ndescription: x\nsource: { mllp: { host: 127.0.0.1, port: ${refusing} } }\nformat: hl7v2\nacknowledge: transformed\nsteps: [ { translate: { path: PV1-10, with: hospital-service } } ]\ndestinations: [ { name: out, to: { file: { folder: "\${REFERO_DATA}/out" } } } ]\n`,
      holder: `name: holder\ndescription: x\nsource: { mllp: { host: 127.0.0.1, port: ${port} } }\nformat: hl7v2\nacknowledge: delivered\ndestinations: [ { name: out, to: { mllp: { host: 127.0.0.1, port: ${refusing} } }, whenRefused: hold } ]\n`,
    },
  })
  const answer = sendRaw(port, framed(message('1', 'ADT^A01', 'PV1|1|O||||||||NOT-A-SERVICE\r')))
  await until(async () => (await product.api('/ready')).body.waiting.some((sentence: string) => /holder: 1 held for out/.test(sentence)))
  const { body } = await product.api('/api/messages?channel=holder')
  t.match(await product.api(`/api/messages/${body.messages[0].id}/skip`, { by: 'dana' }), { status: 200, body: { skipped: 1 } })
  t.match(await answer, /MSA\|AE\|1/)
})

t.test('the tests in a channel file play a merge as the engine does', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'refero-stop-'))
  writeFileSync(join(folder, 'a.hl7'), message('1', 'ADT^A08'))
  writeFileSync(join(folder, 'merge.hl7'), message('2', 'ADT^A40', 'MRG|1\r'))
  writeChannels(folder, {
    merging: `name: merging
description: x
source: { channel: {} }
format: hl7v2
destinations: [ { name: out, to: { channel: { name: elsewhere } }, partition: PID-3.1 } ]
tests: [ { name: both arrive, given: [a.hl7, merge.hl7], expect: { out: [sent, sent] } } ]
`,
  })
  t.match(await refero(['test', '--channels', join(folder, 'channels')], { env: { REFERO_FIXTURES: folder } }), { code: 0, out: /1 passed, 0 failed/ })
})

t.test('channels that would feed each other for ever, or take one port twice, do not run, and the others do', async (t) => {
  const [port, other] = [await freePort(), await freePort()]
  const channel = (name: string, source: string, to: string): string => `name: ${name}\ndescription: x\nsource: ${source}\nformat: hl7v2\ndestinations: [ { name: out, to: ${to} } ]\n`
  const folder = '{ file: { folder: "${REFERO_DATA}/out" } }'
  const product = await startProduct(t, {
    channels: {
      egg: channel('egg', `{ mllp: { host: 127.0.0.1, port: ${other} } }`, '{ channel: { name: hen } }'),
      hen: channel('hen', '{ channel: {} }', '{ channel: { name: egg } }'),
      one: channel('one', `{ mllp: { host: 127.0.0.1, port: ${port} } }`, folder),
      two: channel('two', `{ mllp: { host: 127.0.0.1, port: ${port} } }`, folder),
    },
  })
  t.match(await sendRaw(port, framed(message('1'))), /MSA\|AA\|1/)
  const { wrong } = (await product.api('/ready')).body
  t.ok(wrong.some((sentence: string) => /go round for ever/.test(sentence)), 'the circle is named')
  t.ok(wrong.some((sentence: string) => new RegExp(`port ${port} already`).test(sentence)), 'so is the port')
  const running = (await product.api('/api/channels')).body.channels.map(({ name }: { name: string }) => name)
  t.ok(running.includes('one') && running.length === 2, running.join(' '))
})
