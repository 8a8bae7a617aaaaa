/** Incidents by the built product: raised once, told once, resolved, kept over a restart, and given to channels that post them. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createTcpServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { deframe } from '../bench/frames.js'
import { type Answer, framed, freePort, type Product, refero, ROOT, sendRaw, startProduct, until } from './product.js'

const SOON = { REFERO_WATCH_EVERY: '50ms', REFERO_WATCH_GRACE: '200ms', REFERO_WATCH_AGAIN: '0s', REFERO_WATCH_DISK: '0%' }
const message = (id: number): Buffer => framed(`MSH|^~\\&|A|B|C|D|20260302||ADT^A01|${id}|P|2.5.1\rPID|1||123\r`)

const channel = (name: string, port: number, watch: string, to: string): string => `name: ${name}
description: for a test
source: { mllp: { host: 127.0.0.1, port: ${port} } }
format: hl7v2
watch: ${watch}
destinations:
  - name: out
    to: ${to}
    retry: { every: 20ms, longest: 50ms }
`
const alert = (to = '{ file: { folder: "${REFERO_DATA}/alerts", extension: json } }', more = '{}'): string => `name: alert
description: for a test
source: { incidents: ${more} }
format: { json: { controlId: id, type: kind } }
destinations: [ { name: out, to: ${to}, retry: { every: 20ms, longest: 50ms } } ]
`
const list = async (product: Product, query = ''): Promise<Answer[]> => (await product.api(`/api/incidents?limit=500${query}`)).body.incidents
const alerts = (product: Product): Answer[] => {
  try {
    return readdirSync(join(product.folder, 'data/alerts')).filter((name) => name.endsWith('.json')).sort().map((name) => JSON.parse(readFileSync(join(product.folder, 'data/alerts', name), 'utf8')) as unknown)
  } catch {
    return []
  }
}
const logged = (product: Product, what: string): number => product.output().split('\n').filter((line) => line.includes(`"msg":"incident ${what}`)).length

/** A receiver that answers with a code, on a port of its own or a given one. */
const receiver = async (t: Test, code: () => string, port = 0): Promise<number> => {
  const server = createTcpServer((socket) => {
    socket.on('error', () => undefined)
    socket.on('data', deframe((frame) => {
      const id = frame.toString().split('\r')[0]?.split('|')[9]
      socket.write(framed(`MSH|^~\\&|C|D|A|B|20260302||ACK|9|P|2.5.1\rMSA|${code()}|${id}\r`))
    }))
  }).listen(port, '127.0.0.1')
  await new Promise((listening) => server.once('listening', listening))
  t.teardown(() => server.close())
  return (server.address() as AddressInfo).port
}

t.test('a channel silent in its hours is one incident; it is told once, survives a restart, and ends with the next message', async (t) => {
  const port = await freePort()
  const channels = { adt: channel('adt', port, '{ silent: 300ms, hours: "00:00-24:00" }', '{ file: { folder: "${REFERO_DATA}/out" } }'), alert: alert() }
  const first = await startProduct(t, { channels, env: SOON })
  await until(async () => (await list(first)).length > 0, first.output)
  await until(() => alerts(first).length > 0, first.output)
  t.match(await first.api('/ready'), { status: 200, body: { ready: true, incidents: [/Channel adt has received nothing since/] } }, 'it is said at /ready, and the engine is ready all the same')
  const env = { REFERO_HTTP_PORT: String(first.http), REFERO_TOKEN: first.token }
  t.match(await refero(['incidents'], { env }), { code: 1, out: /1 {2}OPEN for \d+.*silent\n.*Channel adt has received nothing since.*\n.*Ask the sender/ })
  t.match(await refero(['incidents', 'acknowledge', '1', '--why', 'the lab moves', '--by', 'ada'], { env }), { code: 0, out: /acknowledged/ })
  t.match(await refero(['incidents'], { env }), { code: 0, out: /acknowledged for.*\n.*\n.*acknowledged by ada: the lab moves/ })
  t.match(await refero(['incidents', 'acknowledge', '1'], { env }), { code: 2, err: /Say why with --why/ })
  t.match(await refero(['incidents', 'acknowledge', '99', '--why', 'x'], { env }), { code: 2, err: /No incident has the number 99/ })
  t.match(JSON.parse((await refero(['incidents', '--all', '--json'], { env })).out), { incidents: [{ id: 1, kind: 'silent', state: 'acknowledged' }] })
  t.equal(await first.stop(), 0)
  t.equal(logged(first, 'opened'), 1)

  const second = await startProduct(t, { folder: first.folder, env: SOON })
  const api = (path: string): Promise<Answer> => second.api(path, undefined, { authorization: `Bearer ${first.token}` })
  t.match((await api('/api/incidents')).body.incidents, [{ id: 1, state: 'acknowledged', acknowledged: { by: 'ada' } }])
  const sender = setInterval(() => void sendRaw(port, message(Date.now())), 50)
  t.teardown(() => clearInterval(sender))
  await until(async () => (await api('/api/incidents/1')).body.state === 'resolved', second.output)
  clearInterval(sender)
  await until(() => alerts(second).length >= 2, second.output)
  t.strictSame(alerts(second).slice(0, 2).map(({ moment, id, channel }) => ({ moment, id, channel })), [{ moment: 'opened', id: 1, channel: 'adt' }, { moment: 'resolved', id: 1, channel: 'adt' }], 'a message for each moment, once')
  t.equal(second.output().split('\n').filter((line) => line.includes('incident opened') && line.includes('"incident":1,')).length, 0)
  t.equal(second.output().split('\n').filter((line) => line.includes('incident resolved') && line.includes('"incident":1,')).length, 1)
})

