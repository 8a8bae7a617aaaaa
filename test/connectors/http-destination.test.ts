/** The http destination over real sockets: what each answer means, and how sure we are where there is none. */
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import http, { type IncomingMessage, type RequestListener } from 'node:http'
import https from 'node:https'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import httpDestination from '../../connectors/http/destination.js'
import httpSource from '../../connectors/http/source.js'
import type { Outcome } from '../../engine/contracts.js'
import { connectorConformance } from '../conformance/connectors.js'
import { accepted, deliveryOf, makeCertificates, never, rejected, testTools } from './tools.js'

type Settings = Parameters<typeof httpDestination.create>[0]

const listening = async (t: Test, server: Server): Promise<number> => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => new Promise((resolve) => {
    if (server instanceof http.Server || server instanceof https.Server) server.closeAllConnections()
    server.close(resolve)
  }))
  return (server.address() as AddressInfo).port
}

const opened = async (t: Test, settings: Settings, tools = testTools('')) => {
  const destination = httpDestination.create(settings, tools)
  await destination.open()
  t.teardown(() => destination.close())
  return destination
}

/** A destination of a receiver that answers with `answer`. */
const sendingTo = async (t: Test, answer: RequestListener, settings: Partial<Settings> = {}, tools = testTools('')) => {
  const port = await listening(t, http.createServer(answer))
  return { port, destination: await opened(t, { url: `http://127.0.0.1:${port}/in`, ...settings }, tools) }
}

const textOf = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

t.test('each status has its meaning', async (t) => {
  let status = 0
  const { destination } = await sendingTo(t, (request, response) => {
    request.resume()
    response.writeHead(status, { location: '/elsewhere' }).end(status === 204 || status === 304 ? undefined : `answer ${status}`)
  })
  const table: [number[], Outcome['kind']][] = [
    [[200, 201, 202, 204], 'sent'],
    [[301, 302, 307, 400, 403, 404, 409, 410, 413, 415, 422, 500, 501, 505], 'refused'],
    [[401, 408, 425, 429, 503, 507], 'unavailable'],
    [[502, 504], 'unknown'],
  ]
  for (const [statuses, kind] of table) for (status of statuses) {
    const outcome = await destination.deliver(deliveryOf('x'), never)
    t.equal(outcome.kind, kind, `${status}`)
    if (outcome.kind === 'refused') t.match(outcome, { code: `${status}`, reason: new RegExp(`^answered ${status} `), response: Buffer.from(`answer ${status}`) })
    if (outcome.kind === 'sent') t.equal(outcome.response?.toString(), status === 204 ? undefined : `answer ${status}`)
  }
  status = 302
  t.match(await destination.deliver(deliveryOf('x'), never), { reason: /redirects are not followed; set `url`/ })
})

t.test('a channel may say which statuses mean that it was taken', async (t) => {
  let status = 409
  const { destination } = await sendingTo(t, (_, response) => { response.writeHead(status).end() }, { accept: [201, 409] })
  t.match(await destination.deliver(deliveryOf('x'), never), { kind: 'sent' })
  status = 200
  t.match(await destination.deliver(deliveryOf('x'), never), { kind: 'refused', code: '200' })
})

t.test('a request says what it is, who sends it, and which delivery it repeats', async (t) => {
  const requests: IncomingMessage[] = []
  const texts: string[] = []
  const answer: RequestListener = async (request, response) => {
    requests.push(request)
    texts.push(await textOf(request))
    response.end()
  }
  const { destination, port } = await sendingTo(t, answer, { method: 'PUT', headers: { 'X-Facility': 'PGV' }, token: 'k' })
  for (const attempts of [1, 2]) await destination.deliver(deliveryOf('MSH|^~\\&|', { attempts }), never)
  t.match(requests[0], { method: 'PUT', url: '/in', headers: { 'x-facility': 'PGV', authorization: 'Bearer k', 'content-type': 'x-application/hl7-v2+er7', 'content-length': '9' } })
  t.strictSame(requests.map(({ headers }) => headers['idempotency-key']), ['orders/7', 'orders/7'])
  t.strictSame(texts, ['MSH|^~\\&|', 'MSH|^~\\&|'])
  const url = `http://127.0.0.1:${port}/in`
  const basic = await opened(t, { url, basic: { user: 'u', password: 'p' }, contentType: 'application/fhir+json' })
  await basic.deliver(deliveryOf('{}'), never)
  t.match(requests.at(-1)?.headers, { authorization: 'Basic dTpw', 'content-type': 'application/fhir+json' })
  const plain = await opened(t, { url })
  for (const [payload, type] of [['{}', 'application/json'], ['BHS|', 'x-application/hl7-v2+er7'], ['hello', 'application/octet-stream']] as const) {
    await plain.deliver(deliveryOf(payload), never)
    t.equal(requests.at(-1)?.headers['content-type'], type)
  }
})

