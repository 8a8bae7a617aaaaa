/** The http source’s ports: shared by channels, left in order, had by others, secured; and the engine’s own web server instead. */
import { once } from 'node:events'
import { copyFile, readFile } from 'node:fs/promises'
import http, { type RequestOptions } from 'node:http'
import https from 'node:https'
import { connect } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import httpSource from '../../connectors/http/source.js'
import { ask, keeping, type Settings, serving } from './http-tools.js'
import { accepted, makeCertificates, testTools } from './tools.js'

t.test('channels share a port and not a path; it closes with the last', async (t) => {
  const [one, two] = [keeping(), keeping()]
  const first = await serving(t, one.receive, { path: '/one' })
  const { port } = first
  const second = await serving(t, two.receive, { path: '/two', port })
  await t.rejects(serving(t, two.receive, { path: '/two', port }), /\/two on port [0-9]+ is taken/)
  await t.rejects(serving(t, two.receive, { path: '/three', port, tls: { cert: '-----BEGIN X', key: '-----BEGIN X' } }), /`tls` is different/)
  t.equal((await ask(first.url, '1')).status, 200)
  t.equal((await ask(second.url, '2')).status, 200)
  await first.source.stop()
  t.match(await ask(first.url, '1'), { status: 503, headers: { 'retry-after': '10' } }, 'its senders are told to come again')
  t.equal((await ask(second.url, '2')).status, 200)
  await first.source.start(one.receive)
  await t.resolves(first.source.stop())
  await second.source.stop()
  await t.rejects(ask(second.url, '2'), { code: 'ECONNREFUSED' })
  const again = await serving(t, two.receive, { path: '/two', port })
  t.equal((await ask(again.url, '2')).status, 200)
  t.strictSame([one.taken.length, two.taken.length], [1, 3])
})

t.test('a port that another program has is said in a sentence', async (t) => {
  const other = http.createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  t.teardown(() => other.close())
  const { port } = other.address() as { port: number }
  await t.rejects(serving(t, keeping().receive, { port }), /Port [0-9]+ of 127\.0\.0\.1 cannot be had: another program listens there/)
})

t.test('without a port, the engine’s own web server serves it the same', async (t) => {
  const { taken, receive } = keeping()
  const tools = testTools('')
  const source = httpSource.create({ path: '/hooks/fax', token: 'k', maximum: '1kB' }, tools)
  t.equal(await source.start(receive), '/hooks/fax on the engine’s web server')
  const handler = tools.served.get('/hooks/fax')
  if (!handler) throw new Error('It is not served.')
  const request = { method: 'POST', path: '/hooks/fax', headers: { authorization: 'Bearer k' }, body: Buffer.from('x'), remote: '10.0.0.7' }
  t.match(await handler(request), { status: 200 })
  t.match(await handler({ ...request, headers: {} }), { status: 401 })
  t.match(await handler({ ...request, method: 'GET' }), { status: 405 })
  t.match(await handler({ ...request, body: Buffer.alloc(1025) }), { status: 413 })
  t.match(taken, [{ origin: '10.0.0.7' }])
  await source.stop()
  t.equal(tools.served.size, 0)
  t.match(await handler(request), { status: 503 }, 'a request that was on its way')
  t.throws(() => httpSource.create({ path: '/x', tls: { cert: 'a', key: 'b' } }, tools), /needs a `port`/)
  t.throws(() => httpSource.create({ path: '/x*' }, tools), /may end in/)
})

t.test('where nothing proves who sends, only this machine may, unless the path is open', async (t) => {
  const at = async (settings: Partial<Settings>): Promise<(remote: string, headers?: Record<string, string>) => Promise<number | undefined>> => {
    const tools = testTools('')
    const source = httpSource.create({ path: '/in', ...settings }, tools)
    await source.start(keeping().receive)
    t.teardown(() => source.stop())
    return async (remote, headers = {}) => (await tools.served.get('/in')?.({ method: 'POST', path: '/in', headers, body: Buffer.from('x'), remote }))?.status
  }
  const closed = await at({})
  for (const here of ['127.0.0.1', '::1', '::ffff:127.0.0.1', '127.0.0.1:4711']) t.equal(await closed(here), 200, here)
  for (const away of ['10.0.0.7', '::ffff:10.0.0.7', 'fd00::2', '1127.0.0.1', '']) t.equal(await closed(away), 403, away)
  for (const proxy of [{ 'x-forwarded-for': '10.0.0.7' }, { forwarded: 'for=10.0.0.7' }]) t.equal(await closed('127.0.0.1', proxy), 403, 'a proxy on this machine is not its senders')
  t.equal(await (await at({ open: true }))('10.0.0.7'), 200)
  t.equal(await (await at({ token: 'k' }))('10.0.0.7', { authorization: 'Bearer k' }), 200)
  t.throws(() => httpSource.create({ path: '/in', token: 'k', open: true }, testTools('')), /without any proof/)
})