t.test('a receiver that is down is told of once, and is resolved when it is back', async (t) => {
  const [port, down] = [await freePort(), await freePort()]
  const product = await startProduct(t, { channels: { adt: channel('adt', port, '{ oldest: 300ms, disconnected: 300ms }', `{ mllp: { host: 127.0.0.1, port: ${down} } }`), alert: alert(undefined, '{ kinds: [oldest, disconnected] }') }, env: SOON })
  const destination = async (state: string): Promise<string[]> => (await list(product, `&state=${state}&channel=adt`)).filter((one: Answer) => one.destination === 'out').map((one: Answer) => one.kind).sort()
  for (let id = 1; id <= 20; id++) t.match(await sendRaw(port, message(id)), /MSA\|AA/)
  await until(async () => (await destination('open')).length === 2, product.output)
  t.strictSame(await destination('open'), ['disconnected', 'oldest'])
  await until(async () => (await list(product, '&kind=oldest'))[0]?.count === 20, product.output)
  t.match((await list(product, '&kind=oldest'))[0], { count: 20, destination: 'out', what: /^20 deliveries wait for out in channel adt, the oldest since/ })
  await receiver(t, () => 'AA', down)
  await until(async () => (await destination('resolved')).length === 2, product.output)
  t.strictSame(await destination('unresolved'), [])
  const lines = (what: string): number => product.output().split('\n').filter((line) => line.includes(`incident ${what}`) && line.includes('"destination":"out"')).length
  t.strictSame([lines('opened'), lines('resolved')], [2, 2], 'one line each')
  await until(() => alerts(product).filter((one: Answer) => one.destination === 'out').length === 4, product.output)
})

t.test('a flood of refusals is one incident', async (t) => {
  const port = await freePort()
  let code = 'AR'
  const to = await receiver(t, () => code)
  const product = await startProduct(t, { channels: { adt: channel('adt', port, '{ refused: 3 }', `{ mllp: { host: 127.0.0.1, port: ${to} } }`) }, env: SOON })
  for (let id = 1; id <= 40; id++) await sendRaw(port, message(id))
  await until(async () => (await list(product))[0]?.count === 40, product.output)
  t.match(await list(product), [{ kind: 'refused', state: 'open', destination: 'out', what: 'out in channel adt has refused 40 deliveries one after the other.' }])
  code = 'AA'
  await sendRaw(port, message(41))
  await until(async () => (await list(product))[0]?.state === 'resolved', product.output)
  t.strictSame([(await list(product)).length, logged(product, 'opened'), logged(product, 'resolved')], [1, 1, 1])
})

