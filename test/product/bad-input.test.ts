/** What comes in that should not: each gets a clear answer, and the others go on. */
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import t from 'tap'
import { fixture, framed, refero, sendRaw, startProduct, until, writeChannels } from './product.js'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const GOOD = readFileSync(fixture('hl7v2/ref-i12-cardiology.hl7'))

t.test('messages that cannot be read are rejected with a reason and kept, and the next one is taken', async (t) => {
  const product = await startProduct(t)
  const bad: Readonly<Record<string, Buffer>> = {
    'no MSH': Buffer.from('PID|1||123\r'),
    'nothing at all': Buffer.alloc(0),
    'a truncated header': Buffer.from('MSH|^~'),
    'not HL7': Buffer.from('{"resourceType":"Bundle"}'),
    'zero bytes': Buffer.from('MSH|^~\\&|A|B\0\0|C|D|2026||ADT^A01|1|P|2.5\r'),
  }
  for (const [name, message] of Object.entries(bad)) {
    const answer = await sendRaw(product.mllp, framed(message))
    t.match(answer, /MSA\|(AR|CR|AE)\|/, `${name}: ${answer?.replaceAll('\r', ' / ')}`)
    t.match(answer, /ERR\|/, `${name} is told why`)
  }
  t.match(await sendRaw(product.mllp, framed(GOOD)), /MSA\|[AC]A\|/, 'the next is taken')
  const kept = (await product.api('/api/messages?status=error')).body.messages
  t.ok(kept.length >= Object.keys(bad).length - 1, `${kept.length} unreadable messages are kept for a person`)
  for (const one of kept) t.ok(one.reason, 'with a reason')
})

t.test('a message of 100 MB is refused, and slow or silent connections do not hold up the others', async (t) => {
  const product = await startProduct(t)
  const slow: Socket[] = Array.from({ length: 200 }, () => connect(product.mllp, '127.0.0.1'))
  for (const socket of slow) {
    socket.on('error', () => {})
    socket.write('\x0bMSH|^~\\&|A')
  }
  const huge = connect(product.mllp, '127.0.0.1')
  let answer = ''
  const closed = new Promise((resolve) => huge.once('close', resolve))
  huge.on('error', () => {})
  huge.on('data', (bytes) => { answer += bytes.toString('latin1') })
  huge.write('\x0bMSH|^~\\&|A|B|C|D|20260302||ORU^R01|1|P|2.5.1\rOBX|1|ED|||')
  const chunk = Buffer.alloc(1024 * 1024, 0x41)
  for (let n = 0; n < 100 && !huge.destroyed; n++) {
    if (!huge.write(chunk)) await Promise.race([new Promise((drained) => huge.once('drain', drained)), closed])
  }
  await closed
  t.match(answer, /MSA\|(AR|CR|AE)\|/, 'it is told so')
  t.match(await sendRaw(product.mllp, framed(GOOD)), /MSA\|[AC]A\|/)
  t.equal((await product.api('/ready')).status, 200)
  for (const socket of slow) socket.destroy()
})

t.test('thousands of connections are limited, not fatal', async (t) => {
  const product = await startProduct(t)
  const many: Socket[] = []
  for (let n = 0; n < 3_000; n++) {
    const socket = connect(product.mllp, '127.0.0.1')
    socket.on('error', () => {})
    many.push(socket)
    if (n % 250 === 0) await new Promise((next) => setImmediate(next))
  }
  await until(async () => (await product.api('/health')).status === 200)
  for (const socket of many) socket.destroy()
  await until(async () => /MSA\|[AC]A\|/.test((await sendRaw(product.mllp, framed(GOOD))) ?? ''), product.output)
  t.pass('the next sender is served')
})

t.test('channel files with slips, collisions and cycles are told where and what, and good ones run', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'refero-bad-'))
  const file = (name: string, source: string, to: string, extra = ''): string => `name: ${name}\ndescription: x\nsource: ${source}\nformat: hl7v2\n${extra}destinations: [ { name: out, to: ${to} } ]\n`
  writeChannels(folder, {
    'slip': file('slip', '{ mlpp: { port: 7001 } }', '{ file: { folder: x } }'),
    'unknown': file('unknown', '{ channel: {} }', '{ file: { folder: x } }', 'acknowlege: received\n'),
    'one': file('one', '{ mllp: { port: 7002 } }', '{ file: { folder: x } }'),
    'two': file('two', '{ mllp: { port: 7002 } }', '{ file: { folder: x } }'),
    'egg': file('egg', '{ channel: {} }', '{ channel: { name: hen } }'),
    'hen': file('hen', '{ channel: {} }', '{ channel: { name: egg } }'),
    'secret': file('secret', '{ http: { path: /in, token: abc123abc123 } }', '{ file: { folder: x } }'),
  })
  const { code, out } = await refero(['check', '--channels', join(folder, 'channels')])
  t.equal(code, 1)
  t.match(out, /slip\.yaml:3:\d+ error .*[Nn]o connector is called `mlpp`; did you mean `mllp`\?/)
  t.match(out, /unknown\.yaml:5:1 error .*`acknowlege`.*did you mean `acknowledge`/)
  t.match(out, /(one|two)\.yaml:3:\d+ error .*7002/)
  t.match(out, /(egg|hen)\.yaml:\d+:\d+ error .*(hen|egg)/)
  t.match(out, /secret\.yaml:3:\d+ \w+ secret-in-clear/)
  t.match(out, /one\.yaml:\d+:\d+ warning .*test/)
})

t.test('the tests inside channel files are run, told apart, and written as JUnit', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'refero-tests-'))
  const shipped = await refero(['test', '--junit', join(folder, 'junit.xml')])
  t.match(shipped, { code: 0, out: /\d+ passed, 0 failed/ })
  t.match(readFileSync(join(folder, 'junit.xml'), 'utf8'), /<testsuite name="referrals-hl7" tests="\d+" failures="0">/)
  writeChannels(folder, {
    wrong: `name: wrong
description: x
source: { channel: {} }
format: hl7v2
destinations: [ { name: out, to: { channel: { name: wrong-too } } } ]
tests:
  - name: expects another name
    given: hl7v2/ref-i12-cardiology.hl7
    expect: { acknowledgement: AR, out: { PID-5.1: NOBODY } }
`,
  })
  const wrong = await refero(['test', '--channels', join(folder, 'channels')])
  t.match(wrong, { code: 1, out: /FAILED wrong: expects another name[\s\S]*acknowledgement: expected AR[\s\S]*PID-5\.1: expected “NOBODY”, found “EVERYWOMAN”[\s\S]*0 passed, 1 failed/ })
  const json = await refero(['test', '--json', '--channels', join(folder, 'channels')])
  t.equal(JSON.parse(json.out)[0].failures.length, 2)
})
