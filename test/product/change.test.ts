/** Channels that change, break and collide while the engine runs: only what changed restarts, and nothing stops the others. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { channel, message } from './changing.js'
import { framed, freePort, sendRaw, startProduct, until, type Product } from './product.js'

const state = async (product: Product, name: string): Promise<string | undefined> =>
  (await product.api('/api/channels')).body.channels.find((one: { name: string }) => one.name === name)?.state

t.test('a channel whose port is taken does not stop the others, is named, and starts when the port is free', async (t) => {
  const [taken, free] = [await freePort(), await freePort()]
  const other = createServer().listen(taken, '127.0.0.1')
  await new Promise((listening) => other.once('listening', listening))
  const product = await startProduct(t, { channels: { one: channel('one', taken), two: channel('two', free) } })
  t.match(product.output(), /1 of 2 channels ready/)
  t.match(await product.api('/ready'), { status: 503, body: { ready: false, wrong: [/channel one is failed: .*in use/] } })
  t.match(await sendRaw(free, message('1')), /MSA\|AA\|1/)
  await new Promise((closed) => other.close(closed))
  await until(async () => (await product.api('/ready')).status === 200, product.output)
  t.match(await sendRaw(taken, message('2')), /MSA\|AA\|2/)
})

t.test('an edit is taken up, a bad edit keeps the last good revision running and says so, and only what changed restarts', async (t) => {
  const [a, b] = [await freePort(), await freePort()]
  const product = await startProduct(t, { channels: { one: channel('one', a), two: channel('two', b) } })
  const revision = async (name: string): Promise<string> => (await product.api('/api/channels')).body.channels.find((one: { name: string }) => one.name === name).revision
  const [one, two] = [await revision('one'), await revision('two')]
  const file = join(product.folder, 'channels/one.yaml')

  writeFileSync(file, channel('one', a, 'steps: [ { keep: { types: [ORU] } } ]'))
  await until(async () => (await revision('one')) !== one && (await state(product, 'one')) === 'running')
  t.match(await sendRaw(a, message('1')), /MSA\|AA\|1/)
  await until(async () => (await product.api('/api/messages?channel=one')).body.messages[0]?.status === 'filtered')
  t.equal(await revision('two'), two)

  writeFileSync(file, channel('one', a, 'stpes: []'))
  await until(async () => (await product.api('/ready')).body.wrong.some((sentence: string) => sentence.includes('one.yaml')))
  t.match((await product.api('/ready')).body.wrong, [/one\.yaml:5:1: .*`stpes`.*did you mean `steps`/])
  t.match(await sendRaw(a, message('2')), /MSA\|AA\|2/, 'the last good revision still runs')

  writeFileSync(file, channel('one', a))
  await until(async () => (await product.api('/ready')).status === 200)
  writeFileSync(join(product.folder, 'channels/three.yaml'), channel('three', await freePort()))
  await until(async () => (await state(product, 'three')) === 'running')
  rmSync(join(product.folder, 'channels/three.yaml'))
  await until(async () => (await state(product, 'three')) === undefined)
})

t.test('what one channel feeds into another that is not there waits, and arrives when it is', async (t) => {
  const port = await freePort()
  const feeder = `name: feeder
description: for a test
source: { mllp: { host: 127.0.0.1, port: ${port} } }
format: hl7v2
destinations: [ { name: on, to: { channel: { name: fed } }, retry: { every: 50ms, longest: 200ms } } ]
`
  const fed = 'name: fed\ndescription: for a test\nsource: { channel: {} }\nformat: hl7v2\ndestinations: [ { name: out, to: { file: { folder: "${REFERO_DATA}/fed" } } } ]\n'
  const product = await startProduct(t, { channels: { feeder } })
  t.match(await sendRaw(port, message('1')), /MSA\|AA\|1/)
  await until(async () => (await product.api('/api/messages/1')).body.history.some(({ what }: { what: string }) => what === 'retry'))
  writeFileSync(join(product.folder, 'channels/fed.yaml'), fed)
  await until(async () => (await product.api('/api/messages?channel=fed')).body.messages[0]?.deliveries[0]?.status === 'sent', product.output)
  t.pass('it arrived')
})

t.test('SIGTERM answers what was taken, and the next start delivers what was left', async (t) => {
  const [port, down] = [await freePort(), await freePort()]
  const waiting = `name: waiting
description: for a test
source: { mllp: { host: 127.0.0.1, port: ${port} } }
format: hl7v2
destinations: [ { name: out, to: { mllp: { host: 127.0.0.1, port: ${down} } }, retry: { every: 20ms, longest: 50ms } } ]
`
  const product = await startProduct(t, { channels: { waiting } })
  t.match(await sendRaw(port, message('1')), /MSA\|AA\|1/)
  t.equal(await product.stop(), 0)
  const arrived: string[] = []
  const receiver = createServer((socket) => {
    socket.on('error', () => undefined) // the product is killed at the end of the test
    socket.on('data', (bytes) => {
      arrived.push(bytes.toString())
      socket.write(framed('MSH|^~\\&|C|D|A|B|20260302||ACK|9|P|2.5.1\rMSA|AA|1\r'))
    })
  }).listen(down, '127.0.0.1')
  t.teardown(() => receiver.close())
  await startProduct(t, { folder: product.folder })
  await until(() => arrived.length === 1)
  t.match(arrived[0], /\|1\|P\|2\.5\.1/)
})

t.test('deliveries for a destination that a channel no longer has are named, not forgotten', async (t) => {
  const [port, down] = [await freePort(), await freePort()]
  const toNobody = (name: string): string => `name: one
description: for a test
source: { mllp: { host: 127.0.0.1, port: ${port} } }
format: hl7v2
destinations: [ { name: ${name}, to: { mllp: { host: 127.0.0.1, port: ${down} } } } ]
`
  const product = await startProduct(t, { channels: { one: toNobody('old') } })
  t.match(await sendRaw(port, message('1')), /MSA\|AA\|1/)
  await until(async () => (await product.api('/api/messages/1')).body.deliveries.length === 1)
  writeFileSync(join(product.folder, 'channels/one.yaml'), toNobody('new'))
  await until(async () => (await product.api('/ready')).body.wrong.some((sentence: string) => /1 deliveries wait for old, which is no destination any more/.test(sentence)))
  t.pass('it is named')
})

t.test('a broken edit of the desk’s tables is named at /ready, the last good ones hold, and a good one is taken up', async (t) => {
  const product = await startProduct(t, { channels: { one: channel('one', await freePort()) } })
  const folder = join(product.folder, 'mappings/routing')
  mkdirSync(folder, { recursive: true })
  const table = (ehr: string): void => writeFileSync(join(folder, 'default.csv'), `row,specialty,ehr,queue\n99,,${ehr},SECOND-FLOOR\n`)
  const queue = async (): Promise<string> => (await product.api('/api/routing/explain', { facts: {} })).body.routing.route.queue
  const before = await queue()

  table('epic-mian')
  await until(async () => (await product.api('/ready')).status === 503)
  t.match((await product.api('/ready')).body.wrong, [/default\.csv:2:5: No EHR is called `epic-mian`; did you mean `epic-main`\?/])
  t.equal(await queue(), before)
  table('epic-main')
  await until(async () => (await product.api('/ready')).status === 200)
  t.equal(await queue(), 'SECOND-FLOOR')
})