t.test('settings that cannot work are said in a sentence', async (t) => {
  const wrong: [Settings, RegExp][] = [
    [{ url: 'http://u:p@a/' }, /use `basic`/],
    [{ url: 'http://a/', tls: {} }, /begins with https/],
    [{ url: 'http://a/', headers: { 'a b': 'c' } }, /`a b` cannot be sent/],
    [{ url: 'http://a/', headers: { a: 'b\r\nc: d' } }, /`a` cannot be sent/],
    [{ url: 'http://a/', headers: { 'Content-Length': '1' } }, /set by the connector/],
    [{ url: 'http://a/', token: 'a', hmac: { secret: 'b' } }, /`token` and `hmac` cannot be used together/],
  ]
  for (const [settings, sentence] of wrong) t.throws(() => httpDestination.create(settings, testTools('')), sentence)
  await t.rejects(opened(t, { url: 'https://a/', tls: { ca: '/nowhere.pem' } }), /`tls\.ca` is neither PEM text nor a file that can be read \(ENOENT\)/)
})

t.test('nobody there is unavailable; a connection lost once the request is on its way is unknown', async (t) => {
  const port = await listening(t, createServer((socket) => socket.once('data', () => socket.resetAndDestroy())))
  const lost = await opened(t, { url: `http://127.0.0.1:${port}` })
  t.match(await lost.deliver(deliveryOf('x'), never), { kind: 'unknown', reason: 'the connection was reset (ECONNRESET)' })
  const server = createServer((socket) => socket.once('data', () => socket.end()))
  const ending = await listening(t, server)
  const ended = await opened(t, { url: `http://127.0.0.1:${ending}` })
  t.match(await ended.deliver(deliveryOf('x'), never), { kind: 'unknown' })
  server.close()
  await once(server, 'close')
  t.match(await ended.deliver(deliveryOf('x'), never), { kind: 'unavailable', reason: 'nothing listens there (ECONNREFUSED)' })
  t.match(await ended.deliver(deliveryOf('x'), AbortSignal.abort()), { kind: 'unavailable' }, 'given up before it began')
})

t.test('after an answer in time fails to come, a late one is not taken for the next one’s', async (t) => {
  const ports: (number | undefined)[] = []
  let asked = (): void => undefined
  const { destination } = await sendingTo(t, (request, response) => {
    request.resume()
    ports.push(request.socket.remotePort)
    if (ports.length === 2) asked()
    else response.end(`answer ${ports.length}`)
  })
  t.match(await destination.deliver(deliveryOf('x'), never), { kind: 'sent' })
  const deadline = new AbortController()
  asked = () => deadline.abort()
  t.match(await destination.deliver(deliveryOf('x'), deadline.signal), { kind: 'unknown', reason: 'no answer in time (TIMEOUT)' })
  const next = await destination.deliver(deliveryOf('x'), never)
  t.match(next, { kind: 'sent', response: Buffer.from('answer 3') })
  t.equal(ports[0], ports[1], 'a connection is kept')
  t.not(ports[1], ports[2], 'and dropped once it cannot be trusted')
})

t.test('a kept connection that the receiver has closed meanwhile costs nothing', async (t) => {
  const server = http.createServer((request, response) => { request.resume(); response.end() })
  const port = await listening(t, server)
  const destination = await opened(t, { url: `http://127.0.0.1:${port}` })
  for (let n = 0; n < 5; n++) {
    t.match(await destination.deliver(deliveryOf('x'), never), { kind: 'sent' })
    server.closeAllConnections()
  }
})