t.test('what no two channels may share', async (t) => {
  t.strictSame(httpSource.claims?.({ path: '/a', port: 8421 }), ['port 8421 path /a'])
  t.strictSame(httpSource.claims?.({ path: '/a' }), ['web path /a'])
  t.strictSame(httpSource.claims?.({ path: '/a', port: 0 }), [])
})

t.test('stop answers what was taken, and lets go of what was still arriving', async (t) => {
  let arrived = (): void => undefined
  let answer = (): void => undefined
  const inHand = new Promise<void>((resolve) => { arrived = resolve })
  const { source, url, port } = await serving(t, () => new Promise((resolve) => {
    answer = () => resolve(accepted)
    arrived()
  }))
  const idle = connect(port, '127.0.0.1')
  await once(idle, 'connect')
  const arriving = connect(port, '127.0.0.1')
  arriving.write('POST /in HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 10\r\n\r\nMSH')
  await once(arriving, 'data')
  const asked = ask(url, 'x')
  await inHand
  let stopped = false
  const stopping = source.stop().then(() => { stopped = true })
  const [told] = (await once(arriving, 'data')) as [Buffer]
  t.match(told.toString(), /^HTTP\/1\.1 503 /)
  t.notOk(stopped)
  answer()
  t.equal((await asked).status, 200)
  await stopping
  await t.rejects(ask(url, 'x'), { code: 'ECONNREFUSED' })
})

t.test('stop lets an answer reach its sender whole', async (t) => {
  const acknowledgement = Buffer.alloc(8 * 1024 ** 2, 'x')
  let arrived = (): void => undefined
  let answer = (): void => undefined
  const inHand = new Promise<void>((resolve) => { arrived = resolve })
  const { source, url } = await serving(t, () => new Promise((resolve) => {
    answer = () => resolve({ ...accepted, acknowledgements: [acknowledgement] })
    arrived()
  }))
  const asked = ask(url, 'x')
  await inHand
  answer()
  await source.stop()
  t.equal((await asked).text.length, acknowledgement.length)
})

t.test('on the engine’s web server, too, stop waits for what was taken', async (t) => {
  const tools = testTools('')
  let answer = (): void => undefined
  const source = httpSource.create({ path: '/in' }, tools)
  await source.start(() => new Promise((resolve) => { answer = () => resolve(accepted) }))
  const asked = tools.served.get('/in')?.({ method: 'POST', path: '/in', headers: {}, body: Buffer.from('x'), remote: '127.0.0.1' })
  await new Promise((resolve) => setImmediate(resolve))
  let stopped = false
  const stopping = source.stop().then(() => { stopped = true })
  await new Promise((resolve) => setImmediate(resolve))
  t.notOk(stopped)
  answer()
  t.match(await asked, { status: 200 })
  await stopping
})

t.test('HTTPS asks for client certificates, and takes up a new certificate without a restart', async (t) => {
  const folder = t.testdir()
  const path = (name: string): string => join(folder, name)
  makeCertificates(folder, ['first', 'second', 'client', 'stranger'])
  const use = async (name: string): Promise<void> => { for (const kind of ['key', 'pem']) await copyFile(path(`${name}.${kind}`), path(`server.${kind}`)) }
  await use('first')
  const { taken, receive } = keeping()
  const { url, tools } = await serving(t, receive, { tls: { cert: path('server.pem'), key: path('server.key'), clients: path('client.pem') } })
  const as = async (client: string | null, server: string): Promise<RequestOptions & https.RequestOptions> => ({
    agent: new https.Agent(), ca: await readFile(path(`${server}.pem`)), ...(client && { cert: await readFile(path(`${client}.pem`)), key: await readFile(path(`${client}.key`)) }),
  })
  t.match(url, /^https:/)
  t.equal((await ask(url, 'x', await as('client', 'first'))).status, 200)
  await t.rejects(ask(url, 'x', await as(null, 'first')))
  await t.rejects(ask(url, 'x', await as('stranger', 'first')))
  await use('second')
  await tools.clock.asleep(60_000)
  tools.clock.advance(60_000)
  await tools.clock.asleep(60_000)
  t.equal((await ask(url, 'x', await as('client', 'second'))).status, 200)
  await t.rejects(ask(url, 'x', await as(null, 'second')), 'and client certificates are still asked for')
  await copyFile(path('stranger.key'), path('server.key'))
  tools.clock.advance(60_000)
  await tools.clock.asleep(60_000)
  t.equal((await ask(url, 'x', await as('client', 'second'))).status, 200, 'a certificate that cannot be used changes nothing')
  t.strictSame(tools.events.map(({ event }) => event), ['took up a new certificate', 'a new certificate cannot be used; the one before it stays'])
  t.equal(taken.length, 3)
  await t.rejects(serving(t, receive, { tls: { cert: path('server.pem'), key: path('none.key') } }), /`tls\.key` is neither PEM text nor a file/)
})