t.test('without being asked for: a channel that cannot start, a file that cannot be used, what is held, the disk', async (t) => {
  const [port, taken] = [await freePort(), await freePort()]
  const other = createTcpServer().listen(taken, '127.0.0.1')
  await new Promise((listening) => other.once('listening', listening))
  const held = channel('held', port, '{}', `{ mllp: { host: 127.0.0.1, port: ${await receiver(t, () => 'AR')} } }`).replace('    retry:', '    whenRefused: hold\n    retry:')
  const blocked = channel('blocked', taken, '{}', '{ file: { folder: "${REFERO_DATA}/out" } }')
  const product = await startProduct(t, { channels: { held, blocked }, env: { ...SOON, REFERO_WATCH_DISK: '100%' } })
  await sendRaw(port, message(1))
  const kinds = async (): Promise<string[]> => (await list(product, '&state=open')).map((one: Answer) => one.kind).sort()
  await until(async () => (await kinds()).length === 3, product.output)
  t.strictSame(await kinds(), ['channel-failed', 'disk', 'held'])
  t.match((await list(product, '&kind=channel-failed'))[0], { channel: 'blocked', what: 'Channel blocked cannot start; it is tried again.', because: /in use/, advice: /Mend/ })
  writeFileSync(join(product.folder, 'channels/held.yaml'), held.replace('{}', '{ silnet: 4h }'))
  await until(async () => (await kinds()).length === 4, product.output)
  t.match(await list(product, '&kind=channel-failed'), [{ channel: null, because: /held\.yaml:5:10: .*did you mean `silent`\?/ }, { channel: 'blocked' }])
  writeFileSync(join(product.folder, 'channels/held.yaml'), held)
  await new Promise((closed) => other.close(closed))
  await until(async () => (await kinds()).length === 2, product.output)
  const page = (await product.api('/api/incidents?limit=3')).body
  t.strictSame(page.incidents.map((one: Answer) => one.state), ['open', 'open', 'resolved'], 'the open ones first')
  t.equal((await product.api(`/api/incidents?limit=3&after=${page.next}`)).body.incidents.length, 1)
  t.match(await product.api('/api/incidents?kind=slient'), { status: 400 })
  t.match(await product.api('/api/incidents', undefined, { authorization: 'Bearer no' }), { status: 401 })
  t.match(await product.api('/api/incidents/1/acknowledge', { by: 'ada' }), { status: 400 })
})

t.test('a channel that tells of incidents is not told of itself, and what it could not send arrives later, once', async (t) => {
  const posted: Answer[] = []
  let works = false
  const webhook = createServer((request, response) => {
    let body = ''
    request.on('data', (text) => { body += text })
    request.on('end', () => {
      if (works) posted.push(JSON.parse(body))
      response.writeHead(works ? 200 : 503).end()
    })
  }).listen(0, '127.0.0.1')
  await new Promise((listening) => webhook.once('listening', listening))
  t.teardown(() => webhook.closeAllConnections())
  t.teardown(() => webhook.close())
  const port = await freePort()
  const mailer = `name: mailer
description: for a test
source: { channel: {} }
format: json
watch: { oldest: 200ms }
destinations: [ { name: post, to: { http: { url: "http://127.0.0.1:${(webhook.address() as AddressInfo).port}/" } }, retry: { every: 20ms, longest: 50ms } } ]
`
  const channels = { adt: channel('adt', port, '{ silent: 200ms }', '{ file: { folder: "${REFERO_DATA}/out" } }'), alert: alert('{ channel: { name: mailer } }'), mailer }
  const product = await startProduct(t, { channels, env: SOON })
  await until(async () => (await list(product, '&state=open')).length === 2, product.output)
  t.strictSame((await list(product)).map((one: Answer) => `${one.channel} ${one.kind}`).sort(), ['adt silent', 'mailer oldest'])
  await product.stop()
  works = true
  const again = await startProduct(t, { folder: product.folder, env: SOON })
  await until(async () => (await again.api('/api/incidents?kind=oldest', undefined, { authorization: `Bearer ${product.token}` })).body.incidents[0]?.state === 'resolved', again.output)
  await until(() => posted.length > 0, again.output)
  await again.stop()
  t.strictSame(posted.map(({ moment, channel, kind }) => `${moment} ${channel} ${kind}`), ['opened adt silent'], 'the incident of the channel that it feeds is not among them')
})

t.test('the example channel that posts incidents passes its tests', async (t) => {
  t.match(await refero(['test', 'incidents-webhook', '--channels', join(ROOT, 'fixtures/channels')]), { code: 0 })
})

t.test('a channel file that goes away while deliveries wait is named, until it is back', async (t) => {
  const port = await freePort()
  const product = await startProduct(t, { channels: { adt: channel('adt', port, '{}', `{ mllp: { host: 127.0.0.1, port: ${await freePort()} } }`) }, env: { ...SOON, COLUMNS: '80' } })
  await sendRaw(port, message(1))
  const waiting = async (): Promise<string[]> => (await product.api('/ready')).body.waiting
  await until(async () => (await waiting()).some((one) => /^channel adt: 1 on the way to out/.test(one)), product.output)
  const file = join(product.folder, 'channels/adt.yaml')
  const text = readFileSync(file, 'utf8')
  rmSync(file)
  await until(async () => (await waiting()).some((one) => one === 'channel adt: 1 left for out, and no channel file is for it: bring it back, or skip them'), product.output)
  await until(async () => (await list(product, '&state=open')).some(({ kind, channel: of, what }) => kind === 'oldest' && of === 'adt' && /which no channel file is for/.test(what)), product.output)
  writeFileSync(file, text)
  await until(async () => (await list(product, '&state=open')).length === 0, product.output)
  t.match(await waiting(), [/^channel adt: 1 on the way to out/])
  await product.stop()
})