t.test('of an answer only its beginning is kept, and one cut short still counts', async (t) => {
  const { destination } = await sendingTo(t, (request, response) => {
    request.resume()
    if (request.method === 'POST') response.end('x'.repeat(100_000))
    else response.writeHead(200, { 'content-length': '10' }).write('abc', () => response.destroy())
  }, { maximumAnswer: '1kB' })
  for (let n = 0; n < 2; n++) {
    const outcome = await destination.deliver(deliveryOf('x'), never)
    t.equal(outcome.kind === 'sent' && outcome.response?.length, 1024)
  }
  const { destination: cut } = await sendingTo(t, (request, response) => {
    request.resume()
    response.writeHead(200, { 'content-length': '10' }).write('abc', () => response.destroy())
  })
  t.match(await cut.deliver(deliveryOf('x'), never), { kind: 'sent', response: Buffer.from('abc') })
})

t.test('HTTPS receivers are verified, and a certificate that they do not accept is no loss', async (t) => {
  const folder = t.testdir()
  const path = (name: string): string => join(folder, name)
  makeCertificates(folder, ['server', 'client'])
  const [cert, key, ca] = await Promise.all(['server.pem', 'server.key', 'client.pem'].map((name) => readFile(path(name))))
  let taken = 0
  const port = await listening(t, https.createServer({ cert, key, ca, requestCert: true, rejectUnauthorized: true }, (request, response) => {
    taken++
    request.resume()
    response.end()
  }))
  const url = `https://127.0.0.1:${port}`
  const unverified = await opened(t, { url })
  t.match(await unverified.deliver(deliveryOf('x'), never), { kind: 'unavailable', reason: /SELF_SIGNED/ })
  const nameless = await opened(t, { url, tls: { ca: path('server.pem') } })
  t.match(await nameless.deliver(deliveryOf('x'), never), { kind: 'unavailable', reason: /CERTIFICATE_REQUIRED/ })
  t.equal(taken, 0)
  const known = await opened(t, { url, tls: { ca: path('server.pem'), cert: path('client.pem'), key: await readFile(path('client.key'), 'utf8') } })
  t.match(await known.deliver(deliveryOf('x'), never), { kind: 'sent' })
  t.equal(taken, 1)
})

t.test('what a destination signs, a source with the same settings takes', async (t) => {
  const tools = testTools('')
  for (const hmac of [{ secret: 'k' }, { secret: 'k', algorithm: 'sha384', encoding: 'base64', prefix: 'v1=', timestamp: { header: 'X-Time' } }] as const) {
    const source = httpSource.create({ path: '/in', port: 0, host: '127.0.0.1', hmac }, tools)
    const url = await source.start(async () => accepted)
    t.teardown(() => source.stop())
    t.match(await (await opened(t, { url, hmac }, tools)).deliver(deliveryOf('x'), never), { kind: 'sent' })
    t.match(await (await opened(t, { url, hmac: { ...hmac, secret: 'other' } }, tools)).deliver(deliveryOf('x'), never), { kind: 'unavailable', code: '401' })
  }
})

const words = ['EVERYWOMAN', '19620320']
connectorConformance(t, 'http', {
  makeSource: (tools, at) => httpSource.create({ path: '/loop', port: at ? Number(new URL(at).port) : 0, host: '127.0.0.1', token: 'k' }, tools),
  makeDestination: (at, tools) => httpDestination.create({ url: at, token: 'k' }, tools),
  payloads: [Buffer.from(`MSH|^~\\&|A\rPID|1||7||${words.join('^EVE|')}\r`), Buffer.from([0, 255, 10, 13, 128]), Buffer.alloc(5 * 1024 ** 2, 'x')],
  reply: (_, verdict) => ({ ...accepted, verdict, reason: verdict === 'accepted' ? null : rejected.reason }),
  hears: { rejected: 'refused', error: 'unavailable' },
  secrets: words,
  through: (at, port) => at.replace(/:[0-9]+\//, `:${port}/`),
})
